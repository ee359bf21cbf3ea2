"""The footprints of the generated nation as GeoParquet, in an order that is none of space."""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyproj
import shapely

from bench.nation.houses import STATUSES, houses
from bench.nation.land import Land, squares_of, squares_touching
from pipeline.heights.ahn_index import AhnSheet

ROW_GROUP = 65_536
MADE_FROM = b"nation"
SCHEMA = pa.schema(
    [
        ("identificatie", pa.string()),
        ("bouwjaar", pa.int32()),
        ("status", pa.string()),
        ("geometry", pa.binary()),
    ]
)
Bounds = tuple[float, float, float, float]
Map = Callable[[Callable[[AhnSheet], pa.Table], list[AhnSheet]], Iterable[pa.Table]]


def write_table(
    path: Path, land: Land, places: list[AhnSheet], within: Bounds | None, spread: Map
) -> int:
    """Write the footprints of some sheets, unless they are there. Returns how many there are.

    within: only those of squares that meet this rectangle; spread: a `map` that may work on many
    sheets at once. The sheets come in an order by chance, as do the footprints of each.
    """
    names = [place.name for place in places]
    made_from = json.dumps([land.seed, round(land.density.sum()), names, within]).encode()
    if path.exists() and pq.read_schema(path).metadata.get(MADE_FROM) == made_from:
        return int(pq.read_metadata(path).num_rows)
    order = np.random.default_rng([land.seed, 30]).permutation(len(places))
    tables = spread(lambda place: _table(land, place, within), [places[i] for i in order])
    schema = SCHEMA.with_metadata({b"geo": _geo(), MADE_FROM: made_from})
    part = path.with_name(f"partial-{path.name}")
    with pq.ParquetWriter(part, schema, compression="snappy") as writer:
        for group in _groups(tables):
            writer.write_table(group, row_group_size=ROW_GROUP)
    part.replace(path)
    return int(pq.read_metadata(path).num_rows)


def _groups(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The rows regrouped into tables of ROW_GROUP rows."""
    held: list[pa.Table] = []
    for table in tables:
        held.append(table)
        if sum(map(len, held)) >= ROW_GROUP:
            every = pa.concat_tables(held)
            whole = len(every) // ROW_GROUP * ROW_GROUP
            yield every.slice(0, whole)
            held = [every.slice(whole)]
    yield pa.concat_tables(held)


def _table(land: Land, place: AhnSheet, within: Bounds | None) -> pa.Table:
    column, row = squares_of(place)
    if within is not None:
        near = squares_touching(within)
        kept = np.isin(column, near[0]) & np.isin(row, near[1])
        column, row = column[kept], row[kept]
    found = houses(land, column, row)
    order = np.random.default_rng([land.seed, 31, int(column.sum()), int(row.sum())])
    mixed = order.permutation(len(found))
    columns: dict[str, Any] = {
        "identificatie": pa.array(found.id[mixed]).cast(pa.string()),
        "bouwjaar": pa.array(found.built[mixed]),
        "status": pa.array(STATUSES).take(pa.array(found.status[mixed])),
        "geometry": pa.array(shapely.to_wkb(found.geometry[mixed]), pa.binary()),
    }
    return pa.table(columns, schema=SCHEMA)


def _geo() -> bytes:
    values = {
        "version": "1.0.0",
        "primary_column": "geometry",
        "columns": {
            "geometry": {
                "encoding": "WKB",
                "geometry_types": ["Polygon"],
                "crs": pyproj.CRS(28992).to_json_dict(),
            }
        },
    }
    return json.dumps(values).encode()
