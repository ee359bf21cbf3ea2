"""Wind shadow: what stands higher than a candidate around it, by sector and distance.

What lies within a radius of the candidate's own cells is one interval of columns in each row and
for each stack of its runs, and so is what lies in a sector (kernels/disc.py). So the inner loop is
a maximum over whole numbers side by side; a distance is computed only where something as high as
the highest so far stands.

Distance is between a cell's centre and the nearest own cell's. A footprint's cells are those whose
centre it holds, so cells are never nearer to one another than polygons. Any point of a straight
wall has an own centre within sqrt(5)/2 cells, of a square corner within sqrt(5/2), if the footprint
is 3 cells wide: so cells are at most sqrt(10) = 3.2 farther apart than such polygons (1.6 m at
0.5 m), and one where walls face each other along the cells' borders.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels.check import as_raster, refuse_infinite
from kernels.compile import inlined, kernel
from kernels.disc import (
    EAST,
    FAR,
    Bounds,
    borders_of,
    columns_within,
    cut_sectors,
    hull,
    own_runs,
    squared_distance,
)
from kernels.simd import LINE, prefetch

NONE = np.int32(np.iinfo(np.int32).min)
MAGNITUDE, INFINITE = np.int32(0x7FFFFFFF), np.int32(0x7F800000)  # of the bits of a float32
AHEAD = 2  # rows that are asked for beforehand


class Candidate(NamedTuple):
    """A building whose shelter is asked for. own: (rows, columns) bool, its cells; top, left: where
    the first of them lies in the raster, or outside of it [cells]."""

    own: NDArray[np.bool_]
    top: int
    left: int


class Shelter(NamedTuple):
    """What stands around a candidate. highest: (sectors, radii) float32 [m], the highest cell of
    others in a sector and within a radius; distance: (sectors, radii) float64 [cells], of the
    nearest cell that high from the nearest own one. NaN where there is none."""

    highest: NDArray[np.float32]
    distance: NDArray[np.float64]


class _Obstacles(NamedTuple):
    """Highest obstacle of each sector and ring. top: (sectors, radii) int32, its key;
    squared_distance: (sectors, radii) int64, of the nearest cell of that key [cells2]."""

    top: NDArray[np.int32]
    squared_distance: NDArray[np.int64]


@kernel
def _take_keys(bits, keys):  # type: ignore[no-untyped-def]
    """Map heights to int32 keys of the same order, for SIMD: the bits of float32, those of negative
    ones negated, both zeros alike; NONE for NaN. Returns whether one is infinite."""
    infinite = False
    for j in range(len(keys)):
        size = bits[j] & MAGNITUDE
        key = size if bits[j] >= 0 else np.int32(-size)
        keys[j] = key if size <= INFINITE else NONE
        infinite |= size == INFINITE
    return infinite


@inlined
def _top(keys, begin, end):  # type: ignore[no-untyped-def]
    """The greatest of some keys: unsigned indices, for SIMD; a slice would cost as much again."""
    top = NONE
    for k in range(np.uint64(begin), np.uint64(end)):
        top = max(top, keys[k])
    return top


@kernel
def _record(keys, low, begin, end, i, top, runs, box, obstacles, s, q):  # type: ignore[no-untyped-def]
    """Record the cells of key `top` among columns begin to end of row i as obstacles of sector s
    and ring q, unless a nearer ring has one as high."""
    for nearer in range(q):
        if obstacles.top[s, nearer] >= top:
            return
    if top > obstacles.top[s, q]:
        obstacles.top[s, q], obstacles.squared_distance[s, q] = top, FAR
    down = max(box.top - i, 0, i - box.bottom)
    for j in range(begin, end):
        if keys[j - low] == top:
            along = max(box.left - j, 0, j - box.right)
            if down * down + along * along < obstacles.squared_distance[s, q]:
                obstacles.squared_distance[s, q] = min(
                    obstacles.squared_distance[s, q], squared_distance(runs, i, j)
                )


@inlined
def _record_ring(keys, low, begin, end, i, cut, met, runs, box, obstacles, q):  # type: ignore[no-untyped-def]
    """Record the obstacles of one ring among columns begin to end of a row, by sectors."""
    for m in range(met):
        first, stop, s = max(begin, cut[0, m]), min(end, cut[1, m] + 1), cut[2, m]
        if first < stop:
            top = _top(keys, first - low, stop - low)
            if top > NONE and top >= obstacles.top[s, q]:
                _record(keys, low, first, stop, i, top, runs, box, obstacles, s, q)


@inlined
def _record_row(keys, low, i, cut, met, west, east, r, runs, box, obstacles):  # type: ignore[no-untyped-def]
    """Record the obstacles of a row, ring by ring: each stack's interval without the next
    smaller."""
    for c in range(len(west)):
        inner, beyond = np.int64(EAST), np.int64(EAST)
        for q in range(west.shape[1]):
            begin, end = np.int64(west[c, q, r]), np.int64(east[c, q, r]) + 1
            if begin < end:
                _record_ring(
                    keys, low, begin, min(end, inner), i, cut, met, runs, box, obstacles, q
                )
                _record_ring(keys, low, beyond, end, i, cut, met, runs, box, obstacles, q)
                inner, beyond = begin, end


@inlined
def _drop_own(keys, low, i, runs):  # type: ignore[no-untyped-def]
    """Take the own cells of row i out of its keys."""
    for k in range(len(runs.row)):
        if runs.row[k] == i:
            keys[max(runs.first[k] - low, 0) : max(runs.last[k] + 1 - low, 0)] = NONE


@inlined
def _outward(step, middle, begin, end):  # type: ignore[no-untyped-def]
    """Row of a step outward from the middle, and its direction: near rows first, as they hide far
    ones."""
    return (middle + step, 1) if middle + step < end else (end - 1 - step, -1)


@kernel
def _shelter(height, candidate, limits, borders, obstacles):  # type: ignore[no-untyped-def]
    """Fill in the obstacles; False at an infinite height in a row that is looked at."""
    runs, stacks = own_runs(candidate.own, candidate.top, candidate.left)
    if stacks == 0:
        return True
    box = Bounds(runs.row[0], runs.first.min(), runs.row[-1], runs.last.max())
    wide, (rows, columns) = int(np.sqrt(limits[-1])), height.shape
    begin, end = max(0, box.top - wide), min(rows, box.bottom + wide + 1)
    west, east = columns_within(runs, stacks, limits, begin, max(0, end - begin))
    line, cut = np.empty(columns, np.int32), np.empty((3, len(borders)), np.int64)
    middle = min(max((box.top + box.bottom) // 2, begin), end)
    for step in range(end - begin):
        i, south = _outward(step, middle, begin, end)
        low, high = hull(west, east, i - begin, columns)
        for j in range(low, high, LINE // 4):
            prefetch(height, i + AHEAD * south, j)
        keys = line[: max(0, high - low)]
        if _take_keys(height[i, low : low + len(keys)].view(np.int32), keys):
            return False
        _drop_own(keys, low, i, runs)
        y, x = box.top + box.bottom - 2 * i, box.left + box.right
        met = cut_sectors(borders, y, x, low, high - 1, cut)
        _record_row(keys, low, i, cut, met, west, east, i - begin, runs, box, obstacles)
    return True


def _shelter_of(obstacles: _Obstacles) -> Shelter:
    """The shelter within each radius, from the obstacles of each ring."""
    top, squared_distance = obstacles
    for q in range(1, top.shape[1]):
        nearer = top[:, q - 1] >= top[:, q]
        top[nearer, q] = top[nearer, q - 1]
        squared_distance[nearer, q] = squared_distance[nearer, q - 1]
    none = top == NONE
    bits = np.where(top < 0, int(NONE) - top, top)
    highest = np.where(none, np.float32(np.nan), bits.view(np.float32))
    return Shelter(highest, np.where(none, np.nan, np.sqrt(squared_distance)))


def sheltering(
    height: ArrayLike, candidate: Candidate, radii: Sequence[float], sectors: int
) -> Shelter:
    """The highest cell around a candidate that is not its own, by sector and radius, and its
    distance.

    height: (rows, columns) float32, north-up [m], NaN what is no obstacle; radii: ascending,
    between cell centres, closed [cells]; sectors: equal ones, clockwise, the first about grid
    north. Nearness is to the nearest own cell; bearing is from the middle of the box around the
    own cells, where a turbine would stand, to a cell's centre: exact, and alike under quarter
    turns and mirroring. A cell on a border counts for both sectors, one in the middle for all.
    An obstacle that is farther and no higher than another in its sector is left out: within any
    radius the nearer shelters more.

    Raises ValueError for an infinite height where it looks, and for radii or sectors that are none.
    """
    height = as_raster(height)
    if sectors < 1 or not len(radii) or radii[0] < 0 or list(radii) != sorted(radii):
        raise ValueError(f"there are no {sectors} sectors within {list(radii)} cells")
    own = np.ascontiguousarray(candidate.own, np.bool_)
    most = sum(map(abs, (*height.shape, *own.shape, candidate.top, candidate.left)))
    limits = np.array([int(min(r * r, most * most)) for r in radii])
    shape = sectors, len(limits)
    obstacles = _Obstacles(np.full(shape, NONE), np.full(shape, FAR))
    at = Candidate(own, candidate.top, candidate.left)
    if not _shelter(height, at, limits, borders_of(sectors), obstacles):
        refuse_infinite(height)
    return _shelter_of(obstacles)


def merge(a: Shelter, b: Shelter) -> Shelter:
    """Merge the shelter that two parts of a raster give one candidate: exact, in any order, also
    where the parts overlap."""
    other = (b.highest > a.highest) | np.isnan(a.highest)
    other |= (b.highest == a.highest) & (b.distance < a.distance)
    highest = np.where(other, b.highest, a.highest)
    return Shelter(highest, np.where(other, b.distance, a.distance))


@kernel
def _clear(height, candidate, limits):  # type: ignore[no-untyped-def]
    runs, stacks = own_runs(candidate.own, candidate.top, candidate.left)
    west, east = columns_within(runs, stacks, limits, 0, height.shape[0])
    for c in range(stacks):
        for i in range(height.shape[0]):
            height[i, max(west[c, 0, i], 0) : max(east[c, 0, i] + 1, 0)] = np.nan


def clear_within(height: NDArray[np.float32], candidate: Candidate, radius: float) -> None:
    """Set the cells within a radius of a candidate's own to NaN, in place.

    height: (rows, columns); radius: between cell centres, closed [cells].
    """
    own = np.ascontiguousarray(candidate.own, np.bool_)
    at = Candidate(own, candidate.top, candidate.left)
    _clear(height, at, np.array([int(radius * radius)]))


def any_within(own: NDArray[np.bool_], others: NDArray[np.bool_], radius: float) -> bool:
    """Whether a cell of `others` that is not own lies within the radius of an own cell.

    own, others: (rows, columns) bool; radius: between cell centres, closed [cells]. The disc is
    exact: squares of whole numbers are compared.
    """
    rows, columns = (np.flatnonzero(own.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return False
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    height = np.where(others, np.float32(0), np.float32(np.nan))
    candidate = Candidate(own[box], int(rows[0]), int(columns[0]))
    return bool(np.isfinite(sheltering(height, candidate, [radius], 1).highest[0, 0]))
