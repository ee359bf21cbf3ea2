"""The far field from the relief store: what it shows is what the whole surface would."""

import math
from pathlib import Path

import numpy as np
import pytest
from affine import Affine

from kernels.coarse import coarsen
from kernels.field import far_field, near_field
from kernels.horizon import FLOOR, horizon
from pipeline.engine.engine import never_stop
from pipeline.grid.windows import Window
from pipeline.heights.far import far_heights, far_levels
from pipeline.heights.mosaics import open_mosaic
from pipeline.heights.pair import HeightPair
from pipeline.heights.relief import survey_sheet
from tests.support.march import Raster
from tests.support.runs import write_sheet

WEST, NORTH = 121_003, 487_205  # borders of sheets fall inside coarse cells
SIDE, CUT = 1500, 830  # cells of 1 m; the column where one sheet ends


def surface() -> Raster:
    """Low houses and three towers, far enough from one another for several levels."""
    rng = np.random.default_rng(7)
    height = rng.normal(2, 0.3, (SIDE, SIDE)).astype(np.float32)
    for _ in range(300):
        top, left = rng.integers(0, SIDE - 30, 2)
        height[top : top + 12, left : left + 20] = rng.uniform(4, 12)
    for top, left in [(40, 60), (700, 1400), (1430, 800)]:
        height[top : top + 40, left : left + 40] = 150
    height[900:960, 300:400] = np.nan
    return height


def pair(folder: Path, height: Raster) -> HeightPair:
    """Two sheets, whose relief is kept in `relief`."""
    for name, part in (("a", slice(0, CUT)), ("b", slice(CUT, SIDE))):
        place = Affine(1, 0, WEST + part.start, 0, -1, NORTH)
        write_sheet(folder / f"R_{name}.tif", height[:, part], place)
    mosaic = open_mosaic([str(folder)], "DSM", None, frozenset())
    for sheet in mosaic.sheets:
        survey_sheet(sheet, folder / "relief", never_stop)
    return HeightPair(mosaic, mosaic)


@pytest.mark.parametrize("corner", [(0, 0), (700, 640), (1400, 1360), (333, 777)])
def test_a_window_sees_what_the_whole_surface_shows(
    tmp_path: Path, corner: tuple[int, int]
) -> None:
    """To the bit, over the sheets' border, though each level is read no wider than it is seen."""
    height, azimuths = surface(), np.linspace(0, 2 * math.pi, 24, endpoint=False)
    terrain = pair(tmp_path, height)
    whole = terrain.window
    window = Window(whole.top + corner[0], whole.left + corner[1], 100, 140)
    block = Window(*corner, 100, 140).box
    near = near_field(height, whole.top, whole.left, block)
    every = far_field(coarsen(height, whole.top, whole.left), far_levels(1.0))
    part = far_heights(terrain, tmp_path / "relief", window)
    chosen = np.ones((100, 140), np.bool_)
    seen, expected = (
        horizon(near, far, chosen, azimuths, 1.0, floor=FLOOR, bins=256) for far in (part, every)
    )
    assert np.array_equal(seen.sky_view, expected.sky_view, equal_nan=True)
    assert np.array_equal(seen.bins, expected.bins)
    nothing = far_field(coarsen(np.full((8, 8), np.nan, np.float32), 0, 0), far_levels(1.0))
    alone = horizon(near, nothing, chosen, azimuths, 1.0, bins=256)
    assert not np.array_equal(alone.bins, expected.bins)  # towers do stand far away
