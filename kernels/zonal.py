"""Zonal statistics of footprints, in one pass and in integers, so that parts merge exactly."""

from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels.check import as_raster, refuse_infinite
from kernels.compile import kernel
from kernels.rings import Box
from kernels.spans import Spans, check_inside, prefetch_run

NO_HEIGHT = np.iinfo(np.int32).min
NO_DATA = 255  # in a mask
LOWEST, HIGHEST = np.int32(NO_HEIGHT), np.int32(np.iinfo(np.int32).max)
BYTE, FULL = 255, 127  # a byte of SPREAD, and how often it is added without touching the next
# A mask's bits, each in a byte of its own: one addition counts all eight. No data counts nothing.
SPREAD = np.array([sum((m >> i & 1) << 8 * i for i in range(8)) for m in range(NO_DATA)] + [0])


class ZonalSums(NamedTuple):
    """Sums of each footprint over its cells with a height.

    cells: (footprints,) int64, number of cells; total: (footprints,) int64, sum of heights [cm];
    lowest, highest: (footprints,) int32 [cm], HIGHEST and NO_HEIGHT without cells.
    """

    cells: NDArray[np.int64]
    total: NDArray[np.int64]
    lowest: NDArray[np.int32]
    highest: NDArray[np.int32]


class BitCounts(NamedTuple):
    """Bits of a mask counted over each footprint's cells; parts merge by addition.

    cells: (footprints,) int64, those with data; bits: (footprints, 8) int64, of these the cells
    whose bit i is set.
    """

    cells: NDArray[np.int64]
    bits: NDArray[np.int64]


class Nearest(NamedTuple):
    """The nearest cell of each footprint that has one. footprint: (n,) int64; away: (n,) float64,
    the square of its distance [m2]; row, column: (n,) int64, counted as the box's are."""

    footprint: NDArray[np.int64]
    away: NDArray[np.float64]
    row: NDArray[np.int64]
    column: NDArray[np.int64]


@kernel
def to_centimetres(row, out):  # type: ignore[no-untyped-def]
    """Fill `out`, int32, with the centimetres of a row of heights. Returns whether one does not
    fit."""
    beyond = False
    for j in range(len(row)):
        scaled = np.rint(100.0 * np.float64(row[j]))
        fits = np.abs(scaled) <= HIGHEST
        beyond |= (not fits) & (not np.isnan(scaled))
        out[j] = np.int32(scaled) if fits else LOWEST
    return beyond


@kernel
def _centimetres(height, out):  # type: ignore[no-untyped-def]
    beyond = False
    for i in range(height.shape[0]):
        beyond |= to_centimetres(height[i], out[i])
    return beyond


def check(array: NDArray[Any], kind: type, spans: Spans) -> None:
    """Raise ValueError for an array of another type, or runs outside it."""
    check_inside(spans, array.shape)
    if array.dtype != kind:
        raise ValueError(f"an array of {array.dtype}, where {kind.__name__} is due")


def centimetres(height: ArrayLike) -> NDArray[np.int32]:
    """Heights [m] as rint(100 x value), computed in double [cm]; NO_HEIGHT where NaN.

    height: (rows, columns) float32 [m]. Returns (rows, columns) int32. Raises ValueError for an
    infinite height, or one beyond 21,474,836 m.
    """
    height = as_raster(height)
    out = np.empty(height.shape, np.int32)
    if _centimetres(height, out):
        refuse(height)
    return out


def refuse(height: NDArray[np.float32]) -> NoReturn:
    """Raise ValueError for heights of which one does not fit in centimetres."""
    refuse_infinite(height)
    raise ValueError("heights beyond 21,474,836 m do not fit in centimetres: no data is NaN")


@kernel
def _sum(cm, spans, f):  # type: ignore[no-untyped-def]
    cells, total, lowest, highest = np.int64(0), np.int64(0), HIGHEST, LOWEST
    for s in range(spans.start[f], spans.start[f + 1]):
        prefetch_run(cm, spans, s)
        # Unsigned: an index that may be negative does not vectorise.
        i = np.uint64(spans.row[s])
        for j in range(np.uint64(spans.begin[s]), np.uint64(spans.end[s])):
            value = cm[i, j]
            known = value != LOWEST
            cells += known
            total += value if known else np.int32(0)
            lowest = min(lowest, value if known else HIGHEST)
            highest = max(highest, value)
    return cells, total, lowest, highest


