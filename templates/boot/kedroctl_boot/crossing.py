"""Keeps in S3 what crosses jobs, on the catalog as Kedro has resolved it.

Names and actions come in; definitions never leave the interpreter. So merge strategies, patterns, resolvers and runtime
parameters are the project's own, and no value of a credential is seen.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from typing import Any, Iterable, Iterator

from kedro.io import CatalogConfigResolver

from .errors import BootError
from .paths import enclosed, relative, s3_path
from .request import Request
from .staging import uses_s3

logger = logging.getLogger("kedroctl")

_MEMORY = {"{default}": {"type": "kedro.io.MemoryDataset"}}
_PATH_KEYS = ("filepath", "path", "filename")
_NESTED_KEYS = ("dataset", "checkpoint")  # of CachedDataset, PartitionedDataset, IncrementalDataset


@dataclass(frozen=True)
class _Target:
    """Where data goes: a bucket, and in it the prefix of a sandbox, "" without; local paths are those of the project."""

    project: str
    bucket: str
    under: str

    def of(self, path: str) -> str:
        """Return where a path of a definition goes; "" where there is no place for it."""
        if local := relative(path, self.project):
            return s3_path(local, self.bucket, self.under)
        return enclosed(path, self.bucket, self.under) if self.under else path


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
        names = _entries(action["name"], {*catalog, *used})
        target = _Target(project, request.bucket, action.get("under", ""))
        placed.update(_definitions(action, {name: resolver.resolve_pattern(name) for name in names}, target))
    for name in request.versions:
        if name not in placed:
            placed[name] = resolver.resolve_pattern(name)
    return placed


def _entries(base: str, names: set[str]) -> list[str]:
    """Return the names that a dataset has, which are several where it is transcoded."""
    return sorted(name for name in names if name.partition("@")[0] == base) or [base]


def _definitions(action: dict[str, str], configs: dict[str, Any], target: _Target) -> dict[str, Any]:
    """Return what the entries of a dataset become: all that work on one path keep their data in the same way."""
    if action["action"] == "persist":
        return {name: _validated(config, _persisted(action, target)) for name, config in configs.items()}
    if action["action"] not in ("move", "stage"):
        raise BootError(f"dataset {action['name']}: this image cannot {action['action']}: deploy again")
    moved = {name: _moved(name, config, target) for name, config in configs.items()}
    local = [any(_paths(config, target.project)) for config in configs.values()]
    if target.under and not any(local) and all(moved[name] != configs[name] for name in configs):
        return moved  # these are in S3 anyway
    for name in configs:
        if not any(_paths(configs[name], target.project)):
            raise BootError(f"dataset {name}: its definition has no local path to move to S3")
    if action["action"] == "move" and all(moved[name] != configs[name] and uses_s3(moved[name]) for name in configs):
        return moved
    return {name: _staged(name, config, target) for name, config in configs.items()}


def _persisted(action: dict[str, str], target: _Target) -> dict[str, Any]:
    leaves = action["path"].startswith(f"s3://{target.bucket}/{target.under}outputs/")
    return {"type": "kedroctl_boot.dataset.PersistedDataset", "filepath": action["path"], "name": action["name"], "leaves": leaves}


def _validated(config: dict[str, Any], definition: dict[str, Any]) -> dict[str, Any]:
    """Return a definition with the validator of the project's, which belongs to the catalog and not to the class."""
    return {**definition, "validator": config["validator"]} if "validator" in config else definition


def _staged(name: str, config: dict[str, Any], target: _Target) -> dict[str, Any]:
    """Return a definition that wraps the one of the project."""
    local = {os.path.join(target.project, path) for path in _paths(config, target.project)}
    top = {path for path in local if not any(path.startswith(other + "/") for other in local)}
    places = {path: target.of(path) for path in sorted(top)}
    logger.info("dataset %s: %s is given files on disk, which are in S3 at %s", name, config["type"], ", ".join(places.values()))
    inner = {key: value for key, value in config.items() if key != "validator"}
    return _validated(config, {"type": "kedroctl_boot.staging.StagedDataset", "dataset": inner, "places": places})


def _paths(config: dict[str, Any], project: str) -> Iterator[str]:
    """Yield the local paths of a definition; under a key that Kedro does not know, those of the project's data."""
    for key, value in config.items():
        if isinstance(value, dict) and key in _NESTED_KEYS:
            yield from _paths(value, project)
        local = relative(value, project) if isinstance(value, str) and key != "type" else ""
        if local and (key in _PATH_KEYS or local.startswith("data/")):
            yield local


def _moved(name: str, config: dict[str, Any], target: _Target) -> dict[str, Any]:
    moved = dict(config)
    for key, value in config.items():
        if key in _PATH_KEYS and isinstance(value, str):
            moved[key] = _moved_path(name, value, target)
            if moved[key] != value and not relative(value, target.project) and f"://{target.bucket}/" not in value:
                moved.pop("credentials", None)  # those of the other bucket
        elif key in _NESTED_KEYS and isinstance(value, dict):
            moved[key] = _moved(name, value, target)
    return moved


def _moved_path(name: str, path: str, target: _Target) -> str:
    if moved := target.of(path):
        return moved
    raise BootError(f"dataset {name}: {path} has no place in s3://{target.bucket}: it is outside the project or all of its data")
