"""Finds and invokes the project's run command: its own, a plugin's, or Kedro's."""

from __future__ import annotations

import gc
import hashlib
import importlib
import traceback
import warnings
from typing import Any, Callable, Iterable

import click
from kedro.framework.cli.utils import find_run_command
from kedro.framework.project import _ProjectPipelines, configure_project, pipelines
from kedro.pipeline import Pipeline

from . import tracking
from .errors import BootError
from .request import Request

# Each has generate_timestamp for itself: sessions, the second from Kedro 1.4, and versions of partitions.
_TIMED_MODULES = ("kedro.framework.session.session", "kedro.framework.session.service_session", "kedro.io.core")


def invoke(package: str, argv: list[str], request: Request | None, ready: Callable[[], None]) -> tuple[int, BaseException | None]:
    """Run the command; return its exit code and what it raised. Errors are shown as Kedro shows them.

    ``ready`` is called once the project is imported, or cannot be, before anything else is done.

    The package's ``__main__`` is left alone: it is the user's file and need not even import.
    """
    try:
        try:
            command = _command(package, request)
        finally:
            gc.freeze()  # what is imported stays; processes that ParallelRunner forks share it
            gc.enable()
            ready()
        answer = command.main(argv, prog_name="run", standalone_mode=False)
        return (answer if type(answer) is int else 0), None  # an int is the code of ctx.exit()
    except BootError as error:
        return error.code, error
    except click.ClickException as error:
        error.show()
        return error.exit_code, error
    except SystemExit as error:
        return _exit_code(error), error if error.code else None
    except (Exception, KeyboardInterrupt, click.Abort) as error:
        traceback.print_exception(type(error), error, error.__traceback__)
        return 1, error


def _command(package: str, request: Request | None) -> click.Command:
    # omegaconf 2.4 warns of what Kedro calls, several times a job.
    warnings.filterwarnings("ignore", message=r"\s*register_new_resolver\(\)")
    configure_project(package)
    _load_registry(request.only if request else {})
    command = find_run_command(package)
    if request:
        if request.mlflow.get("mode") == "off":
            tracking.disable()
        _save_as(request.run)
        _add_to_options(command, request)
    return command


def _load_registry(only: dict[str, Any]) -> None:
    """Load all pipelines, whatever the command names: a registry that composes pipelines needs all of them.

    Where the request says which ones the job's nodes are of, only these are loaded, unless the selected pipelines then hold other nodes than expected.
    """
    request = getattr(_ProjectPipelines, "set_requested", None)  # from Kedro 1.5
    if not request:
        return
    _ProjectPipelines.set_requested = lambda *_: None
    if not only:
        return
    request(pipelines, only["load"])
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="An error occurred while importing")
            found = _digest(pipelines[name] for name in only["of"])
    except Exception:  # of a registry that wants what is not loaded: whatever it may be, loading all shows whether it is an error
        found = ""
    if found != only["nodes"]:
        request(pipelines, None)


def _digest(selected: Iterable[Pipeline]) -> str:
    """Return what internal/plan/only.go of kedroctl expects of the same nodes."""
    nodes = {node.name: node for pipeline in selected for node in pipeline.nodes}
    lines = ["\0".join([node.name, *node.inputs, "", *node.outputs]) for node in nodes.values()]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def _save_as(version: str) -> None:
    """Let every job of a run save under one version."""
    for name in _TIMED_MODULES:
        try:
            importlib.import_module(name).generate_timestamp = lambda: version
        except ModuleNotFoundError:
            continue


def _add_to_options(command: click.Command, request: Request) -> None:
    """Let the request's parameters and load versions join the options of the command line.

    ``--params`` cannot carry lists and mappings; load versions need not be repeated in the command.
    """
    callback = command.callback

    def run(*args: Any, **options: Any) -> Any:
        if request.params:
            options["params"] = _merged(_given(options, "params"), request.params)
        if request.versions:
            options["load_versions"] = {**request.versions, **_given(options, "load_versions")}
        return callback(*args, **options)

    command.callback = run


def _given(options: dict[str, Any], name: str) -> dict[str, Any]:
    value = options.get(name, "") or {}
    if name not in options or not isinstance(value, dict):
        raise BootError(f"the project's own run command takes no --{name.replace('_', '-')} as Kedro's does")
    return value


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if both else value
    return merged


def _exit_code(error: SystemExit) -> int:
    if error.code is None or isinstance(error.code, int):
        return error.code or 0
    click.echo(error.code, err=True)
    return 1
