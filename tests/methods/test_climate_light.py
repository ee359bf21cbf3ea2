"""Planes in the light of a year: laws, and sums over the suns one by one."""

import math

import numpy as np
import pytest

from pipeline.grid.sun import convergence_degrees
from pipeline.grid.windows import LatticeCell
from pipeline.methods.climate import climate_of, shipped_climate
from pipeline.methods.climate.light import (
    Light,
    Planes,
    best_unshaded,
    irradiation,
    light_of_year,
    own_horizon,
    sky_view,
)
from pipeline.methods.climate.table import BIN, bins_of

SCHIPHOL = LatticeCell(11, 46)
DEGREES = [
    (0, 0),
    (10, 90),
    (15, 180),
    (35, 0),
    (35, 90),
    (35, 180),
    (35, 270),
    (60, 45),
    (60, 225),
]


def light() -> Light:
    return light_of_year(climate_of(shipped_climate(), SCHIPHOL))


def planes(degrees: list[tuple[int, int]]) -> Planes:
    return Planes(*np.radians(np.array(degrees, np.float64)).T)


def test_a_level_plane_gets_the_years_irradiation() -> None:
    (found,) = irradiation(light(), planes([(0, 0)]), np.zeros((1, 72), np.int64))
    assert found == pytest.approx(light().irradiation, abs=1e-9)


def test_planes_get_what_a_sum_over_the_suns_gives() -> None:
    """Unshaded, every sun by itself: 0.1 % of a level plane's by 72 directions and bins."""
    climate = climate_of(shipped_climate(), SCHIPHOL)
    e, a = climate.suns.elevation, climate.suns.azimuth
    found = irradiation(light(), planes(DEGREES), own_horizon(planes(DEGREES)))
    for (tilt, azimuth), total in zip(DEGREES, found, strict=True):
        b, fall = math.radians(tilt), math.radians(azimuth)
        facing = np.cos(e) * np.cos(a - fall) * math.sin(b) + np.sin(e) * math.cos(b)
        beam = math.fsum(climate.suns.energy * np.maximum(facing, 0.0))
        sky = climate.isotropic.sum() * (1 + math.cos(b)) / 2 + climate.band.sum() * math.sin(b)
        ground = 0.2 * climate.irradiation.sum() * (1 - math.cos(b)) / 2
        assert total == pytest.approx(beam + sky + ground, abs=0.001 * light().irradiation)


def test_the_view_of_a_tilted_plane() -> None:
    tilted = planes(DEGREES)
    view = sky_view(tilted, own_horizon(tilted))
    np.testing.assert_allclose(view, (1 + np.cos(tilted.tilt)) / 2, atol=0.002)


@pytest.mark.parametrize("height", [20.0, 45.0, 70.0])
def test_the_view_from_the_middle_of_a_basin(height: float) -> None:
    around = bins_of(np.full((1, 72), math.radians(height)))
    (view,) = sky_view(planes([(0, 0)]), around)
    # Half a bin at most, where cos2 is steepest.
    assert view == pytest.approx(math.cos(math.radians(height)) ** 2, abs=BIN / 2)


def test_a_higher_horizon_never_gives_more() -> None:
    level, sums = planes([(0, 0)]), []
    for height in range(0, 90, 5):
        around = bins_of(np.full((1, 72), math.radians(height)))
        sums.append(float(irradiation(light(), level, around)[0]))
    assert (np.diff(sums) < 0).sum() >= 16
    assert (np.diff(sums) <= 0).all()


def test_the_best_plane_is_that_of_the_published_table() -> None:
    """38 degrees to azimuth 185 at Schiphol, of its own ten years; 0.2 % either way is flat."""
    convergence = math.radians(convergence_degrees(SCHIPHOL))
    most, best = best_unshaded(light(), convergence)
    assert math.degrees(best.tilt[0]) == pytest.approx(38, abs=2)
    assert math.degrees(best.azimuth[0] + convergence) == pytest.approx(185, abs=5)
    around = planes([(30, 180), (45, 180), (38, 170), (38, 200)])
    assert (irradiation(light(), around, own_horizon(around)) < most).all()
    assert most / light().irradiation == pytest.approx(1286 / 1085, rel=0.01)
