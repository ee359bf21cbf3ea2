"""What roof planes get in a year: against the light of planes by tilt and azimuth."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pipeline.grid.windows import LatticeCell
from pipeline.methods.annual.light import PlaneLight, light_of, square_light
from pipeline.methods.annual.rules import convergence_of
from pipeline.methods.climate import climate_of, shipped_climate
from pipeline.methods.climate.light import (
    Planes,
    irradiation,
    light_of_year,
    own_horizon,
    sky_view,
)

SCHIPHOL = LatticeCell(11, 46)
TILTS, FALLS = np.array([0, 4, 15, 35, 35, 35, 60]), np.array([0, 200, 90, 0, 180, 275, 45])
FLAT = TILTS < 10
P = SimpleNamespace(albedo=0.2, flat_below_deg=10.0)


def planes() -> Planes:
    """By tilt, and the grid azimuth in which they fall."""
    return Planes(np.radians(TILTS), np.radians(FALLS))


def lying(made: Planes) -> Any:
    steep = np.tan(made.tilt)
    slopes = SimpleNamespace(
        slope_east=-steep * np.sin(made.azimuth), slope_north=-steep * np.cos(made.azimuth)
    )
    return SimpleNamespace(planes=slopes, position=np.arange(1))


def alone() -> PlaneLight:
    """What they get with nothing around them."""
    square = square_light(shipped_climate(), SCHIPHOL)
    return light_of(None, None, lying(planes()), square, P)  # type: ignore[arg-type]


def yearly(made: Planes) -> Any:
    year = light_of_year(climate_of(shipped_climate(), SCHIPHOL))
    return irradiation(year, made, own_horizon(made))


def test_pitched_planes_get_what_their_tilt_and_azimuth_say() -> None:
    found = alone().unshaded[~FLAT].sum(axis=2)
    np.testing.assert_allclose(found[:, 0], yearly(planes())[~FLAT], atol=0.006)  # of 12 roundings
    assert np.array_equal(found[:, 0], found[:, 1])


def test_flat_planes_get_what_their_modules_do() -> None:
    """10 degrees to true east and west, by halves, or 15 to true south, however the roof lies."""
    facing = np.radians([90.0, 270.0, 180.0]) - math.radians(convergence_of(SCHIPHOL))
    east, west, south = yearly(Planes(np.radians([10.0, 10.0, 15.0]), facing))
    found = alone().unshaded[FLAT].sum(axis=2)
    np.testing.assert_allclose(found[:, 0], (east + west) / 2, atol=0.006)
    np.testing.assert_allclose(found[:, 1], south, atol=0.006)


def test_flat_planes_see_the_sky_as_level_ones() -> None:
    view, seen = sky_view(planes(), own_horizon(planes())), alone().sky_view
    np.testing.assert_allclose(seen[~FLAT], view[~FLAT], atol=1e-12)
    assert seen[FLAT] == pytest.approx(1.0, abs=1e-12)


def test_the_months_of_a_level_plane_are_those_of_the_square() -> None:
    """In whole watt hours."""
    square = square_light(shipped_climate(), SCHIPHOL)
    p = SimpleNamespace(albedo=0.2, flat_below_deg=0.0)
    level = lying(Planes(np.zeros(1), np.zeros(1)))
    found = light_of(None, None, level, square, p)  # type: ignore[arg-type]
    expected = climate_of(shipped_climate(), SCHIPHOL).irradiation
    np.testing.assert_array_equal(found.months, [[expected, expected]])
