"""What stands highest around candidates: near at full resolution, far on the cells of the relief.

The cells of other parts of the same building are no obstacles; distances and bearings are those of
the footprint's own cells.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.coarse import COARSE
from kernels.spans import cells_of
from kernels.wind import Candidate, Shelter, clear_within, sheltering
from pipeline.footprints.outlines import Outlines
from pipeline.grid.tile_masks import enclosing
from pipeline.grid.windows import Window, uniform_halo
from pipeline.heights.pair import PairReader
from pipeline.methods.annual.wind.model import (
    FAR_DIRECTIONS,
    FAR_M,
    NEAR_DIRECTIONS,
    NEAR_M,
    Obstacles,
)
from pipeline.methods.annual.wind.surroundings import Surroundings, reach_of
from pipeline.methods.buildings import Measured, outlines_of
from pipeline.methods.context import Context

NEAREST_FAR_M = 96.0  # cells of the relief within this of an own one are left to the near field

Wholes = NDArray[np.int64]


class Cells(NamedTuple):
    """Cells of one raster, each once or more. row, column: on the grid, (n,)."""

    row: Wholes
    column: Wholes

    def coarse(self) -> "Cells":
        """The cells of the relief that hold them."""
        return Cells(self.row // COARSE, self.column // COARSE)

    @property
    def box(self) -> Window:
        """The smallest window around them."""
        low, high = ((each.min(), each.max() + 1) for each in self)
        return Window.between(int(low[0]), int(high[0]), int(low[1]), int(high[1]))

    def mask(self, window: Window) -> NDArray[np.bool_]:
        """Which cells of a window are among them."""
        out = np.zeros((window.height, window.width), np.bool_)
        row, column = self.row - window.top, self.column - window.left
        inside = (row >= 0) & (row < window.height) & (column >= 0) & (column < window.width)
        out[row[inside], column[inside]] = True
        return out


NOWHERE = Cells(np.zeros(0, np.int64), np.zeros(0, np.int64))


def obstacles_of(
    context: Context,
    heights: PairReader,
    around: Surroundings,
    measured: Measured,
    position: Wholes,
    check_stop: Callable[[], None],
) -> Obstacles:
    """What stands around the buildings at some positions. around: with all read that lies within
    the farthest radius of them."""
    r = context.resolution
    near, far = list[Shelter](), list[Shelter]()
    for i, parts in zip(position.tolist(), _other_parts(context, measured, position), strict=True):
        check_stop()
        own = _own_cells(measured, i, heights)
        near.append(_near(heights, own, parts, r))
        far.append(_far(around, own.coarse(), parts.coarse(), COARSE * r))
    return Obstacles(*_in_metres(near, r), *_in_metres(far, COARSE * r))


def _in_metres(every: list[Shelter], side: float) -> tuple[NDArray[np.float64], ...]:
    """Heights and distances of all candidates. side: of a cell [m]."""
    highest = np.stack([each.highest for each in every]).astype(np.float64)
    return highest, np.stack([each.distance for each in every]) * side


def _own_cells(measured: Measured, i: int, heights: PairReader) -> Cells:
    window = Window.between(*(int(edge) for edge in measured.windows[i]))
    outline = measured.outlines.take(np.array([i]))
    cells = outline.cells(window, heights.terrain.mask(window))
    return Cells(cells.row + window.top, cells.column + window.left)


def _other_parts(context: Context, measured: Measured, position: Wholes) -> list[Cells]:
    """For each candidate the cells of other parts of its building, as far as obstacles are
    sought."""
    if not context.prepared.grouped:
        return [NOWHERE] * len(position)
    reach = reach_of(FAR_M[-1], measured.resolution)
    grounds = measured.windows[position] + np.array([-reach, -reach, reach, reach])
    nearby = context.prepared.read(enclosing(grounds).bounds(measured.resolution))
    own = np.searchsorted(nearby.place, measured.footprints.place[position])
    every = []
    for at in own.tolist():
        same = nearby.group == nearby.group[at]
        same[at] = False
        every.append(_cells(outlines_of(nearby.take(same), measured.resolution)))
    return every


def _cells(outlines: Outlines) -> Cells:
    window = enclosing(outlines.windows())
    cells = cells_of(outlines.spans(window))
    return Cells(cells.row + window.top, cells.column + window.left)


def _near(heights: PairReader, own: Cells, parts: Cells, resolution: float) -> Shelter:
    """What stands around own cells in the DSM; distances in its cells."""
    radii = [radius / resolution for radius in NEAR_M]
    box = own.box
    window = box.grow(uniform_halo(int(radii[-1]) + 1))
    surface = heights.dsm(window)
    surface[parts.mask(window)] = np.nan
    return sheltering(surface, _candidate(own, window), radii, NEAR_DIRECTIONS)


def _far(around: Surroundings, own: Cells, parts: Cells, side: float) -> Shelter:
    """What stands around the cells of the relief that hold own ones; distances in such cells, of so
    many metres a side."""
    radii = [radius / side for radius in FAR_M]
    window = own.box.grow(uniform_halo(int(radii[-1])))
    surface, candidate = around.highest(window), _candidate(own, window)
    surface[parts.mask(window)] = np.nan
    clear_within(surface, candidate, NEAREST_FAR_M / side)
    return sheltering(surface, candidate, radii, FAR_DIRECTIONS)


def _candidate(own: Cells, window: Window) -> Candidate:
    """Own cells as a candidate in an array of a window."""
    box = own.box
    return Candidate(own.mask(box), box.top - window.top, box.left - window.left)
