"""The package of locked."""
