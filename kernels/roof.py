"""The cells of a footprint, and histograms of their heights: exact in integers, so mergeable.

Rows run *southward* and columns eastward, as an array's do, from an origin that does not depend on
the array. A footprint's coordinates count from a cell of its own: small numbers, so that an edge
through a cell's centre is decided without rounding, and the same in any window.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.compile import kernel

NO_HEIGHT = np.iinfo(np.int32).min
MANY = np.iinfo(np.int64).max


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


class Cells(NamedTuple):
    """Cells of footprints. footprint, row, column: (cells,) int64, row and column in the window;
    ordered by footprint, then row, then column."""

    footprint: NDArray[np.int64]
    row: NDArray[np.int64]
    column: NDArray[np.int64]


class Counts(NamedTuple):
    """Histograms. footprint, value, weight: (entries,) int64, ordered by footprint, then value."""

    footprint: NDArray[np.int64]
    value: NDArray[np.int64]
    weight: NDArray[np.int64]


@kernel
def _crossings(rings, first, last, centre, found):  # type: ignore[no-untyped-def]
    """Columns at which the rings cross a row's centre line, sorted; their number."""
    n = 0
    for ring in range(first, last):
        for p in range(rings.points[ring] + 1, rings.points[ring + 1]):
            x1, y1, x2, y2 = rings.x[p - 1], rings.y[p - 1], rings.x[p], rings.y[p]
            if y1 > y2:
                x1, y1, x2, y2 = x2, y2, x1, y1
            if y1 <= centre < y2:
                at = int(np.floor((centre - y1) * (x2 - x1) / (y2 - y1) + x1 + 0.5))
                k = n
                while k > 0 and found[k - 1] > at:
                    found[k] = found[k - 1]
                    k -= 1
                found[k] = at
                n += 1
    return n


@kernel
def _mark(marks, row, begin, end):  # type: ignore[no-untyped-def]
    for column in range(max(begin, 0), min(end, marks.shape[1])):
        marks[row, column] = True


@kernel
def _burn(rings, first, last, top, left, marks, found):  # type: ignore[no-untyped-def]
    """Mark the cells whose centre lies in the footprint, by the rules of GDAL's rasterize:
    between crossings, even-odd; an edge that runs along the centres from east to west counts."""
    for row in range(marks.shape[0]):
        centre = top + row + 0.5
        n = _crossings(rings, first, last, centre, found)
        for k in range(0, n - 1, 2):
            _mark(marks, row, found[k] - left, found[k + 1] - left)
        for ring in range(first, last):
            for p in range(rings.points[ring] + 1, rings.points[ring + 1]):
                if rings.y[p - 1] == centre and rings.y[p] == centre:
                    begin = int(np.floor(rings.x[p] + 0.5)) - left
                    _mark(marks, row, begin, int(np.floor(rings.x[p - 1] + 0.5)) - left)


@kernel
def _frame(rings, f, box):  # type: ignore[no-untyped-def]
    """The part of the box that the footprint can touch, as rows and columns in the box."""
    begin, end = rings.points[rings.rings[f]], rings.points[rings.rings[f + 1]]
    if begin == end:
        return 0, 0, 0, 0
    x, y = rings.x[begin:end], rings.y[begin:end]
    down, along = rings.top[f] - box.top, rings.left[f] - box.left
    top = max(int(np.floor(y.min())) + down, 0)
    left = max(int(np.floor(x.min())) + along, 0)
    bottom = min(int(np.floor(y.max())) + 1 + down, box.height)
    right = min(int(np.floor(x.max())) + 1 + along, box.width)
    return top, left, max(bottom - top, 0), max(right - left, 0)


@kernel
def _cells(rings, box, footprint, rows, columns):  # type: ignore[no-untyped-def]
    found = np.empty(max(len(rings.x), 1), np.int64)
    n = 0
    for f in range(len(rings.rings) - 1):
        top, left, height, width = _frame(rings, f, box)
        if height == 0 or width == 0:
            continue
        marks = np.zeros((height, width), np.bool_)
        down, along = box.top + top - rings.top[f], box.left + left - rings.left[f]
        _burn(rings, rings.rings[f], rings.rings[f + 1], down, along, marks, found)
        for i in range(height):
            for j in range(width):
                if marks[i, j]:
                    footprint[n], rows[n], columns[n] = f, top + i, left + j
                    n += 1
    return n


@kernel
def _room(rings, box):  # type: ignore[no-untyped-def]
    room = 0
    for f in range(len(rings.rings) - 1):
        _, _, height, width = _frame(rings, f, box)
        room += height * width
    return room


def footprint_cells(rings: Rings, box: Box) -> Cells:
    """The cells of the box whose centre lies in a footprint, each footprint by itself.

    The same cells as GDAL's rasterize gives (not all touched), whatever the box.
    """
    room = _room(rings, box)
    arrays = [np.empty(room, np.int64) for _ in range(3)]
    n = _cells(rings, box, *arrays)
    return Cells(*(array[:n].copy() for array in arrays))


