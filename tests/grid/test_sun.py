"""Where the sun stands: published figures, the grid's north, one sun a square of the lattice."""

import datetime as dt
import json
import math
from pathlib import Path

import pandas as pd
import pyproj
import pytest
from pvlib.solarposition import spa_python

from pipeline.errors import InputError
from pipeline.grid.sun import CET, DELTA_T, solar_position, suns, suns_degrees
from pipeline.grid.windows import LATTICE_M, LatticeCell
from tests.support.runs import World

SHORTEST = dt.date(2025, 12, 21)
HOURS = (dt.time(10), dt.time(12), dt.time(14))
AMSTERDAM = 4.8926, 52.3731
TO_RD = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:28992", always_xy=True)
TO_DEGREES = pyproj.Transformer.from_crs("EPSG:28992", "EPSG:4326", always_xy=True)


def square_of(longitude: float, latitude: float) -> LatticeCell:
    x, y = TO_RD.transform(longitude, latitude)
    return LatticeCell(math.floor(x / LATTICE_M), math.floor(y / LATTICE_M))


def grid_north(longitude: float, latitude: float) -> float:
    """Grid azimuth [degrees] of true north, by going a little northward."""
    (x0, x1), (y0, y1) = TO_RD.transform([longitude] * 2, [latitude, latitude + 1e-3])
    return math.degrees(math.atan2(x1 - x0, y1 - y0))


# The authors' own example; at sea level only refraction and a parallax of 1e-6 degree differ.
def test_the_check_of_the_published_algorithm() -> None:
    moment = dt.datetime(2003, 10, 17, 19, 30, 30, tzinfo=dt.UTC)
    place = {"altitude": 1830.14, "pressure": 82_000, "temperature": 11}
    there = spa_python(
        pd.DatetimeIndex([moment]), 39.742476, -105.1786, delta_t=DELTA_T, **place
    ).iloc[0]
    assert there["apparent_zenith"] == pytest.approx(50.111622, abs=1e-6)
    assert there["azimuth"] == pytest.approx(194.340241, abs=1e-6)
    ((elevation, azimuth),) = solar_position(-105.1786, 39.742476, [moment], "true")
    assert elevation == pytest.approx(there["elevation"], abs=1e-5)
    assert azimuth == pytest.approx(there["azimuth"], abs=1e-5)


@pytest.mark.parametrize(
    ("time", "true", "apparent", "azimuth", "shadow"),
    [
        ("10:00", 6.6783, 6.8061, 143.8927, 8.54),
        ("12:00", 13.7186, 13.7852, 170.8925, 4.10),
        ("12:38:36", 14.1863, 14.2508, 179.9985, 3.96),
        ("14:00", 12.1307, 12.2057, 199.0394, 4.65),
        ("15:00", 8.1566, 8.2644, 212.4170, 6.98),
    ],
)
def test_the_shortest_day_in_amsterdam(
    time: str, true: float, apparent: float, azimuth: float, shadow: float
) -> None:
    moment = dt.datetime.combine(SHORTEST, dt.time.fromisoformat(time), CET)
    ((height, direction),) = solar_position(*AMSTERDAM, [moment], "true")
    assert (height, direction) == pytest.approx((true, azimuth), abs=5e-5)
    assert 1 / math.tan(math.radians(height)) == pytest.approx(shadow, abs=0.006)
    ((height, direction),) = solar_position(*AMSTERDAM, [moment], "apparent")
    assert (height, direction) == pytest.approx((apparent, azimuth), abs=5e-5)


def test_refraction_changes_the_shadow_of_ten_o_clock_by_two_per_cent() -> None:
    square = square_of(*AMSTERDAM)
    lengths = [
        1 / math.tan(suns(square, SHORTEST, HOURS, elevation)[0].elevation)
        for elevation in ("true", "apparent")
    ]
    assert lengths[0] / lengths[1] - 1 == pytest.approx(0.02, abs=0.002)


