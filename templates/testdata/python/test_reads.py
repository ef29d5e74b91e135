"""What a snapshot depends on, as introspection tells it."""

import json
import textwrap

import pytest


@pytest.fixture
def reads(project, inspect, tmp_path):
    """Introspect the project; tell what was read, files and directories relative to the project."""
    def take(module="", **env):
        project.registry(textwrap.dedent(module) + "\ndef f(x): return 1\n", 'node(f, "a", "b", name="n")')
        snapshot = inspect(project, "--reads", str(tmp_path / "reads.json"), **env)
        assert snapshot["errors"] == []
        told = json.loads((tmp_path / "reads.json").read_text())
        for kind in ("files", "directories"):
            told[kind] = [path.removeprefix(f"{project.dir}/") for path in told[kind]]
        return told
    return take


def test_files_and_directories_that_code_looks_at(project, reads):
    project.write("data/regions.json", "[]").write("lib/helper.py", "").write("data/written.txt", "")
    told = reads("""
        import json, os, sys
        from pathlib import Path
        json.loads(Path("data/regions.json").read_text())
        os.listdir("data")
        open("data/written.txt", "w").close()
        try:
            open("data/absent.json")
        except FileNotFoundError:
            sys.path.append("lib")
        import helper
        """)
    assert {"data/regions.json", "data/absent.json", "lib/helper.py", "src/demo/pipeline_registry.py", "conf/base/catalog.yml"} <= set(told["files"])
    assert "data" in told["directories"]
    assert "data/written.txt" not in told["files"]
    assert not any("site-packages" in path or path.endswith((".pyc", "introspect.py")) for path in told["files"])
    assert any(path.endswith("site-packages") for path in told["paths"])
    assert told["unknowable"] == ""


def test_variables_are_known_by_name(project, reads):
    project.conf("base/credentials.yml", "db: {con: '${oc.env:DB_URL}'}")
    told = reads("import os\nos.getenv('REGION')\n'STAGE' in os.environ\n", REGION="hunter2")
    assert {"REGION", "STAGE"} <= set(told["variables"])
    assert "*" not in told["variables"]
    assert "hunter2" not in json.dumps(told)


@pytest.mark.parametrize("walk", ["dict(os.environ)", "[k for k in os.environ]", "{k: v for k, v in os.environ.items()}", "os.environ.copy()"])
def test_code_that_goes_through_the_environment_reads_all_of_it(reads, walk):
    told = reads(f"import os\n{walk}\n", NOBODY_READS_THIS_BY_NAME="1")
    assert "*" in told["variables"]
    assert "NOBODY_READS_THIS_BY_NAME" not in told["variables"]


@pytest.mark.parametrize(("doing", "what"), [
    ("import subprocess\nsubprocess.run(['true'])", "starts a process"),
    ("import os\nos.system('true')", "starts a process"),
    ("import os\nos.fork() or os._exit(0)", "forks"),
    ("import socket\nsocket.socket().connect_ex(('127.0.0.1', 1))", "uses the network"),
])
def test_what_leaves_no_trace_is_told(reads, doing, what):
    assert reads(doing)["unknowable"] == f"src/demo/pipeline_registry.py:2 {what}"


def test_what_libraries_do_when_they_are_imported_is_theirs(project, reads):
    site = project.dir / "elsewhere" / "site-packages"
    project.write("elsewhere/site-packages/library.py", "import subprocess\nsubprocess.run(['true'])\n")
    assert reads("import library", PYTHONPATH=str(site))["unknowable"] == ""


def test_what_the_code_reads_is_told_apart_from_its_configuration(project, reads):
    project.write("data/regions.json", "[]").conf("base/flags.yml", "x: 1")
    told = reads('open("data/regions.json").close()')
    code = [path.removeprefix(f"{project.dir}/") for path in told["code"]]
    assert {"data/regions.json", "src/demo/pipeline_registry.py"} <= set(code)
    assert not [path for path in code if path.startswith("conf")]
    told = reads('open("conf/base/flags.yml").close()')
    assert f"{project.dir}/conf/base/flags.yml" in told["code"]


def test_the_code_of_known_pipelines_is_not_imported(project, inspect, tmp_path):
    project.registry("def f(x, y): return 1", 'node(f, ["a", "params:p"], "b@pandas", name="n", namespace="s", tags="t")')
    project.conf("base/catalog.yml", "'{default}': {type: json.JSONDataset, filepath: data/x.json}").conf("base/parameters.yml", "q: 1")
    whole = inspect(project)
    assert whole["errors"] == [] and whole["missing_parameters"] == ["params:p"]
    given = tmp_path / "pipelines.json"
    given.write_text(json.dumps(whole["pipelines"]))
    project.module("pipeline_registry", "raise ValueError('imported')")
    assert inspect(project, "--pipelines", str(given)) == whole
