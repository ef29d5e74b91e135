"""What cannot be kept: an error where other groups wait for it, and told where it only ends with the job."""

import pytest
from conftest import RUN

UNPICKLABLE = ("""
    import threading
    def make(): return {"lock": threading.Lock()}
    def use(x): pass
    """, 'node(make, None, "x", name="make"), node(use, "x", None, name="use")')


@pytest.mark.parametrize("runner", ["SequentialRunner", "ThreadRunner", "ParallelRunner"])
def test_data_that_crosses_must_be_picklable(project, jobs, bucket, runner):
    project.module("nodes", UNPICKLABLE[0]).registry("from demo.nodes import make, use", UNPICKLABLE[1])
    ended = jobs.run("--nodes", "make", "--runner", runner, request=jobs.request(crossing=[jobs.persist("x")], outputs=["x"]))
    told = "node make: dataset x cannot reach the groups that load it: dict cannot be pickled: cannot pickle '_thread.lock' object"
    assert (ended.code, ended.log.rstrip().rpartition("\n")[2]) == (1, f"kedroctl: error: {told}")
    assert ended.record["error"] == {"type": "UnpicklableError", "message": told, "node": "make"}
    assert (ended.record["missing"], ended.record["not_kept"], bucket.keys()) == (["x"], [], [])


@pytest.mark.parametrize("runner", ["SequentialRunner", "ParallelRunner"])
def test_data_that_leaves_may_be_lost(project, jobs, bucket, runner):
    project.module("nodes", UNPICKLABLE[0]).registry("from demo.nodes import make", UNPICKLABLE[1].partition(", node(use")[0])
    leaving = {"name": "x", "action": "persist", "path": f"s3://{bucket.name}/outputs/{RUN}/x.pkl"}
    ended = jobs.run("--runner", runner, request=jobs.request(crossing=[leaving], outputs=["x"]))
    assert ended.code == 0, ended.log
    reason = "dict cannot be pickled: cannot pickle '_thread.lock' object"
    assert f"WARNING kedroctl: node make: dataset x leaves the pipeline and is not kept: {reason}" in ended.log
    assert (ended.rows, ended.record["missing"], bucket.keys()) == ({}, [], [])
    assert ended.record["not_kept"] == [{"dataset": "x", "reason": reason}]


def test_files_outside_the_catalog_are_told_of(project, jobs):
    project.write("notes/old.txt", "1").write("notes/grows.txt", "1").conf("base/catalog.yml", """
        moved: {type: json.JSONDataset, filepath: data/moved.json}
        staged: {type: demo.io.Plain, filepath: data/staged/x.txt}
        here: {type: json.JSONDataset, filepath: data/here.json}
        """).module("io", """
        from pathlib import Path
        from kedro.io import AbstractDataset
        class Plain(AbstractDataset):
            def __init__(self, filepath): self._filepath = Path(filepath)
            def load(self): return self._filepath.read_text()
            def save(self, data):
                self._filepath.parent.mkdir(parents=True, exist_ok=True)
                self._filepath.write_text(data)
            def _describe(self): return {}
        """).registry("""
        import logging, os
        from pathlib import Path
        def make():
            logging.getLogger("theirs").addHandler(logging.FileHandler("theirs.log"))
            Path("between.txt").write_text("1234")
            Path("notes/grows.txt").write_text("12")
            os.chdir("notes")
            return 1, "two", 3
        def beside(staged): Path("../data/staged/beside.txt").write_text("123")
        """, 'node(make, None, ["moved", "staged", "here"]), node(beside, "staged", None)')
    crossing = [{"name": "moved", "action": "move"}, {"name": "staged", "action": "stage"}]
    ended = jobs.run(request=jobs.request(crossing=crossing, outputs=["moved", "staged", "here"]))
    assert ended.code == 0, ended.log
    assert ended.record["not_kept"] == [
        {"file": "between.txt", "size": 4}, {"file": "data/staged/beside.txt", "size": 3}, {"file": "notes/grows.txt", "size": 2}]


def test_many_files_outside_the_catalog_are_summed_up(project, jobs):
    project.registry("""
        from pathlib import Path
        def make():
            for n in range(60):
                Path("mlruns/0").mkdir(parents=True, exist_ok=True)
                Path(f"mlruns/0/{n}").write_text("12")
            Path("one.txt").write_text("1")
            return 1
        """, 'node(make, None, "x")')
    ended = jobs.run(request=jobs.request())
    assert ended.record["not_kept"] == [{"file": "./", "size": 1}, {"file": "mlruns/", "size": 120}]
