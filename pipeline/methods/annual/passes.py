"""The one pass: heights, planes, and what they give; and the raster layer of planes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.spans import cells_of
from pipeline.grid.windows import Window
from pipeline.methods.annual.light import light_of, square_light
from pipeline.methods.annual.rules import convergence_of
from pipeline.methods.annual.schemes import best_of
from pipeline.methods.annual.segments import Segments, segments
from pipeline.methods.annual.table import (
    buildings_of,
    by_building,
    columns_of,
    flags_of,
    planes_of,
    spread,
)
from pipeline.methods.buildings import Judged, Measured
from pipeline.methods.passes import Block, Pass, Work

ROOFS, LAYER = "roofs", "plane"
OUTSIDE = 0  # of the layer


def judge_block(work: Work, block: Block) -> Judged:
    """The verdicts of a block's buildings, and its part of the raster layer."""
    measured = work.measured(block.footprints)
    every = [*segments(work, measured, block.core)]
    if work.layers:
        paint(work, block, measured, every)
    if not every:
        return Judged.nothing(measured)
    climate, p, n = work.context.climate, work.context.p, len(measured)
    square, north = square_light(climate, block.square, p.directions), convergence_of(block.square)
    best = best_of(climate, block.square, p.directions, p.albedo)
    lit = [(some, light_of(work, block, some, square, p)) for some in every]
    planes = by_building([planes_of(*each, measured, north, best, p) for each in lit])
    cells = spread(by_building([buildings_of(*each) for each in lit]), n)
    columns = columns_of(planes, cells, n)
    classes = np.where(columns["solar_suitable"], "solar", "none")
    return Judged(measured, classes, columns, flags_of(cells))


def paint(work: Work, block: Block, measured: Measured, every: list[Segments]) -> None:
    """Paint the layer of a block: its own buildings and those of other blocks that reach into it,
    all of the area: of others the sheets may not be there; where some overlap, the lowest row."""
    part = block.core.intersect(work.raster_window)
    if not part.size:
        return
    nearby = work.context.prepared.read(part.bounds(work.context.resolution))
    beside = ~np.isin(nearby.place, block.footprints.place)
    others = work.measured(nearby.take(work.context.in_area(nearby) & beside))
    parts = [(measured, some) for some in every]
    parts += [(others, some) for some in segments(work, others, block.core)]
    layer = np.full(part.size, OUTSIDE, np.uint8)
    if parts:
        painted = [_painted(of, some, part) for of, some in parts]
        row, cell, number = (np.concatenate(each) for each in zip(*painted, strict=True))
        order = np.argsort(-row, kind="stable")  # of several values the last stays
        layer[cell[order]] = number[order]
    work.write_layers(part, {LAYER: layer.reshape(part.height, part.width)})


def _painted(measured: Measured, some: Segments, part: Window) -> tuple[NDArray[Any], ...]:
    """The cells of buildings in a part of the ground: of each the row of its footprint, its place
    in an array of that part, and the number of its plane."""
    cells = cells_of(some.spans)
    row = cells.row + some.window.top - part.top
    column = cells.column + some.window.left - part.left
    inside = (row >= 0) & (row < part.height) & (column >= 0) & (column < part.width)
    footprint = measured.footprints.row[some.position[cells.footprint[inside]]]
    place = row[inside] * part.width + column[inside]
    return footprint, place, some.planes.number[inside]


PASSES = (Pass(ROOFS, judge_block),)
