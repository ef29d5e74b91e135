"""Compiles the standard library of a base image.

Docker's Python images come without its bytecode, and a job, which may not write it, would compile whatever it imports.

usage: library.py --out DIR [--library DIR --site PATH]

--library has the sources, which the image has at --site; without both, the library of the Python that runs. --out, which stands for / of the image, gets their
bytecode; nothing where the library has its own. Equal sources give equal bytes, if it is run by python3 -I -S -B.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import sys
import sysconfig
from pathlib import Path
from py_compile import PycInvalidationMode, PyCompileError
from py_compile import compile as compile_source
from typing import Iterator

WHEN = 315532800  # 1980-01-01: the time of all files

# What no job imports: packages of others, tests, what draws windows, what installs Python, and what stands in for modules in C or describes them.
LEFT_OUT = re.compile(r"(?:.*/)?(?:site-packages|dist-packages|test|tests|idle_test|idlelib|tkinter|turtle|turtledemo|lib2to3|ensurepip|venv|pydoc_data"
                      r"|config-[^/]*|__phello__[^/]*|_pydatetime|_pydecimal|_pyio)(?:\.py)?")


def sources(library: Path) -> Iterator[str]:
    """Yield the modules that jobs may import, as paths below the library."""
    for directory, directories, names in os.walk(library):
        below = Path(directory).relative_to(library)
        directories[:] = sorted(name for name in directories if not LEFT_OUT.fullmatch((below / name).as_posix()))
        yield from (path for name in sorted(names) if name.endswith(".py") and not LEFT_OUT.fullmatch(path := (below / name).as_posix()))


def main(argv: list[str]) -> int:
    """Compile, in one process and in one order: marshal's bytes show what it compiled before."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--library", type=Path, default=Path(sysconfig.get_path("stdlib")))
    parser.add_argument("--site", default=sysconfig.get_path("stdlib"))
    options = parser.parse_args(argv)
    os.umask(0o022)
    options.out.mkdir(parents=True, exist_ok=True)
    target = options.out / options.site.lstrip("/")
    known = any(options.library.glob("__pycache__/*.pyc"))
    for file in () if known else sources(options.library):
        code = importlib.util.cache_from_source(str(target / file))
        try:
            compile_source(str(options.library / file), code, f"{options.site}/{file}", doraise=True, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
        except PyCompileError:  # an example of what must not compile
            continue
        os.utime(code, (WHEN, WHEN))
    for directory, _, _ in os.walk(options.out):
        os.utime(directory, (WHEN, WHEN))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
