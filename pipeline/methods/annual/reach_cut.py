"""The flag `reach_cut`: roofs whose horizon or wind hangs on more than the inputs may hold."""

import math

import numpy as np
import shapely
from numpy.typing import NDArray

from kernels.horizon import FLOOR
from kernels.spans import Spans
from pipeline.footprints.outlines import Outlines
from pipeline.grid.tile_masks import enclosing
from pipeline.grid.windows import Window
from pipeline.methods.annual.segments import Segments
from pipeline.methods.annual.wind.model import FAR_M
from pipeline.methods.context import Context


def light_cut(context: Context, segments: Segments, height: float) -> NDArray[np.bool_]:
    """Whether the sheets end so near an own cell of each building that what rises so high above it
    [m] might stand beyond, over the floor of its horizon: (buildings,), by Segments.position."""
    return ends_within(context, segments.spans, segments.window, height / math.tan(FLOOR))


def wind_cut(context: Context, candidates: Outlines) -> NDArray[np.bool_]:
    """Whether the sheets end so near an own cell of each candidate for wind that what stands beyond
    might slow the wind: (candidates,)."""
    window = enclosing(candidates.windows())
    reach = max(FAR_M[-1], context.p.fetch_m)
    return ends_within(context, candidates.spans(window), window, reach)


def ends_within(context: Context, runs: Spans, window: Window, reach: float) -> NDArray[np.bool_]:
    """Whether the sheets end within a distance of an own cell's centre of each building [m].
    runs: own cells in a window."""
    r, ground, n = context.resolution, context.terrain.ground, len(runs.start) - 1
    building = np.repeat(np.arange(n), np.diff(runs.start))
    west = (window.left + runs.begin + 0.5) * r
    east = (window.left + runs.end - 0.5) * r
    north = -(window.top + runs.row + 0.5) * r
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
