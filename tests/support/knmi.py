"""The hours of stations, and planes in their sun by pvlib: the truth of the shipped climate."""

import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pvlib.atmosphere import get_relative_airmass
from pvlib.irradiance import get_extra_radiation, get_total_irradiance
from pvlib.solarposition import spa_python

from pipeline.methods.climate.make import HOURS
from pipeline.methods.climate.perez import beam_and_diffuse, read_hours

PLACES = {240: (4.79, 52.318), 260: (5.18, 52.1), 344: (4.447, 51.962)}
ALBEDO = 0.2


def hours_of(data: Path, station: int) -> pd.DataFrame:
    """The hours of a station from the folder of real data."""
    return read_hours(data / "knmi" / HOURS.format(station=station))


class WindHours(NamedTuple):
    """Hours of a station's wind. speed: mean [m/s]; sector: of 30 degrees, the first about north,
    -1 of hours that are calm or of no one direction."""

    speed: NDArray[np.float64]
    sector: NDArray[np.int64]


def wind_hours_of(data: Path, station: int) -> WindHours:
    """The hours of a station's wind from the folder of real data."""
    path = data / "knmi" / HOURS.format(station=station)
    with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as text:
        names = next(line for line in text if line.startswith(b"# STN")).decode()[1:].split(",")
        columns = [name.strip() for name in names]
        hours = pd.read_csv(text, names=columns, usecols=["DD", "FH"], skipinitialspace=True)
    bearing = hours["DD"].to_numpy()
    sector = np.where((bearing > 0) & (bearing <= 360), (bearing + 15) % 360 // 30, -1)
    return WindHours(hours["FH"].to_numpy() / 10, sector.astype(np.int64))


def plane_of_array(
    hours: pd.DataFrame, place: tuple[float, float], planes: list[tuple[float, float]]
) -> list[float]:
    """Mean irradiation a year [kWh/m2] of planes by tilt and true azimuth [degrees]: the hours'
    split by Erbs, all else by pvlib."""
    moments = pd.DatetimeIndex(hours.index)
    sun = spa_python(moments, place[1], place[0], altitude=0, delta_t=67.0)
    zenith, azimuth = sun["zenith"].to_numpy(), sun["azimuth"].to_numpy()
    ghi, day = hours["ghi"].to_numpy(), moments.day_of_year.to_numpy()
    beam, diffuse = beam_and_diffuse(ghi, zenith, day)
    sky = {"dni_extra": get_extra_radiation(day), "airmass": get_relative_airmass(zenith)}
    sums = [
        get_total_irradiance(*plane, zenith, azimuth, beam, ghi, diffuse, albedo=ALBEDO,
                             model="perez", **sky)["poa_global"]
        for plane in planes
    ]  # fmt: skip
    return [float(np.nansum(each) / 10_000) for each in sums]
