"""What a run would read and hold: counted, not computed."""

import math
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace

import numpy as np

from kernels.casters import casting_or_shaded_tiles
from kernels.shadow import Halo, shadow_halo
from pipeline.engine.engine import Engine, Progress, Stop, never_stop, no_progress, open_engine
from pipeline.grid.tile_masks import NO_HEIGHT, TileMask
from pipeline.grid.windows import TILE, LatticeCell, Shard, Window, enclosing_halo, uniform_halo
from pipeline.heights.rasters import CACHE_MB, PIECE
from pipeline.heights.relief import HIGHEST_M, LOWEST_M, reading_rate, sheet_manifest
from pipeline.methods.powermapping.reach import farthest_shadow
from pipeline.results import store
from pipeline.runs.forecast import forecast
from pipeline.runs.passes import (
    Reach,
    asking,
    longest_shadow,
    reach_of,
    relief_folder,
    survey_pass,
    worked,
)
from pipeline.runs.request import Job, Request, prepare
from pipeline.runs.results import warnings_of
from pipeline.runs.tasks import BESIDE
from pipeline.storage.cache import fingerprint, retry_damaged

# What a cell costs, measured and rounded up; tests/runs/test_memory.py holds the plan to it.
WINDOW_BYTES = 9  # of a block and its halo: the surface, its shadows, where they have data
BLOCK_BYTES = 16  # of a block: pictures and what they are made from
SUN_BYTES = 4  # of a block for each sun with a picture
PIECE_BYTES = 24  # of what is read at once, all of it roofs: heights, roofs, masks
WIND_BYTES = 16  # of the ground around a roof
FOOTPRINT_BYTES = 2500  # of the footprints of a block: outlines, what is known of them, their rows
SLACK = 1.15  # what the allocator holds beyond what is asked of it: measured, up to a tenth
WRITE_BYTES = 10  # of a shard: coarser levels and what is encoded
PATIENCE_S = 60.0  # reading sheets for their relief may take so long before a plan is told
MOST = 500  # blocks whose windows are looked at; of more, these are a sample


@dataclass(frozen=True)
class Plan:
    """What lies ahead. extent: of the layers [cells]; shards, blocks: with work in them; skipped:
    blocks without; relief: height differences [m]; halo: the longest that any block needs [cells];
    neighbours: footprints measured only because they cast shadow or shelter; read, core: cells of
    the blocks' windows, with and without halos; sampled: blocks that this was found of; disk: of
    the sheets [bytes]; memory: of a worker at most, beside the program and the table of buildings
    [bytes]; seconds: that the run will take on this machine, and ratio: cells that it will read
    over those of the blocks themselves, both as a few shards were tried, else 0; trial: the seconds
    that this took; warnings: of the sheets."""

    sheets: int
    resolution: float
    extent: Window
    shard: int
    shards: int
    blocks: int
    skipped: int
    relief: float
    halo: Halo
    footprints: int
    asked: int
    neighbours: int
    read: int
    core: int
    sampled: int
    disk: int
    memory: int
    seconds: float = 0.0
    trial: float = 0.0
    ratio: float = 0.0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unread:
    """What is known before the sheets were read once for their relief, on which the rest hangs.
    sheets, of: how many of them are to be read; cells: theirs; seconds: that this will take."""

    sheets: int
    of: int
    cells: int
    footprints: int
    asked: int
    disk: int
    seconds: float
    warnings: tuple[str, ...] = ()


def plan(
    request: Request, progress: Progress = no_progress, stop: Stop = never_stop
) -> Plan | Unread:
    """Count what `run` would do, and try a few of its shards. Sheets whose relief is not kept yet
    are read once for it, if that takes no longer than PATIENCE_S.

    Raises InputError as `run` does.
    """
    return retry_damaged(lambda: _plan(request, progress, stop))


def _plan(request: Request, progress: Progress, stop: Stop) -> Plan | Unread:
    began = time.monotonic()
    job = prepare(request, progress, stop)
    with ExitStack() as stack:
        engine = open_engine(stack, "threads", request.resources.workers, progress, stop)
        unread = _unread(job, engine)
        if unread.seconds > PATIENCE_S:
            return unread
        prepared = time.monotonic() - began
        cards = survey_pass(job, engine)
        began = time.monotonic()
        reach = reach_of(job)
        counted = count(job, reach)
        prepared += time.monotonic() - began
        began = time.monotonic()
        tried = forecast(job, cards, reach, engine)
        return replace(
            counted,
            seconds=prepared + tried.seconds,
            trial=time.monotonic() - began,
            ratio=tried.ratio,
            warnings=tuple(warnings_of(job, cards)),
        )


def _unread(job: Job, engine: Engine) -> Unread:
    """The sheets that have no relief yet, and how long it takes to read them."""
    every = list(dict.fromkeys((*job.terrain.dsm.sheets, *job.terrain.dtm.sheets)))
    todo = [sheet for sheet in every if sheet_manifest(sheet, relief_folder(job)) is None]
    cells = sum(sheet.window.size for sheet in todo)
    return Unread(
        sheets=len(todo),
        of=len(every),
        cells=cells,
        footprints=len(job.prepared),
        asked=_asked(job),
        disk=_on_disk(job),
        seconds=cells / reading_rate(todo, engine.workers) if todo else 0.0,
    )


def _asked(job: Job) -> int:
    return job.scope.asked + len(job.prepared.unusable())


def _on_disk(job: Job) -> int:
    sheets = {sheet.path for m in (job.terrain.dsm, job.terrain.dtm) for sheet in m.sheets}
    return sum(int(fingerprint(path)["size"]) for path in sheets)


