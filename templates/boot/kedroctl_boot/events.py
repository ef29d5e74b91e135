"""What nodes did, noted in files: nodes may run in other processes than the one that writes the record."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Events:
    """The sum of all notes: seconds per node, and the datasets that were saved, in order."""

    seconds: dict[str, float] = field(default_factory=dict)
    saved: list[str] = field(default_factory=list)


def note(directory: str, node: str, seconds: float, saved: str = "") -> None:
    """Note that a node has come so far, and the dataset it has just saved. Each process has a file; a note is one write."""
    line = json.dumps({"node": node, "seconds": seconds, "saved": saved}) + "\n"
    with open(Path(directory, f"events-{os.getpid()}"), "a", encoding="utf-8") as file:
        file.write(line)


def collect(directory: str) -> Events:
    """Add up the notes of all processes."""
    events = Events()
    for file in sorted(Path(directory).glob("events-*")):
        for line in file.read_text(encoding="utf-8").splitlines():
            _add(events, json.loads(line))
    return events


def _add(events: Events, note: dict) -> None:
    name = note["node"]
    events.seconds[name] = max(note["seconds"], events.seconds.get(name, 0.0))
    if note["saved"] and note["saved"] not in events.saved:
        events.saved.append(note["saved"])
