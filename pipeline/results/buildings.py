"""The table of buildings: verdicts become rows, and rows GeoParquet."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.areas.selection import within_circle
from pipeline.engine.engine import prefetch
from pipeline.footprints.prepared import centres_of
from pipeline.footprints.prepared_sort import hilbert
from pipeline.footprints.restrictions import Restricted
from pipeline.footprints.scope import shards_of
from pipeline.grid.windows import Layout, Shard
from pipeline.methods.buildings import NOT_KNOWN, Judged, Measured, flags_of
from pipeline.methods.context import Context
from pipeline.methods.house import own_columns
from pipeline.methods.lists import as_lists
from pipeline.methods.method import Method, names
from pipeline.results.columns import pandas_metadata
from pipeline.storage.geo_metadata import GeoMetadata
from pipeline.storage.geoparquet import EDGES, GeoParquet, Rows
from pipeline.storage.slices import Rectangle

GROUP_ROWS = 16_384  # of a row group of the file: a town is one, or a few
SHARDS = "daklaag:shards"  # the key of the file's metadata on its shards
COUNTS = b"counts"  # the key of the counts in the metadata of a shard's rows


@dataclass
class Counts:
    """Counts for the report that rows do not hold. roofs: cells of footprints on the rasters, and
    without_data of those; kinds: how many footprints each kind of restriction excludes; held: the
    rows of restrictions that hold for any."""

    roofs: int = 0
    without_data: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    held: set[int] = field(default_factory=set)

    def add(self, measured: Measured, restricted: Restricted) -> None:
        """Count some footprints."""
        self.roofs += int(measured.own.sum())
        self.without_data += int((measured.own - measured.cells).sum())
        self.kinds.update(kind for _, kind in restricted.hits)
        self.held |= restricted.rows

    def with_rows(self, tables: list[pa.Table], schema: pa.Schema) -> pa.Table:
        """The rows as one table that carries the counts, in the order of prepared footprints."""
        table = pa.concat_tables([schema.empty_table(), *tables])
        counts = {
            "roofs": self.roofs,
            "without_data": self.without_data,
            "kinds": dict(self.kinds),
            "held": sorted(self.held),
            "rows": len(table),
        }
        return in_space(table, json.dumps(counts))

    def add_table(self, table: pa.Table) -> dict[str, Any]:
        """Add the counts that a table carries, and return these."""
        counts: dict[str, Any] = json.loads(table.schema.metadata[COUNTS])
        self.roofs += counts["roofs"]
        self.without_data += counts["without_data"]
        self.kinds.update(counts["kinds"])
        self.held |= set(counts["held"])
        return counts


def in_space(rows: pa.Table, counts: str) -> pa.Table:
    """Rows in the order in which footprints are prepared, with counts of them."""
    order = np.lexsort((rows["row"].to_numpy(), hilbert(centres_of(rows))))
    return rows.take(pa.array(order)).replace_schema_metadata({COUNTS: counts})


def rows_by_shard(rows: pa.Table, layout: Layout) -> dict[Shard, pa.Table]:
    """The rows that have a centre, by the shard that holds it, in their order."""
    rows = rows.filter(pc.is_valid(rows["centre_x"]))
    owners = shards_of(layout, centres_of(rows))
    places, which, counts = np.unique(owners, axis=0, return_inverse=True, return_counts=True)
    rows = rows.take(pa.array(np.argsort(which.reshape(-1), kind="stable")))
    starts = np.cumsum(counts) - counts
    cuts = zip(places.tolist(), starts.tolist(), counts.tolist(), strict=True)
    return {Shard(*place): rows.slice(start, count) for place, start, count in cuts}


def marked_rows(table: GeoParquet, name: str, rectangle: Rectangle) -> Rows:
    """The rows whose footprint may touch a rectangle [m] and for which a column of booleans is
    true: it, and their centres."""
    rows = table.within(rectangle, [name, "centre_x", "centre_y"])
    return rows.take(np.flatnonzero(pc.fill_null(rows.columns[name], False)))


def rows_of(method: Method, context: Context, judged: Judged, counts: Counts) -> pa.Table:
    """The rows of footprints of the area, in their order, which are added to the counts."""
    m, f = judged.measured, judged.measured.footprints
    restricted = context.restrictions.on(f)
    counts.add(m, restricted)
    flags = flags_of(m, context.terrain, context.p) | {"restricted": restricted.flagged}
    edges = [pa.array(f.bounds[:, i], from_pandas=True) for i in range(len(EDGES))]
    columns: dict[str, pa.Array] = {
        "row": pa.array(f.row),
        "id": _texts(f.id),
        "built": pa.array(f.built, from_pandas=True).cast(pa.int64()),
        "status": _texts(f.status),
        "area_m2": pa.array(f.area, from_pandas=True),
        "ground_m": _metres(m.ground),
        "roof_m": _metres(m.roof),
        "height_m": _metres(m.height),
        "cells": pa.array(m.cells),
        "centre_x": pa.array(f.centre[:, 0], from_pandas=True),
        "centre_y": pa.array(f.centre[:, 1], from_pandas=True),
        "selected": pa.array(within_circle(f.centre, context.around)),
        "excluded": _texts(restricted.excluded),
        "flags": _flags(flags | dict(judged.flags), [term.name for term in method.flags], len(f)),
        "rejected": _texts(m.reason),
        "bbox": pa.StructArray.from_arrays(edges, EDGES, mask=pa.array(~f.usable)),
        "geometry": pa.array(f.wkb, pa.binary()),
    }
    rejected = ~pd.isna(m.reason)
    _check_declared(method, judged)
    for name, values in {**judged.columns, "class": judged.classes}.items():
        columns[name] = _unless(rejected, values, method.schema.field(name).type)
    every = [
        columns[field.name] if field.name in columns else pa.nulls(len(f), field.type)
        for field in method.schema
    ]
    return pa.table(every, schema=method.schema)


def _check_declared(method: Method, judged: Judged) -> None:
    """Raises ValueError if the last pass gave other columns or flags than its method declares."""
    columns, flags = set(names(own_columns(method))), set(names(method.flags))
    given = judged.columns.keys() or columns  # where all are rejected there are none
    if given != columns or not judged.flags.keys() <= flags:
        odd = (given ^ columns) | (judged.flags.keys() - flags)
        raise ValueError(f"method {method.name}: not as it declares: {', '.join(sorted(odd))}")


def _metres(cm: NDArray[np.int64]) -> pa.Array:
    return pa.array(cm / 100.0, mask=cm == NOT_KNOWN)


def _texts(values: NDArray[Any]) -> pa.Array:
    return pa.array(values.tolist(), pa.string())


def _unless(rejected: NDArray[np.bool_], values: Any, kind: pa.DataType) -> pa.Array:
    """The values of a method's column, null where a footprint is rejected."""
    if isinstance(values, pa.Array):
        return pc.if_else(pa.array(rejected), pa.scalar(None, kind), values)
    if values.ndim == 1:
        return pa.array(values, kind, mask=rejected)
    return as_lists(values, null=rejected)


