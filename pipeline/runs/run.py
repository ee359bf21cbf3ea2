"""A run: preparation, the survey of its sheets, the passes of its method; it can be interrupted at
any time, and resumed by the same request."""

import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

from pipeline.engine.engine import Engine, Progress, Stop, never_stop, no_progress
from pipeline.engine.events import Log, no_log
from pipeline.errors import Stopped
from pipeline.messages import Text
from pipeline.results import report, store
from pipeline.runs import update
from pipeline.runs.passes import carry_out, survey_pass
from pipeline.runs.prepare import Run, prepare
from pipeline.runs.provenance import machine, provenance
from pipeline.runs.publish import (
    Manifests,
    Result,
    complete,
    import_drawing,
    report_of,
    result_of,
    write_table,
)
from pipeline.runs.request import Outputs, Request
from pipeline.runs.workers import engine_of
from pipeline.storage.cache import retry_damaged
from pipeline.storage.ledger import Ledger, locked, open_ledger, open_update
from pipeline.storage.places import is_remote, storage_of
from pipeline.terms import Field


def run(
    request: Request, progress: Progress = no_progress, stop: Stop = never_stop, log: Log = no_log
) -> Result:
    """Judge the roofs of an area; the one call that the command line, services and tests make.

    progress: called with a stage, tasks done and tasks in all; stop: polled, and when it returns
    True the run ends with Stopped, to be resumed by the same request; log: gets an event for each
    shard, and the address of dask's dashboard. Damaged files of the cache are made anew.
    Raises InputError for a fault of the caller.
    """
    return retry_damaged(lambda: _run(request, progress, stop, log))


def _run(request: Request, progress: Progress, stop: Stop, log: Log) -> Result:
    started, outputs = time.monotonic(), request.outputs
    report.check_by(outputs.out, outputs.by, outputs.overwrite)
    prepared = prepare(request, progress, stop)
    with locked(outputs.out) as lost, ExitStack() as stack:
        stopped, shared = lambda: stop() or lost(), _shared(prepared)
        engine = engine_of(stack, prepared, progress, stopped, seen=shared)
        passes = [step.name for step in prepared.method.passes]
        log({"stage": "start", "passes": passes, "dashboard": engine.pool.dashboard})
        manifests = survey_pass(prepared.context, engine)
        origin = provenance(prepared, manifests)
        ledger, before = _open(outputs, origin)
        if ledger is None:
            return result_of(outputs, was_finished=True)
        opened = replace(prepared, context=replace(prepared.context, ledger=ledger.anywhere()))
        _compute(opened, engine, manifests, origin, before, started, log)
        result = result_of(outputs, was_finished=False)
        return replace(result, warnings=(*result.warnings, *_old_reports(outputs)))


def _compute(
    run: Run,
    engine: Engine,
    manifests: Manifests,
    origin: dict[str, Any],
    before: Any,
    started: float,
    log: Log,
) -> None:
    """Fill the ledger and publish it. before: the provenance of the run that is updated."""
    context = run.context
    influence = run.method.influence(context)
    only = None if before is None else update.copy_unaffected(run, influence, before, origin)
    Thread(target=import_drawing, name="import").start()  # beside the passes
    carry_out(run, engine, influence, origin, only, log)
    counts = write_table(run, engine.progress)
    composed = report_of(run, manifests, origin, influence, counts)
    composed["machine"] = _machine(run, engine, started)

    def check_stop() -> None:
        if engine.stop():  # or the lock was lost, so that another run may write there
            raise Stopped

    layers = store.layers_of(run.method, context.layers, context.p)
    outputs = run.request.outputs
    complete(context.ledger, outputs, context.layout, layers, origin, composed, check_stop)


def _shared(run: Run) -> tuple[Path, ...]:
    """The folders that workers on other machines must see."""
    relief, out = run.context.relief, run.request.outputs.out
    relief.mkdir(parents=True, exist_ok=True)
    output = [] if is_remote(out) else [Path(out).absolute()]
    return (relief, run.context.prepared.path, *output)


def _old_reports(outputs: Outputs) -> list[str]:
    """Warnings about reports by area that an update left as they were."""
    written = {report.name_by(file) for file in outputs.by}
    return [
        Text("{name}: is of the run before; give its {by} again", name=name, by=Field("by"))
        for name in sorted(storage_of(outputs.out).names() - written)
        if name.startswith("by-")
    ]


def _open(outputs: Outputs, origin: dict[str, Any]) -> tuple[Ledger | None, Any]:
    """The ledger, None if the run is finished; and the provenance of a run that is updated."""
    if outputs.update:
        return open_update(outputs.out, origin, update.check)
    return open_ledger(outputs.out, origin, outputs.overwrite), None


def _machine(run: Run, engine: Engine, started: float) -> dict[str, Any]:
    return machine(started) | {
        "workers": engine.workers,
        "scheduler": engine.pool.name,
        "block": run.context.block,
    }
