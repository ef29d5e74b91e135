"""The script that compiles the standard library of a base image."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import TEMPLATES

SITE = "/usr/local/lib/python3.99"


@pytest.fixture
def library(tmp_path):
    root = tmp_path / "library"
    for file, text in {
        "alpha.py": "def f():\n    raise ValueError\n", "unittest/case.py": "A = {'b', 'c'}\n", "test/test_alpha.py": "", "unittest/test/x.py": "",
        "site-packages/pip/__init__.py": "", "_pydecimal.py": "", "turtle.py": "", "broken.py": "(\n", "alpha.txt": "",
    }.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(text)
    return root


def compiled(library: Path, out: Path) -> dict[str, bytes]:
    script = str(TEMPLATES / "image/library.py")
    subprocess.run([sys.executable, "-I", "-S", "-B", script, "--library", library, "--site", SITE, "--out", out], check=True)
    for path in [out, *out.rglob("*")]:
        assert path.stat().st_mtime == 315532800, path
        assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644), path
    return {"/" + path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_python_runs_the_bytecode_of_what_jobs_import(library, tmp_path):
    tag = sys.implementation.cache_tag
    found = compiled(library, tmp_path / "out")
    assert sorted(found) == [f"{SITE}/__pycache__/alpha.{tag}.pyc", f"{SITE}/unittest/__pycache__/case.{tag}.pyc"]
    assert found == compiled(library, tmp_path / "again")
    (library / "__pycache__").mkdir()
    (library / f"__pycache__/alpha.{tag}.pyc").write_bytes(found[f"{SITE}/__pycache__/alpha.{tag}.pyc"])
    script = "import alpha, sys; sys.stdout.write(alpha.f.__code__.co_filename)"
    ran = subprocess.run([sys.executable, "-v", "-c", script], env={"PYTHONPATH": str(library)}, capture_output=True, text=True, check=True)
    assert f"alpha.{tag}.pyc matches" in ran.stderr
    assert ran.stdout == str(library / "alpha.py")  # Python corrects it


def test_bytecode_of_the_base_image_is_left_alone(library, tmp_path):
    (library / "__pycache__").mkdir()
    (library / "__pycache__/alpha.cpython-399.pyc").write_bytes(b"")
    assert compiled(library, tmp_path / "out") == {}
