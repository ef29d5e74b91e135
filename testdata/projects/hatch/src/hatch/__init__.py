"""The package of hatch."""

print("hatch is imported {")
