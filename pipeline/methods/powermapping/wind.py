"""Which buildings stand in the wind shadow of a higher one."""

import numpy as np
from numpy.typing import NDArray

from kernels.spans import raise_to
from kernels.wind import any_within
from pipeline.footprints.outlines import Outlines, touches
from pipeline.grid.windows import Window, uniform_halo
from pipeline.heights.pair import PairReader
from pipeline.methods.buildings import NOT_KNOWN, Measured
from pipeline.methods.powermapping.rules import Powermapping, shelters


def is_sheltered(
    candidate: int,
    standing: Measured,
    compared: NDArray[np.int64],
    heights: PairReader,
    p: Powermapping,
) -> bool:
    """Whether another, higher building stands within the radius of one.

    candidate: its position in `standing`, which holds all that stand within the radius; compared:
    the height by which each shelters [cm], or NOT_KNOWN.
    """
    reach = int(np.ceil(p.wind_radius_m / standing.resolution))
    own = Window.between(*(int(side) for side in standing.windows[candidate]))
    around = own.grow(uniform_halo(reach)).intersect(heights.terrain.window)
    others = np.flatnonzero(touches(standing.windows, around))
    tops, group = compared[others], standing.footprints.group
    higher = shelters(tops, int(compared[candidate]), p) & (tops != NOT_KNOWN)
    higher &= group[others] != group[candidate]
    if not higher.any():
        return False
    mask, outlines = heights.terrain.mask(around), standing.outlines
    one = _rasterized(outlines.take(np.array([candidate])), around) & mask
    higher_ones = _rasterized(outlines.take(others[higher]), around) & mask
    return any_within(one, higher_ones, p.wind_radius_m / standing.resolution)


def _rasterized(outlines: Outlines, window: Window) -> NDArray[np.bool_]:
    cells = np.zeros((window.height, window.width), np.uint8)
    raise_to(cells, outlines.spans(window), np.ones(len(outlines), np.uint8))
    return cells.view(np.bool_)
