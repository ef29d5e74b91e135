"""Watches what introspection reads, so that the snapshot can be used again while none of it has changed.

Files and directories are known by the interpreter's own audit events, variables of the environment by watching os.environ. What has no such trace
(other processes, the network) is told where the project's own code asks for it: then nobody knows what the snapshot depends on.
"""

from __future__ import annotations

import contextlib
import os
import site
import sys
import tempfile
from pathlib import Path
from typing import Any, Callable

EVERYTHING = "*"
OUTSIDE = {
    "subprocess.Popen": "starts a process", "os.system": "starts a process", "os.posix_spawn": "starts a process", "os.fork": "forks",
    "socket.connect": "uses the network",
}


class Reads:
    """Collects what is read from :meth:`start` on, until the process ends."""

    def __init__(self, own: Callable[[str], str]) -> None:
        self._own = own  # gives the short name of a file of the project, "" for any other
        self._files: set[str] = set()
        self._directories: set[str] = set()
        self._variables: set[str] = set()
        self._walkers: set[Any] = set()  # code that goes through the whole environment
        self._unknowable = ""
        self._of_code: set[str] = set()

    def start(self) -> None:
        """Watch this process from now on: an audit hook stays."""
        sys.addaudithook(self._audit)
        self._watch_environment(type(os.environ))

    def code_is_loaded(self) -> None:
        """Take what was read up to now for what the project's code depends on: its configuration comes after it."""
        self._of_code = self._files | self._directories

    def report(self) -> dict[str, Any]:
        """Return what was read, without what comes with the interpreter and its installed distributions."""
        modules = {file for module in list(sys.modules.values()) if isinstance(file := getattr(module, "__file__", None), str)}
        foreign = _Foreign()
        return {
            "executable": sys.executable or "",
            "paths": [path for path in dict.fromkeys(sys.path) if path and os.path.exists(path) and not foreign.of_kedroctl(path)],
            "files": sorted(file for file in self._files | modules if not foreign.has(file)),
            "directories": sorted(path for path in self._directories if not foreign.has(path)),
            "code": sorted(path for path in self._of_code if not foreign.has(path)),
            "variables": sorted(self._variables),
            "unknowable": self._unknowable,
        }

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        with contextlib.suppress(Exception):  # of a watcher, never of the project
            if event == "open":
                self._open(*arguments)
            elif event in ("os.listdir", "os.scandir"):
                self._directories.add(_absolute(arguments[0] or "."))
            elif event in OUTSIDE and not self._unknowable and (place := self._asker()):
                self._unknowable = f"{place} {OUTSIDE[event]}"

    def _open(self, path: Any, mode: str | None, flags: int) -> None:
        writes = set(mode) & set("wax+") if mode else flags & (os.O_WRONLY | os.O_RDWR)
        if not writes and not isinstance(path, int):
            self._files.add(_absolute(path))

    def _asker(self) -> str:
        """Return the place in the project's own code that asks, "" where a library does while it is imported."""
        frame = sys._getframe(1)
        while frame and "importlib._bootstrap" not in frame.f_code.co_filename:
            if name := self._own(frame.f_code.co_filename):
                return f"{name}:{frame.f_lineno}"
            frame = frame.f_back
        return ""

    def _watch_environment(self, kind: Any) -> None:
        get, walk = kind.__getitem__, kind.__iter__

        def recording_get(environ: Any, name: Any) -> Any:
            if _reader() not in self._walkers:
                self._variables.add(name if isinstance(name, str) else os.fsdecode(name))
            return get(environ, name)

        def recording_walk(environ: Any) -> Any:
            self._walkers.add(_reader())
            if self._asker():
                self._variables.add(EVERYTHING)
            return walk(environ)

        kind.__getitem__, kind.__iter__ = recording_get, recording_walk


def _reader() -> Any:
    """Return the code that uses os.environ, behind the methods of mappings."""
    frame = sys._getframe(2)
    while frame.f_back and os.path.basename(frame.f_code.co_filename) in ("os.py", "_collections_abc.py", "<frozen os>", "<frozen _collections_abc>"):
        frame = frame.f_back
    return frame.f_code


class _Foreign:
    """Tells files that are known by other means, or are nobody's: the interpreter's, those of installed distributions, of the system, temporary ones."""

    def __init__(self) -> None:
        self._own = str(Path(__file__).resolve().parent)
        system = {"/proc", "/dev", "/sys", "/etc", "/usr", os.path.expanduser("~/.cache")}
        prefixes = {sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix, *site.getsitepackages(), site.getusersitepackages()}
        self._roots = tuple(root.rstrip("/") + "/" for root in map(os.path.realpath, system | prefixes)) + (self._own + "/",)
        self._temporary = os.path.realpath(tempfile.gettempdir()) + "/"
        self._project = os.getcwd() + "/"

    def of_kedroctl(self, path: str) -> bool:
        """Whether a directory is the one of this script."""
        return os.path.realpath(path) == self._own

    def has(self, path: str) -> bool:
        """Whether a path is not worth a look."""
        path = os.path.realpath(path) + ("/" if os.path.isdir(path) else "")
        installed = "/site-packages/" in path or "/dist-packages/" in path or path.endswith(".pyc")
        temporary = path.startswith(self._temporary) and not path.startswith(self._project)
        return installed or temporary or path.startswith(self._roots)


def _absolute(path: Any) -> str:
    return os.path.abspath(os.fsdecode(path))
