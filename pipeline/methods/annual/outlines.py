"""Outlines of planes as polygons in RD: along their cells, simplified."""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from kernels.cell_outlines import CellRings, cell_rings
from kernels.planes import REST
from pipeline.methods.annual.segments import Segments

TOLERANCE = 0.75  # of a cell: so straight lines need no stairs, and no neighbour's cell is passed


def outlines_of(segments: Segments, resolution: float) -> NDArray[Any]:
    """The outline of each plane as WKB: a polygon, or a multipolygon of a plane in several parts;
    simplified by at most TOLERANCE cells, with its holes, and valid."""
    planes = segments.planes
    if not len(planes.cells):
        return np.zeros(0, object)
    first = np.repeat(planes.start[:-1], segments.own_cells)
    area = np.where(planes.number < REST, first + planes.number - 1, -1)
    rings = cell_rings(segments.spans, area)
    lines, tolerance = _lines(rings, segments, resolution), TOLERANCE * resolution
    drawn = _polygons(_simplified(lines, tolerance), rings)
    odd = np.flatnonzero(~shapely.is_valid(drawn))
    if len(odd):  # seldom: it takes ten times as long to look at all rings at once
        exact = _polygons(lines, rings)[odd]
        simple = shapely.simplify(exact, tolerance)
        drawn[odd] = np.where(shapely.is_valid(simple), simple, exact)
    wkb: NDArray[Any] = shapely.to_wkb(drawn)
    return wkb


def _lines(rings: CellRings, segments: Segments, resolution: float) -> NDArray[Any]:
    """The rings along the cells."""
    column, row = rings.corner.T
    x = (segments.window.left + column) * resolution
    y = -(segments.window.top + row) * resolution
    ring = np.repeat(np.arange(len(rings.area)), np.diff(rings.start))
    lines: NDArray[Any] = shapely.linearrings(x, y, indices=ring)
    return lines


def _simplified(lines: NDArray[Any], tolerance: float) -> NDArray[Any]:
    """Rings with fewer corners, each by itself; one of which too little would stay as it is."""
    simple = shapely.simplify(lines, tolerance, preserve_topology=False)
    kept: NDArray[Any] = np.where(shapely.get_num_coordinates(simple) < 4, lines, simple)
    return kept


def _polygons(lines: NDArray[Any], rings: CellRings) -> NDArray[Any]:
    """The areas that rings enclose."""
    parts = shapely.polygons(lines, indices=rings.part)
    shells = np.flatnonzero(np.diff(rings.part, prepend=-1))
    area, count = rings.area[shells], np.bincount(rings.area[shells])
    whole: NDArray[Any] = shapely.multipolygons(parts, indices=area)
    alone = count == 1
    whole[alone] = parts[alone[area]]
    return whole
