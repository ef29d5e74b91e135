"""The rule that maps local paths to S3 is the one that kedroctl has in Go."""

import json
import os
import sys

import pytest
from conftest import TEMPLATES

sys.path.insert(0, str(TEMPLATES / "boot"))

from kedroctl_boot.paths import relative, s3_path  # noqa: E402

# The Go test hands over what its own rule says of these paths.
CASES = json.loads(os.environ.get("KEDROCTL_TEST_PATHS", "{}")) or {
    "data/01_raw/x.csv": "01_raw/x.csv", "./data/x": "x", "models/m.pkl": "models/m.pkl", "data/data/x": "data/x",
    "data": "", ".": "", "../x": "", "/abs/x": "", "data\\01_raw\\x": "01_raw/x", "database/x": "database/x",
}


@pytest.mark.parametrize(("local", "key"), CASES.items())
def test_the_rule(local, key):
    assert s3_path(local, "b") == (f"s3://b/{key}" if key else "")


@pytest.mark.parametrize(("path", "local"), [
    ("data/x", "data/x"), ("/p/data/x", "data/x"), ("file:///p/data/x", "data/x"), ("/other/x", "/other/x"), ("s3://b/x", ""),
])
def test_paths_relative_to_the_project(path, local):
    assert relative(path, "/p") == local
