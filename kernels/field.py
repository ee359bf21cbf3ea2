"""What the march of the horizon looks at: a near field of cells and their means, and a far field.

The far field is a pyramid over cells of 8 x 8: it is all that matters beyond NEAR cells, so that
heights are needed at full resolution only that far around a block.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels.check import raster, refuse_infinite
from kernels.compile import kernel
from kernels.roof import NO_HEIGHT, centimetres
from kernels.simd import SIDE

NEAR = 132  # cells around a block that the near field needs
MARGIN = -(-NEAR // SIDE) * SIDE + SIDE  # cells without data around it, in whole tiles
COARSE_BITS = 3
COARSE = 1 << COARSE_BITS  # cells along a side of a coarse cell


class Near(NamedTuple):
    """A block and its surroundings, in a frame without data, in whole tiles of SIDE x SIDE cells.

    cells, mean2, mean4: (rows, columns) float32 [m]; mean2 and mean4 at a cell are the means of
    the 2 x 2 and 4 x 4 cells whose north-western one it is: where some have no data the highest of
    them, where none has, NaN. highest: (tile rows, tile columns) float32, of a tile, -infinity
    where it has no data. top, left: the frame's first row and column, counted southward and
    eastward from the grid's anchor [cells]; height, width: of the block itself.
    """

    cells: NDArray[np.float32]
    mean2: NDArray[np.float32]
    mean4: NDArray[np.float32]
    highest: NDArray[np.float32]
    top: int
    left: int
    block_top: int
    block_left: int
    height: int
    width: int


@kernel
def _mean(a, b, c, d):  # type: ignore[no-untyped-def]
    """Of four heights, never above their highest: rounding is monotone, and their fourfold exact."""
    mean = ((a + b) + (c + d)) * np.float32(0.25)
    e = b if b > a or a != a else a
    f = d if d > c or c != c else c
    g = f if f > e or e != e else e
    return mean if mean == mean else g


@kernel
def _mean_row(upper, lower, step, out):  # type: ignore[no-untyped-def]
    upper2, lower2 = upper[step:], lower[step:]
    for j in range(len(out)):
        out[j] = _mean(upper[j], upper2[j], lower[j], lower2[j])


@kernel
def _highest_row(cells, out):  # type: ignore[no-untyped-def]
    """Highest of each tile, of which `cells` is one row, and `out` so far."""
    for t in range(len(out)):
        for j in range(t * SIDE, (t + 1) * SIDE):
            out[t] = cells[j] if cells[j] > out[t] else out[t]


@kernel
def _fill(height, row, column, cells, mean2, mean4, highest):  # type: ignore[no-untyped-def]
    """The frame from south to north, so that what a mean looks at is there, and in the cache."""
    rows, columns = cells.shape
    for i in range(rows - 1, -1, -1):
        inside = row <= i < row + height.shape[0]
        if inside:
            cells[i, column : column + height.shape[1]] = height[i - row]
            _highest_row(cells[i], highest[i // SIDE])
        if i + 1 < rows:
            _mean_row(cells[i], cells[i + 1], 1, mean2[i, : columns - 1])
        if i + 3 < rows:
            _mean_row(mean2[i], mean2[i + 2], 2, mean4[i, : columns - 3])


def near_field(height: ArrayLike, top: int, left: int) -> Near:
    """The near field of a block with its halo of NEAR cells: what lies outside is no obstacle.

    height: (rows, columns) float32, north-up [m], NaN for no data; top, left: its first row and
    column from the grid's anchor, southward and eastward [cells]. Raises ValueError for an
    infinite height.
    """
    height = raster(height)
    refuse_infinite(height)
    first_row, first_column = ((at - MARGIN) // SIDE * SIDE for at in (top, left))
    row, column = top - first_row, left - first_column
    shape = tuple(
        -(-(at + size + MARGIN) // SIDE) * SIDE
        for at, size in zip((row, column), height.shape, strict=True)
    )
    cells, mean2, mean4 = (np.full(shape, np.nan, np.float32) for _ in range(3))
    highest = np.full((shape[0] // SIDE, shape[1] // SIDE), -np.inf, np.float32)
    _fill(height, row, column, cells, mean2, mean4, highest)
    return Near(cells, mean2, mean4, highest, first_row, first_column, row, column, *height.shape)


class Coarse(NamedTuple):
    """Cells of COARSE x COARSE, or coarser, that merge exactly: highest: (rows, columns) int32
    [cm], NO_HEIGHT without data; total: int64, the sum [cm]; count: int64, the cells with data;
    top, left: of the first, counted in such cells from the anchor."""

    highest: NDArray[np.int32]
    total: NDArray[np.int64]
    count: NDArray[np.int64]
    top: int
    left: int


@kernel
def _coarsen(cm, row, column, highest, total, count):  # type: ignore[no-untyped-def]
    for i in range(cm.shape[0]):
        a = (i + row) // COARSE
        for j in range(cm.shape[1]):
            if cm[i, j] != NO_HEIGHT:
                b = (j + column) // COARSE
                highest[a, b] = max(highest[a, b], cm[i, j])
                total[a, b] += cm[i, j]
                count[a, b] += 1


def coarsen(height: ArrayLike, top: int, left: int) -> Coarse:
    """The cells of 8 x 8, anchored on the grid, that an array of heights [m] touches; those that
    it covers in part know that part only, and merge with the rest by `merge`."""
    cm = centimetres(raster(height))
    row, column = top % COARSE, left % COARSE
    shape = -(-(row + cm.shape[0]) // COARSE), -(-(column + cm.shape[1]) // COARSE)
    highest = np.full(shape, NO_HEIGHT, np.int32)
    total, count = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    _coarsen(cm, row, column, highest, total, count)
    return Coarse(highest, total, count, top // COARSE, left // COARSE)


def _framed(part: Coarse, top: int, left: int, shape: tuple[int, int]) -> Coarse:
    """The same in a larger frame, without data around it."""
    rows, columns = part.highest.shape
    here = np.s_[part.top - top : part.top - top + rows, part.left - left : part.left - left + columns]
    highest = np.full(shape, NO_HEIGHT, np.int32)
    total, count = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    highest[here], total[here], count[here] = part.highest, part.total, part.count
    return Coarse(highest, total, count, top, left)


def merge(parts: list[Coarse]) -> Coarse:
    """All of them together, exact in any order; where they overlap they must be different cells'."""
    top, left = min(p.top for p in parts), min(p.left for p in parts)
    bottom = max(p.top + len(p.highest) for p in parts)
    right = max(p.left + p.highest.shape[1] for p in parts)
    framed = [_framed(p, top, left, (bottom - top, right - left)) for p in parts]
    return Coarse(
        np.maximum.reduce([p.highest for p in framed]),
        np.add.reduce([p.total for p in framed]),
        np.add.reduce([p.count for p in framed]),
        top,
        left,
    )


