"""The package of namespaces."""
