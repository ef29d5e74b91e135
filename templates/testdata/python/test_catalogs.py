"""Catalogs that are written in all the ways that Kedro knows: their data is in S3 where plan and guide have it."""

import json

import pytest
from conftest import RUN

OLD = "2026-01-01T00.00.00.000Z"
MADE = ("def make(): return {'a': 1}", 'node(make, None, "x")')
X = [{"name": "x", "action": "move"}]


@pytest.mark.parametrize(("checkpoint", "seen", "keys"), [
    ("", ["a", "b"], ["parts/CHECKPOINT", "parts/a.json", "parts/b.json"]),
    ("checkpoint: a", ["b"], ["parts/CHECKPOINT", "parts/a.json", "parts/b.json"]),
    ("checkpoint: {filepath: data/parts/sub/SEEN}", ["a", "b"], ["parts/a.json", "parts/b.json", "parts/sub/SEEN"]),
    ("checkpoint: {comparison_func: operator.lt}", ["a", "b"], ["parts/CHECKPOINT", "parts/a.json", "parts/b.json"]),
])
def test_checkpoints(project, jobs, bucket, checkpoint, seen, keys):
    project.conf("base/catalog.yml", f"""
        x:
          type: partitions.IncrementalDataset
          path: data/parts/
          dataset: {{type: json.JSONDataset}}
          filename_suffix: .json
          {checkpoint}
        """).registry("def use(x): print('sees', sorted(x))", 'node(use, "x", None, confirms="x")')
    for name in "ab":
        bucket.put(f"parts/{name}.json", "1")
    ended = jobs.run(request=jobs.request(crossing=X))
    assert ended.code == 0, ended.log
    assert f"sees {seen}" in ended.log
    assert bucket.keys() == keys


def test_versions_of_partitions_are_those_of_the_run(project, jobs, bucket):
    pytest.importorskip("kedro_datasets", minversion="9")
    project.conf("base/catalog.yml", """
        x: {type: partitions.PartitionedDataset, path: data/parts, dataset: {type: json.JSONDataset, versioned: true}, filename_suffix: .json}
        """).registry(*MADE)
    bucket.put(f"parts/a.json/{OLD}/a.json", "0")
    for attempt in (1, 2):  # the second one finds what the first has left
        ended = jobs.run(request=jobs.request(crossing=X, outputs=["x"]), attempt=attempt)
        assert ended.code == 0, ended.log
    assert bucket.keys() == [f"parts/a.json/{OLD}/a.json", f"parts/a.json/{RUN}/a.json"]


def test_partitions_of_a_cached_dataset(project, jobs, bucket):
    project.conf("base/catalog.yml", """
        x:
          type: CachedDataset
          dataset: {type: partitions.PartitionedDataset, path: data/parts, dataset: json.JSONDataset}
        """).registry(*MADE)
    ended = jobs.run(request=jobs.request(crossing=X, outputs=["x"]))
    assert (ended.code, bucket.keys()) == (0, ["parts/a"]), ended.log
    assert ended.rows["x"] == {"dataset": "x", "path": f"s3://{bucket.name}/parts", "size": 1}


TRANSCODED = ("""
    def make(): return [1, 2]
    def use(text): return str(text)
    """, 'node(make, None, "x@list", name="make"), node(use, "x@text", "y", name="use")')


@pytest.mark.parametrize("catalog", ["", '"x@{side}": {type: MemoryDataset}', '"{name}": {type: MemoryDataset, copy_mode: assign}'])
def test_both_sides_of_a_transcoded_dataset_in_memory(project, jobs, bucket, catalog):
    project.conf("base/catalog.yml", catalog).registry(*TRANSCODED)
    crossing = [jobs.persist("x"), jobs.persist("y")]
    for node in ("make", "use"):
        ended = jobs.run("--nodes", node, request=jobs.request(crossing=crossing, key=node))
        assert ended.code == 0, ended.log
    assert bucket.keys() == [f"runs/{RUN}/x.pkl", f"runs/{RUN}/y.pkl"]


