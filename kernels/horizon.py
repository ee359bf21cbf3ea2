"""The horizon of chosen cells, and what follows from it: sky view, and tables over directions.

Cells are taken by tiles of SIDE x SIDE, anchored on the grid, of which only rows with a chosen cell
are looked at. For each direction the tangent of the horizon is a running maximum over fixed samples
(kernels/fan.py); it is used and forgotten, so that no array is as deep as the directions are many.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.angle import angle
from kernels.compile import inlined, kernel
from kernels.fan import BETWEEN, fan, far_distances, far_level
from kernels.field import COARSE, COARSE_BITS, NEAR, Far, Near
from kernels.march import march, march_between
from kernels.simd import SIDE

TILE = SIDE * SIDE
NEAREST = len(BETWEEN)
FLOOR = math.radians(3)
# Rounding may lift a weighted sum above its highest term by at most 2^-22 of it.
SLACK = np.float32(2.0**-20)
ONE = np.float32(1)


class Table(NamedTuple):
    """What a direction gives whose horizon stands so high: values: (K, bins, channels) float32, a
    bin being an equal part of the angles from 0 to pi / 2."""

    values: NDArray[np.float32]


class Horizon(NamedTuple):
    """Of the chosen cells, row by row. sky_view: (cells,) float32, the mean of cos2 of the horizon,
    so the share of a uniform sky's light on level ground; sums: (cells, channels) float32, the sum
    of the table over all directions. NaN where the cell has no height."""

    sky_view: NDArray[np.float32]
    sums: NDArray[np.float32]


def horizon_halo(relief: float, floor: float, resolution: float) -> tuple[int, int]:
    """Cells around a block whose heights can matter: of the near field, and of the far one.

    relief: how much higher than the lowest chosen cell anything stands [m].
    """
    distances = far_distances(relief / math.tan(floor) / resolution)
    widest = COARSE * 2 ** far_level(distances[-1])
    return NEAR, math.ceil(distances[-1]) + SIDE + widest


class _View(NamedTuple):
    """The near field, flat: a reshape in a kernel costs as much as a stage."""

    cells: NDArray[np.float32]
    mean2: NDArray[np.float32]
    mean4: NDArray[np.float32]
    highest: NDArray[np.float32]


class _Tile(NamedTuple):
    """The rows of a tile that hold a chosen cell, side by side. at: of the tile among all; south,
    east: of its middle, from the anchor [cells]; places: (rows,) int64, where each row starts in
    the flat frame; own, tangent: (rows x SIDE,) float32, heights [m], infinite where a cell is
    not chosen, and horizons so far; lowest: of own; word: (1,) int32, a place to work in."""

    at: int
    south: int
    east: int
    places: NDArray[np.int64]
    own: NDArray[np.float32]
    tangent: NDArray[np.float32]
    lowest: np.float32
    word: NDArray[np.int32]


@inlined
def _low(tile):  # type: ignore[no-untyped-def]
    """The lowest tangent: positive floats sort like integers, whose minimum Numba vectorises."""
    bits = tile.tangent.view(np.int32)
    low = bits[0]
    for c in range(len(bits)):
        low = min(low, bits[c])
    tile.word[0] = low
    return tile.word.view(np.float32)[0]


@inlined
def _can_rise(highest, fan, stage, tile, factor, low):  # type: ignore[no-untyped-def]
    """Whether anything that a stage sees rises above `low`, seen from the tile's lowest cell.
    Rounding is monotone, so a skip never changes a bit."""
    top = np.float32(-np.inf)
    for n in range(fan.tile_bounds[stage], fan.tile_bounds[stage + 1]):
        here = highest[tile.at + fan.tiles[n]]
        top = here if here > top else top
    return (top + abs(top) * SLACK - tile.lowest) * factor > low


@inlined
def _near_horizon(view, fan, k, tile, low):  # type: ignore[no-untyped-def]
    """Raise the tangents of a tile by what stands in the near field; `low` is their lowest before,
    and returned after."""
    own, tangent, stages = tile.own, tile.tangent, len(fan.bounds)
    begin, end = k * NEAREST, (k + 1) * NEAREST
    if _can_rise(view.highest, fan, k * stages, tile, fan.near[begin], low):
        for r in range(len(tile.places)):
            march_between(
                view.cells, fan.corners, fan.near, begin, end, tile.places[r], own, tangent,
                r * SIDE, fan.weights,
            )  # fmt: skip
        low = _low(tile)
    for s in range(1, stages):
        first = k * fan.bounds[-1]
        begin, end = first + fan.bounds[s - 1], first + fan.bounds[s]
        if _can_rise(view.highest, fan, k * stages + s, tile, fan.factors[begin], low):
            field = view.mean4 if s == 4 else (view.mean2 if s == 3 else view.cells)
            for r in range(len(tile.places)):
                march(
                    field, fan.offsets, fan.factors, begin, end, tile.places[r], own, tangent,
                    r * SIDE,
                )  # fmt: skip
            low = _low(tile)
    return low


@inlined
def _far_horizon(far, fan, k, tile, low):  # type: ignore[no-untyped-def]
    """Raise the tangents of a tile by the far field, seen from its middle."""
    for n in range(len(fan.far)):
        factor = fan.far[n]
        if (far.highest - tile.lowest) * factor <= low:
            break  # nor does anything beyond rise higher
        level = fan.level[n]
        start, height, width, top, left = far.levels[level]
        i = ((tile.south + fan.steps[k, n, 0]) >> (level + COARSE_BITS)) - top
        j = ((tile.east + fan.steps[k, n, 1]) >> (level + COARSE_BITS)) - left
        if 0 <= i < height and 0 <= j < width:
            value = far.values[start + i * width + j]
            if (value - tile.lowest) * factor > low:
                for c in range(len(tile.own)):
                    tile.tangent[c] = max(tile.tangent[c], (value - tile.own[c]) * factor)
                low = _low(tile)


@inlined
def _use(tangent, table, sky, sums, bins):  # type: ignore[no-untyped-def]
    """Add a direction to what is known of a tile's cells. table: (channels, bins)."""
    for c in range(len(tangent)):
        sky[c] += ONE / (ONE + tangent[c] * tangent[c])
    channels, n = table.shape
    if channels > 0:
        scale, last = np.float32(n / (np.pi / 2)), np.int32(n - 1)
        for c in range(len(tangent)):
            bins[c] = min(np.int32(angle(tangent[c], ONE) * scale), last)
        for channel in range(channels):
            values, total = table[channel], sums[channel]
            for c in range(len(tangent)):
                total[c] += values[bins[c]]


