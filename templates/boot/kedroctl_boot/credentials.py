"""Entries of the catalog's credentials that jobs get as secrets, each the JSON in a variable of its own.

They are there before the project's own hooks see the context, so that those can use and replace them.
"""

from __future__ import annotations

import json
import os
import re
from typing import Any, Iterator, Mapping

from kedro.config import MissingConfigException
from kedro.framework.hooks import hook_impl

from .errors import BootError

PREFIX = "KEDROCTL_CREDENTIALS_"
_ESCAPED = re.compile(r"(?:_x[0-9A-F]{2}_)+")  # bytes that no shell takes in the name of a variable


class CredentialsHooks:
    """Puts the secrets where Kedro looks for credentials."""

    @hook_impl(tryfirst=True)
    def after_context_created(self, context: Any) -> None:
        """Add the entries to those of the files, or in their place."""
        given = entries(os.environ)
        if not given:
            return
        try:
            own = dict(context.config_loader["credentials"])
        except MissingConfigException:
            own = {}
        context.config_loader["credentials"] = {**own, **given}


def entries(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the entries that variables hold; no message repeats what they hold."""
    return {_name(variable): _parse(_name(variable), text) for variable, text in environ.items() if variable.startswith(PREFIX)}


def masked(text: str) -> str:
    """Return a text without what the job's secrets hold: errors of libraries repeat it, and others can read records."""
    for value in sorted(_leaves(_secrets(os.environ)), key=len, reverse=True):
        text = text.replace(value, "***")
    return text


def _secrets(environ: Mapping[str, str]) -> list[Any]:
    names = environ.get("KEDROCTL_SECRETS", "").split(",")
    given: list[Any] = [environ[name] for name in names if name in environ]
    try:
        given.append(entries(environ))
    except BootError:  # which then is the error, and repeats nothing
        pass
    return given


def _leaves(value: Any) -> Iterator[str]:
    """Yield the texts in a value that are long enough to be a secret and no ordinary word."""
    if isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _leaves(inner)
    elif isinstance(value, str) and len(value) >= 6:
        yield value


def _name(variable: str) -> str:
    return _ESCAPED.sub(lambda run: bytes.fromhex(run[0].replace("_x", "").replace("_", "")).decode(), variable[len(PREFIX):])


def _parse(name: str, text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise BootError(f"credentials {name}: the secret is not a JSON object, such as {{\"key\": \"…\", \"secret\": \"…\"}}") from None
    return value


hooks = CredentialsHooks()
