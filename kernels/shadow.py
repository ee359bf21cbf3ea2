"""Cast shadow by a sweep along the sun; how far a shadow reaches.

A ray is a line of cells, one a row: column = k + rint(tan(A) row), with rows and columns counted
from an anchor that does not depend on the array. It carries one number away from the sun: the
height of the shadow. So the cost does not depend on the shadow's length, and the inner loop runs
over the rays of a row, which lie side by side in memory.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.compile import kernel

NO_DATA = 255
MOST_SUNS = 7
STRIP = 32  # columns turned at once: two cache lines of heights
PAD = 64  # rows of a power of two would all fall into the same lines of the cache


class Sun(NamedTuple):
    """Where the sun stands: grid azimuth, clockwise from grid north, and elevation [rad]."""

    azimuth: float
    elevation: float


class Grid(NamedTuple):
    """Where a north-up array lies: cell size [m]; of its north-western cell the row, counted
    northward, and the column, counted eastward, from the anchor of the sweep."""

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
    """How far what stands `relief` higher can throw its shadow [m]."""
    return relief / math.tan(elevation)


def shadow_halo(lowest: float, highest: float, sun: Sun, resolution: float, limit: int) -> Halo:
    """Cells towards the sun that can matter to a block, at most `limit` a side.

    lowest, highest: of the surface [m]. Every subtraction of the sweep may round half a unit in
    the last place of float32 upwards, so a step is counted as that much shorter; one cell more
    covers the rounding of the reach itself.
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


@kernel
def _sweep(height, columns, offsets, backwards, drop, bit, carried, out):  # type: ignore[no-untyped-def]
    """Walk as many rows as there are offsets. C-contiguous arrays: the inner loop is SIMD."""
    rows = len(offsets)
    for step in range(rows):
        i = rows - 1 - step if backwards else step
        ray = carried[offsets[i] :]
        for j in range(columns):
            h = height[i, j]
            c = ray[j] - drop
            out[i, j] |= bit if c > h else np.uint8(0)
            ray[j] = h if h > c else c  # NaN is not higher: it casts nothing and lets pass


def _fresh(shifts, rays):  # type: ignore[no-untyped-def]
    """Where each row's first ray lies among all rays, and what those carry at first."""
    offsets = shifts.max() - shifts
    return offsets, np.full(rays + offsets.max(), -np.inf, np.float32)


def _sweep_rows(height, sun, grid, bit, out):  # type: ignore[no-untyped-def]
    rows = grid.row - np.arange(height.shape[0])
    shifts = np.rint(math.tan(sun.azimuth) * rows).astype(np.int64)
    offsets, carried = _fresh(shifts, height.shape[1])
    drop = np.float32(shadow_drop(sun, grid.resolution))
    southern = math.cos(sun.azimuth) < 0
    _sweep(height, height.shape[1], offsets, southern, drop, np.uint8(bit), carried, out)


@kernel
def _turn(source, target):  # type: ignore[no-untyped-def]
    for i in range(source.shape[0]):
        for j in range(source.shape[1]):
            target[j, i] = source[i, j]


@kernel
def _turn_back(source, target):  # type: ignore[no-untyped-def]
    for i in range(target.shape[0]):
        for j in range(target.shape[1]):
            target[i, j] |= source[j, i]


def _sweep_columns(height, sun, grid, bit, out):  # type: ignore[no-untyped-def]
    """Columns become rows a strip at a time, in a buffer that stays in the cache."""
    rows = height.shape[0]
    columns = grid.column + np.arange(height.shape[1])
    shifts = -np.rint(1 / math.tan(sun.azimuth) * columns).astype(np.int64)
    offsets, carried = _fresh(shifts, rows)
    drop, eastern = np.float32(shadow_drop(sun, grid.resolution)), math.sin(sun.azimuth) > 0
    turned = np.empty((STRIP, rows + PAD), np.float32)
    shaded = np.empty((STRIP, rows + PAD), np.uint8)
    strips = range(0, height.shape[1], STRIP)
    for left in reversed(strips) if eastern else strips:
        part = slice(left, left + STRIP)
        _turn(height[:, part], turned)
        shaded[:] = 0
        _sweep(turned, rows, offsets[part], eastern, drop, np.uint8(bit), carried, shaded)
        _turn_back(shaded, out[:, part])


def cast_shadow(height: NDArray[np.float32], suns: list[Sun], grid: Grid) -> NDArray[np.uint8]:
    """Which cells lie in cast shadow.

    height: (rows, columns) float32, north-up [m], NaN for no data: such a cell casts nothing and
    lets the shadow pass. suns: up to seven. Returns (rows, columns) uint8: bit i is set where the
    cell is shaded at sun i, 255 where it has no data. What lies outside the array casts nothing.

    Raises ValueError for more than seven suns or one that is not above the horizon.
    """
    if len(suns) > MOST_SUNS:
        raise ValueError(f"at most {MOST_SUNS} suns fit in a mask, not {len(suns)}")
    out = np.zeros(height.shape, np.uint8)
    for i, sun in enumerate(suns):
        if not 0 < sun.elevation < math.pi / 2:
            raise ValueError(f"the sun's elevation {sun.elevation} is not in (0, pi/2) rad")
        if height.size:
            sweep = _sweep_rows if walks_rows(sun) else _sweep_columns
            sweep(height, sun, grid, 1 << i, out)
    out[np.isnan(height)] = NO_DATA
    return out
