"""A local file or directory whose truth is in S3: fetched before it is read, sent after it was written."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import posixpath
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable, Iterable, Iterator

import fsspec

from .events import JOB_DIR

_AT_A_TIME = 8
_PARTIAL = ".kedroctl-partial"


class Mirror:
    """A path on disk and its place in S3.

    What the two have in common stands in an index in the job's directory, under a lock: nodes may run in several processes.
    """

    def __init__(self, local: str, remote: str) -> None:
        self.local = local
        self.remote = remote

    def fetch(self, within: str = "") -> None:
        """Bring what S3 has and this disk has not, or not in this state; ``within`` names a directory, to fetch no more."""
        with self._index() as index:
            there = self._there(within)
            old = [name for name, etag in there.items() if index.get(name, {}).get("etag") != etag]
            _each(self._get, old)
            for name in old:
                index[name] = {"etag": there[name], **_state(self._path(name))}

    def send(self) -> None:
        """Send what was written here since it was fetched or sent, and remove what was removed here."""
        with self._index() as index:
            here = {name: _state(self._path(name)) for name in self._here()}
            new = [name for name, state in here.items() if {**index.get(name, {}), **state} != index.get(name)]
            _each(self._put, new)
            there = self._there() if new else {}
            index.update({name: {"etag": there.get(name, ""), **here[name]} for name in new})
            for name in index.keys() - here.keys():
                self._remove(name)
                del index[name]

    def uri(self, path: str) -> str:
        """Return the place in S3 of a path in this mirror, "" for any other path."""
        if path != self.local and not path.startswith(self.local + "/"):
            return ""
        return self.remote + path[len(self.local):]

    def _there(self, within: str = "") -> dict[str, str]:
        """Return the files in S3 with their ETags, by name; the name of a single file is ""."""
        fs, root = fsspec.core.url_to_fs(self.remote)
        fs.invalidate_cache()
        found = fs.find(posixpath.join(root, within) if within else root, detail=True)
        return {key[len(root):].lstrip("/"): info.get("ETag", "") for key, info in found.items() if not key.endswith("/")}

    def _here(self) -> Iterator[str]:
        if os.path.isfile(self.local):
            yield ""
        for directory, _, names in os.walk(self.local):
            for name in names:
                yield Path(directory, name).relative_to(self.local).as_posix()

    def _path(self, name: str) -> str:
        return os.path.join(self.local, name) if name else self.local

    def _get(self, name: str) -> None:
        """Write the file whole or not at all: another node may read the older one."""
        path = self._path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        fs, root = fsspec.core.url_to_fs(self.remote)
        fs.get_file(posixpath.join(root, name) if name else root, path + _PARTIAL)
        os.replace(path + _PARTIAL, path)

    def _put(self, name: str) -> None:
        fs, root = fsspec.core.url_to_fs(self.remote)
        fs.put_file(self._path(name), posixpath.join(root, name) if name else root)

    def _remove(self, name: str) -> None:
        fs, root = fsspec.core.url_to_fs(self.remote)
        with contextlib.suppress(FileNotFoundError):
            fs.rm_file(posixpath.join(root, name) if name else root)

    @contextlib.contextmanager
    def _index(self) -> Iterator[dict[str, dict[str, Any]]]:
        digest = hashlib.sha256(self.local.encode()).hexdigest()[:16]
        file = Path(os.environ[JOB_DIR], f"mirror-{digest}.json")
        with open(file.with_suffix(".lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            index = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {"root": self.local, "files": {}}
            yield index["files"]
            partial = file.with_suffix(".partial")
            partial.write_text(json.dumps(index), encoding="utf-8")
            os.replace(partial, file)


def in_step(directory: str) -> set[str]:
    """Return the local files of all mirrors of a job that are in S3 as they are here."""
    files = set()
    for file in Path(directory).glob("mirror-*.json"):
        index = json.loads(file.read_text(encoding="utf-8"))
        for name, state in index["files"].items():
            path = os.path.join(index["root"], name) if name else index["root"]
            if os.path.exists(path) and {**state, **_state(path)} == state:
                files.add(path)
    return files


def _state(path: str) -> dict[str, int]:
    found = os.stat(path)
    return {"mtime": found.st_mtime_ns, "size": found.st_size}


def _each(action: Callable[[str], None], names: Iterable[str]) -> None:
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        list(pool.map(action, names))
