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
from kernels.coarse import COARSE, COARSE_BITS
from kernels.compile import inlined, kernel
from kernels.fan import BETWEEN, fan, far_distances, far_level
from kernels.field import NEAR, FarField, NearField
from kernels.march import march, march_between
from kernels.simd import SIDE
from kernels.tiles import Tile, count_chosen, gather, scatter, tile_frame

TILE = SIDE * SIDE
NEAREST = len(BETWEEN)
FLOOR = math.radians(3)
# Rounding may lift a weighted sum above its highest term by at most 2^-22 of it.
SLACK = np.float32(2.0**-20)
ONE = np.float32(1)


class Horizon(NamedTuple):
    """Results of the chosen cells, in row-major order. sky_view: (cells,) float32, the mean over
    the directions of cos2 of the horizon, so the share of a uniform sky's light on level ground:
    open ground has cos2 of the floor, 0.997 at 3 degrees; sums: (cells, channels) float32, the sum
    of the table over all directions. NaN where the cell has no height."""

    sky_view: NDArray[np.float32]
    sums: NDArray[np.float32]


class HorizonHalo(NamedTuple):
    """Surroundings that a block's horizons need: cells of the near field, cells of the far field,
    and levels of its pyramid."""

    near: int
    far: int
    levels: int


def horizon_halo(relief: float, floor: float, resolution: float) -> HorizonHalo:
    """Surroundings in which heights can matter to a block.

    relief: how much higher than the lowest chosen cell anything stands [m], or more; floor: the one
    that `horizon` is given [rad]; resolution [m].
    """
    furthest = _far_samples(relief, floor, resolution)[-1]
    level = far_level(furthest)
    far = math.ceil(furthest) + SIDE + (COARSE << level)
    return HorizonHalo(NEAR, far, level + 1)


def _far_samples(relief: float, floor: float, resolution: float) -> list[float]:
    """Distances [cells] of the far samples that can rise above the floor."""
    return far_distances(relief / math.tan(floor) / resolution)


class _View(NamedTuple):
    """The near field as flat arrays: a reshape in a kernel costs as much as a stage."""

    cells: NDArray[np.float32]
    mean2: NDArray[np.float32]
    mean4: NDArray[np.float32]
    highest: NDArray[np.float32]


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
    """Whether a stage can raise any tangent above `low`, seen from the tile's lowest cell. Rounding
    is monotone, so skipping the stage otherwise changes no bit."""
    top = np.float32(-np.inf)
    for n in range(fan.tile_bounds[stage], fan.tile_bounds[stage + 1]):
        here = highest[tile.at + fan.tiles[n]]
        top = here if here > top else top
    return (top + abs(top) * SLACK - tile.lowest) * factor > low


@inlined
def _near_horizon(view, fan, k, tile, low):  # type: ignore[no-untyped-def]
    """Raise the tangents of a tile to the near field's. low: the lowest tangent before. Returns the
    lowest after."""
    own, tangent, stages = tile.own, tile.tangent, len(fan.bounds)
    begin, end = k * NEAREST, (k + 1) * NEAREST
    if _can_rise(view.highest, fan, k * stages, tile, fan.near_factors[begin], low):
        for r in range(len(tile.places)):
            march_between(
                view.cells, fan.corners, fan.near_factors, begin, end, tile.places[r], own, tangent,
                r * SIDE, fan.weights,
            )  # fmt: skip
        low = _low(tile)
    for s in range(1, stages):
        first = k * fan.bounds[-1]
        begin, end = first + fan.bounds[s - 1], first + fan.bounds[s]
        if _can_rise(view.highest, fan, k * stages + s, tile, fan.factors[begin], low):
            side = fan.sides[s - 1]
            field = view.mean4 if side == 4 else (view.mean2 if side == 2 else view.cells)
            for r in range(len(tile.places)):
                march(
                    field, fan.offsets, fan.factors, begin, end, tile.places[r], own, tangent,
                    r * SIDE,
                )  # fmt: skip
            low = _low(tile)
    return low


@inlined
def _far_horizon(far, fan, k, tile, low):  # type: ignore[no-untyped-def]
    """Raise the tangents of a tile to the far field's, seen from its middle."""
    for n in range(len(fan.far_factors)):
        factor = fan.far_factors[n]
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
def _add_direction(tangent, table, sky, sums, bins):  # type: ignore[no-untyped-def]
    """Add one direction to the sky view and the sums of a tile's cells. table: (channels, bins)."""
    for c in range(len(tangent)):
        sky[c] += ONE / (ONE + tangent[c] * tangent[c])
    channels, n = table.shape
    if channels > 0:
        scale, last = np.float32(n / (np.pi / 2)), np.int32(n - 1)
        for c in range(len(tangent)):
            bins[c] = np.uint32(min(np.int32(angle(tangent[c], ONE) * scale), last))
        for channel in range(channels):
            values, total = table[channel], sums[channel]
            for c in range(len(tangent)):
                total[c] += values[bins[c]]


