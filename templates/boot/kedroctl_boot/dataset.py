"""A dataset for what is in memory in the project and must outlive the job."""

from __future__ import annotations

import logging
import shutil
import tempfile
from typing import Any

import fsspec
from kedro.io import AbstractDataset

from . import events
from .errors import BootError

logger = logging.getLogger("kedroctl")


class UnpicklableError(BootError):
    """Data that other groups wait for cannot leave the process that made it."""


class PersistedDataset(AbstractDataset[Any, Any]):
    """One object at an fsspec path, written with cloudpickle: closures, as partitioned datasets return them, go through.

    Not versioned, so that a generator node may save again and again: as in memory, the last one stays. What cannot be
    pickled is an error, since the next groups would wait for it; where the data ``leaves`` the pipeline, a warning.
    """

    def __init__(self, *, filepath: str, name: str, leaves: bool) -> None:
        self._filepath = filepath
        self._name = name
        self._leaves = leaves
        self.node = ""  # that saves it

    def load(self) -> Any:
        """Return the object last saved."""
        import cloudpickle  # only jobs that persist data need it

        with fsspec.open(self._filepath, "rb") as file:
            return cloudpickle.load(file)

    def save(self, data: Any) -> None:
        """Write the object.

        By way of a file on disk: an object that cannot be pickled leaves nothing half written behind, and a large one is
        not held in memory twice.
        """
        import cloudpickle

        with tempfile.TemporaryFile() as pickled:
            try:
                cloudpickle.dump(data, pickled)
            except (OSError, MemoryError):
                raise
            except Exception as error:  # objects raise what they like
                return self._refuse(data, error)
            pickled.seek(0)
            with fsspec.open(self._filepath, "wb") as file:
                shutil.copyfileobj(pickled, file, length=1 << 20)

    def _refuse(self, data: Any, error: Exception) -> None:
        reason = f"{_kind(data)} cannot be pickled: {error}"
        if self._leaves:
            events.note_lost(self._name, reason)
            logger.warning("node %s: dataset %s leaves the pipeline and is not kept: %s", self.node, self._name, reason)
            return
        failure = UnpicklableError(f"node {self.node}: dataset {self._name} cannot reach the groups that load it: {reason}")
        events.note_failure(str(failure))
        raise failure

    def _exists(self) -> bool:
        fs, path = fsspec.core.url_to_fs(self._filepath)
        fs.invalidate_cache(path)
        return bool(fs.exists(path))

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath}


def _kind(data: Any) -> str:
    kind = type(data)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
