"""The light of a year on the cells of roof planes, for the raster layers."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.plane_light import plane_sums
from pipeline.grid.windows import LatticeCell, lattice_cells_of
from pipeline.methods.annual.horizons import PlaneCells, horizons, plane_cells
from pipeline.methods.annual.light import SquareLight, lying_on, received, square_light
from pipeline.methods.annual.rules import LAYOUTS
from pipeline.methods.annual.segments import Segments
from pipeline.methods.buildings import Measured
from pipeline.methods.climate.table import azimuths
from pipeline.methods.passes import Work

AT_ONCE = 4096  # cells, whose sums take 5 MB

Raster = NDArray[np.float32]


def cell_light(work: Work, measured: Measured, segments: Segments) -> Raster:
    """What each cell in a plane gets in a year [kWh/m2], and its view of the sky: (cells, 2), in
    the order of their spans. It has the light of the square that holds its building's centre."""
    context, p = work.context, work.context.p
    cells = plane_cells(segments, context.resolution, p.module_lift_m)
    values = np.full((len(cells.row), 2), np.nan, np.float32)
    squares = _squares(measured, segments, context.resolution)[cells.plane]
    for column, row in np.unique(squares, axis=0).tolist():
        light = square_light(context.climate, LatticeCell(column, row), p.directions)
        some = np.flatnonzero((squares == (column, row)).all(axis=1))
        values[some] = _of_square(work, segments, cells.take(some), light, p)
    return values


def _squares(measured: Measured, segments: Segments, resolution: float) -> NDArray[np.int64]:
    """Column and row of the square of the lattice that each plane's building has its centre in."""
    column, north = np.floor(measured.footprints.centre[segments.building] / resolution).T
    squares: NDArray[np.int64] = lattice_cells_of(
        (-north - 1).astype(np.int64), column.astype(np.int64), resolution
    )
    return squares


def _of_square(
    work: Work, segments: Segments, cells: PlaneCells, square: SquareLight, p: Any
) -> Raster:
    """What cells get, and their view of the sky, (cells, 2)."""
    receivers, gradient = lying_on(segments, square, p)
    least, layout = receivers.own_bins(len(square.table)), LAYOUTS.index(p.flat_layout)
    values = np.empty((len(cells.row), 2), np.float32)
    for at, bins in horizons(work, cells, gradient, azimuths(len(square.table))):
        for n in range(0, len(at), AT_ONCE):
            few = at[n : n + AT_ONCE]
            rows, here = receivers.of(cells.plane[few])  # each cell as a plane of its own
            each = np.arange(len(few))
            part = bins[n : n + AT_ONCE]
            sums = plane_sums(part, each, here.start, least[rows], square.table)
            months, view = received(here, sums, square, p)
            values[few] = np.column_stack([months[:, layout].sum(axis=1), view])
    return values
