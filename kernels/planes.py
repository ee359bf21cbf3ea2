"""The planes of roofs: which of a building's cells lie in which plane, and how each plane lies.

A building is computed in its own window, by columns and rows counted from that window's
north-western cell and heights in whole centimetres, so that no cutting into blocks changes a bit.
Planes grow from cells about which a small fit is good (`plane_seeds`, `plane_grow`); coplanar
neighbours become one, and cells go to the plane beside them that they fit best (`plane_merge`);
mixed cells of the rim and holes are counted (`plane_cells`). Everything is linear in the cells.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.plane_building import MOST_PLANES, Rules, all_planes
from kernels.plane_use import REST
from kernels.spans import Spans, check_inside

__all__ = ["MOST_PLANES", "REST", "Planes", "roof_planes"]


class Planes(NamedTuple):
    """The planes of some footprints, each footprint's by falling cells, ties by the first cell from
    the north-west.

    start: (footprints + 1,) int64, where each footprint's planes start;
    cells: (planes,) int64, cells that count, fitted or not; fitted: (planes,) int64, those that the
    plane was fitted to; free: (planes,) int64, of flat planes those further than the set-back from
    all else, of others 0;
    column, row: (planes,) float64, centre: mean of its cells, from the north-western cell of the
    footprint's own window [cells];
    height: (planes,) float64, of the plane at that centre [m];
    slope_east, slope_north: (planes,) float64, dz/dx and dz/dy on the grid;
    rmse: (planes,) float64, of the cells that it was fitted to [m];
    top, left: (footprints,) int64, the north-western cell of each own window, in the window given;
    own, known, overgrown: (footprints,) int64, own cells; those with data; those of the rest that
    stand more than a given height above the nearest plane;
    found: (footprints,) int64, planes before only the MOST_PLANES largest were kept;
    number: (cells,) uint8, the plane of each own cell, from 1, REST for none; was_fitted: (cells,)
    bool; both in the order of `kernels.spans.cells_of`.
    """

    start: NDArray[np.int64]
    cells: NDArray[np.int64]
    fitted: NDArray[np.int64]
    free: NDArray[np.int64]
    column: NDArray[np.float64]
    row: NDArray[np.float64]
    height: NDArray[np.float64]
    slope_east: NDArray[np.float64]
    slope_north: NDArray[np.float64]
    rmse: NDArray[np.float64]
    top: NDArray[np.int64]
    left: NDArray[np.int64]
    own: NDArray[np.int64]
    known: NDArray[np.int64]
    overgrown: NDArray[np.int64]
    found: NDArray[np.int64]
    number: NDArray[np.uint8]
    was_fitted: NDArray[np.bool_]


def roof_planes(
    cm: NDArray[np.int32],
    spans: Spans,
    resolution: float,
    *,
    least_cells: int = 8,
    flat_below: float = math.radians(10),
    setback: float = 1.2,
    overgrown: float = 1.0,
) -> Planes:
    """The planes of footprints, each from its own cells alone.

    cm: (rows, columns) int32 [cm], of `kernels.zonal.centimetres`; spans: all own cells of each
    footprint; resolution [m]; least_cells: of a plane; flat_below: tilt under which a plane is flat
    [rad]; setback: cells whose centre is no further from that of a cell outside the plane are not
    free [m]; overgrown: height above the nearest plane, continued, over which a cell of the rest
    counts as overgrown [m]. Raises ValueError for runs outside `cm`.
    """
    check_inside(spans, cm.shape)
    unit = 100.0 * resolution
    flat, cells = unit * math.tan(flat_below), round(setback / resolution, 9)
    rules = Rules(unit, least_cells, flat, cells, 100.0 * overgrown)
    n, total = len(spans.start) - 1, int((spans.end - spans.begin).sum())
    boxes = _boxes(spans, n)
    number, fitted = np.empty(total, np.uint8), np.empty(total, np.bool_)
    start, counts = np.zeros(n + 1, np.int64), np.zeros((n, 4), np.int64)
    whole, real = all_planes(cm, spans, boxes, rules, start, counts, number, fitted)
    cells, was_fitted, free = whole.T.copy()
    column, row, level, east, south, spread = real.T.copy()
    top, left = boxes.T[:2].copy()
    own, known, over, found = counts.T.copy()
    return Planes(
        start, cells, was_fitted, free, column, row, level / 100,
        east / rules.unit, -south / rules.unit, spread / 100,
        top, left, own, known, over, found, number, fitted,
    )  # fmt: skip


def _boxes(spans: Spans, n: int) -> NDArray[np.int64]:
    """(footprints, 4) int64: top, left, rows, columns of each own window."""
    boxes = np.zeros((n, 4), np.int64)
    some = np.flatnonzero(np.diff(spans.start))
    if len(some):
        first, last = spans.start[some], spans.start[some + 1] - 1
        left = np.minimum.reduceat(spans.begin, first)
        right = np.maximum.reduceat(spans.end, first)
        top = spans.row[first]
        boxes[some] = np.column_stack([top, left, spans.row[last] + 1 - top, right - left])
    return boxes
