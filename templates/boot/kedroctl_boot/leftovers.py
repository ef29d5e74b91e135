"""Files that code has written into the working directory past the catalog: they end with the container."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any, Iterable, Iterator

_MOST = 50  # rows; from there on directories are summed up


def scan(directory: str) -> dict[str, tuple[int, int]]:
    """Return the files below a directory, by path, with time and size."""
    return {path: (found.st_mtime_ns, found.st_size) for path, found in _files(directory)}


def new(directory: str, before: dict[str, tuple[int, int]], kept: Iterable[str]) -> list[dict[str, Any]]:
    """Return rows of the record for files that are new or changed since a scan, by path relative to the directory.

    ``kept`` are files and directories of the catalog. Logs are not told of: what they say is in the log of the job.
    """
    known = {os.path.abspath(path) for path in (*kept, *_logs())}
    sizes = {path: size for path, (time, size) in scan(directory).items() if before.get(path) != (time, size) and not _below(path, known)}
    rows = {os.path.relpath(path, directory): size for path, size in sizes.items()}
    return [{"file": path, "size": size} for path, size in sorted(_summed(rows).items())]


def _files(directory: str) -> Iterator[tuple[str, os.stat_result]]:
    for place, directories, names in os.walk(os.path.abspath(directory)):
        directories[:] = [name for name in directories if name != "__pycache__"]
        for name in names:
            path = os.path.join(place, name)
            try:
                yield path, os.stat(path)
            except OSError:  # gone again, or a link to nowhere
                continue


def _below(path: str, known: set[str]) -> bool:
    return path in known or any(str(parent) in known for parent in Path(path).parents)


def _logs() -> Iterator[str]:
    loggers = (logging.getLogger(name) for name in [None, *logging.Logger.manager.loggerDict])
    for logger in loggers:
        yield from (handler.baseFilename for handler in logger.handlers if isinstance(handler, logging.FileHandler))


def _summed(rows: dict[str, int]) -> dict[str, int]:
    """Return the rows, or where they are too many one for each directory at the top."""
    if len(rows) <= _MOST:
        return rows
    sums: dict[str, int] = {}
    for path, size in rows.items():
        top, inside, _ = path.partition(os.sep)
        name = f"{top}/" if inside else "./"
        sums[name] = sums.get(name, 0) + size
    return sums
