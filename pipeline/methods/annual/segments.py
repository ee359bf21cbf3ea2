"""The planes of a block's buildings: each building from all its own cells, in its own window."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kernels.planes import Planes, roof_planes
from kernels.spans import Spans
from kernels.zonal import NO_HEIGHT, centimetres
from pipeline.grid.tile_masks import TileMask, enclosing
from pipeline.grid.windows import TILE, Window, uniform_halo
from pipeline.heights.rasters import rectangles
from pipeline.methods.annual.rules import DIGITS, OVERGROWN_M
from pipeline.methods.annual.surface import read_surface
from pipeline.methods.buildings import Measured
from pipeline.methods.passes import Work

BESIDE = 2 * TILE  # cells around a block that are read with it: few roofs reach farther


@dataclass(frozen=True)
class Segments:
    """The planes of buildings that were read together. position: of each among those measured;
    window: the cells that were read; spans: their own cells in it."""

    position: NDArray[np.int64]
    window: Window
    spans: Spans
    planes: Planes

    @property
    def building(self) -> NDArray[np.int64]:
        """The position of each plane's building."""
        return np.repeat(self.position, np.diff(self.planes.start))

    @property
    def own_cells(self) -> NDArray[np.int64]:
        """How many cells each building has."""
        upto = np.concatenate([[0], np.cumsum(self.spans.end - self.spans.begin)])
        return np.diff(upto[self.spans.start])


def segments(work: Work, measured: Measured, core: Window) -> Iterator[Segments]:
    """The planes of the buildings that are judged, each of them once: first of those near a block,
    then one by one of those that reach farther. Raises Stopped if the stop flag is up."""
    judged = np.flatnonzero(pd.isna(measured.reason))
    windows = measured.windows[judged]
    near = _inside(windows, core.grow(uniform_halo(BESIDE)))
    for position in (judged[near], *judged[~near][:, None]):
        if len(position):
            work.check_stop()
            yield _segments(position, measured, work)


def _inside(windows: NDArray[np.int64], window: Window) -> NDArray[np.bool_]:
    """Which (n, 4) windows lie in one."""
    top, left, bottom, right = windows.T
    within = (top >= window.top) & (bottom <= window.bottom)
    return within & (left >= window.left) & (right <= window.right)


def _segments(position: NDArray[np.int64], measured: Measured, work: Work) -> Segments:
    windows, p = measured.windows[position], work.context.p
    window = enclosing(windows)
    spans = measured.outlines.take(position).spans(window)
    planes = roof_planes(
        _heights(window, windows, work),
        spans,
        measured.resolution,
        least_cells=p.min_plane_cells,
        flat_below=math.radians(p.flat_below_deg + 10**-DIGITS),  # tilts are rounded before use
        setback=p.setback_m,
        overgrown=OVERGROWN_M,
    )
    return Segments(position, window, spans, planes)


def _heights(window: Window, windows: NDArray[np.int64], work: Work) -> NDArray[np.int32]:
    """The DSM of a window [cm], where footprints can have cells; NO_HEIGHT beyond the rasters."""
    roofs, cm = TileMask.none(window.coarse(TILE)), np.full(window[2:], NO_HEIGHT, np.int32)
    roofs.add(windows)
    heights = read_surface(work, window, roofs)
    for part in rectangles(roofs.marked):
        tiles = part._replace(top=roofs.frame.top + part.top, left=roofs.frame.left + part.left)
        here = window.slices(Window(*(n * TILE for n in tiles)).intersect(window))
        cm[here] = centimetres(heights[here])
    return cm
