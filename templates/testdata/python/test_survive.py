"""Projects that do more than the template's: each keeps one trait of real ones, and introspection must live with it."""

import pytest

NODE = 'node(f, "a", "b", name="n")'
F = "def f(x): return 1\n"


def paths(snapshot):
    assert snapshot["errors"] == []
    return {name: dataset.get("path", "") for name, dataset in snapshot["datasets"].items()}


@pytest.fixture
def plain(project):
    return project.registry(F, NODE).conf("base/catalog.yml", "a: {type: json.JSONDataset, filepath: data/a.json}")


def test_a_loader_of_its_own(plain, inspect):
    plain.module("settings", """
        from kedro.config import OmegaConfigLoader
        class Loader(OmegaConfigLoader):
            def __init__(self, conf_source, env=None, runtime_params=None, *, root, **rest):
                super().__init__(conf_source, env, runtime_params, **rest)
                self._root = root
            def __getitem__(self, key):
                found = super().__getitem__(key)
                if key == "catalog":
                    found["b"] = {"type": "json.JSONDataset", "filepath": f"{self._root}/b.json"}
                return found
        CONFIG_LOADER_CLASS = Loader
        CONFIG_LOADER_ARGS = {"base_env": "base", "default_run_env": "local", "root": "s3://lake"}
        """)
    assert paths(inspect(plain)) == {"a": "data/a.json", "b": "s3://lake/b.json"}


def test_a_loader_that_is_not_of_kedro_s_kind(plain, inspect):
    plain.module("settings", """
        from kedro.config import AbstractConfigLoader, MissingConfigException
        class Loader(AbstractConfigLoader):
            def __init__(self, conf_source, env=None, runtime_params=None, **rest):
                super().__init__(conf_source, env, runtime_params)
            def __getitem__(self, key):
                if key != "catalog":
                    raise MissingConfigException(f"no {key}")
                return {"a": {"type": "json.JSONDataset", "filepath": "data/other.json"}}
        CONFIG_LOADER_CLASS = Loader
        """)
    assert paths(inspect(plain)) == {"a": "data/other.json", "b": ""}


def test_files_of_the_catalog_under_other_names(project, inspect):
    project.registry(F, NODE).module("settings", 'CONFIG_LOADER_ARGS = {"base_env": "base", "default_run_env": "aws", "config_patterns": {"catalog": ["data/**/*.yml"], "parameters": ["knobs*"]}}')
    project.conf("base/data/raw/files.yml", 'a: {type: json.JSONDataset, filepath: "data/${runtime_params:day,d1}.json"}')
    snapshot = inspect(project)
    assert paths(snapshot)["a"] == "data/d1.json"
    assert snapshot["datasets"]["a"]["runtime"]


def test_resolvers(plain, inspect):
    plain.conf("base/catalog.yml", 'a: {type: json.JSONDataset, filepath: "${root:x}/${stage:}.json"}')
    plain.module("settings", """
        from omegaconf import OmegaConf
        OmegaConf.register_new_resolver("stage", lambda: "dev", replace=True)
        CONFIG_LOADER_ARGS = {"base_env": "base", "default_run_env": "local", "custom_resolvers": {"root": lambda name: f"s3://{name}"}}
        """)
    assert paths(inspect(plain))["a"] == "s3://x/dev.json"


def test_environments_of_other_names(plain, inspect):
    plain.module("settings", 'CONFIG_LOADER_ARGS = {"base_env": "shared", "default_run_env": "aws"}\nCONF_SOURCE = "settings"')
    plain.write("settings/shared/catalog.yml", "a: {type: json.JSONDataset, filepath: data/shared.json}").write("settings/aws/.gitkeep", "")
    snapshot = inspect(plain, "--env", "aws")
    assert (paths(snapshot)["a"], snapshot["conf_source"], snapshot["base_env"]) == ("data/shared.json", "settings", "shared")


def test_soft_merging(plain, inspect):
    plain.module("settings", 'CONFIG_LOADER_ARGS = {"base_env": "base", "default_run_env": "local", "merge_strategy": {"catalog": "soft"}}')
    plain.conf("base/catalog.yml", "a: {type: json.JSONDataset, filepath: data/a.json, versioned: true}").conf("aws/catalog.yml", "a: {filepath: s3://x/a.json}")
    snapshot = inspect(plain, "--env", "aws")
    assert snapshot["datasets"]["a"] == {"source": "catalog", "type": "json.JSONDataset", "path": "s3://x/a.json", "versioned": True}


