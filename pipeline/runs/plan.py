"""What a run would read and hold: counted, not computed."""

import math
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace

import numpy as np

from kernels.shadow import Halo
from pipeline.engine.engine import Engine, Progress, Stop, never_stop, no_progress, open_engine
from pipeline.grid.windows import TILE, LatticeCell, Shard, Window, enclosing_halo
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
PATIENCE_S = 60.0  # reading sheets for their relief may take so long before a plan is told
MOST = 500  # blocks whose windows are looked at; of more, these are a sample


@dataclass(frozen=True)
class Plan:
    """What lies ahead. extent: of the layers [cells]; shards, blocks: with work in them; skipped:
    blocks without; relief: height differences [m]; halo: the longest that any block needs [cells];
    neighbours: footprints measured only because they cast shadow or shelter; read, core: cells of
    the blocks' windows, with and without halos; sampled: blocks that this was found of; disk: of
    the sheets [bytes]; memory: of a worker at most, beside the program and the table of buildings
    [bytes]; scheduler, workers: so many threads or processes here would compute it; seconds: that
    the run will take on this machine, and ratio: cells that it will read over those of the blocks
    themselves, both as a few shards were tried, else 0; trial: the seconds that this took;
    warnings: of the sheets."""

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
    scheduler: str = "threads"
    workers: int = 1
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
    request: Request,
    progress: Progress = no_progress,
    stop: Stop = never_stop,
    patience: float = PATIENCE_S,
) -> Plan | Unread:
    """Count what `run` would do, and try a few of its shards. Sheets whose relief is not kept yet
    are read once for it, if that takes no longer than `patience` [s].

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
        cards = survey_pass(context, threads)
        began = time.monotonic()
        influence = run.method.influence(context)
        counted = count(run, influence)
        prepared += time.monotonic() - began
        began = time.monotonic()
        engine = engine_here(stack, run, progress, stop)
        tried = forecast(run, cards, influence, engine)
        return replace(
            counted,
            scheduler=engine.pool.name,
            workers=engine.workers,
            seconds=prepared + tried.seconds,
            trial=time.monotonic() - began,
            ratio=tried.ratio,
            warnings=tuple(warnings_of(context, cards)),
        )


def _unread(context: Context, engine: Engine) -> Unread:
    """The sheets that have no relief yet, and how long it takes to read them."""
    every = {*context.terrain.dsm.sheets, *context.terrain.dtm.sheets}
    todo = unread_sheets(context)
    cells = sum(sheet.window.size for sheet in todo)
    return Unread(
        sheets=len(todo),
        of=len(every),
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


def count(run: Run, influence: Influence, most: int = MOST) -> Plan:
    """The plan of a run whose sheets' relief is known. most: blocks that are looked at."""
    context, layout = run.context, run.context.layout
    every = [block for shard in sorted(context.shards) for block in _blocks(context, shard)]
    blocks = [(square, core) for square, core in every if _has_work(context, core)]
    step = max(1, math.ceil(len(blocks) / most))
    sample = blocks[::step]
    windows = [influence.cells(context, square, core) for square, core in sample]
    low, high = influence.surface.extremes
    return Plan(
        sheets=len(context.terrain.dsm.sheets) + len(context.terrain.dtm.sheets),
        resolution=layout.resolution,
        extent=layout.extent,
        shard=layout.shard,
        shards=len(context.shards),
        blocks=len(blocks),
        skipped=len(every) - len(blocks),
        relief=high - low,
        halo=enclosing_halo(influence.halos(context)),
        footprints=len(context.prepared),
        asked=_asked(context),
        neighbours=sum(influence.measured.values()) - context.scope.asked,
        read=sum(read for read, _ in windows),
        core=sum(core for _, core in windows),
        sampled=len(sample),
        disk=_on_disk(context),
        memory=_memory(run, influence),
    )


def _blocks(context: Context, shard: Shard) -> Iterator[tuple[LatticeCell, Window]]:
    return context.layout.blocks(context.layout.window(shard), context.block)


def _has_work(context: Context, core: Window) -> bool:
    """Whether a block is painted, or holds a part of a footprint."""
    painted = core.intersect(context.layout.extent).intersect(context.terrain.window)
    if context.layers and painted.size:
        return True
    return bool(context.scope.tiles.part(core.coarse(TILE)).marked.any())


def _memory(run: Run, influence: Influence) -> int:
    """What a worker holds at most in any pass [bytes]."""
    context, cells = run.context, run.context.layout.shard**2
    layers = store.layers_of(run.method, context.layers, context.p)
    pictures = cells * sum(np.dtype(x.dtype).itemsize * max(1, len(x.suns)) for x in layers)
    working = pictures + max(influence.memory(context), WRITE_BYTES * cells if layers else 0)
    footprints = FOOTPRINT_BYTES * context.scope.densest
    return CACHE_MB * 2**20 + round(SLACK * (working + footprints))
