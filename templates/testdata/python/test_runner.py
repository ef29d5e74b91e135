"""The runner that init --runner writes, with a Batch that does as it is told."""

from __future__ import annotations

import importlib
import logging
import sys

import click
import pytest
from conftest import TEMPLATES
from kedro.framework import project
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import node, pipeline

SETTINGS = {"job_queue": "queue", "job_definition": "jobs"}


@pytest.fixture(scope="module")
def runner(tmp_path_factory):
    """The module, in a package as a project has it."""
    root = tmp_path_factory.mktemp("shop")
    package = root / "written" / "runner"
    package.mkdir(parents=True)
    for name, source in {"__init__": "runner", "batch_runner": "batch_runner", "batch_jobs": "batch_jobs"}.items():
        (package / f"{name}.py").write_text((TEMPLATES / "init" / f"{source}.py").read_text())
    sys.path.insert(0, str(root))
    yield importlib.import_module("written.runner.batch_runner")
    sys.path.remove(str(root))


class Batch:
    """Ends a job one look after its parents, by success unless it is told otherwise."""

    def __init__(self, fails: tuple[str, ...] = (), unknown: int = 0):
        self.fails, self.unknown = fails, unknown
        self.jobs, self.ended, self.most = {}, [], 0

    def get_paginator(self, name):
        assert name == "describe_job_definitions"
        return self

    def paginate(self, **_):
        return [{"jobDefinitions": [{"revision": 9}]}, {"jobDefinitions": [{"revision": 10}]}]

    def submit_job(self, **job):
        assert len(job["dependsOn"]) <= 20
        job["jobId"], job["status"] = f"id-{len(self.jobs)}", "RUNNABLE"
        self.jobs[job["jobId"]] = job
        self.most = max(self.most, sum(known["status"] == "RUNNABLE" for known in self.jobs.values()))
        return job

    def describe_jobs(self, jobs):
        assert len(jobs) <= 100
        if self.unknown:
            self.unknown -= 1
            return {"jobs": []}
        before = {name: job["status"] for name, job in self.jobs.items()}
        for job in self.jobs.values():
            parents = {before[parent["jobId"]] for parent in job["dependsOn"]}
            if job["status"] == "RUNNABLE" and parents <= {"SUCCEEDED"}:
                job["status"] = "FAILED" if any(name in job["jobName"] for name in self.fails) else "SUCCEEDED"
                job["container"] = {"reason": "OutOfMemoryError", "exitCode": 137} if job["status"] == "FAILED" else {}
        return {"jobs": [self.jobs[name] for name in jobs]}

    def terminate_job(self, jobId, reason):  # noqa: N803
        self.ended.append(self.jobs[jobId]["jobName"].rsplit("-", 1)[-1])


class Remote(MemoryDataset):
    """Stands in for data on S3."""


def run(runner, nodes, batch, params=None, options=None, catalog=None, **settings):
    project.PACKAGE_NAME = "shop"
    made = pipeline(nodes)
    data = {name: Remote() for name in made.datasets() if not name.startswith("param")}
    data |= {"parameters": MemoryDataset({"aws_batch": {**SETTINGS, **settings}})} | (catalog or {})
    data |= {name: MemoryDataset(1) for name in made.inputs() if name.startswith("params:")}
    asked = {"env": "aws_batch", "params": params or {}, **(options or {})}
    context = click.Context(click.Command("run"))
    context.params = asked
    with context:
        runner.AWSBatchRunner(client=batch, pause=0.001).run(made, DataCatalog(data), run_id="2026-11-23T09.55.12.345Z")
    return list(batch.jobs.values())


def step(name, inputs, outputs, namespace=None):
    return node(lambda *_: 1, inputs, outputs, name=name, namespace=namespace)


DIAMOND = [step("a", "raw", "x"), step("b", "x", "y"), step("c", "x", "z"), step("d", ["x", "y", "z"], "out")]


