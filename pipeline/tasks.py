"""One task a shard: read its windows, compute block by block, write, record."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.buildings import Told, rows_of
from pipeline.context import Context, judged
from pipeline.errors import Stopped
from pipeline.footprints import Footprints
from pipeline.grid import TILE, Lattice, Shard, Window, same_on_all_sides, squares_of
from pipeline.judge import judge
from pipeline.ledger import MEASURE, RASTERS, SHADE
from pipeline.measured import Measured, Tables, joined_tops, tops_of
from pipeline.methods import powermapping
from pipeline.methods.measure import measure
from pipeline.methods.shade import Blocks, Casters, Roofs, Shaded, shade_block, wind_shadowed
from pipeline.outlines import windows_of
from pipeline.store import write_shard
from pipeline.terrain import Heights
from pipeline.tiles import Marks, enclosing
from pipeline.underway import Stop

NOTHING = Window(0, 0, 0, 0)


@dataclass
class Work:
    """A task in hand: its shard, what it reads from, what it paints, when it is to stop."""

    context: Context
    shard: Shard
    tables: Tables
    heights: Heights
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

    def each_block(self) -> Iterator[tuple[Lattice, Window]]:
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
            self.seen = window.grow(same_on_all_sides(int(radius)))
            self.standing = self.context.blocks(self.seen, self.tables)
        return self.standing

    def paint(self, core: Window, done: Shaded) -> None:
        """Take over a block's part of the raster layers."""
        part = core.intersect(self.painted)
        if part.size:
            for name, picture in self.pictures.items():
                values = done.layer(name)[(..., *core.slices(part))]
                picture[(..., *self.painted.slices(part))] = values


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
    context: Context, shard: Shard, felt: Marks, casters: Casters | None, *, stop: Stop
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
                measured = _cast(work, square, core, measured, casters)
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
                measured = _cast(work, square, core, measured, casters)
            if len(measured):
                shadowed = _sheltered(work, footprints, measured)
                verdicts = judge(work.context, footprints, measured, shadowed, told)
                rows.append(rows_of(footprints, verdicts, context.p))
    context.ledger.record_rows(SHADE, shard.name, told.beside(rows))
    return work.told


def _measure(work: Work, core: Window, felt: Marks) -> tuple[Footprints, Measured]:
    """A block's own footprints, and all that is to know of them."""
    context, p = work.context, work.context.p
    footprints = context.owned(core)
    asked = context.asked(footprints)
    wanted = asked | felt.touch(windows_of(footprints.bounds, context.layout.resolution))
    footprints, asked = footprints.take(wanted), asked[wanted]
    outlines = context.outlines(footprints)
    measures = measure(work.heights, outlines, p, work.stop)
    reason = powermapping.reject(context.facts(footprints, measures.roof, measures.ground), p)
    dark = np.zeros(len(footprints), np.uint8)
    return footprints, Measured(footprints.place, measures, reason, asked, dark)


def _cast(
    work: Work, square: Lattice, core: Window, measured: Measured, casters: Casters
) -> Measured:
    """With the shadows at the deciding cells of a block's own footprints; the block is painted."""
    context, resolution = work.context, work.context.layout.resolution
    roofs = Roofs.of(measured, judged(measured), context.p)
    shadow = measured.shadow.copy()
    for sun_square, part, here in _parts(work, square, core, roofs):
        asking, towards = roofs.take(here), context.suns(sun_square)
        needed, bare = casters.felt(part.intersect(work.painted), asking, towards, resolution)
        blocks = Blocks.none(resolution)
        if not context.casts_at_once:
            _, blocks = work.around(part.union(needed.window))
        names = tuple(work.pictures)
        done = shade_block(sun_square, part, needed, bare, work.heights, blocks, context.p, names)
        work.paint(part, done)
        place = asking.row - part.top, asking.column - part.left
        shadow[asking.position] = done.shadow[place]
    return replace(measured, shadow=shadow)


def _parts(
    work: Work, square: Lattice, core: Window, roofs: Roofs
) -> Iterator[tuple[Lattice, Window, NDArray[np.int64]]]:
    """What is to be cast of a block: the ground that is painted and the deciding cells in it; and
    tile by tile those that lie beyond, with whose square's sun, and which roofs."""
    context = work.context
    painted = core.intersect(work.painted).intersect(context.terrain.window)
    row, column = roofs.row, roofs.column
    inside = (row >= core.top) & (row < core.bottom)
    inside &= (column >= core.left) & (column < core.right)
    here = np.flatnonzero(inside)
    part = painted.union(roofs.take(here).window)
    if part.size:
        yield square, part, here
    strays = np.flatnonzero(~inside)
    tiles = np.column_stack([row, column])[strays] // TILE
    squares = squares_of(row[strays], column[strays], context.layout.resolution)
    keys, which = np.unique(np.hstack([squares, tiles]), axis=0, return_inverse=True)
    for i, key in enumerate(keys.tolist()):
        here = strays[which.reshape(-1) == i]
        yield Lattice(*key[:2]), roofs.take(here).window, here


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
