"""The passes of a run: which shards there are to do, what each needs, what they give together."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from kernels.shadow import Halo
from pipeline import relief
from pipeline.engine import Engine
from pipeline.grid import Shard, Window, same_on_all_sides, widest
from pipeline.ledger import MEASURE, SHADE, SURVEY, Ledger
from pipeline.methods import measure, powermapping
from pipeline.methods.measure import Measures
from pipeline.methods.powermapping import Facts
from pipeline.methods.shade import Blocks, Relief
from pipeline.outlines import Outlines, touches
from pipeline.rasters import Mosaic
from pipeline.relief import Survey
from pipeline.request import Job
from pipeline.store import Layer
from pipeline.tasks import (
    Context,
    Roofs,
    Stop,
    measure_task,
    shade_task,
    shard_name,
)

Surveys = dict[str, list[Survey]]


def survey_pass(job: Job, ledger: Ledger, engine: Engine) -> Surveys:
    """Read every sheet once, whatever the area: its extremes, and what is wrong with it.

    Raises InputError for a sheet that is unusable.
    """
    mosaics = {"dsm": job.terrain.dsm, "dtm": job.terrain.dtm}
    every = [(kind, i) for kind, mosaic in mosaics.items() for i in range(len(mosaic.sheets))]
    todo = [(ledger, mosaics[k], k, i) for k, i in every if not ledger.has(SURVEY, f"{k}_{i}")]
    engine.run(SURVEY, _survey_task, todo)
    surveys: Surveys = {kind: [] for kind in mosaics}
    for kind, i in every:
        columns = ledger.read(SURVEY, f"{kind}_{i}")
        surveys[kind].append(Survey(**{name: array.item() for name, array in columns.items()}))
    for kind, mosaic in mosaics.items():
        relief.check_any_data(mosaic, surveys[kind])
    return surveys


def _survey_task(ledger: Ledger, mosaic: Mosaic, kind: str, i: int, *, stop: Stop) -> None:
    found = relief.survey(mosaic, mosaic.sheets[i], stop)
    ledger.record(SURVEY, f"{kind}_{i}", found._asdict())


def felt_halo(job: Job, surveys: Surveys) -> tuple[Relief, Halo]:
    """How far the area can feel what stands around it, before any roof is measured.

    No roof is higher than the DSM, nor lower, so the rasters' relief says how far that is.
    """
    wide = Relief(*relief.extremes(surveys["dsm"] + surveys["dtm"]), _limit(job))
    return wide, _halo(job, wide)


def _halo(job: Job, surface: Relief) -> Halo:
    """Cells around a block in which something can throw its shadow on it or shelter it."""
    wind = same_on_all_sides(int(np.ceil(job.p.wind_radius_m / job.layout.resolution)) + 1)
    return widest([surface.halo(job.suns, job.layout.resolution), wind])


def select(job: Job, surveys: Surveys) -> Outlines:
    """The area's own footprints and those that they can feel; all others are never measured."""
    _, halo = felt_halo(job, surveys)
    felt = touches(job.outlines.windows(), job.ground.grow(halo))
    return job.outlines.take(np.flatnonzero(felt | job.asked[job.outlines.rows]))


def _limit(job: Job) -> int:
    return max(job.terrain.window.height, job.terrain.window.width)


@dataclass(frozen=True)
class Measured:
    """What the first pass found. outlines: the footprints that matter; measures, facts, reason: of
    all footprints by row, known for those."""

    outlines: Outlines
    measures: Measures
    facts: Facts
    reason: NDArray[Any]


def measure_pass(job: Job, context: Context, engine: Engine, surveys: Surveys) -> Measured:
    """Heights of all footprints that matter, and who is rejected."""
    outlines = select(job, surveys)
    windows = outlines.windows(job.p.ground_ring_m)
    touched, tree = _shards(context, windows, job.terrain.window), _tree(windows)
    todo = []
    for shard in touched:
        if not context.ledger.has(MEASURE, shard_name(shard)):
            chosen = _hits(tree, context.layout.window(shard))
            todo.append((context, shard, outlines.take(chosen)))
    engine.run(MEASURE, measure_task, todo)
    parts = (context.ledger.read(MEASURE, shard_name(shard)) for shard in touched)
    measures = measure.merge((part for part in parts if part), len(job.footprints), job.p)
    facts = _facts(job, measures)
    return Measured(outlines, measures, facts, powermapping.reject(facts, job.p))


