"""The record of an attempt: what it ran, how long, how much memory it took, and what it saved."""

from __future__ import annotations

import re
import resource
from datetime import datetime, timezone
from typing import Any

from . import credentials, outputs
from .events import Events, culprit
from .request import SCHEMA, Request

_LONGEST_MESSAGE = 2000
_USERINFO = re.compile(r"(?<=://)[^/@\s]+@")


def now() -> str:
    """Return the time in UTC, to the millisecond."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def build(request: Request, job: str, attempt: int, started: str, code: int, error: BaseException | None,
          events: Events, catalog: Any) -> dict[str, Any]:
    """Return the record of an attempt that ends now, as far as the catalog and the notes of nodes tell it."""
    record = {
        "schema": SCHEMA, "run": request.run, "group": request.group, "try": request.number, "attempt": attempt, "job": job,
        "started": started, "ended": now(), "exit": code, "peak_memory_mib": _peak_memory(),
        "nodes": events.seconds,
        "outputs": _outputs(events.saved, catalog),
        "missing": _missing(request.outputs, [*events.saved, *events.lost]),
        "not_kept": [{"dataset": name, "reason": reason} for name, reason in events.lost.items()],
    }
    if error is not None:
        message = credentials.masked(_USERINFO.sub("***@", str(error)))
        record["error"] = {"type": type(error).__name__, "message": message[:_LONGEST_MESSAGE]}
        if node := culprit(events):
            record["error"]["node"] = node
    return record


def _outputs(saved: list[str], catalog: Any) -> list[dict[str, Any]]:
    if catalog is None:  # the process that had it is gone
        return []
    rows = (outputs.describe(_base(name), catalog.get(name)) for name in saved)
    return [row for row in rows if row]


def _missing(wanted: list[str], saved: list[str]) -> list[str]:
    there = {_base(name) for name in saved}
    return [name for name in wanted if _base(name) not in there]


def _base(name: str) -> str:
    """Return the name of a dataset without its format: plans know it by that."""
    return name.partition("@")[0]


def _peak_memory() -> int:
    """Return the most memory that this process, or any one child, has had at a time, in MiB."""
    kib = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return kib // 1024
