"""The record of an attempt: what it ran, how long, how much memory it took, and what it saved."""

from __future__ import annotations

import json
import logging
import re
import resource
from typing import Any

from . import credentials, leftovers, mirror, outputs
from .attempt import Attempt, now
from .events import Events, collect, culprit
from .mlflow_run import SharedRun
from .request import SCHEMA
from .store import Store

_LONGEST_MESSAGE = 2000
_USERINFO = re.compile(r"(?<=://)[^/@\s]+@")

logger = logging.getLogger("kedroctl")


def write(attempt: Attempt, store: Store, directory: str, code: int, error: BaseException | None, catalog: Any = None) -> None:
    """Write the record of an attempt, whose notes are in a directory. The MLflow run of all jobs may end with it."""
    asked = attempt.request
    document = _build(attempt, code, error, collect(directory), catalog)
    kept = [row["path"] for row in document["outputs"] if row["path"].startswith("/")]
    document["not_kept"] += leftovers.new(attempt.directory, attempt.files, [*kept, *mirror.in_step(directory)])
    name = f"{asked.key}-t{asked.number}-a{attempt.number}.json"
    store.write(f"{asked.prefix}/records/{name}", json.dumps(document, indent=1))
    logger.info("group %s: exit %d, %d outputs, %d MiB", asked.group, code, len(document["outputs"]), document["peak_memory_mib"])
    if asked.mlflow.get("mode") == "one":
        SharedRun(asked, store).end()


def _build(attempt: Attempt, code: int, error: BaseException | None, events: Events, catalog: Any) -> dict[str, Any]:
    """Return the record of an attempt that ends now, as far as the catalog and the notes of nodes tell it."""
    request = attempt.request
    record = {
        "schema": SCHEMA, "run": request.run, "group": request.group, "try": request.number, "attempt": attempt.number, "job": attempt.job,
        "started": attempt.started, "ended": now(), "exit": code, "peak_memory_mib": _peak_memory(),
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
