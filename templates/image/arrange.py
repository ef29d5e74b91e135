"""Arranges installed dependencies for an image: leaves out what no job reads, compiles, splits them into layers, fixes modes and times.

usage: arrange.py --installed DIR --site PATH --out DIR --layers L,S --cache DIR [--used FILE] [--whole] [--no-bytecode]

--out gets a directory for each layer: 0 to L-1 for large distributions, the next S for the others. Each has its files below
--site, where the image has them. FILE names modules that the project uses, a line each. --whole leaves nothing out.
--no-bytecode is for a Python that is not the image's. Equal input gives equal layers, and a distribution's layer depends on nothing else: only what changed is sent.
"""

from __future__ import annotations

import argparse
import fnmatch
import hashlib
import importlib.util
import marshal
import multiprocessing
import os
import re
import sys
import sysconfig
import tempfile
import time
import warnings
import zlib
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Iterable, Iterator

LARGE = 8 << 20  # bytes; each such distribution is in one of the first layers
CHUNK = 500  # files that one process compiles
UNUSED = 90 * 86400  # seconds after which bytecode in the cache is removed
WHEN = 315532800  # 1980-01-01: the time of all files

# What is left out, by path below the site directory: what editors, compilers and Jupyter read. Headers stay, but for those of distributions that compile
# nothing at run time.
LEFT_OUT = (
    "*.pyi", "*.pyx", "*.pxd", "*.pxi", "*.pyx.in", "*.pxi.in", "*.a",
    "numpy/_core/include/*", "pyarrow/include/*", "pyarrow/src/*", "scipy/*.h", "sklearn/*.h", "sklearn/*.tp", "aiohttp/*.c", "kiwisolver/*.h",
    "share/man/*", "share/doc/*", "share/jupyter/labextensions/*", "share/jupyter/nbextensions/*", "etc/jupyter/*", "jupyterlab_plotly/*",
    "matplotlib/mpl-data/sample_data/*",
)
# The services of AWS that s3fs calls, for data and for credentials. The others stay if anything else may use botocore.
SERVICES = ("s3", "s3control", "sts", "sso", "sso-oidc", "signin", "ssm", "secretsmanager", "kms")
# These ask botocore for no other service: dynaconf, which Kedro needs, takes credentials from it, pandas names its errors.
AWS = ("botocore", "aiobotocore", "boto3", "s3fs", "s3transfer", "dynaconf", "pandas")
BOTO = re.compile(rb"^[ \t]*(?:from|import)[ \t]+(?:aio)?boto|['\"](?:aio)?boto(?:3|core)", re.MULTILINE)
IMPORT = re.compile(rb"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import[ \t]*\(?([^#\n]*)|import[ \t]+([\w., \t]+))", re.MULTILINE)


@dataclass
class Distribution:
    """A distribution and its files, as paths below the site directory."""

    name: str
    files: list[str] = field(default_factory=list)
    size: int = 0  # bytes

    def layer(self, large: int, small: int) -> str:
        """Return its layer: one of the large ones, or of the small ones after them."""
        number = zlib.crc32(self.name.encode())
        return str(number % large if self.size >= LARGE else large + number % small)


def distributions(root: Path) -> list[Distribution]:
    """Share out all files among the distributions that name them in their RECORD; what none names has the name ""."""
    owners: dict[str, str] = {}
    for record in sorted(root.glob("*.dist-info/RECORD")):
        name = re.sub(r"[-_.]+", "-", record.parent.name.partition("-")[0]).lower()
        for line in record.read_text(encoding="utf-8").splitlines():
            owners.setdefault(os.path.normpath(line.rsplit(",", 2)[0].strip('"')), name)
        owners[record.relative_to(root).as_posix()] = name
    found: dict[str, Distribution] = {}
    for directory, _, names in os.walk(root):
        for file in names:
            path = Path(directory, file)
            relative = path.relative_to(root).as_posix()
            if relative == ".lock":  # of uv
                continue
            name = owners.get(relative, "")
            of = found.setdefault(name, Distribution(name))
            of.files.append(relative)
            of.size += path.stat().st_size
    for of in found.values():
        of.files.sort()
    return sorted(found.values(), key=lambda of: of.name)


