"""The passes of a run: which shards there are to do, what each needs, what they give together."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.casters import casting_or_shaded_tiles
from kernels.shadow import Halo
from pipeline.engine.engine import Engine, OnDone, Stop, never_stop
from pipeline.engine.events import DONE, FAILED, KEPT, Log, no_log
from pipeline.footprints.outlines import windows_of
from pipeline.footprints.prepared import Light
from pipeline.footprints.prepared_sort import hilbert
from pipeline.footprints.scope import asked_of, lights, shards_of, tally
from pipeline.grid.tile_masks import NO_HEIGHT, TileMask, highest_under, lowered, raise_tiles
from pipeline.grid.windows import TILE, Layout, Shard, Window, uniform_halo
from pipeline.heights import relief
from pipeline.heights.rasters import Mosaic
from pipeline.heights.relief import SheetManifest, height_bounds, sheet_manifest, survey_sheet
from pipeline.heights.sheets import Sheet
from pipeline.methods.powermapping.reach import farthest_shadow
from pipeline.methods.powermapping.shade import Casters
from pipeline.runs.context import Context
from pipeline.runs.measured import joined_tops, tops_in
from pipeline.runs.request import Job
from pipeline.runs.tasks import measure_task, shade_task
from pipeline.storage.cache import cache_dir
from pipeline.storage.integrity import damaged_shards
from pipeline.storage.ledger import MEASURE, SHADE

SURVEY = "survey"


def relief_folder(job: Job) -> Path:
    """Where the relief of the sheets is kept."""
    return (job.request.resources.relief or cache_dir() / "relief").absolute()


def survey_pass(job: Job, engine: Engine) -> dict[str, list[SheetManifest]]:
    """Read every sheet that the area can feel once, unless its relief is kept already.

    Raises InputError for a sheet that is unusable.
    """
    folder = relief_folder(job)
    mosaics = {"dsm": job.terrain.dsm, "dtm": job.terrain.dtm}
    sheets = [sheet for mosaic in mosaics.values() for sheet in mosaic.sheets]
    kept = {sheet: sheet_manifest(sheet, folder) for sheet in dict.fromkeys(sheets)}
    todo = [sheet for sheet, found in kept.items() if found is None]
    if todo:
        engine.run(SURVEY, _survey_task, ((s,) for s in todo), len(todo), shared=folder)
    known = {
        sheet: found or survey_sheet(sheet, folder, never_stop) for sheet, found in kept.items()
    }
    cards = {kind: [known[sheet] for sheet in m.sheets] for kind, m in mosaics.items()}
    for kind, mosaic in mosaics.items():
        relief.check_any_data(mosaic, [found.survey for found in cards[kind]])
    return cards


def _survey_task(folder: Path, sheet: Sheet, *, stop: Stop) -> None:
    survey_sheet(sheet, folder, stop)


@dataclass(frozen=True)
class Reach:
    """What can matter to what, by tiles. dsm, dtm: bounds of the rasters; casters: of both and of
    the roofs that may stand there; felt: the tiles that the area can feel; measures: the shards
    with footprints to be measured, and how many; widest: of the footprints there [cells]."""

    dsm: Casters
    dtm: Casters
    casters: Casters
    felt: TileMask
    measures: dict[Shard, int]
    widest: int


def reach_of(job: Job) -> Reach:
    """What the area can feel, before any roof is measured.

    A roof is a percentile of the DSM on its cells, so it is no higher than the highest tile of the
    DSM that its footprint touches, and no lower than the lowest.
    """
    window = job.terrain.window
    dsm, dtm = (_tiles(mosaic, job, window) for mosaic in (job.terrain.dsm, job.terrain.dtm))
    if job.terrain.added is not None:
        dsm = job.terrain.added.under(dsm)
    highest, lowest = np.maximum(dsm.highest, dtm.highest), _lower(dsm.lowest, dtm.lowest)
    widest = _spread(job, highest, dsm)
    casters = Casters(dsm.frame, lowest, highest, dtm.highest)
    felt = _felt(job, casters, job.scope.tiles.part(dsm.frame), asking(job).part(dsm.frame))
    return Reach(dsm, dtm, casters, felt, _to_measure(job, felt), widest)


def narrowed(job: Job, reach: Reach, only: frozenset[Shard]) -> Reach:
    """What some shards of the area can feel, of what all of it can."""
    frame, chosen = reach.casters.frame, TileMask.none(reach.casters.frame)
    for shard in only:
        chosen.marked[:] |= TileMask.of(ground_of(job, shard, reach.widest), frame).marked
    own, shaded = (
        TileMask(frame, marks.part(frame).marked & chosen.marked)
        for marks in (job.scope.tiles, asking(job))
    )
    felt = _felt(job, reach.casters, own, shaded)
    return replace(reach, felt=felt, measures=_owners(job, felt))


def _felt(job: Job, casters: Casters, own: TileMask, asking: TileMask) -> TileMask:
    """The tiles that can matter to footprints on some tiles and to shadows on others."""
    felt, resolution = TileMask.none(casters.frame), job.layout.resolution
    halo = longest_shadow(job, casters)
    for square in job.squares:
        ground = square.window(resolution).coarse(TILE)
        here = asking.part(ground.intersect(casters.frame))
        if here.marked.any():
            near = casters.part(ground.grow(halo).intersect(casters.frame))
            asks = np.where(here.part(near.frame).marked, near.lowest, NO_HEIGHT)
            found = casting_or_shaded_tiles(near.highest, asks, job.suns(square), resolution, TILE)
            felt.marked[casters.frame.slices(near.frame)] |= found
    beside = sheltering(job, own).part(casters.frame)
    felt.marked[:] |= beside.marked | asking.marked
    return felt


def sheltering(job: Job, own: TileMask) -> TileMask:
    """The tiles in which somebody may stand within the wind's radius of some tiles, and those."""
    radius = int(np.ceil(job.p.wind_radius_m / job.layout.resolution / TILE)) + 1
    return own.grow(uniform_halo(radius))