def count(job: Job, reach: Reach) -> Plan:
    """The same of a job whose sheets' relief is known."""
    layout = job.layout
    shards = worked(job)
    every = [block for shard in sorted(shards) for block in _blocks(job, shard)]
    blocks = [(square, core) for square, core in every if _has_work(job, core)]
    step = max(1, math.ceil(len(blocks) / MOST))
    sample = blocks[::step]
    windows = [_window(job, reach, square, core) for square, core in sample]
    low, high = reach.casters.extremes
    halos = _halos(job, reach)
    near = uniform_halo(math.ceil(job.p.wind_radius_m / layout.resolution) + 1)
    return Plan(
        sheets=len(job.terrain.dsm.sheets) + len(job.terrain.dtm.sheets),
        resolution=layout.resolution,
        extent=layout.extent,
        shard=layout.shard,
        shards=len(shards),
        blocks=len(blocks),
        skipped=len(every) - len(blocks),
        relief=high - low,
        halo=enclosing_halo([near, *halos]),
        footprints=len(job.prepared),
        asked=_asked(job),
        neighbours=sum(reach.measures.values()) - job.scope.asked,
        read=sum(read for read, _ in windows),
        core=sum(core for _, core in windows),
        sampled=len(sample),
        disk=_on_disk(job),
        memory=_memory(job, reach, halos),
    )


def _blocks(job: Job, shard: Shard) -> Iterator[tuple[LatticeCell, Window]]:
    return job.layout.blocks(job.layout.window(shard), job.request.resources.block)


def _has_work(job: Job, core: Window) -> bool:
    """Whether a block is painted, or holds a part of a footprint."""
    painted = core.intersect(job.layout.extent).intersect(job.terrain.window)
    if job.request.outputs.layers and painted.size:
        return True
    return bool(job.scope.tiles.part(core.coarse(TILE)).marked.any())


def _window(job: Job, reach: Reach, square: LatticeCell, core: Window) -> tuple[int, int]:
    """Cells that a block reads for its shadows, and of those its own."""
    resolution, inputs = job.layout.resolution, job.terrain.window
    layers = job.request.outputs.layers
    painted = core.intersect(job.layout.extent) if layers else Window(0, 0, 0, 0)
    halo = farthest_shadow(job.suns(square), LOWEST_M, HIGHEST_M, resolution)
    around = reach.casters.part(core.grow(halo).coarse(TILE))
    asks = job.scope.tiles.part(around.frame).marked.copy()
    asks &= TileMask.of(core, around.frame).marked
    asks |= TileMask.of(painted, around.frame).marked
    lowest = np.where(asks, around.lowest, NO_HEIGHT)
    needed = casting_or_shaded_tiles(around.highest, lowest, job.suns(square), resolution, TILE)
    tiles = TileMask(around.frame, needed & (around.highest != NO_HEIGHT))
    return tiles.cells(inputs), TileMask(around.frame, asks & tiles.marked).cells(inputs)


def _halos(job: Job, reach: Reach) -> list[Halo]:
    """How far a block must look for shadows, of the blocks in each square [cells]."""
    frame, resolution, found = reach.casters.frame, job.layout.resolution, []
    longest, asked = longest_shadow(job, reach.casters), asking(job)
    limit = max(job.terrain.window.height, job.terrain.window.width)
    for square in job.squares:
        ground = square.window(resolution).coarse(TILE).intersect(frame)
        asks = asked.part(ground).marked
        low = reach.casters.part(ground).lowest[asks]
        high = reach.casters.part(ground.grow(longest).intersect(frame)).highest
        if (low != NO_HEIGHT).any():
            lowest, highest = low[low != NO_HEIGHT].min() / 100, high.max() / 100
            suns = job.suns(square)
            found.append(
                enclosing_halo(
                    [shadow_halo(lowest, highest, sun, resolution, limit) for sun in suns]
                )
            )
    return found or [Halo(0, 0, 0, 0)]


def _memory(job: Job, reach: Reach, halos: list[Halo]) -> int:
    """What a worker holds at most in any pass [bytes]."""
    shard = job.layout.shard
    side = min(job.request.resources.block, shard) + 2 * min(BESIDE, reach.widest)
    suns = len(job.p.times) if "sun_hillshade" in job.request.outputs.layers else 0
    block = (BLOCK_BYTES + SUN_BYTES * suns) * side * side
    piece = PIECE_BYTES * PIECE**2
    largest = max(_with_halo(job, side, halo) for halo in halos)
    shade = WINDOW_BYTES * largest + block + piece
    layers = store.layers_of(job.request.outputs.layers, job.p.date, job.p.times)
    pictures = shard**2 * sum(np.dtype(x.dtype).itemsize * max(1, len(x.suns)) for x in layers)
    wind = WIND_BYTES * _largest_around_a_roof(job, reach.widest) + piece
    working = pictures + max(shade, wind, WRITE_BYTES * shard**2 if layers else 0)
    return CACHE_MB * 2**20 + round(SLACK * (working + FOOTPRINT_BYTES * job.scope.densest))


def _with_halo(job: Job, side: int, halo: Halo) -> int:
    """Cells of the window that a block of so many cells a side reads at most."""
    inputs = job.terrain.window
    height = min(side + halo.north + halo.south, inputs.height)
    return height * min(side + halo.west + halo.east, inputs.width)


def _largest_around_a_roof(job: Job, widest: int) -> int:
    """Cells of the largest window in which others may stand higher than a roof."""
    radius = math.ceil(job.p.wind_radius_m / job.layout.resolution)
    return (widest + 2 * radius) ** 2
