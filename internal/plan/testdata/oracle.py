"""Answers, with the installed Kedro, which nodes selections choose, which of them make what is missing, and how lists are split: JSON cases on stdin,
JSON answers in the file named.

Kedro logs to stdout, so that is no place for the answers.
"""

import json
import sys
from typing import Any

from kedro.framework.cli.utils import split_node_names, split_string
from kedro.io import AbstractDataset, CachedDataset, DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline, node
from kedro.runner import SequentialRunner

FILTERS = {
    "tags": "tags",
    "nodes": "node_names",
    "namespaces": "node_namespaces",
    "from_nodes": "from_nodes",
    "to_nodes": "to_nodes",
    "from_inputs": "from_inputs",
    "to_outputs": "to_outputs",
}


def work(*_: Any) -> None:
    """Stand in for the function of every node."""


def build(spec: dict[str, Any]) -> Any:
    """Make a node; Kedro puts the namespace before its name by itself."""
    namespace = spec.get("namespace")
    made = node(work, spec["inputs"], spec["outputs"], name="any", namespace=namespace, tags=spec.get("tags"), confirms=spec.get("confirms"))
    made._name = spec["name"].removeprefix(f"{namespace}.") if namespace else spec["name"]  # names of lambdas cannot be given
    return made


class Stored(AbstractDataset):
    """A dataset of which it is said whether it exists."""

    there: set[str] = set()

    def __init__(self, name: str) -> None:
        self._name = name

    def _exists(self) -> bool:
        return self._name in Stored.there

    def _load(self) -> None:
        """Load nothing."""

    def _save(self, data: Any) -> None:
        """Save nothing."""

    def _describe(self) -> dict[str, Any]:
        return {"name": self._name}


ENTRIES = {"catalog": Stored, "memory": lambda _: MemoryDataset(), "cached": lambda name: CachedDataset(Stored(name))}


def catalog(case: dict[str, Any]) -> DataCatalog:
    """Make the catalog of a case: entries, a pattern for names that begin with a d, and what catches all."""
    patterns = {"d{name}": {"type": Stored, "name": "d{name}"}} if case.get("pattern") else {}
    if case.get("catch_all"):
        patterns["{name}"] = {"type": Stored, "name": "{name}"}
    made = DataCatalog.from_config(patterns)
    for name, kind in (case.get("entries") or {}).items():
        made[name] = ENTRIES[kind](name)
    return made


def missing(case: dict[str, Any], chosen: Pipeline) -> list[str]:
    """Choose as a runner does with only_missing_outputs."""
    Stored.there = set(case.get("there") or [])
    return [n.name for n in SequentialRunner()._filter_pipeline_for_missing_outputs(chosen, catalog(case)).nodes]


def choose(case: dict[str, Any]) -> dict[str, Any]:
    """Select as a session does: add the pipelines up, then filter their sum."""
    registry = {name: Pipeline([build(n) for n in p["nodes"]]) for name, p in case["pipelines"].items()}
    selection = case["selection"]
    try:
        total = Pipeline([])
        for name in dict.fromkeys(selection.get("pipelines") or ["__default__"]):
            total += registry[name]
        chosen = total.filter(**{argument: selection.get(key) for key, argument in FILTERS.items()})
    except Exception as error:  # Kedro's own kinds of refusal are many
        return {"error": f"{type(error).__name__}: {error}"}
    groups = {group.name: group.nodes for group in chosen.group_nodes_by("namespace")}
    return {"nodes": [n.name for n in chosen.nodes], "groups": groups, "missing": missing(case, chosen)}


def main() -> None:
    """Answer all cases in one go."""
    asked = json.load(sys.stdin)
    lists = [{"names": split_node_names(None, None, text), "plain": split_string(None, None, text)} for text in asked["lists"]]
    with open(sys.argv[1], "w", encoding="utf-8") as answers:
        json.dump({"choices": [choose(case) for case in asked["cases"]], "lists": lists}, answers)


main()
