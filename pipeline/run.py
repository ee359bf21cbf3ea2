"""A run: survey, measure, shade, judge; each shard once, to be taken up again at any time."""

import platform
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline import cartography, relief, report, store
from pipeline.buildings import Verdicts, geoparquet, to_table
from pipeline.engine import Engine, Progress, Stop, never, open_engine
from pipeline.errors import InputError
from pipeline.judge import judge
from pipeline.ledger import BUILDINGS, MAP, REPORT, Ledger, held, open_ledger
from pipeline.methods.measure import Measures
from pipeline.passes import Measured, Surveys, measure_pass, shade_pass, survey_pass
from pipeline.request import Job, Request, prepare
from pipeline.tasks import Context


@dataclass(frozen=True)
class Result:
    """A finished run: its folder, its report, and whether it was finished before."""

    directory: Path
    report: dict[str, Any]
    was_finished: bool


def silent(stage: str, done: int, total: int) -> None:
    """A progress callback that says nothing."""


def run(request: Request, progress: Progress = silent, stop: Stop = never) -> Result:
    """Judge the roofs of an area; the one call that the command line, services and tests make.

    progress is called with a stage, tasks done and tasks in all; stop is polled, and when it
    answers True the run ends with Stopped, to be taken up again by the same request.
    Raises InputError for a fault of the caller.
    """
    started = time.monotonic()
    job = prepare(request)
    with held(request.out), ExitStack() as stack:
        ledger = open_ledger(request.out, job.provenance, request.overwrite)
        if ledger is not None:
            engine = open_engine(stack, request.scheduler, request.workers, progress, stop)
            _compute(job, ledger, engine, started)
        return Result(request.out, report.read(request.out), was_finished=ledger is None)


def _compute(job: Job, ledger: Ledger, engine: Engine, started: float) -> None:
    context = Context(ledger, job.terrain, job.p, job.layout, job.request.block)
    surveys = _survey(job, ledger, engine)
    measured = measure_pass(job, context, engine, surveys)
    layers = store.layers_of(job.request.layers, tuple(f"{t:%H:%M}" for t in job.p.times))
    store.create(ledger.rasters, job.layout, layers, job.provenance)
    shadow, shadowed = shade_pass(job, context, engine, surveys, measured, layers)
    verdicts = judge(job, measured, shadow, shadowed)
    _finish(job, ledger, surveys, measured, verdicts, _machine(job, engine, started))


def _survey(job: Job, ledger: Ledger, engine: Engine) -> Surveys:
    """A sheet that is unusable leaves no work behind, since its remedy makes another run."""
    try:
        return survey_pass(job, ledger, engine)
    except InputError:
        ledger.discard()
        raise


def _machine(job: Job, engine: Engine, started: float) -> dict[str, Any]:
    return {
        "seconds": round(time.monotonic() - started, 3),
        "finished": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "workers": engine.workers,
        "scheduler": "threads" if engine.client is None else "distributed",
        "block": job.request.block,
        "python": platform.python_version(),
        "machine": platform.machine(),
    }


def _finish(
    job: Job,
    ledger: Ledger,
    surveys: Surveys,
    measured: Measured,
    verdicts: Verdicts,
    machine: dict[str, Any],
) -> None:
    """Tables, report and map; all get their final names at the end."""
    rows = np.flatnonzero(job.asked)
    table = to_table(job.footprints, verdicts, rows, job.p)
    ledger.write(BUILDINGS, geoparquet(table))
    told = report.compose(
        table,
        **job.provenance,
        machine=machine,
        neighbours=int((~job.asked[measured.outlines.rows]).sum()),
        cells=_cells(surveys, measured.measures, rows),
        restrictions_by_kind=job.restrictions.by_kind(rows),
    )
    mosaics = {"dsm": job.terrain.dsm, "dtm": job.terrain.dtm}
    told["accounting"]["warnings"] = [
        *(said for kind, m in mosaics.items() for said in relief.warnings(m, surveys[kind])),
        *job.restrictions.idle,
    ]
    picture = ledger.work / MAP
    shown = cartography.scene(table, told, ledger.rasters)
    cartography.draw(shown, picture, job.request.lang)
    ledger.write(REPORT, report.dumps(told).encode())
    ledger.publish()


def _cells(surveys: Surveys, measures: Measures, rows: NDArray[np.int64]) -> dict[str, int]:
    """Cells of the rasters and of the footprints, with and without data."""
    read = {f"{kind}_read": sum(s.cells for s in found) for kind, found in surveys.items()}
    missing = {
        f"{kind}_without_data": sum(s.without_data for s in found)
        for kind, found in surveys.items()
    }
    of_roofs = {
        "roofs": int(measures.own[rows].sum()),
        "roofs_without_data": int((measures.own - measures.cells)[rows].sum()),
    }
    return read | missing | of_roofs
