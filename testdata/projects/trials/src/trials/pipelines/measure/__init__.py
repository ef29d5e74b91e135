"""Measures what was drawn."""

from kedro.pipeline import node, pipeline


def measure(numbers, kept, unit):
    """Return the spread in a unit, and a summary. The number of those kept comes from MLflow."""
    spread = (max(numbers) - min(numbers)) / unit
    return spread, {"kept": kept, "spread": spread}


def create_pipeline(**_):
    """One node, which loads a metric that another job has logged."""
    return pipeline([node(measure, ["numbers", "kept", "params:unit"], ["spread", "summary"], name="measure_numbers")])
