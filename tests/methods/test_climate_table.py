"""The table of beam behind horizons, against sums over the suns one by one."""

import math

import numpy as np
import pytest

from pipeline.grid.windows import LatticeCell
from pipeline.methods.climate import climate_of, shipped_climate
from pipeline.methods.climate.square import Suns
from pipeline.methods.climate.table import (
    BINS,
    azimuths,
    beam_table,
    bins_of,
    directions_of,
    month_tables,
)  # fmt: skip

WIDTH = 90 / 256  # of a bin [degrees]


def suns_of_a_square() -> Suns:
    return climate_of(shipped_climate(), LatticeCell(11, 47)).suns


def one_sun(elevation: float, azimuth: float) -> Suns:
    """Degrees; of 1 kWh/m2, in January."""
    degrees = np.radians([elevation, azimuth])
    return Suns(degrees[:1], degrees[1:], np.ones(1), np.zeros(1, np.int64))


def nearest(degrees: float, directions: int) -> int:
    """The nearest direction, of two the lower."""
    away = [abs((degrees - k * 360 / directions + 180) % 360 - 180) for k in range(directions)]
    return min(range(directions), key=lambda k: (round(away[k], 9), k))


def over(suns: Suns, k: int, b: int, directions: int) -> list[float]:
    """What comes over horizon bin b of direction k, sun by sun."""
    total = np.zeros(3)
    for e, a, energy in zip(*suns[:3], strict=True):
        if nearest(math.degrees(a), directions) == k:
            share = min(max((math.degrees(e) - b * WIDTH) / WIDTH, 0.0), 1.0) if b > 8 else 1.0
            vector = math.sin(a) * math.cos(e), math.cos(a) * math.cos(e), math.sin(e)
            total += energy * share * np.array(vector)
    return total.tolist()


@pytest.mark.parametrize("directions", [16, 72])
def test_the_table_is_the_sum_over_the_suns(directions: int) -> None:
    every = suns_of_a_square()
    suns = every.among(np.arange(every.month.size) % 97 == 0)
    table = beam_table(suns, directions)
    assert table.shape == (directions, BINS, 3)
    for k in (0, 1, directions // 4, directions // 2, directions - 1):
        for b in (0, 8, 9, 40, 130, 176, 255):
            assert table[k, b] == pytest.approx(over(suns, k, b, directions), abs=1e-9)


def test_all_of_the_sun_comes_over_no_horizon() -> None:
    suns = suns_of_a_square()
    table = beam_table(suns)
    level = math.fsum(suns.energy * np.sin(suns.elevation))
    assert table[:, 0, 2].sum() == pytest.approx(level, abs=1e-9)
    np.testing.assert_array_equal(table[:, :9], np.broadcast_to(table[:, :1], (72, 9, 3)))
    assert not table[:, 255].any()


def test_a_higher_horizon_never_lets_more_through() -> None:
    assert (np.diff(beam_table(suns_of_a_square())[..., 2], axis=1) <= 1e-12).all()


def test_months_add_up_to_the_year() -> None:
    suns = suns_of_a_square()
    months = month_tables(suns)
    assert months.shape == (12, 72, BINS, 3)
    np.testing.assert_allclose(months.sum(0), beam_table(suns), atol=1e-10)
    june = climate_of(shipped_climate(), LatticeCell(11, 47))
    assert months[5, :, 0, 2].sum() + june.isotropic[5] == pytest.approx(june.irradiation[5])


def test_a_sun_within_a_bin_comes_in_part() -> None:
    table = beam_table(one_sun(100.25 * WIDTH, 90.0))
    assert table[18, 99, 0] == pytest.approx(math.cos(math.radians(100.25 * WIDTH)))
    assert table[18, 100, 0] == pytest.approx(0.25 * table[18, 99, 0])
    assert not table[18, 101].any()
    assert not table[np.arange(72) != 18].any()


def test_in_the_middle_the_lower_direction_is_taken() -> None:
    degrees = np.array([2.499, 2.5, 2.501, 7.5, 122.5, 357.499, 357.5, 357.501, 360.0])
    expected = [0, 0, 1, 1, 24, 71, 0, 0, 0]
    assert directions_of(np.radians(degrees), 72).tolist() == expected


def test_bins_of_horizons() -> None:
    horizons = np.radians([0.0, 3.0, 9 * WIDTH + 1e-6, 45.0 + 1e-6, 89.99, 90.0])
    assert bins_of(horizons).tolist() == [0, 8, 9, 128, 255, 255]
    np.testing.assert_allclose(np.degrees(azimuths(16)[:3]), [0.0, 22.5, 45.0])
