"""The four files of a climate: read, checked, identified by a hash."""

import hashlib
import os
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.methods.climate.roses import Roses, read_roses
from pipeline.methods.climate.rows import Key, Rows, rows_of
from pipeline.terms import File

STATIONS, SUN, MONTHS, WIND = FILES = ("stations.csv", "sun.csv", "months.csv", "wind.csv")
SHARES = ("beam", "circumsolar", "isotropic", "band")
MONTH_COLUMNS = tuple(f"m{month:02d}" for month in range(1, 13))
HOURS = [(str(month), str(hour)) for month in range(1, 13) for hour in range(1, 25)]
DAYLIGHT = slice(8, 15)  # hours 9 to 15 UTC: the sun is up in each month all over the country


@dataclass(frozen=True)
class Climate:
    """What the files of a climate hold; two of one digest are equal.

    degrees: longitude and latitude of each station for the sun, (stations, 2); months: irradiation
    of a level plane by station and month [kWh/m2], (stations, 12); shares: by month, hour that ends
    at 1-24 UTC, and SHARES, of the month's irradiation, (12, 24, 4); wind_degrees: longitude and
    latitude of each station for the wind, (wind stations, 2); roses: of those; digest: SHA-256 of
    the files.
    """

    digest: str
    stations: tuple[str, ...] = field(compare=False)
    degrees: NDArray[np.float64] = field(compare=False)
    months: NDArray[np.float64] = field(compare=False)
    shares: NDArray[np.float64] = field(compare=False)
    wind_stations: tuple[str, ...] = field(compare=False)
    wind_degrees: NDArray[np.float64] = field(compare=False)
    roses: Roses = field(compare=False)


@cache
def shipped_climate() -> Climate:
    """The climate of 2011-2020 that the program brings along; README.md beside it says of what."""
    return read_climate(Path(__file__).parent)


def read_climate(folder: Path) -> Climate:
    """The climate of a folder with FILES.

    A station whose `sun` is 1 needs a row in `months.csv`, one whose `wind` is 1 a row a sector in
    `wind.csv`. Raises InputError for a file, a column or a row that is missing, for what is not a
    number, for what is negative, but for shares of the band, or higher than can be, and for
    frequencies of a station that do not add up to 1.
    """
    _check_files(folder)
    places = rows_of(folder / STATIONS, ("station",), ("lon", "lat", "sun", "wind"))
    sunny, windy = (_serving(folder, places, use) for use in ("sun", "wind"))
    months = rows_of(folder / MONTHS, ("station",), MONTH_COLUMNS, sunny)
    return Climate(
        stations=_names(sunny),
        degrees=_degrees(places, sunny),
        months=np.array([[months[key][column] for column in MONTH_COLUMNS] for key in sunny]),
        shares=_shares(folder / SUN),
        wind_stations=_names(windy),
        wind_degrees=_degrees(places, windy),
        roses=read_roses(folder / WIND, _names(windy)),
        digest=_digest(folder),
    )


def _check_files(folder: Path) -> None:
    whole = "a climate has {files} in one folder"
    if not os.path.isdir(folder):
        raise InputError(File(folder), "is not a folder", whole, files=[*FILES])
    for name in FILES:
        if not os.path.exists(folder / name):  # Path.exists fails in a folder that is closed
            raise InputError(File(folder / name), "is missing", whole, files=[*FILES])


def _serving(folder: Path, places: Rows, use: str) -> list[Key]:
    """The stations that serve for a use."""
    for (station,), row in places.items():
        if row[use] not in (0.0, 1.0):
            raise InputError(
                File(folder / STATIONS),
                "station {station}: {use} is {value:g}",
                "give 1 where it serves for that, else 0",
                station=station,
                use=use,
                value=row[use],
            )
    serving = [key for key, row in places.items() if row[use] == 1.0]
    if not serving:
        raise InputError(
            File(folder / STATIONS), "no station has {use} 1", "give at least one", use=use
        )
    return serving


def _names(stations: Collection[Key]) -> tuple[str, ...]:
    return tuple(station for (station,) in stations)


def _degrees(places: Rows, stations: Collection[Key]) -> NDArray[np.float64]:
    return np.array([[places[key]["lon"], places[key]["lat"]] for key in stations])


def _shares(path: Path) -> NDArray[np.float64]:
    rows = rows_of(path, ("month", "hour"), SHARES, HOURS)
    flat = np.array([[rows[key][name] for name in SHARES] for key in HOURS])
    shares = flat.reshape(12, 24, len(SHARES))
    for month, (isotropic, direct) in enumerate(
        zip(shares[..., 2].sum(1), shares[:, DAYLIGHT, :2].sum((1, 2)), strict=True), 1
    ):
        if isotropic > 1.0 or direct == 0.0:
            raise InputError(
                File(path),
                "month {month}: its isotropic shares add up to more than 1, or no hour from 9 to"
                " 15 has a beam",
                "give shares of the month's global irradiation",
                month=month,
            )
    return shares


def _digest(folder: Path) -> str:
    """SHA-256 over the files, each with its length before it."""
    digest = hashlib.sha256()
    for name in FILES:
        content = (folder / name).read_bytes()
        digest.update(len(content).to_bytes(8, "little") + content)
    return digest.hexdigest()