@kernel
def _centimetres(height, out):  # type: ignore[no-untyped-def]
    for i in range(height.shape[0]):
        for j in range(height.shape[1]):
            scaled = np.rint(100.0 * np.float64(height[i, j]))
            out[i, j] = NO_HEIGHT if np.isnan(scaled) else np.int32(scaled)


def centimetres(height: NDArray[np.float32]) -> NDArray[np.int32]:
    """Heights [m] as rint(100 x value), computed in double [cm]; NO_HEIGHT where NaN.

    height: (rows, columns) float32 [m], at most 2e7. Returns (rows, columns) int32.
    """
    out = np.empty(height.shape, np.int32)
    _centimetres(height, out)
    return out


@kernel
def _tally(values, n, f, out, at):  # type: ignore[no-untyped-def]
    """Append the histogram of values[:n] for footprint f to out at `at`; where it ends."""
    if n == 0:
        return at
    lowest = values[:n].min()
    counts = np.zeros(values[:n].max() - lowest + 1, np.int64)
    for k in range(n):
        counts[values[k] - lowest] += 1
    for k in range(len(counts)):
        if counts[k]:
            out[at, 0], out[at, 1], out[at, 2] = f, lowest + k, counts[k]
            at += 1
    return at


@kernel
def _cell_histograms(cm, footprint, row, column, out):  # type: ignore[no-untyped-def]
    at = k = 0
    values = np.empty(len(footprint), np.int64)
    while k < len(footprint):
        f, n = footprint[k], 0
        while k < len(footprint) and footprint[k] == f:
            value = cm[row[k], column[k]]
            if value != NO_HEIGHT:
                values[n] = value
                n += 1
            k += 1
        at = _tally(values, n, f, out, at)
    return at


@kernel
def _box_histograms(cm, boxes, out):  # type: ignore[no-untyped-def]
    at = 0
    values = np.empty(cm.size, np.int64)
    for f in range(len(boxes)):
        top, left, bottom, right = boxes[f]
        n = 0
        for i in range(max(top, 0), min(bottom, cm.shape[0])):
            for j in range(max(left, 0), min(right, cm.shape[1])):
                if cm[i, j] != NO_HEIGHT:
                    values[n] = cm[i, j]
                    n += 1
        at = _tally(values, n, f, out, at)
    return at


def cell_histograms(cm: NDArray[np.int32], cells: Cells) -> Counts:
    """Histogram of the heights on each footprint's cells; cells without a height are left out.

    cm: (rows, columns) int32 [cm]; cells: ordered by footprint.
    """
    out = np.empty((len(cells.footprint), 3), np.int64)
    n = _cell_histograms(cm, *cells, out)
    return Counts(*out[:n].T.copy())


def box_histograms(cm: NDArray[np.int32], boxes: NDArray[np.int64]) -> Counts:
    """Histogram of the heights in boxes; cells without a height or outside `cm` are left out.

    cm: (rows, columns) int32 [cm]; boxes: (boxes, 4) int64: top, left, bottom, right, half open,
    in cells of `cm`. A box is `footprint` in the result.
    """
    clipped = np.clip(boxes, 0, np.array([*cm.shape, *cm.shape]))
    area = np.prod(np.maximum(clipped[:, 2:] - clipped[:, :2], 0), axis=1)
    known = cm[cm != NO_HEIGHT]
    values = int(known.max()) - int(known.min()) + 1 if len(known) else 0
    room = int(np.minimum(area, values).sum())
    out = np.empty((room, 3), np.int64)
    n = _box_histograms(cm, boxes, out)
    return Counts(*out[:n].T.copy())


@kernel
def _count_cells(rings, most, counts):  # type: ignore[no-untyped-def]
    found = np.empty(max(len(rings.x), 1), np.int64)
    for f in range(len(counts)):
        first, last = rings.rings[f], rings.rings[f + 1]
        x = rings.x[rings.points[first] : rings.points[last]]
        y = rings.y[rings.points[first] : rings.points[last]]
        if len(x) == 0:
            continue
        row, left, width = int(np.floor(y.min())), int(np.floor(x.min())), int(np.ceil(x.max()))
        marks = np.zeros((1, width - left + 1), np.bool_)
        while counts[f] < most[f] and row <= y.max():
            marks[:] = False
            _burn(rings, first, last, row, left, marks, found)
            counts[f] += marks.sum()
            row += 1


def count_cells(rings: Rings, most: NDArray[np.int64] | int = MANY) -> NDArray[np.int64]:
    """How many cells have their centre in each footprint, on whatever ground.

    Rows are counted until there are `most`, so that an enormous polygon costs no more than what
    is asked of it. Returns (footprints,) int64.
    """
    counts = np.zeros(len(rings.rings) - 1, np.int64)
    _count_cells(rings, np.full(counts.shape, most, np.int64), counts)
    return counts