def _facts(job: Job, measures: Measures) -> Facts:
    """What the verdicts need to know of each footprint."""
    f = job.footprints
    return Facts(
        reason=f.reason,
        status=f.status,
        has_status=f.has_status,
        built=f.built,
        on_raster=job.terrain.hold(f.centre),
        roof=measures.roof,
        ground=measures.ground,
    )


def shade_pass(
    job: Job,
    context: Context,
    engine: Engine,
    surveys: Surveys,
    measured: Measured,
    layers: list[Layer],
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """For each footprint by row: bit i set where its deciding cell is shaded at sun i, and whether
    it stands in the wind shadow. Both mean something for the area's judged buildings only."""
    blocks = _blocks(job, measured)
    surface = surface_relief(job, surveys, blocks)
    roofs = _roofs(job, measured, blocks)
    by_shard = _by_shard(context, roofs)
    touched = set(by_shard) | (set(context.layout.shards()) if layers else set())
    tree, halo = _tree(blocks.outlines.windows()), _halo(job, surface)
    todo = []
    for shard in sorted(touched):
        if not context.ledger.has(SHADE, shard_name(shard)):
            here = roofs.take(by_shard.get(shard, np.zeros(0, np.int64)))
            ground = context.layout.window(shard).union(here.window)
            near = blocks.take(_hits(tree, ground.grow(halo)))
            todo.append((context, shard, here, near, surface, layers))
    engine.run(SHADE, shade_task, todo)
    n = len(job.footprints)
    shadow, shadowed = np.zeros(n, np.int64), np.zeros(n, np.bool_)
    for shard in touched:
        part = context.ledger.read(SHADE, shard_name(shard))
        shadow[part["row"]] = part["shadow"]
        shadowed[part["row"]] = part["shadowed"]
    return shadow, shadowed


def surface_relief(job: Job, surveys: Surveys, blocks: Blocks) -> Relief:
    """Lowest and highest of the surface that casts and catches shadow."""
    if job.p.surface == "dsm":
        return Relief(*relief.extremes(surveys["dsm"]), _limit(job))
    lowest, highest = relief.extremes(surveys["dtm"])
    tops = (blocks.roof / 100.0).tolist()
    return Relief(min([lowest, *tops]), max([highest, *tops]), _limit(job))


def _blocks(job: Job, measured: Measured) -> Blocks:
    """What stands, of what was measured."""
    standing = measured.outlines.take(powermapping.stands(measured.reason)[measured.outlines.rows])
    facts, rows = measured.facts, standing.rows
    return Blocks(
        outlines=standing,
        roof=facts.roof[rows],
        compared=powermapping.compared(facts, measured.reason, job.p)[rows],
        group=job.footprints.group[rows],
    )


def _roofs(job: Job, measured: Measured, blocks: Blocks) -> Roofs:
    """The area's judged buildings, with their blocks."""
    own = pd.isna(measured.reason) & job.asked
    chosen = blocks.take(own[blocks.outlines.rows])
    rows = chosen.outlines.rows
    return Roofs(
        rows=rows,
        row=measured.measures.row[rows],
        column=measured.measures.column[rows],
        candidate=powermapping.is_candidate(measured.facts, measured.reason, job.p)[rows],
        blocks=chosen,
    )


def _by_shard(context: Context, roofs: Roofs) -> dict[Shard, NDArray[np.int64]]:
    """The positions of the roofs by the shard that holds their deciding cell."""
    found: dict[Shard, list[int]] = {}
    for i, (row, column) in enumerate(zip(roofs.row.tolist(), roofs.column.tolist(), strict=True)):
        found.setdefault(context.layout.shard_of(row, column), []).append(i)
    return {shard: np.array(places, np.int64) for shard, places in found.items()}


def _shards(context: Context, windows: NDArray[np.int64], inputs: Window) -> list[Shard]:
    """The shards on the rasters that any of the windows touches."""
    found: set[Shard] = set()
    for line in windows:
        window = Window.between(*(int(v) for v in line)).intersect(inputs)
        found.update(context.layout.shards(window))
    return sorted(found)


def _tree(windows: NDArray[np.int64]) -> shapely.STRtree:
    top, left, bottom, right = windows.T
    return shapely.STRtree(shapely.box(left, top, right, bottom))


def _hits(tree: shapely.STRtree, window: Window) -> NDArray[np.int64]:
    """Positions of the windows that touch one, in their order."""
    box = shapely.box(window.left, window.top, window.right, window.bottom)
    return np.sort(tree.query(box))