def test_jobs_in_order(runner):
    jobs = run(runner, DIAMOND, Batch())
    names = {job["jobId"]: job["jobName"] for job in jobs}
    assert [name.rsplit("-", 1)[-1] for name in names.values()] == ["a", "b", "c", "d"]
    assert names["id-0"] == "kedro-2026-11-23T09-55-12-345Z-a"
    parents = [[names[parent["jobId"]].rsplit("-", 1)[-1] for parent in job["dependsOn"]] for job in jobs]
    assert parents == [[], ["a"], ["a"], ["b", "c"]]  # d needs a too, which the others imply
    assert {job["jobDefinition"] for job in jobs} == {"jobs:10"}  # one revision for all
    assert jobs[0]["containerOverrides"]["command"] == [
        *["python", "-m", "shop", "--env", "aws_batch", "--conf-source", "/app/conf", "--nodes", "a"],
    ]


def test_what_was_asked_for_reaches_the_jobs(runner):
    options = {"pipelines": ["one", "two"], "load_versions": {"raw": "v1", "x": "v2"}}
    jobs = run(runner, DIAMOND, Batch(), {"a": {"b": 1.5, "c": True}, "d": None}, options, package_cli="shop-cli", conf_source="s3://b/conf")
    assert jobs[0]["containerOverrides"]["command"] == [
        *["shop-cli", "--env", "aws_batch", "--conf-source", "s3://b/conf", "--nodes", "a"],
        *["--pipelines", "one,two", "--params", "a.b=1.5,a.c=true,d=null", "--load-versions", "raw:v1"],
    ]


@pytest.mark.parametrize("value", [[1, 2], "a,b"])
def test_parameters_that_cannot_be_handed_on(runner, value):
    batch = Batch()
    with pytest.raises(ValueError, match="cannot hand a.b on"):
        run(runner, DIAMOND, batch, {"a": {"b": value}})
    assert not batch.jobs


def test_few_at_a_time(runner):
    batch = Batch()
    assert len(run(runner, [step(f"n{i}", "raw", f"o{i}") for i in range(9)], batch, max_workers=2)) == 9
    assert batch.most == 2


def test_more_than_twenty_parents(runner):
    many = [step(f"n{i}", "raw", f"o{i}") for i in range(30)]
    jobs = run(runner, [*many, step("join", [f"o{i}" for i in range(30)], "out")], Batch(unknown=2))
    assert len(jobs) == 31
    assert jobs[-1]["jobName"].endswith("-join")


def test_failure_ends_the_rest_and_says_why(runner, caplog):
    batch = Batch(fails=("-b",))
    with caplog.at_level(logging.WARNING), pytest.raises(RuntimeError, match="of group b failed: OutOfMemoryError, exit code 137"):
        run(runner, [*DIAMOND, step("e", "z", "w"), step("f", "w", "v")], batch)
    assert {"d", "e", "f"} == set(batch.ended)
    assert "No nodes ran" not in caplog.text  # a is done


def test_namespace_and_node_of_one_name(runner):
    jobs = run(runner, [step("n", "raw", "x", "same"), step("same", "x", "out")], Batch())
    assert ["--nodes", "same.n,same"] == jobs[0]["containerOverrides"]["command"][-2:]


def test_circle(runner):
    batch = Batch()
    with pytest.raises(ValueError, match="wait for each other: a, b"):
        run(runner, [step("1", "raw", "x", "a"), step("2", "x", "y", "b"), step("3", "y", "w", "a")], batch)
    assert not batch.jobs


def test_data_in_memory(runner, caplog):
    batch = Batch()
    with pytest.raises(ValueError, match=r"neither memory nor disks: x \(in memory\)"):
        run(runner, DIAMOND, batch, catalog={"x": MemoryDataset()})
    assert not batch.jobs
    with caplog.at_level(logging.WARNING):
        run(runner, DIAMOND, batch, catalog={"out": MemoryDataset()})
    assert "out is lost" in caplog.text


def test_settings(runner):
    with pytest.raises(ValueError, match=r"unknown \['job_que'\], missing \[\]"):
        run(runner, DIAMOND, Batch(), job_que="x")
    with pytest.raises(ValueError, match="--env"):
        run(runner, DIAMOND, Batch(), options={"env": None})


@pytest.mark.parametrize("group", ["a b", "<lambda>__1a2b3c4d", "données", "x" * 200])
def test_names(runner, group):
    name = runner.job_name("2026", group)
    assert len(name) <= 128 and name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    assert name != runner.job_name("2026", group + "y")


def test_nothing_to_do(runner):
    assert run(runner, [], Batch()) == []
