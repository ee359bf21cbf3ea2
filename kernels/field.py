"""The fields that the horizon samples: a near field of cells and means, a far field of a pyramid.

The far field is a pyramid over cells of 8 x 8: it is all that matters beyond NEAR cells, so that
heights are needed at full resolution only that far around a block.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels.check import as_raster, refuse_infinite
from kernels.coarse import Coarse, coarser
from kernels.compile import kernel
from kernels.rings import Box
from kernels.simd import SIDE

MARGIN = 128  # cells that samples reach from a tile, their means included
NEAR = MARGIN + SIDE  # cells around a block that the near field needs: a tile may stick out
QUARTER, NOTHING, UNKNOWN = np.float32(0.25), np.float32(-np.inf), np.float32(np.nan)


class NearField(NamedTuple):
    """Near field: the heights of a block and its surroundings, with means.

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
    """Mean of four heights, or the highest where some have no data; never above the highest:
    rounding is monotone, and a height's fourfold exact. Without a branch, for SIMD."""
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


def near_field(height: ArrayLike, top: int, left: int, block: Box | None = None) -> NearField:
    """The near field of a block in its surroundings, best with NEAR cells around it: what lies
    outside the array is no obstacle, and costs a copy.

    height: (rows, columns) float32, north-up [m], NaN for no data; top, left: its first row and
    column from the grid's anchor, southward and eastward [cells]; block: by default all of it.
    Raises ValueError for an infinite height.
    """
    cells = as_raster(height)
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
    return NearField(cells, mean2, mean4, highest, top, left, block)


def _lacking(first: int, begin: int, size: int, room: int) -> tuple[int, int]:
    """How many cells an array lacks before and after the tiles of a block and their samples."""
    before = (first + begin) % SIDE + MARGIN - begin
    after = -(first + begin + size) % SIDE + MARGIN - (room - begin - size)
    return max(before, 0), max(after, 0)


class FarField(NamedTuple):
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


def far_field(coarse: Coarse, levels: int) -> FarField:
    """The pyramid over coarse cells, of as many levels as `horizon_halo` says. A level's cells at
    the edge know only what `coarse` covers; the halo leaves room for them."""
    pyramid = [coarse]
    while len(pyramid) < levels:
        pyramid.append(coarser(pyramid[-1]))
    return nested_far_field(pyramid)


def nested_far_field(pyramid: Sequence[Coarse]) -> FarField:
    """The far field of levels that are each given, from the finest on: of each only the cells in
    which samples of its distances can lie need to be there."""
    ends = np.cumsum([level.highest.size for level in pyramid])
    values = np.full(ends[-1], UNKNOWN, np.float32)
    for level, end in zip(pyramid, ends, strict=True):
        _values(level, values[end - level.highest.size : end])
    table = [
        (end - level.highest.size, *level.highest.shape, level.top, level.left)
        for level, end in zip(pyramid, ends, strict=True)
    ]
    highest = np.fmax.reduce(values, initial=NOTHING)
    return FarField(values, np.array(table, np.int64), highest)
