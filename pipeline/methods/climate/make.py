"""Makes the files of the climate from KNMI's, by hand, once for a period:

    python -m pipeline.methods.climate.make KNMI pipeline/methods/climate

KNMI is a folder with `stations.csv`, the hourly zips of REFERENCE and the file of normals.
"""

import csv
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.methods.climate.files import MONTH_COLUMNS, MONTHS, SHARES, STATIONS, SUN
from pipeline.methods.climate.perez import read_hours, sky_parts

REFERENCE = (240, 260, 344)  # Schiphol, De Bilt, Rotterdam
HOURS = "uurgeg_{station}_2011-2020.zip"
NORMALS = "knmi_station_normals_2011_2020_DERIVED.csv"


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
    with (knmi / STATIONS).open(newline="") as table:
        serving = [row for row in csv.DictReader(table) if "1" in (row["sun"], row["wind"])]
    return [",".join(columns), *(",".join(row[name] for name in columns) for row in serving)]


def month_lines(knmi: Path) -> list[str]:
    """The lines of `months.csv`: the normals [kWh/m2] of the stations that serve for sun."""
    with (knmi / STATIONS).open(newline="") as table:
        serving = [row["station"] for row in csv.DictReader(table) if row["sun"] == "1"]
    with (knmi / NORMALS).open(newline="") as table:
        normals = {row["station"]: row for row in csv.DictReader(table)}
    figures = [
        [station, *(normals[station][f"ghi_{m}"] for m in MONTH_COLUMNS)] for station in serving
    ]
    return [",".join(line) for line in (("station", *MONTH_COLUMNS), *figures)]


def make(knmi: Path, folder: Path) -> None:
    """Write the three files of the climate into a folder, from the folder of KNMI's files."""
    files = {
        STATIONS: station_lines(knmi),
        SUN: sun_lines(reference_shares(knmi)),
        MONTHS: month_lines(knmi),
    }
    for name, lines in files.items():
        (folder / name).write_text("".join(f"{line}\n" for line in lines), "utf-8", newline="\n")


if __name__ == "__main__":
    make(*map(Path, sys.argv[1:3]))
