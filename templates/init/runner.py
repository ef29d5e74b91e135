"""Runners of the project."""

from .batch_runner import AWSBatchRunner

__all__ = ["AWSBatchRunner"]
