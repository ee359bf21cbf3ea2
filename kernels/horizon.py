"""The horizon of chosen cells, and what follows from it: sky view, bins, tables over directions.

Cells are taken by tiles of SIDE x SIDE, anchored on the grid, of which only rows with a chosen cell
are looked at. For each direction the tangent of the horizon is a running maximum over fixed samples
(kernels/fan.py); it is used and forgotten, so that no array is as deep as the directions are many.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.angle import angle
from kernels.coarse import COARSE
from kernels.compile import inlined, kernel
from kernels.fan import Fan, fan, far_distances, far_level
from kernels.field import NEAR, FarField, NearField
from kernels.receivers import receivers_of
from kernels.simd import SIDE
from kernels.tangents import View, far_horizon, near_horizon, raise_to_planes
from kernels.tiles import (
    Tile,
    count_chosen,
    gather,
    gather_gradients,
    scatter,
    scatter_bins,
    tile_frame,
)

TILE = SIDE * SIDE
AHEAD = 32  # far samples
MOST_BINS = 256
FLOOR = math.radians(3)
ONE = np.float32(1)


class Horizon(NamedTuple):
    """Results of the chosen cells, in row-major order. sky_view: (cells,) float32, the mean over
    the directions of cos2 of the horizon, so the share of a uniform sky's light on level ground:
    open ground has cos2 of the floor, 0.997 at 3 degrees; sums: (cells, channels) float32, the sum
    of the table over all directions; both NaN where the cell has no height. bins: (cells, K) uint8,
    in which of equal parts from 0 to pi / 2 the horizon stands, the last where the cell has no
    height; (cells, 0) if none are asked for."""

    sky_view: NDArray[np.float32]
    sums: NDArray[np.float32]
    bins: NDArray[np.uint8]


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


@inlined
def _bins(tangent, n, bins):  # type: ignore[no-untyped-def]
    """Set in which of n bins the tangents of a tile stand."""
    scale, last = np.float32(n / (np.pi / 2)), np.int32(n - 1)
    for c in range(len(tangent)):
        bins[c] = np.uint8(min(np.int32(angle(tangent[c], ONE) * scale), last))


@inlined
def _tile_horizon(view, far, fan, tile, rise, directions, tables, floor, sky, sums, bins, seen):  # type: ignore[no-untyped-def]
    """Sky view, sums and bins of the chosen cells of one tile, over all directions."""
    sky[:], sums[:] = 0, 0
    for k in range(len(tables)):
        low = floor
        for c in range(len(tile.own)):
            tile.tangent[c] = floor if tile.own[c] < np.inf else np.float32(np.inf)
        if len(directions) > 0:
            low = raise_to_planes(tile, rise, directions[k])
        low = near_horizon(view, fan, k, tile, low)
        far_horizon(far, fan, k, tile, low)
        _add_direction(tile.tangent, tables[k], sky, sums, bins)
        if seen.size > 0:
            _bins(tile.tangent, tables.shape[2], seen[k])
    for c in range(len(sky)):
        sky[c] /= np.float32(len(tables))


@kernel
def _horizon(near, view, far, fan, receivers, chosen, counts, starts, tables, floor, out):  # type: ignore[no-untyped-def]
    k, some = len(tables), out.bins.size > 0
    own, tangent = np.empty(TILE, np.float32), np.empty(TILE, np.float32)
    rise = np.empty(2 * TILE, np.float32)
    sky, sums = np.empty(TILE, np.float32), np.empty((tables.shape[1], TILE), np.float32)
    bins, seen = np.empty(TILE, np.uint32), np.empty((k, TILE if some else 0), np.uint8)
    places, rows, word = np.empty(SIDE, np.int64), np.empty(SIDE, np.int64), np.empty(1, np.int32)
    first, edge, columns = (
        near.top + near.block.top,
        near.left + near.block.left,
        near.cells.shape[1],
    )
    for i in range(first // SIDE, (first + near.block.height + SIDE - 1) // SIDE):
        for t in range(counts.shape[0]):
            j = edge // SIDE + t
            frame = tile_frame(near, i, j)
            n = gather(receivers.heights, chosen, counts[t], frame, columns, own, places, rows)
            m = n * SIDE
            if n > 0:
                at = (i - near.top // SIDE) * near.highest.shape[1] + j - near.left // SIDE
                if receivers.gradient.size > 0:
                    gather_gradients(receivers.gradient, own, frame, rows[:n], rise)
                tile = Tile(
                    at, i * SIDE + SIDE // 2, j * SIDE + SIDE // 2, places[:n], own[:m],
                    tangent[:m], own[:m].min(), word,
                )  # fmt: skip
                _tile_horizon(
                    view, far, fan, tile, rise, receivers.directions, tables, floor, sky[:m],
                    sums[:, :m], bins, seen,
                )  # fmt: skip
                scatter(chosen, starts[t], frame, rows[:n], own, sky, sums, out.sky_view, out.sums)
                if some:
                    scatter_bins(chosen, starts[t], frame, rows[:n], seen, out.bins)


def horizon(
    near: NearField,
    far: FarField,
    chosen: NDArray[np.bool_],
    azimuths: NDArray[np.float64],
    resolution: float,
    table: NDArray[np.float32] | None = None,
    floor: float = FLOOR,
    own: NDArray[np.float32] | None = None,
    gradient: NDArray[np.float32] | None = None,
    bins: int = 0,
) -> Horizon:
    """Sky view of chosen cells, the bins of their horizons, and the sum of a table over the
    directions.

    chosen: (rows, columns) bool, of near's block; azimuths: (K,), where to look, clockwise from
    grid north [rad]; resolution [m]; table: (K, bins, channels) float32, what a direction gives to
    a cell whose horizon stands in that bin of equal parts from 0 to pi / 2; floor: the horizon is
    never lower [rad]; own: (rows, columns) float32 [m], the height from which each cell looks, also
    where near has no data, NaN where none does: by default near's; gradient: (rows, columns, 2)
    float32, dz/dx and dz/dy of the plane that a cell lies in, than which its horizon is never
    lower; bins: how many to give, up to 256. A direction's tangent is the highest of fixed samples
    (kernels/fan.py).

    Raises ValueError for arrays of another shape, no or no finite direction, a resolution that is
    no length, a floor that is not in (0, pi / 2), bins that are not those of the table, and a far
    field with fewer levels than `horizon_halo` says.
    """
    chosen, k = np.ascontiguousarray(chosen, np.bool_), len(azimuths)
    default = np.zeros((k, max(bins, 1), 0), np.float32)
    tables = default if table is None else np.asarray(table, np.float32)
    _check(near, chosen, azimuths, resolution, tables, floor)
    if not 0 <= bins <= MOST_BINS or (bins and bins != tables.shape[1]):
        raise ValueError(f"{bins} bins are more than {MOST_BINS}, or not those of the table")
    receivers = receivers_of(near, azimuths, own, gradient)
    count = int(np.count_nonzero(chosen))
    sums = np.empty((count, tables.shape[2]), np.float32)
    out = Horizon(np.empty(count, np.float32), sums, np.empty((count, k if bins else 0), np.uint8))
    if count:
        lowest = np.fmin.reduce(receivers.heights[chosen])
        samples = _samples(near, far, azimuths, resolution, floor, lowest)
        view = View(*(array.reshape(-1) for array in near[:4]))
        by_channel = np.ascontiguousarray(tables.transpose(0, 2, 1))
        edge = (near.left + near.block.left) % SIDE
        counts = np.empty((-(-(edge + near.block.width) // SIDE), near.block.height), np.int64)
        starts = np.empty_like(counts)
        count_chosen(chosen, edge, counts, starts)
        tangent = np.float32(math.tan(floor))
        _horizon(
            near, view, far, samples, receivers, chosen, counts, starts, by_channel, tangent, out
        )
    return out


def _check(
    near: NearField,
    chosen: NDArray[np.bool_],
    azimuths: NDArray[np.float64],
    resolution: float,
    tables: NDArray[np.float32],
    floor: float,
) -> None:
    if chosen.shape != (near.block.height, near.block.width):
        raise ValueError(f"the mask is {chosen.shape}, the block {near.block[2:]}")
    if len(azimuths) == 0 or not np.isfinite(azimuths).all():
        raise ValueError("the azimuths must be one or more numbers")
    if not 0 < resolution < math.inf:
        raise ValueError(f"the resolution {resolution} is no length")
    if tables.ndim != 3 or len(tables) != len(azimuths) or tables.shape[1] == 0:
        raise ValueError(f"the table is {tables.shape}, not ({len(azimuths)}, bins, channels)")
    if not 0 < floor < math.pi / 2:
        raise ValueError(f"the floor {floor} is not in (0, pi/2) rad")


def _samples(
    near: NearField,
    far: FarField,
    azimuths: NDArray[np.float64],
    resolution: float,
    floor: float,
    lowest: np.float32,
) -> Fan:
    """The samples that can matter to cells of which the lowest looks from this height [m].

    A fan has more far samples than these, in steps of AHEAD, so that a few serve all blocks: it
    takes 0.2 s to make.
    """
    above = float(far.highest - lowest)  # in float32, as in the kernel
    relief = max(above, 0.0) if math.isfinite(above) else 0.0
    distances = _far_samples(relief, floor, resolution)
    levels = far_level(distances[-1]) + 1
    if len(far.levels) < levels:
        raise ValueError(
            f"the far field has {len(far.levels)} levels; a relief of {relief} m needs {levels}"
        )
    n, columns, across = len(distances), near.cells.shape[1], near.highest.shape[1]
    all_ = fan(tuple(azimuths), columns, across, resolution, -(-n // AHEAD) * AHEAD)
    return all_._replace(far_factors=all_.far_factors[:n])
