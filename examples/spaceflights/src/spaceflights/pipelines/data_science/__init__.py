"""The data_science pipeline."""

from .pipeline import create_pipeline  # noqa: F401
