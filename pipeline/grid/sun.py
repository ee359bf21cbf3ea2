"""Position of the sun over a cell of the lattice, and where true north is there."""

import datetime as dt
import math
from functools import cache, lru_cache
from importlib import util
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
from numpy.typing import NDArray

from kernels.shadow import Sun
from pipeline.grid.windows import LatticeCell

CET = dt.timezone(dt.timedelta(hours=1), "CET")
DELTA_T = 67.0  # seconds, of 2011 and so of SPA's published check
PRESSURE, TEMPERATURE, REFRACTION = 1013.25, 12.0, 0.5667  # [hPa], [degrees Celsius], [degrees]
DIGITS = 3  # degrees are rounded to this before use, so that no platform's last bit decides


@lru_cache(maxsize=1)
def _to_degrees() -> pyproj.Transformer:
    return pyproj.Transformer.from_crs("EPSG:28992", "EPSG:4326", always_xy=True)


@lru_cache(maxsize=1)
def _rd() -> pyproj.Proj:
    return pyproj.Proj("EPSG:28992")


def centre_degrees(cell: LatticeCell) -> tuple[float, float]:
    """Longitude and latitude [degrees] of a lattice cell's centre."""
    longitude, latitude = _to_degrees().transform(*cell.centre)
    return longitude, latitude


@lru_cache(maxsize=4096)
def convergence_degrees(cell: LatticeCell) -> float:
    """How far grid north lies east of true north at a lattice cell's centre [degrees]: the meridian
    convergence of EPSG:28992. True azimuth = grid azimuth + that."""
    longitude, latitude = centre_degrees(cell)
    return float(_rd().get_factors(longitude, latitude).meridian_convergence)


def solar_position(
    longitude: float, latitude: float, moments: list[dt.datetime], elevation: str
) -> list[tuple[float, float]]:
    """Elevation and azimuth from true north [degrees], by SPA at sea level.

    longitude, latitude [degrees]; moments with a time zone; elevation `true`, or `apparent` with
    the refraction of 1013.25 hPa and 12 degrees Celsius.
    """
    seconds = np.array([moment.timestamp() for moment in moments])
    height, azimuth = solar_positions(longitude, latitude, seconds, elevation)
    return list(zip(height.tolist(), azimuth.tolist(), strict=True))


def solar_positions(
    longitude: float, latitude: float, seconds: NDArray[np.float64], elevation: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Elevations and azimuths of `solar_position` as arrays; seconds: since 1970, UTC.

    Reda, I. and Andreas, A. (2004). Solar position algorithm. Solar Energy 76(5).
    """
    air = PRESSURE, TEMPERATURE, DELTA_T, REFRACTION
    _, _, apparent, true, azimuth, _ = _spa().solar_position(seconds, latitude, longitude, 0, *air)
    return true if elevation == "true" else apparent, azimuth


@cache
def _spa() -> Any:
    """pvlib's module of SPA, which needs numpy only: all of pvlib takes 0.8 s to import."""
    package = util.find_spec("pvlib")
    assert package is not None and package.origin is not None
    spec = util.spec_from_file_location("pvlib_spa", Path(package.origin).with_name("spa.py"))
    assert spec is not None and spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@lru_cache(maxsize=4096)
def suns_degrees(
    cell: LatticeCell, date: dt.date, times: tuple[dt.time, ...], elevation: str
) -> tuple[tuple[float, float], ...]:
    """Elevation and grid azimuth [degrees, three decimals] at a lattice cell's centre, for each
    time (CET).

    Grid azimuth = true azimuth - `convergence_degrees` there.
    """
    longitude, latitude = centre_degrees(cell)
    convergence = convergence_degrees(cell)
    moments = [dt.datetime.combine(date, time, CET) for time in times]
    return tuple(
        (round(height, DIGITS), round((azimuth - convergence) % 360.0, DIGITS))
        for height, azimuth in solar_position(longitude, latitude, moments, elevation)
    )


def suns(cell: LatticeCell, date: dt.date, times: tuple[dt.time, ...], elevation: str) -> list[Sun]:
    """The sun positions of a lattice cell, as the kernels take them [rad]."""
    return [
        Sun(math.radians(azimuth), math.radians(height))
        for height, azimuth in suns_degrees(cell, date, times, elevation)
    ]
