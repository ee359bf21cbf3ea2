"""The cast shadow at a roof's centre on scenes whose answer is known by hand.

Over these worlds the sun stands at 6.667, 13.722 and 12.149 degrees at 10:00, 12:00 and 14:00 CET
on the shortest day, in 144.280, 171.276 and 199.425 degrees from grid north.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely

from tests.support.runs import World, assert_equal

NOON: dict[str, Any] = {"times": ("12:00",)}
SUN_AT_NOON, SUN_AT_TEN = (13.722, 171.276), (6.667, 144.28)


def world(resolution: float = 0.5) -> World:
    return World(160, 160, resolution)


def judged(w: World, folder: Path, *, block: int = 1000, **settings: Any) -> pd.DataFrame:
    """The rows, held against the reference too."""
    found = w.judge(folder, settings=settings, block=block)
    assert_equal(found, w.expected(**settings))
    return found


def bungalow(w: World, x: float, y: float, top: float = 3.0, **columns: Any) -> int:
    """A house of 4 x 4 m around a point; its row."""
    return w.block(x - 2, y - 2, x + 2, y + 2, top, **columns)


def reach(relief: float, elevation: float, azimuth: float) -> float:
    """How far northward a shadow reaches behind a wide wall [m]."""
    return relief / math.tan(math.radians(elevation)) * math.cos(math.radians(azimuth - 180))


@pytest.mark.parametrize("surface", ["extruded", "dsm"])
@pytest.mark.parametrize(("beyond", "lit"), [(-0.8, False), (0.8, True)])
def test_a_roof_is_dark_as_far_as_the_shadow_reaches(
    tmp_path: Path, beyond: float, lit: bool, surface: str
) -> None:
    w = world()
    w.block(20, 20, 140, 30, 20.0)
    bungalow(w, 80, 30 + reach(17, *SUN_AT_NOON) + beyond)
    found = judged(w, tmp_path, surface=surface, **NOON)
    assert found["lit"].tolist() == [[True], [lit]]
    assert found["solar_suitable"].tolist() == [True, lit]


def test_a_roof_must_be_lit_at_every_sun(tmp_path: Path) -> None:
    """A tower south-east of the first house, south of the second, south-west of the third."""
    w = world()
    w.block(70, 20, 90, 40, 40.0)
    rows = [bungalow(w, x, y) for x, y in [(20, 105), (66, 120), (110, 110), (80, 10)]]
    found = judged(w, tmp_path)
    dark = [[False, True, True], [True, False, True], [True, True, False], [True, True, True]]
    assert found["lit"][rows].tolist() == dark
    assert found["solar_suitable"][rows].tolist() == [False, False, False, True]
    assert found["class"][rows].tolist() == ["none", "none", "none", "solar"]
    area = 16.0
    assert found["panel_area_m2"][rows].tolist() == [0, 0, 0, pytest.approx(0.1 * area)]
    assert found["solar_kwh"][rows].tolist() == [0, 0, 0, pytest.approx(70.8 * 0.1 * area)]


def test_refraction_shortens_the_shadow_of_ten_o_clock(tmp_path: Path) -> None:
    """17 m throw 145.4 m, and 142.7 m of what is seen; the house stands between."""
    w = World(400, 250, 1.0)
    w.block(0, 20, 400, 30, 20.0)
    house = bungalow(w, 100, 30 + reach(17, *SUN_AT_TEN) - 1)
    at_ten = {"times": ("10:00",)}
    assert not judged(w, tmp_path / "a", **at_ten)["lit"][house][0]
    assert judged(w, tmp_path / "b", elevation="apparent", **at_ten)["lit"][house][0]


def test_trees_count_only_as_measured(tmp_path: Path) -> None:
    w = world()
    house = bungalow(w, 80, 80)
    w.dsm[w.part(70, 60, 90, 65)] = 15.0
    assert judged(w, tmp_path / "a", **NOON)["lit"][house] == [True]
    assert judged(w, tmp_path / "b", surface="dsm", **NOON)["lit"][house] == [False]


def test_the_terrain_casts_shadow_and_its_holes_let_it_pass(tmp_path: Path) -> None:
    w = world()
    dike, pond = w.part(20, 40, 140, 45), w.part(0, 50, 160, 70)
    w.dtm[dike] = w.dsm[dike] = 15.0
    w.dtm[pond] = w.dsm[pond] = np.nan
    bungalow(w, 80, 45 + reach(12, *SUN_AT_NOON) - 3)
    bungalow(w, 100, 45 + reach(12, *SUN_AT_NOON) + 3)
    for surface in ("extruded", "dsm"):
        found = judged(w, tmp_path / surface, surface=surface, **NOON)
        assert found["lit"].tolist() == [[False], [True]]


def test_a_slope_that_faces_away_is_not_in_shadow(tmp_path: Path) -> None:
    """A roof that falls northward at 12 degrees is lit by a sun at 13.7, one at 15 is not."""
    for degrees, lit in ((12, True), (15, False)):
        w = world()
        w.block(60, 60, 100, 100, 20.0)
        place = w.part(60, 60, 100, 100)
        rows = np.arange(place[0].stop - place[0].start)[:, None]
        w.dsm[place] = 10 + rows * 0.5 * math.tan(math.radians(degrees))
        assert judged(w, tmp_path / str(lit), surface="dsm", **NOON)["lit"][0] == [lit]


def test_where_blocks_overlap_the_higher_counts_and_lights_the_lower(tmp_path: Path) -> None:
    """The hall's centre lies under a higher part: lit at whatever height the surface has there."""
    w = world()
    w.block(20, 20, 140, 30, 20.0)
    hall = w.block(60, 50, 100, 70, 6.0)
    w.block(78, 58, 82, 62, 18.0)
    found = judged(w, tmp_path / "a", **NOON)
    assert found["roof_m"].tolist() == [20.0, 6.0, 18.0]
    assert found["lit"].tolist() == [[True], [True], [True]]
    w.rows.pop()
    assert judged(w, tmp_path / "b", **NOON)["lit"][hall] == [False]


