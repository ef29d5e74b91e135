"""The package of custom."""

print("custom is imported")
