"""Development runs: the code comes from an archive in the bucket, in place of what is installed."""

import hashlib
import io
import json
import tarfile

import pytest

MOVED = [{"name": "saved", "action": "move"}]
REGISTRY = """
    from kedro.pipeline import node, pipeline
    def make(): return {value}
    def register_pipelines():
        return {{"__default__": pipeline([node(make, None, "saved", name="make")])}}
    """


@pytest.fixture
def deployed(project):
    """A project as an image has it, with a hook by an entry point and a module that the tree has not any more."""
    project.module("pipeline_registry", REGISTRY.format(value='"deployed"')).module("hooks", HOOKS.format(says="the deployed hooks"))
    project.module("gone", "").conf("base/catalog.yml", "saved: {type: json.JSONDataset, filepath: data/saved.json}")
    project.conf("base/removed.yml", "")
    project.write("src/demo-0.1.dist-info/METADATA", "Metadata-Version: 2.1\nName: demo\nVersion: 0.1\n")
    return project.write("src/demo-0.1.dist-info/entry_points.txt", "[kedro.hooks]\ndemo = demo.hooks:hooks\n")


HOOKS = """
    from kedro.framework.hooks import hook_impl
    class Hooks:
        @hook_impl
        def before_pipeline_run(self): print("{says}")
    hooks = Hooks()
    """


def pack(bucket, files, entry_points):
    """Put an archive into the bucket; return what a request says of it."""
    body = io.BytesIO()
    files = {**files, "about.json": json.dumps({"schema": 1, "distribution": "demo", "entry_points": entry_points})}
    with tarfile.open(fileobj=body, mode="w:gz") as archive:
        for name in ("source", "conf/base", "conf/aws"):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    sum_ = hashlib.sha256(body.getvalue()).hexdigest()
    key = f".kedroctl/code/{sum_}.tar.gz"
    bucket.client.put_object(Bucket=bucket.name, Key=key, Body=body.getvalue())
    return {"uri": f"s3://{bucket.name}/{key}", "sha256": sum_}


def tree(value, **more):
    registry = "\n".join(line[4:] for line in REGISTRY.format(value=value).splitlines())
    hooks = "\n".join(line[4:] for line in HOOKS.format(says="the tree's hooks").splitlines())
    return {"source/demo/__init__.py": "", "source/demo/settings.py": "", "source/demo/pipeline_registry.py": registry,
            "source/demo/new_hooks.py": hooks, "conf/base/catalog.yml": "saved: {type: text.TextDataset, filepath: data/saved.txt}", **more}


def test_code_configuration_and_entry_points_are_the_trees(deployed, jobs, bucket):
    code = pack(bucket, tree('"tree " + str(__import__("importlib.metadata").metadata.version("demo"))'), "[kedro.hooks]\ndemo = demo.new_hooks:hooks\n")
    ended = jobs.run(request=jobs.request(schema=3, crossing=MOVED, code=code))
    assert ended.code == 0, ended.log
    assert bucket.keys() == ["saved.txt"] and bucket.get("saved.txt") == "tree 0.1"
    assert "the tree's hooks" in ended.log and "the deployed hooks" not in ended.log
    assert f"development run: the code is that of archive {code['sha256'][:12]}" in ended.log
    assert not (deployed.dir / "conf/base/removed.yml").exists()
    assert not [row for row in ended.record["not_kept"] if "file" in row]


def test_entry_points_that_only_the_build_backend_knows_are_the_images(deployed, jobs, bucket):
    hooks = "\n".join(line[4:] for line in HOOKS.format(says="the tree's hooks under the old name").splitlines())
    ended = jobs.run(request=jobs.request(schema=3, crossing=MOVED, code=pack(bucket, tree('"x"', **{"source/demo/hooks.py": hooks}), None)))
    assert ended.code == 0, ended.log
    assert "the tree's hooks under the old name" in ended.log


def test_a_module_that_the_tree_lost_is_not_taken_from_the_image(deployed, jobs, bucket):
    ended = jobs.run(request=jobs.request(schema=3, crossing=MOVED, code=pack(bucket, tree('__import__("demo.gone")'), "")))
    assert ended.code == 1
    assert "No module named 'demo.gone'" in ended.log


def test_spawned_processes_have_the_code_too(deployed, jobs, bucket):
    child = "import demo.new_hooks, demo; print(demo.__file__)"
    value = f'__import__("subprocess").run([__import__("sys").executable, "-c", {child!r}], text=True, capture_output=True, check=True).stdout'
    ended = jobs.run(request=jobs.request(schema=3, crossing=MOVED, code=pack(bucket, tree(value), "")))
    assert ended.code == 0, ended.log
    assert "kedroctl-code-" in bucket.get("saved.txt")


def test_another_archive_than_the_runs_is_refused(deployed, jobs, bucket):
    code = pack(bucket, tree('"x"'), "")
    bucket.put(code["uri"].split("/", 3)[3], "something else")
    request = jobs.request(schema=3, crossing=MOVED, code=code)
    ended = jobs.run(request=request)
    assert ended.code == 1
    assert "is not the one of this run: its SHA-256 is" in ended.log
    assert not bucket.keys() and not bucket.keys(".kedroctl/runs/")


def test_an_archive_that_has_expired_is_named(deployed, jobs, bucket):
    ended = jobs.run(request=jobs.request(schema=3, code={"uri": f"s3://{bucket.name}/.kedroctl/code/gone.tar.gz", "sha256": "0"}))
    assert ended.code == 1
    assert f"kedroctl: error: s3:GetObject s3://{bucket.name}/.kedroctl/code/gone.tar.gz: NoSuchKey" in ended.log


def test_a_configuration_that_cannot_be_replaced_is_an_error(deployed, jobs, bucket, monkeypatch):
    if __import__("os").geteuid() == 0:
        pytest.skip("root may write everywhere")
    (deployed.dir / "conf").chmod(0o555)
    ended = jobs.run(request=jobs.request(schema=3, code=pack(bucket, tree('"x"'), "")))
    (deployed.dir / "conf").chmod(0o755)
    assert ended.code == 1 and "the image's user must be able to write there" in ended.log
