"""``python -m kedroctl_boot <flags of kedro run>``: the command of every job."""

from __future__ import annotations

import os
import sys
from typing import Mapping

from . import command, request
from .errors import BootError
from .job import Job
from .store import Store


def main(argv: list[str], environ: Mapping[str, str]) -> int:
    """Run the job that the environment describes, or only the command where there is no request; return the exit code."""
    package = environ.get("KEDROCTL_PACKAGE", "")
    if not package:
        raise BootError("KEDROCTL_PACKAGE is not set: the image must name the project's package")
    given = environ.get("KEDROCTL_REQUEST", "")
    if not given:
        return command.invoke(package, argv, None)[0]
    store = Store()
    asked = request.parse(store.read(given) if given.startswith("s3://") else given)
    return Job(asked, store, environ).run(package, [*argv, *asked.args])


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:], os.environ))
    except BootError as error:
        print(f"kedroctl: error: {error}", file=sys.stderr)
        sys.exit(error.code)
