"""Addresses of files: BAG's layer `verblijfsobject`, pages of the national service, or a CSV."""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import shapely
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.grid.crs import DEGREES, RD, transformer
from pipeline.storage.files import check_file
from pipeline.terms import File, Reason
from pipeline.vectors.files import column, faults, is_parquet, open_vector
from pipeline.vectors.layers import layers_in

LAYER = "verblijfsobject"
# The names of each column, BAG's first, in any case.
NAMES = {
    "street": ("openbare_ruimte_naam", "openbareruimtenaam", "straatnaam", "straat", "street"),
    "number": ("huisnummer", "number"),
    "postcode": ("postcode",),
    "place": ("woonplaats_naam", "woonplaatsnaam", "woonplaats", "place"),
    "letter": ("huisletter", "letter"),
    "addition": ("toevoeging", "huisnummertoevoeging", "huisnummer_toevoeging", "addition"),
    "building": ("pand_identificatie", "pandidentificatie", "pand_id", "pandid", "building"),
}
NEEDED = ("street", "number", "postcode", "place")
COORDINATES = (("x", "y"), ("lon", "lat"))  # of a CSV: RD metres, or degrees
COUNTRY = (-10_000.0, 290_000.0, 300_000.0, 640_000.0)  # a point elsewhere is not known, RD [m]
BUILDING = re.compile(r"(?<!\d)\d{15,16}(?!\d)")  # a spreadsheet drops the zero before it
MOST_NUMBER = 99_999  # of a house
SIZE = 100_000  # rows read at once
BLOCK = 1 << 24  # bytes of a CSV read at once


class AddressBatch(NamedTuple):
    """Addresses, n of them. street, suffix, postcode, place: lists of texts ("" is none), suffix
    being letter and addition; number: (n,) int64, 0 is none; buildings: tuples of ids of 16 digits
    as integers; points: (n, 2) RD [m], NaN where unknown."""

    street: list[str]
    number: NDArray[np.int64]
    suffix: list[str]
    postcode: list[str]
    place: list[str]
    buildings: list[tuple[int, ...]]
    points: NDArray[np.float64]


def read_addresses(files: Iterable[str | Path]) -> Iterator[AddressBatch]:
    """The addresses of files, SIZE or fewer at once, in their order.

    Raises InputError for a file that cannot be read, or lacks a column that is needed.
    """
    for file in map(str, files):
        check_file(file)
        yield from (_read_csv if file.lower().endswith(".csv") else _read_vector)(file)


def _read_vector(file: str) -> Iterator[AddressBatch]:
    vector = open_vector(file, _layer(file))
    names = _columns(file, vector.empty.columns, located=True)
    for batch in vector.batches(list(names.values()), SIZE):
        rows = vector.decode(batch)
        middle = shapely.centroid(rows.geometry.to_numpy())
        middle[shapely.is_empty(middle)] = None
        yield _batch(rows, names, np.column_stack([shapely.get_x(middle), shapely.get_y(middle)]))
    vector.transform.check()


def _layer(file: str) -> str | None:
    """BAG's layer, else the only one. Raises InputError for several others."""
    with faults(file):
        layers = [] if is_parquet(file) else layers_in(file)
    if len(layers) > 1 and LAYER not in layers:
        raise InputError(
            File(file),
            "has the layers {layers}",
            "give a file with the layer {layer}, or with one",
            layers=layers,
            layer=LAYER,
        )
    return LAYER if LAYER in layers else None


def _read_csv(file: str) -> Iterator[AddressBatch]:
    with _csv_faults(file):
        with open(file, encoding="utf-8-sig") as stream:
            header, more = stream.readline().rstrip("\r\n"), stream.read(1)
        mark = max(",;\t", key=header.count)
        written = [name.strip().strip('"') for name in header.split(mark)]
    axes = next((pair for pair in COORDINATES if all(_in(written, a) for a in pair)), None)
    names = _columns(file, written, located=axes is not None)
    with _csv_faults(file):
        for batch in _csv_batches(file, mark, written) if more else ():
            rows = batch.to_pandas()
            points = np.full((len(rows), 2), np.nan)
            if axes is not None:
                points = _points(rows, [_in(written, axis) for axis in axes], axes)
            yield _batch(rows, names, points)


