"""The three files of a climate: read, checked, identified by a hash."""

import csv
import hashlib
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.messages import Text
from pipeline.terms import File

STATIONS, SUN, MONTHS = "stations.csv", "sun.csv", "months.csv"
SHARES = ("beam", "circumsolar", "isotropic", "band")
MONTH_COLUMNS = tuple(f"m{month:02d}" for month in range(1, 13))
HOURS = [(str(month), str(hour)) for month in range(1, 13) for hour in range(1, 25)]
DAYLIGHT = slice(8, 15)  # hours 9 to 15 UTC: the sun is up in each month all over the country

Rows = Mapping[tuple[str, ...], Mapping[str, float]]  # numbers by column, by the row's key


@dataclass(frozen=True)
class Climate:
    """What the files of a climate hold; two of one digest are equal.

    degrees: longitude and latitude of each station, (stations, 2); months: irradiation of a level
    plane by station and month [kWh/m2], (stations, 12); shares: by month, hour that ends at 1-24
    UTC, and SHARES, of the month's irradiation, (12, 24, 4); digest: SHA-256 of the files.
    """

    digest: str
    stations: tuple[str, ...] = field(compare=False)
    degrees: NDArray[np.float64] = field(compare=False)
    months: NDArray[np.float64] = field(compare=False)
    shares: NDArray[np.float64] = field(compare=False)


@cache
def shipped_climate() -> Climate:
    """The climate of 2011-2020 that the program brings along; README.md beside it says of what."""
    return read_climate(Path(__file__).parent)


def read_climate(folder: Path) -> Climate:
    """The climate of a folder with `stations.csv`, `sun.csv` and `months.csv`.

    A station whose `sun` is 1 serves, and needs a row in `months.csv`. Raises InputError for a
    file, a column or a row that is missing, for what is not a number, and for what is negative,
    but for shares of the band.
    """
    places = _rows(folder / STATIONS, ("station",), ("lon", "lat", "sun"))
    serving = [key for key, row in places.items() if row["sun"] == 1.0]
    if not serving:
        raise InputError(File(folder / STATIONS), "no station has sun 1", "give at least one")
    months = _rows(folder / MONTHS, ("station",), MONTH_COLUMNS, serving)
    shares = _shares(folder / SUN)
    return Climate(
        _digest(folder),
        tuple(station for (station,) in serving),
        np.array([[places[key]["lon"], places[key]["lat"]] for key in serving]),
        np.array([[months[key][column] for column in MONTH_COLUMNS] for key in serving]),
        shares,
    )


def _shares(path: Path) -> NDArray[np.float64]:
    rows = _rows(path, ("month", "hour"), SHARES, HOURS)
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


def _rows(
    path: Path,
    keys: tuple[str, ...],
    columns: Collection[str],
    expected: Collection[tuple[str, ...]] | None = None,
) -> Rows:
    """The rows of a CSV by their keys: exactly the expected ones, if those are given."""
    reader = csv.DictReader(_text(path).splitlines())
    there = reader.fieldnames or []
    for name in (*keys, *columns):
        if name not in there:
            raise InputError(
                File(path), "no column {name!r} (it has {there})", "add it", name=name, there=there
            )
    rows: dict[tuple[str, ...], dict[str, float]] = {}
    for row in reader:
        key = tuple((row[name] or "").strip() for name in keys)
        if key in rows or (expected is not None and key not in expected):
            problem = "a second row of {key}" if key in rows else "{key} does not belong here"
            raise _row_error(
                path, reader.line_num, problem, "remove the row", key=_named(keys, key)
            )
        rows[key] = {name: _number(path, reader.line_num, name, row[name]) for name in columns}
    for key in expected or ():
        if key not in rows:
            raise InputError(File(path), "no row of {key}", "add it", key=_named(keys, key))
    return rows


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except FileNotFoundError:
        files = [STATIONS, SUN, MONTHS]
        raise InputError(
            File(path), "is missing", "a climate has {files} in one folder", files=files
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            File(path),
            "cannot be read ({said})",
            "give it as UTF-8, with commas",
            said=type(error).__name__,
        ) from None


def _number(path: Path, line: int, column: str, word: str | None) -> float:
    """A number of a row: finite, and at least 0 but in the horizon band, which can take away."""
    try:
        number = float(word or "")
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or (number < 0.0 and column != "band"):
        remedy = "give a number that is not negative" if number < 0.0 else "give a number"
        raise _row_error(path, line, "{column} is {word!r}", remedy, column=column, word=word or "")
    return number


def _named(keys: tuple[str, ...], key: tuple[str, ...]) -> str:
    """A row by its keys, in the words of the columns: `month 3, hour 12`."""
    return ", ".join(f"{name} {value}" for name, value in zip(keys, key, strict=True))


def _row_error(path: Path, line: int, problem: str, remedy: str, **values: object) -> InputError:
    return InputError(File(path), problem, remedy, place=Text("row {row}", row=line), **values)


def _digest(folder: Path) -> str:
    """SHA-256 over the files, each with its length before it."""
    digest = hashlib.sha256()
    for name in (STATIONS, SUN, MONTHS):
        content = (folder / name).read_bytes()
        digest.update(len(content).to_bytes(8, "little") + content)
    return digest.hexdigest()
