"""What the march of the horizon looks at: a near field of cells and their means, and a far field.

The far field is a pyramid over cells of 8 x 8: it is all that matters beyond NEAR cells, so that
heights are needed at full resolution only that far around a block.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels.check import raster, refuse_infinite
from kernels.compile import kernel
from kernels.rings import Box
from kernels.roof import NO_HEIGHT, centimetres
from kernels.simd import SIDE

MARGIN = 128  # cells that samples reach from a tile, their means included
NEAR = MARGIN + SIDE  # cells around a block that the near field needs: a tile may stick out
QUARTER, NOTHING, UNKNOWN = np.float32(0.25), np.float32(-np.inf), np.float32(np.nan)
COARSE_BITS = 3
COARSE = 1 << COARSE_BITS  # cells along a side of a coarse cell


class Near(NamedTuple):
    """A block and its surroundings.

    cells, mean2, mean4: (rows, columns) float32 [m]; mean2 at a cell is the mean of the 2 x 2 whose
    north-western one it is, mean4 that of four such means: where some of the four have no data the
    highest of them, where none has, NaN. highest: (tile rows, tile columns) float32, of the tiles
    of SIDE x SIDE cells anchored on the grid, -infinity where there are no data. top, left: of the
    first cell, counted southward and eastward from the anchor; block: the block in the array.
    """

    cells: NDArray[np.float32]
    mean2: NDArray[np.float32]
    mean4: NDArray[np.float32]
    highest: NDArray[np.float32]
    top: int
    left: int
    block: Box


@kernel
def _mean(a, b, c, d):  # type: ignore[no-untyped-def]
    """Of four heights, or the highest where some have no data; never above the highest: rounding
    is monotone, and a height's fourfold exact. Without a branch, for SIMD."""
    mean = ((a + b) + (c + d)) * QUARTER
    highest = a if a > NOTHING else NOTHING
    highest = b if b > highest else highest
    highest = c if c > highest else highest
    highest = d if d > highest else highest
    some = highest if highest > NOTHING else UNKNOWN
    return mean if mean == mean else some


@kernel
def _mean_row(upper, lower, step, out):  # type: ignore[no-untyped-def]
    upper2, lower2 = upper[step:], lower[step:]
    for j in range(len(upper2)):
        out[j] = _mean(upper[j], upper2[j], lower[j], lower2[j])
    out[len(upper2) :] = UNKNOWN


@kernel
def _raise(row, highest):  # type: ignore[no-untyped-def]
    for j in range(len(row)):
        highest[j] = row[j] if row[j] > highest[j] else highest[j]


@kernel
def _highest_of_tiles(line, out):  # type: ignore[no-untyped-def]
    for t in range(len(out)):
        highest = NOTHING
        for j in range(t * SIDE, (t + 1) * SIDE):
            highest = line[j] if line[j] > highest else highest
        out[t] = highest


