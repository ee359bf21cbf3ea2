"""The rule of 100 m on scenes whose answer is known by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely

from tests.support.runs import World, assert_equal

SIZE = 250.0


def world(resolution: float = 0.5, ground: float = 0.0) -> World:
    """Bare ground of 250 x 250 m."""
    return World(SIZE, SIZE, resolution, ground=ground)


def judged(w: World, folder: Path, *, group: str | None = None, **settings: Any) -> pd.DataFrame:
    """The rows, held against the reference too."""
    found = w.judge(folder, settings=settings, group=group)
    assert_equal(found, w.expected(group=group, **settings))
    return found


@pytest.mark.parametrize("ground", [0.0, -1.25, 7.5])
@pytest.mark.parametrize("surface", ["extruded", "dsm"])
def test_a_lone_block_of_20_m_is_suitable_and_of_19_99_m_not(
    tmp_path: Path, ground: float, surface: str
) -> None:
    w = world(2.0, ground)
    w.block(20, 20, 40, 40, ground + 20)
    w.block(220, 220, 240, 240, ground + 19.99)
    found = judged(w, tmp_path, surface=surface)
    assert found["height_m"].tolist() == [20.0, 19.99]
    assert found["wind_candidate"].tolist() == [True, False]
    assert found["wind_suitable"].tolist() == [True, False]
    assert found["wind_shadowed"].tolist() == [False, None]
    assert found["class"].tolist() == ["wind_or_solar", "solar"]
    assert found["wind_kwh"].tolist() == [3060.0, 0.0]


# Of a block from (100, 100) to (110, 110) the outer cell centres lie at 100.25 and 109.75.
@pytest.mark.parametrize(
    ("corner", "distance", "shadowed"),
    [
        ((209.5, 100), 100.0, True),
        ((210.0, 100), 100.5, False),
        ((100, 209.5), 100.0, True),
        ((100, 210.0), 100.5, False),
        ((-10.0, 100), 100.5, False),
        ((-9.5, 100), 100.0, True),
        ((169.5, 189.5), 100.0, True),  # 60 and 80 m: the disc is exact on the diagonal
        ((169.5, 190.0), 100.4, False),
        ((170.0, 189.5), 100.3, False),
    ],
)
def test_a_higher_block_shelters_as_far_as_100_m(
    tmp_path: Path, corner: tuple[float, float], distance: float, shadowed: bool
) -> None:
    w = world()
    x, y = corner
    w.block(120, 120, 130, 130, 20)
    w.block(x + 20, y + 20, x + 30, y + 30, 20.01)
    found = judged(w, tmp_path)
    gap = np.hypot(*(max(v - 109.5, 90.5 - v, 0) for v in (x, y)))
    assert gap == pytest.approx(distance, abs=0.06)
    assert found["wind_shadowed"].tolist() == [shadowed, False]
    assert found["wind_suitable"].tolist() == [not shadowed, True]


@pytest.mark.parametrize("radius", [30.0, 55.5])
def test_the_radius_is_a_parameter(tmp_path: Path, radius: float) -> None:
    w = world()
    w.block(100, 100, 110, 110, 25)
    w.block(109.5 + radius, 100, 120 + radius, 110, 30)
    w.block(100, 110 + radius, 110, 120 + radius, 30)
    assert judged(w, tmp_path / "a", wind_radius_m=radius)["wind_shadowed"][0]
    assert not judged(w, tmp_path / "b", wind_radius_m=radius - 0.25)["wind_shadowed"][0]


@pytest.mark.parametrize(("tie", "shadowed"), [("higher", False), ("at_least_as_high", True)])
def test_equals_shelter_one_another_only_if_asked(tmp_path: Path, tie: str, shadowed: bool) -> None:
    w = world(1.0)
    w.block(100, 100, 110, 110, 24)
    w.block(130, 100, 140, 110, 24)
    assert judged(w, tmp_path, wind_tie=tie)["wind_shadowed"].tolist() == [shadowed] * 2


@pytest.mark.parametrize(("compare", "shadowed"), [("nap", True), ("height", False)])
def test_heights_are_compared_above_nap_or_above_the_ground(
    tmp_path: Path, compare: str, shadowed: bool
) -> None:
    w = world(1.0)
    w.dtm[w.part(160, 0, SIZE, SIZE)] = w.dsm[w.part(160, 0, SIZE, SIZE)] = 6.0
    w.block(130, 100, 140, 110, 24)
    w.block(180, 100, 190, 110, 28)  # 22 m above a ground of 6 m
    found = judged(w, tmp_path, wind_compare=compare)
    assert found["height_m"].tolist() == [24.0, 22.0]
    assert found["wind_shadowed"].tolist() == [shadowed, not shadowed]


def test_parts_of_a_group_do_not_shelter_one_another(tmp_path: Path) -> None:
    w = world(1.0)
    w.block(100, 100, 110, 110, 24, blok="a")
    w.block(110, 100, 120, 110, 60, blok="a")
    w.block(100, 160, 110, 170, 40, blok=None)
    w.block(110, 160, 120, 170, 50, blok=None)
    alone = judged(w, tmp_path / "alone")
    assert alone["wind_shadowed"].tolist() == [True, False, True, True]
    grouped = judged(w, tmp_path / "grouped", group="blok")
    assert grouped["wind_shadowed"].tolist() == [True, False, True, True]  # by another group
    w.rows.pop(), w.rows.pop()
    assert judged(w, tmp_path / "two", group="blok")["wind_shadowed"].tolist() == [False, False]
    assert judged(w, tmp_path / "none")["wind_shadowed"].tolist() == [True, False]


def test_a_repeated_id_makes_no_group(tmp_path: Path) -> None:
    w = world(1.0)
    w.block(100, 100, 110, 110, 24, identificatie="0363100012345678")
    w.block(110, 100, 120, 110, 60, identificatie="0363100012345678")
    found = judged(w, tmp_path)
    assert found["wind_shadowed"].tolist() == [True, False]
    assert all("repeated_id" in flags for flags in found["flags"])
    assert not any(judged(w, tmp_path / "g", group="identificatie")["wind_shadowed"])


def test_overhoeks_shadowed_by_another_part_of_itself(tmp_path: Path) -> None:
    """A tower that sticks out above everything, its crown a footprint of its own."""
    w = world(1.0)
    w.block(150, 150, 180, 180, 78, blok="overhoeks")
    w.block(160, 180, 170, 190, 81, blok="overhoeks")
    w.block(150, 100, 180, 140, 12)
    assert not judged(w, tmp_path / "a")["wind_suitable"][0]
    assert judged(w, tmp_path / "b", group="blok")["wind_suitable"].tolist() == [True, True, False]


def test_overhoeks_with_the_height_of_its_podium(tmp_path: Path) -> None:
    """A tower on a quarter of its footprint: the 70th percentile is the podium's."""
    w = world(1.0)
    w.block(150, 150, 190, 190, 10)
    w.dsm[w.part(150, 150, 170, 170)] = 78
    found = judged(w, tmp_path / "a")
    assert found["roof_m"][0] == 10
    assert not found["wind_candidate"][0]
    assert "uneven" in found["flags"][0]
    high = judged(w, tmp_path / "b", roof_percentile=90.0)
    assert high["roof_m"][0] == 78
    assert high["wind_suitable"][0]
    assert "uneven" in high["flags"][0]


