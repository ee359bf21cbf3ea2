"""Aerodynamic roughness of buildings and trees: frontal area, plan area and heights.

The frontal area for a wind is the area of the walls that face it, as seen along it: each rise over
the neighbour on its side times the width of the lane between. So it is summed exactly, for the
winds from the eight neighbours. Any other wind is a sum of the two beside it, as vectors are. What
a wall shows it is at most the same sum, and less only of a wall that one of the two sees from
behind: so the result is never too little, but by the corners that no cell's centre lies in. It is
too much by up to 21 % of each wall along the wind; where walls stand in all directions by 7 % at 30
degrees, and 5 % over twelve sectors. The four axes alone give 50, 37 and 24 %: along them a
staircase of cells shows all its steps.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels.check import INFINITE, as_raster, refuse_infinite
from kernels.compile import kernel

KNOWN, BUILT, HEIGHT, SQUARE, RISE = range(5)  # fields of the sums; RISE is the first of 8
FIELDS = RISE + 8
# Rows and columns from a cell to its neighbours, clockwise from the north.
NEIGHBOURS = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))
ZERO, HALF, HUNDRED = np.float32(0), np.float32(0.5), np.float32(100)
PIECE = 512  # columns at a time, whose sums stay in the cache
MOST = np.float32(1e5)  # 1 km, which only a faulty height exceeds: the sums cannot overflow


class RoughnessSums(NamedTuple):
    """Sums of coarse cells. added: (rows, columns, FIELDS) int64: cells with data, cells built on,
    their heights [cm] and squared heights, and the rises over each of eight neighbours [cm];
    highest: (rows, columns) int64 [cm]. Areas merge by sum and maximum."""

    added: NDArray[np.int64]
    highest: NDArray[np.int64]


class Roughness(NamedTuple):
    """Roughness of areas. frontal: (..., sectors) float64, frontal area per area, by where the wind
    comes from, the first sector about grid north, clockwise; plan: (...) float64, the share that is
    built on; mean, highest, deviation: (...) float64, of the heights of what is built on [m], 0
    where nothing is. NaN where there are no data."""

    frontal: NDArray[np.float64]
    plan: NDArray[np.float64]
    mean: NDArray[np.float64]
    highest: NDArray[np.float64]
    deviation: NDArray[np.float64]


@kernel
def _take_row(surface, ground, least, above, known):  # type: ignore[no-untyped-def]
    """Heights above the ground of a row [cm], 0 where at most `least` or unknown, into `above`.
    Returns False at an infinite height."""
    finite = True
    for j in range(len(above)):
        up = HUNDRED * (surface[j] - ground[j])
        known[j] = np.int32(up == up)
        up = up if up > ZERO else ZERO
        stands = np.int32((up if up < MOST else MOST) + HALF)
        above[j] = stands if stands > least else np.int32(0)
        finite &= (np.abs(surface[j]) < INFINITE) | (surface[j] != surface[j])
        finite &= (np.abs(ground[j]) < INFINITE) | (ground[j] != ground[j])
    return finite


@kernel
def _add_rises(here, there, total):  # type: ignore[no-untyped-def]
    for j in range(len(total)):
        rise = np.int32(here[j] - there[j])
        total[j] += rise if rise > 0 else np.int32(0)


@kernel
def _add_heights(here, built, total, square):  # type: ignore[no-untyped-def]
    for j in range(len(built)):
        built[j] += np.int32(here[j] > 0)
        total[j] += here[j]
        square[j] += np.int64(here[j]) * here[j]


@kernel
def _add_known(known, total, here, highest):  # type: ignore[no-untyped-def]
    for j in range(len(total)):
        total[j] += known[j]
        highest[j] = max(highest[j], here[j])


@kernel
def _add_row(above, known, place):  # type: ignore[no-untyped-def]
    """Add a row to sums by column. above: (3, columns + 2), with the rows north and south of it."""
    total, square, highest = place
    here = above[1, 1:-1]
    _add_known(known[1:-1], total[KNOWN], here, highest)
    _add_heights(here, total[BUILT], total[HEIGHT], square)
    for d in range(8):
        down, east = NEIGHBOURS[d]
        there = above[1 + down, 1 + east :]
        _add_rises(here, there[: len(here)], total[RISE + d])


@kernel
def _sum_columns(surface, ground, least, begin, end, left, right):  # type: ignore[no-untyped-def]
    """The sums of each column from `left` to `right`, over rows `begin` to `end` of the array; and
    whether all heights are finite."""
    n = right - left
    above, known = np.empty((3, n + 2), np.int32), np.empty((3, n + 2), np.int32)
    place = np.zeros((FIELDS, n), np.int32), np.zeros(n, np.int64), np.zeros(n, np.int32)
    finite = True
    for i in range(begin - 1, end + 1):
        above[0], above[1], known[1] = above[1], above[2], known[2]
        here = slice(left - 1, right + 1)
        finite &= _take_row(surface[i, here], ground[i, here], least, above[2], known[2])
        if i > begin:
            _add_row(above, known[1], place)
    return place, finite


@kernel
def _add_block(surface, ground, least, rows, columns, sums):  # type: ignore[no-untyped-def]
    """Sum the coarse cells between lines of rows and columns of the array, some at a time; False at
    an infinite height."""
    finite, j = True, 0
    while j + 1 < len(columns):
        first, j = j, j + 1
        while j + 1 < len(columns) and columns[j + 1] - columns[first] <= PIECE:
            j += 1
        for i in range(len(rows) - 1):
            ends = rows[i], rows[i + 1], columns[first], columns[j]
            (total, square, highest), known = _sum_columns(surface, ground, least, *ends)
            finite &= known
            for k in range(first, j):
                here = slice(columns[k] - columns[first], columns[k + 1] - columns[first])
                for field in range(FIELDS):
                    sums.added[i, k, field] = total[field, here].sum()
                sums.added[i, k, SQUARE] = square[here].sum()
                sums.highest[i, k] = highest[here].max()
    return finite


def _lines(begin: int, length: int, side: int) -> NDArray[np.int64]:
    """Where coarse cells end in an array whose second row or column is `begin`, and its ends."""
    between = np.arange(begin // side * side + side, begin + length, side)
    return np.array([begin, *between, begin + length]) - begin + 1 if length else np.array([1])


def surface_sums(
    surface: ArrayLike, ground: ArrayLike, threshold: float, top: int, left: int, side: int
) -> RoughnessSums:
    """What stands in a block more than a threshold above the ground, summed by coarse cells.

    surface, ground: (rows + 2, columns + 2) float32, the block and one more cell around it,
    north-up [m]; threshold [m], rounded to centimetres, as heights above the ground are, of which
    lower ones count as 0; top, left: of the block's first cell, counted southward and eastward from
    an anchor; side: cells along a side of the coarse cells, counted from the same, at most 20,000.
    Nothing is known to stand where a height is NaN: what faces it counts as a wall. A rise is
    counted where the higher cell lies, so the parts of a coarse cell in several blocks add up to
    the whole, exactly.

    Returns the sums of the coarse cells from (top // side, left // side) on. Raises ValueError for
    an infinite height, and for arrays that do not match.
    """
    surface, ground = as_raster(surface), as_raster(ground)
    if surface.shape != ground.shape or min(surface.shape) < 2 or not 1 <= side <= 20_000:
        raise ValueError(f"no block and one cell around it: {surface.shape}, {ground.shape}")
    rows = _lines(top, len(surface) - 2, side)
    columns = _lines(left, surface.shape[1] - 2, side)
    shape = len(rows) - 1, len(columns) - 1
    sums = RoughnessSums(np.zeros((*shape, FIELDS), np.int64), np.zeros(shape, np.int64))
    if not _add_block(surface, ground, round(100 * threshold), rows, columns, sums):
        refuse_infinite(surface)
        refuse_infinite(ground)
    return sums


def _weights(sectors: int) -> NDArray[np.float64]:
    """What a wind from each sector's middle is made of: (sectors, 8), of the winds from the eight
    neighbours, times the width of their lanes [cells]."""
    lanes = np.tile([1.0, math.sqrt(0.5)], 4)
    weights = np.zeros((sectors, 8))
    for s in range(sectors):
        before, rest = divmod(8 * s, sectors)
        beyond = rest / sectors * (math.pi / 4)
        weights[s, before] = math.sin(math.pi / 4 - beyond) / math.sin(math.pi / 4)
        weights[s, (before + 1) % 8] = math.sin(beyond) / math.sin(math.pi / 4)
    return weights * lanes


def roughness(sums: RoughnessSums, sectors: int, resolution: float) -> Roughness:
    """Densities and heights, of coarse cells or of any area whose sums these are.

    sums: added (..., FIELDS), highest (...); sectors: winds, evenly from grid north; resolution
    [m]. The area is that of the cells with data.
    """
    added = np.asarray(sums.added, np.float64)
    known, built = added[..., KNOWN], added[..., BUILT]
    known = np.where(known > 0, known, np.nan)
    standing = np.where(built > 0, built, 1)  # heights of nothing sum up to 0
    mean = added[..., HEIGHT] / standing
    spread = np.sqrt(np.maximum(added[..., SQUARE] / standing - mean * mean, 0))
    frontal = (added[..., RISE:] @ _weights(sectors).T) / (100 * resolution * known[..., None])
    nothing = 0 * known
    metres = (cm / 100 + nothing for cm in (mean, sums.highest, spread))
    return Roughness(frontal, built / known, *metres)
