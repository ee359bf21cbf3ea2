"""Where the inputs end too near: the flag `reach_cut` on scenes whose answer is known by hand.

At noon the sun stands at 13.722 degrees in 171.276: 10 m are climbed in 41 m, 40.5 m southward.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely

from tests.support.runs import Files, World, assert_equal, expect, judge, write_sheets

NOON: dict[str, Any] = {"times": ("12:00",), "reach_height_m": 10.0}


def cut(w: World, folder: Path, row: int, **settings: Any) -> bool:
    """Whether a row is flagged, the reference agreeing."""
    found = w.judge(folder, settings=NOON | settings)
    assert_equal(found, w.expected(**(NOON | settings)))
    return "reach_cut" in found["flags"][row]


@pytest.mark.parametrize("surface", ["extruded", "dsm"])
@pytest.mark.parametrize(("south", "flagged"), [(40.0, True), (41.0, False)])
def test_the_rasters_end_before_the_ray_has_climbed(
    tmp_path: Path, south: float, flagged: bool, surface: str
) -> None:
    w = World(120, 120, 0.5)
    w.frame()
    row = w.block(80, south - 2, 84, south + 2, 6.0)  # decides at south + 0.25
    assert cut(w, tmp_path, row, surface=surface) is flagged


@pytest.mark.parametrize(("south", "flagged"), [(60.0, True), (61.0, False)])
def test_the_footprints_end_before_the_ray_has_climbed(
    tmp_path: Path, south: float, flagged: bool
) -> None:
    w = World(120, 120, 0.5)
    w.frame(inset=20)
    assert cut(w, tmp_path, w.block(80, south - 2, 84, south + 2, 6.0)) is flagged


@pytest.mark.parametrize(("radius", "flagged"), [(50.25, False), (50.26, True)])
def test_a_cell_as_far_from_the_border_as_the_radius_sees_enough(
    tmp_path: Path, radius: float, flagged: bool
) -> None:
    w = World(120, 120, 0.5)
    w.frame()
    row = w.block(50, 55, 60, 65, 20.0)
    assert cut(w, tmp_path, row, reach_height_m=0.0, wind_radius_m=radius) is flagged


@pytest.mark.parametrize("place", [(60, 116), (116, 80), (2, 80)])
def test_behind_a_roof_the_inputs_may_end(tmp_path: Path, place: tuple[float, float]) -> None:
    w = World(120, 120, 0.5)
    w.frame()
    x, y = place
    assert not cut(w, tmp_path, w.block(x - 2, y - 2, x + 2, y + 2, 6.0), times=("12:38",))


def test_the_lower_the_sun_the_farther_it_must_see(tmp_path: Path) -> None:
    w = World(200, 120, 0.5)
    w.frame()
    row = w.block(60, 58, 64, 62, 6.0)
    assert not cut(w, tmp_path / "a", row)
    assert cut(w, tmp_path / "b", row, times=("10:00",))
    assert cut(w, tmp_path / "c", row, reach_height_m=20.0)
    assert not cut(w, tmp_path / "d", row, times=("10:00",), reach_height_m=5.0)


@pytest.mark.parametrize(("x", "flagged"), [(100.0, False), (99.5, True)])
@pytest.mark.parametrize(("top", "candidate"), [(20.0, True), (19.99, False)])
def test_a_candidate_must_see_all_within_the_radius(
    tmp_path: Path, x: float, flagged: bool, top: float, candidate: bool
) -> None:
    """Its western cells have their centres at x + 0.25; beyond the border the next at -0.25."""
    w = World(240, 240, 0.5)
    w.frame()
    row = w.block(x, 110, x + 10, 120, top)
    assert cut(w, tmp_path, row, reach_height_m=0.0) is (flagged and candidate)


def without_sheets(w: World, folder: Path, dsm: int, dtm: int, **settings: Any) -> pd.DataFrame:
    """The rows where one of nine sheets of 60 x 60 m is missing of each kind, from the north-west;
    the reference agrees."""
    sheets = [
        write_sheets(folder, name, heights, w.transform, missing)
        for name, heights, missing in (("R", w.dsm, dsm), ("M", w.dtm, dtm))
    ]
    w.footprints.to_parquet(folder / "pand.parquet")
    files = Files(*sheets, folder / "pand.parquet")
    settings = NOON | settings
    found = judge(files, folder / "out", settings=settings, allow=frozenset({"gaps"}))
    assert_equal(found, expect(files, **settings))
    return found


def test_a_missing_sheet_ends_the_inputs(tmp_path: Path) -> None:
    w = World(180, 180, 1.0)
    w.frame()
    rows = [w.block(x - 2, y - 2, x + 2, y + 2, 6.0) for x, y in [(90, 130), (140, 130), (90, 170)]]
    found = without_sheets(w, tmp_path, 4, 4)
    assert [row for row in rows if "reach_cut" in found["flags"][row]] == rows[:1]


@pytest.mark.parametrize(("radius", "flagged"), [(10.5, False), (10.6, True)])
def test_sheets_missing_side_by_side_end_them_too(
    tmp_path: Path, radius: float, flagged: bool
) -> None:
    """One of the DSM, the next of the DTM: the ground of both has a mere line between the two."""
    w = World(180, 180, 1.0)
    w.frame()
    row = w.block(130, 22, 138, 30, 20.0)
    found = without_sheets(w, tmp_path, 6, 7, reach_height_m=0.0, wind_radius_m=radius)
    assert ("reach_cut" in found["flags"][row]) is flagged


def test_a_row_without_a_roof_is_not_flagged(tmp_path: Path) -> None:
    w = World(120, 120, 0.5)
    w.frame()
    row = w.block(80, 4, 84, 8, np.nan)
    assert not cut(w, tmp_path, row)


def test_a_rejected_row_with_a_roof_is_flagged(tmp_path: Path) -> None:
    w = World(120, 120, 0.5)
    w.frame()
    row = w.block(80, 4, 84, 8, 1.0)
    found: pd.DataFrame = w.judge(tmp_path / "a", settings=NOON)
    assert found["rejected"][row] == "not_in_heights"
    assert cut(w, tmp_path / "b", row)


def test_the_flag_does_not_depend_on_the_area(tmp_path: Path) -> None:
    w = World(200, 200, 1.0)
    w.frame()
    row = w.block(98, 98, 102, 102, 6.0)
    other = w.footprint(shapely.box(98, 4, 102, 8))
    w.dsm[w.part(98, 4, 102, 8)] = 6.0
    west, south = w.west + 90, w.south + 90
    found = w.judge(tmp_path, settings=NOON, area=f"{west},{south},{west + 20},{south + 20}")
    assert found["row"].tolist() == [row]
    assert found["flags"][row] == []
    assert other not in found.index
