"""The package of poetry."""
