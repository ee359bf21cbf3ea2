"""An external sort of footprints along a Hilbert curve: in batches, whatever the file.

Each batch becomes a run: sorted, and spilled to disk. What stays in memory of a row is its place on
the curve and the hash of its id; a stretch of the final order is then gathered from all runs.
"""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.engine.engine import Stop
from pipeline.errors import Stopped
from pipeline.grid.crs import RD
from pipeline.storage.geoparquet import EDGES

CELL_M, BITS = 64.0, 14  # the curve fills 2**14 cells a side, from RD 0,0: all of the country
NOWHERE = 1 << 2 * BITS  # on the curve, of what has no centre: after all others
ROW_BITS = 34  # below the place on the curve, in 63 bits
BOX = pa.struct([(edge, pa.float64()) for edge in EDGES])
SCHEMA = pa.schema(
    [
        ("row", pa.int64()),
        ("id", pa.string()),
        ("built", pa.float64()),
        ("status", pa.string()),
        ("has_status", pa.bool_()),
        ("group", pa.string()),
        ("reason", pa.string()),
        ("repaired", pa.bool_()),
        ("repeated", pa.bool_()),
        ("area", pa.float64()),
        ("centre_x", pa.float64()),
        ("centre_y", pa.float64()),
        ("bbox", BOX),
        ("geometry", pa.binary()),
    ]
)


def hilbert(centre: NDArray[np.float64]) -> NDArray[np.int64]:
    """Places on the curve of the cells of (n, 2) centres [m]; NOWHERE for NaN. Centres beyond the
    grid are taken to its border."""
    known = ~np.isnan(centre).any(axis=1)
    cells = np.clip(np.floor(centre[known] / CELL_M), 0, (1 << BITS) - 1).astype(np.int64)
    (x, y), along = cells.T, np.zeros(len(cells), np.int64)
    for bit in reversed(range(BITS)):
        right, up = x >> bit & 1, y >> bit & 1
        along = along << 2 | (3 * right) ^ up
        turned, flipped = up == 0, (up == 0) & (right == 1)
        x, y = np.where(flipped, ~x, x), np.where(flipped, ~y, y)
        x, y = np.where(turned, y, x), np.where(turned, x, y)
    places = np.full(len(centre), NOWHERE)
    places[known] = along
    return places


class Sizes(NamedTuple):
    """Rows that are handled together. batch: read at once; group: of a row group; stretch: of the
    final order, gathered at once; piece: read out of a run."""

    batch: int = 32_768
    group: int = 16_384
    stretch: int = 65_536
    piece: int = 512


SIZES = Sizes()


class SortedRun(NamedTuple):
    """A batch, sorted. keys: of its rows, in that order; hashes: of their ids, in the order of the
    input; bounds: (n, 4) [m]."""

    table: pa.Table
    keys: NDArray[np.int64]
    hashes: NDArray[np.uint64]
    bounds: NDArray[np.float64]


def sorted_run(rows: pd.DataFrame, geometry: dict[str, NDArray[Any]], first: int) -> SortedRun:
    """A batch as a run. geometry: by geometry_columns; first: the row of its first in the input."""
    row = np.arange(first, first + len(rows))
    keys = hilbert(geometry["centre"]) << ROW_BITS | row
    order = np.argsort(keys)
    box = [pa.array(edge, from_pandas=True) for edge in geometry["bounds"].T]
    without_polygon = pa.array(pd.notna(geometry["reason"]))
    columns: dict[str, Any] = {
        "row": row,
        "id": pa.array(rows["id"], pa.string()),
        "built": pa.array(rows["built"].to_numpy(np.float64), from_pandas=True),
        "status": pa.array(rows["status"], pa.string()),
        "has_status": rows["has_status"].to_numpy(np.bool_),
        "group": pa.array(rows["group"], pa.string()),
        "reason": pa.array(geometry["reason"], pa.string()),
        "repaired": geometry["repaired"],
        "repeated": np.zeros(len(rows), np.bool_),  # not known yet
        "area": pa.array(geometry["area"], from_pandas=True),
        "centre_x": pa.array(geometry["centre"][:, 0], from_pandas=True),
        "centre_y": pa.array(geometry["centre"][:, 1], from_pandas=True),
        "bbox": pa.StructArray.from_arrays(box, fields=list(BOX), mask=without_polygon),
        "geometry": pa.array(geometry["wkb"], pa.binary()),
    }
    ids = rows["id"].to_numpy(object)
    hashes = pd.util.hash_array(ids, categorize=False)
    hashes[ids == ""] = 0  # never a repeated one
    table = pa.table(columns, schema=SCHEMA).take(order)
    return SortedRun(table, keys[order], hashes, geometry["bounds"])


