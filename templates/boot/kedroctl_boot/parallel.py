"""Makes datasets on S3 fit for ParallelRunner, which sends its catalog to other processes.

Kedro's versioned datasets hold methods of their filesystem. fsspec makes those of asynchronous filesystems at run time, so
they cannot be pickled (Kedro's issue 2162), although filesystem and dataset can.
"""

from __future__ import annotations

from typing import Any

from kedro.io import AbstractVersionedDataset

_HELD = {"_exists_function": "exists", "_glob_function": "glob"}


class _Method:
    """A method of a filesystem, looked up when it is called."""

    def __init__(self, fs: Any, name: str) -> None:
        self._fs = fs
        self._name = name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return getattr(self._fs, self._name)(*args, **kwargs)


def make_picklable(dataset: Any) -> None:
    """Replace the methods that a dataset holds, if its filesystem makes them at run time."""
    fs = getattr(dataset, "_fs", None)
    if not isinstance(dataset, AbstractVersionedDataset) or not getattr(fs, "async_impl", False):
        return
    for attribute, name in _HELD.items():
        setattr(dataset, attribute, _Method(fs, name))
