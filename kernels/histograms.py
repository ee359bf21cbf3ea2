"""Histograms of the heights on footprints' cells, in whole centimetres, so that parts merge
exactly."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.compile import kernel
from kernels.rings import resized, sort
from kernels.spans import Spans, prefetch_run
from kernels.zonal import HIGHEST, LOWEST, ZonalSums, check, no_sums, refuse, to_centimetres

SCATTERED = 64  # values a cell: sorting is quicker than counting


class Histograms(NamedTuple):
    """Histograms of heights. footprint, value [cm], weight: (entries,) int64, ordered by footprint,
    then value."""

    footprint: NDArray[np.int64]
    value: NDArray[np.int64]
    weight: NDArray[np.int64]


@kernel
def _gather(height, spans, f, cm):  # type: ignore[no-untyped-def]
    """Fill `cm`, (cells,) int32, with the heights of a footprint's cells. Returns whether one does
    not fit."""
    beyond, n = False, 0
    for s in range(spans.start[f], spans.start[f + 1]):
        prefetch_run(height, spans, s)
        run = height[spans.row[s], spans.begin[s] : spans.end[s]]
        beyond |= to_centimetres(run, cm[n : n + len(run)])
        n += len(run)
    return beyond


@kernel
def _known_first(cm):  # type: ignore[no-untyped-def]
    """Move what is known to the front. Returns how many that are."""
    known = 0
    for k in range(len(cm)):
        known += cm[k] != LOWEST
    if known == len(cm):  # mostly so, and a count vectorises
        return known
    n = 0
    for k in range(len(cm)):
        cm[n] = cm[k]
        n += cm[k] != LOWEST
    return n


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
def _describe(cm):  # type: ignore[no-untyped-def]
    total, lowest, highest = np.int64(0), HIGHEST, LOWEST
    for k in range(len(cm)):
        total += cm[k]
        lowest, highest = min(lowest, cm[k]), max(highest, cm[k])
    return total, lowest, highest


@kernel
def _histogram(f, cm, lowest, highest, out, n):  # type: ignore[no-untyped-def]
    """Append the histogram of a footprint. Returns the entries, and how many there are."""
    low = np.int64(lowest)
    values = np.int64(highest) - low + 1
    out = resized(out, n + min(len(cm), values))
    if values > SCATTERED * len(cm):
        each = cm.astype(np.int64)
        sort(each, len(each))
        return out, _append_sorted(f, each, out, n)
    bins = np.zeros(values, np.int64)
    for k in range(len(cm)):
        bins[cm[k] - low] += 1
    return out, _append(f, low, bins, out, n)


@kernel
def _histograms(height, spans, cells, total, lowest, highest):  # type: ignore[no-untyped-def]
    out, n, room, beyond = np.empty((64, 3), np.int64), 0, np.empty(64, np.int32), False
    for f in range(len(cells)):
        size = 0
        for s in range(spans.start[f], spans.start[f + 1]):
            size += spans.end[s] - spans.begin[s]
        if size > len(room):
            room = np.empty(2 * size, np.int32)
        beyond |= _gather(height, spans, f, room[:size])
        cm = room[: _known_first(room[:size])]
        cells[f] = len(cm)
        total[f], lowest[f], highest[f] = _describe(cm)
        if len(cm):
            out, n = _histogram(f, cm, lowest[f], highest[f], out, n)
    return out[:n], beyond


def histograms(height: NDArray[np.float32], spans: Spans) -> tuple[ZonalSums, Histograms]:
    """Sums and histogram of the heights on each footprint's cells, in centimetres, which are read
    from memory once; cells without a height are left out. Entries of the same footprint and value
    merge by addition.

    height: (rows, columns) float32 [m], NaN without data. Raises ValueError for runs outside it,
    and for a height that `centimetres` refuses.
    """
    check(height, np.float32, spans)
    totals = no_sums(len(spans.start) - 1)
    entries, beyond = _histograms(height, spans, *totals)
    if beyond:
        refuse(height)
    return totals, Histograms(*entries.T.copy())
