"""Polygons as paths of matplotlib, many in one."""

from collections.abc import Iterator

import numpy as np
import shapely
from matplotlib.path import Path

TOGETHER = 500  # polygons in a path: many are slow to draw one by one, all at once overrun Agg


def outlines(geometry: np.ndarray) -> Iterator[Path]:
    """Compound paths of many polygons; holes run the other way round, so that they stay open."""
    polygons = shapely.get_parts(geometry)
    polygons = shapely.normalize(polygons[shapely.get_type_id(polygons) == 3])
    for start in range(0, len(polygons), TOGETHER):
        rings = shapely.get_rings(polygons[start : start + TOGETHER])
        points, ring = shapely.get_coordinates(rings, return_index=True)
        codes = np.full(len(points), Path.LINETO, Path.code_type)
        codes[np.flatnonzero(np.diff(ring, prepend=-1))] = Path.MOVETO
        codes[np.flatnonzero(np.diff(ring, append=-1))] = Path.CLOSEPOLY
        yield Path(points, codes)
