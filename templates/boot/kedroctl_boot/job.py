"""One attempt of a job: claim the work, run the command, write the record."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
from pathlib import Path
from typing import Callable, Mapping

from . import command, events, leftovers, mirror, record, request, tracking
from .dataset import UnpicklableError
from .errors import BootError, TwinError
from .hooks import hooks
from .mlflow_run import SharedRun
from .request import Request
from .store import Store

ENDED = "ended"  # file of the worker, once its run command has ended

logger = logging.getLogger("kedroctl")


class Terminated(Exception):
    """Batch has ended the job."""


class Died(Exception):
    """The process that did the work was killed, or ended itself."""


class Job:
    """An attempt of a job of Batch, which may try again with the same request."""

    def __init__(self, asked: Request, store: Store, environ: Mapping[str, str]) -> None:
        self._request = asked
        self._store = store
        self._id = environ.get("AWS_BATCH_JOB_ID", "")
        self._attempt = int(environ.get("AWS_BATCH_JOB_ATTEMPT") or 1)
        self._started = record.now()
        self._ending = threading.Lock()
        self._directory = os.getcwd()  # code may change it
        self._files = leftovers.scan(self._directory)

    def run(self, package: str, argv: list[str]) -> int:
        """Do the work of the group, unless another job does; return the exit code.

        A process of its own does it: whatever ends that one, out of memory or ``os._exit``, this one sees and records.
        """
        self._claim()
        directory = tempfile.mkdtemp(prefix="kedroctl-")
        request.hand_over(self._request, directory)
        sys.stdout.flush()
        worker = os.fork()
        if not worker:
            return self._work(package, argv, directory)
        try:
            return self._watch(worker, directory)
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    def _work(self, package: str, argv: list[str], directory: str) -> int:
        _on_termination(lambda: self._terminate(directory))
        code, error = command.invoke(package, argv, self._request)
        if code and (failure := events.collect(directory).failure):
            error = UnpicklableError(failure)
        if self._request.mlflow.get("mode") == "one":
            tracking.leave()
        self._ending.acquire()
        Path(directory, ENDED).touch()
        self._write_record(directory, code, error)
        if isinstance(error, BootError):
            raise error
        return code

    def _watch(self, worker: int, directory: str) -> int:
        """Wait for the worker. Its end is a success only if it has said so: the jobs that wait would load what is not there."""
        signal.signal(signal.SIGTERM, lambda *_: os.kill(worker, signal.SIGTERM))
        code = os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])
        if Path(directory, ENDED).exists():
            return _as_shell(code)
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        died = Died(f"the program ended before its run command did: {how}")
        print(f"kedroctl: error: {died}", file=sys.stderr, flush=True)
        self._write_record(directory, _as_shell(code) or 1, died)
        return _as_shell(code) or 1

    def _claim(self) -> None:
        uri = f"{self._request.prefix}/claims/{self._request.key}-t{self._request.number}.json"
        if self._store.create(uri, json.dumps({"job": self._id})):
            return
        owner = json.loads(self._store.read(uri))["job"]
        if owner != self._id:
            raise TwinError(f"group {self._request.group}: job {owner} has this work already; this job, {self._id}, does nothing")

    def _write_record(self, directory: str, code: int, error: BaseException | None) -> None:
        """Write the record of the attempt. The MLflow run of all jobs may end with it."""
        asked = self._request
        document = record.build(asked, self._id, self._attempt, self._started, code, error,
                                events.collect(directory), hooks.catalog)
        kept = [row["path"] for row in document["outputs"] if row["path"].startswith("/")]
        document["not_kept"] += leftovers.new(self._directory, self._files, [*kept, *mirror.in_step(directory)])
        name = f"{asked.key}-t{asked.number}-a{self._attempt}.json"
        self._store.write(f"{asked.prefix}/records/{name}", json.dumps(document, indent=1))
        logger.info("group %s: exit %d, %d outputs, %d MiB", asked.group, code, len(document["outputs"]), document["peak_memory_mib"])
        if asked.mlflow.get("mode") == "one":
            SharedRun(asked, self._store).end()

    def _terminate(self, directory: str) -> None:
        """Write the record and end: there are 30 seconds left, and a runner would wait for its nodes."""
        if not self._ending.acquire(blocking=False):
            return
        code = 128 + signal.SIGTERM
        Path(directory, ENDED).touch()
        try:
            self._write_record(directory, code, Terminated("the job was told to end (SIGTERM)"))
        finally:
            sys.stdout.flush()
            os._exit(code)


def _as_shell(code: int) -> int:
    """Return an exit code as a shell writes it, 128 and more for signals."""
    return code if code >= 0 else 128 - code


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