def test_contexts_catalogs_and_sessions_of_its_own(plain, inspect):
    plain.module("settings", """
        from kedro.framework.context import KedroContext
        from kedro.framework.session import KedroSession
        from kedro.io import DataCatalog
        class Context(KedroContext):
            def __init__(self, *args, **kwargs):
                raise RuntimeError("introspection needs no context")
        class Catalog(DataCatalog): pass
        class Session(KedroSession): pass
        CONTEXT_CLASS, DATA_CATALOG_CLASS = Context, Catalog
        import kedro.framework.project
        if hasattr(kedro.framework.project._ProjectSettings, "_SESSION_CLASS"):
            SESSION_CLASS = Session
        """)
    assert paths(inspect(plain))["a"] == "data/a.json"


def test_hooks_are_not_run(plain, inspect):
    plain.module("hooks", """
        from kedro.framework.hooks import hook_impl
        class Hooks:
            @hook_impl
            def after_context_created(self, context):
                raise RuntimeError("starts Spark")
        """).module("settings", "from demo.hooks import Hooks\nHOOKS = (Hooks(),)")
    assert paths(inspect(plain))["a"] == "data/a.json"


def test_a_factory_a_catch_all_and_transcoding(project, inspect):
    project.registry(F, 'node(f, "eu.raw", "t@csv", name="n"), node(f, "t@json", "rest", name="m")')
    project.conf("base/catalog.yml", """
        "{region}.raw": {type: "${_csv}", filepath: "data/{region}.csv"}
        _csv: pandas.CSVDataset
        "t@{kind}": {type: "{kind}.Dataset", filepath: data/t}
        "{all}": {type: demo.datasets.Own, path: "data/{all}"}
        """)
    snapshot = inspect(project)
    assert paths(snapshot) == {"eu.raw": "data/eu.csv", "t@csv": "data/t", "t@json": "data/t", "rest": "data/rest"}
    assert (snapshot["datasets"]["rest"]["source"], snapshot["datasets"]["t@json"]["type"]) == ("catch_all", "json.Dataset")


def test_no_credentials_are_needed(plain, inspect):
    plain.conf("base/credentials.yml", "lake: {key: '${oc.env:NOT_SET_ANYWHERE}'}")
    plain.conf("base/catalog.yml", """
        a: {type: json.JSONDataset, filepath: data/a.json, credentials: lake}
        b: {type: pandas.SQLTableDataset, table_name: t, credentials: {con: "postgresql://u:hunter2@h/d"}}
        """)
    snapshot = inspect(plain)
    assert (snapshot["errors"], snapshot["datasets"]["a"]["credentials"]) == ([], "lake")
    assert "hunter2" not in str(snapshot)


def test_one_of_many_pipelines_cannot_be_imported(project, inspect):
    project.module("pipeline_registry", """
        from kedro.framework.project import find_pipelines
        def register_pipelines():
            pipelines = find_pipelines()
            pipelines["__default__"] = sum(pipelines.values())
            pipelines["both"] = pipelines["one"] + pipelines["two"]
            return pipelines
        """).module("pipelines/__init__", "")
    for name in ("one", "two"):
        project.module(f"pipelines/{name}/__init__", f"""
            from kedro.pipeline import node, pipeline
            {F}
            def create_pipeline(**kwargs): return pipeline([node(f, "a", "{name}", name="make_{name}")])
            """)
    project.module("pipelines/bad/__init__", "from .pipeline import create_pipeline").module("pipelines/bad/pipeline", "\nimport nowhere_to_be_found\n")
    snapshot = inspect(project)
    assert snapshot["errors"] == []
    assert {name: [node["name"] for node in p["nodes"]] for name, p in snapshot["pipelines"].items()} == {
        "one": ["make_one"], "two": ["make_two"], "both": ["make_one", "make_two"], "__default__": ["make_one", "make_two"]}
    (warning,) = snapshot["warnings"]
    assert warning["type"] == "ModuleNotFoundError"
    assert [line.strip() for line in warning["traceback"].splitlines() if "File" in line] == [
        'File "src/demo/pipelines/bad/__init__.py", line 1, in <module>', 'File "src/demo/pipelines/bad/pipeline.py", line 2, in <module>']


