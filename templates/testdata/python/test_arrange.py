"""The script that makes layers of installed dependencies."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import TEMPLATES

SITE = "/srv/kedro/dependencies"


class Tree:
    """A directory into which distributions are installed."""

    def __init__(self, root: Path) -> None:
        self.installed = root / "installed"
        self._root = root
        self._runs = 0

    def install(self, name: str, files: dict[str, str], recorded: bool = True) -> None:
        for file, content in files.items():
            path = self.installed / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        if recorded:
            info = self.installed / f"{name}-1.0.dist-info"
            info.mkdir(parents=True, exist_ok=True)
            (info / "RECORD").write_text("".join(f"{file},sha256=x,1\n" for file in files))

    def arrange(self, *options: str, used: str = "", cache: str = "cache") -> dict[str, dict[str, bytes]]:
        """Return the content of each layer by the path in the image."""
        self._runs += 1
        out, names = self._root / f"out{self._runs}", self._root / "used.txt"
        names.write_text(used)
        command = [sys.executable, str(TEMPLATES / "image/arrange.py"), "--installed", self.installed, "--site", SITE, "--out", out,
                   "--layers", "2,2", "--cache", self._root / cache, "--purelib", "/usr/lib/python3/site-packages", "--used", names, *options]
        subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": "0"})
        layers = {}
        for layer in sorted(out.iterdir()):
            layers[layer.name] = {"/" + path.relative_to(layer).as_posix(): path.read_bytes() for path in layer.rglob("*") if path.is_file()}
            for path in [layer, *layer.rglob("*")]:
                assert path.stat().st_mtime == 315532800, path
                assert path.stat().st_mode & 0o777 in ((0o755,) if path.is_dir() else (0o644, 0o755)), path
        return layers


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path)


def files_of(layers: dict[str, dict[str, bytes]]) -> list[str]:
    return sorted(file.removeprefix(SITE + "/") for layer in layers.values() for file in layer if "__pycache__" not in file and ".dist-info" not in file)


def test_what_no_job_reads_is_left_out(tree):
    tree.install("alpha", {
        "alpha/__init__.py": "", "alpha/core.pyi": "", "alpha/fast.pyx": "", "alpha/kernel.h": "", "alpha/testing.py": "",
        "alpha/tests/test_core.py": "from beta.tests import data\n", "alpha/sub/tests/data.csv": "1", "tests/conftest.py": "",
        "share/jupyter/labextensions/x.js": "", "share/jupyter/kernels/k.json": "{}",
    })
    tree.install("beta", {"beta/__init__.py": "", "beta/tests/data.py": ""})
    assert files_of(tree.arrange()) == ["alpha/__init__.py", "alpha/kernel.h", "alpha/testing.py", "beta/__init__.py", "share/jupyter/kernels/k.json", "tests/conftest.py"]
    assert len(files_of(tree.arrange("--whole"))) == 12


def test_directories_of_tests_stay_that_something_imports(tree):
    tree.install("alpha", {
        "alpha/__init__.py": "def f():\n    from .tests import used\n", "alpha/tests/used.py": "import beta.sub.tests.more\n", "alpha/deep/a.py": "from ..other.tests.x import y\n",
        "alpha/other/tests/x.py": "", "alpha/unused/tests/x.py": "", "alpha/third/tests/x.py": "",
    })
    tree.install("beta", {"beta/sub/tests/more.py": "", "beta/tests/a.py": "from alpha.unused import tests\n"})
    tree.install("gamma", {"gamma/tests/plugin.py": "", "gamma-1.0.dist-info/entry_points.txt": "[kedro.hooks]\ng = gamma.tests.plugin:hooks\n"})
    kept = files_of(tree.arrange(used="alpha.third.tests\n"))
    assert kept == ["alpha/__init__.py", "alpha/deep/a.py", "alpha/other/tests/x.py", "alpha/tests/used.py", "alpha/third/tests/x.py", "beta/sub/tests/more.py",
                    "gamma/tests/plugin.py"]


@pytest.mark.parametrize(("used", "source", "whole"), [("", "# unlike boto3", False), ("", "import boto3\n", True), ("boto3\n", "", True)])
def test_services_stay_where_something_may_call_them(tree, used, source, whole):
    tree.install("botocore", {"botocore/data/s3/1/a.json": "", "botocore/data/glue/1/a.json": "", "botocore/data/endpoints.json": ""})
    tree.install("s3fs", {"s3fs/core.py": "import botocore\n"})
    tree.install("other", {"other.py": source})
    assert ("botocore/data/glue/1/a.json" in files_of(tree.arrange(used=used))) == whole
    assert {"botocore/data/s3/1/a.json", "botocore/data/endpoints.json"} < set(files_of(tree.arrange(used=used)))


def test_a_new_distribution_changes_one_layer(tree):
    for name in ("alpha", "beta", "gamma", "delta"):
        tree.install(name, {f"{name}/__init__.py": f"NAMES = ('{name}', 'common')\n\n\ndef f(common):\n    return NAMES\n", f"bin/{name}": "#!/bin/sh\n"})
    tree.install("large", {"large.py": "", "large.bin": "x" * (9 << 20)})
    (tree.installed / "bin/alpha").chmod(0o775)
    before = tree.arrange()
    assert before == tree.arrange() == tree.arrange(cache="empty")
    assert sum(f"{SITE}/large.bin" in layer for name, layer in before.items() if name in "01") == 1
    tree.install("extra", {"extra/__init__.py": "common = 1\n"})
    after = tree.arrange()
    assert [name for name in before if before[name] != after[name]] in (["2"], ["3"])


def test_bytecode_is_what_python_wants(tree):
    tree.install("alpha", {"alpha/__init__.py": "X = 1\n", "alpha/template.py": "{% if %}\n", "alpha/latin.py": "# -*- coding: latin-1 -*-\n"})
    tree.install("", {"loose.py": "Y = 2\n", "loose.pth": "extra\n"}, recorded=False)
    layers = tree.arrange()
    merged = tree.installed.parent / "merged"
    for layer in layers.values():
        for file, content in layer.items():
            path = merged / file.lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    site = merged / SITE.lstrip("/")
    assert sorted(path.name.split(".")[0] for path in site.rglob("*.pyc")) == ["__init__", "latin", "loose"]
    code = f"import sys; sys.path.insert(0, {str(site)!r}); import alpha, loose; print(alpha.__cached__, compile and alpha.X + loose.Y)"
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPYCACHEPREFIX"}
    for source in (site / "alpha/__init__.py", site / "loose.py"):
        source.write_text("raise RuntimeError('the source was read, not the bytecode')\n")
    out = subprocess.run([sys.executable, "-c", code], check=True, env=env, capture_output=True, text=True).stdout
    assert out.split()[-1] == "3"
    assert (merged / "usr/lib/python3/site-packages/kedroctl.pth").read_text() == f'import site; site.addsitedir("{SITE}")\n'
