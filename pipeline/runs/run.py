"""A run: survey, measure, shade, judge; each shard once, to be taken up again at any time."""

import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.engine.engine import Engine, Progress, Stop, never_stop, no_progress, open_engine
from pipeline.engine.events import Log, no_log
from pipeline.errors import Stopped
from pipeline.grid.windows import Shard
from pipeline.messages import Text
from pipeline.methods.powermapping.reach import inputs_region
from pipeline.results import report, store
from pipeline.runs import update
from pipeline.runs.context import Context
from pipeline.runs.passes import (
    Reach,
    measure_pass,
    narrowed,
    reach_of,
    relief_folder,
    shade_pass,
    survey_pass,
)
from pipeline.runs.provenance import machine, provenance
from pipeline.runs.request import Job, Outputs, Request, prepare
from pipeline.runs.results import draw, publish, report_of, write_table
from pipeline.storage.cache import retry_damaged
from pipeline.storage.integrity import check_there
from pipeline.storage.ledger import (
    RASTERS,
    Ledger,
    locked,
    open_ledger,
    open_update,
)
from pipeline.storage.places import Place, is_remote, storage_of


@dataclass(frozen=True)
class Result:
    """A finished run: its folder, its report, whether it was finished before, and what is to be
    said of the reports by area."""

    directory: Place
    report: dict[str, Any]
    was_finished: bool
    warnings: tuple[str, ...] = ()


def run(
    request: Request, progress: Progress = no_progress, stop: Stop = never_stop, log: Log = no_log
) -> Result:
    """Judge the roofs of an area; the one call that the command line, services and tests make.

    progress is called with a stage, tasks done and tasks in all; stop is polled, and when it
    answers True the run ends with Stopped, to be taken up again by the same request; log is told
    of each shard, and of dask's dashboard. What is damaged in the cache is
    made anew, and the run goes on.
    Raises InputError for a fault of the caller.
    """
    return retry_damaged(lambda: _run(request, progress, stop, log))


def _run(request: Request, progress: Progress, stop: Stop, log: Log) -> Result:
    started, outputs = time.monotonic(), request.outputs
    report.check_by(outputs.out, outputs.by, outputs.overwrite)
    job = prepare(request, progress, stop)
    with locked(outputs.out) as lost, ExitStack() as stack:
        engine = open_engine(
            stack,
            request.resources.scheduler,
            request.resources.workers,
            progress,
            stop=lambda: stop() or lost(),
            seen=_shared(job),
        )
        log({"stage": "start", "dashboard": engine.dashboard})
        cards = survey_pass(job, engine)
        said = provenance(job, cards)
        ledger, before = _open(outputs, said)
        if ledger is not None:
            context, reach = context_of(job, ledger), reach_of(job)
            fresh = None if before is None else update.begin(context, job, reach, before, said)
            carry_out(job, context, engine, reach, said, fresh, log)
            told = write_table(job, context, progress)
            composed = report_of(job, context, cards, said, reach, told)
            composed["machine"] = _machine(job, engine, started)
            draw(ledger, composed, outputs.lang)
            if engine.stop():  # or the hold was lost, so that the place may be another's
                raise Stopped
            publish(ledger, composed, job.layout, context.layers, said)
        else:
            check_there(outputs.out)
        warnings = [said for file in outputs.by for said in _report_by(outputs, file)]
        warnings += _old_reports(outputs) if ledger is not None else []
        return Result(outputs.out, report.read(outputs.out), ledger is None, tuple(warnings))


def _shared(job: Job) -> tuple[Path, ...]:
    """What workers elsewhere must see as well."""
    relief, out = relief_folder(job), job.request.outputs.out
    relief.mkdir(parents=True, exist_ok=True)
    return (relief, job.prepared.path, *([] if is_remote(out) else [Path(out).absolute()]))


def _old_reports(outputs: Outputs) -> list[str]:
    """What to say of reports by area that an update left as they were."""
    made = {report.name_by(file) for file in outputs.by}
    there = sorted(name for name in storage_of(outputs.out).names() if name.startswith("by-"))
    return [
        Text("{name}: is of the run before; give its --by again", name=name)
        for name in there
        if name not in made
    ]


def _report_by(outputs: Outputs, file: str) -> list[str]:
    return report.write_by(outputs.out, file, outputs.lang, outputs.overwrite)[1]


def _open(outputs: Outputs, said: dict[str, Any]) -> tuple[Ledger | None, Any]:
    """The ledger of what there is to do, and the provenance of a run that is to be updated."""
    if outputs.update:
        return open_update(outputs.out, said, update.check)
    return open_ledger(outputs.out, said, outputs.overwrite), None


def context_of(job: Job, ledger: Ledger) -> Context:
    """What all tasks of a run share."""
    return Context(
        ledger=ledger.anywhere(),
        terrain=job.terrain,
        region=inputs_region(job.seen, job.prepared.bounds),
        prepared=job.prepared,
        p=job.p,
        layout=job.layout,
        block=job.request.resources.block,
        layers=store.layers_of(job.request.outputs.layers, job.p.date, job.p.times),
        area=job.area,
        around=job.around,
        restrictions=job.restrictions,
        removed=frozenset(one.id for one in job.removed),
    )


def carry_out(
    job: Job,
    context: Context,
    engine: Engine,
    reach: Reach,
    said: dict[str, Any],
    only: frozenset[Shard] | None = None,
    log: Log = no_log,
) -> None:
    """Fill the ledger: all shards of the area, or only some of them."""
    store.create(context.ledger.place(RASTERS), job.layout, context.layers, said)
    narrow = reach if only is None else narrowed(job, reach, only)
    measure_pass(job, context, engine, narrow, only, log)
    shade_pass(job, context, engine, narrow, only, log)


def _machine(job: Job, engine: Engine, started: float) -> dict[str, Any]:
    return machine(started) | {
        "workers": engine.workers,
        "scheduler": "threads" if engine.cluster is None else "distributed",
        "block": job.request.resources.block,
    }
