"""Where the inputs end too near: rows that something unseen might change."""

import math
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.grid import Lattice, Window
from pipeline.methods.powermapping import Powermapping
from pipeline.outlines import Outlines
from pipeline.sun import suns
from pipeline.terrain import Terrain


def inputs_region(terrain: Terrain, bounds: NDArray[np.float64]) -> shapely.Geometry:
    """What is seen: the rasters' common ground within the bounding box of all footprints."""
    xmin, ymin = np.nanmin(bounds[:, :2], axis=0)
    xmax, ymax = np.nanmax(bounds[:, 2:], axis=0)
    common = shapely.intersection(terrain.ground, shapely.box(xmin, ymin, xmax, ymax))
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
    x, y = (column + 0.5) * resolution, -(row + 0.5) * resolution
    ends = _ray_ends(row, column, resolution, p)
    starts = np.repeat(np.column_stack([x, y])[:, None], ends.shape[1], axis=1)
    lines = shapely.linestrings(np.stack([starts, starts + ends], axis=2))
    return ~shapely.covers(region, lines).all(axis=1)


def _ray_ends(
    row: NDArray[np.int64], column: NDArray[np.int64], resolution: float, p: Powermapping
) -> NDArray[np.float64]:
    """(cells, suns, 2): how far the rays go eastward and northward [m]."""
    squares = [Lattice.of(int(r), int(c), resolution) for r, c in zip(row, column, strict=True)]
    vectors: dict[Lattice, Any] = {}
    for square in set(squares):
        vectors[square] = [
            (math.sin(s.azimuth) * length, math.cos(s.azimuth) * length)
            for s in suns(square, p.date, p.times, p.elevation)
            for length in [p.reach_height_m / math.tan(s.elevation)]
        ]
    ends = [vectors[square] for square in squares]
    return np.array(ends, np.float64).reshape(len(squares), len(p.times), 2)


def wind_cut(
    outlines: Outlines, region: shapely.Geometry, terrain: Terrain, p: Powermapping
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
