"""The climate of a square of the lattice: its months, and the suns of its year with their energy.

The irradiation comes from the stations around, its course over the day from the reference year.
"""

from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.grid.sun import DIGITS, centre_degrees, convergence_degrees, solar_positions
from pipeline.grid.windows import LatticeCell
from pipeline.methods.climate.files import Climate
from pipeline.methods.climate.stations import nearest_stations, sun_stations

YEAR = 2015
STEP_S = 600
REFERENCE_LONGITUDE = 4.81  # [degrees], the mean of the three stations of the reference year
SECONDS_PER_DEGREE = 240  # in which the sun moves over a degree of longitude

Reals = NDArray[np.float64]


class Suns(NamedTuple):
    """The suns of a year that shine, in order of time; each array is (suns,).

    elevation, azimuth: true elevation above the horizon, and clockwise from grid north [rad], of
    degrees with three decimals; energy: on a plane that faces the sun, beam and circumsolar
    [kWh/m2 in the year]; month: 0 to 11.
    """

    elevation: Reals
    azimuth: Reals
    energy: Reals
    month: NDArray[np.int64]

    def among(self, chosen: NDArray[np.bool_]) -> "Suns":
        """Those that are chosen, (suns,)."""
        elevation, azimuth, energy = (part[chosen] for part in self[:3])
        return Suns(elevation, azimuth, energy, self.month[chosen])


class SquareClimate(NamedTuple):
    """What the sun gives a square of the lattice.

    irradiation: of a level plane by month [kWh/m2], with one decimal, (12,); isotropic, band: of
    that, the light of an even sky, and Perez' band at the horizon, which can be negative [kWh/m2],
    (12,); suns: where the rest comes from.
    A level plane gets isotropic + the sum of energy x sin(elevation), which is irradiation.
    """

    irradiation: Reals
    isotropic: Reals
    band: Reals
    suns: Suns


@lru_cache(maxsize=16)
def climate_of(climate: Climate, square: LatticeCell) -> SquareClimate:
    """The climate of a square of the lattice; 0.1 s for one that is not remembered, 0.6 MB."""
    irradiation = irradiation_at(climate, *square.centre)
    isotropic, band = (irradiation * climate.shares[..., part].sum(1) for part in (2, 3))
    suns = _suns(climate, square, irradiation, irradiation - isotropic)
    return SquareClimate(irradiation, isotropic, band, suns)


def irradiation_at(climate: Climate, x: float, y: float) -> Reals:
    """Irradiation of a level plane by month [kWh/m2] at a place in RD [m]: the mean of the nearest
    stations by their weights, to 0.1."""
    near = nearest_stations(sun_stations(climate), x, y)
    sums = (near.weight[:, None] * climate.months[near.number]).sum(0)
    return np.asarray(np.round(sums / near.weight.sum(), 1))


def _suns(climate: Climate, square: LatticeCell, irradiation: Reals, direct: Reals) -> Suns:
    """The suns of a square; irradiation, and direct, the part of it that comes from the suns, of a
    level plane by month [kWh/m2]."""
    shares = climate.shares[..., :2].sum(2)
    seconds, month, hour = _year()
    shining = shares[month, hour] > 0.0
    elevation, azimuth = _positions(square, seconds[shining])
    up = elevation > 0.0
    elevation, azimuth = np.radians(elevation[up]), np.radians(azimuth[up])
    month, hour, height = month[shining][up], hour[shining][up], np.sin(elevation)
    slots = month * 24 + hour
    part = height / np.bincount(slots, height, shares.size)[slots]
    energy = shares[month, hour] * irradiation[month] * part
    level = np.bincount(month, energy * height, 12)
    scale = np.divide(direct, level, out=np.zeros(12), where=level > 0.0)
    return Suns(elevation, azimuth, energy * scale[month], month)


def _positions(square: LatticeCell, seconds: Reals) -> tuple[Reals, Reals]:
    """True elevation and grid azimuth [degrees] of the sun over a square when it stands as over
    REFERENCE_LONGITUDE at these moments: at the reference's hour angle."""
    longitude, latitude = centre_degrees(square)
    shifted = seconds - SECONDS_PER_DEGREE * (longitude - REFERENCE_LONGITUDE)
    elevation, azimuth = solar_positions(longitude, latitude, shifted, "true")
    grid_azimuth = (azimuth - convergence_degrees(square)) % 360.0
    return np.round(elevation, DIGITS), np.round(grid_azimuth, DIGITS)


@cache
def _year() -> tuple[Reals, NDArray[np.int64], NDArray[np.int64]]:
    """Of each moment of the year, every ten minutes from 00:05 UTC: seconds since 1970, month
    (0-11), hour (0-23)."""
    first = np.datetime64(f"{YEAR}-01-01T00:05:00", "s")
    moments = np.arange(first, np.datetime64(f"{YEAR + 1}-01-01", "s"), np.timedelta64(STEP_S, "s"))
    month = moments.astype("M8[M]").astype(np.int64) % 12
    hour = moments.astype("M8[h]").astype(np.int64) % 24
    return moments.astype(np.float64), month, hour
