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
    exact = _polygons(cell_rings(segments.spans, area), segments, resolution)
    simple = shapely.simplify(exact, TOLERANCE * resolution)
    kept: NDArray[Any] = np.where(shapely.is_valid(simple), simple, exact)
    wkb: NDArray[Any] = shapely.to_wkb(kept)
    return wkb


def _polygons(rings: CellRings, segments: Segments, resolution: float) -> NDArray[Any]:
    """The outlines along the cells."""
    column, row = rings.corner.T
    x = (segments.window.left + column) * resolution
    y = -(segments.window.top + row) * resolution
    ring = np.repeat(np.arange(len(rings.area)), np.diff(rings.start))
    parts = shapely.polygons(shapely.linearrings(x, y, indices=ring), indices=rings.part)
    shells = np.flatnonzero(np.diff(rings.part, prepend=-1))
    area, count = rings.area[shells], np.bincount(rings.area[shells])
    whole: NDArray[Any] = shapely.multipolygons(parts, indices=area)
    alone = count == 1
    whole[alone] = parts[alone[area]]
    return whole
