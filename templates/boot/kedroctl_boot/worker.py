"""The process that does the work of an attempt, and leaves its record."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Callable

from . import command, events, record, tracking
from .attempt import ENDED, Attempt
from .dataset import UnpicklableError
from .errors import BootError
from .hooks import hooks
from .store import Store


class Terminated(Exception):
    """Batch has ended the job."""


class Worker:
    """Runs the run command once the work is claimed, of which a byte in the pipe tells."""

    def __init__(self, attempt: Attempt, directory: str, claimed: int) -> None:
        self._attempt = attempt
        self._directory = directory
        self._claimed = Claim(claimed)
        self._store = Store()
        self._ending = threading.Lock()

    def run(self, package: str, argv: list[str]) -> int:
        """Import the project, do the work, write the record; return the exit code."""
        _on_termination(self._terminate)
        code, error = command.invoke(package, argv, self._attempt.request, self._claimed.wait)
        if code and (failure := events.collect(self._directory).failure):
            error = UnpicklableError(failure)
        if self._attempt.request.mlflow.get("mode") == "one":
            tracking.leave()
        self._ending.acquire()
        self._end(code, error)
        if isinstance(error, BootError):
            raise error
        return code

    def _end(self, code: int, error: BaseException | None) -> None:
        Path(self._directory, ENDED).touch()
        record.write(self._attempt, self._store, self._directory, code, error, hooks.catalog)

    def _terminate(self) -> None:
        """Write the record and end: there are 30 seconds left, and a runner would wait for its nodes."""
        self._claimed.wait()
        if not self._ending.acquire(blocking=False):
            return
        code = 128 + signal.SIGTERM
        try:
            self._end(code, Terminated("the job was told to end (SIGTERM)"))
        finally:
            sys.stdout.flush()
            os._exit(code)


class Claim:
    """The claim of the work, as another process tells of it."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()
        self._made = False

    def wait(self) -> None:
        """Wait until the work is claimed, in as many threads as want to know; end the process where it never will be."""
        with self._lock:
            if not self._made:
                self._made = bool(os.read(self._pipe, 1))
                os.close(self._pipe)
            if not self._made:
                os._exit(1)


def _on_termination(end: Callable[[], None]) -> None:
    """Call ``end`` in a thread of its own at SIGTERM, even while the main thread is deep in native code of a node.

    A Python signal handler would have to wait for that code to return; the descriptor is written to at once.
    """
    receiver, sender = socket.socketpair()
    sender.setblocking(False)
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
    os.register_at_fork(after_in_child=_reset_signals)

    def watch() -> None:
        with receiver, sender:  # both stay open while somebody watches
            while receiver.recv(1) != bytes([signal.SIGTERM]):
                pass
        end()

    threading.Thread(target=watch, name="kedroctl-sigterm", daemon=True).start()


def _reset_signals() -> None:
    """In a forked child SIGTERM is the child's own affair: its runner stops it so."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
