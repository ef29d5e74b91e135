"""Attempts, twins, and runners that work in threads and processes."""

import pytest
from conftest import RUN

VERSIONED = """
    a: {type: json.JSONDataset, filepath: data/a.json, versioned: true}
    b: {type: json.JSONDataset, filepath: data/b.json, versioned: true}
    """
MOVED = [{"name": "a", "action": "move"}, {"name": "b", "action": "move"}]
PINNED = {"a": RUN, "b": RUN}


@pytest.fixture
def dies_after_first_save(project):
    """The host goes away after the first output has been saved, as a reclaimed Spot instance does, but only once."""
    return project.conf("base/catalog.yml", VERSIONED).registry("""
        import os, pathlib, signal
        def first(): return 1
        def second(a):
            mark = pathlib.Path("died")
            if not mark.exists():
                mark.touch()
                os.kill(os.getppid(), signal.SIGKILL)
                os.kill(os.getpid(), signal.SIGKILL)
            return a + 1
        """, 'node(first, None, "a"), node(second, "a", "b")')


@pytest.mark.parametrize("again", [{"attempt": 2}, {"job": "job-2", "number": 2}], ids=["attempt of Batch", "next try"])
def test_versioned_outputs_survive_the_loss_of_a_host(dies_after_first_save, jobs, bucket, again):
    request = jobs.request(crossing=MOVED, versions=PINNED, outputs=["a", "b"])
    lost = jobs.run(request=request)
    assert (lost.code, lost.record) == (-9, None)
    assert bucket.keys() == [f"a.json/{RUN}/a.json"]
    request["try"] = again.pop("number", 1)
    ended = jobs.run(request=request, **again)
    assert ended.code == 0, ended.log
    assert bucket.keys() == [f"a.json/{RUN}/a.json", f"b.json/{RUN}/b.json"]
    assert {row["version"] for row in ended.rows.values()} == {RUN}


def test_other_versions_stay(project, jobs, bucket):
    project.conf("base/catalog.yml", VERSIONED).registry("def make(): return 1", 'node(make, None, "a")')
    bucket.put("a.json/2026-01-01T00.00.00.000Z/a.json", "0")
    assert jobs.run(request=jobs.request(crossing=MOVED)).code == 0
    assert bucket.keys() == ["a.json/2026-01-01T00.00.00.000Z/a.json", f"a.json/{RUN}/a.json"]


def test_a_twin_does_nothing(project, jobs, bucket):
    project.registry("def make(): print('working'); return 1", 'node(make, None, "x")')
    request = jobs.request()
    assert jobs.run(request=request, job="job-1").code == 0
    record = jobs.record(request)
    twin = jobs.run(request=request, job="job-2")
    assert twin.code == 75
    assert "working" not in twin.log
    assert "group g: job job-1 has this work already; this job, job-2, does nothing" in twin.log
    assert jobs.record(request) == record


def test_the_project_is_imported_while_the_work_is_claimed_and_not_run_before(project, jobs, bucket):
    project.registry("""
        import json, os, time
        from pathlib import Path
        job = os.environ["AWS_BATCH_JOB_ID"]
        if job == "job-1":
            time.sleep(2)  # longer than a claim takes
        def make():
            Path("made").write_text(job)
            return job
        """, 'node(make, None, "x")')
    request = jobs.request()
    first = jobs.start(request=request, job="job-1")
    while not bucket.keys(f".kedroctl/runs/{request['run']}/claims/"):
        assert first.poll() is None
    twin = jobs.run(request=request, job="job-2")
    assert (twin.code, (project.dir / "made").exists()) == (75, False)
    first.communicate(timeout=60)
    assert (first.returncode, (project.dir / "made").read_text()) == (0, "job-1")


RUNNERS = [("ThreadRunner", ""), ("ParallelRunner", "fork"), ("ParallelRunner", "spawn"), ("ParallelRunner", "forkserver")]


@pytest.mark.parametrize(("runner", "method"), RUNNERS)
def test_every_runner_records_outputs(project, jobs, runner, method):
    project.conf("base/catalog.yml", VERSIONED).module("nodes", """
        def first(): return 1
        def second(a): return a + 1
        def third(a, b): return [a, b]
        """)
    project.registry("from demo.nodes import first, second, third", """
        node(first, None, "a", name="n1"), node(second, "a", "b", name="n2"), node(third, ["a", "b"], "c", name="n3")
        """.strip())
    request = jobs.request(crossing=[*MOVED, jobs.persist("c")], versions=PINNED, outputs=["a", "b", "c"])
    ended = jobs.run("--runner", runner, request=request, KEDRO_MP_CONTEXT=method)
    assert ended.code == 0, ended.log
    assert (set(ended.rows), ended.record["missing"]) == ({"a", "b", "c"}, [])
    assert set(ended.record["nodes"]) == {"n1", "n2", "n3"}
    assert all(row["size"] and row["etag"] for row in ended.rows.values())
    assert ended.record["peak_memory_mib"] > 20


@pytest.mark.parametrize(("end", "code", "how"), [
    ("os._exit(0)", 1, "exit code 0"),
    ("os._exit(3)", 3, "exit code 3"),
    ("os.kill(os.getpid(), signal.SIGKILL)", 137, "SIGKILL"),
])
def test_a_program_that_ends_on_its_own_is_no_success(project, jobs, end, code, how):
    project.registry(f"""
        import os, signal
        def first(): return 1
        def second(a): {end}
        """, 'node(first, None, "a", name="n1"), node(second, "a", "b", name="n2")')
    request = jobs.request(crossing=[jobs.persist("a"), jobs.persist("b")], outputs=["a", "b"])
    ended = jobs.run(request=request)
    assert ended.code == code, ended.log
    assert f"kedroctl: error: the program ended before its run command did: {how}" in ended.log
    assert (ended.record["exit"], ended.record["missing"], "n1" in ended.record["nodes"]) == (code, ["b"], True)
    assert ended.record["error"] == {"type": "Died", "message": f"the program ended before its run command did: {how}", "node": "n2"}


def test_what_runs_at_exit_runs_once(project, jobs):
    project.registry("""
        import atexit
        atexit.register(lambda: print("good", "bye"))
        def first(): return 1
        """, 'node(first, None, "a")')
    ended = jobs.run(request=jobs.request(crossing=[jobs.persist("a")], outputs=["a"]))
    assert (ended.code, ended.log.count("good bye")) == (0, 1), ended.log


def test_a_job_without_a_record_is_no_success(project, jobs):
    project.registry("""
        from kedroctl_boot.errors import BootError
        from kedroctl_boot.store import Store
        def refuse(*_): raise BootError("s3:PutObject: AccessDenied")
        def first(): Store.write = refuse; return 1
        """, 'node(first, None, "a")')
    ended = jobs.run(request=jobs.request(crossing=[jobs.persist("a")], outputs=["a"]))
    assert (ended.code, ended.record, ended.log.count("kedroctl: error: s3:PutObject: AccessDenied")) == (1, None, 1), ended.log
