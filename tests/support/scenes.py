"""What the kernels' tests share: ground with houses on it, boxes with their exact shadow, suns."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import numba
import numpy as np
import shapely
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from shapely.affinity import rotate, translate

from kernels.shadow import Grid, Sun, shadow_reach
from pipeline.grid.windows import Window
from tests.support import reference

NUMBA: Any = numba.config
COMPILED = not NUMBA.DISABLE_JIT
HERE = Grid(1.0, 0, 0)
SEEDS = st.integers(0, 2**32 - 1)
SPIKES = (np.nan, -3e38, -7.3, -0.0, 0.0, 0.1, 1.0, 3.0, 12.34, 322.7, 3e38)
Mask = NDArray[np.bool_]
Raster = NDArray[np.float32]


def examples(most: int) -> settings:
    """At most so many examples; a fourth where the kernels run uncompiled."""
    return settings(max_examples=most if COMPILED else most // 4)


def degrees(towards: reference.Sun) -> Sun:
    """A sun in degrees, as the kernels take it."""
    return Sun(math.radians(towards.azimuth), math.radians(towards.elevation))


def suns(lowest: float = 0.001, highest: float = 89.999) -> st.SearchStrategy[reference.Sun]:
    """Suns as they are printed, to 0.001 degree; in all octants and on their borders, and at the
    lowest and the highest elevation more often than chance would have it."""
    azimuths = st.integers(0, 359_999).map(lambda n: n / 1000)
    steps = st.integers(math.ceil(lowest * 1000), math.floor(highest * 1000))
    elevations = steps.map(lambda n: n / 1000) | st.sampled_from([lowest, highest])
    borders = st.sampled_from([n + off for n in range(0, 360, 45) for off in (0.0, 0.01, 0.4)])
    return st.builds(reference.Sun, azimuths | borders, elevations)


def odd_rasters() -> st.SearchStrategy[Raster]:
    """Small ones of any shape: one cell, one row, one column, all NaN, spikes, -0.0."""
    shapes = hnp.array_shapes(min_dims=2, max_dims=2, max_side=9)
    return hnp.arrays(np.float32, shapes, elements=st.sampled_from(SPIKES).map(np.float32))


class Sight(NamedTuple):
    """A raster somewhere, and a sun [degree]."""

    height: Raster
    sun: reference.Sun
    grid: Grid

    @property
    def window(self) -> Window:
        """Where the raster lies, counted from the anchor."""
        return Window(-self.grid.row - 1, self.grid.column, *self.height.shape)


def houses(seed: int, rows: int, columns: int, holes: bool = True) -> Raster:
    """Rolling ground, partly below zero, with houses and towers and (`holes`) without data here
    and there [m]; at least one cell has data."""
    rng = np.random.default_rng(seed)
    i, j = np.indices((rows, columns))
    ground = 6 * np.sin(i / rng.uniform(20, 90)) * np.cos(j / rng.uniform(20, 90))
    height = ground + rng.uniform(-6, 40) + rng.normal(0, 0.05, ground.shape)
    for kind in range(rows * columns // 200):
        top, left, deep, wide = rng.integers((rows, columns, 12, 12))
        block = slice(top, top + deep + 1), slice(left, left + wide + 1)
        nothing = holes and kind % 5 == 0
        height[block] = np.nan if nothing else height[block].max() + rng.gamma(1.5, 6)
    height[rows // 2, columns // 2] = 0.5
    return height.astype(np.float32)


def terrains(rows: int = 40, columns: int = 70) -> st.SearchStrategy[Raster]:
    """Any houses; by default wider than the strips in which columns are swept."""
    return SEEDS.map(lambda seed: houses(seed, rows, columns))


def sights(rasters: st.SearchStrategy[Raster]) -> st.SearchStrategy[Sight]:
    """Any sun over the rasters, anywhere."""
    sizes, places = st.sampled_from([0.5, 1.0, 5.0]), st.integers(-30_000, 30_000)
    return st.builds(Sight, rasters, suns(), st.builds(Grid, sizes, places, places))


@dataclass(frozen=True)
class Scene:
    """A box on the flat, on cells of 1 m. box, cover: its footprint, and that with its shadow [m];
    height: the raster; points: the cells' centres [m]; outside: those not on the box; truth: those
    in the shadow."""

    box: shapely.Polygon
    cover: shapely.Polygon
    height: Raster
    points: NDArray[np.object_]
    outside: Mask
    truth: Mask
    towards: Sun
    grid: Grid


def scene(box: shapely.Polygon, towards: Sun, high: float, grid: Grid = HERE) -> Scene:
    """A box about the middle of a square that holds its shadow."""
    reach = shadow_reach(high, towards.elevation)
    east, north = -reach * math.sin(towards.azimuth), -reach * math.cos(towards.azimuth)
    cover = shapely.union(box, translate(box, east, north)).convex_hull
    half = math.ceil(max(map(abs, cover.bounds))) + 3
    x, y = np.meshgrid(np.arange(-half, half) + 0.5, np.arange(half, -half, -1) - 0.5)
    inside = shapely.contains_xy(box, x, y)
    truth = shapely.contains_xy(cover, x, y) & ~inside
    height = np.where(inside, np.float32(high), np.float32(0))
    points = shapely.points(x, y)
    return Scene(box, cover, height, points, ~inside, truth, towards, grid)


@cache
def rotated_boxes(n: int) -> list[Scene]:
    """Boxes of any size and direction on any anchor, under any sun."""
    rng = np.random.default_rng(2025)
    scenes = []
    for _ in range(n):
        wide, long, reach = rng.uniform((6, 6, 10), (18, 18, 40))
        box = rotate(shapely.box(-wide / 2, -long / 2, wide / 2, long / 2), rng.uniform(0, 180))
        towards = Sun(rng.uniform(0, 2 * math.pi), rng.uniform(0.05, 1.2))
        high = reach * math.tan(towards.elevation)
        grid = Grid(1.0, *(int(k) for k in rng.integers(-5000, 5000, 2)))
        scenes.append(scene(translate(box, *rng.uniform(0, 1, 2)), towards, high, grid))
    return scenes


def march(s: Scene) -> Mask:
    """The peers' way: from each cell towards the sun, a quarter cell a step, over the surface
    between the cells' centres."""
    i, j = np.indices(s.height.shape, float)
    found = np.zeros(s.height.shape, bool)
    for step in np.arange(0.25, shadow_reach(s.height.max(), s.towards.elevation), 0.25):
        y = np.clip(i - step * math.cos(s.towards.azimuth), 0, len(i) - 1.001)
        x = np.clip(j + step * math.sin(s.towards.azimuth), 0, len(i) - 1.001)
        down, east = y.astype(int), x.astype(int)
        north, south = (
            s.height[row, east] * (1 - x + east) + s.height[row, east + 1] * (x - east)
            for row in (down, down + 1)
        )
        ray = step * math.tan(s.towards.elevation)
        found |= north * (1 - y + down) + south * (y - down) > s.height + ray
    return found


def tiles(window: Window, seed: int) -> Iterator[Window]:
    """A window cut to pieces, anywhere."""
    rng = np.random.default_rng(seed)
    down = np.unique([0, window.height, *rng.integers(0, window.height, 3)]) + window.top
    along = np.unique([0, window.width, *rng.integers(0, window.width, 3)]) + window.left
    for top, bottom in pairwise(down.tolist()):
        for left, right in pairwise(along.tolist()):
            yield Window.between(top, left, bottom, right)
