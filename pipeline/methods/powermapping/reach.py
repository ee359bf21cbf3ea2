"""Where the inputs end too near: rows that something unseen might change."""

import math

import numpy as np
import shapely
from numpy.typing import NDArray

from kernels.shadow import Halo, Sun, shadow_halo
from pipeline.footprints.outlines import Outlines
from pipeline.grid.sun import suns
from pipeline.grid.windows import (
    LatticeCell,
    Window,
    enclosing_halo,
    lattice_cells_of,
    uniform_halo,
)
from pipeline.heights.pair import HeightPair
from pipeline.heights.relief import HIGHEST_M, LOWEST_M
from pipeline.methods.powermapping.rules import Powermapping

ANYWHERE = 10**6  # cells: the country has fewer along a side


def farthest(towards: list[Sun], p: Powermapping, resolution: float) -> Halo:
    """How far around an area anything that stands in the country could matter to it [cells]."""
    near = uniform_halo(math.ceil(max(p.wind_radius_m, p.ground_ring_m) / resolution) + 2)
    return enclosing_halo([near, farthest_shadow(towards, LOWEST_M, HIGHEST_M, resolution)])


def farthest_shadow(towards: list[Sun], lowest: float, highest: float, resolution: float) -> Halo:
    """How far a shadow can come from between two heights [m], by any of some suns, which may be
    none [cells]."""
    shadows = [shadow_halo(lowest, highest, sun, resolution, ANYWHERE) for sun in towards]
    return enclosing_halo([uniform_halo(0), *shadows])


def inputs_region(ground: shapely.Geometry, bounds: tuple[float, ...]) -> shapely.Geometry:
    """What is seen: the rasters' common ground within the bounding box of all footprints."""
    common = shapely.intersection(ground, shapely.box(*bounds))
    parts = shapely.get_parts(common)  # lines too, where parts of it only touch: they hold nothing
    region = shapely.union_all(parts[shapely.get_type_id(parts) == 3])
    shapely.prepare(region)
    return region


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
    if shapely.covers(region, shapely.box(*_around(starts, ends))):  # as of most blocks
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
    """(cells, suns, 2): how far the rays go eastward and northward [m]."""
    squares, which = np.unique(
        lattice_cells_of(row, column, resolution), axis=0, return_inverse=True
    )
    vectors = [
        [
            (math.sin(s.azimuth) * length, math.cos(s.azimuth) * length)
            for s in suns(LatticeCell(*square), p.date, p.times, p.elevation)
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
    for i in np.flatnonzero(cut):  # near the border: cell by cell
        one = outlines.take(np.array([i]))
        window = Window.between(*(int(v) for v in boxes[i])).intersect(terrain.window)
        cells = one.cells(window, terrain.mask(window))
        x = (window.left + cells.column + 0.5) * r
        y = -(window.top + cells.row + 0.5) * r
        away = shapely.distance(shapely.points(x, y), region.boundary)
        inside = shapely.intersects_xy(region, x, y)
        cut[i] = bool((~inside | (away < p.wind_radius_m)).any())
    return cut
