"""What `bench.wind_study` counts: repeated cells, tables of verdicts, roughness both ways."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely

from bench.wind_places import repeat
from bench.wind_roughness import MOST, Compared, Sheets, compare, filled, of_amsterdam, of_quarter
from bench.wind_study import markdown, shelter, shelter_rows, verdict_rows
from tests.support.runs import World, write_sheet


def test_cells_of_5_m_become_25_of_1_m_and_holes_no_data(tmp_path: Path) -> None:
    w = World(15, 10, 5.0)
    w.dsm[:] = [[1, 2, 3], [4, 0, 6]]
    write_sheet(tmp_path / "sheet.tif", w.dsm, w.transform, nodata=None)
    (tmp_path / "out").mkdir()
    with rasterio.open(repeat(tmp_path / "sheet.tif", tmp_path / "out")) as sheet:
        heights = sheet.read(1, masked=True)
        assert sheet.res == (1, 1)
        assert sheet.bounds == (w.west, w.south, w.west + 15, w.south + 10)
    expected = np.kron(w.dsm, np.ones((5, 5)))
    np.testing.assert_array_equal(heights.mask, expected == 0)
    np.testing.assert_array_equal(heights.filled(0), expected)


TABLE = pd.DataFrame({
    "study": [True, True, False, False], "wind_suitable": [True, False, True, False],
    "wind_shadowed": [False, False, True, True], "wind_kwh": [900.0, 400, 950, 60],
    "open_kwh": [1000.0, 400, 1000, 600], "far_kwh": [900.0, 400, 980, 600],
})  # fmt: skip


def test_what_the_tables_say() -> None:
    assert shelter(TABLE).tolist() == pytest.approx([0.1, 0, 0.05, 0.9])
    rows = dict(verdict_rows(TABLE))
    assert rows["by the study alone"] == rows["by their yield alone"] == "1 of 4 (25 %)"
    assert rows["the two disagree"] == "2 of 4 (50 %)"
    rows = dict(shelter_rows(TABLE))
    assert rows["in wind shadow: less than 10 %"] == "1 of 2 (50 %)"
    assert rows["in wind shadow: what neighbours take of the yield"] == "48 % (5-90)"
    assert rows["in wind shadow: what those beyond 100 m take by themselves"] == "1 % (0-2)"
    assert rows["in wind shadow, yet more than the median of those not in it"] == "1 of 2 (50 %)"
    assert markdown(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"


def sheets_of(w: World, folder: Path) -> Sheets:
    files = w.write(folder)
    dsm, dtm = (tuple(map(str, paths)) for paths in (files.dsm, files.dtm))
    return Sheets(dsm, dtm, (str(files.buildings),))


def test_roughness_of_blocks_on_the_lines_of_the_relief_is_the_same(tmp_path: Path) -> None:
    """For winds along the lines; across them the corner of a coarse cell is cut off."""
    w = World(512, 512, west=121_088, south=487_168)
    on = np.arange(1024) % 48 < 24
    w.dsm[np.ix_(on, on)] = 9
    w.footprint(shapely.box(0, 0, 12, 12))
    found = compare(sheets_of(w, tmp_path / "in"), tmp_path)
    relief, full = (z0.reshape(4, 12) for z0 in found[:2])
    assert full.min() > 0.3
    np.testing.assert_allclose(relief[:, ::3], full[:, ::3], rtol=1e-6)
    assert ((relief < full)[:, [1, 2, 4, 5, 7, 8, 10, 11]]).all()
    np.testing.assert_allclose(relief, full, rtol=0.1)


def test_gaps_are_filled_as_far_as_the_nearest_height_is_near() -> None:
    heights = np.full((1, 12), np.nan, np.float32)
    heights[0, [0, 1]] = 3, 5
    np.testing.assert_array_equal(filled(heights, 4)[0, :6], [3, 5, 5, 5, 5, 5])
    assert np.isnan(filled(heights, 4)[0, 6:]).all()


def off(found: Compared) -> float:
    """By how much of it z0 is off at the median."""
    return float(np.median(np.abs(found.off)))


def test_roughness_on_the_relief_is_near_that_of_all_cells(tmp_path: Path) -> None:
    found = of_quarter(tmp_path)
    assert len(found.off) == 300 and off(found) <= MOST


def test_roughness_of_a_real_town_is_near_once_single_points_are_gone(
    data: Path, tmp_path: Path
) -> None:
    """Each point of the thinned cloud that sticks out of its neighbours is a wall at 0.5 m, which
    then has three times the frontal area: 29 % off, instead of 15."""
    assert off(of_amsterdam(data, tmp_path, 3)) <= MOST < off(of_amsterdam(data, tmp_path, 1)) < 0.3
