"""``AWSBatchRunner`` runs each group of nodes as a job of AWS Batch.

    python -m <package> --env aws_batch --runner <package>.runner.AWSBatchRunner

Written by 'kedroctl init --runner'; yours from now on. Settings are ``aws_batch`` in the environment's parameters. botocore comes with s3fs; boto3
beside it would have to be of the narrow range that s3fs allows.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import click
from kedro.framework import project
from kedro.runner import AbstractRunner

from .batch_jobs import BatchJobs, job_name

MAX_PARENTS = 20  # that Batch takes in dependsOn
MAX_OVERRIDES = 8192  # characters of containerOverrides


@dataclass(frozen=True)
class Settings:
    """``aws_batch`` of the parameters."""

    job_queue: str
    job_definition: str  # with a revision, or the newest active one is taken once for all jobs of a run
    max_workers: int | None = None  # jobs that are submitted and not ended at a time
    conf_source: str = "/app/conf"  # in the image
    package_cli: str | None = None  # program in the image; by default python -m <package>
    region: str | None = None

    @classmethod
    def of(cls, catalog: Any) -> Settings:
        given = catalog.load("parameters").get("aws_batch") or {}
        known = {field.name for field in fields(cls)}
        unknown, missing = sorted(given.keys() - known), sorted({"job_queue", "job_definition"} - given.keys())
        if unknown or missing:
            raise ValueError(f"aws_batch in the parameters: unknown {unknown}, missing {missing}; known are {sorted(known)}")
        return cls(**given)


class Group(NamedTuple):
    """Nodes that one job runs."""

    name: str
    nodes: list[str]
    parents: list[str]  # groups, without those that others imply


class AWSBatchRunner(AbstractRunner):
    """Submit a job for each namespace, and for each node that has none, and wait for them.

    What `run` was asked for, jobs are too: the nodes that are selected, pipelines, parameters, load versions. When a job fails the others are ended.
    """

    def __init__(self, is_async: bool = False, client: Any = None, pause: float = 1.0):
        super().__init__(is_async=is_async)
        self._client = client
        self._pause = pause

    def _get_executor(self, max_workers: int) -> None:
        return None  # nothing runs here

    def _run(self, pipeline: Any, catalog: Any, hook_manager: Any = None, run_id: str | None = None) -> None:
        settings = Settings.of(catalog)
        groups = in_order(pipeline.group_nodes_by("namespace"))
        self._check_data(pipeline, groups, catalog)
        commands = {group.name: self._command(group, pipeline, settings) for group in groups}
        jobs = BatchJobs(settings.job_queue, settings.job_definition, settings.region, self._client, self._logger)
        try:
            self._follow(groups, commands, jobs, settings, run_id)
        except BaseException:
            jobs.end()
            done = {name for group in groups if group.name in jobs.done for name in group.nodes}
            self._suggest_resume_scenario(pipeline, {node for node in pipeline.nodes if node.name in done}, catalog)
            raise

    def _follow(self, groups: list[Group], commands: dict, jobs: BatchJobs, settings: Settings, run_id: str | None) -> None:
        """Submit jobs as early as their number allows: Batch itself keeps them in order."""
        waiting, pause = list(groups), self._pause
        while waiting or jobs.running:
            for group in list(waiting):
                open_parents = [name for name in group.parents if name not in jobs.done]
                ready = all(name in jobs.ids for name in open_parents) and len(open_parents) <= MAX_PARENTS
                if ready and len(jobs.running) < (settings.max_workers or len(groups)):
                    jobs.submit(group.name, job_name(run_id, group.name), commands[group.name], open_parents)
                    waiting.remove(group)
            if jobs.poll():
                self._logger.info("Completed %d out of %d jobs", len(jobs.done), len(groups))
                pause = self._pause
            elif jobs.running:
                time.sleep(pause)
                pause = min(pause * 1.3, 10 * self._pause)

    def _command(self, group: Group, pipeline: Any, settings: Settings) -> list[str]:
        """Tell the job all that this run was asked for, and its nodes by name: so it is exact whatever was selected."""
        context = click.get_current_context(silent=True)
        asked = context.params if context else {}
        env = asked.get("env") or os.environ.get("KEDRO_ENV")
        if not env:
            raise ValueError("Name the environment with --env: jobs have no conf/local.")
        command = [settings.package_cli] if settings.package_cli else ["python", "-m", project.PACKAGE_NAME]
        command += ["--env", env, "--conf-source", settings.conf_source, "--nodes", ",".join(group.nodes)]
        if asked.get("pipelines"):
            command += ["--pipelines", ",".join(asked["pipelines"])]
        if asked.get("pipeline"):
            command += ["--pipeline", asked["pipeline"]]
        if asked.get("params"):
            command += ["--params", ",".join(as_text(asked["params"]))]
        loaded = {name for node in pipeline.nodes if node.name in group.nodes for name in node.inputs}
        versions = [f"{name}:{version}" for name, version in (asked.get("load_versions") or {}).items() if name in loaded]
        if versions:
            command += ["--load-versions", ",".join(versions)]
        if self._is_async:
            command.append("--async")
        if len(json.dumps({"command": command})) > MAX_OVERRIDES:
            raise ValueError(f"The command of group {group.name} is too long for Batch: split its namespace.")
        return command

    def _check_data(self, pipeline: Any, groups: list[Group], catalog: Any) -> None:
        """Refuse data that would stay in a job's memory or on its disk, before anything is submitted."""
        group_of = {node: group.name for group in groups for node in group.nodes}
        makers = {_base(name): group_of[node.name] for node in pipeline.nodes for name in node.outputs}
        lost = {}
        for node in pipeline.nodes:
            for name in node.inputs:
                if name != "parameters" and not name.startswith("params:") and makers.get(_base(name)) != group_of[node.name]:
                    lost[name] = _not_shared(catalog.get(name))
        lost = {name: where for name, where in lost.items() if where}
        if lost:
            listed = ", ".join(f"{name} ({where})" for name, where in sorted(lost.items()))
            raise ValueError(f"Jobs share neither memory nor disks: {listed}. Give these datasets paths on S3 in the environment's catalog.")
        for name in sorted(pipeline.outputs()):
            if where := _not_shared(catalog.get(name)):
                self._logger.warning("%s is lost when its job ends: it is %s", name, where)


