"""The year of sun of the method `annual`: every kWh against a plain reference, and laws."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from pipeline import quarter
from pipeline.methods.climate import climate_of, shipped_climate
from pipeline.quarter.roofscape import generate_roofs
from tests.support.annual import Finished, finished
from tests.support.runs import Files, World, generated
from tests.support.year import expected_year, square_of

NEAR = 1e-4  # of the unshaded sum: 0.01 %


def hills() -> World:
    """Roofs before towers and a hill that stand hundreds of metres away, and a hole in one."""
    w = World(900, 700)
    x, y = np.meshgrid(np.arange(1800) * 0.5, np.arange(1400)[::-1] * 0.5)
    hill = 40 * np.exp(-(((x - 700) / 120) ** 2) - ((y - 200) / 90) ** 2)
    w.dtm += hill.astype(np.float32)
    w.dsm += hill.astype(np.float32)
    for x0, y0, top in ((300, 100, 80), (120, 350, 55), (420, 520, 33)):
        w.dsm[w.part(x0, y0, x0 + 25, y0 + 25)] = top
    for x0, y0 in ((200, 200), (330, 330), (60, 500), (560, 260)):
        w.block(x0, y0, x0 + 12, y0 + 9, 9.0)
        part = w.part(x0 + 20, y0, x0 + 32, y0 + 9)
        fall = np.abs(np.arange(24) + 0.5 - 12) * 0.5
        w.dsm[part] = (10 - 0.7 * fall).astype(np.float32)
        w.footprint(shapely.box(x0 + 20, y0, x0 + 32, y0 + 9))
        w.dsm[w.part(x0 + 3, y0 + 3, x0 + 4, y0 + 4)] = np.nan
    return w


def assert_year(run: Finished, each: int) -> None:
    """Compare one row of so many, with all its planes."""
    for row in run.alone()[::each]:
        due = expected_year(row, run.ground)
        scale = 1000 * sum(plane["kwp"] for plane in row["planes"])
        pairs = [(row, due, scale)]
        for plane, values in zip(row["planes"], due.pop("planes"), strict=True):
            pairs.append((plane, values, 1000 * plane["kwp"]))
        for found, values, most in pairs:
            for name, value in values.items():
                unit = {"kwh": most, "m2": 1000.0, "view": 1.0}[name.split("_")[-1]]
                near = pytest.approx(value, rel=NEAR, abs=NEAR * unit)
                assert found[name] == near, (row["row"], name)


@pytest.mark.slow
@pytest.mark.parametrize(("scene", "each"), [("quarter", 3), ("roofs", 3), ("far", 1)])
def test_every_kwh_is_the_reference_s(tmp_path: Path, scene: str, each: int) -> None:
    """And shade only takes, but for suns behind a plane, which count negatively: 0.01 %."""
    if scene == "far":
        files = hills().write(tmp_path / "in")
    else:
        made: Any = (
            quarter.generate(tmp_path / "in", size=(200, 200))
            if scene == "quarter"
            else generate_roofs(tmp_path / "in", repeats=1)
        )
        files = Files(made.dsm, made.dtm, made.buildings)
    run = finished(files, tmp_path / "out")
    assert_year(run, each)
    planes = [plane for row in run.rows.values() for plane in row["planes"]]
    assert len(planes) > 6
    for plane in planes:
        assert plane["irradiation_kwh_m2"] <= 1.0001 * plane["unshaded_kwh_m2"] + 0.01
        assert 0 < plane["sky_view"] <= 1.001


def lone(tilt: float, west: float, south: float, wall: float = 0.0) -> World:
    """A roof of 12 x 8 m that falls southward, and a wall 9 m south of it."""
    w = World(80, 60, west=west, south=south)
    part = w.part(30, 30, 42, 38)
    rise = np.arange(part[0].stop - part[0].start)[::-1, None] * 0.5 * np.tan(np.radians(tilt))
    w.dsm[part] = (6 + rise).astype(np.float32)
    w.footprint(shapely.box(30, 30, 42, 38))
    if wall:
        w.dsm[w.part(20, 15, 55, 21)] = wall
    return w


def judged(w: World, folder: Path, **settings: Any) -> Any:
    """The only row of a world."""
    (row,) = w.judge(folder, method="annual", settings=settings).to_dict("records")
    return row


PLACES = [(13_000.0, 380_000.0), (121_000, 487_000), (191_000, 318_000), (257_500, 593_000)]


@pytest.mark.parametrize(("west", "south"), PLACES)
def test_a_level_plane_gets_the_irradiation_of_its_square(
    tmp_path: Path, west: float, south: float
) -> None:
    """To a Wh/m2 in each month; a level roof that counts as pitched has its modules level."""
    row = judged(lone(0, west, south), tmp_path, flat_below_deg=0.0, scheme="orientation")
    (plane,) = row["planes"]
    here = climate_of(shipped_climate(), square_of(row["centre_x"], row["centre_y"]))
    months = np.array(plane["month_kwh"], float) / (plane["kwp"] * 0.795)
    assert months == pytest.approx(here.irradiation, abs=0.001)
    assert plane["irradiation_kwh_m2"] == pytest.approx(here.irradiation.sum(), abs=0.001)
    assert plane["sky_view"] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("tilt", [0, 35])
def test_raising_an_obstacle_never_adds(tmp_path: Path, tilt: float) -> None:
    sums, views = [], []
    for wall in (0.0, 8.0, 11.0, 16.0, 30.0):
        row = judged(lone(tilt, 121_000, 487_000, wall), tmp_path / str(wall))
        (plane,) = row["planes"]
        sums.append(plane["irradiation_kwh_m2"])
        views.append(plane["sky_view"])
    assert (np.diff(sums) <= 0.01).all() and sums[-1] < 0.8 * sums[0]
    assert (np.diff(views) <= 1e-6).all()


@pytest.mark.slow
def test_twice_as_many_directions_change_little(tmp_path: Path) -> None:
    """What the roofs of a quarter give, by less than 0.1 %."""
    files = generated(tmp_path / "in", size=(200, 200))
    sums = []
    for directions in (72, 144):
        rows = finished(files, tmp_path / str(directions), directions=directions).rows.values()
        planes = [plane for row in rows for plane in row["planes"]]
        sums.append(sum(plane["kwp"] * plane["irradiation_kwh_m2"] for plane in planes))
    assert sums[1] == pytest.approx(sums[0], rel=0.001)
    assert sums[1] != sums[0]
