"""The run command: which one, with what, and how it ends."""

import json
import signal
import time

import pytest
from conftest import RUN
from kedro.framework.project import _ProjectPipelines

SAVE_PARAMS = ("def save(p): return p", 'node(save, "params:opt", "saved", name="save_node")')
SAVED = 'saved: {type: json.JSONDataset, filepath: data/saved.json}'
MOVED = [{"name": "saved", "action": "move"}]


def test_composed_registry_runs_by_a_composed_name(project, jobs, bucket):
    project.module("pipelines/__init__", "").conf("base/catalog.yml", SAVED)
    for name, node in {"first": 'node(make, None, "x")', "second": 'node(tell, "x", "saved")'}.items():
        project.module(f"pipelines/{name}/__init__", f"""
            from kedro.pipeline import node, pipeline
            def make(): return 1
            def tell(x): return str(x)
            def create_pipeline(): return pipeline([{node}])
            """)
    project.module("pipeline_registry", """
        from kedro.framework.project import find_pipelines
        def register_pipelines():
            p = find_pipelines()
            p["training"] = p["first"] + p["second"]
            p["__default__"] = p["training"]
            return p
        """)
    flag = "--pipelines" if "--pipelines" in jobs.run("--help", request=None).log else "--pipeline"
    ended = jobs.run(flag, "training", request=jobs.request(crossing=MOVED))
    assert ended.code == 0, ended.log
    assert bucket.get("saved.json") == '"1"'


# Of the nodes of the pipeline first below, as internal/plan/only_test.go has it.
FIRST = "a10da6eb2e6b3abd6eeac46de3c24ec40a4856379365fdfd7985f4cad7473ea3"


@pytest.mark.parametrize(("only", "registry", "loaded"), [
    ({"load": ["first"], "of": ["__default__"], "nodes": FIRST}, 'p["__default__"] = sum(p.values())', "first"),
    ({"load": ["first"], "of": ["__default__"], "nodes": "other"}, 'p["__default__"] = sum(p.values())', "first second"),
    ({"load": ["first"], "of": ["__default__"], "nodes": FIRST}, 'p["__default__"] = p["first"] + p["second"]', "first second"),
    ({"load": ["nowhere"], "of": ["__default__"], "nodes": FIRST}, 'p["__default__"] = sum(p.values())', "first second"),
])
def test_only_what_holds_the_nodes_is_loaded(project, jobs, bucket, only, registry, loaded):
    if not hasattr(_ProjectPipelines, "set_requested"):
        pytest.skip("Kedro before 1.5 cannot load some of the pipelines")
    project.module("pipelines/__init__", "").conf("base/catalog.yml", SAVED)
    for name, node in {"first": 'node(tell, "params:x", "saved", name="one")', "second": 'node(tell, "params:y", "more", name="two")'}.items():
        project.module(f"pipelines/{name}/__init__", f"""
            from kedro.pipeline import node, pipeline
            print("{name} is imported")
            def tell(x): return x
            def create_pipeline(): return pipeline([{node}])
            """)
    project.module("pipeline_registry", f"""
        from kedro.framework.project import find_pipelines
        def register_pipelines():
            p = find_pipelines()
            {registry}
            return p
        """).conf("base/parameters.yml", "{x: 1, y: 2}")
    ended = jobs.run("--pipelines", "__default__", "--nodes", "one", request=jobs.request(crossing=MOVED, only=only))
    assert ended.code == 0, ended.log
    assert [name for name in ("first", "second") if f"{name} is imported" in ended.log] == loaded.split()
    assert "An error occurred while importing" not in ended.log
    assert bucket.get("saved.json") == "1"


def test_a_broken_main_module_does_not_matter(project, jobs):
    project.registry("def make(): return 1", 'node(make, None, "x")').module("__main__", "import nowhere")
    assert jobs.run(request=jobs.request()).code == 0


def test_own_run_command_gets_nested_parameters(project, jobs, bucket):
    project.registry(*SAVE_PARAMS).conf("base/parameters.yml", "opt: {a: 1, b: {c: 2}}").conf("base/catalog.yml", SAVED)
    project.module("cli", """
        import click
        from kedro.framework.cli.utils import _split_params
        from kedro.framework.session import KedroSession
        @click.group()
        def cli(): pass
        @cli.command()
        @click.option("--env")
        @click.option("--conf-source")
        @click.option("--params", default="", callback=_split_params)
        def run(env, conf_source, params):
            print("the project's own run")
            with KedroSession.create(env=env, conf_source=conf_source, runtime_params=params) as session:
                session.run()
        """)
    request = jobs.request(crossing=MOVED, params={"opt": {"b": {"c": [1, {"d": "x,y=z"}]}}})
    ended = jobs.run("--params", "opt.a=5", request=request)
    assert ended.code == 0, ended.log
    assert "the project's own run" in ended.log
    assert json.loads(bucket.get("saved.json")) == {"a": 5, "b": {"c": [1, {"d": "x,y=z"}]}}


def test_own_run_command_without_params_says_so(project, jobs):
    project.registry(*SAVE_PARAMS).conf("base/parameters.yml", "opt: 1")
    project.module("cli", """
        import click
        @click.group()
        def cli(): pass
        @cli.command()
        @click.option("--env")
        @click.option("--conf-source")
        def run(env, conf_source): pass
        """)
    ended = jobs.run(request=jobs.request(params={"opt": [1]}))
    assert ended.code == 1
    assert last_line(ended) == "kedroctl: error: the project's own run command takes no --params as Kedro's does"


def test_without_a_request_only_the_command_runs(project, jobs, bucket):
    project.registry("def make(): return 1", 'node(make, None, "x")')
    assert jobs.run(request=None).code == 0
    assert bucket.keys(".kedroctl/") == []


