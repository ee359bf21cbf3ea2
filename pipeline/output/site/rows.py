"""The roofs as a browser adds them up without a server: a short row of JSON each."""

import json
from collections.abc import Sequence
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
from pipeline.methods.method import Field, Total, names
from pipeline.results.finished import open_finished
from pipeline.results.part_sums import source, summed
from pipeline.results.totals import HOUSE, columns_of, flagged, legend_columns, listed_totals
from pipeline.storage.places import Place
from pipeline.storage.slices import SLICE, slices
from pipeline.terms import Location

MOST = 1_000_000  # of 60 bytes: what a telephone can still read
CENTRE = ("centre_x", "centre_y")
PLACE = ("lon", "lat")
DEGREES = 7  # decimals: 1 cm
DECIMALS = 2  # of m2 and kWh, as in the tiles


def check(directory: Place) -> None:
    """Raises InputError for a run of more roofs than a browser can add up."""
    roofs = len(open_finished(directory).table)
    if roofs > MOST:
        raise InputError(
            Location(directory),
            "{found:,} roofs",
            "a browser adds up at most {most:,} without a server. Run it for a municipality"
            " (daklaag run GM0363 ...), or show it with daklaag serve",
            found=roofs,
            most=MOST,
        )


def write(directory: Place, to: Path, progress: Progress, stop: Stop) -> None:
    """Write the roofs that count in the totals as rows of JSON, the first of which names what the
    others hold: lon, lat (null where a roof has no place), class (its number among those of the
    method, null: not judged), excluded, the flags that are counted by class, the columns that add
    up, and of sums with an error each roof's part of it (`error_name`). [degrees, units of the
    columns; 1 and 0 for yes and no]"""
    run = open_finished(directory)
    file, method = run.table.file, run.method
    flags = [flag.name for flag in method.flags if flag.by_class]
    read = columns_of(method)
    listed = [(source(of, t), t.weight, t.where) for of, t in listed_totals(method)]
    errors = [(of, total) for of, total in listed_totals(method) if total.error]
    every = dict.fromkeys([*legend_columns(method), *(name for each in listed for name in each)])
    columns = [name for name in every if name not in (*HOUSE, "")]
    columns += [error_name(total) for _, total in errors]
    parts = -(-len(run.table) // SLICE)
    with to.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write("[" + _text([*PLACE, "class", "excluded", *flags, *columns]))
        for done, part in enumerate(slices(file, [*read, *CENTRE]), 1):
            if stop():
                raise Stopped
            rows = _with_errors(summed(part.filter(part["selected"]), method), errors)
            kind = pc.index_in(rows["class"], pa.array(names(method.classes))).to_pylist()
            flag_values = (flagged(rows, name).astype(int).tolist() for name in flags)
            values = (_values(rows[name]) for name in columns)
            fields = *_degrees(rows), kind, rows["excluded"].to_pylist(), *flag_values, *values
            stream.writelines(",\n" + _text(row) for row in zip(*fields, strict=True))
            progress("totals", min(done, parts), parts)
        stream.write("]\n")


def error_name(total: Total) -> str:
    """What the standard error of a roof's part of a sum is called in a row."""
    return f"{total.name} error"


def _with_errors(rows: pa.Table, totals: Sequence[tuple[Field, Total]]) -> pa.Table:
    for of, total in totals:
        if total.error is not None:
            values = np.asarray(pc.fill_null(rows[source(of, total)], 0.0))
            rows = rows.append_column(error_name(total), pa.array(values * total.error(rows)))
    return rows


def _text(row: Any) -> str:
    return json.dumps(row, separators=(",", ":"), allow_nan=False)


def _degrees(part: pa.Table) -> tuple[list[float | None], list[float | None]]:
    """Longitudes and latitudes of roofs; None for those without a place on Earth."""
    x, y = (pc.fill_null(part[name], np.nan).to_numpy() for name in CENTRE)
    places = np.round(transformer(RD, WGS84).transform(x, y), DEGREES)
    places[:, ~np.isfinite(places).all(axis=0)] = np.nan
    lon, lat = (_known(each) for each in places)
    return lon, lat


def _known(values: NDArray[np.float64]) -> list[float | None]:
    return [None if np.isnan(value) else value for value in values.tolist()]


def _values(column: Any) -> list[float | int | None]:
    """Of booleans 1 where they are true; numbers rounded, whole ones without a point."""
    if pa.types.is_boolean(column.type):
        return pc.cast(pc.fill_null(column, False), pa.int8()).to_pylist()
    return [
        int(value) if value is not None and float(value).is_integer() else value
        for value in pc.round(column, DECIMALS).to_pylist()
    ]
