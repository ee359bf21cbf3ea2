"""Coarse cells of the surface, of 8 x 8 cells and coarser, whose statistics merge exactly.

The relief store keeps them; the horizon's far field is made of them.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels.check import as_raster, refuse_infinite
from kernels.compile import kernel
from kernels.zonal import NO_HEIGHT

COARSE_BITS = 3
COARSE = 1 << COARSE_BITS  # cells along a side of a coarse cell
MOST = np.float32(21_474_836)  # metres that fit in int32 centimetres
LOW, HIGH, ZERO = np.float32(-np.inf), np.float32(np.inf), np.float32(0)


class Coarse(NamedTuple):
    """Statistics of coarse cells. lowest, highest: (rows, columns) int32 [cm], NO_HEIGHT without
    data; total: (rows, columns) int64, sum of the heights [cm]; known: (rows, columns) int64, cells
    with data; top, left: row and column of the first coarse cell, in coarse cells from the
    anchor."""

    lowest: NDArray[np.int32]
    highest: NDArray[np.int32]
    total: NDArray[np.int64]
    known: NDArray[np.int64]
    top: int
    left: int


class Extremes(NamedTuple):
    """Lowest and highest height [m], unrounded; infinity and minus infinity without data."""

    lowest: float
    highest: float


class _Line(NamedTuple):
    """Statistics of each column over the rows of a coarse cell. Rounding is monotone, so the
    highest in centimetres is the rounded highest. lowest, highest: [m]; total: [cm], whole numbers,
    which double holds to 2^53, as wide as its terms for SIMD."""

    lowest: NDArray[np.float32]
    highest: NDArray[np.float32]
    total: NDArray[np.float64]
    known: NDArray[np.int32]


@kernel
def _add_row(height, lowest, highest, total, known):  # type: ignore[no-untyped-def]
    for j in range(len(height)):
        value = height[j]
        some = value == value
        lowest[j] = value if some & (value < lowest[j]) else lowest[j]
        highest[j] = value if some & (value > highest[j]) else highest[j]
        total[j] += np.rint(100.0 * np.float64(value if some else ZERO))
        known[j] += np.int32(some)


@kernel
def _cm(height):  # type: ignore[no-untyped-def]
    return np.int32(np.rint(100.0 * np.float64(height)))


@kernel
def _merge_cell(coarse, a, b, lowest, highest, total, known):  # type: ignore[no-untyped-def]
    if known == 0:
        return
    before = coarse.lowest[a, b]
    coarse.lowest[a, b] = lowest if before == NO_HEIGHT else min(before, lowest)
    coarse.highest[a, b] = max(coarse.highest[a, b], highest)
    coarse.total[a, b] += total
    coarse.known[a, b] += known


@kernel
def _fold(line, a, coarse):  # type: ignore[no-untyped-def]
    """Merge a line's columns into row `a` of the coarse cells. Returns lowest and highest [m]."""
    deepest, tallest = HIGH, LOW
    for b in range(coarse.highest.shape[1]):
        low, high, total, known = HIGH, LOW, 0.0, 0
        for j in range(b * COARSE, (b + 1) * COARSE):
            low, high = min(low, line.lowest[j]), max(high, line.highest[j])
            total += line.total[j]
            known += line.known[j]
        deepest, tallest = min(deepest, low), max(tallest, high)
        if known and low >= -MOST and high <= MOST:
            _merge_cell(coarse, a, b, _cm(low), _cm(high), np.int64(total), known)
    return deepest, tallest


