"""A sandbox: what a run writes lies below a prefix of the bucket, what it only reads where it always is."""

import json

from conftest import RUN

UNDER = "sandbox/ann/"


def move(name, action="move", under=UNDER):
    return {"name": name, "action": action, "under": under}


def test_what_is_written_lies_in_the_sandbox(project, jobs, bucket):
    other = bucket.name + "-lake"
    project.conf("base/catalog.yml", f"""
        raw: {{type: json.JSONDataset, filepath: data/01_raw/raw.json}}
        local: {{type: json.JSONDataset, filepath: data/02_x/local.json}}
        own: {{type: json.JSONDataset, filepath: "s3://{bucket.name}/03_y/own.json", versioned: true}}
        foreign: {{type: json.JSONDataset, filepath: "s3://{other}/marts/foreign.json", credentials: lake}}
        cached: {{type: CachedDataset, dataset: {{type: json.JSONDataset, filepath: "s3://{bucket.name}/cached.json"}}}}
        parts: {{type: partitions.PartitionedDataset, path: "s3://{bucket.name}/parts", dataset: json.JSONDataset, filename_suffix: .json}}
        staged: {{type: demo.datasets.Plain, filepath: data/staged.txt}}
        """).conf("base/credentials.yml", "lake: {key: elsewhere, secret: elsewhere}")
    project.module("datasets", """
        from pathlib import Path
        from kedro.io import AbstractDataset
        class Plain(AbstractDataset):
            def __init__(self, filepath): self._filepath = filepath
            def load(self): return Path(self._filepath).read_text()
            def save(self, data):
                Path(self._filepath).parent.mkdir(parents=True, exist_ok=True)
                Path(self._filepath).write_text(data)
            def _describe(self): return {}
        """)
    project.registry("""
        def make(raw): return raw, raw, raw, raw, {"one": raw}, str(raw), raw
        def tell(*values): return str(values)
        """, 'node(make, "raw", ["local", "own", "foreign", "cached", "parts", "staged", "memory"], name="make"), '
             'node(tell, ["local", "own", "foreign", "cached", "staged", "memory"], "told", name="tell")')
    bucket.put("01_raw/raw.json", "1")
    for key in ("02_x/local.json", "cached.json", "staged.txt", "parts/old.json"):
        bucket.put(key, '"main"')
    main = {key: bucket.get(key) for key in bucket.keys()}
    names = ["local", "own", "foreign", "cached", "parts", "staged"]
    crossing = [{"name": "raw", "action": "move"}, *map(move, names)]
    for name, directory in {"memory": "runs", "told": "outputs"}.items():
        crossing.append({"name": name, "action": "persist", "under": UNDER, "path": f"s3://{bucket.name}/{UNDER}{directory}/{RUN}/{name}.pkl"})
    request = jobs.request(schema=2, crossing=crossing, versions={"own": RUN}, outputs=[*names, "memory", "told"])
    first = jobs.run("--nodes", "make", request=request)
    project.forget()
    second = jobs.run("--nodes", "tell", request={**request, "key": "h-1"})
    assert (first.code, second.code) == (0, 0), first.log + second.log
    assert [key for key in bucket.keys() if key not in main] == sorted([
        f"{UNDER}02_x/local.json", f"{UNDER}03_y/own.json/{RUN}/own.json", f"{UNDER}cached.json", f"{UNDER}{other}/marts/foreign.json",
        f"{UNDER}outputs/{RUN}/told.pkl", f"{UNDER}parts/one.json", f"{UNDER}runs/{RUN}/memory.pkl", f"{UNDER}staged.txt",
    ])
    assert {key: bucket.get(key) for key in main} == main
    assert json.loads(bucket.get(f"{UNDER}{other}/marts/foreign.json")) == 1
    assert first.rows["foreign"]["path"] == f"s3://{bucket.name}/{UNDER}{other}/marts/foreign.json"
    assert first.rows["staged"]["path"] == f"s3://{bucket.name}/{UNDER}staged.txt"


def test_what_leaves_the_pipeline_in_a_sandbox_may_be_unpicklable(project, jobs, bucket):
    project.registry("import threading\ndef make(): return threading.Lock()", 'node(make, None, "x")')
    persist = {"name": "x", "action": "persist", "under": UNDER, "path": f"s3://{bucket.name}/{UNDER}outputs/{RUN}/x.pkl"}
    ended = jobs.run(request=jobs.request(schema=2, crossing=[persist], outputs=["x"]))
    assert ended.code == 0, ended.log
    assert ended.record["not_kept"][0]["dataset"] == "x"
