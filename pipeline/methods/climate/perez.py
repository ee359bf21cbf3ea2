"""Hours of global radiation as KNMI publishes them, split into the four parts of Perez' sky.

All of pvlib is imported here: for the program that makes the climate's files, not for runs.
"""

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pvlib.atmosphere import get_relative_airmass
from pvlib.irradiance import erbs, get_extra_radiation
from pvlib.solarposition import spa_python

from pipeline.grid.sun import DELTA_T
from pipeline.methods.climate.files import SHARES

WH_PER_J_CM2 = 10_000 / 3600
LOWEST_SUN_DEG = 87.0  # from this zenith on all light counts as diffuse and isotropic
LEAST_COSINE = np.cos(np.radians(85.0))
KAPPA = 1.041
CLEARNESS = np.array([1.065, 1.23, 1.5, 1.95, 2.8, 4.5, 6.2])
# f11, f12, f13, f21, f22, f23 of each bin of clearness: `allsitescomposite1990`.
COEFFICIENTS = np.array(
    [
        [-0.0080, 0.5880, -0.0620, -0.0600, 0.0720, -0.0220],
        [0.1300, 0.6830, -0.1510, -0.0190, 0.0660, -0.0290],
        [0.3300, 0.4870, -0.2210, 0.0550, -0.0640, -0.0260],
        [0.5680, 0.1870, -0.2950, 0.1090, -0.1520, -0.0140],
        [0.8730, -0.3920, -0.3620, 0.2260, -0.4620, 0.0010],
        [1.1320, -1.2370, -0.4120, 0.2880, -0.8230, 0.0560],
        [1.0600, -1.6000, -0.3590, 0.2640, -1.1270, 0.1310],
        [0.6780, -0.3270, -0.2500, 0.1560, -1.3770, 0.2510],
    ]
)


def read_hours(path: Path) -> pd.DataFrame:
    """The hours of a station that have a global radiation, from the zip of a text of KNMI.

    Columns: month (1-12), hour (1-24, which ends at that hour UTC), ghi [Wh/m2]; the index is the
    middle of the hour [UTC].
    """
    with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as text:
        names = next(line for line in text if line.startswith(b"# STN")).decode()[1:].split(",")
        columns = [name.strip() for name in names]
        used = ["YYYYMMDD", "HH", "Q"]
        table = pd.read_csv(text, names=columns, usecols=used, skipinitialspace=True)
    table = table.dropna(subset="Q")
    days = pd.to_datetime(table["YYYYMMDD"].astype(str), utc=True)
    middle = days + pd.to_timedelta(table["HH"] - 0.5, unit="h")
    return pd.DataFrame(
        {"month": days.dt.month, "hour": table["HH"], "ghi": table["Q"] * WH_PER_J_CM2}
    ).set_index(pd.DatetimeIndex(middle))


def zenith_degrees(
    moments: pd.DatetimeIndex, longitude: float, latitude: float
) -> NDArray[np.float64]:
    """True zenith angle [degrees] of the sun by SPA at sea level, as the runs have it."""
    sun = spa_python(moments, latitude, longitude, altitude=0, delta_t=DELTA_T)
    return np.asarray(sun["zenith"], np.float64)


def beam_and_diffuse(
    ghi: NDArray[np.float64], zenith: NDArray[np.float64], day: NDArray[np.int32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Normal beam and diffuse radiation of hours [Wh/m2], from ghi [Wh/m2], zenith [degrees]
    and the day of the year.

    Erbs, D. G., Klein, S. A. and Duffie, J. A. (1982). Solar Energy 28(4), 293-302.
    """
    split = erbs(ghi, zenith, day)
    dark = (zenith >= LOWEST_SUN_DEG) | (ghi == 0.0)
    return np.where(dark, 0.0, split["dni"]), np.where(dark, ghi, split["dhi"])


def brightening(
    beam: NDArray[np.float64],
    diffuse: NDArray[np.float64],
    zenith: NDArray[np.float64],
    day: NDArray[np.int32],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Perez' F1 (circumsolar) and F2 (horizon band) of hours; beam and diffuse [Wh/m2], zenith
    [degrees], day of the year.

    Perez, R. et al. (1990). Solar Energy 44(5), 271-289.
    """
    first, second = np.zeros_like(diffuse), np.zeros_like(diffuse)
    lit = (zenith < LOWEST_SUN_DEG) & (diffuse > 0.0)
    sky, angle = diffuse[lit], np.radians(zenith[lit])
    extra = np.asarray(get_extra_radiation(day[lit]))
    delta = sky * np.asarray(get_relative_airmass(zenith[lit])) / extra
    thick = KAPPA * angle**3
    clearness = ((sky + beam[lit]) / sky + thick) / (1.0 + thick)
    f = COEFFICIENTS[np.digitize(clearness, CLEARNESS)].T
    first[lit] = np.maximum(0.0, f[0] + f[1] * delta + f[2] * angle)
    second[lit] = f[3] + f[4] * delta + f[5] * angle
    return first, second


def sky_parts(hours: pd.DataFrame, longitude: float, latitude: float) -> pd.DataFrame:
    """The columns SHARES of the hours of a station [Wh/m2], as `read_hours` gives them: beam and
    circumsolar on a plane that faces the sun, isotropic on a level one, band as Perez' F2 DHI."""
    moments = pd.DatetimeIndex(hours.index)
    zenith, day = zenith_degrees(moments, longitude, latitude), moments.day_of_year.to_numpy()
    beam, diffuse = beam_and_diffuse(hours["ghi"].to_numpy(), zenith, day)
    first, second = brightening(beam, diffuse, zenith, day)
    slant = np.maximum(LEAST_COSINE, np.cos(np.radians(zenith)))
    parts = (beam, diffuse * first / slant, diffuse * (1.0 - first), diffuse * second)
    return pd.DataFrame(dict(zip(SHARES, parts, strict=True)), index=hours.index)
