"""Runs what a job's container runs, as a process of its own, against the S3 at AWS_ENDPOINT_URL.

The Go test of package templates starts that S3 and these tests; by hand, any S3 does that may be written to.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
import uuid
from dataclasses import dataclass
from pathlib import Path

import kedro
import pytest
from botocore.session import get_session

TEMPLATES = Path(__file__).resolve().parents[2]
RUN = "2026-11-23T09.55.12.345Z"
PYPROJECT = '[tool.kedro]\npackage_name = "demo"\nproject_name = "Demo"\nkedro_init_version = "{}"\nsource_dir = "{}"\n'


@pytest.fixture(scope="session", autouse=True)
def environment(tmp_path_factory):
    """Keep credentials and settings of the person who runs the tests out of them, and bytecode out of the tree."""
    if not os.environ.get("AWS_ENDPOINT_URL"):
        pytest.exit("AWS_ENDPOINT_URL must name an S3 to test against", returncode=2)
    os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="eu-west-1", DO_NOT_TRACK="1")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(tmp_path_factory.mktemp("bytecode"))


class Bucket:
    """A bucket of its own for each test."""

    def __init__(self) -> None:
        self.name = f"test-{uuid.uuid4().hex[:12]}"
        self.client = get_session().create_client("s3")
        self.client.create_bucket(Bucket=self.name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})

    def put(self, key: str, text: str) -> None:
        self.client.put_object(Bucket=self.name, Key=key, Body=text.encode())

    def get(self, key: str) -> str:
        return self.client.get_object(Bucket=self.name, Key=key)["Body"].read().decode()

    def keys(self, prefix: str = "") -> list[str]:
        """Return the keys, without those that kedroctl keeps for itself unless the prefix names them."""
        found = self.client.list_objects_v2(Bucket=self.name, Prefix=prefix).get("Contents", [])
        return [entry["Key"] for entry in found if prefix or not entry["Key"].startswith(".kedroctl/")]


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


class Project:
    """A Kedro project whose package is demo."""

    def __init__(self, directory: Path, source_dir: str = "src") -> None:
        self.dir = directory
        self.source = directory / source_dir

    def make(self) -> Project:
        """Write the files that every project has."""
        self.write("pyproject.toml", PYPROJECT.format(kedro.__version__, self.source.relative_to(self.dir)))
        self.module("__init__", "")
        self.module("settings", "")
        for env in ("base", "local", "aws"):
            (self.dir / "conf" / env).mkdir(parents=True)
        return self.conf("base/catalog.yml", "")

    def write(self, path: str, text: str) -> Project:
        file = self.dir / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text), encoding="utf-8")
        return self

    def module(self, name: str, text: str) -> Project:
        return self.write(f"{self.source.relative_to(self.dir)}/demo/{name}.py", text)

    def conf(self, path: str, text: str) -> Project:
        return self.write(f"conf/{path}", text)

    def forget(self) -> None:
        """Remove the data on disk, which no container has of another one."""
        shutil.rmtree(self.dir / "data", ignore_errors=True)

    def registry(self, functions: str, nodes: str) -> Project:
        """Register nodes as the default pipeline; they may use the functions."""
        return self.module("pipeline_registry", textwrap.dedent(functions) + textwrap.dedent(f"""
            from kedro.pipeline import node, pipeline
            def register_pipelines():
                return {{"__default__": pipeline([{nodes}])}}
            """))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project").make()


@dataclass
class Ended:
    """A job that has ended."""

    code: int
    log: str
    record: dict | None

    @property
    def rows(self) -> dict[str, dict]:
        return {row["dataset"]: row for row in self.record["outputs"]}


class Jobs:
    """Starts jobs of a project."""

    def __init__(self, project: Project, bucket: Bucket) -> None:
        self.project = project
        self.bucket = bucket

    def request(self, **values) -> dict:
        return {"schema": 1, "bucket": self.bucket.name, "run": RUN, "group": "g", "key": "g-1", "try": 1, **values}

    def persist(self, name: str) -> dict:
        return {"name": name, "action": "persist", "path": f"s3://{self.bucket.name}/runs/{RUN}/{name}.pkl"}

    def start(self, *flags: str, request: dict | str | None, job: str = "job-1", attempt: int = 1, **env: str) -> subprocess.Popen:
        environ = {**os.environ, "KEDROCTL_PACKAGE": "demo", "AWS_BATCH_JOB_ID": job, "AWS_BATCH_JOB_ATTEMPT": str(attempt), **env}
        environ["PYTHONPATH"] = os.pathsep.join([str(TEMPLATES / "boot"), str(self.project.source)])
        environ["KEDRO_LOGGING_CONFIG"] = str(TEMPLATES / "boot" / "kedroctl_boot" / "logging.yml")
        if request is not None:
            environ["KEDROCTL_REQUEST"] = request if isinstance(request, str) else json.dumps(request)
        command = [sys.executable, "-m", "kedroctl_boot", "--env", "aws", "--conf-source", str(self.project.dir / "conf"), *flags]
        return subprocess.Popen(command, cwd=self.project.dir, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def run(self, *flags: str, request: dict | str | None, attempt: int = 1, **options) -> Ended:
        process = self.start(*flags, request=request, attempt=attempt, **options)
        log, _ = process.communicate(timeout=120)
        return Ended(process.returncode, log, self.record(request, attempt) if isinstance(request, dict) else None)

    def record(self, request: dict, attempt: int = 1) -> dict | None:
        prefix = f".kedroctl/runs/{RUN}/records/{request['key']}-t{request['try']}-a{attempt}.json"
        return json.loads(self.bucket.get(prefix)) if self.bucket.keys(prefix) else None


@pytest.fixture
def jobs(project: Project, bucket: Bucket) -> Jobs:
    return Jobs(project, bucket)


@pytest.fixture
def inspect(tmp_path):
    """Take a snapshot; the exit code must tell of errors."""
    def take(project, *flags, where=("--project", "."), cwd=None, **env):
        out = tmp_path / "snapshot.json"
        environ = {**os.environ, "KEDRO_LOGGING_CONFIG": str(TEMPLATES / "introspect_logging.yml"), **env}
        command = [sys.executable, str(TEMPLATES / "introspect.py"), "--out", str(out), *where, *flags]
        ended = subprocess.run(command, cwd=cwd or project.dir, env=environ, text=True, capture_output=True, timeout=60)
        snapshot = json.loads(out.read_text())
        assert ended.returncode == bool(snapshot["errors"]), ended.stderr
        return snapshot
    return take
