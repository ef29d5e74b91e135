"""The request: what a job is asked to do beyond Kedro's own flags. docs/container.md of kedroctl has the contract."""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Mapping

from .errors import BootError
from .events import JOB_DIR

SCHEMA = 3
_OLDEST = 1
_FILE = "request.json"


@dataclass(frozen=True)
class Request:
    """A request, its keys as attributes; ``number`` is its ``try``, which Python keeps for itself.

    ``args`` are arguments of the run command that found no room in the job's own command.
    """

    bucket: str
    run: str
    group: str
    key: str
    number: int
    crossing: list[dict[str, str]] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    outputs: list[str] = field(default_factory=list)
    params: dict[str, Any] = field(default_factory=dict)
    args: list[str] = field(default_factory=list)
    code: dict[str, str] = field(default_factory=dict)
    mlflow: dict[str, Any] = field(default_factory=dict)
    only: dict[str, Any] = field(default_factory=dict)

    @property
    def prefix(self) -> str:
        """Where the run keeps its claims and records."""
        return f"s3://{self.bucket}/.kedroctl/runs/{self.run}"


def hand_over(given: Request, directory: str) -> None:
    """Leave a request for the hooks, here and in the processes that a runner starts."""
    values = {**dataclasses.asdict(given), "schema": SCHEMA, "try": given.number}
    Path(directory, _FILE).write_text(json.dumps(values), encoding="utf-8")
    os.environ[JOB_DIR] = directory


def current() -> Request | None:
    """Return the request that was handed over; None where a person uses the image by hand."""
    directory = os.environ.get(JOB_DIR, "")
    return parse(Path(directory, _FILE).read_text(encoding="utf-8")) if directory else None


def parse(text: str) -> Request:
    """Read a request from its JSON form."""
    try:
        values = json.loads(text)
    except ValueError as error:
        raise BootError(f"read KEDROCTL_REQUEST: not JSON: {error}") from None
    if not isinstance(values, Mapping):
        raise BootError("read KEDROCTL_REQUEST: not a JSON object")
    schema = values.get("schema")
    if not isinstance(schema, int) or not _OLDEST <= schema <= SCHEMA:
        raise BootError(f"read KEDROCTL_REQUEST: it has schema {schema}, this image knows {SCHEMA}: deploy again")
    try:
        return _request(values)
    except KeyError as error:
        raise BootError(f"read KEDROCTL_REQUEST: no {error.args[0]!r} in it") from None


def _request(values: Mapping[str, Any]) -> Request:
    return Request(
        bucket=values["bucket"],
        run=values["run"],
        group=values["group"],
        key=values["key"],
        number=int(values["try"]),
        crossing=values.get("crossing") or [],
        versions=values.get("versions") or {},
        outputs=values.get("outputs") or [],
        params=values.get("params") or {},
        args=values.get("args") or [],
        code=values.get("code") or {},
        mlflow=values.get("mlflow") or {},
        only=values.get("only") or {},
    )