@pytest.mark.parametrize(("doing", "place"), [
    ("\nimport nowhere", 'File "src/demo/nodes.py", line 2'),
    ("\n\nx = (1,\ny = 2", 'File "src/demo/nodes.py", line 3'),
    ("\nimport json\njson.loads('{')", 'File "src/demo/nodes.py", line 3'),
    ("import sys\nsys.exit('no')", 'File "src/demo/nodes.py", line 2'),
])
def test_errors_name_the_place(plain, inspect, doing, place):
    plain.module("nodes", doing).module("pipeline_registry", "import demo.nodes\n")
    (error,) = inspect(plain)["errors"]
    assert error["stage"] == "pipelines"
    assert [line.strip() for line in error["traceback"].splitlines() if "File" in line][-1].startswith(place)


def test_errors_of_settings_hooks_and_resolvers_name_the_place(plain, inspect):
    plain.conf("base/catalog.yml", 'a: {type: json.JSONDataset, filepath: "${broken:}"}')
    plain.module("settings", "def broken():\n    return 1 / 0\nCONFIG_LOADER_ARGS = {'base_env': 'base', 'default_run_env': 'local', 'custom_resolvers': {'broken': broken}}")
    (error,) = inspect(plain)["errors"]
    assert (error["stage"], "division by zero" in error["message"]) == ("catalog", True)
    assert 'File "src/demo/settings.py", line 2, in broken' in error["traceback"]


@pytest.mark.parametrize("doing", [
    "print('{' * 100_000)",
    "import logging\nlogging.basicConfig(level=0)\nlogging.getLogger().error('x')\nlogging.getLogger(__name__).warning('y')",
    "import os\nif os.fork() == 0: pass\nelse: os.wait()",
    "import multiprocessing\np = multiprocessing.get_context('fork').Process(target=print)\np.start()\np.join()",
    "import threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()",
    "import atexit, time\natexit.register(time.sleep, 600)",
    "import sys\nsys.stdout.close()",
    "import os\nos.chdir('/')",
    "import sys\nsys.stdin.read()",
    "import warnings\nwarnings.filterwarnings('error')",
    "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)",
    "import subprocess\nsubprocess.Popen(['sleep', '2'])",
])
def test_what_code_does_when_it_is_imported(plain, inspect, doing):
    plain.module("pipeline_registry", f"{doing}\n{F}from kedro.pipeline import node, pipeline\ndef register_pipelines(): return {{'x': pipeline([{NODE}])}}\n")
    snapshot = inspect(plain)
    assert (snapshot["errors"], list(snapshot["pipelines"]), paths(snapshot)) == ([], ["x"], {"a": "data/a.json", "b": ""})


def test_four_hundred_nodes(project, inspect):
    project.registry(F, '*[node(f, f"d{i}", f"d{i + 1}", name=f"n{i}", namespace=f"s{i // 40}") for i in range(400)]')
    project.conf("base/catalog.yml", '"{n}": {type: json.JSONDataset, filepath: "data/{n}.json"}')
    snapshot = inspect(project)
    assert (len(snapshot["pipelines"]["__default__"]["nodes"]), len(snapshot["datasets"])) == (400, 401)


def test_classes_that_nobody_has(plain, inspect):
    plain.conf("base/catalog.yml", "a: {type: nowhere.Dataset, filepath: data/a.x}\nb: {type: '', filepath: x}")
    snapshot = inspect(plain)
    assert snapshot["datasets"]["a"]["type"] == "nowhere.Dataset"


@pytest.mark.parametrize("pipelines", ["{}", "{'__default__': pipeline([])}", "{'x': None, '__default__': pipeline([])}"])
def test_pipelines_that_are_empty(plain, inspect, pipelines):
    plain.module("pipeline_registry", f"from kedro.pipeline import pipeline\ndef register_pipelines(): return {pipelines}")
    snapshot = inspect(plain)
    assert (snapshot["errors"], list(snapshot["datasets"])) == ([], ["a"])
