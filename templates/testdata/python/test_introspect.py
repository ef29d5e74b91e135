"""The snapshot of a project, whole, broken, and in its image."""

import pytest
from conftest import Project

BROKEN = "import os\nraise RuntimeError('cannot reach mysql://user:secret@host/db')\n"


@pytest.fixture
def simple(project):
    return project.registry("def f(*x): return 1", 'node(f, ["a", "params:p.q", "params:none"], "b", name="n", tags="t", namespace="s")')


def test_pipelines_nodes_and_parameters(simple, inspect):
    simple.conf("base/parameters.yml", "s.p: 1\np: {q: 1}")
    snapshot = inspect(simple)
    assert snapshot["errors"] == []
    assert (snapshot["schema"], snapshot["package"], snapshot["conf_source"], snapshot["base_env"]) == (1, "demo", "conf", "base")
    assert snapshot["pipelines"] == {"__default__": {"nodes": [{
        "name": "s.n", "namespace": "s", "tags": ["t"], "inputs": ["a", "params:p.q", "params:none"], "outputs": ["b"], "confirms": [],
    }]}}
    assert snapshot["missing_parameters"] == ["params:none"]


def test_datasets_as_the_environment_resolves_them(project, inspect):
    project.registry("def f(*x): return 1", 'node(f, ["in", "raw_x", "t@json"], ["mem", "any", "wrapped", "parts", "secret", "rt", "rt2", "abs"])')
    project.conf("base/globals.yml", "root: data/01_raw").conf("aws/globals.yml", "root: s3://bucket/01_raw")
    project.conf("base/catalog.yml", """
        _day: "${runtime_params:day,today}"
        _deep: "${_day}/deep"
        in: {type: pandas.CSVDataset, filepath: "${globals:root}/in.csv", credentials: lake, versioned: true}
        t@json: {type: json.JSONDataset, filepath: data/t.json}
        "raw_{n}": {type: pandas.CSVDataset, filepath: "data/{n}.csv"}
        wrapped: {type: CachedDataset, versioned: true, dataset: {type: json.JSONDataset, filepath: data/w.json, credentials: inner}}
        parts: {type: partitions.PartitionedDataset, path: data/parts/, dataset: pandas.CSVDataset}
        secret: {type: json.JSONDataset, filepath: "https://user:pass@host/x.json"}
        rt: {type: json.JSONDataset, filepath: "data/${runtime_params:day,today}/x.json"}
        rt2: {type: json.JSONDataset, filepath: "data/${_deep}/x.json"}
        abs: {type: json.JSONDataset, filepath: "%s/data/abs.json"}
        unused: {type: json.JSONDataset, filepath: data/unused.json}
        mem: {type: MemoryDataset}
        """ % project.dir)
    project.conf("base/catalog_more.yml", '"{x}": {type: pickle.PickleDataset, filepath: "data/{x}.pkl"}')
    snapshot = inspect(project, "--env", "aws")
    assert snapshot["errors"] == []
    assert snapshot["datasets"] == {
        "in": {"source": "catalog", "type": "pandas.CSVDataset", "path": "s3://bucket/01_raw/in.csv", "credentials": "lake", "versioned": True},
        "t@json": {"source": "catalog", "type": "json.JSONDataset", "path": "data/t.json"},
        "raw_x": {"source": "pattern", "pattern": "raw_{n}", "type": "pandas.CSVDataset", "path": "data/x.csv"},
        "wrapped": {"source": "catalog", "type": "CachedDataset", "path": "data/w.json", "versioned": True, "nested": True, "credentials": "inner"},
        "parts": {"source": "catalog", "type": "partitions.PartitionedDataset", "path": "data/parts", "nested": True},
        "secret": {"source": "catalog", "type": "json.JSONDataset", "path": "https://***@host/x.json"},
        "rt": {"source": "catalog", "type": "json.JSONDataset", "path": "data/today/x.json", "runtime": True, "runtime_params": ["day"]},
        "rt2": {"source": "catalog", "type": "json.JSONDataset", "path": "data/today/deep/x.json", "runtime": True, "runtime_params": ["day"]},
        "abs": {"source": "catalog", "type": "json.JSONDataset", "path": "data/abs.json"},
        "unused": {"source": "catalog", "type": "json.JSONDataset", "path": "data/unused.json"},
        "mem": {"source": "catalog", "type": "MemoryDataset"},
        "any": {"source": "catch_all", "pattern": "{x}", "type": "pickle.PickleDataset", "path": "data/any.pkl"},
    }


def test_what_no_catalog_names_is_in_memory(simple, inspect):
    assert inspect(simple)["datasets"] == {name: {"source": "default", "type": "MemoryDataset"} for name in ("a", "b")}


