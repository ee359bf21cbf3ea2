"""The plan of a run: what it reads and holds, and how long it takes."""

import time
from contextlib import ExitStack
from dataclasses import dataclass, replace

import numpy as np

from kernels.shadow import Halo
from pipeline.engine.engine import Engine, Progress, Stop, never_stop, no_progress, open_engine
from pipeline.grid.windows import TILE, Window, enclosing_halo
from pipeline.heights.relief import reading_rate
from pipeline.heights.tiles import CACHE_MB
from pipeline.methods.context import Context
from pipeline.methods.reach import Influence
from pipeline.results import store
from pipeline.runs.forecast import forecast
from pipeline.runs.passes import survey_pass, unread_sheets
from pipeline.runs.prepare import Run, prepare
from pipeline.runs.publish import warnings_of
from pipeline.runs.request import Request
from pipeline.runs.workers import engine_here
from pipeline.storage.cache import fingerprint, retry_damaged

# Measured and rounded up; tests/runs/test_memory.py holds the plan to it.
FOOTPRINT_BYTES = 2500  # of the footprints of a block: outlines, what is known of them, their rows
SLACK = 1.15  # what the allocator holds beyond what is asked of it: measured, up to a tenth
WRITE_BYTES = 10  # of a shard: coarser levels and what is encoded
PATIENCE_S = 60.0  # that a plan may spend on the survey of sheets


@dataclass(frozen=True)
class Plan:
    """The plan of a run. extent: of the layers [cells]; shards, blocks: with work; skipped: blocks
    without; relief: height difference [m]; halo: the longest of any block [cells]; neighbours:
    footprints measured only because they cast shadow or shelter; disk: size of the sheets [bytes];
    memory: of a worker at most, beside the program and the table of buildings [bytes]; scheduler,
    workers: the threads or processes that would compute it; seconds: expected duration on this
    machine, and ratio: cells read over those of the blocks themselves, both by a trial of a few
    shards, else 0; trial: duration of that [s]; warnings: of the sheets."""

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
    disk: int
    memory: int
    scheduler: str = "threads"
    workers: int = 1
    seconds: float = 0.0
    trial: float = 0.0
    ratio: float = 0.0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unread:
    """The part of a plan that is known before the survey of its sheets. sheets: how many of `of`
    are to be read; cells: of those; seconds: expected duration of the survey."""

    sheets: int
    of: int
    cells: int
    footprints: int
    asked: int
    disk: int
    seconds: float
    warnings: tuple[str, ...] = ()


def plan(
    request: Request,
    progress: Progress = no_progress,
    stop: Stop = never_stop,
    patience: float = PATIENCE_S,
) -> Plan | Unread:
    """The plan of `run` for a request, by a trial of a few shards. Sheets whose relief is not in
    the cache are surveyed, unless that takes longer than `patience` [s]: then Unread is returned.

    Raises InputError as `run` does.
    """
    return retry_damaged(lambda: _plan(request, progress, stop, patience))


def _plan(request: Request, progress: Progress, stop: Stop, patience: float) -> Plan | Unread:
    began = time.monotonic()
    run = prepare(request, progress, stop)
    context = run.context
    with ExitStack() as stack:
        threads = open_engine(stack, "threads", request.resources.workers, progress, stop)
        unread = _unread(context, threads)
        if unread.seconds > patience:
            return unread
        prepared = time.monotonic() - began
        manifests = survey_pass(context, threads)
        began = time.monotonic()
        influence = run.method.influence(context)
        counted = count(run, influence)
        prepared += time.monotonic() - began
        began = time.monotonic()
        engine = engine_here(stack, run, progress, stop)
        expected = forecast(run, manifests, influence, engine)
        return replace(
            counted,
            scheduler=engine.pool.name,
            workers=engine.workers,
            seconds=prepared + expected.seconds,
            trial=time.monotonic() - began,
            ratio=expected.ratio,
            warnings=tuple(warnings_of(run.method, context, manifests)),
        )


def _unread(context: Context, engine: Engine) -> Unread:
    """The sheets without relief, and the expected duration of their survey."""
    sheets = {*context.terrain.dsm.sheets, *context.terrain.dtm.sheets}
    todo = unread_sheets(context)
    cells = sum(sheet.window.size for sheet in todo)
    return Unread(
        sheets=len(todo),
        of=len(sheets),
        cells=cells,
        footprints=len(context.prepared),
        asked=_asked(context),
        disk=_on_disk(context),
        seconds=cells / reading_rate(todo, engine.workers) if todo else 0.0,
    )


def _asked(context: Context) -> int:
    return context.scope.asked + len(context.prepared.unusable())


def _on_disk(context: Context) -> int:
    mosaics = context.terrain.dsm, context.terrain.dtm
    sheets = {sheet.path for mosaic in mosaics for sheet in mosaic.sheets}
    return sum(int(fingerprint(path)["size"]) for path in sheets)


def count(run: Run, influence: Influence) -> Plan:
    """The plan of a run whose sheets are surveyed, without its duration."""
    context, layout = run.context, run.context.layout
    shards = map(layout.window, context.shards)
    blocks = [core for shard in shards for _, core in layout.blocks(shard, context.block)]
    with_work = sum(_has_work(context, core) for core in blocks)
    low, high = influence.surface.extremes
    return Plan(
        sheets=len(context.terrain.dsm.sheets) + len(context.terrain.dtm.sheets),
        resolution=layout.resolution,
        extent=layout.extent,
        shard=layout.shard,
        shards=len(context.shards),
        blocks=with_work,
        skipped=len(blocks) - with_work,
        relief=high - low,
        halo=enclosing_halo(influence.halos(context)),
        footprints=len(context.prepared),
        asked=_asked(context),
        neighbours=sum(influence.measured.values()) - context.scope.asked,
        disk=_on_disk(context),
        memory=_memory(run, influence),
    )


def _has_work(context: Context, core: Window) -> bool:
    """Whether a block holds a part of a raster layer or of a footprint."""
    raster = core.intersect(context.layout.extent).intersect(context.terrain.window)
    if context.layers and raster.size:
        return True
    return bool(context.scope.tiles.part(core.coarse(TILE)).marked.any())


def _memory(run: Run, influence: Influence) -> int:
    """Peak memory of a worker in any pass [bytes]."""
    context, cells = run.context, run.context.layout.shard**2
    layers = store.layers_of(run.method, context.layers, context.p)
    rasters = cells * sum(np.dtype(x.dtype).itemsize * max(1, len(x.suns)) for x in layers)
    working = rasters + max(influence.memory(context), WRITE_BYTES * cells if layers else 0)
    footprints = FOOTPRINT_BYTES * context.scope.densest
    return CACHE_MB * 2**20 + round(SLACK * (working + footprints))
