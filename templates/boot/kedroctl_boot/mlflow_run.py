"""The one MLflow run of all jobs of a run: which job makes it, how the others find it, and who ends it.

Jobs agree by objects in the bucket, for MLflow chooses the ids of runs itself.
"""

from __future__ import annotations

import itertools
import json
import logging
import os
import re
import time
from typing import Any, Iterator

from .request import Request
from .store import Store

RUN_TAG, GROUP_TAG = "kedroctl.run", "kedroctl.group"
CLAIM_SECONDS = 60.0  # after which the owner of a claim that has named no run counts as dead

_USERINFO = re.compile(r"(?<=://)[^/@\s]+@")
_CLAIM = re.compile(r"(.+)-t(\d+)\.json")
_RECORD = re.compile(r"(.+)-t(\d+)-a(\d+)\.json")

logger = logging.getLogger("kedroctl")


class SharedRun:
    """The MLflow run that belongs to a run of kedroctl."""

    def __init__(self, job: Request, store: Store) -> None:
        self._job = job
        self._store = store
        self._name = f"s3://{job.bucket}/runs/{job.run}/mlflow"

    def join(self, name: str, chosen: str | None) -> None:
        """Make the run the active one of this process; where no job has made it yet, with a name, or the one that the project chose."""
        import mlflow

        run_id = self._named() or self._agreed(name, chosen)
        if not mlflow.active_run():
            mlflow.start_run(run_id=run_id)
        logger.info("MLflow run %s is that of all jobs; it ends with the run", run_id)

    def _named(self) -> str | None:
        text = self._store.find(self._name + ".json")
        return json.loads(text)["run_id"] if text else None

    def _agreed(self, name: str, chosen: str | None) -> str:
        """Return the run's id, which one job decides: the owner of the first claim, or of a later one where that does not answer."""
        own = json.dumps({"job": os.environ.get("AWS_BATCH_JOB_ID", "")})
        for number in itertools.count(1):
            claim = f"{self._name}-claim-{number}.json"
            if self._store.create(claim, own) or self._store.read(claim) == own:
                return self._make(name, chosen)
            for _ in _seconds(CLAIM_SECONDS):
                if run_id := self._named():
                    return run_id
        raise AssertionError  # there is always another number

    def _make(self, name: str, chosen: str | None) -> str:
        """Make the run, unless a job that died has, and name it; where another job was faster with that, its run is the one."""
        import mlflow

        made = mlflow.search_runs(filter_string=f"tags.`{RUN_TAG}` = '{self._job.run}'", output_format="list")
        run_id = chosen or (made[0].info.run_id if made else None)
        info = mlflow.start_run(run_id=run_id, run_name=None if run_id else name, tags={RUN_TAG: self._job.run}).info
        document = {"run_id": info.run_id, "experiment_id": info.experiment_id, "tracking_uri": _USERINFO.sub("", mlflow.get_tracking_uri())}
        if self._store.create(self._name + ".json", json.dumps(document)):
            return info.run_id
        agreed = self._named() or info.run_id
        if agreed != info.run_id:
            mlflow.end_run()
            mlflow.MlflowClient().delete_run(info.run_id)
        return agreed

    def end(self) -> None:
        """End the run if no job of it is at work any more, for the record of this job is written. A failure to is told, and fails nothing."""
        be_brief()
        try:
            text = self._store.find(self._name + ".json")
            if text and (status := self._status()):
                document = json.loads(text)
                _client(document["tracking_uri"]).set_terminated(document["run_id"], status)
        except Exception as error:  # of S3, MLflow, its plug-ins, the network
            logger.warning("the MLflow run does not end with this job: %s", error)

    def _status(self) -> str | None:
        """Return how the run ends, None as long as it goes on: when a job is at work, or is yet to come and none has failed."""
        prefix = self._job.prefix
        claims = _latest(_CLAIM, self._store.list(f"{prefix}/claims/"))
        records = _latest(_RECORD, self._store.list(f"{prefix}/records/"))
        if any(records.get(key, (0,))[0] < number for key, (number, *_) in claims.items()):
            return None
        names = (f"{key}-t{number}-a{attempt}.json" for key, (number, attempt) in records.items())
        if any(json.loads(self._store.read(f"{prefix}/records/{name}"))["exit"] for name in names):
            return "FAILED"
        return "FINISHED" if len(records) >= self._job.mlflow["groups"] else None


def _latest(pattern: re.Pattern[str], names: Iterator[str]) -> dict[str, tuple[int, ...]]:
    """Return the highest numbers in names, by what is before them: the key of a group."""
    latest: dict[str, tuple[int, ...]] = {}
    for found in filter(None, map(pattern.fullmatch, names)):
        key, *numbers = found.groups()
        latest[key] = max(latest.get(key, ()), tuple(map(int, numbers)))
    return latest


def _client(tracking_uri: str) -> Any:
    """Return a client of the server that this process uses; one that has not come to its nodes is told the address."""
    import mlflow

    return mlflow.MlflowClient(None if mlflow.is_tracking_uri_set() else tracking_uri)


def be_brief() -> None:
    """Let MLflow ask a server that does not answer three times and not for minutes: the job's work is done."""
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")


def _seconds(limit: float) -> Iterator[float]:
    """Yield about once a second, until the limit has passed."""
    end = time.monotonic() + limit
    while (now := time.monotonic()) < end:
        yield now
        time.sleep(1)
