"""Where datasets have put their data, and what is there."""

from __future__ import annotations

import logging
import os
import shutil
from dataclasses import dataclass
from typing import Any

import fsspec
from kedro.io import AbstractDataset, AbstractVersionedDataset

from .staging import StagedDataset

_S3_PROTOCOLS = ("s3", "s3a", "s3n")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Location:
    """The place of a dataset: its URI or local path, "" where only the dataset knows; the version it saves, "" without."""

    path: str
    version: str
    fs: Any

    @property
    def remote(self) -> bool:
        """Whether the data is in S3."""
        return self.path.startswith("s3://")


def locate(dataset: Any) -> Location | None:
    """Return where a dataset saves; None for one that only keeps its data in memory."""
    if isinstance(dataset, StagedDataset):
        here = locate(dataset.inner)
        return here and Location(dataset.uri(here.path), here.version, None)
    inner = getattr(dataset, "_dataset", None)
    if isinstance(inner, AbstractDataset):  # CachedDataset
        return locate(inner)
    if dataset is None or getattr(dataset, "_EPHEMERAL", False):
        return None
    path, version = getattr(dataset, "_filepath", None) or getattr(dataset, "_path", None), ""
    if isinstance(dataset, AbstractVersionedDataset) and dataset._version:
        version = dataset.resolve_save_version()
        path = dataset._get_versioned_path(version)
    fs = getattr(dataset, "_fs", None) or getattr(dataset, "_filesystem", None)
    return Location(_uri(dataset, path), version, fs)


def describe(name: str, dataset: Any) -> dict[str, Any] | None:
    """Return the record's row of a saved dataset: path, version, and for data in S3 size in bytes and ETag."""
    location = locate(dataset)
    if location is None:
        return None
    row: dict[str, Any] = {"dataset": name, "path": location.path}
    if location.version:
        row["version"] = location.version
    if location.remote:
        try:
            row.update(_stat(location))
        except Exception as error:  # a record that says less is better than none
            logger.warning("%s: look at %s: %s", name, location.path, error)
    return row


def remove_version(dataset: Any) -> None:
    """Remove the version that a dataset is about to save, if it is in S3."""
    location = locate(dataset)
    if location is None or not location.remote:
        return
    fs, path = _open(location)
    if isinstance(dataset, StagedDataset) and location.version:
        shutil.rmtree(os.path.dirname(locate(dataset.inner).path), ignore_errors=True)
    try:
        for directory in _versions(dataset, location, fs, path):
            logger.info("removing s3://%s, left by an earlier attempt", directory)
            fs.rm(directory, recursive=True)
            fs.invalidate_cache(directory)
    except OSError as error:  # the save tells whether it matters
        logger.warning("remove an earlier %s: %s", location.path, error)


def _versions(dataset: Any, location: Location, fs: Any, path: str) -> list[str]:
    """Return the directories of the version: of partitions that have versions, each has one."""
    if location.version:
        directory = path.rpartition("/")[0]
        fs.invalidate_cache(directory)
        return [directory] if fs.exists(directory) else []
    while isinstance(inner := getattr(dataset, "_dataset", None), AbstractDataset):
        dataset = inner
    version = getattr(dataset, "_dataset_config", {}).get("version")
    if not version:
        return []
    fs.invalidate_cache(path)
    heads = (file.partition(f"/{version.save}/") for file in fs.find(path))
    return sorted({head + middle.rstrip("/") for head, middle, _ in heads if middle})


def _uri(dataset: Any, path: Any) -> str:
    """Return the whole address: fsspec datasets keep protocol and path apart."""
    text = str(path or "")
    protocol = getattr(dataset, "_protocol", "") or getattr(dataset, "_fs_prefix", "").rstrip(":/")
    if "://" in text:
        protocol, _, text = text.partition("://")
    if protocol in _S3_PROTOCOLS:
        return "s3://" + text.lstrip("/")
    return text if protocol in ("", "file") else f"{protocol}://{text}"


def _stat(location: Location) -> dict[str, Any]:
    fs, path = _open(location)
    fs.invalidate_cache(path)
    info = fs.info(path)
    if info["type"] == "directory":
        return {"size": sum(file["size"] for file in fs.find(path, detail=True).values())}
    return {"size": info["size"], "etag": info.get("ETag", "").strip('"')}


def _open(location: Location) -> tuple[Any, str]:
    """Return the filesystem and its form of the path; the dataset's own filesystem has the dataset's credentials."""
    if location.fs is not None:
        return location.fs, location.fs._strip_protocol(location.path)
    return fsspec.core.url_to_fs(location.path)
