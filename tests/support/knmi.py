"""Planes in the sun of a station's own hours, by pvlib: the truth of the shipped climate."""

from pathlib import Path

import numpy as np
import pandas as pd
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