@kernel
def _tile_horizon(view, far, fan, tile, tables, floor, sky, sums, bins):  # type: ignore[no-untyped-def]
    """Sky view and sums of the chosen cells of one tile, over all directions."""
    sky[:], sums[:] = 0, 0
    for k in range(len(tables)):
        for c in range(len(tile.own)):
            tile.tangent[c] = floor if tile.own[c] < np.inf else np.float32(np.inf)
        low = _near_horizon(view, fan, k, tile, floor)
        _far_horizon(far, fan, k, tile, low)
        _add_direction(tile.tangent, tables[k], sky, sums, bins)
    for c in range(len(sky)):
        sky[c] /= np.float32(len(tables))


@kernel
def _horizon(near, view, far, fan, chosen, counts, starts, tables, floor, out, out_sums):  # type: ignore[no-untyped-def]
    own, tangent = np.empty(TILE, np.float32), np.empty(TILE, np.float32)
    sky, sums = np.empty(TILE, np.float32), np.empty((tables.shape[1], TILE), np.float32)
    bins, word = np.empty(TILE, np.uint32), np.empty(1, np.int32)
    places, rows = np.empty(SIDE, np.int64), np.empty(SIDE, np.int64)
    first, edge = near.top + near.block.top, near.left + near.block.left
    for i in range(first // SIDE, (first + near.block.height + SIDE - 1) // SIDE):
        for t in range(counts.shape[0]):
            j = edge // SIDE + t
            frame = tile_frame(near, i, j)
            n = gather(near.cells, chosen, counts[t], frame, own, places, rows)
            m = n * SIDE
            if n > 0:
                at = (i - near.top // SIDE) * near.highest.shape[1] + j - near.left // SIDE
                south, east = i * SIDE + SIDE // 2, j * SIDE + SIDE // 2
                lowest = own[:m].min()
                tile = Tile(at, south, east, places[:n], own[:m], tangent[:m], lowest, word)
                _tile_horizon(view, far, fan, tile, tables, floor, sky[:m], sums[:, :m], bins)
                scatter(chosen, starts[t], frame, rows[:n], own, sky, sums, out, out_sums)


def horizon(
    near: NearField,
    far: FarField,
    chosen: NDArray[np.bool_],
    azimuths: NDArray[np.float64],
    resolution: float,
    table: NDArray[np.float32] | None = None,
    floor: float = FLOOR,
) -> Horizon:
    """Sky view of chosen cells, and the sum of a table over the directions.

    chosen: (rows, columns) bool, of near's block; azimuths: (K,), where to look, clockwise from
    grid north [rad]; resolution [m]; table: (K, bins, channels) float32, what a direction gives to
    a cell whose horizon stands in that bin of equal parts from 0 to pi / 2; floor: the horizon is
    never lower [rad]. A direction's tangent is the highest of fixed samples (kernels/fan.py).

    Raises ValueError for a mask or table of another shape, no or no finite direction, a resolution
    that is no length, a floor that is not in (0, pi / 2), and a far field with fewer levels than
    `horizon_halo` says.
    """
    chosen = np.ascontiguousarray(chosen, np.bool_)
    k = len(azimuths)
    tables = np.zeros((k, 1, 0), np.float32) if table is None else np.asarray(table, np.float32)
    if chosen.shape != (near.block.height, near.block.width):
        raise ValueError(f"the mask is {chosen.shape}, the block {near.block[2:]}")
    if k == 0 or not np.isfinite(azimuths).all():
        raise ValueError("the azimuths must be one or more numbers")
    if not 0 < resolution < math.inf:
        raise ValueError(f"the resolution {resolution} is no length")
    if tables.ndim != 3 or len(tables) != k or tables.shape[1] == 0:
        raise ValueError(f"the table is {tables.shape}, not ({k}, bins, channels)")
    if not 0 < floor < math.pi / 2:
        raise ValueError(f"the floor {floor} is not in (0, pi/2) rad")
    count = int(np.count_nonzero(chosen))
    out = Horizon(np.empty(count, np.float32), np.empty((count, tables.shape[2]), np.float32))
    if count:
        relief = _relief(near, far, chosen)
        distances = _far_samples(relief, floor, resolution)
        levels = far_level(distances[-1]) + 1
        if len(far.levels) < levels:
            raise ValueError(
                f"the far field has {len(far.levels)} levels; a relief of {relief} m needs {levels}"
            )
        columns, across = near.cells.shape[1], near.highest.shape[1]
        samples = fan(tuple(azimuths), columns, across, resolution, len(distances))
        view = _View(*(array.reshape(-1) for array in near[:4]))
        by_channel = np.ascontiguousarray(tables.transpose(0, 2, 1))
        tangent = np.float32(math.tan(floor))
        edge = (near.left + near.block.left) % SIDE
        counts = np.empty((-(-(edge + near.block.width) // SIDE), near.block.height), np.int64)
        starts = np.empty_like(counts)
        count_chosen(chosen, edge, counts, starts)
        _horizon(near, view, far, samples, chosen, counts, starts, by_channel, tangent, *out)
    return out


def _relief(near: NearField, far: FarField, chosen: NDArray[np.bool_]) -> float:
    """How much higher than the lowest chosen cell anything in the far field stands [m]."""
    top, left, height, width = near.block
    own = near.cells[top : top + height, left : left + width][chosen]
    lowest = np.fmin.reduce(own)
    return float(max(far.highest - lowest, 0)) if np.isfinite(far.highest - lowest) else 0.0
