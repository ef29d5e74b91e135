"""Classes that read and write the local disk alone: their files are in S3 all the same."""

import pytest
from conftest import RUN

OLD = "2026-01-01T00.00.00.000Z"

CLASSES = """
    import shutil
    from pathlib import Path, PurePosixPath

    import fsspec
    from kedro.io import AbstractDataset, AbstractVersionedDataset

    class Plain(AbstractDataset):
        "Knows nothing of fsspec."
        def __init__(self, filepath): self._filepath = filepath
        def load(self): return Path(self._filepath).read_text()
        def save(self, data):
            Path(self._filepath).parent.mkdir(parents=True, exist_ok=True)
            Path(self._filepath).write_text(data)
        def _describe(self): return {}

    class Named(Plain):
        "Names a filesystem, and then wants a file on disk as some libraries do."
        def __init__(self, filepath):
            super().__init__(filepath)
            self._protocol, self._fs = "file", fsspec.filesystem("s3" if "s3:" in filepath else "file")

    class Shy(Plain):
        "Names its path otherwise, and refuses one in S3."
        def __init__(self, filepath):
            assert ":" not in filepath
            self._at = filepath
        def load(self): return Path(self._at).read_text()
        def save(self, data): Path(self._at).parent.mkdir(parents=True, exist_ok=True), Path(self._at).write_text(data)

    class Versioned(AbstractVersionedDataset):
        def __init__(self, filepath, version=None): super().__init__(PurePosixPath(filepath), version)
        def load(self): return Path(self._get_load_path()).read_text()
        def save(self, data):
            path = Path(self._get_save_path())
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(data)
        def _describe(self): return {}

    class Directory(AbstractDataset):
        "A file for each key; what a save does not have is removed."
        def __init__(self, path): self._path = Path(path)
        def load(self): return {p.relative_to(self._path).as_posix(): p.read_text() for p in self._path.rglob("*") if p.is_file()}
        def save(self, data):
            shutil.rmtree(self._path, ignore_errors=True)
            for name, text in data.items():
                (self._path / name).parent.mkdir(parents=True, exist_ok=True)
                (self._path / name).write_text(text)
        def _describe(self): return {}

    class Log(Plain):
        "Adds to what is there."
        def save(self, data):
            Path(self._filepath).parent.mkdir(parents=True, exist_ok=True)
            with open(self._filepath, "a") as file: file.write(data)
    """
PASS_ON = ("""
    def make(): return "made"
    def use(x): return x + " and used"
    """, 'node(make, None, "x", name="make"), node(use, "x", "y", name="use")')


@pytest.fixture
def local(project, jobs):
    """Run nodes of a project with such classes, each in a container of its own."""
    project.module("io", CLASSES)

    class Local:
        def run(self, *nodes, names=("x", "y"), action="move", **values):
            crossing = [{"name": name, "action": action} for name in names]
            ended = []
            for node in nodes:
                project.forget()
                ended.append(jobs.run("--nodes", node, request=jobs.request(crossing=crossing, key=node, outputs=list(names), **values)))
                assert ended[-1].code == 0, ended[-1].log
            project.forget()
            return ended
    return Local()


@pytest.mark.parametrize("action", ["move", "stage"])
@pytest.mark.parametrize("name", ["Plain", "Named", "Shy"])
def test_files_cross_jobs(project, local, bucket, name, action):
    project.conf("base/catalog.yml", f'"{{name}}": {{type: demo.io.{name}, filepath: "data/02/{{name}}.txt"}}').registry(*PASS_ON)
    _, second = local.run("make", "use", action=action)
    assert bucket.get("02/y.txt") == "made and used"
    head = bucket.client.head_object(Bucket=bucket.name, Key="02/y.txt")
    assert second.rows == {"y": {"dataset": "y", "path": f"s3://{bucket.name}/02/y.txt", "size": 13, "etag": head["ETag"].strip('"')}}
    assert bucket.keys() == ["02/x.txt", "02/y.txt"]


def test_a_class_may_call_its_path_as_it_likes(project, local, inspect, bucket):
    project.module("io", CLASSES + """
    class Elsewhere(Plain):
        def __init__(self, folder, name): super().__init__(f"{folder}/{name}")
    """).conf("base/catalog.yml", '"{name}": {type: demo.io.Elsewhere, folder: "data/{name}/", name: it.txt}').registry(*PASS_ON)
    assert inspect(project)["datasets"]["x"]["path"] == "data/x"
    local.run("make", "use", action="stage")
    assert bucket.get("y/it.txt") == "made and used"


def test_classes_of_fsspec_go_to_s3_directly_unless_told(project, local, bucket):
    project.conf("base/catalog.yml", '"{name}": {type: text.TextDataset, filepath: "data/{name}.txt"}').registry(*PASS_ON)
    assert "files on disk" not in local.run("make")[0].log
    assert "files on disk" in local.run("use", action="stage")[0].log
    assert bucket.get("y.txt") == "made and used"


@pytest.mark.parametrize(("entry", "keys"), [
    ("{type: CachedDataset, dataset: {type: demo.io.Plain, filepath: data/x.txt}}", ["x.txt"]),
    ("{type: CachedDataset, versioned: true, dataset: {type: demo.io.Versioned, filepath: data/x.txt}}", [f"x.txt/{RUN}/x.txt"]),
    ("{type: demo.io.Versioned, filepath: data/x.txt, versioned: true}", [f"x.txt/{RUN}/x.txt"]),
])
def test_what_wraps_or_has_versions(project, local, bucket, entry, keys):
    project.conf("base/catalog.yml", f"x: {entry}").registry(*PASS_ON)
    versions = {"x": RUN} if "version" in entry.lower() else {}
    first, second = local.run("make", "use", names=["x"], versions=versions)
    assert (bucket.keys(), second.rows) == (keys, {})
    row = first.rows["x"]
    assert (row["path"], row["size"], row.get("version", "")) == (f"s3://{bucket.name}/{keys[0]}", 4, versions.get("x", ""))


