"""The flag `reach_cut`: roofs whose horizon the inputs may not hold."""

import math

import numpy as np
import shapely
from numpy.typing import NDArray

from kernels.horizon import FLOOR
from kernels.spans import cells_of
from pipeline.methods.annual.segments import Segments
from pipeline.methods.context import Context


def light_cut(context: Context, segments: Segments, height: float) -> NDArray[np.bool_]:
    """Whether the inputs end so near an own cell of each building that what rises so high above it
    [m] might stand beyond, over the floor of its horizon: (buildings,), by Segments.position."""
    reach, r, n = height / math.tan(FLOOR), context.resolution, len(segments.position)
    cells = cells_of(segments.spans)
    x = (segments.window.left + cells.column + 0.5) * r
    y = -(segments.window.top + cells.row + 0.5) * r
    low, high = np.full((2, n, 2), np.inf)
    for axis, values in enumerate((x, y)):
        np.minimum.at(low[:, axis], cells.footprint, values)
        np.minimum.at(high[:, axis], cells.footprint, -values)
    boxes = shapely.box(*(low - reach).T, *(reach - high).T)
    cut = ~shapely.covers(context.region, boxes)
    near = cut[cells.footprint]  # at the border: cell by cell
    inside = shapely.intersects_xy(context.region, x[near], y[near])
    shapely.prepare(border := context.region.boundary)
    close = shapely.dwithin(border, shapely.points(x[near], y[near]), reach)
    cut[:] = False
    cut[cells.footprint[near][close | ~inside]] = True
    return cut
