"""The package of flat."""
