"""Cells, heights and flags of a footprint on scenes whose answer is known by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely

from tests.support.runs import World, assert_equal

BARE: dict[str, Any] = {"times": ("12:00",)}


def judged(w: World, folder: Path, **settings: Any) -> pd.DataFrame:
    """The rows, held against the reference too."""
    settings = BARE | settings
    found = w.judge(folder, settings=settings)
    assert_equal(found, w.expected(**settings))
    return found


@pytest.mark.parametrize(
    ("percentile", "metres"),
    [(70, 7.0), (70.1, 8.0), (69.9, 7.0), (71, 8.0), (100, 10.0), (50, 5.0), (1, 1.0), (10.5, 2.0)],
)
def test_the_percentile_is_the_cell_at_that_rank(
    tmp_path: Path, percentile: float, metres: float
) -> None:
    w = World(40, 40, 1.0)
    w.block(10, 10, 20, 11, 0.0)
    w.dsm[w.part(10, 10, 20, 11)] = np.random.default_rng(1).permutation(np.arange(1.0, 11.0))
    found = judged(w, tmp_path, roof_percentile=percentile, min_height_m=0)
    assert found["roof_m"][0] == metres


@pytest.mark.parametrize(
    ("top", "metres"),
    [(2.125, 2.12), (2.375, 2.38), (9.9949, 9.99), (9.9951, 10.0), (-1.125, -1.12)],
)
def test_heights_are_whole_centimetres_halves_to_even(
    tmp_path: Path, top: float, metres: float
) -> None:
    w = World(40, 40, 1.0, ground=-5.0)
    w.block(10, 10, 20, 20, top)
    found = judged(w, tmp_path)
    assert found["roof_m"][0] == metres
    assert found["height_m"][0] == pytest.approx(metres + 5, abs=1e-9)


@pytest.mark.parametrize(("away", "reason"), [(10.0, None), (10.5, "no_ground")])
@pytest.mark.parametrize("side", ["west", "north"])
def test_the_ring_of_the_ground_is_closed(
    tmp_path: Path, away: float, reason: str | None, side: str
) -> None:
    """One cell has ground; its centre lies `away` from the bounding box."""
    w = World(60, 60, 0.5)
    row = w.footprint(shapely.box(20.25, 20.25, 29.75, 29.75))
    w.dsm[:] = 8.0
    w.dtm[:] = np.nan
    x, y = (20.25 - away, 25.25) if side == "west" else (25.25, 29.75 + away)
    w.dtm[w.part(x - 0.25, y - 0.25, x + 0.25, y + 0.25)] = 1.5
    found = judged(w, tmp_path)
    assert found["rejected"][row] == reason
    assert (found["ground_m"][row] == 1.5) is (reason is None)


def test_the_ground_is_taken_under_others_too(tmp_path: Path) -> None:
    w = World(60, 60, 1.0)
    house = w.block(20, 20, 30, 30, 10.0)
    w.block(31, 15, 45, 35, 10.0)
    w.dtm[:] = np.nan
    w.dtm[w.part(31, 20, 40, 30)] = 4.0
    found = judged(w, tmp_path)
    assert found["ground_m"][house] == 4.0


@pytest.mark.parametrize(("high", "uneven"), [(13.0, False), (13.01, True)])
def test_uneven_is_more_than_ten_metres(tmp_path: Path, high: float, uneven: bool) -> None:
    w = World(40, 40, 1.0)
    row = w.block(10, 10, 20, 20, 3.0)
    w.dsm[w.part(10, 10, 20, 11)] = high
    assert ("uneven" in judged(w, tmp_path)["flags"][row]) is uneven


def test_a_footprint_between_the_centres_takes_the_cell_of_its_own(tmp_path: Path) -> None:
    """North-east of its centre, where that lies on a cell's corner."""
    w = World(40, 40, 0.5)
    on_corner = w.footprint(shapely.box(19.875, 19.875, 20.125, 20.125))
    on_line = w.footprint(shapely.box(9.875, 9.625, 10.125, 9.6875))
    w.dsm[w.part(20, 20, 20.5, 20.5)] = 6.0
    w.dsm[w.part(10, 9.5, 10.5, 10)] = 7.0
    found = judged(w, tmp_path)
    assert found["roof_m"][[on_corner, on_line]].tolist() == [6.0, 7.0]
    assert found["cells"].tolist() == [1, 1]
    assert found["area_m2"].tolist() == [0.0625, 0.015625]
    assert all("one_cell" in flags for flags in found["flags"])


def test_a_cell_is_ones_own_by_its_centre(tmp_path: Path) -> None:
    w = World(40, 40, 1.0)
    rows = [w.block(10, 10, 10 + size, 10 + size, 5.0) for size in (3.0, 3.49, 3.51)]
    assert judged(w, tmp_path)["cells"][rows].tolist() == [9, 9, 16]