class Slimmer:
    """Says which files no job reads."""

    def __init__(self, root: Path, found: list[Distribution], used: Iterable[str]) -> None:
        self._patterns = re.compile("|".join(fnmatch.translate(pattern) for pattern in LEFT_OUT))
        self._root = root
        used = set(used)
        self._boto = any(name.partition(".")[0] in ("boto3", "botocore", "aioboto3", "aiobotocore") for name in used)
        self._tests = {at for name in used if (at := _tests(name.replace(".", "/") + "/"))}
        sources = [(of.name, file) for of in found for file in of.files if file.endswith((".py", "/entry_points.txt"))]
        self._read(sources)

    def leaves_out(self, file: str) -> bool:
        """Whether the image can do without a file."""
        if (at := _tests(file)) and at not in self._tests:
            return True
        if not self._boto and file.startswith("botocore/data/") and file.count("/") > 2:
            return file.split("/")[2] not in SERVICES
        return bool(self._patterns.match(file))

    def _read(self, sources: list[tuple[str, str]]) -> None:
        """Look for what imports directories of tests, or botocore; what such a directory imports counts too."""
        waiting, open_ = sources, True
        while open_:
            before, later = set(self._tests), []
            for name, file in waiting:
                at = _tests(file)
                if at and at not in self._tests:
                    later.append((name, file))
                    continue
                text = Path(self._root, file).read_bytes()
                if not self._boto and b"boto" in text and name not in AWS:
                    self._boto = bool(BOTO.search(text))
                if b"tests" in text:
                    self._tests.update(_imported_tests(file, text))
            waiting, open_ = later, before != self._tests


def _tests(file: str) -> str:
    """Return the path of the directory called tests, below a package, that a file is in; "" outside of any."""
    parts = file.split("/")[:-1]
    return "/".join(parts[: parts.index("tests", 1) + 1]) if "tests" in parts[1:] else ""


def _imported_tests(file: str, text: bytes) -> Iterator[str]:
    if not file.endswith(".py"):  # entry points: name = module:attribute
        for module in re.findall(r"=\s*([\w.]+)", text.decode("utf-8", "replace")):
            yield _tests(module.replace(".", "/") + "/")
        return
    for source, names, modules in IMPORT.findall(text):
        for module in re.split(r"[,\s]+", modules.decode()):
            yield _tests(module.replace(".", "/") + "/")
        if not source:
            continue
        module = source.decode()
        below = module.lstrip(".")
        package = PurePosixPath(file).parent
        for _ in range(len(module) - len(below) - 1):
            package = package.parent
        base = "/".join(filter(None, [package.as_posix() if module != below else "", below.replace(".", "/")]))
        yield _tests(base + "/")
        if re.search(rb"\btests\b", names):
            yield _tests(base + "/tests/")