@kernel
def _sums(cm, spans, cells, total, lowest, highest):  # type: ignore[no-untyped-def]
    for f in range(len(cells)):
        cells[f], total[f], lowest[f], highest[f] = _sum(cm, spans, f)


def no_sums(n: int) -> ZonalSums:
    """Room for the sums of n footprints."""
    long, short = np.empty((2, n), np.int64), np.empty((2, n), np.int32)
    return ZonalSums(long[0], long[1], short[0], short[1])


def sums(cm: NDArray[np.int32], spans: Spans) -> ZonalSums:
    """Number, sum, lowest and highest of the heights on each footprint's cells.

    cm: (rows, columns) int32 [cm]. Raises ValueError for runs outside it.
    """
    check(cm, np.int32, spans)
    result = no_sums(len(spans.start) - 1)
    _sums(cm, spans, *result)
    return result


def merge(a: ZonalSums, b: ZonalSums) -> ZonalSums:
    """Merge the sums of two parts of the same footprints: exact, in any order."""
    return ZonalSums(
        a.cells + b.cells,
        a.total + b.total,
        np.minimum(a.lowest, b.lowest),
        np.maximum(a.highest, b.highest),
    )


@kernel
def _bit_counts(mask, spans, cells, bits):  # type: ignore[no-untyped-def]
    for f in range(len(cells)):
        for s in range(spans.start[f], spans.start[f + 1]):
            prefetch_run(mask, spans, s)
            i = np.uint64(spans.row[s])
            for begin in range(spans.begin[s], spans.end[s], FULL):
                held = np.int64(0)
                for j in range(np.uint64(begin), np.uint64(min(begin + FULL, spans.end[s]))):
                    held += SPREAD[mask[i, j]]
                    cells[f] += mask[i, j] != NO_DATA
                for bit in range(8):
                    bits[f, bit] += held >> 8 * bit & BYTE


def bit_counts(mask: NDArray[np.uint8], spans: Spans) -> BitCounts:
    """How many of each footprint's cells have each bit of a mask set: of shadows, at each sun.

    mask: (rows, columns) uint8, 255 being no data. Raises ValueError for runs outside it.
    """
    check(mask, np.uint8, spans)
    n = len(spans.start) - 1
    counts = BitCounts(np.zeros(n, np.int64), np.zeros((n, 8), np.int64))
    _bit_counts(mask, spans, *counts)
    return counts


@kernel
def _nearest(height, spans, centre, box, resolution, away, row, column):  # type: ignore[no-untyped-def]
    for f in range(len(away)):
        best = np.inf
        for s in range(spans.start[f], spans.start[f + 1]):
            prefetch_run(height, spans, s)
            i = spans.row[s]
            y = -(box.top + i + 0.5) * resolution - centre[f, 1]
            if y * y >= best:  # and a sum is no less, rounded as it is
                continue
            for j in range(spans.begin[s], spans.end[s]):
                x = (box.left + j + 0.5) * resolution - centre[f, 0]
                if x * x + y * y < best and height[i, j] == height[i, j]:
                    best, row[f], column[f] = x * x + y * y, i, j
        away[f] = best


def nearest(
    height: NDArray[np.float32],
    spans: Spans,
    centre: NDArray[np.float64],
    box: Box,
    resolution: float,
) -> Nearest:
    """The cell with a height nearest to each footprint's centre; the first of equally near ones.

    height: (rows, columns) float32 [m], NaN without data, of the cells of the box; centre:
    (footprints, 2) [m], eastward and northward from where the box counts its cells. Raises
    ValueError for runs outside them.
    """
    check(height, np.float32, spans)
    away = np.full(len(centre), np.inf)
    row, column = np.zeros((2, len(centre)), np.int64)
    _nearest(height, spans, centre, box, resolution, away, row, column)
    some = np.flatnonzero(away < np.inf)
    return Nearest(some, away[some], row[some] + box.top, column[some] + box.left)
