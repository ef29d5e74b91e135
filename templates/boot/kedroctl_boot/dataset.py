"""A dataset for what is in memory in the project and must outlive the job."""

from __future__ import annotations

import shutil
import tempfile
from typing import Any

import cloudpickle
import fsspec
from kedro.io import AbstractDataset


class PersistedDataset(AbstractDataset[Any, Any]):
    """One object at an fsspec path, written with cloudpickle: closures, as partitioned datasets return them, go through.

    Not versioned, so that a generator node may save again and again: as in memory, the last one stays.
    """

    def __init__(self, *, filepath: str) -> None:
        self._filepath = filepath

    def load(self) -> Any:
        """Return the object last saved."""
        with fsspec.open(self._filepath, "rb") as file:
            return cloudpickle.load(file)

    def save(self, data: Any) -> None:
        """Write the object.

        By way of a file on disk: an object that cannot be pickled leaves nothing half written behind, and a large one is
        not held in memory twice.
        """
        with tempfile.TemporaryFile() as pickled:
            cloudpickle.dump(data, pickled)
            pickled.seek(0)
            with fsspec.open(self._filepath, "wb") as file:
                shutil.copyfileobj(pickled, file, length=1 << 20)

    def _exists(self) -> bool:
        fs, path = fsspec.core.url_to_fs(self._filepath)
        fs.invalidate_cache(path)
        return bool(fs.exists(path))

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath}
