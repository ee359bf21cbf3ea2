"""Heights of roofs and of the ground around them, as histograms that merge exactly."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.histograms import Histograms, histograms
from kernels.spans import box_spans
from kernels.zonal import Nearest, bit_counts, nearest
from pipeline.engine.engine import never_stop
from pipeline.errors import Stopped
from pipeline.footprints.footprints import Footprints
from pipeline.footprints.outlines import Outlines
from pipeline.grid.tile_masks import TileMask, enclosing
from pipeline.grid.windows import TILE, Window
from pipeline.heights.pair import PairReader
from pipeline.heights.rasters import PIECE
from pipeline.methods.buildings import NOT_KNOWN, BuildingParameters, Measured, outlines_of


class WindowHeights(NamedTuple):
    """Of the cells of one window, by `outlines.rows`: the heights of roofs and of the ground, how
    many own cells lie on the rasters, and which one with data is nearest to the centre."""

    roof: Histograms
    ground: Histograms
    own: tuple[NDArray[np.int64], NDArray[np.int64]]
    nearest: Nearest


def measure(
    footprints: Footprints,
    heights: PairReader,
    p: BuildingParameters,
    stop: Callable[[], bool] = never_stop,
) -> Measured:
    """Footprints that have a polygon, with their heights. Raises Stopped if the stop flag is up."""
    outlines = outlines_of(footprints, heights.terrain.resolution)
    ground = enclosing(outlines.windows(p.ground_ring_m)).intersect(heights.terrain.window)
    parts = list[WindowHeights]()
    for piece in ground.pieces(PIECE):
        if stop():
            raise Stopped
        touching = outlines.within(piece, p.ground_ring_m)
        if len(touching):
            parts.append(measure_window(piece, heights, touching, p))
    if not parts:
        return Measured.nothing(footprints, outlines.resolution)
    columns = merge(parts, len(outlines), p)
    return Measured(footprints, outlines.resolution, **columns, reason=footprints.reason)


def measure_window(
    window: Window, heights: PairReader, outlines: Outlines, p: BuildingParameters
) -> WindowHeights:
    """The part of one window. outlines: all that have a cell, or ground within the ring, in it;
    only the tiles that they touch are read."""
    own, rows = outlines.spans(window), outlines.rows
    tiles = TileMask.none(window.coarse(TILE))
    tiles.add(outlines.windows())
    dsm = heights.dsm(window, tiles.marked)
    tiles.add(outlines.windows(p.ground_ring_m))
    dtm = heights.dtm(window, tiles.marked)
    boxes = ring_boxes(outlines, p.ground_ring_m) - np.array([window.top, window.left] * 2)
    roof, ground = histograms(dsm, own)[1], histograms(dtm, box_spans(boxes, dtm.shape))[1]
    on_rasters = bit_counts(heights.terrain.mask(window).view(np.uint8), own).bits[:, 0]
    deciding = nearest(dsm, own, outlines.centre, window.box, outlines.resolution)
    return WindowHeights(
        roof._replace(footprint=rows[roof.footprint]),
        ground._replace(footprint=rows[ground.footprint]),
        (rows, on_rasters),
        deciding._replace(footprint=rows[deciding.footprint]),
    )


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


def merge(
    parts: Sequence[WindowHeights], n: int, p: BuildingParameters
) -> dict[str, NDArray[np.int64]]:
    """The columns of Measured of n footprints, but for `reason`; the order of the parts does not
    matter."""
    roofs, grounds, owns, nearests = zip(*parts, strict=True)
    roof, ground = (Histograms(*_joined(tables)) for tables in (roofs, grounds))
    rows, on_rasters = _joined(owns)
    row, column = _deciding(Nearest(*_joined(nearests)), n)
    lowest, roof_cm, median, top = percentiles(roof, (0, p.roof_percentile, 50, 95), n)
    return {
        "roof": roof_cm,
        "median": median,
        "top": top,
        "lowest": lowest,
        "ground": percentiles(ground, (p.ground_percentile,), n)[0],
        "cells": np.bincount(roof.footprint, roof.weight, n).astype(np.int64),
        "own": np.bincount(rows, on_rasters, n).astype(np.int64),
        "row": row,
        "column": column,
    }


def _joined(tables: Sequence[tuple[NDArray[Any], ...]]) -> list[NDArray[Any]]:
    return [np.concatenate(columns) for columns in zip(*tables, strict=True)]


def percentiles(histograms: Histograms, ps: Sequence[float], n: int) -> NDArray[np.int64]:
    """(percentiles, n): the ceil(p m / 100)-th smallest of each footprint's m values [cm], the
    smallest for 0. histograms: in any order; a value of a footprint may come more than once."""
    order = np.lexsort((histograms.value, histograms.footprint))
    footprint, value, weight = (column[order] for column in histograms)
    total = np.bincount(footprint, weight, n).astype(np.int64)
    before = np.cumsum(total) - total  # values of the footprints before
    known, upto = np.flatnonzero(total), np.cumsum(weight)
    heights = np.full((len(ps), n), NOT_KNOWN)
    for out, p in zip(heights, ps, strict=True):
        rank = np.maximum(np.ceil(p * total / 100.0).astype(np.int64), 1)
        out[known] = value[np.searchsorted(upto, (before + rank)[known])]
    return heights


def _deciding(cells: Nearest, n: int) -> NDArray[np.int64]:
    """(2, n) row and column of each footprint's nearest cell; 0 where it has none."""
    order = np.lexsort((cells.column, cells.row, cells.away, cells.footprint))
    footprint, first = np.unique(cells.footprint[order], return_index=True)
    place = np.zeros((2, n), np.int64)
    place[:, footprint] = cells.row[order[first]], cells.column[order[first]]
    return place
