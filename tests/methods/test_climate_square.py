"""The climate of a square: a level plane, an independent reference, the corners of the country."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyproj
import pytest
from numpy.typing import NDArray
from pvlib.solarposition import spa_python

from pipeline.grid.windows import LATTICE_M, LatticeCell
from pipeline.methods.climate import SquareClimate, climate_of, shipped_climate
from pipeline.methods.climate import square as square_module
from pipeline.methods.climate.make import station_shares
from pipeline.methods.climate.square import irradiation_at
from tests.support.knmi import ALBEDO, PLACES, hours_of, plane_of_array

RD = pyproj.Proj("EPSG:28992")
TO_RD = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:28992", always_xy=True)
TO_DEGREES = pyproj.Transformer.from_crs("EPSG:28992", "EPSG:4326", always_xy=True)


def square_of(longitude: float, latitude: float) -> LatticeCell:
    x, y = TO_RD.transform(longitude, latitude)
    return LatticeCell(math.floor(x / LATTICE_M), math.floor(y / LATTICE_M))


AMSTERDAM = square_of(4.8926, 52.3731)
CORNERS = {
    "Amsterdam": AMSTERDAM,
    "Cadzand": square_of(3.38, 51.37),
    "Vaals": square_of(6.01, 50.77),
    "Nieuweschans": square_of(7.21, 53.18),
    "Rottum": square_of(6.55, 53.54),
}


def unit_vectors(square: SquareClimate) -> NDArray[np.float64]:
    """East, north, up of each sun, (suns, 3)."""
    level = np.cos(square.suns.elevation)
    azimuth = square.suns.azimuth
    return np.column_stack(
        [np.sin(azimuth) * level, np.cos(azimuth) * level, np.sin(square.suns.elevation)]
    )


def unshaded(square: SquareClimate, tilt: float, grid_azimuth: float) -> float:
    """Irradiation of a plane [kWh/m2 a year], degrees, sun by sun."""
    b, a = math.radians(tilt), math.radians(grid_azimuth)
    normal = (math.sin(a) * math.sin(b), math.cos(a) * math.sin(b), math.cos(b))
    facing = np.maximum(unit_vectors(square) @ normal, 0.0)
    sky = square.isotropic.sum() * (1 + math.cos(b)) / 2 + square.band.sum() * math.sin(b)
    ground = ALBEDO * square.irradiation.sum() * (1 - math.cos(b)) / 2
    return float(square.suns.energy @ facing + sky + ground)


@pytest.mark.parametrize("square", CORNERS.values(), ids=list(CORNERS))
def test_a_level_plane_gets_the_months_irradiation(square: LatticeCell) -> None:
    climate = climate_of(shipped_climate(), square)
    suns = climate.suns
    for month in range(12):
        shining = suns.month == month
        level = math.fsum(suns.energy[shining] * np.sin(suns.elevation[shining]))
        total = level + climate.isotropic[month]
        assert total == pytest.approx(climate.irradiation[month], abs=1e-9)
    assert 1000 < climate.irradiation.sum() < 1200


@pytest.mark.parametrize("square", CORNERS.values(), ids=list(CORNERS))
def test_suns_are_those_of_an_independent_reference(square: LatticeCell) -> None:
    """By tables of pandas over the whole year, nights too."""
    shipped = shipped_climate()
    longitude, latitude = TO_DEGREES.transform(*square.centre)
    convergence = RD.get_factors(longitude, latitude).meridian_convergence
    times = pd.date_range("2015-01-01 00:05", "2015-12-31 23:55", freq="10min", tz="UTC")
    shift = pd.Timedelta(seconds=240 * (longitude - 4.81))
    sun = spa_python(times - shift, latitude, longitude, altitude=0, delta_t=67.0)
    table = pd.DataFrame({"month": times.month, "hour": times.hour + 1})
    table["elevation"] = sun["elevation"].round(3).to_numpy()
    table["azimuth"] = ((sun["azimuth"] - convergence) % 360).round(3).to_numpy()
    table["share"] = shipped.shares[table["month"] - 1, table["hour"] - 1, :2].sum(1)
    table = table[(table["elevation"] > 0) & (table["share"] > 0)]
    sine = np.sin(np.radians(table["elevation"]))
    part = sine / sine.groupby([table["month"], table["hour"]]).transform("sum")
    climate = climate_of(shipped, square)
    rough = table["share"] * part * climate.irradiation[table["month"] - 1]
    level = (rough * sine).groupby(table["month"]).transform("sum")
    direct = (climate.irradiation - climate.isotropic)[table["month"] - 1]
    suns = climate.suns
    np.testing.assert_array_equal(suns.month, table["month"] - 1)
    np.testing.assert_allclose(np.degrees(suns.elevation), table["elevation"], atol=1e-12)
    np.testing.assert_allclose(np.degrees(suns.azimuth), table["azimuth"], atol=1e-12)
    np.testing.assert_allclose(suns.energy, rough * direct / level, rtol=1e-11)


def morning(square: LatticeCell) -> float:
    """Share of June's beam that comes from east of true south."""
    convergence = RD.get_factors(*TO_DEGREES.transform(*square.centre)).meridian_convergence
    suns = climate_of(shipped_climate(), square).suns
    east = np.sin(suns.azimuth + math.radians(convergence)) > 0
    june = suns.month == 5
    return float(suns.energy[june & east].sum() / suns.energy[june].sum())


