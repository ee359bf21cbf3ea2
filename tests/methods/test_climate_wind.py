"""The wind of a square: an independent reference, the energy of all hours, ten years of hours."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyproj
import pytest
from numpy.typing import NDArray

from kernels.weibull import mean_power
from pipeline.grid.windows import LatticeCell
from pipeline.methods.climate import (
    SquareWind,
    files,
    shipped_climate,
    shipped_turbines,
    stations_warning,
    wind_of,
)
from pipeline.methods.climate.turbines import BIN, DENSITY
from pipeline.methods.climate.wind import cube_ratio, shape_of
from tests.support.knmi import PLACES, WindHours, wind_hours_of

SHIPPED = Path(files.__file__).parent
SQUARES = [LatticeCell(11, 47), LatticeCell(18, 30), LatticeCell(2, 38), LatticeCell(25, 60)]
STUDY = shipped_turbines().named("study")
KWH = 8.76  # in a year, of 1 W


@pytest.mark.parametrize("square", SQUARES, ids=str)
def test_the_energy_of_all_hours_closes(square: LatticeCell) -> None:
    """The Weibull distributions of the sectors have the mean cube of the four stations, but for the
    third decimal of their shape; so the mean is too high, since roses leave out calm hours."""
    climate = shipped_climate()
    wind = wind_of(climate, square)
    cubes = float((wind.frequency * wind.mean**3).sum() * cube_ratio(wind.shape))
    away = pyproj.Transformer.from_crs(4326, 28992, always_xy=True)
    stations = np.column_stack(away.transform(*climate.wind_degrees.T))
    distance = np.hypot(*(stations - square.centre).T)
    four = np.argsort(distance)[:4]
    assert cubes == pytest.approx(
        np.average(climate.roses.cube[four], weights=distance[four] ** -2.0), rel=1e-3
    )
    assert 1.9 < wind.shape < 2.4 and wind.frequency.sum() == pytest.approx(1.0, abs=6e-4)


def test_29_stations_on_land_serve() -> None:
    climate = shipped_climate()
    assert len(climate.wind_stations) == 29 and "251" not in climate.wind_stations
    schiphol = climate.wind_stations.index("240")
    percent = (climate.roses.frequency[schiphol] * 100).round(1)
    assert percent.tolist() == [4.2, 5.5, 8.7, 6.3, 5.2, 8.3, 11.7, 13.6, 11.9, 10.2, 7.9, 6.6]
    means = climate.roses.mean[schiphol].round(2)
    assert means.tolist() == [
        3.63, 4.15, 4.47, 3.87, 3.65, 4.06, 4.80, 5.82, 7.19, 5.87, 4.66, 4.14,
    ]  # fmt: skip
    energy = climate.roses.frequency[schiphol] * climate.roses.mean[schiphol] ** 3
    assert 0.6 < energy[7:10].sum() / energy.sum() < 0.65


def test_the_shape_is_that_of_the_mean_cube_or_the_nearer_end() -> None:
    frequency, mean = np.full(12, 1 / 12), np.linspace(3, 6, 12)
    cubes = float((frequency * mean**3).sum())
    for shape in (1.2, 1.345, 2.0, 3.499, 3.5):
        assert shape_of(frequency, mean, cubes * cube_ratio(shape)) == shape
    assert shape_of(frequency, mean, 100 * cubes) == 1.2
    assert shape_of(frequency, mean, cubes) == 3.5


def test_exposure_is_a_factor_on_the_speeds(tmp_path: Path) -> None:
    for name in files.FILES:
        text = (SHIPPED / name).read_text("utf-8")
        if name == files.WIND:
            lines = [line.split(",") for line in text.splitlines()]
            exposed = [[*line[:4], "1.1", line[5]] for line in lines[1:]]
            text = "\n".join(",".join(line) for line in [lines[0], *exposed])
        (tmp_path / name).write_text(text, "utf-8")
    shipped, faster = shipped_climate(), files.read_climate(tmp_path)
    np.testing.assert_allclose(faster.roses.mean, 1.1 * shipped.roses.mean, rtol=1e-12)
    np.testing.assert_allclose(faster.roses.cube, 1.1**3 * shipped.roses.cube, rtol=1e-12)
    one, other = wind_of(shipped, SQUARES[0]), wind_of(faster, SQUARES[0])
    assert one.frequency.tolist() == other.frequency.tolist()
    np.testing.assert_allclose(other.mean, 1.1 * one.mean, atol=0.011)


def test_a_sector_from_which_no_wind_comes_has_none() -> None:
    climate = shipped_climate()
    frequency = climate.roses.frequency.copy()
    frequency[:, 4] = 0.0
    calm = replace(climate, digest="calm", roses=climate.roses._replace(frequency=frequency))
    wind = wind_of(calm, SQUARES[0])
    assert wind.frequency[4] == wind.mean[4] == 0.0 and wind.mean[5] > 0.0
    assert wind.frequency.sum() == pytest.approx(1.0, abs=6e-4)


def own_wind(station: int) -> SquareWind:
    """The wind of a station, from its own rose alone."""
    climate = shipped_climate()
    i, roses = climate.wind_stations.index(str(station)), climate.roses
    shape = shape_of(roses.frequency[i], roses.mean[i], float(roses.cube[i]))
    return SquareWind(roses.frequency[i], roses.mean[i], shape)


def yield_of_rose(wind: SquareWind, ratio: NDArray[np.float64]) -> float:
    """Of the study's turbine in the field, with a ratio on the speeds of each sector [kWh]."""
    watts = mean_power(wind.mean * ratio, wind.shape, BIN, np.array([STUDY.field_curve]))[:, 0]
    return KWH * float((wind.frequency * watts).sum())


