"""A registry whose pipelines are made of others."""

from kedro.framework.project import find_pipelines


def register_pipelines():
    """Adds a composed pipeline, whose name is that of no module."""
    pipelines = find_pipelines()
    pipelines["all_of_it"] = pipelines["ingest"] + pipelines["model"]
    pipelines["__default__"] = pipelines["all_of_it"]
    return pipelines