def test_both_sides_of_a_transcoded_dataset_move(project, jobs, bucket):
    project.conf("base/catalog.yml", """
        "x@list": {type: json.JSONDataset, filepath: data/x.json}
        "{name}@text": {type: text.TextDataset, filepath: "data/{name}.json"}
        """).registry(*TRANSCODED)
    for node in ("make", "use"):
        ended = jobs.run("--nodes", node, request=jobs.request(crossing=[*X, jobs.persist("y")], key=node))
        project.forget()
        assert ended.code == 0, ended.log
    assert bucket.keys() == [f"runs/{RUN}/y.pkl", "x.json"]


def test_resolvers_give_paths_and_secrets_stay_where_they_are(project, jobs, bucket):
    project.module("settings", """
        import os
        CONFIG_LOADER_ARGS = {"base_env": "base", "default_run_env": "local", "custom_resolvers": {
            "stage": lambda name: f"data/{name}", "secret": lambda name: os.environ[name]}}
        """).conf("base/globals.yml", "layer: 02_b").conf("aws/globals.yml", "layer: 02_a")
    project.conf("base/catalog.yml", """
        _folder: ${stage:${globals:layer}}
        x:
          type: json.JSONDataset
          filepath: ${_folder}/x.json
          metadata: {token: "${secret:TOKEN}"}
          fs_args: {open_args_save: {mode: w}}
        """).registry(*MADE)
    ended = jobs.run(request=jobs.request(crossing=X), TOKEN="hunter2")
    assert (ended.code, bucket.keys()) == (0, ["02_a/x.json"]), ended.log
    assert "hunter2" not in ended.log + json.dumps(ended.record)


@pytest.mark.parametrize(("entry", "overlay", "action", "keys"), [
    ("{type: MemoryDataset, copy_mode: assign}", "{metadata: {owner: me}}", "persist", [f"runs/{RUN}/x.pkl"]),
    ("{type: json.JSONDataset, filepath: data/x.json, save_args: {indent: 1}}", "{save_args: {indent: 2}}", "move", ["x.json"]),
    ("{type: json.JSONDataset, filepath: data/x.json, versioned: true}", "{filepath: data/y.json}", "move", [f"y.json/{RUN}/y.json"]),
])
def test_soft_merging(project, jobs, bucket, entry, overlay, action, keys):
    project.module("settings", 'CONFIG_LOADER_ARGS = {"base_env": "base", "default_run_env": "local", "merge_strategy": {"catalog": "soft"}}')
    project.conf("base/catalog.yml", f"x: {entry}").conf("aws/catalog.yml", f"x: {overlay}").registry(*MADE)
    ended = jobs.run(request=jobs.request(crossing=[jobs.persist("x") if action == "persist" else X[0]]))
    assert (ended.code, bucket.keys()) == (0, keys), ended.log


@pytest.mark.parametrize(("entry", "key"), [
    ("{type: json.JSONDataset, filepath: data/new.json}", "new.json"),
    ("{type: json.JSONDataset, filepath: 's3://BUCKET/their/x.json'}", "their/x.json"),
])
def test_an_entry_of_the_environment_replaces_that_of_base(project, jobs, bucket, entry, key):
    project.conf("base/catalog.yml", "x: {type: pickle.PickleDataset, filepath: data/old.pkl, versioned: true}").registry(*MADE)
    project.conf("aws/catalog.yml", "x: " + entry.replace("BUCKET", bucket.name))
    ended = jobs.run(request=jobs.request(crossing=[] if "s3:" in entry else X, outputs=["x"]))
    assert (ended.code, bucket.keys(), ended.rows["x"]["path"]) == (0, [key], f"s3://{bucket.name}/{key}"), ended.log


