"""Project pipelines."""

from kedro.framework.project import find_pipelines
from kedro.pipeline import Pipeline


def register_pipelines() -> dict[str, Pipeline]:
    """Register the project's pipelines by name.

    Returns:
        A mapping from names to ``Pipeline`` objects, with all of them together as ``__default__``.
    """
    pipelines = find_pipelines()
    pipelines["__default__"] = sum(pipelines.values(), start=Pipeline([]))
    return pipelines