@pytest.mark.parametrize(
    ("longitude", "latitude", "convergence"),
    [
        (4.8926, 52.3731, -0.39),
        (3.5736, 51.4427, -1.43),
        (5.6909, 50.8514, 0.24),
        (6.8937, 52.2215, 1.19),
        (6.9230, 53.3267, 1.22),
    ],
    ids=["Amsterdam", "Vlissingen", "Maastricht", "Enschede", "Delfzijl"],
)
def test_grid_azimuth_is_true_azimuth_less_the_convergence(
    longitude: float, latitude: float, convergence: float
) -> None:
    assert -grid_north(longitude, latitude) == pytest.approx(convergence, abs=0.01)
    square = square_of(longitude, latitude)
    centre = TO_DEGREES.transform(*square.centre)
    moments = [dt.datetime.combine(SHORTEST, hour, CET) for hour in HOURS]
    expected = [
        (height, azimuth + grid_north(*centre))
        for height, azimuth in solar_position(*centre, moments, "true")
    ]
    for found, wanted in zip(suns_degrees(square, SHORTEST, HOURS, "true"), expected, strict=True):
        assert found == pytest.approx(wanted, abs=2e-3)


def test_degrees_are_rounded_before_use() -> None:
    square = square_of(*AMSTERDAM)
    assert square == (11, 47)
    assert square.centre == (117_760, 486_400)
    rounded = suns_degrees(square, SHORTEST, HOURS, "true")
    assert rounded == ((6.667, 144.28), (13.722, 171.276), (12.149, 199.425))
    for sun, (elevation, azimuth) in zip(
        suns(square, SHORTEST, HOURS, "true"), rounded, strict=True
    ):
        assert sun == (math.radians(azimuth), math.radians(elevation))


def test_the_sun_moves_across_the_country() -> None:
    """At ten o'clock: South Limburg and the Wadden."""
    south, north = square_of(5.97, 50.78), square_of(6.2, 53.48)
    heights = [suns_degrees(s, SHORTEST, HOURS, "true")[0][0] for s in (south, north)]
    assert heights == pytest.approx([8.35, 6.33], abs=0.15)
    lengths = [1 / math.tan(math.radians(height)) for height in heights]
    assert lengths[1] / lengths[0] - 1 == pytest.approx(0.32, abs=0.03)


def test_at_a_line_of_the_lattice_a_shadow_steps_by_about_a_per_cent() -> None:
    """At ten o'clock, from 0.9 % in the south to 1.3 % between Texel and Vlieland."""
    places = [(5.97, 50.78, 0.009), (*AMSTERDAM, 0.011), (4.8, 53.1, 0.013)]
    for longitude, latitude, step in places:
        column, row = square_of(longitude, latitude)
        squares = (
            LatticeCell(column, row),
            LatticeCell(column + 1, row),
            LatticeCell(column, row + 1),
        )
        lengths = [1 / math.tan(suns(s, SHORTEST, HOURS, "true")[0].elevation) for s in squares]
        steps = [abs(length / lengths[0] - 1) for length in lengths[1:]]
        assert max(steps) == pytest.approx(step, abs=0.001)


def test_the_report_tells_the_suns_of_every_square(tmp_path: Path) -> None:
    w = World(40, 40, 1.0, west=122_860, south=481_260)
    w.block(2, 2, 38, 38, 6.0)
    w.judge(tmp_path)
    told = json.loads((tmp_path / "out" / "report.json").read_text())["method"]["suns"]
    expected = [
        {"lattice": [c, r], "time": f"{hour:%H:%M}", "elevation_deg": e, "azimuth_deg": a}
        for c, r in ((11, 46), (11, 47), (12, 46), (12, 47))
        for hour, (e, a) in zip(
            HOURS, suns_degrees(LatticeCell(c, r), SHORTEST, HOURS, "true"), strict=True
        )
    ]
    assert told == expected
    assert len({(sun["elevation_deg"], sun["azimuth_deg"]) for sun in told}) == 12


def test_a_sun_below_the_horizon_is_refused(tmp_path: Path) -> None:
    w = World(40, 40, 1.0)
    w.block(10, 10, 20, 20, 6.0)
    with pytest.raises(InputError, match=r"times.*08:30 CET.*below the horizon"):
        w.judge(tmp_path, settings={"times": "08:30,12:00"})
    assert not (tmp_path / "out").exists()