@pytest.mark.parametrize(
    ("box", "reason", "cells", "flag"),
    [
        ((10, 10, 20, 20), None, 100, False),
        ((-4, 10, 6, 20), None, 60, True),
        ((-5, 10, 5, 20), None, 50, True),  # its centre lies on the western line
        ((-6, 10, 4, 20), "off_rasters", 40, True),
        ((35, 10, 45, 20), "off_rasters", 50, True),  # its centre lies on the eastern line
        ((34, 10, 44, 20), None, 60, True),
        ((10, -5, 20, 5), None, 50, True),
        ((10, 35, 20, 45), "off_rasters", 50, True),
        ((100, 100, 110, 110), "off_rasters", 0, True),
    ],
)
def test_on_the_border_counts_what_lies_on_the_rasters(
    tmp_path: Path,
    box: tuple[float, float, float, float],
    reason: str | None,
    cells: int,
    flag: bool,
) -> None:
    w = World(40, 40, 1.0)
    row = w.footprint(shapely.box(*box))
    w.footprint(shapely.box(2, 2, 38, 38))
    w.dsm[:] = 5.0
    w.dtm[:] = 1.0
    found = judged(w, tmp_path)
    assert found["rejected"][row] == reason
    assert found["cells"][row] == cells
    assert ("part_outside" in found["flags"][row]) is flag
    assert (found["roof_m"][row] == 5.0) is (cells > 0)


def test_an_off_rasters_row_keeps_its_heights_and_is_no_block(tmp_path: Path) -> None:
    w = World(160, 160, 1.0)
    wall = w.footprint(shapely.box(-140, 60, 130, 64))
    w.dsm[w.part(0, 60, 130, 64)] = 30.0
    house = w.block(58, 80, 66, 88, 21.0)
    found = judged(w, tmp_path)
    assert found["rejected"].tolist() == ["off_rasters", None]
    assert found["height_m"].tolist() == [30.0, 21.0]
    assert found["lit"][wall] is None
    assert found["lit"][house] == [True]
    assert found["wind_suitable"][house]


# The first reason that holds. Every one of these footprints lies in a pit without data.
GONE, NEW = {"status": "Pand gesloopt"}, {"bouwjaar": 2021}
OFF, IN = (200, 200, 210, 210), (50, 50, 60, 60)


@pytest.mark.parametrize(
    ("box", "columns", "top", "ground", "reason"),
    [
        (None, GONE | NEW, np.nan, np.nan, "empty"),
        (OFF, GONE | NEW, np.nan, np.nan, "not_standing"),
        (OFF, NEW, np.nan, np.nan, "newer_than_heights"),
        (OFF, {}, np.nan, np.nan, "off_rasters"),
        (IN, {}, np.nan, np.nan, "no_data"),
        (IN, {}, 1.0, np.nan, "no_ground"),
        (IN, {}, 1.49, 0.0, "not_in_heights"),
        (IN, {}, 1.5, 0.0, None),
        (IN, NEW, 9.0, 0.0, "newer_than_heights"),
        (IN, GONE, 9.0, 0.0, "not_standing"),
        (IN, {"bouwjaar": 1005}, 9.0, 0.0, None),
        (IN, {"bouwjaar": None}, 9.0, 0.0, None),
    ],
)
def test_the_first_reason_holds(
    tmp_path: Path, box: Any, columns: dict[str, Any], top: float, ground: float, reason: str | None
) -> None:
    w = World(120, 120, 1.0)
    w.dsm[:], w.dtm[:] = top, ground
    w.dsm[0, 0] = w.dtm[0, 0] = 0.0
    usual = {"status": "Pand in gebruik", "bouwjaar": 2020}
    row = w.footprint(None if box is None else shapely.box(*box), **(usual | columns))
    w.footprint(shapely.box(0, 0, 5, 5), **usual)
    found = judged(w, tmp_path, heights_year=2020).loc[row]
    assert found["rejected"] == reason
    verdicts = ["lit", "solar_suitable", "panel_area_m2", "solar_kwh", "wind_candidate",
                "wind_suitable", "wind_kwh", "class"]  # fmt: skip
    assert (found[verdicts].isna()).all() == (reason is not None)
    year = (usual | columns)["bouwjaar"]
    assert found["built"] == (None if year == 1005 else year)


def test_an_invalid_footprint_is_repaired_or_rejected(tmp_path: Path) -> None:
    w = World(60, 60, 1.0)
    bow_tie = w.footprint(shapely.Polygon([(10, 10), (20, 20), (20, 10), (10, 20)]))
    line = w.footprint(shapely.Polygon([(30, 30), (40, 40), (50, 50)]))
    w.dsm[w.part(10, 10, 20, 20)] = 6.0
    found = judged(w, tmp_path)
    assert found["rejected"].tolist() == [None, "invalid"]
    assert "repaired" in found["flags"][bow_tie]
    assert found["area_m2"][bow_tie] == pytest.approx(50.0)
    assert found["flags"][line] == []


@pytest.mark.parametrize(
    ("status", "reason", "flag"),
    [
        ("Pand in gebruik", None, False),
        ("Sloopvergunning verleend", None, False),
        ("Niet gerealiseerd pand", "not_standing", False),
        ("Pand in ruste", None, True),
        (None, None, True),
    ],
)
def test_a_status_stands_does_not_or_is_unknown(
    tmp_path: Path, status: str | None, reason: str | None, flag: bool
) -> None:
    w = World(40, 40, 1.0)
    row = w.block(10, 10, 20, 20, 6.0, pandstatus=status)
    w.block(30, 30, 35, 35, 6.0, pandstatus="Pand in gebruik")
    found = judged(w, tmp_path / "a")
    assert found["rejected"][row] == reason
    assert ("unknown_status" in found["flags"][row]) is flag
    chosen = judged(w, tmp_path / "b", statuses=("Niet gerealiseerd pand", "Pand in ruste"))
    stands = status in (None, "Niet gerealiseerd pand", "Pand in ruste")
    assert chosen["rejected"].tolist() == [None if stands else "not_standing", "not_standing"]
    for line in w.rows:
        line.pop("pandstatus")
    assert judged(w, tmp_path / "c")["rejected"].tolist() == [None, None]
