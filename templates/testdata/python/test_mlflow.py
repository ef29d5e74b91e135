"""Jobs of a project that uses kedro-mlflow, with a tracking server."""

import json
import os
import signal
import time

import mlflow
import pytest
from conftest import RUN

SERVER = os.environ.get("KEDROCTL_TEST_TRACKING", "")


class Tracked:
    """A project with two nodes, whose experiment is that of one test."""

    def __init__(self, project, jobs, bucket) -> None:
        self.project, self.jobs, self.bucket = project, jobs, bucket
        self.client = mlflow.MlflowClient(SERVER)
        self.configure()
        project.conf("base/catalog.yml", "error: {type: kedro_mlflow.io.metrics.MlflowMetricDataset}\n")
        project.conf("base/parameters.yml", "rate: 0.1\ndepth: 3\n")
        self.nodes()

    def configure(self, **tracking) -> None:
        self.project.conf("base/mlflow.yml", json.dumps({"tracking": {"experiment": {"name": self.bucket.name}, **tracking}}))

    def nodes(self, first="return 1.0", second="return depth") -> None:
        self.project.module("nodes", f"""
            import os, signal, time
            import mlflow
            def first(rate): {first}
            def second(depth): {second}
            """)
        self.project.registry("from demo.nodes import first, second", """
            node(first, "params:rate", "error", name="first"), node(second, "params:depth", "x", name="second")
            """.strip())

    def start(self, name, mode="one", groups=2, uri=SERVER, flags=(), number=1, **env):
        request = self.jobs.request(group=name, key=f"{name}-1", outputs=[], mlflow={"mode": mode, "groups": groups}, **{"try": number})
        nodes = "first,second" if name == "both" else name
        return self.jobs.start("--nodes", nodes, *flags, request=request, MLFLOW_TRACKING_URI=uri, **{"job": f"job-{name}-{number}", **env})

    def run(self, name, code=0, **options):
        process = self.start(name, **options)
        log, _ = process.communicate(timeout=180)
        assert process.returncode == code, log
        return log

    def runs(self):
        experiment = self.client.get_experiment_by_name(self.bucket.name)
        return self.client.search_runs([experiment.experiment_id]) if experiment else []

    @property
    def only(self):
        [only] = self.runs()
        return only

    def noted(self):
        return json.loads(self.bucket.get(f"runs/{RUN}/mlflow.json"))


@pytest.fixture
def tracked(project, jobs, bucket):
    return Tracked(project, jobs, bucket)


def test_jobs_log_into_one_run_that_ends_with_the_last(tracked):
    tracked.run("first")
    assert tracked.only.info.status == "RUNNING"
    log = tracked.run("second")
    only = tracked.only
    assert (only.info.status, only.info.run_name) == ("FINISHED", RUN)
    assert (only.data.params, only.data.metrics) == ({"rate": "0.1", "depth": "3"}, {"error": 1.0})
    assert only.data.tags["kedroctl.run"] == RUN
    assert tracked.noted() == {"run_id": only.info.run_id, "experiment_id": only.info.experiment_id, "tracking_uri": SERVER}
    assert f"MLflow run {only.info.run_id} is that of all jobs; it ends with the run" in log


def test_jobs_that_start_together_agree_on_a_run(tracked):
    both = [tracked.start("first"), tracked.start("second")]
    logs = [process.communicate(timeout=180)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], "\n".join(logs)
    assert tracked.only.info.status == "FINISHED"


def test_a_run_with_a_failed_job_ends_failed_and_a_further_try_mends_it(tracked):
    tracked.nodes(first="raise ValueError('no rate')")
    tracked.run("first", code=1)
    assert tracked.only.info.status == "FAILED"
    tracked.run("second")
    assert tracked.only.info.status == "FAILED"
    tracked.nodes()
    tracked.run("first", number=2)
    assert tracked.only.info.status == "FINISHED"


def test_a_job_that_still_works_decides_when_another_fails(tracked):
    tracked.nodes(first="raise ValueError", second="time.sleep(600)")
    slow = tracked.start("second")
    for _ in range(240):
        if tracked.runs() and tracked.only.data.params.get("depth"):
            break
        time.sleep(0.5)
    tracked.run("first", code=1)
    assert tracked.only.info.status == "RUNNING"
    slow.send_signal(signal.SIGTERM)
    log, _ = slow.communicate(timeout=60)
    assert (slow.returncode, tracked.only.info.status) == (143, "FAILED"), log


def test_a_killed_program_ends_the_run(tracked):
    tracked.nodes(first="os.kill(os.getpid(), signal.SIGKILL)")
    tracked.run("first", code=137, groups=1)
    assert tracked.only.info.status == "FAILED"


RUNNERS = [("ThreadRunner", ""), ("ParallelRunner", "fork"), ("ParallelRunner", "spawn")]


@pytest.mark.parametrize(("runner", "method"), RUNNERS)
def test_every_runner_logs_into_the_run(tracked, runner, method):
    tracked.run("both", flags=("--runner", runner), KEDRO_MP_CONTEXT=method)
    assert tracked.only.info.status == "RUNNING"
    assert (tracked.only.data.params, tracked.only.data.metrics) == ({"rate": "0.1", "depth": "3"}, {"error": 1.0})


def test_runs_within_the_run_are_the_projects_own(tracked):
    tracked.nodes(first="\n                with mlflow.start_run(nested=True): mlflow.log_param('fold', 1)\n                return 1.0")
    tracked.run("both", groups=1)
    inner, outer = sorted(tracked.runs(), key=lambda run: "kedroctl.run" in run.data.tags)
    assert (inner.info.status, inner.data.params, inner.data.tags["mlflow.parentRunId"]) == ("FINISHED", {"fold": "1"}, outer.info.run_id)
    assert (outer.info.status, outer.data.params) == ("FINISHED", {"rate": "0.1", "depth": "3"})


def test_a_pipeline_that_is_not_tracked_makes_no_run(tracked):
    tracked.configure(disable_tracking={"pipelines": ["__default__"]})
    tracked.run("both")
    assert (tracked.runs(), tracked.bucket.keys()) == ([], [])


def test_per_job_names_the_run_of_each_job(tracked):
    tracked.run("first", mode="per-job")
    tracked.configure(run={"name": "mine"})
    tracked.run("second", mode="per-job")
    second, first = tracked.runs()
    assert (first.info.run_name, second.info.run_name) == (f"{RUN} first", "mine")
    assert [(run.data.tags["kedroctl.run"], run.data.tags["kedroctl.group"]) for run in (first, second)] == [(RUN, "first"), (RUN, "second")]
    assert {first.info.status, second.info.status} == {"FINISHED"}
    assert tracked.bucket.keys() == []


def test_jobs_that_track_to_their_disk_share_no_run(tracked):
    log = tracked.run("both", uri=f"sqlite:///{tracked.project.dir}/mlflow.db")
    assert "it has an MLflow run of its own" in log
    assert (tracked.runs(), tracked.bucket.keys()) == ([], [])


@pytest.mark.parametrize("method", ["", "spawn"])
def test_off_asks_no_server(tracked, method):
    runner = ("--runner", "ParallelRunner") if method else ()
    log = tracked.run("both", mode="off", uri="http://127.0.0.1:9", flags=runner, KEDRO_MP_CONTEXT=method)
    assert "Connection" not in log
    assert (tracked.runs(), tracked.bucket.keys()) == ([], [])
