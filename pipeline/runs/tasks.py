"""One task a shard: read its windows, compute block by block, write, record."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.engine.tasks import Stop
from pipeline.errors import Stopped
from pipeline.footprints.footprints import Footprints
from pipeline.footprints.outlines import windows_of
from pipeline.grid.tile_masks import TileMask, enclosing
from pipeline.grid.windows import TILE, LatticeCell, Shard, Window, uniform_halo
from pipeline.heights.pair import PairReader
from pipeline.methods.powermapping import rules as powermapping
from pipeline.methods.powermapping.measure import measure
from pipeline.methods.powermapping.shade import (
    NOTHING,
    Blocks,
    Casters,
    Roofs,
    lit_cells,
    shade_block,
    wind_shadowed,
)
from pipeline.results.buildings import Told, rows_of
from pipeline.results.store import write_shard
from pipeline.runs.context import Context, judged
from pipeline.runs.judge import judge
from pipeline.runs.measured import Measured, Tables, joined_tops, tops_of
from pipeline.storage.ledger import MEASURE, RASTERS, SHADE

BESIDE = 2 * TILE  # cells around a block that are cast with it: few roofs reach farther


@dataclass
class Work:
    """A task in hand: its shard, what it reads from, what it paints, when it is to stop."""

    context: Context
    shard: Shard
    tables: Tables
    heights: PairReader
    painted: Window
    pictures: dict[str, NDArray[Any]]
    stop: Stop
    footprints: int = 0
    blocks: int = 0
    worked: int = 0
    each: list[dict[str, Any]] = field(default_factory=list)
    seen: Window = NOTHING
    standing: tuple[Footprints, Blocks] | None = None

    def go_on(self) -> None:
        """Raise Stopped if that is asked for."""
        if self.stop():
            raise Stopped

    @property
    def told(self) -> dict[str, Any]:
        """What is to be logged of the task, and each of its blocks."""
        return {
            "each": self.each,
            "footprints": self.footprints,
            "blocks": self.blocks,
            "skipped": self.blocks - self.worked,
            "cells": self.heights.cells_read,
            "own": self.heights.cells_own,
        }

    def each_block(self) -> Iterator[tuple[LatticeCell, Window]]:
        """The blocks of the shard, as long as nobody asks to stop."""
        layout = self.context.layout
        for block in layout.blocks(layout.window(self.shard), self.context.block):
            self.go_on()
            self.blocks += 1
            self.heights.take_up(block[1])
            before, began = (self.footprints, self.heights.cells_read), time.monotonic()
            yield block
            footprints, cells = self.footprints - before[0], self.heights.cells_read - before[1]
            self.worked += footprints + cells > 0
            seconds, first = round(time.monotonic() - began, 4), f"{block[1].top}_{block[1].left}"
            named = {"block": first, "seconds": seconds}
            self.each.append(named | {"footprints": footprints, "cells": cells})

    def around(self, window: Window) -> tuple[Footprints, Blocks]:
        """The footprints that touch a window and stand, and perhaps more, and the blocks that they
        are: those of a block's shadows do for its wind as well."""
        if self.standing is None or not self.seen.covers(window):
            radius = -(-self.context.p.wind_radius_m // self.context.layout.resolution)
            self.seen = window.grow(uniform_halo(int(radius)))
            self.standing = self.context.blocks(self.seen, self.tables)
        return self.standing

    def paint(self, part: Window, layers: dict[str, NDArray[Any]]) -> None:
        """Take over a block's part of the raster layers."""
        for name, values in layers.items():
            self.pictures[name][(..., *self.painted.slices(part))] = values


@contextmanager
def at_work(context: Context, shard: Shard, paints: bool, stop: Stop) -> Iterator[Work]:
    """Open the rasters; at the end the shard's raster layers are written, if it paints any."""
    context, layout = context.of_a_thread(), context.layout
    layers = context.layers if paints else []
    ground = layout.window(shard).intersect(layout.extent if layers else NOTHING)
    shape = ground.height, ground.width
    pictures = {x.name: np.full((*x.lead, *shape), x.fill, x.dtype) for x in layers}
    tables = Tables(context.ledger, layout)
    with context.terrain.heights() as heights:
        work = Work(context, shard, tables, heights, ground, pictures, stop)
        yield work
    work.go_on()  # of a run that is gone, nothing is written where another may be at work
    if ground.size:
        sums = write_shard(context.ledger.place(RASTERS), layout, layers, shard, pictures)
        context.ledger.record_chunks(shard.name, sums)


def measure_task(
    context: Context, shard: Shard, felt: TileMask, casters: Casters | None, *, stop: Stop
) -> dict[str, Any]:
    """Measure the footprints whose centre lies in a shard: those of the area, and what they feel.

    casters: of the measured surface. Its shadows are cast in this pass, and its layers painted.
    Answers what is to be logged.
    """
    found, tops = [], []
    with at_work(context, shard, casters is not None, stop) as work:
        for square, core in work.each_block():
            footprints, measured = _measure(work, core, felt)
            if casters is not None:
                measured = _cast(work, square, core, footprints, measured, casters)
            work.footprints += len(measured)
            found.append(measured)
            tops.append(tops_of(footprints, measured, context.layout.resolution))
    columns = Measured.joined(found).columns() | joined_tops(tops)
    context.ledger.record(MEASURE, shard.name, columns)
    return work.told


def shade_task(
    context: Context, shard: Shard, casters: Casters | None, *, stop: Stop
) -> dict[str, Any]:
    """The verdicts of the area's footprints whose centre lies in a shard.

    casters: of the extruded surface. Its shadows are cast in this pass, and its layers painted.
    Answers what is to be logged.
    """
    rows, told = [], Told()
    with at_work(context, shard, casters is not None, stop) as work:
        own = work.tables.of(shard)
        for square, core in work.each_block():
            footprints = context.owned(core) if len(own) else context.prepared.read(groups=())
            at, measured = work.tables.known(footprints)
            footprints = footprints.take(at[measured.asked])
            measured = measured.take(measured.asked)
            work.footprints += len(measured)
            if casters is not None:
                measured = _cast(work, square, core, footprints, measured, casters)
            if len(measured):
                shadowed = _sheltered(work, footprints, measured)
                verdicts = judge(work.context, footprints, measured, shadowed, told)
                rows.append(rows_of(footprints, verdicts, context.p))
    context.ledger.record_rows(SHADE, shard.name, told.beside(rows))
    return work.told


def _measure(work: Work, core: Window, felt: TileMask) -> tuple[Footprints, Measured]:
    """A block's own footprints, and all that is to know of them."""
    context, p = work.context, work.context.p
    footprints = context.owned(core)
    asked = context.asked(footprints)
    wanted = asked | felt.touch(windows_of(footprints.bounds, context.layout.resolution))
    footprints, asked = footprints.take(wanted), asked[wanted]
    outlines = context.outlines(footprints)
    measures = measure(work.heights, outlines, p, work.stop)
    reason = powermapping.reject(context.facts(footprints, measures.roof, measures.ground), p)
    dark, none = np.zeros(len(footprints), np.uint8), np.zeros(len(footprints), np.int64)
    return footprints, Measured(footprints.place, measures, reason, asked, dark, none)


def _cast(
    work: Work,
    square: LatticeCell,
    core: Window,
    footprints: Footprints,
    measured: Measured,
    casters: Casters,
) -> Measured:
    """With the shadows on a block's own footprints; the block is painted."""
    context, resolution = work.context, work.context.layout.resolution
    roofs = Roofs.of(context.outlines(footprints), measured, judged(measured), context.p)
    shadow, lit = measured.shadow.copy(), measured.lit_cells.copy()
    for sun_square, part, painted in _parts(work, square, core, roofs):
        here, towards = roofs.within(part), context.suns(sun_square)
        needed, bare = casters.felt(painted, here, towards, resolution)
        blocks = Blocks.none(resolution)
        if not context.casts_at_once:
            _, blocks = work.around(part.union(needed.window))
        names = tuple(work.pictures)
        done = shade_block(
            sun_square, part, painted, needed, bare, work.heights, blocks, context.p, names
        )
        work.paint(painted, done.layers)
        decided = here.decided_in(part)
        place = here.row[decided] - part.top, here.column[decided] - part.left
        shadow[here.position[decided]] = done.shadow[place]
        lit[here.position] += lit_cells(done.shadow, part, here, work.heights, context.p)
    return replace(measured, shadow=shadow, lit_cells=lit)


def _parts(
    work: Work, square: LatticeCell, core: Window, roofs: Roofs
) -> Iterator[tuple[LatticeCell, Window, Window]]:
    """What is to be cast of a block: windows that hold each cell of its roofs once, with the square
    whose suns they have, and what is painted in each. First the block's own ground, with what of
    its roofs lies near it; then block by block what lies farther away or in another square."""
    layout, inputs = work.context.layout, work.context.terrain.window
    painted = core.intersect(work.painted).intersect(inputs)
    near = core.grow(uniform_halo(BESIDE)).intersect(square.window(layout.resolution))
    home = painted.union(roofs.within(near.intersect(inputs)).window)
    if home.size:
        yield square, home, painted
    for strip in roofs.window.intersect(inputs).without(home):
        for other, part in layout.blocks(strip, work.context.block):
            window = roofs.within(part).window
            if window.size:
                work.go_on()
                yield other, window, NOTHING


def _sheltered(work: Work, footprints: Footprints, measured: Measured) -> NDArray[np.bool_]:
    """Which of a block's own candidates stand in the wind shadow of another building."""
    context, p = work.context, work.context.p
    facts = context.facts(footprints, measured.measures.roof, measured.measures.ground)
    candidates = np.flatnonzero(powermapping.is_candidate(facts, measured.reason, p))
    shadowed = np.zeros(len(footprints), np.bool_)
    if not len(candidates):
        return shadowed
    windows = windows_of(footprints.bounds, context.layout.resolution, p.wind_radius_m)
    near, blocks = work.around(enclosing(windows[candidates]))
    at = np.searchsorted(near.place, footprints.place[candidates])
    for i, own in zip(candidates, at, strict=True):
        work.go_on()
        shadowed[i] = wind_shadowed(blocks.take(own[None]), blocks, work.heights, p)
    return shadowed
