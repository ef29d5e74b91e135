"""Hooks that Kedro finds by the entry point of this distribution, in the job's process and in those of ParallelRunner.

They do nothing unless the job's entry has left its request in the directory that KEDROCTL_JOB_DIR names, so a person may
use Kedro in the image as ever.
"""

from __future__ import annotations

import os
import time
from typing import Any

from kedro.config import MissingConfigException
from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines

from . import crossing, events, outputs, parallel, request
from .dataset import PersistedDataset
from .events import JOB_DIR
from .staging import StagedDataset


class JobHooks:
    """Places crossing data, makes retries possible, and notes what nodes do."""

    def __init__(self) -> None:
        self.catalog: Any = None
        self._started: dict[str, float] = {}
        self._saved: dict[str, set[str]] = {}

    @hook_impl(trylast=True)
    def after_context_created(self, context: Any) -> None:
        """Apply the request to the catalog, last, so that hooks of the project have had their say."""
        job = request.current()
        if job is None:
            return
        try:
            catalog = dict(context.config_loader["catalog"])
        except MissingConfigException:
            catalog = {}
        used = {name for pipeline in pipelines.values() if pipeline for name in pipeline.datasets()}
        context.config_loader["catalog"] = crossing.place(catalog, job, used, str(context.project_path))

    @hook_impl(tryfirst=True)
    def before_pipeline_run(self, pipeline: Any, catalog: Any) -> None:
        """Make the catalog ready for this attempt.

        What an earlier try or attempt has saved under this run's version is removed, since Kedro refuses to save it again;
        files that classes want on disk are fetched.
        """
        if not _directory():
            return
        self.catalog = catalog
        for node in pipeline.nodes:
            _prepare(node, catalog)
        for name in sorted(pipeline.inputs()):
            if isinstance(dataset := catalog.get(name), StagedDataset):
                dataset.fetch()
        if hasattr(catalog, "set_manager_datasets"):  # ParallelRunner's catalog
            for name in pipeline.datasets():
                parallel.make_picklable(catalog.get(name))

    @hook_impl
    def before_dataset_loaded(self, node: Any) -> None:
        """A node begins with its first input."""
        self._begin(node)

    @hook_impl(tryfirst=True)
    def before_node_run(self, node: Any) -> None:
        """A node without inputs begins here."""
        self._begin(node)

    @hook_impl(trylast=True)
    def after_node_run(self, node: Any) -> None:
        """A node without outputs ends here."""
        self._note(node, done=not node.outputs)

    @hook_impl(trylast=True)
    def on_node_error(self, node: Any) -> None:
        """A node that fails has taken its time too."""
        self._note(node, failed=True)

    @hook_impl(trylast=True)
    def after_dataset_saved(self, dataset_name: str, node: Any) -> None:
        """A node ends with its last output; only what is noted here counts as saved."""
        saved = self._saved.setdefault(node.name, set())
        saved.add(dataset_name)
        self._note(node, dataset_name, done=saved.issuperset(node.outputs))

    def _begin(self, node: Any) -> None:
        if node.name not in self._started:
            self._started[node.name] = time.monotonic()
            if _directory():
                events.note_begun(node.name)

    def _note(self, node: Any, saved: str = "", **end: bool) -> None:
        if _directory():
            seconds = time.monotonic() - self._started.get(node.name, time.monotonic())
            events.note(node.name, round(seconds, 3), saved, **end)


def _prepare(node: Any, catalog: Any) -> None:
    for name in sorted(node.outputs):
        dataset = catalog.get(name)
        outputs.remove_version(dataset)
        if isinstance(dataset, PersistedDataset):
            dataset.node = node.name


def _directory() -> str:
    return os.environ.get(JOB_DIR, "")


hooks = JobHooks()
