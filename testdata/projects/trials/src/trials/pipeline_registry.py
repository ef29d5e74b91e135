"""The pipelines of the project."""

from kedro.framework.project import find_pipelines


def register_pipelines():
    """Adds the sum of all to the pipelines that are found."""
    pipelines = find_pipelines()
    pipelines["__default__"] = sum(pipelines.values())
    return pipelines
