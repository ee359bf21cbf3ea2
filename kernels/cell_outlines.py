"""Outlines of areas of cells: the rings around each, from corner to corner of its cells.

The cells of an area that hang together by their sides are a part of it. A ring is followed with the
part on its left, so that a shell runs counter-clockwise on a map and a hole clockwise. Where two
cells of a part meet at a corner only, the ring comes there twice: it is cut into two there, so that
no ring touches itself.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.compile import kernel
from kernels.rings import resized
from kernels.spans import Spans

NONE = -1
WEST, SOUTH, EAST, NORTH = range(4)
STEP = ((-1, 0), (0, 1), (1, 0), (0, -1))  # columns and rows of a step, by its direction
# The cells ahead of a corner to the left and to the right, by the direction: columns and rows.
LEFT = ((-1, 0), (0, 0), (0, -1), (-1, -1))
RIGHT = ((-1, -1), (-1, 0), (0, 0), (0, -1))


class CellRings(NamedTuple):
    """Rings around areas of cells, by area, then part, its shell before its holes.

    area, part: (rings,) int64, parts counted in this order; start: (rings + 1,) int64, where the
    corners of each start; corner: (corners, 2) int64, column and row of corners of cells, of which
    the first is not repeated at the end.
    """

    area: NDArray[np.int64]
    part: NDArray[np.int64]
    start: NDArray[np.int64]
    corner: NDArray[np.int64]


def cell_rings(spans: Spans, area: NDArray[np.int64]) -> CellRings:
    """The rings around areas of the cells of footprints, each of a single footprint.

    area: (cells,) int64, of each cell in the order of `kernels.spans.cells_of`, -1 for none.
    """
    rings, corner = _rings(spans, area)
    number, part, end, twice = rings.T
    order = np.lexsort((twice < 0, part, number))
    begin, count = end - np.diff(end, prepend=0), np.diff(end, prepend=0)
    start = np.concatenate([np.zeros(1, np.int64), np.cumsum(count[order])])
    within = np.arange(start[-1]) - np.repeat(start[:-1], count[order])
    places = np.repeat(begin[order], count[order]) + within
    part = np.cumsum(np.diff(part[order], prepend=-1) != 0) - 1
    return CellRings(number[order], part, start, corner[places])


@kernel
def _rings(spans, area):  # type: ignore[no-untyped-def]
    """All rings: (rings, 4) area, part, end of the corners, twice the signed area; and these."""
    rings, corner = np.empty((64, 4), np.int64), np.empty((256, 2), np.int64)
    used, cells, parts = np.zeros(2, np.int64), 0, 0
    for f in range(len(spans.start) - 1):
        first, last = spans.start[f], spans.start[f + 1]
        if first == last:
            continue
        top, left = spans.row[first], spans.begin[first:last].min()
        shape = spans.row[last - 1] - top + 3, spans.end[first:last].max() - left + 3
        number = np.full(shape, NONE, np.int32)
        cells = _take(spans, first, last, area, cells, number, top - 1, left - 1)
        part = np.full(shape, NONE, np.int32)
        tops, parts = _number_parts(number, part, parts)
        rings = resized(rings, used[0] + tops)
        corner = resized(corner, used[1] + 4 * tops)
        path = np.empty((4 * tops, 2), np.int64)
        _follow_all(number, part, path, rings, corner, used, top - 1, left - 1)
    return rings[: used[0]], corner[: used[1]]


@kernel
def _take(spans, first, last, area, cells, number, top, left):  # type: ignore[no-untyped-def]
    for s in range(first, last):
        for j in range(spans.begin[s], spans.end[s]):
            number[spans.row[s] - top, j - left] = area[cells]
            cells += 1
    return cells


@kernel
def _number_parts(number, part, parts):  # type: ignore[no-untyped-def]
    """Number the parts on from `parts`. Returns how many cells have another area north of them, and
    the number of the next part."""
    queue, tops = np.empty((number.size, 2), np.int32), 0
    for y in range(1, number.shape[0] - 1):
        for x in range(1, number.shape[1] - 1):
            if number[y, x] != NONE:
                tops += number[y - 1, x] != number[y, x]
                if part[y, x] == NONE:
                    _fill(number, part, parts, y, x, queue)
                    parts += 1
    return tops, parts


@kernel
def _fill(number, part, own, y, x, queue):  # type: ignore[no-untyped-def]
    part[y, x] = own
    queue[0] = y, x
    done, n = 0, 1
    while done < n:
        y, x = queue[done]
        done += 1
        for right, down in STEP:
            i, j = y + down, x + right
            if part[i, j] == NONE and number[i, j] == number[y, x]:
                part[i, j] = own
                queue[n] = i, j
                n += 1


@kernel
def _follow_all(number, part, path, rings, corner, used, top, left):  # type: ignore[no-untyped-def]
    """Follow each ring once: from a northern side of a cell that no ring has followed yet."""
    seen = np.zeros(part.shape, np.bool_)
    for y in range(1, part.shape[0] - 1):
        for x in range(1, part.shape[1] - 1):
            if part[y, x] != NONE and part[y - 1, x] != part[y, x] and not seen[y, x]:
                before = used[1]
                area = np.int64(number[y, x])
                _follow(area, part, y, x, seen, path, rings, corner, used)
                for k in range(before, used[1]):
                    corner[k, 0] += left
                    corner[k, 1] += top


@kernel
def _follow(area, part, y, x, seen, path, rings, corner, used):  # type: ignore[no-untyped-def]
    """Follow a ring from the north-eastern corner of a cell until it comes back there."""
    own, column, row, way, n = np.int64(part[y, x]), x + 1, y, WEST, 0
    while True:
        column, row = column + STEP[way][0], row + STEP[way][1]
        if way == WEST:
            seen[row, column] = True
        left = part[row + LEFT[way][1], column + LEFT[way][0]] == own
        right = part[row + RIGHT[way][1], column + RIGHT[way][0]] == own
        if not left or right:
            n = _turn(area, own, column, row, right and not left, path, n, rings, corner, used)
            way = (way + 3) % 4 if left else (way + 1) % 4
        if column == x + 1 and row == y and way == WEST:
            break
    _close(area, own, path, 0, n, rings, corner, used)


@kernel
def _turn(area, own, column, row, touching, path, n, rings, corner, used):  # type: ignore[no-untyped-def]
    """Add a corner to the path. touching: whether cells meet there at the corner only, so that the
    path may have been there: then what came since is a ring of its own."""
    if touching:
        for k in range(n):
            if path[k, 0] == column and path[k, 1] == row:
                _close(area, own, path, k, n, rings, corner, used)
                return k + 1
    path[n] = column, row
    return n + 1


@kernel
def _close(area, own, path, first, last, rings, corner, used):  # type: ignore[no-untyped-def]
    """Record a part of the path as a ring."""
    twice, before = 0, last - 1
    for k in range(first, last):
        twice += path[k, 0] * path[before, 1] - path[before, 0] * path[k, 1]  # rows run southward
        before = k
        corner[used[1]] = path[k]
        used[1] += 1
    rings[used[0]] = area, own, used[1], twice
    used[0] += 1
