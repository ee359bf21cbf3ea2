"""The flag `reach_cut`: roofs whose horizon the inputs may not hold."""

import math

import numpy as np
import shapely
from numpy.typing import NDArray

from kernels.horizon import FLOOR
from pipeline.methods.annual.segments import Segments
from pipeline.methods.context import Context


def light_cut(context: Context, segments: Segments, height: float) -> NDArray[np.bool_]:
    """Whether the sheets end so near an own cell of each building that what rises so high above it
    [m] might stand beyond, over the floor of its horizon: (buildings,), by Segments.position."""
    reach, r, n = height / math.tan(FLOOR), context.resolution, len(segments.position)
    runs, ground = segments.spans, context.terrain.ground
    building = np.repeat(np.arange(n), np.diff(runs.start))
    west = (segments.window.left + runs.begin + 0.5) * r
    east = (segments.window.left + runs.end - 0.5) * r
    north = -(segments.window.top + runs.row + 0.5) * r
    low, high = np.full((2, n, 2), np.inf)
    for axis, (first, last) in enumerate(((west, east), (north, north))):
        np.minimum.at(low[:, axis], building, first)
        np.minimum.at(high[:, axis], building, -last)
    near = ~shapely.covers(ground, shapely.box(*(low - reach).T, *(reach - high).T))
    some = np.flatnonzero(near[building])  # at the border: row by row
    ends = np.stack([west[some], north[some], east[some], north[some]], axis=1)
    rows = shapely.linestrings(ends.reshape(-1, 2, 2))
    shapely.prepare(border := ground.boundary)
    cut = shapely.dwithin(border, rows, reach)
    cut |= ~shapely.intersects_xy(ground, west[some], north[some])
    near[:] = False
    near[building[some[cut]]] = True
    return near
