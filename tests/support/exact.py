"""What shadows are held against: the exact ones of houses on the flat, plain marches, and the sweep
a cell at a time as it is written down. Cells are 1 m."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from kernels.shadow import Grid, Sun, shadow_reach

Mask = NDArray[np.bool_]
Raster = NDArray[np.float32]
QUARTER = 0.25


class House(NamedTuple):
    """A ridge roof, or, with ridge and eaves alike, a box. Its middle, its sides across and along
    the ridge, the ridge's direction (anticlockwise from north), the heights [m, rad]."""

    x: float
    y: float
    across: float
    along: float
    turn: float
    eaves: float
    ridge: float

    def height(self, x: Any, y: Any) -> Any:
        """Of the solid over any points; 0 on the ground."""
        cosine, sine = math.cos(self.turn), math.sin(self.turn)
        x, y = x - self.x, y - self.y
        across, along = abs(x * cosine + y * sine), abs(y * cosine - x * sine)
        inside = (across <= self.across / 2) & (along <= self.along / 2)
        return inside * (self.ridge - (self.ridge - self.eaves) * 2 * across / self.across)

    def cover(self, sun: Sun) -> shapely.Polygon:
        """The ground under it and in its shadow: the hull of its corners, thrown from the sun."""
        half, end, eaves, ridge = self.across / 2, self.along / 2, self.eaves, self.ridge
        walls = [(u, v, z) for u in (-half, half) for v in (-end, end) for z in (0.0, eaves)]
        u, v, z = np.array([*walls, (0.0, -end, ridge), (0.0, end, ridge)]).T
        cosine, sine, reach = math.cos(self.turn), math.sin(self.turn), z / math.tan(sun.elevation)
        x = self.x + u * cosine - v * sine - reach * math.sin(sun.azimuth)
        y = self.y + u * sine + v * cosine - reach * math.cos(sun.azimuth)
        return shapely.MultiPoint(np.column_stack([x, y])).convex_hull


class Site(NamedTuple):
    """Houses on the flat. cover: the ground under them and in their shadow; height: the raster;
    points: the cells' centres; ground: the cells off the houses; truth: those in the cover."""

    sun: Sun
    grid: Grid
    cover: shapely.Geometry
    height: Raster
    points: NDArray[np.object_]
    ground: Mask
    truth: Mask


def site(houses: list[House], sun: Sun, grid: Grid) -> Site:
    """The smallest raster that holds the houses and their shadows."""
    cover = shapely.union_all([house.cover(sun) for house in houses])
    west, south, east, north = np.round(cover.buffer(3).bounds)
    x, y = np.meshgrid(np.arange(west, east) + 0.5, np.arange(north, south, -1) - 0.5)
    height = np.max([house.height(x, y) for house in houses], axis=0).astype(np.float32)
    truth = shapely.contains_xy(cover, x, y)
    return Site(sun, grid, cover, height, shapely.points(x, y), height == 0, truth)


def march(height: Raster, sun: Sun) -> Mask:
    """The peers' way: from each cell towards the sun, a quarter cell a step, over the surface that
    is bilinear between the cells' centres and 0 beyond them."""
    z, found = np.pad(height.astype(float), 1), np.zeros(height.size, np.bool_)
    rows, columns = np.indices(height.shape).reshape(2, -1) + 1.0
    reach = shadow_reach(float(height.max()), sun.elevation)
    for away in np.arange(QUARTER, reach, QUARTER):
        y, x = rows - away * math.cos(sun.azimuth), columns + away * math.sin(sun.azimuth)
        within = (y >= 0) & (y < len(z) - 1) & (x >= 0) & (x < z.shape[1] - 1)
        left = np.flatnonzero(within & ~found)
        i, j = y[left].astype(int), x[left].astype(int)
        south, east = y[left] - i, x[left] - j
        upper = z[i, j] * (1 - east) + z[i, j + 1] * east
        lower = z[i + 1, j] * (1 - east) + z[i + 1, j + 1] * east
        surface, ray = upper * (1 - south) + lower * south, away * math.tan(sun.elevation)
        found[left] = surface > height.flat[left] + ray
    return found.reshape(height.shape)


def axis_march(height: Raster, quarter: int, drop: float) -> NDArray[np.float64]:
    """UMEP's way for the suns at 0, 90, 180 and 270 degrees: the surface shifted away from the sun
    a cell at a time and lowered by so many drops. Returns by how much the highest of these stands
    above each cell [m]; above 0 the cell is shaded."""
    facing = np.rot90(height, quarter).astype(float)  # the sun stands in the north
    above = np.full(facing.shape, -np.inf)
    for k in range(1, len(facing)):
        above[k:] = np.fmax(above[k:], facing[:-k] - k * drop)
    return np.rot90(above - facing, -quarter)


def by_definition(height: Raster, sun: Sun, grid: Grid) -> Mask:
    """Which cells are shaded: each ray, a line of cells, carries the height of its shadow away from
    the sun. A cell without data is not."""
    found = np.zeros(height.shape, np.bool_)
    cosine, sine = math.cos(sun.azimuth), math.sin(sun.azimuth)
    step = grid.resolution / max(abs(cosine), abs(sine))
    drop = np.float32(step * math.tan(sun.elevation))
    carried: dict[int, np.float32] = {}
    for i, j, ray in _away_from_the_sun(height.shape, sun, grid):
        brought = carried.get(ray, np.float32(-np.inf)) - drop
        found[i, j] = brought > height[i, j]
        carried[ray] = np.fmax(brought, height[i, j])
    return found


def _away_from_the_sun(
    shape: tuple[int, ...], sun: Sun, grid: Grid
) -> Iterator[tuple[int, int, int]]:
    """The cells from row to row, or from column to column, and the ray on which each lies."""
    cosine, sine = math.cos(sun.azimuth), math.sin(sun.azimuth)
    southward = range(shape[0]) if cosine > 0 else range(shape[0] - 1, -1, -1)
    eastward = range(shape[1]) if sine < 0 else range(shape[1] - 1, -1, -1)
    if abs(cosine) >= abs(sine):
        for i in southward:
            shift = round(math.tan(sun.azimuth) * (grid.row - i))  # half to even
            yield from ((i, j, grid.column + j - shift) for j in eastward)
    else:
        for j in eastward:
            shift = round(1 / math.tan(sun.azimuth) * (grid.column + j))
            yield from ((i, j, grid.row - i - shift) for i in southward)
