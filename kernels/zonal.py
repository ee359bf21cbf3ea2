"""Zonal statistics of footprints, in one pass and in integers, so that parts merge exactly."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels.check import as_raster, refuse_infinite
from kernels.compile import kernel
from kernels.rings import Box, resized, sort
from kernels.spans import Spans, check_inside, prefetch_run

NO_HEIGHT = np.iinfo(np.int32).min
NO_DATA = 255  # in a mask
LOWEST, HIGHEST = np.int32(NO_HEIGHT), np.int32(np.iinfo(np.int32).max)
SCATTERED = 64  # values a cell: sorting is quicker than counting
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


class Histograms(NamedTuple):
    """Histograms of heights. footprint, value [cm], weight: (entries,) int64, ordered by footprint,
    then value."""

    footprint: NDArray[np.int64]
    value: NDArray[np.int64]
    weight: NDArray[np.int64]


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
def _centimetres(height, out):  # type: ignore[no-untyped-def]
    beyond = False
    for i in range(height.shape[0]):
        row, cm = height[i], out[i]
        for j in range(len(row)):
            scaled = np.rint(100.0 * np.float64(row[j]))
            fits = np.abs(scaled) <= HIGHEST
            beyond |= (not fits) & (not np.isnan(scaled))
            cm[j] = np.int32(scaled) if fits else LOWEST
    return beyond


def _check(array: NDArray[Any], kind: type, spans: Spans) -> None:
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
        refuse_infinite(height)
        raise ValueError("heights beyond 21,474,836 m do not fit in centimetres: no data is NaN")
    return out


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


def _no_sums(n: int) -> ZonalSums:
    long, short = np.empty((2, n), np.int64), np.empty((2, n), np.int32)
    return ZonalSums(long[0], long[1], short[0], short[1])


def sums(cm: NDArray[np.int32], spans: Spans) -> ZonalSums:
    """Number, sum, lowest and highest of the heights on each footprint's cells.

    cm: (rows, columns) int32 [cm]. Raises ValueError for runs outside it.
    """
    _check(cm, np.int32, spans)
    result = _no_sums(len(spans.start) - 1)
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
def _tally(cm, spans, f, lowest, bins):  # type: ignore[no-untyped-def]
    for s in range(spans.start[f], spans.start[f + 1]):
        i = spans.row[s]
        for j in range(spans.begin[s], spans.end[s]):
            if cm[i, j] != LOWEST:
                bins[np.int64(cm[i, j]) - lowest] += 1


@kernel
def _collect(cm, spans, f, values):  # type: ignore[no-untyped-def]
    n = 0
    for s in range(spans.start[f], spans.start[f + 1]):
        i = spans.row[s]
        for j in range(spans.begin[s], spans.end[s]):
            if cm[i, j] != LOWEST:
                values[n] = cm[i, j]
                n += 1


@kernel
def _append(f, lowest, bins, out, n):  # type: ignore[no-untyped-def]
    for k in range(len(bins)):
        if bins[k]:
            out[n, 0], out[n, 1], out[n, 2] = f, lowest + k, bins[k]
            n += 1
    return n


@kernel
def _append_sorted(f, values, out, n):  # type: ignore[no-untyped-def]
    for k in range(len(values)):
        if k > 0 and values[k] == values[k - 1]:
            out[n - 1, 2] += 1
        else:
            out[n, 0], out[n, 1], out[n, 2] = f, values[k], 1
            n += 1
    return n


@kernel
def _histograms(cm, spans, cells, total, lowest, highest):  # type: ignore[no-untyped-def]
    out, n = np.empty((64, 3), np.int64), 0
    for f in range(len(cells)):
        cells[f], total[f], lowest[f], highest[f] = _sum(cm, spans, f)
        if cells[f] == 0:
            continue
        low = np.int64(lowest[f])
        values = np.int64(highest[f]) - low + 1
        out = resized(out, n + min(cells[f], values))
        if values <= SCATTERED * cells[f]:
            bins = np.zeros(values, np.int64)
            _tally(cm, spans, f, low, bins)
            n = _append(f, low, bins, out, n)
        else:
            each = np.empty(cells[f], np.int64)
            _collect(cm, spans, f, each)
            sort(each, len(each))
            n = _append_sorted(f, each, out, n)
    return out[:n]


def histograms(cm: NDArray[np.int32], spans: Spans) -> tuple[ZonalSums, Histograms]:
    """Sums and histogram of the heights on each footprint's cells, which are read from memory once;
    cells without a height are left out. Entries of the same footprint and value merge by addition.

    cm: (rows, columns) int32 [cm]. Raises ValueError for runs outside it.
    """
    _check(cm, np.int32, spans)
    totals = _no_sums(len(spans.start) - 1)
    entries = _histograms(cm, spans, *totals)
    return totals, Histograms(*entries.T.copy())


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
    _check(mask, np.uint8, spans)
    n = len(spans.start) - 1
    counts = BitCounts(np.zeros(n, np.int64), np.zeros((n, 8), np.int64))
    _bit_counts(mask, spans, *counts)
    return counts


@kernel
def _nearest(cm, spans, centre, box, resolution, away, row, column):  # type: ignore[no-untyped-def]
    for f in range(len(away)):
        best = np.inf
        for s in range(spans.start[f], spans.start[f + 1]):
            prefetch_run(cm, spans, s)
            i = spans.row[s]
            y = -(box.top + i + 0.5) * resolution - centre[f, 1]
            if y * y >= best:  # and a sum is no less, rounded as it is
                continue
            for j in range(spans.begin[s], spans.end[s]):
                x = (box.left + j + 0.5) * resolution - centre[f, 0]
                if x * x + y * y < best and cm[i, j] != LOWEST:
                    best, row[f], column[f] = x * x + y * y, i, j
        away[f] = best


def nearest(
    cm: NDArray[np.int32],
    spans: Spans,
    centre: NDArray[np.float64],
    box: Box,
    resolution: float,
) -> Nearest:
    """The cell with a height nearest to each footprint's centre; the first of equally near ones.

    cm: (rows, columns) int32 [cm], of the cells of the box; centre: (footprints, 2) [m], eastward
    and northward from where the box counts its cells. Raises ValueError for runs outside `cm`.
    """
    _check(cm, np.int32, spans)
    away = np.full(len(centre), np.inf)
    row, column = np.zeros((2, len(centre)), np.int64)
    _nearest(cm, spans, centre, box, resolution, away, row, column)
    some = np.flatnonzero(away < np.inf)
    return Nearest(some, away[some], row[some] + box.top, column[some] + box.left)