def _tiles(mosaic: Mosaic, job: Job, window: Window) -> Casters:
    found = height_bounds(mosaic.sheets, relief_folder(job), window)
    return Casters(window.coarse(TILE), found.lowest, found.highest, found.highest)


def _lower(a: NDArray[np.int32], b: NDArray[np.int32]) -> NDArray[np.int32]:
    """The lower of what is known."""
    either = np.where(a == NO_HEIGHT, b, a)
    return np.minimum(either, np.where(b == NO_HEIGHT, either, b))


def asking(job: Job) -> TileMask:
    """The tiles in which a shadow is asked for."""
    extent = job.layout.extent
    if not job.request.outputs.layers:
        return job.scope.tiles
    pictures = TileMask.none(extent.coarse(TILE))
    pictures.marked[:] = True
    return pictures.union(job.scope.tiles)


def _spread(job: Job, highest: NDArray[np.int32], dsm: Casters) -> int:
    """Raise the tiles that a footprint touches to the highest of them: so high its roof may be.
    The side of the widest footprint [cells]."""
    widest = 0
    for light, _ in _near(job):
        windows = windows_of(light.bounds, job.layout.resolution)
        widest = max(widest, int((windows[:, 2:] - windows[:, :2]).max()))
        wide = windows[(windows[:, :2] // TILE != (windows[:, 2:] - 1) // TILE).any(axis=1)]
        raise_tiles(highest, dsm.frame, wide, highest_under(dsm.highest, dsm.frame, wide))
    return widest


def _near(job: Job) -> Iterator[tuple[Light, NDArray[np.bool_]]]:
    """The footprints that can matter, and which of them are of the area."""
    return asked_of(job.prepared, job.area, job.terrain.window, job.layout.resolution)


def _to_measure(job: Job, felt: TileMask) -> dict[Shard, int]:
    """The shards that own footprints of the area, or that it can feel, and how many."""
    found = Counter[Shard]()
    for light, asked in _near(job):
        wanted = asked | felt.touch(windows_of(light.bounds, job.layout.resolution))
        found.update(tally(shards_of(job.layout, light.centre[wanted])))
    return dict(found)


def _owners(job: Job, felt: TileMask) -> dict[Shard, int]:
    """The shards that own footprints on some tiles, and how many."""
    found = Counter[Shard]()
    for light in lights(job.prepared, felt.window, job.layout.resolution):
        touched = felt.touch(windows_of(light.bounds, job.layout.resolution))
        found.update(tally(shards_of(job.layout, light.centre[touched])))
    return dict(found)


def worked(job: Job) -> set[Shard]:
    """The shards of the area: with footprints of it, or with a part of its raster layers."""
    return {*job.scope.own, *(job.layout.shards() if job.request.outputs.layers else ())}


def measure_pass(
    job: Job,
    context: Context,
    engine: Engine,
    reach: Reach,
    only: frozenset[Shard] | None = None,
    log: Log = no_log,
) -> None:
    """Heights of all footprints that matter, and who is rejected; with the measured surface the
    shadows as well."""
    every, near = set(reach.measures), None
    painted = _painted(context, only) if context.casts_at_once else set[Shard]()
    if context.casts_at_once:
        every |= painted
        near = _surroundings(job, reach, reach.dsm)

    def asked(shard: Shard) -> tuple[Any, ...]:
        own = ground_of(job, shard, reach.widest).coarse(TILE)
        return shard, reach.felt.part(own), near and near(shard)

    todo, tell = _undone(context, MEASURE, every, painted, engine, log), _teller(log, MEASURE)
    engine.run(MEASURE, measure_task, map(asked, todo), len(todo), shared=context, on_done=tell)


def _painted(context: Context, only: frozenset[Shard] | None) -> set[Shard]:
    """The shards whose raster layers are to be made."""
    every = set(context.layout.shards() if context.layers else ())
    return every if only is None else every & only


def shade_pass(
    job: Job,
    context: Context,
    engine: Engine,
    reach: Reach,
    only: frozenset[Shard] | None = None,
    log: Log = no_log,
) -> None:
    """Verdicts of the area's footprints; with the extruded surface the shadows before that."""
    every, near = set(job.scope.own) if only is None else set(job.scope.own) & only, None
    painted = set[Shard]() if context.casts_at_once else _painted(context, only)
    if not context.casts_at_once:
        every |= painted
        near = _surroundings(job, reach, _extruded(context, reach))

    def asked(shard: Shard) -> tuple[Any, ...]:
        return shard, near and near(shard)

    todo, tell = _undone(context, SHADE, every, painted, engine, log), _teller(log, SHADE)
    engine.run(SHADE, shade_task, map(asked, todo), len(todo), shared=context, on_done=tell)


def _undone(
    context: Context, stage: str, shards: set[Shard], painted: set[Shard], engine: Engine, log: Log
) -> list[Shard]:
    """Those of a stage that are not finished, neighbours after one another. painted: those of which
    the stage paints raster layers, which must be as they were written."""
    done = context.ledger.finished(stage)
    done -= damaged_shards(
        context.ledger,
        sorted(done & {shard.name for shard in painted}),
        engine.progress,
        engine.stop,
        engine.workers,
    )
    every = along_curve(context.layout, shards)
    for shard in every:
        if shard.name in done:
            log({"stage": stage, "shard": shard.name, "outcome": KEPT})
    return [shard for shard in every if shard.name not in done]


def _teller(log: Log, stage: str) -> OnDone:
    """What tells the log of a shard and of its blocks."""

    def tell(argument: tuple[Any, ...], seconds: float, answer: Any) -> None:
        name = argument[0].name
        said = {"stage": stage, "shard": name, "seconds": round(seconds, 3)}
        if isinstance(answer, BaseException):
            log(said | {"outcome": FAILED})
            return
        for block in answer["each"]:
            log({"stage": stage, "of": name, **block})
        log(said | {key: answer[key] for key in answer if key != "each"} | {"outcome": DONE})

    return tell


def along_curve(layout: Layout, shards: Iterable[Shard]) -> list[Shard]:
    """Shards along a Hilbert curve, so that neighbours come after one another."""
    every = sorted(shards)
    bounds = [layout.window(shard).bounds(layout.resolution) for shard in every]
    centres = np.array(bounds).reshape(-1, 2, 2).mean(axis=1)
    return [every[i] for i in np.argsort(hilbert(centres), kind="stable")]


def ground_of(job: Job, shard: Shard, widest: int) -> Window:
    """A shard's cells and all that its footprints can have."""
    return job.layout.window(shard).grow(uniform_halo(widest))


def longest_shadow(job: Job, casters: Casters) -> Halo:
    """How far a shadow reaches at most [tiles]."""
    low, high = casters.extremes
    halo = farthest_shadow(job.every_sun, low - 1, high + 1, job.layout.resolution)
    return Halo(*(-(-cells // TILE) for cells in halo))


def _surroundings(job: Job, reach: Reach, casters: Casters) -> Callable[[Shard], Casters]:
    """What stands around a shard, as far as it can matter there."""
    halo = longest_shadow(job, casters)

    def around(shard: Shard) -> Casters:
        ground = ground_of(job, shard, reach.widest).coarse(TILE).grow(halo)
        return casters.part(ground.intersect(casters.frame))

    return around


def _extruded(context: Context, reach: Reach) -> Casters:
    """The terrain with the roofs that stand on it."""
    frame, bare, highest = reach.dtm.frame, reach.dtm.highest, reach.dtm.highest.copy()
    finished = sorted(context.ledger.finished(MEASURE))
    tops = joined_tops([tops_in(context.ledger.read(MEASURE, name)) for name in finished])
    cells = tops["top_tile"] * TILE
    windows = np.hstack([cells, cells + 1])
    raise_tiles(highest, frame, windows, tops["top_highest"])
    lowest = lowered(reach.dtm.lowest, frame, windows, tops["top_lowest"])
    return Casters(frame, lowest, highest, bare)
