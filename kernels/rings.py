"""Rasterise footprints into runs along rows: GDAL's rule to the letter, the same in any window.

Rows run *southward* and columns eastward, as an array's do, from an origin that does not depend on
the array. A footprint's coordinates count from a cell of its own: small numbers, so that an edge
through a cell's centre is decided without rounding, and the same in any window.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.compile import kernel
from kernels.spans import Spans

MANY = np.iinfo(np.int64).max
FAR = 1 << 40  # no cell is as far
FEW = 32  # to sort by insertion
STRIP = 64  # rows at a time: a polygon's edges are walked once a strip, and take 1 KB each
CROSSING, BEGIN, END = 0, 1, 3  # what happens to a row at a column; BEGIN and END are 2 -+ 1


class Rings(NamedTuple):
    """Footprints as rings, closed, clockwise on the map.

    top, left: (footprints,) int64, the cell that a footprint's coordinates count from; x, y:
    (points,) float64, eastward and southward from that cell's north-western corner [cells];
    points: (rings + 1,) int64, where each ring's points start; rings: (footprints + 1,) int64,
    where each footprint's rings start.
    """

    top: NDArray[np.int64]
    left: NDArray[np.int64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    points: NDArray[np.int64]
    rings: NDArray[np.int64]


class Box(NamedTuple):
    """A rectangle of cells: first row, first column, rows, columns."""

    top: int
    left: int
    height: int
    width: int


@kernel
def to_cells(xy, first, resolution):  # type: ignore[no-untyped-def]
    """Coordinates of footprints in cells from the north-western cell of each one's bounding box: x
    and y as in Rings, and that cell's column and, northward, row (footprints,) int64.

    xy: (points, 2) float64 [m]; first: (footprints + 1,) int64, where each one's points start.
    """
    x, y = np.empty(len(xy)), np.empty(len(xy))
    left, north = np.zeros(len(first) - 1, np.int64), np.zeros(len(first) - 1, np.int64)
    for f in range(len(left)):
        begin, end = first[f], first[f + 1]
        if begin < end:
            left[f] = np.floor(xy[begin:end, 0].min() / resolution)
            north[f] = np.ceil(xy[begin:end, 1].max() / resolution)
        for k in range(begin, end):
            x[k] = (xy[k, 0] - left[f] * resolution) / resolution
            y[k] = (north[f] * resolution - xy[k, 1]) / resolution
    return x, y, left, north


@kernel
def turn_clockwise(x, y, points):  # type: ignore[no-untyped-def]
    """Reverse the rings that go the other way, in place; x, y, points: as in Rings, int64 and
    float64."""
    for ring in range(len(points) - 1):
        first, end = points[ring], points[ring + 1]
        area = 0.0  # twice; southward y, so a clockwise ring's is positive
        for k in range(first, end - 1):
            east, south = x[k] - x[first], y[k] - y[first]
            area += east * (y[k + 1] - y[first]) - (x[k + 1] - x[first]) * south
        if area < 0:
            for k in range((end - first) // 2):
                a, b = first + k, end - 1 - k
                x[a], x[b] = x[b], x[a]
                y[a], y[b] = y[b], y[a]


@kernel
def sort(values, n):  # type: ignore[no-untyped-def]
    """Sort values[:n] in n log n at worst: a zigzag wall meets one row many thousand times."""
    if n > FEW:
        values[:n] = values[np.argsort(values[:n], kind="mergesort")]
        return
    for m in range(1, n):
        value, k = values[m], m
        while k > 0 and values[k - 1] > value:
            values[k] = values[k - 1]
            k -= 1
        values[k] = value


@kernel
def _row_after(y):  # type: ignore[no-untyped-def]
    """The first row whose centre does not lie north of y."""
    row = int(np.floor(y))
    return row + int(row + 0.5 < y)


@kernel
def _meet(rings, f, top, events, met):  # type: ignore[no-untyped-def]
    """Collect where a footprint's edges meet the rows from `top` on, as column * 4 + kind,
    unsorted."""
    met[:] = 0
    bottom = top + len(met)
    for ring in range(rings.rings[f], rings.rings[f + 1]):
        for p in range(rings.points[ring] + 1, rings.points[ring + 1]):
            x1, y1, x2, y2 = rings.x[p - 1], rings.y[p - 1], rings.x[p], rings.y[p]
            if y1 > y2:
                x1, y1, x2, y2 = x2, y2, x1, y1
            first = _row_after(y1)
            for row in range(max(first, top), min(_row_after(y2), bottom)):
                at = int(np.floor((row + 0.5 - y1) * (x2 - x1) / (y2 - y1) + x1 + 0.5))
                events[row - top, met[row - top]] = at * 4 + CROSSING
                met[row - top] += 1
            if y1 == y2 == first + 0.5 and x2 < x1 and top <= first < bottom:
                n = met[first - top]
                events[first - top, n] = int(np.floor(x2 + 0.5)) * 4 + BEGIN
                events[first - top, n + 1] = int(np.floor(x1 + 0.5)) * 4 + END
                met[first - top] += 2


@kernel
def _append_runs(events, met, left, width, out, n):  # type: ignore[no-untyped-def]
    """Append the runs between `left` and `left + width`, by the rules of GDAL's rasterize: between
    crossings, even-odd; an edge that runs along the centres from east to west counts."""
    for i in range(len(met)):
        sort(events[i], met[i])
        state, begin = 0, -1  # odd between crossings; + 2 for an edge along the centres
        for k in range(met[i]):
            column, kind = (events[i, k] >> 2) - left, events[i, k] & 3
            state = state ^ 1 if kind == CROSSING else state + 4 - 2 * kind
            if k + 1 < met[i] and events[i, k + 1] >> 2 == events[i, k] >> 2:
                continue
            column = min(max(column, 0), width)
            if state and begin < 0:
                begin = column
            elif not state and begin >= 0:
                if begin < column:
                    out[n, 0], out[n, 1], out[n, 2] = i, begin, column
                    n += 1
                begin = -1
    return n


@kernel
def _frame(rings, f):  # type: ignore[no-untyped-def]
    """First row of a footprint and the one after its last, from its own origin; number of
    points."""
    begin, end = rings.points[rings.rings[f]], rings.points[rings.rings[f + 1]]
    if begin == end:
        return 0, 0, 0
    y = rings.y[begin:end]
    return int(np.floor(y.min())), int(np.floor(y.max())) + 1, end - begin


@kernel
def _event_arrays(rows, points):  # type: ignore[no-untyped-def]
    """Arrays for the events of a strip, at most two an edge; untouched pages take no memory."""
    rows = min(max(rows, 0), STRIP)
    return np.empty((rows, 2 * points), np.int64), np.empty(rows, np.int64)


@kernel
def resized(out, room):  # type: ignore[no-untyped-def]
    """`out`, copied into a larger array if it has fewer than `room` rows."""
    while len(out) < room:
        out = np.concatenate((out, np.empty_like(out)))
    return out


@kernel
def _spans(rings, box, start):  # type: ignore[no-untyped-def]
    out, n = np.empty((64, 3), np.int64), 0
    for f in range(len(rings.rings) - 1):
        first, last, points = _frame(rings, f)
        down, left = rings.top[f] - box.top, box.left - rings.left[f]
        first, last = max(first, -down), min(last, box.height - down)
        events, met = _event_arrays(last - first, points)
        for top in range(first, last, STRIP):
            here = met[: last - top]
            _meet(rings, f, top, events, here)
            out = resized(out, n + here.sum() // 2)
            begin, n = n, _append_runs(events, here, left, box.width, out, n)
            out[begin:n, 0] += top + down
        start[f + 1] = n
    return out[:n]


def footprint_spans(rings: Rings, box: Box) -> Spans:
    """The cells of the box whose centre lies in a footprint, each footprint by itself.

    The same cells as GDAL's rasterize gives (not all touched), whatever the box. The time goes by
    the rows that edges cross, not by the ground inside.
    """
    start = np.zeros(len(rings.rings), np.int64)
    return Spans(start, *_spans(rings, box, start).T.copy())


@kernel
def _count_cells(rings, most, counts):  # type: ignore[no-untyped-def]
    for f in range(len(counts)):
        first, last, points = _frame(rings, f)
        events, met = _event_arrays(last - first, points)
        for top in range(first, last, STRIP):
            if counts[f] >= most[f]:
                break
            here = met[: last - top]
            _meet(rings, f, top, events, here)
            runs = np.empty((here.sum() // 2, 3), np.int64)
            n = _append_runs(events, here, -FAR, 2 * FAR, runs, 0)
            for k in range(n):
                if counts[f] < most[f]:
                    counts[f] += runs[k, 2] - runs[k, 1]


def count_cells(rings: Rings, most: NDArray[np.int64] | int = MANY) -> NDArray[np.int64]:
    """Number of cells whose centre lies in each footprint, anywhere on the grid.

    Runs along rows are counted until there are `most`, so that an enormous polygon costs no more
    than what is asked of it. Returns (footprints,) int64.
    """
    counts = np.zeros(len(rings.rings) - 1, np.int64)
    _count_cells(rings, np.full(counts.shape, most, np.int64), counts)
    return counts