def test_the_request_may_lie_in_s3(project, jobs, bucket):
    project.registry("def make(): return 1", 'node(make, None, "x")')
    request = jobs.request()
    bucket.put(".kedroctl/request.json", json.dumps(request))
    assert jobs.run(request=f"s3://{bucket.name}/.kedroctl/request.json").code == 0
    assert jobs.record(request)["exit"] == 0


def test_a_long_command_comes_with_the_request(project, jobs, bucket):
    names = [f"node_{i:03}_{'ü' * 40}" for i in range(120)]
    nodes = ", ".join(f'node(make, None, "x{i}", name="{name}")' for i, name in enumerate([*names, "left_out"]))
    project.registry("def make(): return 1", nodes)
    request = jobs.request(schema=2, args=["--nodes", ",".join(names)])
    bucket.put(".kedroctl/request.json", json.dumps(request))
    assert jobs.run(request=f"s3://{bucket.name}/.kedroctl/request.json").code == 0
    assert set(jobs.record(request)["nodes"]) == set(names)


@pytest.mark.parametrize(("request_", "line"), [
    ("{", "read KEDROCTL_REQUEST: not JSON: "),
    ('{"schema": 4}', "read KEDROCTL_REQUEST: it has schema 4, this image knows 3: deploy again"),
    ('{"schema": 1, "bucket": "b"}', "read KEDROCTL_REQUEST: no 'run' in it"),
    ("s3://no-such-bucket-of-kedroctl/r.json", "s3:GetObject s3://no-such-bucket-of-kedroctl/r.json: NoSuchBucket: "),
])
def test_an_unreadable_request_is_told_in_one_line(project, jobs, request_, line):
    ended = jobs.run(request=request_)
    assert ended.code == 1
    assert last_line(ended).startswith(f"kedroctl: error: {line}")
    assert "Traceback" not in ended.log


def test_a_bucket_out_of_reach_is_told_in_one_line(project, jobs):
    ended = jobs.run(request=jobs.request(), AWS_ENDPOINT_URL="http://127.0.0.1:1", AWS_MAX_ATTEMPTS="1")
    assert ended.code == 1
    assert last_line(ended).startswith(f"kedroctl: error: s3:PutObject s3://{jobs.bucket.name}/.kedroctl/runs/{RUN}/claims/g-1-t1.json: ")


def test_usage_errors_end_with_2_and_are_recorded(project, jobs):
    project.registry("def make(): return 1", 'node(make, None, "x")')
    ended = jobs.run("--no-such-flag", request=jobs.request())
    assert (ended.code, ended.record["exit"]) == (2, 2)
    assert "no-such-flag" in ended.record["error"]["message"]


def test_a_failing_node_is_recorded_with_what_was_saved(project, jobs):
    project.registry("""
        def make(): return 1
        def fail(x): raise ValueError("no luck at postgres://user:secret@host/db")
        """, 'node(make, None, "x", name="make"), node(fail, "x", "y", name="fail")')
    request = jobs.request(crossing=[jobs.persist("x")], outputs=["x", "y"])
    ended = jobs.run(request=request)
    assert (ended.code, ended.record["exit"]) == (1, 1)
    assert ended.record["error"] == {"type": "ValueError", "message": "no luck at postgres://***@host/db", "node": "fail"}
    assert (list(ended.rows), ended.record["missing"]) == (["x"], ["y"])
    assert set(ended.record["nodes"]) == {"make", "fail"}


def test_a_node_whose_input_cannot_be_loaded_is_recorded(project, jobs):
    project.registry("""
        def make(): return 1
        def use(x): return x
        """, 'node(make, None, "x", name="make"), node(use, "absent", "y", name="use")')
    ended = jobs.run(request=jobs.request(crossing=[jobs.persist("x"), jobs.persist("absent")], outputs=["x"]))
    assert (ended.code, ended.record["error"]["node"]) == (1, "use")


def terminated_at(said, process):
    """Return the exit code of a process that is told to end when it has said something, and does so in time."""
    for line in process.stdout:
        if line.strip() == said:
            break
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert time.monotonic() - begun < 20
    return process.returncode


def test_termination_leaves_a_record(project, jobs):
    project.registry("""
        import time
        def make(): return 1
        def wait(x):
            print("waiting", flush=True)
            time.sleep(60)
        """, 'node(make, None, "x"), node(wait, "x", None)')
    request = jobs.request(crossing=[jobs.persist("x")], outputs=["x"])
    code = terminated_at("waiting", jobs.start(request=request))
    record = jobs.record(request)
    assert (code, record["exit"], record["error"]["type"]) == (143, 143, "Terminated")
    assert [row["dataset"] for row in record["outputs"]] == ["x"]


def test_termination_of_a_job_that_imports_its_project_leaves_a_record(project, jobs):
    project.registry("import time; print('importing', flush=True); time.sleep(60)", "")
    request = jobs.request()
    code = terminated_at("importing", jobs.start(request=request))
    assert (code, jobs.record(request)["error"]["type"]) == (143, "Terminated")


def test_kedro_drops_what_the_snapshot_says(project, inspect, jobs):
    project.registry("def tell(a): print('got', sorted(a))", 'node(tell, "params:a", None, name="n")')
    project.conf("base/parameters.yml", "a: {x: 1, y: 2, z: 3}").conf("aws/parameters.yml", "other: 1")
    assert inspect(project, "--env", "aws")["dropped_parameters"] == ["a.x", "a.y", "a.z"]
    ended = jobs.run("--params", "a.x=5", request=None)
    assert ended.code == 0 and "got ['x']" in ended.log, ended.log


def last_line(ended) -> str:
    return ended.log.rstrip().rpartition("\n")[2]
