"""Datasets whose class writes to the local disk alone: fetched from S3 before the group, sent there after each save."""

from __future__ import annotations

import copy
import posixpath
from functools import partial
from typing import Any, Callable, Iterator

from kedro.io import AbstractDataset

from .mirror import Mirror

_S3_PROTOCOLS = {"s3", "s3a", "s3n"}
# Classes of others may name a filesystem and yet need a file: Pillow takes the format of a picture from the name of an open file.
_KNOWN = ("kedro", "kedro_datasets", "kedro_datasets_experimental")
_DIRECT = ("kedro_datasets.dask.",)  # these leave fsspec to their library


class StagedDataset(AbstractDataset[Any, Any]):
    """The project's own dataset at its own local paths, each of them a mirror of a place in S3."""

    versioned = True  # so that it is always told the versions, which are for the inner dataset

    def __init__(self, *, dataset: dict[str, Any], places: dict[str, str], version: Any = None) -> None:
        load, save = version or (None, None)
        self._load_version = load or ""
        self._dataset = AbstractDataset.from_config("staged", dataset, load, save)
        self._mirrors = [Mirror(local, remote) for local, remote in places.items()]

    def fetch(self) -> None:
        """Bring what this disk has not; of a versioned dataset whose version is given, that one."""
        for mirror in self._mirrors:
            mirror.fetch(self._load_version)

    def send(self) -> None:
        """Send what was written."""
        for mirror in self._mirrors:
            mirror.send()

    def uri(self, path: str) -> str:
        """Return the place in S3 of a local path of the inner dataset; where that does not tell one, of all its data."""
        return next(filter(None, (mirror.uri(path) for mirror in self._mirrors)), self._mirrors[0].remote)

    @property
    def inner(self) -> AbstractDataset:
        """The dataset as the project has it."""
        return self._dataset

    def load(self) -> Any:
        """Load the state that S3 has."""
        self.fetch()
        return self._dataset.load()

    def save(self, data: Any) -> None:
        """Save here, then send. What is there is fetched first, for a class may add to it or remove of it."""
        self.fetch()
        self._dataset.save(data)
        self.send()

    def _exists(self) -> bool:
        self.fetch()
        return self._dataset.exists()

    def _release(self) -> None:
        self._dataset.release()

    def _describe(self) -> dict[str, Any]:
        return {"dataset": type(self._dataset).__name__, **self._dataset._describe()}

    def __getattr__(self, name: str) -> Any:
        """Give what the inner dataset has besides, above all ``confirm``, which writes a checkpoint."""
        if name.startswith("__") or name in ("_dataset", "_mirrors"):  # not yet there while it is copied
            raise AttributeError(name)
        value = getattr(self._dataset, name)
        return partial(self._confirm, value) if name == "confirm" else value

    def _confirm(self, confirm: Callable[[], None]) -> None:
        confirm()
        self.send()


def uses_s3(config: dict[str, Any]) -> bool:
    """Whether the class of a definition with paths in S3 reads and writes there by itself; asked of an instance."""
    try:
        return _uses_s3(AbstractDataset.from_config("asked", _anonymous(config)))
    except Exception:  # whatever the class thinks of such a path
        return False


def _uses_s3(dataset: Any) -> bool:
    module = type(dataset).__module__
    if module.partition(".")[0] not in _KNOWN:
        return False
    parts = list(_parts(dataset))
    if parts:
        return all(map(_uses_s3, parts))
    protocol = getattr(getattr(dataset, "_fs", None), "protocol", ())
    return module.startswith(_DIRECT) or bool(_S3_PROTOCOLS & {protocol, *protocol})


def _parts(dataset: Any) -> Iterator[Any]:
    """Yield the datasets that another one is made of: a cached one, one of the partitions, the checkpoint."""
    if isinstance(getattr(dataset, "_dataset", None), AbstractDataset):
        yield dataset._dataset
    if hasattr(dataset, "_dataset_type"):
        path = posixpath.join(dataset._path, f"x{dataset._filename_suffix}")
        yield dataset._dataset_type(**{**copy.deepcopy(dataset._dataset_config), dataset._filepath_arg: path})
    if hasattr(dataset, "_checkpoint_config"):
        yield dataset._checkpoint


def _anonymous(config: dict[str, Any]) -> dict[str, Any]:
    """Return the definition without credentials, which are names as yet, and without what is not for the class."""
    kept = {key: value for key, value in config.items() if key not in ("credentials", "validator")}
    return {key: _anonymous(value) if isinstance(value, dict) else value for key, value in kept.items()}