@kernel
def _add(height, row, column, coarse):  # type: ignore[no-untyped-def]
    """Add heights to coarse cells. row, column: of the first height, from the first cell of
    `coarse`. Returns lowest and highest [m]."""
    columns = coarse.highest.shape[1] * COARSE
    line = _Line(
        np.empty(columns, np.float32),
        np.empty(columns, np.float32),
        np.empty(columns, np.float64),
        np.empty(columns, np.int32),
    )
    here = slice(column, column + height.shape[1])
    lowest, highest = HIGH, LOW
    for a in range(row // COARSE, (row + height.shape[0] + COARSE - 1) // COARSE):
        line.lowest[:], line.highest[:], line.total[:], line.known[:] = HIGH, LOW, 0, 0
        for i in range(max(a * COARSE - row, 0), min((a + 1) * COARSE - row, height.shape[0])):
            low, high = line.lowest[here], line.highest[here]
            _add_row(height[i], low, high, line.total[here], line.known[here])
        low, high = _fold(line, a, coarse)
        lowest, highest = min(lowest, low), max(highest, high)
    return lowest, highest


def blank(top: int, left: int, rows: int, columns: int, side: int = COARSE) -> Coarse:
    """Coarse cells without data, for a rectangle of cells: first row and column from the anchor,
    and size. side: cells along a side of a coarse cell."""
    bottom, right = -(-(top + rows) // side), -(-(left + columns) // side)
    return _no_data((bottom - top // side, right - left // side), top // side, left // side)


def _no_data(shape: tuple[int, int], top: int, left: int) -> Coarse:
    lowest, highest = np.full((2, *shape), NO_HEIGHT, np.int32)
    total, known = np.zeros((2, *shape), np.int64)
    return Coarse(lowest, highest, total, known, top, left)


def add(coarse: Coarse, height: NDArray[np.float32], top: int, left: int) -> Extremes:
    """Add heights to coarse cells of 8 x 8, in place (0.5 ns a cell). Each cell may be added once,
    and must lie in `coarse`.

    height: (rows, columns) float32, C-contiguous [m], NaN for no data; top, left: row and column
    of its first cell from the anchor. Returns the extremes of all heights; those beyond 21,474,836
    m, infinite ones too, count for the extremes only.
    """
    row, column = top - coarse.top * COARSE, left - coarse.left * COARSE
    return Extremes(*map(float, _add(height, row, column, coarse)))


def coarsen(height: ArrayLike, top: int, left: int) -> Coarse:
    """Coarse cells of 8 x 8, anchored on the grid, of an array of heights. A cell that the array
    covers in part counts that part only; `merge` adds the rest.

    height: (rows, columns) float32 [m]; top, left: its first row and column from the anchor.

    Raises ValueError for an infinite height, or one beyond 21,474,836 m.
    """
    height = as_raster(height)
    coarse = blank(top, left, *height.shape)
    extremes = add(coarse, height, top, left)
    if extremes.lowest < -MOST or extremes.highest > MOST:
        refuse_infinite(height)
        raise ValueError("heights beyond 21,474,836 m do not fit in centimetres: no data is NaN")
    return coarse


@kernel
def _merge(part, row, column, halvings, coarse):  # type: ignore[no-untyped-def]
    """Merge `part` into `coarse`, whose cells are 2^halvings as wide. row, column: of the part's
    first cell from the first of `coarse`, in cells of the part."""
    for i in range(part.highest.shape[0]):
        for j in range(part.highest.shape[1]):
            a, b = (i + row) >> halvings, (j + column) >> halvings
            low, high = part.lowest[i, j], part.highest[i, j]
            _merge_cell(coarse, a, b, low, high, part.total[i, j], part.known[i, j])


def merge(parts: list[Coarse]) -> Coarse:
    """Merge coarse cells of disjoint cells: exact, in any order."""
    top, left = min(p.top for p in parts), min(p.left for p in parts)
    bottom = max(p.top + len(p.highest) for p in parts)
    right = max(p.left + p.highest.shape[1] for p in parts)
    whole = _no_data((bottom - top, right - left), top, left)
    for part in parts:
        _merge(part, part.top - top, part.left - left, 0, whole)
    return whole


def coarser(fine: Coarse) -> Coarse:
    """Coarse cells of twice the side."""
    rows, columns = fine.highest.shape
    coarse = blank(fine.top, fine.left, rows, columns, side=2)
    _merge(fine, fine.top % 2, fine.left % 2, 1, coarse)
    return coarse
