"""What crosses jobs, where it goes, and which version is read."""

import json

import pytest
from conftest import RUN

OLD = "2026-01-01T00.00.00.000Z"
NEW = "2027-01-01T00.00.00.000Z"


def test_memory_data_crosses_two_jobs(project, jobs, bucket):
    project.conf("base/parameters.yml", "").registry("""
        def make(): return [(lambda: n * 2) for n in (1, 2, 3)]
        def use(functions): return [f() for f in functions]
        """, 'node(make, None, "functions", name="make"), node(use, "functions", "result", name="use")')
    crossing = [jobs.persist("functions"), jobs.persist("result")]
    first = jobs.run("--nodes", "make", request=jobs.request(crossing=crossing, outputs=["functions"]))
    second = jobs.run("--nodes", "use", request=jobs.request(crossing=crossing, outputs=["result"], key="h-1"))
    assert (first.code, second.code) == (0, 0), first.log + second.log
    row = second.rows["result"]
    head = bucket.client.head_object(Bucket=bucket.name, Key=f"runs/{RUN}/result.pkl")
    assert row == {"dataset": "result", "path": f"s3://{bucket.name}/runs/{RUN}/result.pkl", "size": head["ContentLength"], "etag": head["ETag"].strip('"')}
    assert second.record["missing"] == []


def test_a_generator_node_persists_its_last_chunk(project, jobs):
    project.conf("base/catalog.yml", "kept: {type: json.JSONDataset, filepath: data/kept.json}").registry("""
        def make():
            yield 1
            yield 2
        def keep(x): return x
        """, 'node(make, None, "x", name="make"), node(keep, "x", "kept", name="keep")')
    crossing = [jobs.persist("x"), {"name": "kept", "action": "move"}]
    ended = jobs.run(request=jobs.request(crossing=crossing))
    assert ended.code == 0, ended.log
    assert jobs.bucket.get("kept.json") == "2"


def test_what_cannot_be_pickled_leaves_no_object(project, jobs, bucket):
    project.registry("import threading\ndef make(): return threading.Lock()", 'node(make, None, "x")')
    ended = jobs.run(request=jobs.request(crossing=[jobs.persist("x")], outputs=["x"]))
    assert (ended.code, ended.record["missing"]) == (1, ["x"])
    assert bucket.keys() == []


def test_local_paths_move_wherever_a_definition_has_them(project, jobs, bucket):
    project.conf("base/catalog.yml", """
        "{name}_csv": {type: pandas.CSVDataset, filepath: "data/02_x/{name}.csv", save_args: {index: false}}
        absolute: {type: json.JSONDataset, filepath: "%s/data/absolute.json"}
        cached: {type: CachedDataset, versioned: true, dataset: {type: json.JSONDataset, filepath: ./data/cached.json}}
        parts: {type: partitions.PartitionedDataset, path: data/parts, dataset: json.JSONDataset, filename_suffix: .json}
        """ % project.dir)
    project.registry("""
        import pandas as pd
        def make(): return pd.DataFrame({"a": [1]}), {"b": 2}, [3], {"one": 1, "two": 2}
        """, 'node(make, None, ["table_csv", "absolute", "cached", "parts"])')
    names = ["table_csv", "absolute", "cached", "parts"]
    ended = jobs.run(request=jobs.request(crossing=[{"name": name, "action": "move"} for name in names], outputs=names))
    assert ended.code == 0, ended.log
    assert bucket.keys() == ["02_x/table.csv", "absolute.json", f"cached.json/{RUN}/cached.json", "parts/one.json", "parts/two.json"]
    assert ended.record["missing"] == []
    assert ended.rows["cached"]["version"] == RUN
    assert ended.rows["parts"] == {"dataset": "parts", "path": f"s3://{bucket.name}/parts", "size": 2}