@dataclass(frozen=True)
class Chunk:
    """Files of one distribution, which one process copies and compiles. Their paths are below source, below target, and in the image below site."""

    source: Path
    target: Path
    site: str
    cache: Path | None
    files: list[str]

    def settle(self) -> None:
        """Copy the files with plain modes and one time, and compile the sources.

        It is the first thing that a process of its own does: marshal's bytes show what a process compiled before.
        """
        digest = hashlib.sha256(importlib.util.MAGIC_NUMBER + self.site.encode())
        for file in self.files:
            path = self.source / file
            text = path.read_bytes()
            _write(self.target / file, text, 0o755 if path.stat().st_mode & 0o100 else 0o644)
            if file.endswith(".py"):
                digest.update(f"{file}\0{len(text)}\0".encode() + text)
        if not self.cache:
            return
        for file, code in self._bytecode(self.cache / f"{digest.hexdigest()}.marshal").items():
            _write(Path(importlib.util.cache_from_source(str(self.target / file))), code, 0o644)

    def _bytecode(self, kept: Path) -> dict[str, bytes]:
        try:
            compiled = marshal.loads(kept.read_bytes())
            os.utime(kept)
        except (OSError, EOFError, ValueError, TypeError):
            sources = [file for file in self.files if file.endswith(".py")]
            compiled = {file: code for file in sources if (code := self._compile(file))}
            with tempfile.NamedTemporaryFile(dir=self.cache, delete=False) as new:
                new.write(marshal.dumps(compiled))
            os.replace(new.name, kept)
        return compiled

    def _compile(self, file: str) -> bytes | None:
        """Return the bytecode of a source, which carries no time; None for one that does not compile, such as a template: nothing imports it."""
        text = (self.source / file).read_bytes()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                code = compile(text, f"{self.site}/{file}", "exec", dont_inherit=True)
            except (SyntaxError, ValueError, RecursionError):
                return None
        unchecked_hash = (1).to_bytes(4, "little")
        return importlib.util.MAGIC_NUMBER + unchecked_hash + importlib.util.source_hash(text) + marshal.dumps(code)


def _write(path: Path, content: bytes, mode: int) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with open(descriptor, "wb") as file:
        file.write(content)
    os.utime(path, (WHEN, WHEN))


def settle(options: argparse.Namespace, found: list[Distribution]) -> None:
    """Copy and compile all files, each into the directory of its layer, in as many processes as there are processors."""
    options.cache.mkdir(parents=True, exist_ok=True)
    cache = options.cache if options.bytecode else None
    chunks = []
    for of in found:
        target = Path(options.out, of.layer(*options.layers), options.site.lstrip("/"))
        parts = [of.files[i : i + CHUNK] for i in range(0, len(of.files), CHUNK)]
        chunks += [Chunk(options.installed, target, options.site, cache, part) for part in parts]
    chunks.sort(key=lambda chunk: -len(chunk.files))
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    with context.Pool(os.cpu_count(), maxtasksperchild=1) as pool:
        for _ in pool.imap_unordered(Chunk.settle, chunks, chunksize=1):
            pass
    for old in options.cache.iterdir():
        if time.time() - old.stat().st_mtime > UNUSED:
            old.unlink(missing_ok=True)


def add_pth(options: argparse.Namespace, found: list[Distribution]) -> None:
    """Let Python read the .pth files of the site directory, if there are any: it does so by itself only where site-packages is."""
    if any(file.endswith(".pth") and "/" not in file for of in found for file in of.files):
        target = Path(options.out, str(options.layers[0]), options.purelib.lstrip("/"), "kedroctl.pth")
        _write(target, f'import site; site.addsitedir("{options.site}")\n'.encode(), 0o644)


def main(argv: list[str]) -> int:
    """Arrange, and say how much was left out."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--installed", type=Path, required=True)
    parser.add_argument("--site", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--layers", type=lambda text: [int(number) for number in text.split(",")], required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--purelib", default=sysconfig.get_path("purelib"))
    parser.add_argument("--used", type=Path)
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--no-bytecode", dest="bytecode", action="store_false")
    options = parser.parse_args(argv)
    os.umask(0o022)
    sys.pycache_prefix = None
    found = distributions(options.installed)
    if not options.whole:
        used = options.used.read_text(encoding="utf-8").split() if options.used else []
        slimmer, before = Slimmer(options.installed, found, used), sum(len(of.files) for of in found)
        for of in found:
            of.files = [file for file in of.files if not slimmer.leaves_out(file)]
        print(f"left out {before - sum(len(of.files) for of in found)} of {before} files, which no job reads")
    for layer in range(sum(options.layers)):
        Path(options.out, str(layer)).mkdir(parents=True)
    settle(options, found)
    add_pth(options, found)
    for directory, _, _ in os.walk(options.out):
        os.utime(directory, (WHEN, WHEN))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