def test_a_module_that_find_pipelines_leaves_out_is_a_warning(project, inspect):
    project.module("pipelines/__init__", "").module("pipelines/bad/__init__", BROKEN)
    project.module("pipeline_registry", """
        from kedro.framework.project import find_pipelines
        register_pipelines = find_pipelines
        """)
    snapshot = inspect(project)
    (warning,) = snapshot["warnings"]
    assert (warning["stage"], warning["type"]) == ("pipelines", "RuntimeError")
    assert "'demo.pipelines.bad' module" in warning["message"]
    assert warning["message"].endswith("RuntimeError: cannot reach mysql://***@host/db")
    assert "demo/pipelines/bad/__init__.py" in warning["traceback"]
    assert "importlib" not in warning["traceback"]


def test_an_error_shows_the_frames_of_the_project_alone(simple, inspect):
    simple.module("pipeline_registry", "from demo.broken import x").module("broken", BROKEN)
    snapshot = inspect(simple)
    (error,) = snapshot["errors"]
    assert (error["stage"], error["type"]) == ("pipelines", "RuntimeError")
    assert error["message"] == "cannot reach mysql://***@host/db"
    assert [line.strip() for line in error["traceback"].splitlines() if "File" in line] == [
        'File "src/demo/pipeline_registry.py", line 1, in <module>', 'File "src/demo/broken.py", line 2, in <module>']


def test_one_broken_part_hides_nothing_of_the_others(simple, inspect):
    simple.module("pipeline_registry", "raise SystemExit('leaving')").conf("base/catalog.yml", "x: {type: json.JSONDataset, filepath: data/x.json}")
    snapshot = inspect(simple)
    assert [(error["stage"], error["message"]) for error in snapshot["errors"]] == [("pipelines", "leaving")]
    assert list(snapshot["datasets"]) == ["x"]


@pytest.mark.parametrize(("breakage", "stage", "message"), [
    (lambda p: p.module("settings", "import nowhere"), "bootstrap", "No module named 'nowhere'"),
    (lambda p: p.write("pyproject.toml", "[tool.kedro]\n"), "bootstrap", "Missing required keys"),
    (lambda p: p.conf("base/catalog.yml", 'x: {type: json.JSONDataset, filepath: "${globals:day}"}'), "catalog", "Globals key 'day' not found"),
    (lambda p: p.conf("base/catalog.yml", "x: y"), "catalog", "Catalog entry 'x' is not a valid dataset configuration"),
    (lambda p: p.conf("base/parameters.yml", "a: ["), "parameters", "Invalid YAML"),
    (lambda p: p.conf("base/catalog.yml", '"{n}x": {type: json.JSONDataset, filepath: "{m}"}'), "catalog", "Incorrect dataset configuration"),
])
def test_each_stage_tells_what_is_wrong(simple, inspect, breakage, stage, message):
    breakage(simple)
    (error,) = inspect(simple)["errors"]
    assert error["stage"] == stage
    assert message in error["message"]


def test_a_missing_environment_is_named(simple, inspect):
    (error,) = inspect(simple, "--env", "prod")["errors"]
    assert (error["stage"], error["message"]) == ("config_loader", "environment prod: there is no directory conf/prod")


def test_a_malformed_parameter_is_named(simple, inspect):
    (error,) = inspect(simple, "--params", "day")["errors"]
    assert (error["stage"], error["type"]) == ("config_loader", "UsageError")
    assert "`day` must contain a key and a value" in error["message"]


def test_parameters_of_the_run_reach_the_catalog(simple, inspect):
    simple.conf("base/catalog.yml", 'x: {type: json.JSONDataset, filepath: "data/${runtime_params:day}.json"}')
    assert inspect(simple, "--params", "day=d7")["datasets"]["x"]["path"] == "data/d7.json"


def test_a_project_without_a_source_directory(tmp_path, inspect):
    project = Project(tmp_path / "flat", source_dir=".").make().registry("def f(): return 1", 'node(f, None, "a", name="n")')
    snapshot = inspect(project)
    assert (snapshot["errors"], list(snapshot["datasets"])) == ([], ["a"])


def test_the_image_gives_the_same_snapshot(simple, inspect, tmp_path):
    simple.conf("aws/catalog.yml", "a: {type: json.JSONDataset, filepath: data/a.json}")
    here = inspect(simple, "--env", "aws")
    app = tmp_path / "app"
    app.mkdir()
    (simple.dir / "conf").rename(app / "conf")
    there = inspect(simple, "--env", "aws", "--conf-source", str(app / "conf"), where=("--package", "demo"), cwd=app, PYTHONPATH=str(simple.source))
    assert there == here


