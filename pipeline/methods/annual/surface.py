"""The DSM around roofs: read once for their planes and for what their cells see."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.field import MARGIN
from pipeline.grid.tile_masks import TileMask, cut
from pipeline.grid.windows import TILE, Window, uniform_halo
from pipeline.methods.passes import Work

AROUND = MARGIN  # cells around one within which its horizon is seen in the DSM

Heights = NDArray[np.float32]


class Surface(NamedTuple):
    """The DSM of a window, (rows, columns) float32 [m], NaN without data. tiles: those that were
    read, each whole; in others all is NaN."""

    window: Window
    tiles: TileMask
    heights: Heights


def read_surface(work: Work, window: Window, roofs: TileMask) -> Heights:
    """The DSM of a window, and kept for `surface`: as far as it is seen from the tiles with roofs,
    in whole tiles. roofs: on `window.coarse(TILE)`."""
    work.cache.pop("surface", None)  # never two of 32 MB at once
    tiles = _seen(roofs)
    around = Window(*(n * TILE for n in tiles.frame))
    kept = Surface(around, tiles, work.heights.dsm(around, tiles.marked))
    work.cache["surface"] = kept
    return kept.heights[around.slices(window)]


def surface(work: Work, window: Window, roofs: TileMask) -> Heights:
    """The DSM of a window as far as it is seen from tiles with roofs: of what was read last, if
    that has it. roofs: on `window.coarse(TILE)`."""
    tiles = _seen(roofs).part(roofs.frame)
    kept: Surface | None = work.cache.get("surface")
    if kept and kept.tiles.part(tiles.frame).marked[tiles.marked].all():
        return cut(kept.heights, kept.window, window, np.nan)
    return work.heights.dsm(window, tiles.marked)


def _seen(roofs: TileMask) -> TileMask:
    """The tiles that can be seen from tiles with roofs."""
    return roofs.grow(uniform_halo(-(-AROUND // TILE)))