def _csv_batches(file: str, mark: str, written: list[str]) -> Iterator[Any]:
    """All columns as text."""
    options = pa_csv.ReadOptions(block_size=BLOCK, column_names=written, skip_rows_after_names=1)
    kinds = pa_csv.ConvertOptions(column_types=dict.fromkeys(written, pa.string()))
    yield from pa_csv.open_csv(file, options, pa_csv.ParseOptions(delimiter=mark), kinds)


@contextmanager
def _csv_faults(file: str) -> Iterator[None]:
    """Turn an exception of a reader into InputError."""
    try:
        yield
    except (OSError, ValueError) as error:  # pyarrow's are ValueErrors
        raise InputError(
            File(file),
            "cannot be read as a CSV of addresses ({reason})",
            "separate by commas or semicolons, in UTF-8",
            reason=Reason(" ".join(str(error).split())[:200]),
        ) from None


def _in(written: Sequence[str], name: str) -> str | None:
    return next((each for each in written if each.lower() == name), None)


def _columns(file: str, written: Iterable[str], located: bool) -> dict[str, str]:
    """The columns of a file by our names. Raises InputError where one that is needed is missing.
    located: whether each address has a point."""
    empty = pd.DataFrame(columns=list(written))
    names = {name: column(empty, *NAMES[name]) for name in NAMES}
    missing = [name for name in NEEDED if names[name] is None]
    if not located and names["building"] is None:
        missing.append("building")
    if missing:
        raise InputError(
            File(file),
            "addresses without {columns: and }",
            "give the columns of BAG, or those that docs/inputs.md names",
            columns=[NAMES[name][0] for name in missing],
        )
    found = {name: written for name, written in names.items() if written is not None}
    for name in found.values():
        if [*empty.columns].count(name) > 1:
            raise InputError(File(file), "two columns {name!r}", "rename one", name=name)
    return found


def _batch(rows: pd.DataFrame, names: dict[str, str], points: NDArray[np.float64]) -> AddressBatch:
    text = partial(_texts, rows, names)
    number = pd.to_numeric(rows[names["number"]], errors="coerce").astype(np.float64)
    number = number.where(number.between(1, MOST_NUMBER) & (number % 1 == 0), 0)
    suffix = [
        letter + (f"-{addition}" if addition else "")
        for letter, addition in zip(text("letter"), text("addition"), strict=True)
    ]
    x, y = points.T
    west, south, east, north = COUNTRY
    inside = (x >= west) & (x <= east) & (y >= south) & (y <= north)  # never so of NaN
    return AddressBatch(
        text("street"),
        number.to_numpy().astype(np.int64),
        suffix,
        [each.replace(" ", "").upper() for each in text("postcode")],
        text("place"),
        [tuple(map(int, BUILDING.findall(each))) for each in text("building")],
        np.where(inside[:, None], points, np.nan),
    )


def _texts(rows: pd.DataFrame, names: dict[str, str], name: str) -> list[str]:
    if name not in names:
        return [""] * len(rows)
    values = rows[names[name]]
    return [
        " ".join(str(v).split()) if known else ""
        for v, known in zip(values, values.notna(), strict=True)
    ]


def _points(
    rows: pd.DataFrame, names: Sequence[str | None], axes: tuple[str, str]
) -> NDArray[np.float64]:
    x, y = (
        pd.to_numeric(rows[name].str.replace(",", "."), errors="coerce").to_numpy(np.float64)
        for name in names
    )
    if axes != COORDINATES[0]:
        x, y = transformer(DEGREES, RD).transform(x, y)
    return np.column_stack([x, y])
