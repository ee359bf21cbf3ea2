"""Makes the files of the climate from KNMI's, by hand, once for a period:

    python -m pipeline.methods.climate.make KNMI pipeline/methods/climate

KNMI is a folder with `stations.csv`, the hourly zips of REFERENCE, and the files of normals and of
roses.
"""

import csv
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.methods.climate.files import MONTH_COLUMNS, MONTHS, SHARES, STATIONS, SUN, WIND
from pipeline.methods.climate.perez import read_hours, sky_parts
from pipeline.methods.climate.roses import COLUMNS, MIDDLES

REFERENCE = (240, 260, 344)  # Schiphol, De Bilt, Rotterdam
HOURS = "uurgeg_{station}_2011-2020.zip"
NORMALS = "knmi_station_normals_2011_2020_DERIVED.csv"
ROSES = "knmi_station_windrose_2011_2020_DERIVED.csv"
EXPOSURE = "1"  # of a sector whose roughness around the station nobody has measured


def station_shares(hours: pd.DataFrame, longitude: float, latitude: float) -> NDArray[np.float64]:
    """Month x hour x part of a station: the mean of each part in the hours of that month and that
    time of day, as a share of the month's mean day of global radiation. hours: of `read_hours`."""
    parts = sky_parts(hours, longitude, latitude).assign(ghi=hours["ghi"])
    means = parts.groupby([hours["month"], hours["hour"]]).mean()
    day = means["ghi"].groupby("month").sum()
    shares = means[[*SHARES]].div(day, axis=0, level="month")
    return shares.to_numpy().reshape(12, 24, len(SHARES))


def reference_shares(knmi: Path) -> NDArray[np.float64]:
    """Month x hour x part: the mean of `station_shares` over the stations of REFERENCE."""
    place = pd.read_csv(knmi / STATIONS, index_col="station")
    return np.mean(
        [
            station_shares(
                read_hours(knmi / HOURS.format(station=station)),
                place.loc[station, "lon"],
                place.loc[station, "lat"],
            )
            for station in REFERENCE
        ],
        axis=0,
    )


def sun_lines(shares: NDArray[np.float64]) -> list[str]:
    """The lines of `sun.csv`; shares: month x hour x part, rounded here to six decimals."""
    rounded = np.round(shares, 6) + 0.0  # no -0.000000
    return [",".join(("month", "hour", *SHARES))] + [
        ",".join(
            (str(month + 1), str(hour + 1), *(f"{share:.6f}" for share in rounded[month, hour]))
        )
        for month, hour in np.ndindex(rounded.shape[:2])
    ]


def station_lines(knmi: Path) -> list[str]:
    """The lines of `stations.csv`: the positions of the stations that serve for sun or wind."""
    columns = ("station", "lon", "lat", "sun", "wind")
    serving = [row for row in _rows(knmi / STATIONS) if "1" in (row["sun"], row["wind"])]
    return [",".join(columns), *(",".join(row[name] for name in columns) for row in serving)]


def month_lines(knmi: Path) -> list[str]:
    """The lines of `months.csv`: the normals [kWh/m2] of the stations that serve for sun."""
    normals = {row["station"]: row for row in _rows(knmi / NORMALS)}
    figures = [
        [station, *(normals[station][f"ghi_{m}"] for m in MONTH_COLUMNS)]
        for station in _serving(knmi, "sun")
    ]
    return [",".join(line) for line in (("station", *MONTH_COLUMNS), *figures)]


def wind_lines(knmi: Path) -> list[str]:
    """The lines of `wind.csv`: the roses and the mean cubes of the stations that serve for wind."""
    cubes = {row["station"]: row["mean_cubed_ms3"] for row in _rows(knmi / NORMALS)}
    roses = {(row["station"], row["sector_center_deg"]): row for row in _rows(knmi / ROSES)}
    figures = [
        [station, sector, rose["freq"], rose["mean_ms"], EXPOSURE, cubes[station]]
        for station in _serving(knmi, "wind")
        for sector in MIDDLES
        for rose in [roses[station, sector]]
    ]
    return [",".join(line) for line in (("station", "sector", *COLUMNS), *figures)]


def _serving(knmi: Path, use: str) -> list[str]:
    return [row["station"] for row in _rows(knmi / STATIONS) if row[use] == "1"]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as table:
        return [*csv.DictReader(table)]


def make(knmi: Path, folder: Path) -> None:
    """Write the four files of the climate into a folder, from the folder of KNMI's files."""
    files = {
        STATIONS: station_lines(knmi),
        SUN: sun_lines(reference_shares(knmi)),
        MONTHS: month_lines(knmi),
        WIND: wind_lines(knmi),
    }
    for name, lines in files.items():
        (folder / name).write_text("".join(f"{line}\n" for line in lines), "utf-8", newline="\n")


if __name__ == "__main__":
    make(*map(Path, sys.argv[1:3]))