class Sorter:
    """An external sort: runs in, rows in order out."""

    def __init__(self, spill: Path, sizes: Sizes) -> None:
        self._file, self._sizes = spill, sizes
        self._spill = pa.ipc.new_file(spill, SCHEMA)
        self._keys: list[NDArray[np.int64]] = []
        self._hashes: list[NDArray[np.uint64]] = []
        self._low, self._high = np.full((2, 2), np.inf) * [[1], [-1]]
        self.count = 0

    @property
    def bounds(self) -> tuple[float, ...]:
        """The rectangle around all polygons [m]; NaN if there is none."""
        edges = np.concatenate([self._low, self._high])
        return tuple(np.where(np.isfinite(edges), edges, np.nan).tolist())

    def add(self, run: SortedRun) -> None:
        """Take the next run."""
        self._spill.write_table(run.table.combine_chunks(), max_chunksize=self._sizes.piece)
        self._keys.append(run.keys)
        self._hashes.append(run.hashes)
        self._low = np.fmin.reduce([self._low, *run.bounds[:, :2]])
        self._high = np.fmax.reduce([self._high, *run.bounds[:, 2:]])
        self.count += len(run.keys)

    def finish(self) -> tuple[Iterator[pa.Table], Iterator[pa.Table]]:
        """Stretches of the rows with a centre, and of those without one, in order."""
        self._spill.close()
        repeated = _repeated(self._hashes)
        self._hashes.clear()
        keys = np.concatenate(self._keys)
        keys.sort()
        usable = int(np.searchsorted(keys, NOWHERE << ROW_BITS))
        stretch = self._sizes.stretch
        there = [*keys[:usable:stretch].tolist(), NOWHERE << ROW_BITS]
        rest = [*keys[usable::stretch].tolist(), np.iinfo(np.int64).max]
        return self._gather(there, repeated), self._gather(rest, repeated)

    def _gather(self, starts: list[int], repeated: NDArray[np.bool_]) -> Iterator[pa.Table]:
        piece = self._sizes.piece
        pieces = np.cumsum([0, *(-(-len(keys) // piece) for keys in self._keys)])
        with pa.OSFile(str(self._file)) as stream:
            spill = pa.ipc.open_file(stream)
            for low, high in pairwise(starts):
                tables, parts = [], []
                for first, keys in zip(pieces.tolist(), self._keys, strict=False):
                    a, b = np.searchsorted(keys, (low, high)).tolist()
                    if a < b:
                        inside = range(first + a // piece, first + (b - 1) // piece + 1)
                        run = pa.Table.from_batches([spill.get_batch(i) for i in inside])
                        tables.append(run.slice(a % piece, b - a))
                        parts.append(keys[a:b])
                table = pa.concat_tables(tables).combine_chunks()
                table = table.take(np.argsort(np.concatenate(parts)))
                again = pa.array(repeated[table["row"].to_numpy()])
                yield table.set_column(SCHEMA.get_field_index("repeated"), "repeated", again)


def _repeated(hashes: list[NDArray[np.uint64]]) -> NDArray[np.bool_]:
    """Which hashes occur more than once; 0 never counts."""
    ordered = np.concatenate(hashes)
    ordered.sort()
    again = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    again = again[again != 0]
    return np.concatenate([_among(part, again) for part in hashes])


def _among(values: NDArray[np.uint64], ordered: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which values occur in ordered ones. Many times, `np.isin` would sort those each time."""
    if not len(ordered):
        return np.zeros(len(values), np.bool_)
    at = np.searchsorted(ordered, values)
    return np.asarray(ordered[np.minimum(at, len(ordered) - 1)] == values)


def write_sorted(
    target: Any, stretches: Iterator[pa.Table], bounds: tuple[float, ...], group: int, stop: Stop
) -> None:
    """Write a GeoParquet 1.1 file of tables with SCHEMA to a binary stream. group: rows of a row
    group. Raises Stopped when the flag is up."""
    covering = {edge: ["bbox", edge] for edge in EDGES}
    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": [],
        "crs": RD.to_json_dict(),
        "covering": {"bbox": covering},
    }
    if np.isfinite(bounds).all():
        column["bbox"] = list(bounds)
    geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
    schema = SCHEMA.with_metadata({"geo": json.dumps(geo)})
    with pq.ParquetWriter(
        target,
        schema,
        compression="zstd",
        use_dictionary=["status", "group", "reason"],
        write_statistics=[*(f"bbox.{edge}" for edge in EDGES), "group"],
    ) as writer:
        for table in stretches:
            if stop():
                raise Stopped
            writer.write_table(table, row_group_size=group)
