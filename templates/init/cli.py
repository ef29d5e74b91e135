"""Commands of the project. Written by 'kedroctl init --runner'; yours from now on.

``run`` is Kedro's own, here and in the jobs of Batch, but for two things. It loads all pipelines, so that one which the registry composes of others can be
named with --pipelines. And --params a.b=1 leaves the rest of a alone: Kedro would lay it over the parameters of base and of the environment, and then let
the environment's a, which is b alone, replace that of base.
"""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import click
from kedro.framework.cli.project import run as kedro_run
from kedro.framework.project import _ProjectPipelines, settings


@click.group(name=__file__)
def cli() -> None:
    """Commands of the project."""


def _run(**options: Any) -> Any:
    if hasattr(_ProjectPipelines, "set_requested"):  # from Kedro 1.5
        _ProjectPipelines.set_requested = lambda *_: None
    given = options.get("params") or {}
    if any(isinstance(value, dict) for value in given.values()):
        written = _parameters(options.get("env"), options.get("conf_source"))
        nested = {key: value for key, value in given.items() if isinstance(value, dict) and isinstance(written.get(key), dict)}
        options["params"] = {**given, **{key: _merged(written[key], value) for key, value in nested.items()}}
    return kedro_run.callback(**options)


def _parameters(env: str | None, conf_source: str | None) -> dict[str, Any]:
    """Load the parameters as they are written; what only --params gives is not there yet."""
    source = conf_source or str(Path.cwd() / settings.CONF_SOURCE)
    try:
        return settings.CONFIG_LOADER_CLASS(conf_source=source, env=env, **settings.CONFIG_LOADER_ARGS)["parameters"]
    except Exception:  # the run itself says what is wrong
        return {}


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = deepcopy(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if both else value
    return merged


run = click.Command("run", callback=_run, params=kedro_run.params, help=kedro_run.help)
cli.add_command(run)
