"""The roofs as a browser adds them up without a server: a short row of JSON each."""

import json
from collections.abc import Callable, Iterator
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
from pipeline.methods.method import Field, Method, Total, names
from pipeline.results.finished import open_finished
from pipeline.results.part_sums import source, summed
from pipeline.results.totals import HOUSE, columns_of, flagged, legend_columns, totals_of
from pipeline.storage.places import Place
from pipeline.storage.slices import SLICE, slices
from pipeline.terms import Location

MOST = 1_000_000  # of 60 bytes: what a telephone can still read
CENTRE = ("centre_x", "centre_y")
PLACE = ("lon", "lat")
DEGREES = 7  # decimals: 1 cm
DECIMALS = 2  # of m2 and kWh, as in the tiles
OF_ITEMS = 1  # of the items of lists, such as months: they are many
OF_ERRORS = 4  # of a share


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
    method, null: not judged), excluded, the flags that are counted by class, the columns and items
    of lists that add up, and the error of each roof's part of sums (`error_columns`), as a share of
    it. [degrees, units of the columns; 1 and 0 for yes and no]"""
    run = open_finished(directory)
    file, method = run.table.file, run.method
    flags = [flag.name for flag in method.flags if flag.by_class]
    read = columns_of(method)
    added = [(source(of, t), t.weight, t.where) for of, t in site_totals(method)]
    every = dict.fromkeys([*legend_columns(method), *(name for each in added for name in each)])
    columns = {name: DECIMALS for name in every if name not in (*HOUSE, "")}
    columns |= {total.name: OF_ITEMS for _, total in site_totals(method) if total.item is not None}
    errors = error_columns(method)
    columns |= dict.fromkeys(errors.values(), OF_ERRORS)
    parts = -(-len(run.table) // SLICE)
    with to.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write("[" + _text([*PLACE, "class", "excluded", *flags, *columns]))
        for done, part in enumerate(slices(file, [*read, *CENTRE]), 1):
            if stop():
                raise Stopped
            rows = summed(part.filter(part["selected"]), method)
            for error, name in errors.items():
                rows = rows.append_column(name, pa.array(error(rows)))
            kind = pc.index_in(rows["class"], pa.array(names(method.classes))).to_pylist()
            flag_values = (flagged(rows, name).astype(int).tolist() for name in flags)
            values = (_values(rows[name], decimals) for name, decimals in columns.items())
            fields = *_degrees(rows), kind, rows["excluded"].to_pylist(), *flag_values, *values
            stream.writelines(",\n" + _text(row) for row in zip(*fields, strict=True))
            progress("totals", min(done, parts), parts)
        stream.write("]\n")


def site_totals(method: Method) -> Iterator[tuple[Field, Total]]:
    """The totals that a site shows, each with its column: those that pages list, and items of
    lists."""
    return ((of, t) for of, t in totals_of(method) if t.listed or t.item is not None)


def error_columns(method: Method) -> dict[Callable[[pa.Table], NDArray[np.float64]], str]:
    """What the columns of errors are called, by the functions that give them: after the first sum
    that has the error."""
    named: dict[Callable[[pa.Table], NDArray[np.float64]], str] = {}
    for _, total in site_totals(method):
        if total.error is not None:
            named.setdefault(total.error, f"{total.name} error")
    return named


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


def _values(column: Any, decimals: int) -> list[float | int | None]:
    """Of booleans 1 where they are true; numbers rounded, whole ones without a point."""
    if pa.types.is_boolean(column.type):
        return pc.cast(pc.fill_null(column, False), pa.int8()).to_pylist()
    return [
        int(value) if value is not None and float(value).is_integer() else value
        for value in pc.round(column, decimals).to_pylist()
    ]