def test_versions_are_read_as_pinned_and_saved_again(project, local, bucket):
    project.conf("base/catalog.yml", '"{name}": {type: demo.io.Versioned, filepath: "data/{name}.txt", versioned: true}').registry(*PASS_ON)
    for version in (OLD, "2027-01-01T00.00.00.000Z"):
        bucket.put(f"x.txt/{version}/x.txt", version)
    for attempt in (1, 2):
        local.run("use", versions={"x": OLD, "y": RUN}, **{"try": attempt})
    assert bucket.get(f"y.txt/{RUN}/y.txt") == f"{OLD} and used"
    assert bucket.keys("y.txt") == [f"y.txt/{RUN}/y.txt"]


def test_directories_lose_what_a_save_removes_and_nothing_else(project, local, bucket):
    project.conf("base/catalog.yml", """
        x: {type: demo.io.Directory, path: data/x}
        x_all: {type: demo.io.Directory, path: data/x/}
        y: {type: demo.io.Directory, path: data/y}
        """).registry("""
        def make(): return {"a.txt": "1", "sub/b.txt": "22"}
        def use(x): return {"only.txt": ",".join(sorted(x))}
        """, 'node(make, None, "x", name="make"), node(use, "x_all", "y", name="use")')
    bucket.put("x/stale.txt", "of another run")
    bucket.put("xx.txt", "beside")
    first, second = local.run("make", "use", names=["x", "x_all", "y"])
    assert bucket.keys() == ["x/a.txt", "x/sub/b.txt", "xx.txt", "y/only.txt"]
    assert bucket.get("y/only.txt") == "a.txt,sub/b.txt"
    assert first.rows["x"] == {"dataset": "x", "path": f"s3://{bucket.name}/x", "size": 3}


def test_a_class_that_adds_finds_what_is_there(project, local, bucket):
    project.conf("base/catalog.yml", "x: {type: demo.io.Log, filepath: data/x.txt}").registry(*PASS_ON)
    bucket.put("x.txt", "before, ")
    local.run("make", names=["x"])
    assert bucket.get("x.txt") == "before, made"


def test_partitions_and_their_checkpoint(project, local, bucket):
    project.conf("base/catalog.yml", """
        x: {type: partitions.PartitionedDataset, path: data/parts, dataset: demo.io.Plain, filename_suffix: .txt}
        news: {type: partitions.IncrementalDataset, path: data/parts, dataset: demo.io.Plain, filename_suffix: .txt}
        """).registry("""
        def make(): return {"a": "1", "b": lambda: "2"}
        def use(news): return sorted(news)
        """, 'node(make, None, "x", name="make"), node(use, "news", "y", name="use", confirms="news")')
    bucket.put("parts/earlier.txt", "0")
    local.run("make", "use", names=["x", "news"])
    assert bucket.keys() == ["parts/CHECKPOINT", "parts/a.txt", "parts/b.txt", "parts/earlier.txt"]
    assert bucket.get("parts/CHECKPOINT") == "earlier"
    bucket.put("parts/new.txt", "3")
    project.registry("def use(news): return print('sees', sorted(news))", 'node(use, "news", None, name="use", confirms="news")')
    again, = local.run("use", names=["news"], **{"try": 2})
    assert "sees ['new']" in again.log


def test_both_sides_of_a_transcoded_dataset_are_kept_alike(project, local, bucket):
    project.conf("base/catalog.yml", """
        x@plain: {type: demo.io.Plain, filepath: data/x.txt}
        x@text: {type: text.TextDataset, filepath: data/x.txt}
        """).registry("""
        def make(): return "made"
        def see(text): return text.upper()
        """, 'node(make, None, "x@plain", name="make"), node(see, "x@text", "y", name="see")')
    project.conf("aws/catalog.yml", "y: {type: demo.io.Plain, filepath: data/y.txt}")
    for nodes in (["make", "see"], ["make,see"]):
        local.run(*nodes, **{"try": len(nodes)})
        assert (bucket.get("x.txt"), bucket.get("y.txt")) == ("made", "MADE")


@pytest.mark.parametrize(("runner", "method"), [("ThreadRunner", ""), ("ParallelRunner", "fork"), ("ParallelRunner", "spawn")])
def test_every_runner_stages(project, jobs, bucket, runner, method):
    project.module("io", CLASSES).module("nodes", """
        def load(raw): return raw + "1"
        def again(a): return a + "2"
        def join(a, b, raw): return a + b + raw
        """)
    project.conf("base/catalog.yml", '"{name}": {type: demo.io.Plain, filepath: "data/{name}.txt"}')
    project.registry("from demo.nodes import load, again, join", """
        node(load, "raw", "a"), node(again, "a", "b"), node(join, ["a", "b", "raw"], "c")
        """.strip())
    bucket.put("raw.txt", "0")
    names = ["raw", "a", "b", "c"]
    request = jobs.request(crossing=[{"name": name, "action": "move"} for name in names], outputs=names[1:])
    ended = jobs.run("--runner", runner, request=request, KEDRO_MP_CONTEXT=method)
    assert ended.code == 0, ended.log
    assert (bucket.get("c.txt"), set(ended.rows)) == ("010120", {"a", "b", "c"})
