"""The intervals of yields: what they are made of, and the two errors of the sun against what they
were not made from: the years of three stations, and thirty stations."""

import math
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from pipeline.methods.annual.interval import MONTHS, STATIONS, YEAR, Z, of_roof, of_sum, shade_of
from pipeline.methods.annual.wind import sums as wind
from pipeline.methods.climate import shipped_climate
from pipeline.methods.climate.make import REFERENCE
from tests.support.knmi import hours_of

WIDE = Z * math.hypot(YEAR, STATIONS)
COVERAGE, SLACK = 0.80, 0.07  # of an interval that should hold 80 %, of 30 cases


def monthly(data: Path, station: int) -> pd.DataFrame:
    """Global radiation by year (rows) and month [kWh/m2]."""
    hours = hours_of(data, station)
    year = pd.DatetimeIndex(hours.index).year
    return (hours["ghi"] / 1000).groupby([year, hours["month"]]).sum().unstack()


def left_out(sums: pd.DataFrame) -> NDArray[np.float64]:
    """How far each row lies from the mean of all others, as a logarithm."""
    others = (sums.sum() - sums) / (len(sums) - 1)
    return np.log(sums / others).to_numpy()


def test_years_that_were_left_out_lie_in_the_interval(data: Path) -> None:
    """22 of 30 do, and 20 in that of the years' error alone: 2018 to 2020 were bright."""
    years = [left_out(monthly(data, station).sum(axis=1)) for station in REFERENCE]
    away = np.abs(np.concatenate(years))
    assert len(away) == 30
    assert (away <= WIDE).mean() == pytest.approx(COVERAGE, abs=SLACK)
    assert np.sqrt((away**2).mean()) == pytest.approx(YEAR, abs=0.006)


def test_months_that_were_left_out_lie_in_theirs(data: Path) -> None:
    away = np.abs(np.concatenate([left_out(monthly(data, each)) for each in REFERENCE]))
    assert (away <= Z * np.array(MONTHS)).mean() == pytest.approx(COVERAGE, abs=SLACK)


def test_stations_that_were_left_out_lie_in_the_interval() -> None:
    """25 of 30: each from its four nearest, as a square of the lattice is."""
    climate = shipped_climate()
    x, y = np.radians(climate.degrees).T
    place = 6371.0 * np.column_stack([x * np.cos(np.radians(52.0)), y])  # [km]
    year = climate.months.sum(axis=1)
    away = []
    for own in range(len(year)):
        squared = ((place - place[own]) ** 2).sum(axis=1)
        nearest = np.argsort(squared)[1:5]
        weights = 1 / squared[nearest]
        away.append(abs(math.log(year[own] / np.average(year[nearest], weights=weights))))
    assert len(away) == 30
    assert np.mean(np.array(away) <= Z * STATIONS) == pytest.approx(COVERAGE, abs=SLACK)


@pytest.mark.parametrize("shade", [0.0, 0.1, 0.6])
def test_the_interval_of_a_roof(shade: float) -> None:
    kwh = np.array([0.0, 1234.5])
    low, high = of_roof(kwh, np.full(2, shade))
    errors = (0.04, 0.02, 0.06, 0.02, 0.10, 0.03, 0.25 * shade)
    factor = math.exp(1.28 * math.sqrt(sum(each**2 for each in errors)))
    assert low == pytest.approx(kwh / factor) and high == pytest.approx(kwh * factor)


def test_roofs_that_err_apart_make_a_sum_surer() -> None:
    """Of one roof it is that roof's; of many alike what they have in common is left."""
    own = math.sqrt(0.02**2 + 0.03**2 + (0.25 * 0.2) ** 2)
    (one,), _ = of_roof(np.array([1000.0]), np.array([0.2]))
    assert of_sum(1000.0, 1000.0 * own).low == pytest.approx(one, rel=2e-4)
    widths = [
        math.log(of_sum(n * 1000.0, math.sqrt(n) * 1000.0 * own).high / (n * 1000.0)) / 1.28
        for n in (1, 100, 10_000)
    ]
    assert widths[0] > widths[1] > widths[2] == pytest.approx(0.125, abs=1e-4)
    assert of_sum(0.0, 0.0) == (0.0, 0.0)


def test_a_month_has_its_own_error_instead_of_the_years() -> None:
    for month, kwh in product(MONTHS, (10.0, 1e9)):
        sigma = math.log(of_sum(kwh, 0.0, month).high / kwh) / 1.28
        assert sigma == pytest.approx(math.sqrt(0.125**2 - 0.04**2 + month**2))


def test_the_share_of_shade() -> None:
    kwh, unshaded = np.array([0.0, 0.0, 50.0, 100.1]), np.array([0.0, 10.0, 100.0, 100.0])
    assert shade_of(kwh, unshaded) == pytest.approx([0.0, 1.0, 0.5, 0.0])


def test_of_wind_climate_and_field_stay_however_many_turbines_there_are() -> None:
    """Of equal turbines what is their own goes with the root of their number; the rest does not."""
    common, own = math.hypot(0.40, 0.9), np.array([0.25, 0.1])
    kwh = np.array([620.0, 180.0])
    high = kwh * np.exp(1.28 * np.hypot(common, own))
    table = pa.table({"wind_kwh": [*kwh, 0.0, None], "wind_high_kwh": [*high, 0.0, None]})
    assert wind.apart_of(table) == pytest.approx([*own, 0, 0], abs=1e-12)
    for number in (1, 100, 10_000):
        total, error = 500.0 * number, 500.0 * 0.5 * math.sqrt(number)
        factor = math.exp(1.28 * math.sqrt(common**2 + 0.5**2 / number))
        assert wind.of_sum(total, error) == pytest.approx((total / factor, total * factor))
    assert wind.of_sum(0.0, 0.0) == (0.0, 0.0)
