"""Cast shadow by a sweep along the sun; how far a shadow reaches.

A ray is a line of cells, one a row: column = k + rint(tan(A) row), with rows and columns counted
from an anchor that does not depend on the array. It carries one number away from the sun: the
height of the shadow. So the cost does not depend on the shadow's length, and the inner loop runs
over the rays of a row, which lie side by side in memory.
"""

import math
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels.check import as_raster, refuse_infinite
from kernels.sweep import LIT, NO_DATA, Walk, sweep_columns, sweep_rows

MOST_SUNS = 7


class Sun(NamedTuple):
    """Where the sun stands: grid azimuth, clockwise from grid north, and elevation [rad]."""

    azimuth: float
    elevation: float


class Grid(NamedTuple):
    """Where a north-up array lies: cell size [m]; of its north-western cell the row, counted
    *northward*, and the column, counted eastward, from the anchor of the sweep. A block of it that
    begins at cell (i, j) has row - i and column + j."""

    resolution: float
    row: int
    column: int


class Halo(NamedTuple):
    """Cells to add on each side."""

    north: int
    east: int
    south: int
    west: int


def walks_rows(sun: Sun) -> bool:
    """Whether the sweep goes from row to row (else from column to column)."""
    return abs(math.cos(sun.azimuth)) >= abs(math.sin(sun.azimuth))


def shadow_drop(sun: Sun, resolution: float) -> float:
    """How much a shadow sinks in one step of the sweep [m]."""
    step = resolution / max(abs(math.cos(sun.azimuth)), abs(math.sin(sun.azimuth)))
    return step * math.tan(sun.elevation)


def shadow_reach(relief: float, elevation: float) -> float:
    """Length of the shadow of something `relief` higher than the ground it falls on [m]."""
    return relief / math.tan(elevation)


def shadow_halo(lowest: float, highest: float, sun: Sun, resolution: float, limit: int) -> Halo:
    """Cells towards one sun that can matter to a block, at most `limit` a side; for several suns
    take the most of each side. Exact if `limit` is not reached, or the data end there.

    lowest, highest: of the surface, block and halo, or any bounds of it [m]. Every subtraction of
    the sweep may round half a unit in the last place of float32 upwards, so a step is counted as
    that much shorter; one cell more covers the rounding of the reach itself.
    """
    drop = shadow_drop(sun, resolution)
    largest = np.float32(max(abs(lowest), abs(highest)))
    sure = drop * (1 - 2.0**-23) - float(np.spacing(largest)) / 2
    steps = limit if sure * limit <= highest - lowest else math.ceil((highest - lowest) / sure) + 1
    sine, cosine = math.sin(sun.azimuth), math.cos(sun.azimuth)
    longer = max(abs(sine), abs(cosine))
    down = min(limit, math.ceil(steps * abs(cosine) / longer) + 1)
    across = min(limit, math.ceil(steps * abs(sine) / longer) + 1)
    return Halo(
        north=down if cosine > 0 else 1,
        east=across if sine > 0 else 1,
        south=down if cosine < 0 else 1,
        west=across if sine < 0 else 1,
    )


def _direction_of(sun: Sun) -> tuple[bool, bool, bool]:
    """How the rays of a sun walk: by_rows, backwards, downwards (see Walk)."""
    north, east = math.cos(sun.azimuth), math.sin(sun.azimuth)
    if walks_rows(sun):
        return True, north < 0, False
    return False, east > 0, north > 0


def _shifts(sun: Sun, grid: Grid, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """How far the rays have moved within a line, at each line, counted from the anchor."""
    if walks_rows(sun):
        return np.rint(math.tan(sun.azimuth) * (grid.row - np.arange(shape[0])))
    return -np.rint(1 / math.tan(sun.azimuth) * (grid.column + np.arange(shape[1])))


def walks(suns: list[Sun], grid: Grid, shape: tuple[int, ...]) -> list[Walk]:
    """One walk for all sun positions whose rays move alike.

    Raises ValueError for more than seven sun positions or one that is not above the horizon.
    """
    if len(suns) > MOST_SUNS:
        raise ValueError(f"at most {MOST_SUNS} suns fit in a mask, not {len(suns)}")
    ways: dict[tuple[bool, bool, bool], list[int]] = {}
    for i, sun in enumerate(suns):
        if not 0 < sun.elevation < math.pi / 2:
            raise ValueError(f"the sun's elevation {sun.elevation} is not in (0, pi/2) rad")
        if not math.isfinite(sun.azimuth) or not 0 < grid.resolution < math.inf:
            raise ValueError(f"azimuth {sun.azimuth} rad, resolution {grid.resolution} m")
        ways.setdefault(_direction_of(sun), []).append(i)
    if 0 in shape:
        return []
    return [_walk(way, suns, chosen, grid, shape) for way, chosen in ways.items()]


def _walk(
    way: tuple[bool, bool, bool], suns: list[Sun], chosen: list[int], grid: Grid, shape: Any
) -> Walk:
    shifts = np.array([_shifts(suns[i], grid, shape) for i in chosen]).astype(np.int64)
    offsets = shifts.max(axis=1, keepdims=True) - shifts
    rays = shape[1] if way[0] else shape[0]
    carried = np.full((len(chosen), rays + offsets.max()), -np.inf, np.float32)
    drops = np.array([shadow_drop(suns[i], grid.resolution) for i in chosen], np.float32)
    return Walk(*way, offsets, carried, drops, np.array([1 << i for i in chosen], np.uint8))


def cast_shadow(height: ArrayLike, suns: list[Sun], grid: Grid) -> NDArray[np.uint8]:
    """Which cells lie in cast shadow.

    height: (rows, columns) float32, north-up [m], NaN for no data: such a cell casts nothing and
    lets the shadow pass. suns: up to seven, each pass over the data serving those within 90
    degrees whose rays walk the same way. Returns (rows, columns) uint8: bit i is set where the
    cell is shaded at sun i, 255 where it has no data. What lies outside the array casts nothing.

    Raises ValueError for an infinite height, for more than seven suns, for one whose elevation is
    not between 0 and pi / 2 or whose azimuth is no number, and for a resolution that is no length.
    """
    height = as_raster(height)
    todo = walks(suns, grid, height.shape)
    if not todo:
        refuse_infinite(height)
        return np.where(np.isnan(height), NO_DATA, LIT)
    return reduce(np.bitwise_or, (sweep(height, walk) for walk in todo))


def sweep(height: NDArray[np.float32], walk: Walk) -> NDArray[np.uint8]:
    """Shadow mask of the sun positions of one walk, as of `cast_shadow`. Changes `walk.carried`."""
    out = np.empty(height.shape, np.uint8)
    if walk.by_rows:
        finite = sweep_rows(height, walk, 0, len(height), out)
    else:
        finite = sweep_columns(height, walk, out)
    if not finite:
        refuse_infinite(height)
    return out
