"""What roof planes get in a year: against the light of planes by tilt and azimuth."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pipeline.grid.windows import LatticeCell
from pipeline.methods.annual.light import Receivers, Slopes, received, square_light, sums_alone
from pipeline.methods.annual.rules import convergence_of
from pipeline.methods.climate import climate_of, shipped_climate
from pipeline.methods.climate.light import Planes, irradiation, light_of_year, own_horizon, sky_view

SCHIPHOL = LatticeCell(11, 46)
TILTS, FALLS = np.array([0, 4, 15, 35, 35, 35, 60]), np.array([0, 200, 90, 0, 180, 275, 45])
FLAT = TILTS < 10
ROUNDED = 72 * 2.0**-31  # of so many numbers of the table
P = SimpleNamespace(albedo=0.2)


def planes() -> Planes:
    """By tilt, and the grid azimuth in which they fall."""
    return Planes(np.radians(TILTS), np.radians(FALLS))


def alone(made: Planes, flat: Any) -> tuple[Any, Any]:
    """What they get by layout and month with nothing around them, and their view of the sky."""
    square = square_light(shipped_climate(), SCHIPHOL)
    steep = np.tan(made.tilt)
    slopes = Slopes(-steep * np.sin(made.azimuth), -steep * np.cos(made.azimuth))
    receivers = Receivers.on(slopes, flat, square)
    return received(receivers, sums_alone(receivers, square), square, P)


def yearly(made: Planes) -> Any:
    year = light_of_year(climate_of(shipped_climate(), SCHIPHOL))
    return irradiation(year, made, own_horizon(made))


def test_pitched_planes_get_what_their_tilt_and_azimuth_say() -> None:
    found = alone(planes(), FLAT)[0][~FLAT].sum(axis=2)
    np.testing.assert_allclose(found[:, 0], yearly(planes())[~FLAT], atol=0.006)  # of 12 roundings
    assert np.array_equal(found[:, 0], found[:, 1])


def test_flat_planes_get_what_their_modules_do() -> None:
    """10 degrees to true east and west, by halves, or 15 to true south, however the roof lies."""
    facing = np.radians([90.0, 270.0, 180.0]) - math.radians(convergence_of(SCHIPHOL))
    east, west, south = yearly(Planes(np.radians([10.0, 10.0, 15.0]), facing))
    found = alone(planes(), FLAT)[0][FLAT].sum(axis=2)
    np.testing.assert_allclose(found[:, 0], (east + west) / 2, atol=0.006)
    np.testing.assert_allclose(found[:, 1], south, atol=0.006)


def test_flat_planes_see_the_sky_as_level_ones() -> None:
    view, seen = sky_view(planes(), own_horizon(planes())), alone(planes(), FLAT)[1]
    np.testing.assert_allclose(seen[~FLAT], view[~FLAT], atol=ROUNDED)
    assert seen[FLAT] == pytest.approx(1.0, abs=ROUNDED)


def test_the_months_of_a_level_plane_are_those_of_the_square() -> None:
    """In whole watt hours."""
    found, view = alone(Planes(np.zeros(1), np.zeros(1)), np.zeros(1, np.bool_))
    expected = climate_of(shipped_climate(), SCHIPHOL).irradiation
    np.testing.assert_array_equal(found, [[expected, expected]])
    assert view == pytest.approx(1.0, abs=ROUNDED)