def _flags(flags: dict[str, NDArray[np.bool_]], names: list[str], n: int) -> pa.Array:
    """The names of the flags that are set, of each of n rows."""
    table = np.column_stack([flags.get(name, np.zeros(n, np.bool_)) for name in names])
    offsets = np.concatenate([[0], table.sum(axis=1).cumsum()]).astype(np.int32)
    set_ = pa.array(names, pa.string()).take(pa.array(np.nonzero(table)[1]))
    return pa.ListArray.from_arrays(pa.array(offsets), set_)


def write_buildings(
    target: Any, tables: Iterable[pa.Table], beside: dict[str, Any], schema: pa.Schema
) -> None:
    """A GeoParquet 1.1 file in EPSG:28992 of tables of rows, which come in an order in space.
    target: a path or a binary stream; beside: filled while the tables come, and kept in the file
    for an update.

    Row groups of GROUP_ROWS are cut as the rows come, and ordered by id and row; so a small file is
    ordered by id and row, and of a large one few row groups are needed for a region. Equal rows
    give equal bytes.
    """
    metadata = GeoMetadata()
    schema = schema.with_metadata({"pandas": pandas_metadata(schema)})  # pandas looks there only
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:
        for group in prefetch(_groups(tables, schema)):  # encoding takes most of the time
            metadata.add(group)
            writer.write_table(group, row_group_size=GROUP_ROWS)
        writer.add_key_value_metadata({"geo": metadata.text, SHARDS: json.dumps(beside)})


def _groups(tables: Iterable[pa.Table], schema: pa.Schema) -> Iterator[pa.Table]:
    """The rows of one row group after another, each ordered by id and row."""
    waiting = schema.remove_metadata().empty_table()
    for table in tables:
        waiting = pa.concat_tables([waiting, table.replace_schema_metadata()])
        while len(waiting) >= GROUP_ROWS:
            yield _ordered(waiting.slice(0, GROUP_ROWS))
            waiting = waiting.slice(GROUP_ROWS)
    if len(waiting):
        yield _ordered(waiting)


def _ordered(table: pa.Table) -> pa.Table:
    return table.take(pc.sort_indices(table, [("id", "ascending"), ("row", "ascending")]))
