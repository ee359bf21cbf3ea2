"""The sweep of cast shadows: rays walk the rows or the columns, and carry the shadow's height.

The rays of a row lie side by side, so the inner loop is SIMD. Where they walk the columns, tiles of
SIDE columns are transposed in registers, in bands of rows that fit the cache; the bands come in the
order in which the rays drift, so that a ray that has left a band never comes back to it.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.check import has_infinite
from kernels.compile import inlined, kernel
from kernels.simd import LINE, PIECE, SIDE, prefetch, transpose_tile

NO_DATA = np.uint8(255)
LIT = np.uint8(0)
BAND = 256  # rows that are transposed at once: 16 KB of heights. 128 costs 5 % more, 64 30 %
SHARE = BAND // SIDE  # rows of the next tile that are prefetched with each column
PAD = 64  # bytes between transposed columns of a power of two, which share lines of the cache


class Walk(NamedTuple):
    """Suns whose rays walk the same way, over one array.

    by_rows: from row to row, else from column to column; backwards: towards the first one;
    downwards: the rays of a column walk drift towards the last row. offsets: (suns, lines) int64,
    where each line's first ray lies among all rays; carried: (suns, rays) float32 [m];
    drops: (suns,) float32, how much a shadow sinks in a step [m]; bits: (suns,) uint8.
    """

    by_rows: bool
    backwards: bool
    downwards: bool
    offsets: NDArray[np.int64]
    carried: NDArray[np.float32]
    drops: NDArray[np.float32]
    bits: NDArray[np.uint8]


@inlined
def _begin(height, out):  # type: ignore[no-untyped-def]
    for j in range(len(out)):
        out[j] = LIT if height[j] == height[j] else NO_DATA


@inlined
def _carry(height, ray, drop, bit, out):  # type: ignore[no-untyped-def]
    """One step of rays that lie side by side."""
    for j in range(len(out)):
        carried = ray[j] - drop
        out[j] |= bit if carried > height[j] else LIT
        # NaN is not higher: it casts nothing and lets the shadow pass
        ray[j] = height[j] if height[j] > carried else carried


@inlined
def _line(height, walk, line, first, out):  # type: ignore[no-untyped-def]
    """All sun positions over one line, from its cell `first` on; False if it holds an infinity."""
    if has_infinite(height):
        return False
    _begin(height, out)
    for s in range(len(walk.drops)):
        at = walk.offsets[s, line] + first
        ray = walk.carried[s, at : at + len(height)]
        _carry(height, ray, walk.drops[s], walk.bits[s], out)
    return True


@kernel
def _prefetch_piece(height, out, row, left):  # type: ignore[no-untyped-def]
    """Without it a walk backwards costs 1.8 copies instead of 1.0: no hardware foresees it."""
    for j in range(left, left + PIECE, LINE // 4):
        prefetch(height, row, j)
    for j in range(left, left + PIECE, LINE):
        prefetch(out, row, j)


@kernel
def sweep_rows(height, walk, begin, end, out):  # type: ignore[no-untyped-def]
    """Rows begin to end of the array, in the order of the walk; False at an infinite height."""
    for step in range(end - begin):
        i = end - 1 - step if walk.backwards else begin + step
        for left in range(0, height.shape[1], PIECE):
            _prefetch_piece(height, out, i - 1 if walk.backwards else i + 1, left)
            piece = slice(left, left + PIECE)
            if not _line(height[i, piece], walk, i, left, out[i, piece]):
                return False
    return True


@kernel
def _transpose(source, top, left, height, width, target):  # type: ignore[no-untyped-def]
    """target[:width, :height] = source[top : top + height, left : left + width].T"""
    whole = height // SIDE * SIDE if width == SIDE else 0
    for i in range(0, whole, SIDE):
        transpose_tile(source, top + i, left, target, 0, i)
    for i in range(whole, height):
        for j in range(width):
            target[j, i] = source[top + i, left + j]


@kernel
def _transpose_back(source, top, left, height, width, target):  # type: ignore[no-untyped-def]
    """target[top : top + height, left : left + width] = source[:width, :height].T"""
    whole = height // SIDE * SIDE if width == SIDE else 0
    for i in range(0, whole, SIDE):
        transpose_tile(source, 0, i, target, top + i, left)
    for i in range(whole, height):
        for j in range(width):
            target[top + i, left + j] = source[j, i]


@inlined
def _sweep_tile(heights, walk, top, left, height, width, shaded, beyond):  # type: ignore[no-untyped-def]
    """Sweep one tile, transposed. beyond: the array of the next tile, prefetched along with the
    work; all at once would block (0.92 to 0.63 ns a cell)."""
    ahead = left - SIDE if walk.backwards else left + 2 * SIDE - 1
    for step in range(width):
        for i in range(top + step * SHARE, top + (step + 1) * SHARE):
            prefetch(beyond, i, ahead)
        j = width - 1 - step if walk.backwards else step
        if not _line(heights[j, :height], walk, left + j, top, shaded[j, :height]):
            return False
    return True


@inlined
def _sweep_band(height, walk, top, heights, shaded, out):  # type: ignore[no-untyped-def]
    rows, columns = min(height.shape[0] - top, BAND), height.shape[1]
    tiles = (columns + SIDE - 1) // SIDE
    for step in range(tiles):
        left = (tiles - 1 - step if walk.backwards else step) * SIDE
        width = min(columns - left, SIDE)
        _transpose(height, top, left, rows, width, heights)
        if not _sweep_tile(heights, walk, top, left, rows, width, shaded, height):
            return False
        _transpose_back(shaded, top, left, rows, width, out)
    return True


@kernel
def sweep_columns(height, walk, out):  # type: ignore[no-untyped-def]
    """The whole array, column by column; False at an infinite height."""
    heights = np.empty((SIDE, BAND + PAD // 4), np.float32)
    shaded = np.empty((SIDE, BAND + PAD), np.uint8)
    bands = (height.shape[0] + BAND - 1) // BAND
    for step in range(bands):
        band = step if walk.downwards else bands - 1 - step
        if not _sweep_band(height, walk, band * BAND, heights, shaded, out):
            return False
    return True