def _coarser(fine: Coarse) -> Coarse:
    """Cells of twice the side."""
    rows, columns = fine.highest.shape
    top, left = fine.top // 2, fine.left // 2
    shape = (fine.top + rows + 1) // 2 - top, (fine.left + columns + 1) // 2 - left
    even = _framed(fine, 2 * top, 2 * left, (2 * shape[0], 2 * shape[1]))
    blocks = (array.reshape(shape[0], 2, shape[1], 2) for array in even[:3])
    highest, total, count = blocks
    return Coarse(
        highest.max(axis=(1, 3)), total.sum(axis=(1, 3)), count.sum(axis=(1, 3)), top, left
    )


class Far(NamedTuple):
    """The far field: a pyramid of (mean + highest) / 2.

    values: (cells of all levels,) float32 [m], NaN without data; levels: (levels, 5) int64: where
    the level's values start, its rows, its columns, its first row and column from the anchor;
    a level's cells have 8 x 2^level cells along a side; highest: of all values.
    """

    values: NDArray[np.float32]
    levels: NDArray[np.int64]
    highest: np.float32


def far_field(coarse: Coarse, levels: int) -> Far:
    """The pyramid over coarse cells. A level's cells at the edge know only what `coarse` covers: to
    be the same in any window it must begin and end at multiples of 2^(levels - 1), or at the edge
    of the data."""
    values, table, start = [], [], 0
    for _ in range(levels):
        rows, columns = coarse.highest.shape
        table.append((start, rows, columns, coarse.top, coarse.left))
        start += coarse.highest.size
        with np.errstate(invalid="ignore"):
            value = (coarse.total / coarse.count + coarse.highest) / 200.0
        values.append(value.astype(np.float32).ravel())
        coarse = _coarser(coarse)
    flat = np.concatenate(values)
    return Far(flat, np.array(table, np.int64), np.nanmax(flat, initial=np.float32(-np.inf)))
