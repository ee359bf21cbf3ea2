"""The raster layers: of each cell its plane, what it gets in a year, and its view of the sky."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.planes import REST
from kernels.spans import cells_of
from pipeline.grid.windows import Window
from pipeline.methods.annual.cell_light import cell_light
from pipeline.methods.annual.segments import Segments, segments
from pipeline.methods.buildings import Measured
from pipeline.methods.passes import Block, Work

PLANE, SOLAR, SKY = "plane", "solar_kwh_m2", "sky_view"
LIGHT = (SOLAR, SKY)
OUTSIDE = {PLANE: 0, SOLAR: np.nan, SKY: np.nan}


def paint(work: Work, block: Block, measured: Measured, every: list[Segments]) -> None:
    """Paint the layers of a block: its own buildings and those of other blocks that reach into it,
    all of the area: of others the sheets may not be there; where some overlap, the lowest row."""
    part = block.core.intersect(work.raster_window)
    if not part.size:
        return
    nearby = work.context.prepared.read(part.bounds(work.context.resolution))
    beside = ~np.isin(nearby.place, block.footprints.place)
    others = work.measured(nearby.take(work.context.in_area(nearby) & beside))
    parts = [(measured, some) for some in every]
    parts += [(others, some) for some in segments(work, others, block.core)]
    painted = [_painted(work, of, some, part) for of, some in parts]
    layers = {
        name: np.full(part.size, OUTSIDE[name], work.layers[name].dtype) for name in work.layers
    }
    if painted:
        row, cell = (np.concatenate([each[n] for each in painted]) for n in (0, 1))
        order = np.argsort(-row, kind="stable")  # of several values the last stays
        for name, layer in layers.items():
            layer[cell[order]] = np.concatenate([each[2][name] for each in painted])[order]
    shape = part.height, part.width
    work.write_layers(part, {name: layer.reshape(shape) for name, layer in layers.items()})


def _painted(
    work: Work, measured: Measured, some: Segments, part: Window
) -> tuple[NDArray[Any], NDArray[Any], dict[str, NDArray[Any]]]:
    """The cells of buildings in a part of the ground: of each the row of its footprint, its place
    in an array of that part, and its value in each layer."""
    cells = cells_of(some.spans)
    row = cells.row + some.window.top - part.top
    column = cells.column + some.window.left - part.left
    inside = (row >= 0) & (row < part.height) & (column >= 0) & (column < part.width)
    footprint = measured.footprints.row[some.position[cells.footprint[inside]]]
    place = row[inside] * part.width + column[inside]
    values: dict[str, NDArray[Any]] = {PLANE: some.planes.number[inside]}
    if {*LIGHT} & {*work.layers}:
        light = np.full((len(row), len(LIGHT)), np.nan, np.float32)
        light[some.planes.number < REST] = cell_light(work, measured, some)
        values |= dict(zip(LIGHT, light[inside].T, strict=True))
    return footprint, place, values
