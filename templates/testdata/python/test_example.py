"""The example project: its shape, which other tests count on, and its data."""

import os
import shutil
import subprocess
import sys

import pandas as pd
import pytest
from conftest import TEMPLATES, Project

EXAMPLE = TEMPLATES.parent / "examples" / "spaceflights"


@pytest.fixture
def example(tmp_path):
    """A copy, since Kedro leaves files where it runs."""
    copy = tmp_path / "spaceflights"
    shutil.copytree(EXAMPLE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return Project(copy)


def test_its_shape(example, inspect):
    snapshot = inspect(example)
    assert (snapshot["errors"], snapshot["warnings"], snapshot["missing_parameters"]) == ([], [], [])
    sizes = {name: len(pipeline["nodes"]) for name, pipeline in snapshot["pipelines"].items()}
    assert sizes == {"__default__": 9, "data_processing": 3, "data_science": 3, "reporting": 3}
    datasets = snapshot["datasets"]
    assert {name for name, entry in datasets.items() if entry["source"] == "default"} == {"X_train", "X_test", "y_train", "y_test", "metrics"}
    assert {name for name, entry in datasets.items() if entry.get("versioned")} == {
        "regressor", "company_rating_heatmap", "shuttle_passenger_capacity_plot_exp", "shuttle_passenger_capacity_plot_go"}


def test_its_data_is_what_the_script_makes(tmp_path):
    subprocess.run([sys.executable, EXAMPLE / "tools" / "make_data.py", tmp_path], check=True)
    raw = EXAMPLE / "data" / "01_raw"
    for name in ("companies.csv", "reviews.csv"):
        assert (tmp_path / name).read_bytes() == (raw / name).read_bytes()
    pd.testing.assert_frame_equal(pd.read_excel(tmp_path / "shuttles.xlsx"), pd.read_excel(raw / "shuttles.xlsx"))


def test_its_own_tests(example):
    environ = {**os.environ, "PYTHONPATH": str(example.source)}
    ended = subprocess.run([sys.executable, "-m", "pytest", "-q"], cwd=example.dir, env=environ, text=True, capture_output=True)
    assert ended.returncode == 0, ended.stdout
