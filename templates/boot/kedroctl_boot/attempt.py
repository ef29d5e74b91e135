"""What is known of an attempt of a job before its work begins."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Mapping

from . import leftovers
from .request import Request

ENDED = "ended"  # file in the job's directory, once the run command has ended


@dataclass(frozen=True)
class Attempt:
    """An attempt of a job of Batch, which may try again with the same request."""

    request: Request
    job: str  # its id, "" outside of Batch
    number: int
    started: str
    directory: str  # the working directory, which code may change
    files: dict[str, tuple[int, int]]  # that are in it

    @classmethod
    def begin(cls, request: Request, environ: Mapping[str, str]) -> Attempt:
        """Return the attempt that begins now, here."""
        directory = os.getcwd()
        number = int(environ.get("AWS_BATCH_JOB_ATTEMPT") or 1)
        return cls(request, environ.get("AWS_BATCH_JOB_ID", ""), number, now(), directory, leftovers.scan(directory))


def now() -> str:
    """Return the time in UTC, to the millisecond."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
