"""What nodes did, noted in files: nodes may run in other processes than the one that writes the record."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

JOB_DIR = "KEDROCTL_JOB_DIR"


@dataclass
class Events:
    """The sum of all notes: seconds per node, the datasets that were saved, in order, and why others were not."""

    seconds: dict[str, float] = field(default_factory=dict)
    saved: list[str] = field(default_factory=list)
    lost: dict[str, str] = field(default_factory=dict)  # datasets that leave: the reason
    failure: str = ""
    unfinished: list[str] = field(default_factory=list)  # nodes that have begun, in order
    failed: str = ""  # the node whose function raised


def note_begun(node: str) -> None:
    """Note that a node begins."""
    _write({"begun": node})


def note(node: str, seconds: float, saved: str = "", *, done: bool = False, failed: bool = False) -> None:
    """Note that a node has come so far, the dataset it has just saved, and whether that was its end."""
    _write({"node": node, "seconds": seconds, "saved": saved, "done": done, "failed": failed})


def note_lost(dataset: str, reason: str) -> None:
    """Note that a dataset which leaves the pipeline could not be kept."""
    _write({"lost": dataset, "reason": reason})


def note_failure(message: str) -> None:
    """Note in words for the user what an exception, which may come from another process, is about."""
    _write({"failure": message})


def collect(directory: str) -> Events:
    """Add up the notes of all processes."""
    events = Events()
    for file in sorted(Path(directory).glob("events-*")):
        for line in file.read_text(encoding="utf-8").splitlines():
            _add(events, json.loads(line))
    events.saved = [name for name in events.saved if name.partition("@")[0] not in events.lost]
    return events


def culprit(events: Events) -> str:
    """Return the node that failed: its function did, or it alone has begun and not ended, as while it loads or saves; "" where that is unknown."""
    if events.failed or len(events.unfinished) != 1:
        return events.failed
    return events.unfinished[0]


def _write(event: dict) -> None:
    """Each process has a file; a note is one write."""
    with open(Path(os.environ[JOB_DIR], f"events-{os.getpid()}"), "a", encoding="utf-8") as file:
        file.write(json.dumps(event) + "\n")


def _add(events: Events, event: dict) -> None:
    if "node" in event:
        name = event["node"]
        events.seconds[name] = max(event["seconds"], events.seconds.get(name, 0.0))
        if event["saved"] and event["saved"] not in events.saved:
            events.saved.append(event["saved"])
        if event["done"]:
            events.unfinished = [other for other in events.unfinished if other != name]
        if event["failed"]:
            events.failed = name
    elif "begun" in event:
        events.unfinished.append(event["begun"])
    elif "lost" in event:
        events.lost[event["lost"]] = event["reason"]
    else:
        events.failure = event["failure"]