def test_two_entries_of_one_environment_are_refused_as_kedro_does(project, jobs):
    project.conf("aws/catalog.yml", "x: {type: MemoryDataset}").conf("aws/catalog_more.yml", "x: {type: MemoryDataset}").registry(*MADE)
    ended = jobs.run(request=jobs.request(crossing=[jobs.persist("x")]))
    assert (ended.code, ended.record["error"]["type"]) == (1, "ValueError")
    assert "Duplicate keys" in ended.record["error"]["message"]


def test_configuration_in_other_files(project, jobs, bucket):
    project.module("settings", """
        CONFIG_LOADER_ARGS = {"base_env": "base", "default_run_env": "local", "config_patterns": {"catalog": ["data/*.yaml"], "parameters": ["knobs*"]}}
        """).conf("base/data/first.yaml", "x: {type: json.JSONDataset, filepath: data/x.json}").conf("aws/knobs.yml", "n: 3")
    project.registry("def make(n): return n", 'node(make, "params:n", "x")')
    ended = jobs.run(request=jobs.request(crossing=X))
    assert (ended.code, bucket.keys(), bucket.get("x.json")) == (0, ["x.json"], "3"), ended.log


@pytest.mark.parametrize(("flags", "params"), [(("--params", "day.name=d7"), {}), ((), {"day": {"name": "d7"}})])
def test_nested_parameters_of_the_run_in_nested_paths(project, jobs, bucket, flags, params):
    project.conf("base/catalog.yml", """
        "{name}":
          type: CachedDataset
          dataset:
            type: json.JSONDataset
            filepath: data/${runtime_params:day.name,d0}/{name}.json
        """).registry(*MADE)
    ended = jobs.run(*flags, request=jobs.request(crossing=X, params=params))
    assert (ended.code, bucket.keys()) == (0, ["d7/x.json"]), ended.log


@pytest.mark.parametrize("action", ["persist", "move", "stage"])
def test_validators_stay(project, jobs, action):
    pytest.importorskip("kedro.validation.api", reason="Kedro before 1.7")
    project.module("checks", """
        def positive(data):
            if data < 0: raise ValueError(f"{data} is negative")
        """).registry("def make(): return -1", 'node(make, None, "x")')
    definition = "{type: MemoryDataset, validator: demo.checks.positive}"
    if action != "persist":
        definition = "{type: json.JSONDataset, filepath: data/x.json, validator: demo.checks.positive}"
    project.conf("base/catalog.yml", f"x: {definition}")
    ended = jobs.run(request=jobs.request(crossing=[{**jobs.persist("x"), "action": action}]))
    assert ended.code == 1
    assert "-1 is negative" in ended.record["error"]["message"]


def test_credentials_are_the_projects_own(project, jobs, bucket):
    project.conf("aws/credentials.yml", "lake: {key: test, secret: test}\nnote: {password: hunter2}")
    project.module("io", """
        from pathlib import Path
        from kedro.io import AbstractDataset
        class Safe(AbstractDataset):
            def __init__(self, filepath, credentials): self._filepath, self._password = Path(filepath), credentials["password"]
            def load(self): return self._filepath.read_text()
            def save(self, data): self._filepath.parent.mkdir(parents=True), self._filepath.write_text(str(len(self._password)))
            def _describe(self): return {}
        """)
    project.conf("base/catalog.yml", """
        x: {type: CachedDataset, dataset: {type: json.JSONDataset, filepath: data/x.json, credentials: lake}}
        y: {type: demo.io.Safe, filepath: data/y.txt, credentials: note}
        """).registry("def make(): return 1, 2", 'node(make, None, ["x", "y"])')
    ended = jobs.run(request=jobs.request(crossing=[*X, {"name": "y", "action": "move"}], outputs=["x", "y"]))
    assert (ended.code, bucket.keys(), bucket.get("y.txt")) == (0, ["x.json", "y.txt"], "7"), ended.log
    assert "hunter2" not in ended.log + json.dumps(ended.record)
