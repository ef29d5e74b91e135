"""The data_processing pipeline."""

from .pipeline import create_pipeline  # noqa: F401