@kernel
def _take(near, chosen, i, j, own, places, rows):  # type: ignore[no-untyped-def]
    """The heights of a tile's chosen cells, infinity for others, row by row that holds any; where
    those start, and which they are; how many rows."""
    n = 0
    for r in range(SIDE):
        y, some = i * SIDE + r - near.block_top, False
        for c in range(SIDE):
            x = j * SIDE + c - near.block_left
            mine = 0 <= y < near.height and 0 <= x < near.width and chosen[y, x]
            height = near.cells[i * SIDE + r, j * SIDE + c]
            own[n * SIDE + c] = height if mine and height == height else np.float32(np.inf)
            some |= mine
        if some:
            rows[n], places[n] = r, (i * SIDE + r) * near.cells.shape[1] + j * SIDE
            n += 1
    return n


@kernel
def _give(near, chosen, starts, i, j, rows, own, sky, sums, out, out_sums):  # type: ignore[no-untyped-def]
    """Write what a tile's chosen cells see to their places."""
    for r in range(len(rows)):
        y = i * SIDE + rows[r] - near.block_top
        n = starts[y, j - near.block_left // SIDE]
        for c in range(SIDE):
            x = j * SIDE + c - near.block_left
            if 0 <= x < near.width and chosen[y, x]:
                at = r * SIDE + c
                known = own[at] < np.inf
                out[n] = sky[at] if known else np.nan
                for channel in range(len(sums)):
                    out_sums[n, channel] = sums[channel, at] if known else np.nan
                n += 1


@kernel
def _look(view, far, fan, tile, tables, floor, sky, sums, bins):  # type: ignore[no-untyped-def]
    """What the chosen cells of one tile see, over all directions."""
    sky[:], sums[:] = 0, 0
    for k in range(len(tables)):
        for c in range(len(tile.own)):
            tile.tangent[c] = floor if tile.own[c] < np.inf else np.float32(np.inf)
        low = _near_horizon(view, fan, k, tile, floor)
        _far_horizon(far, fan, k, tile, low)
        _use(tile.tangent, tables[k], sky, sums, bins)
    for c in range(len(sky)):
        sky[c] /= np.float32(len(tables))


@kernel
def _horizon(near, view, far, fan, chosen, starts, tables, floor, out, out_sums):  # type: ignore[no-untyped-def]
    own, tangent = np.empty(TILE, np.float32), np.empty(TILE, np.float32)
    sky = np.empty(TILE, np.float32)
    sums, bins = np.empty((tables.shape[1], TILE), np.float32), np.empty(TILE, np.int32)
    places, rows = np.empty(SIDE, np.int64), np.empty(SIDE, np.int64)
    word = np.empty(1, np.int32)
    for i in range(near.block_top // SIDE, (near.block_top + near.height - 1) // SIDE + 1):
        for j in range(near.block_left // SIDE, near.block_left // SIDE + starts.shape[1]):
            n = _take(near, chosen, i, j, own, places, rows)
            m = n * SIDE
            if n > 0:
                south, east = near.top + i * SIDE + SIDE // 2, near.left + j * SIDE + SIDE // 2
                at = i * near.highest.shape[1] + j
                lowest = own[:m].min()
                tile = _Tile(at, south, east, places[:n], own[:m], tangent[:m], lowest, word)
                _look(view, far, fan, tile, tables, floor, sky[:m], sums[:, :m], bins)
                _give(near, chosen, starts, i, j, rows[:n], own, sky, sums, out, out_sums)


def _starts(near: Near, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Where the chosen cells of each row and tile stand among all: (rows, tiles across)."""
    first = near.block_left // SIDE * SIDE - near.block_left
    edges = np.maximum(np.arange(first, near.width, SIDE), 0)
    counts = np.add.reduceat(chosen.astype(np.int64), edges, axis=1)
    return np.cumsum(counts).reshape(counts.shape) - counts


def horizon(
    near: Near,
    far: Far,
    chosen: NDArray[np.bool_],
    azimuths: NDArray[np.float64],
    resolution: float,
    table: NDArray[np.float32] | None = None,
    floor: float = FLOOR,
) -> Horizon:
    """Sky view of chosen cells, and the sum of a table over the directions.

    chosen: (rows, columns) bool, of the block that `near` was made of; azimuths: (K,) clockwise
    from grid north [rad]; resolution [m]; table: (K, bins, channels) float32, what a direction
    gives to a cell whose horizon stands in that bin of equal parts from 0 to pi / 2; floor: the
    horizon is never lower [rad]. The highest tangent of each direction is that of fixed samples:
    8 between cells, then nearest cells, means, and the far field, seen from the tile's middle.

    Raises ValueError for a mask or table of another shape, or a floor that is not in (0, pi / 2).
    """
    k = len(azimuths)
    tables = np.zeros((k, 1, 0), np.float32) if table is None else np.asarray(table, np.float32)
    if chosen.shape != (near.height, near.width):
        raise ValueError(f"the mask is {chosen.shape}, the block {(near.height, near.width)}")
    if tables.ndim != 3 or len(tables) != k:
        raise ValueError(f"the table is {tables.shape}, not ({k}, bins, channels)")
    if not 0 < floor < math.pi / 2:
        raise ValueError(f"the floor {floor} is not in (0, pi/2) rad")
    count = int(np.count_nonzero(chosen))
    out = Horizon(np.empty(count, np.float32), np.empty((count, tables.shape[2]), np.float32))
    if count:
        reach = _relief(near, far, chosen) / math.tan(floor) / resolution
        samples = fan(azimuths, near.cells.shape, resolution, reach)
        tangent = np.float32(math.tan(floor))
        by_channel = np.ascontiguousarray(tables.transpose(0, 2, 1))
        view = _View(*(array.reshape(-1) for array in near[:4]))
        starts = _starts(near, chosen)
        _horizon(near, view, far, samples, chosen, starts, by_channel, tangent, *out)
    return out


def _relief(near: Near, far: Far, chosen: NDArray[np.bool_]) -> float:
    """How much higher than the lowest chosen cell anything in the far field stands [m]."""
    rows, columns = (slice(at, at + size) for at, size in _block(near))
    lowest = np.nanmin(near.cells[rows, columns][chosen], initial=np.inf)
    highest = far.highest
    return float(max(highest - lowest, 0)) if np.isfinite(highest - lowest) else 0.0


def _block(near: Near) -> tuple[tuple[int, int], tuple[int, int]]:
    return (near.block_top, near.height), (near.block_left, near.width)
