"""One attempt of a job: claim the work, have a process do it, see how that ends."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Mapping

from . import request
from .attempt import ENDED, Attempt
from .errors import BootError, TwinError
from .request import Request
from .store import Store


class Died(Exception):
    """The process that did the work was killed, or ended itself."""


class Job:
    """An attempt of a job of Batch, which may try again with the same request."""

    def __init__(self, asked: Request, store: Store, environ: Mapping[str, str]) -> None:
        self._attempt = Attempt.begin(asked, environ)
        self._store = store

    def run(self, package: str, argv: list[str]) -> int:
        """Do the work of the group, unless another job does; return the exit code.

        A process of its own does it: whatever ends that one, out of memory or ``os._exit``, this one sees and records. It imports the project while
        this one claims the work, and runs nothing of it before.
        """
        directory = tempfile.mkdtemp(prefix="kedroctl-")
        request.hand_over(self._attempt.request, directory)
        claimed, claim = os.pipe()
        sys.stdout.flush()
        worker = os.fork()
        if not worker:
            os.close(claim)
            from .worker import Worker  # with Kedro

            return Worker(self._attempt, directory, claimed).run(package, argv)
        os.close(claimed)
        signal.signal(signal.SIGTERM, lambda *_: os.kill(worker, signal.SIGTERM))
        try:
            try:
                self._claim()
            except BootError:
                os.kill(worker, signal.SIGKILL)
                os.waitpid(worker, 0)
                raise
            with contextlib.suppress(BrokenPipeError):  # it has died already
                os.write(claim, b"1")
            os.close(claim)
            return self._watch(worker, directory)
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    def _watch(self, worker: int, directory: str) -> int:
        """Wait for the worker. Its end is a success only if it has said so: the jobs that wait would load what is not there."""
        code = os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])
        if Path(directory, ENDED).exists():
            return _as_shell(code)
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        died = Died(f"the program ended before its run command did: {how}")
        print(f"kedroctl: error: {died}", file=sys.stderr, flush=True)
        from . import record  # with Kedro

        record.write(self._attempt, self._store, directory, _as_shell(code) or 1, died)
        return _as_shell(code) or 1

    def _claim(self) -> None:
        asked, job = self._attempt.request, self._attempt.job
        uri = f"{asked.prefix}/claims/{asked.key}-t{asked.number}.json"
        if self._store.create(uri, json.dumps({"job": job})):
            return
        owner = json.loads(self._store.read(uri))["job"]
        if owner != job:
            raise TwinError(f"group {asked.group}: job {owner} has this work already; this job, {job}, does nothing")


def _as_shell(code: int) -> int:
    """Return an exit code as a shell writes it, 128 and more for signals."""
    return code if code >= 0 else 128 - code