def test_the_checkpoint_of_an_incremental_dataset_moves_too(project, jobs, bucket):
    project.conf("base/catalog.yml", """
        parts:
          type: partitions.IncrementalDataset
          path: data/parts
          dataset: json.JSONDataset
          filename_suffix: .json
          checkpoint: {type: text.TextDataset, filepath: data/parts/SEEN}
        """).registry("def use(parts): return sorted(parts)", 'node(use, "parts", "seen", confirms="parts")')
    for name in "ab":
        bucket.put(f"parts/{name}.json", "1")
    ended = jobs.run(request=jobs.request(crossing=[{"name": "parts", "action": "move"}]))
    assert ended.code == 0, ended.log
    assert bucket.get("parts/SEEN") == "b"


@pytest.mark.parametrize(("entry", "reason"), [
    ("{type: json.JSONDataset, filepath: /elsewhere/x.json}", "/elsewhere/x.json has no place in s3://"),
    ("{type: MemoryDataset}", "its definition has no local path to move to S3"),
])
def test_what_cannot_move_is_told(project, jobs, entry, reason):
    project.conf("base/catalog.yml", f"x: {entry}").registry("def make(): return 1", 'node(make, None, "x")')
    ended = jobs.run(request=jobs.request(crossing=[{"name": "x", "action": "move"}]))
    assert (ended.code, ended.record["error"]["type"]) == (1, "BootError")
    assert f"kedroctl: error: dataset x: {reason}" in ended.log


def test_a_path_may_depend_on_parameters_of_the_run(project, jobs, bucket):
    project.conf("base/catalog.yml", 'x: {type: json.JSONDataset, filepath: "data/${runtime_params:day}/x.json"}')
    project.registry("def make(): return 1", 'node(make, None, "x")')
    ended = jobs.run("--params", "day=d7", request=jobs.request(crossing=[{"name": "x", "action": "move"}]))
    assert ended.code == 0, ended.log
    assert bucket.keys() == ["d7/x.json"]


def test_pins_hold_on_each_side_of_a_transcoded_dataset(project, jobs, bucket):
    project.conf("base/catalog.yml", """
        x@json: {type: json.JSONDataset, filepath: "s3://BUCKET/x.json", versioned: true}
        x@text: {type: text.TextDataset, filepath: "s3://BUCKET/x.json", versioned: true}
        "{anything}": {type: json.JSONDataset, filepath: "s3://BUCKET/{anything}.json", versioned: true}
        """.replace("BUCKET", bucket.name))
    project.registry("""
        def make(): return "this run"
        def see(text, free): return [text, free]
        """, 'node(make, None, "x@json"), node(see, ["x@text", "free"], "seen")')
    bucket.put(f"x.json/{NEW}/x.json", '"another run"')
    for version in (OLD, NEW):
        bucket.put(f"free.json/{version}/free.json", f'"{version}"')
    pins = {"x@json": RUN, "x@text": RUN, "free": OLD, "seen": RUN}
    ended = jobs.run(request=jobs.request(versions=pins, outputs=["x", "seen"]))
    assert ended.code == 0, ended.log
    assert json.loads(bucket.get(f"seen.json/{RUN}/seen.json")) == ['"this run"', OLD]
    assert (set(ended.rows), ended.record["missing"]) == ({"x", "seen"}, [])


def test_every_session_saves_under_the_id_of_the_run(project, jobs, bucket):
    session = pytest.importorskip("kedro.framework.session.service_session", reason="Kedro before 1.4")
    project.module("settings", f"from {session.__name__} import KedroServiceSession as SESSION_CLASS")
    project.conf("base/catalog.yml", "x: {type: json.JSONDataset, filepath: data/x.json, versioned: true}")
    project.registry("def make(): return 1", 'node(make, None, "x")')
    ended = jobs.run(request=jobs.request(crossing=[{"name": "x", "action": "move"}]))
    assert ended.code == 0, ended.log
    assert bucket.keys() == [f"x.json/{RUN}/x.json"]


def test_what_is_not_in_s3_is_recorded_with_its_path_alone(project, jobs):
    project.conf("base/catalog.yml", "x: {type: json.JSONDataset, filepath: data/x.json}")
    project.registry("def make(): return 1, 2", 'node(make, None, ["x", "memory"])')
    ended = jobs.run(request=jobs.request(outputs=["x"]))
    assert ended.rows == {"x": {"dataset": "x", "path": f"{project.dir}/data/x.json"}}