@pytest.mark.parametrize("name", ["Vaals", "Nieuweschans"])
def test_mornings_are_the_references(name: str) -> None:
    """By clock the sun stands ten minutes ahead in Nieuweschans, five in Vaals."""
    assert morning(CORNERS[name]) == pytest.approx(morning(AMSTERDAM), abs=0.001)


def test_months_are_those_of_the_four_nearest_stations() -> None:
    """Weighted by distance^-2 in RD, to one decimal."""
    shipped = shipped_climate()
    x, y = AMSTERDAM.centre
    places = [TO_RD.transform(*place) for place in shipped.degrees]
    distances = sorted((math.dist((x, y), place), n) for n, place in enumerate(places))[:4]
    weights = [distance**-2 for distance, _ in distances]
    for month in range(12):
        months = [shipped.months[n, month] for _, n in distances]
        mean = sum(w * m for w, m in zip(weights, months, strict=True)) / sum(weights)
        assert climate_of(shipped, AMSTERDAM).irradiation[month] == round(mean, 1)


def test_at_a_station_its_own_months_hold() -> None:
    shipped = shipped_climate()
    for longitude, latitude, months in zip(*shipped.degrees.T, shipped.months, strict=True):
        found = irradiation_at(shipped, *TO_RD.transform(longitude, latitude))
        np.testing.assert_array_equal(found, months)


def test_fewer_stations_than_four_are_enough() -> None:
    shipped = shipped_climate()
    alone = replace(shipped, digest="", degrees=shipped.degrees[:1], months=shipped.months[:1])
    found = irradiation_at(alone, *AMSTERDAM.centre)
    np.testing.assert_array_equal(found, shipped.months[0])


def test_planes_agree_with_ten_years_of_hours(data: Path) -> None:
    """Of a level plane's, with the mean of the three stations: 0.5 % of it at most, steep planes
    and those that face away from the sun too."""
    planes = [(0.0, 180.0), *((t, a) for t in (15.0, 35.0, 60.0) for a in range(0, 360, 45))]
    expected = []
    for station, place in PLACES.items():
        sums = plane_of_array(hours_of(data, station), place, planes)
        expected.append(np.array(sums) / sums[0])
    square = LatticeCell(11, 46)  # near Schiphol
    climate = climate_of(shipped_climate(), square)
    convergence = RD.get_factors(*TO_DEGREES.transform(*square.centre)).meridian_convergence
    found = np.array([unshaded(climate, tilt, azimuth - convergence) for tilt, azimuth in planes])
    errors = found / climate.irradiation.sum() / np.mean(expected, axis=0) - 1
    assert np.abs(errors).max() < 0.005


@pytest.mark.parametrize("station", PLACES)
def test_a_reference_year_of_one_station_is_right_there(
    data: Path, station: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own hours, at its own longitude; with 4.81 De Bilt errs by 0.62 %."""
    hours, place = hours_of(data, station), PLACES[station]
    planes = [(0.0, 180.0), *((t, a) for t in (35.0, 60.0) for a in range(0, 360, 45))]
    expected = np.array(plane_of_array(hours, place, planes))
    shares = np.round(station_shares(hours, *place), 6)
    monkeypatch.setattr(square_module, "REFERENCE_LONGITUDE", place[0])
    square = square_of(*place)
    climate = climate_of(replace(shipped_climate(), digest=f"{station}", shares=shares), square)
    convergence = RD.get_factors(*TO_DEGREES.transform(*square.centre)).meridian_convergence
    found = np.array([unshaded(climate, tilt, azimuth - convergence) for tilt, azimuth in planes])
    errors = found / climate.irradiation.sum() / (expected / expected[0]) - 1
    assert np.abs(errors).max() < 0.005