def yield_of_hours(hours: WindHours, ratio: NDArray[np.float64]) -> float:
    """The same from all hours; those of no sector have the mean ratio."""
    speed = hours.speed * np.where(hours.sector < 0, ratio.mean(), ratio[hours.sector])
    share = 0.5 * DENSITY * STUDY.swept * STUDY.field_share
    return KWH * float(np.minimum(STUDY.rated, share * speed**3).mean())


@pytest.mark.parametrize("station", PLACES)
def test_roses_and_cubes_are_those_of_the_hours(data: Path, station: int) -> None:
    hours, wind = wind_hours_of(data, station), own_wind(station)
    count = np.bincount(hours.sector[hours.sector >= 0], minlength=12)
    assert np.abs(count / count.sum() - wind.frequency).max() < 1e-4
    means = [hours.speed[hours.sector == sector].mean() for sector in range(12)]
    assert np.abs(means - wind.mean).max() < 1e-3
    climate = shipped_climate()
    cube = climate.roses.cube[climate.wind_stations.index(str(station))]
    assert (hours.speed**3).mean() == pytest.approx(cube, abs=0.01)
    calm = (hours.sector < 0).mean()
    high = (wind.frequency * wind.mean).sum() / hours.speed.mean() - 1
    assert 0.015 < calm < 0.024 and 0.004 < high < 0.05


@pytest.mark.parametrize("station", PLACES)
def test_the_yield_of_a_rose_is_that_of_the_hours(data: Path, station: int) -> None:
    """Over open ground within 0.5 %; with another ratio in each sector within 13 %."""
    hours, wind = wind_hours_of(data, station), own_wind(station)
    even = np.ones(12)
    assert yield_of_rose(wind, even) == pytest.approx(yield_of_hours(hours, even), rel=0.005)
    rng = np.random.default_rng(station)
    ratios = [*rng.uniform(0.3, 1.2, (50, 12)), *(1.0 - 0.7 * np.eye(12))]
    errors = [yield_of_rose(wind, r) / yield_of_hours(hours, r) - 1 for r in ratios]
    assert np.abs(errors).max() < 0.13


def test_single_sectors_err_from_minus_22_to_plus_8_percent(data: Path) -> None:
    """One shape for all keeps the energy of all hours, and not that of those of a sector."""
    errors = []
    for station in PLACES:
        hours, wind = wind_hours_of(data, station), own_wind(station)
        cubes = [(hours.speed[hours.sector == sector] ** 3).mean() for sector in range(12)]
        errors += [*(wind.mean**3 * cube_ratio(wind.shape) / cubes - 1)]
    assert [round(100 * each) for each in (min(errors), max(errors))] == [-22, 8]


def test_stations_for_the_wind_that_are_far_are_told() -> None:
    climate = shipped_climate()
    east = replace(climate, digest="east", wind_degrees=climate.wind_degrees + np.array([8.0, 0.0]))
    assert stations_warning(climate, SQUARES) == []
    (warning,) = stations_warning(east, SQUARES)
    x, y = SQUARES[2].centre  # the one in the south-west
    assert warning.startswith(f"near RD {x:.0f},{y:.0f} the nearest station of the climate is ")
    assert "its sun and its wind are a guess" in warning
