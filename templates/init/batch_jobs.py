"""Jobs of AWS Batch for ``AWSBatchRunner``. Written by 'kedroctl init --runner'; yours from now on."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

PAGE = 100  # ids that DescribeJobs takes
PATIENCE = 60  # polls that a job that was just submitted may be unknown for


class JobFailed(RuntimeError):
    """A job ended otherwise than by success."""


class BatchJobs:
    """The jobs of one run."""

    def __init__(self, queue: str, definition: str, region: str | None, client: Any, logger: Any):
        self._session, self._region, self._logger = Session(), region, logger
        self._batch = client or self._client("batch")
        self._queue, self._definition = queue, self._pinned(definition)
        self.ids: dict[str, str] = {}  # of all groups that were submitted, in that order
        self.running: set[str] = set()  # groups
        self.done: set[str] = set()  # groups
        self._unknown = 0

    def _client(self, service: str) -> Any:
        retries = Config(retries={"mode": "standard", "max_attempts": 8})
        return self._session.create_client(service, region_name=self._region, config=retries)

    def _pinned(self, definition: str) -> str:
        """Take one revision for all jobs of the run: a newer one may come meanwhile."""
        if ":" in definition:
            return definition
        pages = self._batch.get_paginator("describe_job_definitions").paginate(jobDefinitionName=definition, status="ACTIVE")
        revisions = [found["revision"] for page in pages for found in page["jobDefinitions"]]
        if not revisions:
            raise ValueError(f"There is no active job definition {definition}.")
        return f"{definition}:{max(revisions)}"

    def submit(self, group: str, name: str, command: list[str], parents: list[str]) -> None:
        answer = self._batch.submit_job(
            jobName=name,
            jobQueue=self._queue,
            jobDefinition=self._definition,
            dependsOn=[{"jobId": self.ids[parent]} for parent in parents],
            containerOverrides={"command": command},
        )
        self.ids[group] = answer["jobId"]
        self.running.add(group)
        self._logger.info("Submitted group %s as job %s", group, answer["jobId"])

    def poll(self) -> bool:
        """Say whether jobs have ended since the last time. One that has failed raises JobFailed."""
        open_ids = [self.ids[group] for group in self.ids if group in self.running]
        jobs: dict[str, Any] = {}
        for start in range(0, len(open_ids), PAGE):
            page = self._batch.describe_jobs(jobs=open_ids[start : start + PAGE])["jobs"]
            jobs.update({job["jobId"]: job for job in page})
        self._unknown = self._unknown + 1 if len(jobs) < len(open_ids) else 0
        if self._unknown > PATIENCE:
            raise JobFailed(f"Batch does not know the jobs {sorted(set(open_ids) - jobs.keys())}")
        ended = {group for group in self.running if jobs.get(self.ids[group], {}).get("status") in ("SUCCEEDED", "FAILED")}
        for group in self.ids:  # parents first: what only follows from their failure is not the cause
            if group in ended and jobs[self.ids[group]]["status"] == "FAILED":
                self.running -= ended
                raise JobFailed(f"Job {self.ids[group]} of group {group} failed: {self._why(jobs[self.ids[group]])}")
        self.running -= ended
        self.done |= ended
        return bool(ended)

    def end(self) -> None:
        """End what still runs or waits."""
        for group in sorted(self.running):
            try:
                self._batch.terminate_job(jobId=self.ids[group], reason="the run has ended")
            except (BotoCoreError, ClientError) as error:
                self._logger.warning("Job %s of group %s goes on: %s", self.ids[group], group, error)

    def _why(self, job: dict[str, Any]) -> str:
        container = job.get("container", {})
        reasons = [job.get("statusReason"), container.get("reason")]
        if "exitCode" in container:
            reasons.append(f"exit code {container['exitCode']}")
        return "\n  ".join([", ".join(reason for reason in reasons if reason) or "no reason given", *self._last_lines(container)])

    def _last_lines(self, container: dict[str, Any]) -> list[str]:
        group = container.get("logConfiguration", {}).get("options", {}).get("awslogs-group", "/aws/batch/job")
        try:
            events = self._client("logs").get_log_events(logGroupName=group, logStreamName=container["logStreamName"], limit=10)
        except (BotoCoreError, ClientError, KeyError):
            return []
        return [event["message"] for event in events["events"]]


def job_name(run: str | None, group: str) -> str:
    """Name a job by run and group, in what Batch allows; a name that had to be changed has a hash."""
    name = f"kedro-{run or 'run'}-{group}"
    clean = re.sub(r"[^A-Za-z0-9_-]", "-", name)
    if clean == name.replace(".", "-") and len(clean) <= 128:
        return clean
    return f"{clean[:119]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
