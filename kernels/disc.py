"""Discs and sectors around a building's own cells, as intervals of columns in each row.

The own cells are runs along the rows. A run reaches an interval of columns in every row of its
disc; so does a stack of runs of which each touches the next: only the ends are kept, and they are
found for many rows at once. A sector is an interval of columns too. All in whole numbers.
"""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.compile import inlined, kernel

FAR = np.iinfo(np.int64).max
WEST, EAST = np.int32(-(2**30)), np.int32(2**30)  # of every column
UNIT = 2**30  # of a border's direction in whole numbers, so to 1e-9 rad


class Runs(NamedTuple):
    """Own cells side by side in a row. row, first, last: (runs,) int32; stack: (runs,) int64."""

    row: NDArray[np.int32]
    first: NDArray[np.int32]
    last: NDArray[np.int32]
    stack: NDArray[np.int64]


class Bounds(NamedTuple):
    """The first and last rows and columns with an own cell."""

    top: int
    left: int
    bottom: int
    right: int


@kernel
def _stack_above(runs, begin, end, taken, first, last):  # type: ignore[no-untyped-def]
    """The stack of a run of the row above (begin to end) that touches this one, or -1."""
    for k in range(begin, end):
        if not taken[k] and runs.first[k] <= last + 1 and runs.last[k] >= first - 1:
            taken[k] = True
            return runs.stack[k]
    return -1


@kernel
def _row_runs(row, i, left, runs, n):  # type: ignore[no-untyped-def]
    """Append the runs of a row. Returns the number of runs."""
    before = False
    for j in range(len(row)):
        if row[j] and not before:
            runs.row[n], runs.first[n] = i, left + j
            n += 1
        if row[j]:
            runs.last[n - 1] = left + j
        before = row[j]
    return n


@kernel
def own_runs(own, top, left):  # type: ignore[no-untyped-def]
    """Runs of own cells, and the number of stacks. A stack has one run in each of its rows, and
    each touches the next, so that the cells of a row within a radius are one interval."""
    most = own.shape[0] * (own.shape[1] // 2 + 1)
    runs = _new_runs(most)
    taken = np.zeros(most, np.bool_)
    n = above = here = stacks = 0
    for i in range(own.shape[0]):
        above, here, n = here, n, _row_runs(own[i], top + i, left, runs, n)
        for k in range(here, n):
            stack = _stack_above(runs, above, here, taken, runs.first[k], runs.last[k])
            runs.stack[k] = stack if stack >= 0 else stacks
            stacks += stack < 0
    return Runs(runs.row[:n], runs.first[:n], runs.last[:n], runs.stack[:n]), stacks


@kernel
def _new_runs(n):  # type: ignore[no-untyped-def]
    place = np.empty((3, n), np.int32)
    return Runs(place[0], place[1], place[2], np.empty(n, np.int64))


@kernel
def _widths(limit):  # type: ignore[no-untyped-def]
    """How many columns a disc's rows reach to either side, from its first row to its last."""
    radius = int(np.sqrt(limit))
    width = np.empty(2 * radius + 1, np.int32)
    for d in range(radius + 1):
        width[radius - d] = width[radius + d] = int(np.sqrt(limit - d * d))
    return width


@kernel
def _widen(west, east, width, first, last):  # type: ignore[no-untyped-def]
    for i in range(len(west)):
        west[i] = min(west[i], np.int32(first - width[i]))
        east[i] = max(east[i], np.int32(last + width[i]))


@kernel
def columns_within(runs, stacks, limits, begin, rows):  # type: ignore[no-untyped-def]
    """The first and the last column within each radius of each stack, in `rows` rows from `begin`:
    (stacks, radii, rows) int32; none where the first is the greater."""
    west = np.full((stacks, len(limits), rows), EAST, np.int32)
    east = np.full(west.shape, WEST, np.int32)
    for q in range(len(limits)):
        width = _widths(limits[q])
        for k in range(len(runs.row)):
            # Rows of the disc about this run, of which some lie in the window.
            north = runs.row[k] - len(width) // 2 - begin
            here = slice(max(0, north), max(0, min(rows, north + len(width))))
            c, part = runs.stack[k], width[here.start - north : max(0, here.stop - north)]
            _widen(west[c, q, here], east[c, q, here], part, runs.first[k], runs.last[k])
    return west, east


@inlined
def hull(west, east, r, columns):  # type: ignore[no-untyped-def]
    """First column of a row within the largest radius of any stack, and the one after the last."""
    low, high = columns, -1
    for c in range(len(west)):
        low, high = min(low, west[c, -1, r]), max(high, east[c, -1, r])
    return max(low, 0), min(high + 1, columns)


@kernel
def squared_distance(runs, i, j):  # type: ignore[no-untyped-def]
    """Squared distance from a cell to the nearest own cell [cells2]."""
    least = FAR
    for k in range(len(runs.row)):
        down = runs.row[k] - i
        along = max(runs.first[k] - j, 0, j - runs.last[k])
        least = min(least, down * down + along * along)
    return least


@lru_cache
def borders_of(sectors: int) -> NDArray[np.int64]:
    """The directions (east, north) in which each sector ends, clockwise: (sectors, 2) int64, alike
    in each quarter and its mirror image; zero of a single sector, which has no end."""
    borders = np.zeros((sectors, 2), np.int64)
    for b in range(sectors if sectors > 1 else 0):
        quarter, rest = divmod(2 * (2 * b + 1), sectors)
        angle = rest / sectors * (math.pi / 2)
        east, north = round(UNIT * math.sin(angle)), round(UNIT * math.cos(angle))
        for _ in range(quarter):
            east, north = north, -east
        borders[b] = east, north
    return borders


@kernel
def cut_sectors(borders, y, x, low, high, cut):  # type: ignore[no-untyped-def]
    """Fill `cut`, (3, sectors) int64, with first column, last column and number of each sector that
    a row meets between columns low and high, both included. Returns the number of such sectors.

    y, x: how far the row lies north of the middle, and the middle east of column 0 [half cells],
    both below 2^22: so the numbers are exact in double, and the quotient is no whole number by
    rounding. Sectors are closed: a cell on a border is in both.
    """
    lows, highs, names = cut
    lows[:], highs[:] = low, high
    for b in range(len(borders)):
        east, north = borders[b]
        after = b + 1 if b + 1 < len(borders) else 0  # begins where b ends
        if north == 0:
            lows[after] = high + 1 if east * y > 0 else lows[after]
            lows[b] = high + 1 if east * y < 0 else lows[b]
        else:
            crossing = np.float64(east * y + x * north) / np.float64(2 * north)
            right, left = (after, b) if north > 0 else (b, after)
            lows[right] = max(lows[right], np.int64(np.ceil(crossing)))
            highs[left] = min(highs[left], np.int64(np.floor(crossing)))
    n = 0
    for s in range(len(borders)):
        if lows[s] <= highs[s]:
            lows[n], highs[n], names[n] = lows[s], highs[s], s
            n += 1
    return n
