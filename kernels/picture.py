"""Cast shadow and hillshade of the same heights, in one pass over memory."""

from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels.check import as_raster, refuse_infinite
from kernels.gradient import HillshadeTerms, hillshade, hillshade_rows, hillshade_terms
from kernels.shadow import Grid, Sun, cast_shadow, sweep, walks
from kernels.sweep import Walk, sweep_rows

BAND = 64  # rows at a time, which stay in the second cache: 1 MB of heights 4096 cells wide


class Picture(NamedTuple):
    """Cast shadow and hillshade. shadow: (rows, columns) uint8, bit i where the cell is shaded at
    sun i, 255 without data; hillshade: (rows, columns) uint8, grey 1 to 255, 0 without data."""

    shadow: NDArray[np.uint8]
    hillshade: NDArray[np.uint8]


def picture(height: ArrayLike, suns: list[Sun], grid: Grid, light_from: Sun) -> Picture:
    """`cast_shadow` and `hillshade` together, by bands of rows that stay in the CPU cache.

    height: (rows, columns) float32, north-up [m], NaN for no data; suns: positions that cast
    shadows, up to seven; light_from: the one that makes the hillshade. Suns whose rays walk
    otherwise than the first one's along the rows take passes of their own. Raises as `cast_shadow`
    does.
    """
    height = as_raster(height)
    todo = walks(suns, grid, height.shape)
    along = next((i for i, walk in enumerate(todo) if walk.by_rows), None)
    if along is None:
        greys = hillshade(height, light_from, grid.resolution)
        return Picture(cast_shadow(height, suns, grid), greys)
    first = _both(height, todo.pop(along), hillshade_terms(light_from, grid.resolution))
    shadows = reduce(np.bitwise_or, (sweep(height, walk) for walk in todo), first.shadow)
    return Picture(shadows, first.hillshade)


def _both(height: NDArray[np.float32], walk: Walk, lit: HillshadeTerms) -> Picture:
    out = Picture(np.empty(height.shape, np.uint8), np.zeros(height.shape, np.uint8))
    bands = range(0, len(height), BAND)
    for begin in reversed(bands) if walk.backwards else bands:
        end = min(begin + BAND, len(height))
        if not sweep_rows(height, walk, begin, end, out.shadow):
            refuse_infinite(height)
        hillshade_rows(height, begin, end, lit, out.hillshade)
    return out
