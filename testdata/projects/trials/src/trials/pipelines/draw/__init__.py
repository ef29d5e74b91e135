"""Draws numbers."""

import random

from kedro.pipeline import node, pipeline


def draw(options):
    """Draw numbers and keep the positive ones."""
    source = random.Random(options["seed"])
    numbers = [number for number in (source.gauss(0, 1) for _ in range(options["count"])) if number > 0]
    return numbers, float(len(numbers))


def create_pipeline(**_):
    """One node, whose second output is a metric."""
    return pipeline([node(draw, "params:draw", ["numbers", "kept"], name="draw_numbers")])
