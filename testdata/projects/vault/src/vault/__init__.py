"""A project that has secrets wherever a project can have some."""
