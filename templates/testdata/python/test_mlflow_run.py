"""Which job makes the MLflow run of all jobs, where those that should have made it died or were late."""

import os
import sys

import mlflow
import pytest
from conftest import RUN, TEMPLATES

sys.path.insert(0, str(TEMPLATES / "boot"))

from kedroctl_boot import mlflow_run  # noqa: E402
from kedroctl_boot.mlflow_run import SharedRun  # noqa: E402
from kedroctl_boot.request import Request  # noqa: E402
from kedroctl_boot.store import Store  # noqa: E402


@pytest.fixture
def job(bucket, monkeypatch):
    """A job in this process, with an experiment of its own."""
    monkeypatch.setattr(mlflow_run, "CLAIM_SECONDS", 0.1)
    monkeypatch.setenv("AWS_BATCH_JOB_ID", "job-1")
    mlflow.set_tracking_uri(os.environ["KEDROCTL_TEST_TRACKING"])
    mlflow.set_experiment(bucket.name)
    yield Request(bucket=bucket.name, run=RUN, group="g", key="g-1", number=1, mlflow={"mode": "one", "groups": 1})
    mlflow.end_run()


def all_runs():
    return {run.info.run_id for run in mlflow.search_runs(output_format="list")}


@pytest.mark.parametrize("owner", ["job-1", "job-2"])
def test_a_run_that_a_dead_job_left_unnamed_is_taken_up(job, bucket, owner):
    bucket.put(f"runs/{RUN}/mlflow-claim-1.json", f'{{"job": "{owner}"}}')
    left = mlflow.start_run(tags={"kedroctl.run": RUN}).info.run_id
    mlflow.end_run()
    SharedRun(job, Store()).join("name", None)
    assert (mlflow.active_run().info.run_id, all_runs()) == (left, {left})


def test_the_claim_of_a_dead_job_is_passed_over(job, bucket):
    bucket.put(f"runs/{RUN}/mlflow-claim-1.json", '{"job": "job-2"}')
    SharedRun(job, Store()).join("name", None)
    assert all_runs() == {mlflow.active_run().info.run_id}
    assert bucket.get(f"runs/{RUN}/mlflow-claim-2.json") == '{"job": "job-1"}'


def test_who_names_a_run_too_late_deletes_it(job, bucket):
    other = mlflow.start_run().info.run_id
    mlflow.end_run()

    class Late(Store):
        def create(self, uri, text):
            if uri.endswith("mlflow.json"):
                bucket.put(f"runs/{RUN}/mlflow.json", f'{{"run_id": "{other}"}}')
            return super().create(uri, text)

    SharedRun(job, Late()).join("name", None)
    assert (mlflow.active_run().info.run_id, all_runs()) == (other, {other})


def test_a_run_that_the_project_chose_is_the_one(job):
    chosen = mlflow.start_run(run_name="chosen").info.run_id
    mlflow.end_run()
    SharedRun(job, Store()).join("name", chosen)
    assert (mlflow.active_run().info.run_id, mlflow.active_run().info.run_name, all_runs()) == (chosen, "chosen", {chosen})


def test_no_password_of_the_server_is_noted(job, bucket, monkeypatch):
    real = mlflow.get_tracking_uri()
    monkeypatch.setattr(mlflow, "get_tracking_uri", lambda: real.replace("://", "://ann:secret-word@"))
    SharedRun(job, Store()).join("name", None)
    assert "secret-word" not in bucket.get(f"runs/{RUN}/mlflow.json")


def test_nothing_at_the_end_fails_the_job(job, bucket, caplog):
    bucket.put(f"runs/{RUN}/mlflow.json", "not JSON")
    bucket.put(f".kedroctl/runs/{RUN}/records/g-1-t1-a1.json", '{"exit": 0}')
    SharedRun(job, Store()).end()
    assert "the MLflow run does not end with this job" in caplog.text