@pytest.mark.parametrize(
    ("chimney", "holes", "lit"),
    [
        ("nw", "", True),
        ("ne", "", False),
        ("sw", "", False),
        ("se", "", False),
        ("ne", "nw", True),
        ("sw", "nw", False),
        ("sw", "nw ne", True),
        ("se", "nw ne", False),
        ("se", "nw ne sw", True),
    ],
)
def test_of_the_four_cells_around_a_centre_the_northern_then_the_western_decides(
    tmp_path: Path, chimney: str, holes: str, lit: bool
) -> None:
    """In one block, and where each of the four lies in a block of its own."""
    w = world(1.0)
    w.block(20, 20, 140, 30, 20.0)
    house = bungalow(w, 80, 60)
    cells = {"nw": (79, 60), "ne": (80, 60), "sw": (79, 59), "se": (80, 59)}
    for name in holes.split():
        x, y = cells[name]
        w.dsm[w.part(x, y, x + 1, y + 1)] = np.nan
    x, y = cells[chimney]
    w.dsm[w.part(x, y, x + 1, y + 1)] = 30.0
    w.frame()  # blocks begin at its corner
    for block in (20, 1000):
        found = judged(w, tmp_path / str(block), block=block, surface="dsm", **NOON)
        assert found["lit"][house] == [lit]
        assert found["cells"][house] == 16 - len(holes.split())


def test_own_cells_without_dsm_data_belong_to_the_block(tmp_path: Path) -> None:
    """Only its southern edge was measured; its northern wall throws the shadow."""
    w = world()
    wall = w.block(20, 20, 140, 40, 20.0)
    w.dsm[w.part(20, 22, 140, 40)] = np.nan
    house = bungalow(w, 80, 40 + reach(17, *SUN_AT_NOON) - 2)
    found = judged(w, tmp_path / "a", **NOON)
    assert found["cells"][wall] == 240 * 4
    assert found["lit"][house] == [False]
    assert judged(w, tmp_path / "b", surface="dsm", **NOON)["lit"][house] == [True]


@pytest.mark.parametrize(
    ("columns", "reason", "extruded", "dsm"),
    [
        ({}, None, False, False),
        ({"status": "Pand gesloopt"}, "not_standing", True, False),
        ({"bouwjaar": 2021}, "newer_than_heights", True, False),
    ],
)
def test_a_rejected_block_casts_nothing_unless_as_measured(
    tmp_path: Path, columns: dict[str, Any], reason: str | None, extruded: bool, dsm: bool
) -> None:
    w = world()
    usual = {"status": "Pand in gebruik", "bouwjaar": 2020}
    wall = w.block(20, 20, 140, 30, 20.0, **(usual | columns))
    house = bungalow(w, 80, 60, **usual)
    for surface, lit in (("extruded", extruded), ("dsm", dsm)):
        found = judged(w, tmp_path / surface, surface=surface, heights_year=2020, **NOON)
        assert found["rejected"].tolist() == [reason, None]
        assert found["lit"][house] == [lit]
        assert (found["lit"][wall] is None) == (reason is not None)


def test_a_mast_below_the_roof_percentile_casts_nothing(tmp_path: Path) -> None:
    """A mast on a footprint of which most cells are low: its roof is too low to be one."""
    w = world()
    w.block(20, 20, 140, 30, 1.0)
    w.dsm[w.part(20, 28, 140, 30)] = 20.0
    house = bungalow(w, 80, 60)
    found = judged(w, tmp_path / "a", **NOON)
    assert found["rejected"].tolist() == ["not_in_heights", None]
    assert found["lit"][house] == [True]
    assert judged(w, tmp_path / "b", surface="dsm", **NOON)["lit"][house] == [False]


def test_one_without_ground_stands_and_casts(tmp_path: Path) -> None:
    w = world()
    w.block(20, 20, 140, 30, 20.0)
    house = bungalow(w, 80, 60)
    w.dtm[w.part(0, 0, 160, 45)] = np.nan
    found = judged(w, tmp_path, **NOON)
    assert found["rejected"].tolist() == ["no_ground", None]
    assert found["roof_m"][0] == 20.0
    assert found["ground_m"][0] is None or np.isnan(found["ground_m"][0])
    assert found["lit"][house] == [False]


def test_a_centre_outside_its_polygon_moves_onto_it(tmp_path: Path) -> None:
    """A court: the centroid lies in the yard, the point on surface on a wing."""
    w = world()
    court = shapely.box(60, 60, 100, 100) - shapely.box(66, 66, 100, 94)
    w.footprint(court)
    w.dsm[w.part(60, 60, 66, 100)] = 9.0
    w.dsm[w.part(66, 60, 100, 66)] = w.dsm[w.part(66, 94, 100, 100)] = 9.0
    for centre in ("centroid", "point_on_surface"):
        found = judged(w, tmp_path / centre, centre=centre, **NOON)
        at = shapely.Point(found["centre_x"][0] - w.west, found["centre_y"][0] - w.south)
        assert court.contains(at)
        assert not court.contains(court.centroid)
