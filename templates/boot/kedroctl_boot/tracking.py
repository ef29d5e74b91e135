"""MLflow runs of jobs, for projects that use kedro-mlflow, which does all the logging: these hooks say into which run.

kedro-mlflow has a way for what starts it: an MLflow run that is active when it looks is used, and not ended.
"""

from __future__ import annotations

import atexit
import json
import logging
import multiprocessing
import os
from pathlib import Path
from typing import Any, Iterator

from kedro.framework.hooks import hook_impl
from kedro.framework.project import settings

from . import request
from .events import JOB_DIR
from .mlflow_run import GROUP_TAG, RUN_TAG, SharedRun, be_brief
from .request import Request
from .store import Store

PLUGINS = ("kedro-mlflow", "kedro_mlflow")  # as releases call themselves
RUN_FILE = "mlflow-run"  # in the job's directory: the id of the run that its processes log into

logger = logging.getLogger("kedroctl")


class TrackingHooks:
    """Opens the MLflow run of a job before kedro-mlflow would, and closes what is open without ending it."""

    def __init__(self) -> None:
        self._context: Any = None

    @hook_impl(tryfirst=True)
    def after_context_created(self, context: Any) -> None:
        """Keep the context, where kedro-mlflow is about to put its configuration."""
        self._context = context
        job = request.current()
        if job and job.mlflow.get("mode") in ("one", "per-job"):
            _share_experiments()

    @hook_impl(hookwrapper=True)
    def before_pipeline_run(self, run_params: dict[str, Any], catalog: Any) -> Iterator[None]:
        """Let kedro-mlflow begin in the way that the request asks for."""
        job = request.current()
        mode = job.mlflow.get("mode") if job else None
        config = getattr(self._context, "mlflow", None)
        tracks = config is not None and not _disabled(config, run_params)
        if tracks and mode == "one" and _shared():
            self._join(job, config)
        elif tracks and mode:
            config.tracking.run.name = config.tracking.run.name or f"{job.run} {job.group}"
        yield
        if mode == "off":
            _save_nothing(catalog)
        elif tracks and mode:
            _hand_over(job)

    def _join(self, job: Request, config: Any) -> None:
        import mlflow
        from kedro_mlflow.framework.hooks.mlflow_hook import mlflow_hook

        if mlflow.active_run():  # that of somebody who starts kedroctl_boot or of the project, for reasons of their own
            return
        SharedRun(job, Store()).join(config.tracking.run.name or job.run, config.tracking.run.id)
        mlflow_hook.after_context_created(self._context)  # it looks again, and finds the run

    @hook_impl(tryfirst=True)
    def before_node_run(self) -> None:
        """Open the run in threads and processes of a runner, where kedro-mlflow might begin another one."""
        if run_id := _of_job():
            import mlflow

            if not mlflow.active_run():
                mlflow.start_run(run_id=run_id)
                if multiprocessing.parent_process():
                    atexit.register(leave)  # it comes before MLflow's own function, which would end the run


def _share_experiments() -> None:
    """Let jobs that start together make the same experiment: kedro-mlflow makes what it has not found, and ends where another job was faster."""
    try:
        import mlflow
    except ImportError:  # the image does without
        return
    create = mlflow.MlflowClient.create_experiment

    def find_or_create(self: Any, name: str, *args: Any, **kwargs: Any) -> str:
        try:
            return create(self, name, *args, **kwargs)
        except mlflow.MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            return self.get_experiment_by_name(name).experiment_id

    mlflow.MlflowClient.create_experiment = find_or_create


def _disabled(config: Any, run_params: dict[str, Any]) -> bool:
    """Whether mlflow.yml says that the pipelines of this job are not tracked."""
    names = run_params.get("pipeline_names") or [run_params.get("pipeline_name") or "__default__"]
    return set(names) <= set(config.tracking.disable_tracking.pipelines)


def _shared() -> bool:
    """Whether other jobs can reach what MLflow logs to."""
    import mlflow

    uri = mlflow.get_tracking_uri()
    on_disk = uri.startswith(("file:", "sqlite:", "/"))
    if on_disk:
        logger.warning("MLflow tracks to %s, which ends with this job: it has an MLflow run of its own", uri)
    return not on_disk


def _hand_over(job: Request) -> None:
    """Say which job logs here, and let the processes of a runner find the run."""
    import mlflow

    active = mlflow.active_run()
    if active is None:  # kedro-mlflow could not start it
        return
    Path(os.environ[JOB_DIR], RUN_FILE).write_text(active.info.run_id, encoding="utf-8")
    mlflow.set_tags({RUN_TAG: job.run} if job.mlflow["mode"] == "one" else {RUN_TAG: job.run, GROUP_TAG: job.group})


def _save_nothing(catalog: Any) -> None:
    try:
        from kedro_mlflow.io.catalog.switch_catalog_logging import switch_catalog_logging
    except ImportError:  # the image does without
        return
    switch_catalog_logging(catalog, False)


def _of_job() -> str:
    """Return the id of the run that this job logs into, "" for none as yet."""
    file = Path(os.environ.get(JOB_DIR) or os.devnull, RUN_FILE)
    return file.read_text(encoding="utf-8") if file.exists() else ""


def leave() -> None:
    """Close the run where this process has it open, without ending it: it goes on in other jobs, or the job in another process.

    kedro-mlflow opens it once for each node of a thread.
    """
    if not (run_id := _of_job()):
        return
    import mlflow

    be_brief()
    try:
        while active := mlflow.active_run():
            mlflow.end_run("RUNNING" if active.info.run_id == run_id else "FINISHED")
    except Exception as error:  # of MLflow, its plug-ins, the network
        logger.warning("MLflow run %s: %s", run_id, error)


def disable() -> None:
    """Disable the hooks of kedro-mlflow, as a project would.

    Processes that a runner starts read the settings anew. Dynaconf, which makes them, lets variables go before the project's file.
    """
    disabled = [*settings.DISABLE_HOOKS_FOR_PLUGINS, *PLUGINS]
    settings.set("DISABLE_HOOKS_FOR_PLUGINS", disabled)
    os.environ["DYNACONF_DISABLE_HOOKS_FOR_PLUGINS"] = json.dumps(disabled)


hooks = TrackingHooks()
