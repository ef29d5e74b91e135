"""Runs a Kedro project in this process and compares what it makes with what Batch jobs left in S3.

usage: compare.py PROJECT REPORT [--pipelines NAME] [--params KEY=VALUE], where PROJECT is a copy that may be written to and REPORT what
`kedroctl verify --json` printed.
AWS_ENDPOINT_URL and AWS credentials say which S3. Prints a line for each output; exits 1 at the first difference.
"""

import argparse
import json
import os
import pickle
import sys
from pathlib import Path

import fsspec
import numpy as np
import pandas as pd
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project


def read(fs, path):
    """The content of an output, by its suffix, in a form that == compares; of a directory the bytes of each file."""
    path = fs._strip_protocol(path)
    if fs.isdir(path):
        return {file[len(path):]: fs.cat(file) for file in fs.find(path)}
    suffix = Path(path).suffix
    with fs.open(path, "rb") as f:
        if suffix == ".parquet":
            return pd.read_parquet(f)
        if suffix in (".pkl", ".pickle"):
            return pickle.load(f)
        if suffix == ".json":
            return json.load(f)
        return f.read()


def local_path(dataset):
    """Where a dataset has its data on this machine, "" where it has none."""
    dataset = getattr(dataset, "_dataset", dataset)  # of a cached one
    if hasattr(dataset, "_get_load_path"):
        return str(dataset._get_load_path())
    return str(getattr(dataset, "_filepath", "") or getattr(dataset, "_path", ""))


def same(ours, theirs):
    if isinstance(ours, pd.DataFrame):
        pd.testing.assert_frame_equal(ours, theirs)
    elif isinstance(ours, pd.Series):
        pd.testing.assert_series_equal(ours, theirs)
    elif hasattr(ours, "feature_importances_"):
        np.testing.assert_array_equal(ours.feature_importances_, theirs.feature_importances_)
    else:
        assert ours == theirs, f"{ours!r:.300} is not {theirs!r:.300}"


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("project", type=Path)
    arguments.add_argument("report", type=Path)
    arguments.add_argument("--pipelines")
    arguments.add_argument("--params", type=lambda pair: dict([pair.split("=")]))
    given = arguments.parse_args()
    project, report = given.project, json.loads(given.report.read_text())
    os.chdir(project)
    bootstrap_project(project)
    with KedroSession.create(project_path=project, runtime_params=given.params) as session:
        free = session.run(pipeline_name=given.pipelines)
        catalog = session.load_context().catalog
    here = fsspec.filesystem("file")
    s3 = fsspec.filesystem("s3", client_kwargs={"endpoint_url": os.environ["AWS_ENDPOINT_URL"]})
    compared = 0
    for output in report["outputs"]:
        name, path = output["dataset"], output["path"]
        if not path:
            print(f"{name}: in no file")
            continue
        entry = next((known for known in catalog.keys() if known.partition("@")[0] == name), name)
        stored = local_path(catalog[entry]) if entry in catalog else ""
        if stored:
            ours = read(here, stored)
        elif name in free:
            ours = free[name].load() if hasattr(free[name], "load") else free[name]
        else:
            print(f"{name}: within the pipeline, in memory")
            continue
        same(ours, read(s3, path))
        compared += 1
        parts = "" if s3.isdir(path) else s3.info(path)["ETag"].strip('"').partition("-")[2]
        print(f"{name}: equal" + f", sent in {parts} parts" * bool(parts))
    print(f"{compared} outputs equal")
    if not compared:
        sys.exit("no output to compare")


main()
