"""Runs a Kedro project in this process and compares what it makes with what Batch jobs left in S3.

usage: compare.py PROJECT REPORT, where PROJECT is a copy that may be written to and REPORT what `kedroctl verify --json` printed.
AWS_ENDPOINT_URL and AWS credentials say which S3. Prints a line for each output; exits 1 at the first difference.
"""

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


def read(open_file, path):
    """The content of an output, by its suffix, in a form that == compares."""
    suffix = Path(path).suffix
    with open_file(path, "rb") as f:
        if suffix == ".parquet":
            return pd.read_parquet(f)
        if suffix in (".pkl", ".pickle"):
            return pickle.load(f)
        if suffix == ".json":
            return json.load(f)
        return f.read()


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
    project, report = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text())
    os.chdir(project)
    bootstrap_project(project)
    with KedroSession.create(project_path=project) as session:
        free = session.run()
        catalog = session.load_context().catalog
    s3 = fsspec.filesystem("s3", client_kwargs={"endpoint_url": os.environ["AWS_ENDPOINT_URL"]})
    compared = 0
    for output in report["outputs"]:
        name, path = output["dataset"], output["path"]
        if name in catalog and hasattr(catalog[name], "_filepath"):
            ours = read(open, str(catalog[name]._get_load_path()))
        elif name in free:
            value = free[name]
            ours = value.load() if hasattr(value, "load") else value
        else:
            print(f"{name}: within the pipeline, in memory")
            continue
        same(ours, read(s3.open, path))
        compared += 1
        print(f"{name}: equal")
    print(f"{compared} outputs equal")


main()