def test_hooks_and_how_environments_are_merged(simple, inspect):
    simple.module("hooks", """
        from kedro.framework.hooks import hook_impl
        class Audit:
            def __init__(self, key): self.key = key
            @property
            def after_catalog_created(self): raise RuntimeError("not asked")
            @hook_impl
            def before_pipeline_run(self, run_params): raise RuntimeError("not called")
            @hook_impl
            def after_context_created(self, context): raise RuntimeError("not called")
        """)
    simple.module("settings", """
        from demo.hooks import Audit
        HOOKS = (Audit("secret"),)
        CONFIG_LOADER_ARGS = {"base_env": "base", "default_run_env": "mine", "merge_strategy": {"catalog": "soft", "parameters": "destructive"}}
        """)
    snapshot = inspect(simple.conf("mine/parameters.yml", "{}"))
    assert snapshot["errors"] == []
    assert snapshot["hooks"][0] == {"name": "demo.hooks.Audit", "calls": ["after_context_created", "before_pipeline_run"]}
    assert not {"kedro-telemetry", "kedroctl_boot"} & {hook["name"] for hook in snapshot["hooks"]}
    assert (snapshot["local_env"], snapshot["soft_merge"]) == ("mine", ["catalog"])


def test_the_project_stays_as_it_is(simple, inspect):
    simple.conf("logging.yml", "version: 1\nhandlers: {f: {class: logging.FileHandler, filename: info.log}}\nroot: {handlers: [f]}\nloggers: {}\n")
    before = {file: file.read_bytes() for file in sorted(simple.dir.rglob("*")) if file.is_file()}
    inspect(simple)
    after = {file: file.read_bytes() for file in sorted(simple.dir.rglob("*")) if file.is_file()}
    assert after == before


def test_datasets_tell_which_parameters_of_the_run_they_depend_on(project, inspect):
    project.registry("def f(*x): return 1", 'node(f, ["two", "deep", "computed", "x_f"], "free", name="n")')
    project.conf("base/catalog.yml", """
        _kind: "${ runtime_params : kind.of, json.JSONDataset}"
        _day: "${runtime_params:day,d1}"
        _which: day
        two: {type: "${_kind}", filepath: "data/${_day}.json"}
        deep: {type: json.JSONDataset, filepath: "data/x.json", save_args: {indent: ["${runtime_params:a.b.c,1}"]}}
        computed: {type: json.JSONDataset, filepath: "data/${runtime_params:${_which},d1}.json"}
        "x_{n}": {type: json.JSONDataset, filepath: "${_day}/{n}.json"}
        free: {type: json.JSONDataset, filepath: data/free.json}
        """)
    snapshot = inspect(project)
    assert snapshot["errors"] == []
    assert {name: dataset.get("runtime_params") for name, dataset in snapshot["datasets"].items()} == {
        "two": ["day", "kind.of"], "deep": ["a.b.c"], "computed": ["*"], "x_f": ["day"], "free": None}


def test_parameters_that_only_a_run_gives_stand_for_themselves(project, inspect):
    project.registry("def f(*x): return 1", 'node(f, ["x", "params:size", "params:given"], "y", name="n")')
    project.conf("base/catalog.yml", """
        x: {type: json.JSONDataset, filepath: "data/${runtime_params:day.of}/${runtime_params:given}.json"}
        y: {type: json.JSONDataset, filepath: "data/${runtime_params:kind,any}.json"}
        """).conf("base/parameters.yml", "size: ${runtime_params:size}")
    snapshot = inspect(project, "--params", "given=g")
    assert (snapshot["errors"], snapshot["open_params"], snapshot["missing_parameters"]) == ([], ["day.of", "size"], [])
    assert [snapshot["datasets"][name]["path"] for name in "xy"] == ["data/<day.of>/g.json", "data/any.json"]
    assert inspect(project, "--params", "given=g,day.of=d,size=1")["open_params"] == []


def test_parameters_that_another_one_drops(project, inspect):
    project.registry("def f(*x): return 1", 'node(f, ["params:a"], "y", name="n")')
    project.conf("base/parameters.yml", "a: {x: 1, y: {z: 2, w: {}}}\nb: {x: 1}\nc: 3\nd.e: {x: 1}\nr: {x: '${runtime_params:r.x,0}', y: 1}")
    assert "dropped_parameters" in (alone := inspect(project, "--env", "aws")) and alone["dropped_parameters"] == []
    project.conf("aws/parameters_more.yml", "b: {v: 1}\nother: 1")
    assert inspect(project, "--env", "aws")["dropped_parameters"] == ["a.x", "a.y.w", "a.y.z", "r.x", "r.y"]
    assert inspect(project, "--env", "aws", "--params", "a.x=5")["dropped_parameters"] == ["a.x", "a.y.w", "a.y.z", "r.x", "r.y"]
    project.module("settings", 'CONFIG_LOADER_ARGS = {"base_env": "base", "default_run_env": "local", "merge_strategy": {"parameters": "soft"}}')
    assert inspect(project, "--env", "aws")["dropped_parameters"] == []
