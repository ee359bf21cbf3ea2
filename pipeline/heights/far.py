"""The far field of horizons, from the relief store: of each level no more than its samples see."""

from pathlib import Path

import numpy as np

from kernels.coarse import COARSE, Coarse, coarsen, coarser
from kernels.field import FarField, nested_far_field
from kernels.horizon import FLOOR, horizon_halo
from pipeline.grid.tile_masks import enclosing
from pipeline.grid.windows import Window, uniform_halo
from pipeline.heights.levels import STATISTICS
from pipeline.heights.pair import Additions, HeightPair
from pipeline.heights.rasters import PIECE, gdal
from pipeline.heights.relief import HIGHEST_M, LOWEST_M, coarse

FARTHEST = 256  # cells of level 0 within which it is looked at; of the next levels, so many of each
TILE_SIDE = 16  # cells of the squares from whose middles the far field is seen


def far_levels(resolution: float) -> int:
    """Levels of a far field in which whatever stands in the country can be seen."""
    return horizon_halo(HIGHEST_M - LOWEST_M, FLOOR, resolution).levels


def far_heights(terrain: HeightPair, relief: Path, window: Window) -> FarField:
    """The far field of a window's horizons: of the DSM, with the added buildings on it.

    relief: folder with the relief of the sheets. Raises InputError for a sheet that was not
    surveyed, or has changed since.
    """
    return nested_far_field(
        [_level(terrain, relief, window, n) for n in range(far_levels(terrain.resolution))]
    )


def _level(terrain: HeightPair, relief: Path, window: Window, level: int) -> Coarse:
    around = window.grow(uniform_halo((FARTHEST << level) + TILE_SIDE))
    side = COARSE << level
    return surface_relief(terrain, relief, Window(*(n * side for n in around.coarse(side))), level)


def surface_relief(terrain: HeightPair, relief: Path, ground: Window, level: int = 0) -> Coarse:
    """Coarse cells of 8 << level cells a side of the DSM, with the added buildings on it.

    relief: folder with the relief of the sheets; ground: whole coarse cells, counted in cells.
    Raises InputError for a sheet that was not surveyed, or has changed since.
    """
    cells = coarse(terrain.dsm.part(ground).sheets, relief, ground, level)
    if terrain.added is not None:
        _add(cells, terrain, terrain.added, ground, level)
    return cells


def _add(cells: Coarse, terrain: HeightPair, added: Additions, ground: Window, level: int) -> None:
    """Count the coarse cells under added buildings anew, in place."""
    frame, side = ground.coarse(COARSE << level), COARSE << level
    for window in added.part(ground).windows:
        part = enclosing(window[None]).coarse(side).intersect(frame)
        for one in part.pieces(max(PIECE // side, 1)):
            counted = _counted(terrain, added, Window(*(n * side for n in one)), level)
            for name in STATISTICS:
                getattr(cells, name)[frame.slices(one)] = getattr(counted, name)


def _counted(terrain: HeightPair, added: Additions, ground: Window, level: int) -> Coarse:
    """Coarse cells of the DSM with the added buildings on it."""
    with gdal(), terrain.dsm.reader() as reader:
        heights = added.stand_on(reader.read(ground), ground)
    counted = coarsen(np.ascontiguousarray(heights), ground.top, ground.left)
    for _ in range(level):
        counted = coarser(counted)
    return counted
