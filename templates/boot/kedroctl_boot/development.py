"""The code archive of a development run: sources and configuration as somebody's tree has them, in place of the image's.

Nothing of Kedro may be imported before it is in its place: Kedro reads its logging configuration as it is imported.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import io
import json
import os
import re
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any, Mapping, Sequence

from .errors import BootError
from .store import Store

_PROJECT = Path(__file__).resolve().parents[2] / "project"  # where images of kedroctl have the project's wheel


def install(code: Mapping[str, str], store: Store, argv: Sequence[str]) -> None:
    """Fetch and check an archive, and let this process and all that it starts have what it holds.

    It stays on the container's disk, which ends with the job.
    """
    body = store.fetch(code["uri"])
    if (found := hashlib.sha256(body).hexdigest()) != code["sha256"]:
        raise BootError(f"the code archive {code['uri']} is not the one of this run: its SHA-256 is {found}, not {code['sha256']}")
    directory = Path(tempfile.mkdtemp(prefix="kedroctl-code-"))
    with tarfile.open(fileobj=io.BytesIO(body), mode="r:gz") as archive:
        if hasattr(tarfile, "data_filter"):  # from Python 3.12, and late releases of earlier ones
            archive.extraction_filter = tarfile.data_filter
        archive.extractall(directory)
    _replace(Path(_option(argv, "--conf-source") or "/app/conf"), directory / "conf")
    about = json.loads((directory / "about.json").read_text(encoding="utf-8"))
    installed = _installed(about["distribution"])
    _describe(about, installed, directory / "source")
    _prefer(str(directory / "source"), _own_directory(installed) if installed else "")
    print(f"kedroctl: development run: the code is that of archive {found[:12]}", file=sys.stderr, flush=True)


def _replace(place: Path, new: Path) -> None:
    """Put the configuration where the image has its own: commands, logging and code name that place."""
    try:
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(new, place, dirs_exist_ok=True)
        stale = {file.relative_to(place) for file in place.rglob("*")} - {file.relative_to(new) for file in new.rglob("*")}
    except OSError as error:
        raise BootError(f"replace the configuration in {place}: {error}: the image's user must be able to write there") from error
    if stale:
        raise BootError(f"replace the configuration in {place}: {min(stale)} cannot be removed: the image's user must be able to write there")


def _describe(about: Mapping[str, Any], installed: importlib.metadata.Distribution | None, source: Path) -> None:
    """Write the metadata of the project's distribution: what the tree says, else what the image's says."""
    points, text = about["entry_points"], installed.read_text("METADATA") if installed else None
    if points is None:
        points = installed.read_text("entry_points.txt") if installed else None
    name = about["distribution"] or (installed.metadata["Name"] if installed else "")
    if not name:
        return
    version = installed.version if installed else "0"
    info = source / f"{re.sub(r'[-_.]+', '_', name)}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(text or f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(points or "", encoding="utf-8")


def _installed(name: str) -> importlib.metadata.Distribution | None:
    """Return the distribution that the image has of the project; one whose name only its build backend knows lies alone in its directory."""
    try:
        return importlib.metadata.distribution(name) if name else next(iter(importlib.metadata.distributions(path=[str(_PROJECT)])), None)
    except importlib.metadata.PackageNotFoundError:
        return None


def _own_directory(installed: importlib.metadata.Distribution) -> str:
    """Return the directory that holds a distribution and no other one, "" where it shares one."""
    directory = str(installed.locate_file(""))
    return directory if len(list(importlib.metadata.distributions(path=[directory]))) == 1 else ""


def _prefer(source: str, replaced: str) -> None:
    """Import from the archive first, and not at all from what it replaces: what the tree has not any more is not there.

    pluggy loads the entry points of all distributions on the path, also of two of one name.
    """
    sys.path[:] = [source, *(path for path in sys.path if not _same(path, replaced))]
    inherited = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    os.environ["PYTHONPATH"] = os.pathsep.join([source, *(path for path in inherited if path and not _same(path, replaced))])
    importlib.invalidate_caches()


def _same(path: str, other: str) -> bool:
    return bool(path and other) and os.path.realpath(path) == os.path.realpath(other)


def _option(argv: Sequence[str], name: str) -> str:
    return argv[argv.index(name) + 1] if name in argv[:-1] else ""
