"""The flag `reach_cut`: rows that something beyond the inputs might change."""

import math

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.footprints.outlines import Outlines
from pipeline.grid.windows import LatticeCell, Window, lattice_cells_of
from pipeline.heights.pair import HeightPair
from pipeline.methods.buildings import Measured
from pipeline.methods.context import Context
from pipeline.methods.powermapping.rules import Powermapping, suns_of


def reach_cut(
    context: Context, measured: Measured, candidate: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Whether something beyond the inputs might change each row: by its shadow, or as shelter of a
    candidate for wind."""
    m, region, p = measured, context.region, context.p
    cut = np.zeros(len(m), np.bool_)
    roofs, high = np.flatnonzero(m.cells > 0), np.flatnonzero(candidate)
    cut[roofs] = sun_cut(m.row[roofs], m.column[roofs], region, m.resolution, p)
    cut[high] |= wind_cut(m.outlines.take(high), region, context.terrain, p)
    return cut


def sun_cut(
    row: NDArray[np.int64],
    column: NDArray[np.int64],
    region: shapely.Geometry,
    resolution: float,
    p: Powermapping,
) -> NDArray[np.bool_]:
    """Whether, from the centres of these deciding cells towards a sun, the region ends before the
    ray has climbed `reach_height_m`."""
    start = np.column_stack([(column + 0.5) * resolution, -(row + 0.5) * resolution])
    starts = np.repeat(start[:, None], len(p.times), axis=1)
    ends = starts + _ray_ends(row, column, resolution, p)
    if shapely.covers(region, shapely.box(*_around(starts, ends))):  # so it is in most blocks
        return np.zeros(len(row), np.bool_)
    lines = shapely.linestrings(np.stack([starts, ends], axis=2))
    return ~shapely.covers(region, lines).all(axis=1)


def _around(*points: NDArray[np.float64]) -> list[float]:
    """xmin, ymin, xmax, ymax of points."""
    every = np.concatenate([each.reshape(-1, 2) for each in points])
    return [*every.min(axis=0, initial=np.inf), *every.max(axis=0, initial=-np.inf)]


def _ray_ends(
    row: NDArray[np.int64], column: NDArray[np.int64], resolution: float, p: Powermapping
) -> NDArray[np.float64]:
    """(cells, suns, 2): eastward and northward lengths of the rays [m]."""
    squares, which = np.unique(
        lattice_cells_of(row, column, resolution), axis=0, return_inverse=True
    )
    vectors = [
        [
            (math.sin(s.azimuth) * length, math.cos(s.azimuth) * length)
            for s in suns_of(LatticeCell(*square), p)
            for length in [p.reach_height_m / math.tan(s.elevation)]
        ]
        for square in squares.tolist()
    ]
    return np.array(vectors, np.float64).reshape(-1, len(p.times), 2)[which.reshape(-1)]


def wind_cut(
    outlines: Outlines, region: shapely.Geometry, terrain: HeightPair, p: Powermapping
) -> NDArray[np.bool_]:
    """Whether the region ends within the radius of an own cell of each candidate."""
    r = outlines.resolution
    boxes = outlines.windows()
    grown = shapely.box(
        boxes[:, 1] * r - p.wind_radius_m,
        -boxes[:, 2] * r - p.wind_radius_m,
        boxes[:, 3] * r + p.wind_radius_m,
        -boxes[:, 0] * r + p.wind_radius_m,
    )
    cut = ~shapely.covers(region, grown)
    for i in np.flatnonzero(cut):  # at the border: cell by cell
        one = outlines.take(np.array([i]))
        window = Window.between(*(int(v) for v in boxes[i])).intersect(terrain.window)
        cells = one.cells(window, terrain.mask(window))
        x = (window.left + cells.column + 0.5) * r
        y = -(window.top + cells.row + 0.5) * r
        away = shapely.distance(shapely.points(x, y), region.boundary)
        inside = shapely.intersects_xy(region, x, y)
        cut[i] = bool((~inside | (away < p.wind_radius_m)).any())
    return cut
