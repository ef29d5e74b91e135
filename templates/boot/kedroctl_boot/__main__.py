"""``python -m kedroctl_boot <flags of kedro run>``: the command of every job."""

from __future__ import annotations

import gc
import os
import sys
from typing import Mapping

from . import request
from .errors import BootError
from .store import Store


def main(argv: list[str], environ: Mapping[str, str]) -> int:
    """Run the job that the environment describes, or only the command where there is no request; return the exit code."""
    package = environ.get("KEDROCTL_PACKAGE", "")
    if not package:
        raise BootError("KEDROCTL_PACKAGE is not set: the image must name the project's package")
    given = environ.get("KEDROCTL_REQUEST", "")
    store = Store() if given else None
    asked = request.parse(store.read(given) if given.startswith("s3://") else given) if store else request.current()
    if asked:
        argv = [*argv, *asked.args]
        if asked.code:
            from . import development

            development.install(asked.code, store or Store(), argv)
    # Kedro is imported from here on: a development run has brought its logging configuration.
    if not store:
        from . import command

        return command.invoke(package, argv, None, lambda: None)[0]
    from .job import Job

    return Job(asked, store, environ).run(package, argv)


if __name__ == "__main__":
    gc.disable()  # until the project is imported: nothing of that is garbage, and looking for some takes a tenth of the start
    try:
        sys.exit(main(sys.argv[1:], os.environ))
    except BootError as error:
        print(f"kedroctl: error: {error}", file=sys.stderr)
        sys.exit(error.code)
