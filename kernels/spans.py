"""Cells of footprints as runs along rows, and operations on them run by run.

A run is contiguous, so its loop vectorises; but it is short (some 20 cells) and lies where no
hardware expects it: unless the cells of runs to come are asked for, sums take 3 times as long.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.compile import kernel
from kernels.simd import LINE, prefetch

AHEAD = 32  # runs to come


class Spans(NamedTuple):
    """Cells of footprints as runs along rows, none touching another of its footprint and row.

    start: (footprints + 1,) int64, where each footprint's runs start; row, begin, end: (runs,)
    int64, in the window, half open; ordered by footprint, then row, then column.
    """

    start: NDArray[np.int64]
    row: NDArray[np.int64]
    begin: NDArray[np.int64]
    end: NDArray[np.int64]


class Cells(NamedTuple):
    """Cells of footprints. footprint, row, column: (cells,) int64, row and column in the window;
    ordered by footprint, then row, then column."""

    footprint: NDArray[np.int64]
    row: NDArray[np.int64]
    column: NDArray[np.int64]


def box_spans(boxes: NDArray[np.int64], shape: tuple[int, ...]) -> Spans:
    """Runs of rectangles, each as a footprint, in an array of `shape`.

    boxes: (boxes, 4) int64: top, left, bottom, right, half open, in cells of the array.
    """
    top, left, bottom, right = np.clip(boxes, 0, [*shape, *shape]).T
    rows = np.where(left < right, np.maximum(bottom - top, 0), 0)
    start = np.concatenate([np.zeros(1, np.int64), np.cumsum(rows)])
    row = np.arange(start[-1]) - np.repeat(start[:-1] - top, rows)
    return Spans(start, row, np.repeat(left, rows), np.repeat(right, rows))


def cells_of(spans: Spans) -> Cells:
    """The cells of all runs."""
    footprint = np.repeat(np.arange(len(spans.start) - 1), np.diff(spans.start))
    length = spans.end - spans.begin
    column = np.arange(length.sum()) - np.repeat(np.cumsum(length) - spans.end, length)
    return Cells(np.repeat(footprint, length), np.repeat(spans.row, length), column)


def check_inside(spans: Spans, shape: tuple[int, ...]) -> None:
    """Raise ValueError for runs outside an array of `shape`: the kernels index without a check."""
    rows, columns = shape
    first = min(spans.row.min(initial=0), spans.begin.min(initial=0))
    if first < 0 or spans.row.max(initial=-1) >= rows or spans.end.max(initial=0) > columns:
        raise ValueError(f"runs reach beyond {rows} rows and {columns} columns")


@kernel
def prefetch_run(array, spans, s):  # type: ignore[no-untyped-def]
    """Prefetch the cells of the run that comes AHEAD runs later."""
    s = min(s + AHEAD, len(spans.row) - 1)
    step = LINE // array.itemsize
    for column in range(spans.begin[s], spans.end[s] + step - 1, step):
        prefetch(array, spans.row[s], column)


@kernel
def _raise(surface, spans, top):  # type: ignore[no-untyped-def]
    for f in range(len(top)):
        for s in range(spans.start[f], spans.start[f + 1]):
            prefetch_run(surface, spans, s)
            i = np.uint64(spans.row[s])
            for j in range(np.uint64(spans.begin[s]), np.uint64(spans.end[s])):
                surface[i, j] = max(surface[i, j], top[f])


def raise_to(surface: NDArray[Any], spans: Spans, top: NDArray[Any]) -> None:
    """Raise a surface in place to each footprint's top on its cells, where it is lower.

    surface: (rows, columns); top: (footprints,), in the same unit and dtype. Raises ValueError for
    runs outside the surface.
    """
    check_inside(spans, surface.shape)
    _raise(surface, spans, top)