@pytest.mark.parametrize(("compare", "shadowed"), [("nap", True), ("height", False)])
def test_one_without_ground_stands_but_has_no_height_to_compare(
    tmp_path: Path, compare: str, shadowed: bool
) -> None:
    w = world(1.0)
    w.block(100, 100, 110, 110, 24)
    w.block(150, 100, 160, 110, 90)
    w.dtm[w.part(130, 80, 180, 130)] = np.nan
    found = judged(w, tmp_path, wind_compare=compare)
    assert found["rejected"].tolist() == [None, "no_ground"]
    assert found["wind_shadowed"].tolist() == [shadowed, None]


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"status": "Bouw gestart"}, "not_standing"),
        ({"bouwjaar": 2021}, "newer_than_heights"),
        ({}, None),
    ],
)
def test_a_rejected_footprint_shelters_nobody(
    tmp_path: Path, columns: dict[str, Any], reason: str | None
) -> None:
    w = world(1.0)
    w.block(100, 100, 110, 110, 24, status="Pand in gebruik", bouwjaar=1900)
    w.block(150, 100, 160, 110, 90, **({"status": "Pand in gebruik", "bouwjaar": 2020} | columns))
    for surface in ("extruded", "dsm"):
        found = judged(w, tmp_path / surface, heights_year=2020, surface=surface)
        assert found["rejected"].tolist() == [None, reason]
        assert found["wind_shadowed"][0] is (reason is None)


def test_own_cells_without_dsm_data_count_for_the_distance(tmp_path: Path) -> None:
    w = world()
    w.block(100, 100, 120, 110, 20)
    w.block(219.5, 100, 240, 110, 40)
    w.dsm[w.part(110, 100, 120, 110)] = np.nan
    w.dsm[w.part(219.5, 100, 230, 110)] = np.nan
    found = judged(w, tmp_path)
    assert found["cells"].tolist() == [400, 400]
    assert found["wind_shadowed"].tolist() == [True, False]


@pytest.mark.parametrize(("east", "shadowed"), [(110.0, False), (110.5, True)])
def test_own_cells_do_not_shelter(tmp_path: Path, east: float, shadowed: bool) -> None:
    """A penthouse as a footprint within the hall's shelters it by the cell that sticks out."""
    w = world()
    w.block(90, 90, 110, 110, 22)
    w.block(105, 95, east, 105, 26)
    assert judged(w, tmp_path)["wind_shadowed"].tolist() == [shadowed, False]


def test_a_building_smaller_than_a_cell_shelters_by_the_cell_it_takes(tmp_path: Path) -> None:
    w = world(5.0)
    w.block(100, 100, 110, 110, 20)
    mast = w.footprint(shapely.box(208.0, 100.5, 208.5, 101.0))
    w.dsm[w.part(205, 100, 210, 105)] = 60
    found = judged(w, tmp_path)
    assert "one_cell" in found["flags"][mast]
    assert found["wind_shadowed"].tolist() == [True, False]
    assert found["cells"][mast] == 1
    assert found["area_m2"][mast] == 0.25
