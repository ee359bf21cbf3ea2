"""A run: survey, measure, shade, judge; each shard once, to be taken up again at any time."""

import platform
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline import cartography, relief, report, store
from pipeline.buildings import Verdicts, geoparquet, to_table
from pipeline.engine import Engine, Progress, Stop, never, open_engine
from pipeline.ledger import BUILDINGS, MAP, REPORT, Ledger, held, open_ledger
from pipeline.methods import powermapping, reach
from pipeline.methods.measure import Measures
from pipeline.methods.powermapping import NOT_KNOWN, Facts
from pipeline.outlines import Outlines
from pipeline.passes import (
    Surveys,
    facts_of,
    measure_pass,
    select,
    shade_pass,
    survey_pass,
)
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
    surveys = survey_pass(job, ledger, engine)
    context = Context(ledger, job.terrain, job.p, job.layout, job.request.block)
    measured = select(job, surveys)
    measures = measure_pass(job, context, engine, measured)
    facts = facts_of(job, measures)
    reason = powermapping.reject(facts, job.p)
    layers = store.layers_of(job.request.layers, tuple(f"{t:%H:%M}" for t in job.p.times))
    store.create(ledger.rasters, job.layout, layers, job.provenance)
    shadow, shadowed = shade_pass(
        job, context, engine, surveys, measured, measures, facts, reason, layers
    )
    verdicts = _verdicts(job, measured, measures, facts, reason, shadow, shadowed)
    _finish(job, ledger, verdicts, surveys, measured, measures, _machine(job, engine, started))


def _verdicts(
    job: Job,
    measured: Outlines,
    measures: Measures,
    facts: Facts,
    reason: NDArray[Any],
    shadow: NDArray[np.int64],
    shadowed: NDArray[np.bool_],
) -> Verdicts:
    candidate = powermapping.is_candidate(facts, reason, job.p)
    return Verdicts(
        reason=reason,
        roof=measures.roof,
        ground=measures.ground,
        height=facts.height,
        cells=measures.cells,
        shadow=shadow,
        candidate=candidate,
        shadowed=shadowed,
        flags=_flags(job, measured, measures, facts, candidate),
        selected=job.selected,
        excluded=job.restrictions.excluded,
    )


def _flags(
    job: Job,
    measured: Outlines,
    measures: Measures,
    facts: Facts,
    candidate: NDArray[np.bool_],
) -> dict[str, NDArray[np.bool_]]:
    """A mask by row for each flag; flags of one's own place are set for the area's rows only."""
    own = measured.take(job.asked[measured.rows])
    uneven = (measures.roof != NOT_KNOWN) & (
        measures.top - measures.median > powermapping.UNEVEN_CM
    )
    flags = {name: np.zeros(len(candidate), np.bool_) for name in powermapping.FLAGS}
    flags["one_cell"][own.rows] = own.one_cell
    flags["part_outside"][own.rows] = _part_outside(job, own, measures)
    flags["reach_cut"][own.rows] = _reach_cut(job, own, measures, candidate)
    return flags | {
        "repeated_id": job.footprints.repeated,
        "uneven": uneven,
        "repaired": job.footprints.repaired,
        "unknown_status": powermapping.unknown_status(facts, job.p),
        "restricted": job.restrictions.flagged,
    }


def _part_outside(job: Job, own: Outlines, measures: Measures) -> NDArray[np.bool_]:
    """Whether some of the cells that a footprint has by its outline lie off the rasters."""
    boxes = own.windows() * own.resolution
    inside = shapely.covers(
        job.terrain.ground, shapely.box(boxes[:, 1], -boxes[:, 2], boxes[:, 3], -boxes[:, 0])
    )
    near = np.flatnonzero(~inside)
    outside = np.zeros(len(own), np.bool_)
    outside[near] = own.take(near).number_of_cells() > measures.own[own.rows[near]]
    return outside


def _reach_cut(
    job: Job, own: Outlines, measures: Measures, candidate: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    region = reach.inputs_region(job.terrain, job.footprints.bounds)
    cut = np.zeros(len(own), np.bool_)
    roofs = np.flatnonzero(measures.cells[own.rows] > 0)
    rows = own.rows[roofs]
    cut[roofs] = reach.sun_cut(
        measures.row[rows], measures.column[rows], region, own.resolution, job.p
    )
    high = np.flatnonzero(candidate[own.rows])
    cut[high] |= reach.wind_cut(own.take(high), region, job.terrain, job.p)
    return cut


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
    verdicts: Verdicts,
    surveys: Surveys,
    measured: Outlines,
    measures: Measures,
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
        neighbours=int((~job.asked[measured.rows]).sum()),
        cells=_cells(surveys, measures, rows),
        restrictions_by_kind=job.restrictions.by_kind(rows),
    )
    mosaics = {"dsm": job.terrain.dsm, "dtm": job.terrain.dtm}
    told["accounting"]["warnings"] = [
        said for kind, m in mosaics.items() for said in relief.warnings(m, surveys[kind])
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