def in_order(groups: list[Any]) -> list[Group]:
    """Put each group behind those that it depends on. Groups that wait for each other are an error."""
    waiting = {group.name: group for group in groups}
    above: dict[str, set[str]] = {}
    ordered = []
    while waiting:
        ready = [group for group in waiting.values() if above.keys() >= set(group.dependencies)]
        if not ready:
            raise ValueError(f"These groups wait for each other: {', '.join(sorted(waiting))}. Move nodes into other namespaces.")
        for group in ready:
            parents = set(group.dependencies)
            implied = set().union(*(above[name] for name in parents))
            above[group.name] = parents | implied
            ordered.append(Group(group.name, list(group.nodes), sorted(parents - implied)))
            del waiting[group.name]
    return ordered


def as_text(params: dict[str, Any], prefix: str = "") -> list[str]:
    """Write parameters as --params takes them, which knows neither lists nor commas."""
    items = []
    for key, value in params.items():
        if isinstance(value, dict):
            items += as_text(value, f"{prefix}{key}.")
            continue
        text = {True: "true", False: "false", None: "null"}[value] if value is None or isinstance(value, bool) else str(value)
        if isinstance(value, (list, tuple)) or "," in text:
            raise ValueError(f"--params cannot hand {prefix}{key} on to jobs: write it into the environment's parameters.")
        items.append(f"{prefix}{key}={text}")
    return items


def _base(name: str) -> str:
    return name.split("@")[0]


def _not_shared(dataset: Any) -> str:
    """Say why another job would not see a dataset; "" if it would."""
    dataset = getattr(dataset, "_dataset", dataset) if type(dataset).__name__ == "CachedDataset" else dataset
    if dataset is None or type(dataset).__name__ in ("MemoryDataset", "SharedMemoryDataset"):
        return "in memory"
    return "on the local disk" if getattr(dataset, "_protocol", None) in ("file", "local") else ""