@kernel
def _fill(cells, top, left, mean2, mean4, highest):  # type: ignore[no-untyped-def]
    """Means and tiles from north to south, each as soon as its last row is there; NaN where they
    would look beyond the array."""
    rows, columns = cells.shape
    line = np.full(highest.shape[1] * SIDE, NOTHING, np.float32)
    mean2[rows - 1 :], mean4[max(rows - 3, 0) :] = UNKNOWN, UNKNOWN
    for i in range(rows):
        _raise(cells[i], line[left : left + columns])
        if i >= 1:
            _mean_row(cells[i - 1], cells[i], 1, mean2[i - 1])
        if i >= 3:
            _mean_row(mean2[i - 3], mean2[i - 1], 2, mean4[i - 3])
        if (i + top) % SIDE == SIDE - 1 or i == rows - 1:
            _highest_of_tiles(line, highest[(i + top) // SIDE])
            line[:] = NOTHING


def near_field(height: ArrayLike, top: int, left: int, block: Box | None = None) -> Near:
    """The near field of a block in its surroundings, best with NEAR cells around it: what lies
    outside the array is no obstacle, and costs a copy.

    height: (rows, columns) float32, north-up [m], NaN for no data; top, left: its first row and
    column from the grid's anchor, southward and eastward [cells]; block: by default all of it.
    Raises ValueError for an infinite height.
    """
    cells = raster(height)
    refuse_infinite(cells)
    block = block or Box(0, 0, *cells.shape)
    north, south = _lacking(top, block.top, block.height, cells.shape[0])
    west, east = _lacking(left, block.left, block.width, cells.shape[1])
    if max(north, south, west, east) > 0:
        cells = np.pad(cells, ((north, south), (west, east)), constant_values=UNKNOWN)
    top, left = top - north, left - west
    block = block._replace(top=block.top + north, left=block.left + west)
    rows, columns = top % SIDE + cells.shape[0], left % SIDE + cells.shape[1]
    mean2, mean4 = np.empty_like(cells), np.empty_like(cells)
    highest = np.empty((-(-rows // SIDE), -(-columns // SIDE)), np.float32)
    _fill(cells, top % SIDE, left % SIDE, mean2, mean4, highest)
    return Near(cells, mean2, mean4, highest, top, left, block)


def _lacking(first: int, begin: int, size: int, room: int) -> tuple[int, int]:
    """How many cells an array lacks before and after the tiles of a block and their samples."""
    before = (first + begin) % SIDE + MARGIN - begin
    after = -(first + begin + size) % SIDE + MARGIN - (room - begin - size)
    return max(before, 0), max(after, 0)


class Coarse(NamedTuple):
    """Cells of COARSE x COARSE, or coarser, that merge exactly: highest: (rows, columns) int32
    [cm], NO_HEIGHT without data; total: int64, the sum [cm]; known: int64, the cells with data;
    top, left: of the first, counted in such cells from the anchor."""

    highest: NDArray[np.int32]
    total: NDArray[np.int64]
    known: NDArray[np.int64]
    top: int
    left: int


@kernel
def _add_row(cm, highest, total, known):  # type: ignore[no-untyped-def]
    """Column by column, since that is SIMD."""
    for j in range(len(cm)):
        some = cm[j] != NO_HEIGHT
        highest[j] = max(highest[j], cm[j])
        total[j] += cm[j] if some else 0
        known[j] += np.int32(some)


@kernel
def _coarsen(cm, row, column, coarse):  # type: ignore[no-untyped-def]
    columns = coarse.highest.shape[1] * COARSE
    tops, counts = np.empty(columns, np.int32), np.empty(columns, np.int32)
    sums = np.empty(columns, np.int64)
    for a in range(coarse.highest.shape[0]):
        tops[:], sums[:], counts[:] = NO_HEIGHT, 0, 0
        for i in range(max(a * COARSE - row, 0), min((a + 1) * COARSE - row, cm.shape[0])):
            here = slice(column, column + cm.shape[1])
            _add_row(cm[i], tops[here], sums[here], counts[here])
        for j in range(columns):
            b = j // COARSE
            coarse.highest[a, b] = max(coarse.highest[a, b], tops[j])
            coarse.total[a, b] += sums[j]
            coarse.known[a, b] += counts[j]


def _nothing(shape: tuple[int, int], top: int, left: int) -> Coarse:
    total, known = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    return Coarse(np.full(shape, NO_HEIGHT, np.int32), total, known, top, left)


def coarsen(height: ArrayLike, top: int, left: int) -> Coarse:
    """The cells of 8 x 8, anchored on the grid, that an array of heights [m] touches; those that
    it covers in part know that part only, and merge with the rest by `merge`."""
    cm = centimetres(raster(height))
    row, column = top % COARSE, left % COARSE
    shape = -(-(row + cm.shape[0]) // COARSE), -(-(column + cm.shape[1]) // COARSE)
    coarse = _nothing(shape, top // COARSE, left // COARSE)
    _coarsen(cm, row, column, coarse)
    return coarse


def _framed(part: Coarse, top: int, left: int, shape: tuple[int, int]) -> Coarse:
    """The same in a larger frame, without data around it."""
    rows, columns = part.highest.shape
    here = np.s_[
        part.top - top : part.top - top + rows, part.left - left : part.left - left + columns
    ]
    framed = _nothing(shape, top, left)
    framed.highest[here], framed.total[here] = part.highest, part.total
    framed.known[here] = part.known
    return framed


def merge(parts: list[Coarse]) -> Coarse:
    """All of them together, exact in any order, if each knows other cells."""
    top, left = min(p.top for p in parts), min(p.left for p in parts)
    bottom = max(p.top + len(p.highest) for p in parts)
    right = max(p.left + p.highest.shape[1] for p in parts)
    framed = [_framed(p, top, left, (bottom - top, right - left)) for p in parts]
    return Coarse(
        np.maximum.reduce([p.highest for p in framed]),
        np.add.reduce([p.total for p in framed]),
        np.add.reduce([p.known for p in framed]),
        top,
        left,
    )


@kernel
def _halve(fine, row, column, coarse):  # type: ignore[no-untyped-def]
    for i in range(fine.highest.shape[0]):
        a = (i + row) // 2
        for j in range(fine.highest.shape[1]):
            b = (j + column) // 2
            coarse.highest[a, b] = max(coarse.highest[a, b], fine.highest[i, j])
            coarse.total[a, b] += fine.total[i, j]
            coarse.known[a, b] += fine.known[i, j]


def _coarser(fine: Coarse) -> Coarse:
    """Cells of twice the side."""
    rows, columns = fine.highest.shape
    top, left = fine.top // 2, fine.left // 2
    coarse = _nothing(
        ((fine.top + rows + 1) // 2 - top, (fine.left + columns + 1) // 2 - left), top, left
    )
    _halve(fine, fine.top % 2, fine.left % 2, coarse)
    return coarse


class Far(NamedTuple):
    """The far field: a pyramid of (mean + highest) / 2.

    values: (cells of all levels,) float32 [m], NaN without data; levels: (levels, 5) int64: where
    the level's values start, its rows, its columns, its first row and column from the anchor;
    a level's cells have 8 x 2^level cells along a side; highest: of all values.
    """

    values: NDArray[np.float32]
    levels: NDArray[np.int64]
    highest: np.float32


@kernel
def _values(coarse, out):  # type: ignore[no-untyped-def]
    columns = coarse.highest.shape[1]
    for i in range(coarse.highest.shape[0]):
        for j in range(columns):
            known = coarse.known[i, j]
            if known > 0:
                mean = coarse.total[i, j] / known
                out[i * columns + j] = (mean + coarse.highest[i, j]) / 200


def far_field(coarse: Coarse, levels: int) -> Far:
    """The pyramid over coarse cells, of as many levels as `horizon_halo` says. A level's cells at
    the edge know only what `coarse` covers; the halo leaves room for them."""
    pyramid = [coarse]
    while len(pyramid) < levels:
        pyramid.append(_coarser(pyramid[-1]))
    ends = np.cumsum([level.highest.size for level in pyramid])
    values = np.full(ends[-1], UNKNOWN, np.float32)
    for level, end in zip(pyramid, ends, strict=True):
        _values(level, values[end - level.highest.size : end])
    table = [
        (end - level.highest.size, *level.highest.shape, level.top, level.left)
        for level, end in zip(pyramid, ends, strict=True)
    ]
    highest = np.fmax.reduce(values, initial=NOTHING)
    return Far(values, np.array(table, np.int64), highest)
