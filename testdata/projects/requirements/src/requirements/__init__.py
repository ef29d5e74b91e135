"""The package of requirements."""
