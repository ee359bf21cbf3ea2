"""A run: prepare, survey, the passes of its method; each shard once, to be taken up again at any
time."""

import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
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
from pipeline.runs.publish import Cards, Result, complete, report_of, result_of, write_table
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

    progress is called with a stage, tasks done and tasks in all; stop is polled, and when it
    answers True the run ends with Stopped, to be resumed by the same request; log gets
    an event for each shard, and the address of dask's dashboard. What is damaged in the cache is
    made anew, and the run goes on.
    Raises InputError for a fault of the caller.
    """
    return retry_damaged(lambda: _run(request, progress, stop, log))


def _run(request: Request, progress: Progress, stop: Stop, log: Log) -> Result:
    started, outputs = time.monotonic(), request.outputs
    report.check_by(outputs.out, outputs.by, outputs.overwrite)
    asked = prepare(request, progress, stop)
    with locked(outputs.out) as lost, ExitStack() as stack:
        engine = engine_of(stack, asked, progress, lambda: stop() or lost(), seen=_shared(asked))
        passes = [step.name for step in asked.method.passes]
        log({"stage": "start", "passes": passes, "dashboard": engine.pool.dashboard})
        cards = survey_pass(asked.context, engine)
        origin = provenance(asked, cards)
        ledger, before = _open(outputs, origin)
        if ledger is not None:
            context = replace(asked.context, ledger=ledger.anywhere())
            _compute(replace(asked, context=context), engine, cards, origin, before, started, log)
        result = result_of(outputs, ledger is None)
        old = _old_reports(outputs) if ledger is not None else []
        return replace(result, warnings=(*result.warnings, *old))


def _compute(
    run: Run,
    engine: Engine,
    cards: Cards,
    origin: dict[str, Any],
    before: Any,
    started: float,
    log: Log,
) -> None:
    """Fill the ledger and publish it. before: the provenance of the run that is updated."""
    context = run.context
    influence = run.method.influence(context)
    fresh = None if before is None else update.begin(run, influence, before, origin)
    carry_out(run, engine, influence, origin, fresh, log)
    counts = write_table(run, engine.progress)
    composed = report_of(run, cards, origin, influence, counts)
    composed["machine"] = _machine(run, engine, started)

    def go_on() -> None:
        if engine.stop():  # or the hold was lost, so that the place may be another's
            raise Stopped

    layers = store.layers_of(run.method, context.layers, context.p)
    outputs = run.request.outputs
    complete(context.ledger, outputs, context.layout, layers, origin, composed, go_on)


def _shared(run: Run) -> tuple[Path, ...]:
    """What workers elsewhere must see as well."""
    relief, out = run.context.relief, run.request.outputs.out
    relief.mkdir(parents=True, exist_ok=True)
    here = [] if is_remote(out) else [Path(out).absolute()]
    return (relief, run.context.prepared.path, *here)


def _old_reports(outputs: Outputs) -> list[str]:
    """What to say of reports by area that an update left as they were."""
    made = {report.name_by(file) for file in outputs.by}
    there = sorted(name for name in storage_of(outputs.out).names() if name.startswith("by-"))
    return [
        Text("{name}: is of the run before; give its {by} again", name=name, by=Field("by"))
        for name in there
        if name not in made
    ]


def _open(outputs: Outputs, origin: dict[str, Any]) -> tuple[Ledger | None, Any]:
    """The ledger of what there is to do, and the provenance of a run that is to be updated."""
    if outputs.update:
        return open_update(outputs.out, origin, update.check)
    return open_ledger(outputs.out, origin, outputs.overwrite), None


def _machine(run: Run, engine: Engine, started: float) -> dict[str, Any]:
    return machine(started) | {
        "workers": engine.workers,
        "scheduler": engine.pool.name,
        "block": run.context.block,
    }
