"""What stands around candidates by the relief, on squares of 256 m that many of them share.

Only squares that a candidate looks at are read, each once a shard.
"""

import math
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from kernels.coarse import COARSE
from kernels.roughness import RoughnessSums, surface_sums
from kernels.standing import Standing, Surface, standing
from pipeline.grid.windows import Window, uniform_halo
from pipeline.heights.far import surface_relief
from pipeline.heights.rasters import rectangles
from pipeline.heights.relief import coarse
from pipeline.methods.context import Context

SQUARE_M = 256.0  # side of the squares, anchored at RD (0, 0)
STANDS_M = 2.0  # what is higher above the ground than that stands there
AT_ONCE = 12  # squares a side that are read at once


class Surroundings:
    """The relief of a ground, square by square.

    frame: its squares, counted from RD (0, 0) as cells are; side: coarse cells along a square's
    side; heights: of all coarse cells of the frame, NaN where nothing is known or was read;
    standing: sums of the squares, 0 of those that were not read.
    """

    def __init__(self, context: Context, ground: Window) -> None:
        """ground: all cells that a candidate may look at."""
        self._context = context
        self.side = round(SQUARE_M / context.resolution) // COARSE
        self.frame = self.squares(ground).grow(uniform_halo(1))  # beside which sums look as well
        shape = self.frame.height, self.frame.width
        cells = self.frame.height * self.side, self.frame.width * self.side
        self.heights = Surface(*np.full((3, *cells), np.nan, np.float32))
        self.standing = Standing(np.zeros(shape, np.int64), *np.zeros((4, *shape)))
        self._done = np.zeros(shape, np.bool_)

    def squares(self, ground: Window) -> Window:
        """The squares that a window of cells touches."""
        return ground.coarse(self.side * COARSE)

    def covers(self, ground: Window) -> bool:
        """Whether a window of cells, and the squares beside it, lie in the frame."""
        return self.frame.covers(self.squares(ground).grow(uniform_halo(1)))

    def read(self, grounds: Iterable[Window], check_stop: Callable[[], None]) -> None:
        """Read the squares that windows of cells touch, unless they were read."""
        wanted = np.zeros(self._done.shape, np.bool_)
        for ground in grounds:
            wanted[self.frame.slices(self.squares(ground))] = True
        top, left = self.frame.top, self.frame.left
        for part in rectangles(wanted & ~self._done):
            squares = Window(top + part.top, left + part.left, part.height, part.width)
            for piece in squares.pieces(AT_ONCE):
                check_stop()
                self._read_piece(piece)

    def _read_piece(self, squares: Window) -> None:
        cells, context = Window(*(n * self.side for n in squares)), self._context
        ground, terrain = Window(*(n * COARSE for n in cells)), context.terrain
        surface = surface_relief(terrain, context.relief, ground)
        below = coarse(terrain.dtm.part(ground).sheets, context.relief, ground, 0)
        heights, sums = standing(surface, below, STANDS_M, self.side)
        here, there = self._frame_cells.slices(cells), self.frame.slices(squares)
        for values, part in zip(self.heights, heights, strict=True):
            values[here] = part
        for totals, some in zip(self.standing, sums, strict=True):
            totals[there] = some
        self._done[there] = True

    def rises(self, squares: Window) -> RoughnessSums:
        """What stands on squares and how often it rises, as the roughness is summed; of a square
        that was read with those around it."""
        cells = Window(*(n * self.side for n in squares))
        around = self._frame_cells.slices(cells.grow(uniform_halo(1)))
        middle, ground = self.heights.middle[around], self.heights.ground[around]
        return surface_sums(middle, ground, STANDS_M, cells.top, cells.left, self.side)

    def highest(self, cells: Window) -> NDArray[np.float32]:
        """The highest of coarse cells [m]: a copy."""
        return self.heights.highest[self._frame_cells.slices(cells)].copy()

    @property
    def _frame_cells(self) -> Window:
        """The coarse cells of the frame."""
        return Window(*(n * self.side for n in self.frame))


def reach_of(metres: float, resolution: float) -> int:
    """So far, and a coarse cell more [cells]."""
    return math.ceil(metres / resolution) + COARSE
