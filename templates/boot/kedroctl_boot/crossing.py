"""Keeps in S3 what crosses jobs, on the catalog as Kedro has resolved it.

Names and actions come in; definitions never leave the interpreter. So merge strategies, patterns, resolvers and runtime
parameters are the project's own, and no value of a credential is seen.
"""

from __future__ import annotations

from typing import Any, Iterable

from kedro.io import CatalogConfigResolver

from .errors import BootError
from .paths import relative, s3_path
from .request import Request

_MEMORY = {"{default}": {"type": "kedro.io.MemoryDataset"}}
_PATH_KEYS = ("filepath", "path", "filename")
_NESTED_KEYS = ("dataset", "checkpoint")  # of CachedDataset, PartitionedDataset, IncrementalDataset


class _Unresolved(dict):
    """Credentials that resolve to their own names, so that entries keep them as names."""

    def __missing__(self, name: str) -> str:
        return name


def place(catalog: dict[str, Any], request: Request, used: Iterable[str], project: str) -> dict[str, Any]:
    """Return the catalog with the request's actions applied and with an explicit entry for each dataset that it pins.

    ``used`` are the names of datasets in the pipelines. An explicit entry is needed for a pin because Kedro rejects load
    versions of datasets that only a catch-all pattern gives.
    """
    resolver = CatalogConfigResolver(catalog, _Unresolved(_=""), _MEMORY)  # an empty mapping would be replaced
    placed = dict(catalog)
    for action in request.crossing:
        for name in _entries(action["name"], {*catalog, *used}):
            placed[name] = _definition(action, resolver.resolve_pattern(name), request.bucket, project)
    for name in request.versions:
        if name not in placed:
            placed[name] = resolver.resolve_pattern(name)
    return placed


def _entries(base: str, names: set[str]) -> list[str]:
    """Return the names that a dataset has, which are several where it is transcoded."""
    return sorted(name for name in names if name.partition("@")[0] == base) or [base]


def _definition(action: dict[str, str], config: dict[str, Any], bucket: str, project: str) -> dict[str, Any]:
    if action["action"] == "persist":
        return {"type": "kedroctl_boot.dataset.PersistedDataset", "filepath": action["path"]}
    if action["action"] != "move":
        raise BootError(f"dataset {action['name']}: this image cannot {action['action']}: deploy again")
    moved = _moved(action["name"], config, bucket, project)
    if moved == config:
        raise BootError(f"dataset {action['name']}: its definition has no local path to move to S3")
    return moved


def _moved(name: str, config: dict[str, Any], bucket: str, project: str) -> dict[str, Any]:
    moved = dict(config)
    for key, value in config.items():
        if key in _PATH_KEYS and isinstance(value, str):
            moved[key] = _moved_path(name, value, bucket, project)
        elif key in _NESTED_KEYS and isinstance(value, dict):
            moved[key] = _moved(name, value, bucket, project)
    return moved


def _moved_path(name: str, path: str, bucket: str, project: str) -> str:
    local = relative(path, project)
    if not local:
        return path
    target = s3_path(local, bucket)
    if not target:
        raise BootError(f"dataset {name}: {path} has no place in s3://{bucket}: it is outside the project or all of its data")
    return target
