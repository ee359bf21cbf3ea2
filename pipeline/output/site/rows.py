"""The roofs as a browser adds them up without a server: a short row of JSON each."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.engine.engine import Progress
from pipeline.engine.tasks import Stop
from pipeline.errors import InputError, Stopped
from pipeline.grid.crs import DEGREES as WGS84
from pipeline.grid.crs import RD, transformer
from pipeline.methods import method_of
from pipeline.methods.powermapping.rules import CLASSES
from pipeline.results import report
from pipeline.results.totals import columns_of, flagged
from pipeline.storage.places import Place
from pipeline.storage.slices import SLICE, row_count, slices

MOST = 1_000_000  # of 60 bytes: what a telephone can still read
PLACE = ("centre_x", "centre_y")
DEGREES = 7  # decimals: 1 cm
DECIMALS = 2  # of m2 and kWh, as in the tiles
NUMBERS = ("area_m2", "panel_area_m2", "solar_kwh", "wind_kwh", "lit_area_m2")


def check(directory: Place) -> None:
    """Raises InputError for a run of more roofs than a browser can add up."""
    found = row_count(report.buildings_file(directory))
    if found > MOST:
        raise InputError(
            "{directory}: {found:,} roofs; a browser adds up at most {most:,} without a server. Run"
            " it for a municipality (daklaag run GM0363 ...), or show it with daklaag serve",
            directory=directory,
            found=found,
            most=MOST,
        )


def write(directory: Place, to: Path, progress: Progress, stop: Stop) -> None:
    """Write the roofs that count in the totals as rows of JSON: lon, lat (null where a roof has no
    place), class (0 solar, 1 wind or solar, 2 none, null: not judged), area, suitable for sun,
    panels, kWh of sun; candidate, sheltered and suitable for wind, kWh of wind; excluded or null;
    lit area, on one cell. [degrees, m2, kWh a year; 1 and 0 for yes and no]"""
    file = report.buildings_file(directory)
    columns = [*columns_of(method_of(report.read(directory))), *PLACE]
    parts = -(-row_count(file) // SLICE)
    with to.open("w", encoding="utf-8", newline="\n") as stream:
        comma = "["
        for done, part in enumerate(slices(file, columns), 1):
            if stop():
                raise Stopped
            for row in _rows(part.filter(part["selected"])):
                stream.write(comma + json.dumps(row, separators=(",", ":"), allow_nan=False))
                comma = ",\n"
            progress("totals", min(done, parts), parts)
        stream.write("[]" if comma == "[" else "]\n")


def _rows(part: pa.Table) -> Iterator[tuple[Any, ...]]:
    lon, lat = _degrees(part)
    area, panels, solar, wind, lit = (_numbers(part[name]) for name in NUMBERS)
    sunny, candidate, sheltered, windy = (
        pc.cast(pc.fill_null(part[name], False), pa.int8()).to_pylist()
        for name in ("solar_suitable", "wind_candidate", "wind_shadowed", "wind_suitable")
    )
    small = flagged(part, "one_cell").astype(int).tolist()
    kind = pc.index_in(part["class"], pa.array(CLASSES)).to_pylist()
    return zip(lon, lat, kind, area, sunny, panels, solar, candidate, sheltered, windy, wind,
               part["excluded"].to_pylist(), lit, small, strict=True)  # fmt: skip


def _degrees(part: pa.Table) -> tuple[list[float | None], list[float | None]]:
    """Where the roofs are; None for those without a place on Earth."""
    x, y = (pc.fill_null(part[name], np.nan).to_numpy() for name in PLACE)
    places = np.round(transformer(RD, WGS84).transform(x, y), DEGREES)
    places[:, ~np.isfinite(places).all(axis=0)] = np.nan
    lon, lat = (_known(each) for each in places)
    return lon, lat


def _known(values: NDArray[np.float64]) -> list[float | None]:
    return [None if np.isnan(value) else value for value in values.tolist()]


def _numbers(column: Any) -> list[float | int]:
    """Rounded, 0 for null, whole ones without a point."""
    rounded = np.round(pc.fill_null(column, 0.0).to_numpy(), DECIMALS).tolist()
    return [int(value) if value.is_integer() else value for value in rounded]
