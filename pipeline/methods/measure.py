"""Heights of roofs and of the ground around them, as histograms that merge exactly."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.spans import Spans, box_spans
from kernels.zonal import Histograms, bit_counts, centimetres, histograms, nearest
from pipeline.engine.engine import never_stop
from pipeline.errors import Stopped
from pipeline.footprints.footprints import Footprints
from pipeline.footprints.outlines import Outlines
from pipeline.grid.tile_masks import TileMask, enclosing
from pipeline.grid.windows import TILE, Window
from pipeline.heights.pair import PairReader
from pipeline.heights.rasters import PIECE
from pipeline.methods.buildings import (
    NOT_KNOWN,
    BuildingParameters,
    Columns,
    Measured,
    outlines_of,
)

Part = dict[str, NDArray[np.int64] | NDArray[np.float64]]


def measure(
    footprints: Footprints,
    heights: PairReader,
    p: BuildingParameters,
    stop: Callable[[], bool] = never_stop,
) -> Measured:
    """Footprints that have a polygon, with their heights. Raises Stopped as soon as the flag is
    up."""
    outlines = outlines_of(footprints, heights.terrain.resolution)
    ground = enclosing(outlines.windows(p.ground_ring_m)).intersect(heights.terrain.window)
    parts = []
    for piece in ground.pieces(PIECE):
        if stop():
            raise Stopped
        near = outlines.within(piece, p.ground_ring_m)
        if len(near):
            parts.append(measure_window(piece, heights, near, p))
    found = merge(parts, len(outlines), p)
    return Measured(footprints, outlines.resolution, **found, reason=footprints.reason)


def measure_window(
    window: Window, heights: PairReader, outlines: Outlines, p: BuildingParameters
) -> Part:
    """What the cells of one block tell of the footprints; `footprint` is one of `outlines.rows`.

    outlines: all that have a cell, or ground within the ring, in the window; only the tiles that
    they touch are read.
    """
    own = outlines.spans(window)
    wanted = TileMask.none(window.coarse(TILE))
    wanted.add(outlines.windows())
    dsm = centimetres(heights.dsm(window, wanted.marked))
    wanted.add(outlines.windows(p.ground_ring_m))
    ground = centimetres(heights.dtm(window, wanted.marked))
    boxes = ring_boxes(outlines, p.ground_ring_m) - np.array([window.top, window.left] * 2)
    rows = outlines.rows
    return {
        **_named("roof", histograms(dsm, own)[1], rows),
        **_named("ground", histograms(ground, box_spans(boxes, ground.shape))[1], rows),
        **_own(own, heights.terrain.mask(window), rows),
        **_nearest(own, dsm, window, outlines),
    }


def ring_boxes(outlines: Outlines, ring: float) -> NDArray[np.int64]:
    """Cells whose centre lies in the bounding box grown by the ring, closed: (n, 4) top, left,
    bottom, right, half open."""
    r = outlines.resolution
    xmin, ymin, xmax, ymax = outlines.bounds.T
    left, right = _centres_between(xmin - ring, xmax + ring, r)
    south, north = _centres_between(ymin - ring, ymax + ring, r)
    return np.column_stack([-north, left, -south, right])


def _centres_between(
    low: NDArray[np.float64], high: NDArray[np.float64], r: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and, half open, last cell whose centre (k + 0.5) r lies in [low, high]."""
    first, last = np.floor(low / r) - 1, np.floor(high / r) + 1
    for _ in range(3):
        first += (first + 0.5) * r < low
        last -= (last + 0.5) * r > high
    return first.astype(np.int64), last.astype(np.int64) + 1


def _named(name: str, counts: Histograms, rows: NDArray[np.int64]) -> Part:
    values = (rows[counts.footprint], counts.value, counts.weight)
    return dict(zip((f"{name}_footprint", f"{name}_cm", f"{name}_count"), values, strict=True))


def _own(own: Spans, on_raster: NDArray[np.bool_], rows: NDArray[np.int64]) -> Part:
    """How many own cells each footprint has on the rasters."""
    count = bit_counts(on_raster.view(np.uint8), own).bits[:, 0]
    some = np.flatnonzero(count)
    return {"own_footprint": rows[some], "own_count": count[some]}


def _nearest(own: Spans, dsm: NDArray[np.int32], window: Window, outlines: Outlines) -> Part:
    """Each footprint's own cell with data that is nearest to its centre."""
    found = nearest(dsm, own, outlines.centre, window.box, outlines.resolution)
    return {
        "near_footprint": outlines.rows[found.footprint],
        "near_away": found.away,
        "near_row": found.row,
        "near_column": found.column,
    }


def _first_of_each(key: NDArray[np.int64], order: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first entry of each key in an order sorted by key."""
    ordered = key[order]
    return order[np.flatnonzero(np.diff(ordered, prepend=-1))]


class _Histogram(NamedTuple):
    """Sorted by footprint, then value; they may come more than once.
    weight: how many cells."""

    footprint: NDArray[np.int64]
    cm: NDArray[np.int64]
    weight: NDArray[np.int64]


def merge(parts: Iterable[Part], n: int, p: BuildingParameters) -> Columns:
    """What all blocks together tell of n footprints, as Measured has it; the order of the blocks
    does not matter."""
    parts = list(parts)
    roof, ground = _histogram(parts, "roof"), _histogram(parts, "ground")
    own = np.bincount(_joined(parts, "own_footprint"), _joined(parts, "own_count"), n)
    row, column = _deciding(parts, n)
    return {
        "roof": percentile(roof, p.roof_percentile, n),
        "median": percentile(roof, 50, n),
        "top": percentile(roof, 95, n),
        "lowest": percentile(roof, 0, n),
        "ground": percentile(ground, p.ground_percentile, n),
        "cells": np.bincount(roof.footprint, roof.weight, n).astype(np.int64),
        "own": own.astype(np.int64),
        "row": row,
        "column": column,
    }


def _joined(parts: list[Part], name: str) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(0, np.int64), *(part[name] for part in parts)])


def _histogram(parts: list[Part], name: str) -> _Histogram:
    footprint = _joined(parts, f"{name}_footprint")
    order = np.lexsort((_joined(parts, f"{name}_cm"), footprint))
    columns = (f"{name}_footprint", f"{name}_cm", f"{name}_count")
    return _Histogram(*(_joined(parts, column)[order] for column in columns))


def percentile(histogram: _Histogram, p: float, n: int) -> NDArray[np.int64]:
    """The ceil(p m / 100)-th smallest of each footprint's m values [cm]; the smallest for 0."""
    total = np.bincount(histogram.footprint, histogram.weight, n).astype(np.int64)
    rank = np.maximum(np.ceil(p * total / 100.0).astype(np.int64), 1)
    before = np.cumsum(total) - total  # values of the footprints before
    upto = np.cumsum(histogram.weight)
    known = np.flatnonzero(total)
    at = np.searchsorted(upto, (before + rank)[known])
    out = np.full(n, NOT_KNOWN)
    out[known] = histogram.cm[at]
    return out


def _deciding(parts: list[Part], n: int) -> tuple[NDArray[np.int64], ...]:
    footprint = _joined(parts, "near_footprint")
    away = np.concatenate([np.zeros(0), *(part["near_away"] for part in parts)])
    rows, columns = _joined(parts, "near_row"), _joined(parts, "near_column")
    best = _first_of_each(footprint, np.lexsort((columns, rows, away, footprint)))
    found = []
    for values in (rows, columns):
        of = np.zeros(n, np.int64)
        of[footprint[best]] = values[best]
        found.append(of)
    return tuple(found)
