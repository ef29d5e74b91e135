"""The project as a program: ``python -m spaceflights`` takes the flags of ``kedro run``."""

import sys
from pathlib import Path
from typing import Any

from kedro.framework.cli.utils import find_run_command
from kedro.framework.project import configure_project


def main(*args, **kwargs) -> Any:
    package_name = Path(__file__).parent.name
    configure_project(package_name)
    run = find_run_command(package_name)
    # In a notebook the result is wanted, not an exit.
    kwargs["standalone_mode"] = not hasattr(sys, "ps1")
    return run(*args, **kwargs)


if __name__ == "__main__":
    main()
