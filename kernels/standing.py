"""What stands on the ground, by squares of coarse cells: how much of it, how high, how uneven.

The means of coarse cells are quotients of whole centimetres (kernels/coarse.py). Each square is
summed alone, row by row: so its sums are the same to the bit whatever lies around it.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.coarse import Coarse
from kernels.compile import kernel


class Surface(NamedTuple):
    """Heights of coarse cells [m], each (rows, columns) float32, NaN where unknown. highest: of the
    surface; middle: halfway between its mean and its highest; ground: mean of the terrain."""

    highest: NDArray[np.float32]
    middle: NDArray[np.float32]
    ground: NDArray[np.float32]


class Standing(NamedTuple):
    """Sums of squares over the coarse cells that stand there, each (rows, columns).

    cells: int64, how many they are; total, square: float64, of the heights of their highest above
    the ground, and of those squared [cm, cm2]; body: float64, of the heights of their means, those
    below it as 0 [cm]; highest: float64, the greatest of all, 0 without any [cm].
    """

    cells: NDArray[np.int64]
    total: NDArray[np.float64]
    square: NDArray[np.float64]
    body: NDArray[np.float64]
    highest: NDArray[np.float64]


@kernel
def _median(total, known, means):  # type: ignore[no-untyped-def]
    """The median of the means of a square's cells, NaN without data. means: room for them."""
    n = 0
    for i in range(known.shape[0]):
        for j in range(known.shape[1]):
            if known[i, j] > 0:
                means[n] = total[i, j] / known[i, j]
                n += 1
    return np.median(means[:n]) if n > 0 else np.nan


@kernel
def _add(up, body, a, b, sums):  # type: ignore[no-untyped-def]
    """Add a cell that stands to the sums of a square. up, body: how high its highest and its mean
    are above the ground [cm]."""
    sums.cells[a, b] += 1
    sums.total[a, b] += up
    sums.square[a, b] += up * up
    sums.body[a, b] += max(body, 0.0)
    sums.highest[a, b] = max(sums.highest[a, b], up)


@kernel
def _add_square(surface, terrain, here, least, otherwise, metres, a, b, sums):  # type: ignore[no-untyped-def]
    """Set the heights of a square's cells [m], and add those that stand more than `least` above the
    ground [cm]. here: its rows and columns; otherwise: the ground where the terrain has none."""
    top, left, bottom, right = here
    for i in range(top, bottom):
        for j in range(left, right):
            some = terrain.known[i, j]
            ground = terrain.total[i, j] / some if some > 0 else otherwise
            metres.ground[i, j] = np.float32(ground / 100.0)
            if surface.known[i, j] > 0:
                highest = np.float64(surface.highest[i, j])
                mean = surface.total[i, j] / surface.known[i, j]
                metres.highest[i, j] = np.float32(highest / 100.0)
                metres.middle[i, j] = np.float32((mean + highest) / 2.0 / 100.0)
                if highest - ground > least:  # not of an unknown ground
                    _add(highest - ground, mean - ground, a, b, sums)


@kernel
def _add_squares(surface, terrain, least, side, metres, sums):  # type: ignore[no-untyped-def]
    means = np.empty(side * side)
    for a in range(sums.cells.shape[0]):
        for b in range(sums.cells.shape[1]):
            top, left, bottom, right = a * side, b * side, (a + 1) * side, (b + 1) * side
            part = terrain.total[top:bottom, left:right], terrain.known[top:bottom, left:right]
            otherwise = _median(part[0], part[1], means)
            here = top, left, bottom, right
            _add_square(surface, terrain, here, least, otherwise, metres, a, b, sums)


def standing(
    surface: Coarse, terrain: Coarse, threshold: float, side: int
) -> tuple[Surface, Standing]:
    """What stands more than a threshold above the ground [m], by squares of side x side coarse
    cells, and the heights by which it does.

    surface, terrain: of the same coarse cells, whole squares. The ground of a cell is the mean of
    the terrain; where that has no data, the median of the means in its square; unknown in a square
    without any. Raises ValueError for cells that do not match, or are no whole squares.
    """
    rows, columns = surface.known.shape
    if terrain.known.shape != (rows, columns) or rows % side or columns % side:
        raise ValueError(f"no squares of {side}: {surface.known.shape}, {terrain.known.shape}")
    shape = rows // side, columns // side
    metres = Surface(*np.full((3, rows, columns), np.nan, np.float32))
    sums = Standing(np.zeros(shape, np.int64), *np.zeros((4, *shape)))
    _add_squares(surface, terrain, 100.0 * threshold, side, metres, sums)
    return metres, sums
