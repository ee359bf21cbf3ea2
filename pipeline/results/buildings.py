"""The table of buildings: what is known of each row becomes its verdict, and GeoParquet."""

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
import pyproj
import shapely
from numpy.typing import NDArray

from pipeline.engine.engine import prefetch
from pipeline.footprints.footprints import Footprints
from pipeline.footprints.prepared_sort import hilbert
from pipeline.footprints.restrictions import Restricted
from pipeline.methods.powermapping.measure import Measures
from pipeline.methods.powermapping.rules import FLAGS, NOT_KNOWN, Powermapping
from pipeline.results.columns import EDGES, SCHEMA, pandas_metadata

GROUP_ROWS = 16_384  # of a row group of the file: a town is one, or a few
SHARDS = "daklaag:shards"  # the key under which the file tells of its shards
TYPES = {3: "Polygon", 6: "MultiPolygon"}


@dataclass(frozen=True)
class Verdicts:
    """What the passes found of some footprints. reason: why rejected, or None; roof, ground,
    height: [cm], NOT_KNOWN where there is none; cells: own cells with DSM data;
    lit_cells: how many of those are lit at all suns; shadow: bit i set where the deciding cell is
    shaded at sun i; candidate, shadowed: of the wind;
    flags: a mask for each name in FLAGS; selected; excluded: None, solar, wind or both."""

    reason: NDArray[Any]
    roof: NDArray[np.int64]
    ground: NDArray[np.int64]
    height: NDArray[np.int64]
    cells: NDArray[np.int64]
    lit_cells: NDArray[np.int64]
    shadow: NDArray[np.uint8]
    candidate: NDArray[np.bool_]
    shadowed: NDArray[np.bool_]
    flags: dict[str, NDArray[np.bool_]]
    selected: NDArray[np.bool_]
    excluded: NDArray[Any]


@dataclass
class Told:
    """What a report is to know of a shard's rows beside the rows. roofs: cells of footprints on
    the rasters, and without_data of those; kinds: how many footprints each kind of restriction
    excludes; held: the rows of restrictions that hold for any."""

    roofs: int = 0
    without_data: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    held: set[int] = field(default_factory=set)

    def add(self, measures: Measures, restricted: Restricted) -> None:
        """Count some footprints."""
        self.roofs += int(measures.own.sum())
        self.without_data += int((measures.own - measures.cells).sum())
        self.kinds.update(kind for _, kind in restricted.hits)
        self.held |= restricted.rows

    def beside(self, tables: list[pa.Table]) -> pa.Table:
        """The rows as one table that carries this, in the order of prepared footprints."""
        table = pa.concat_tables([SCHEMA.empty_table(), *tables])
        said = {
            "roofs": self.roofs,
            "without_data": self.without_data,
            "kinds": dict(self.kinds),
            "held": sorted(self.held),
        }
        said["rows"] = len(table)
        return in_space(table, json.dumps(said))

    def take_up(self, table: pa.Table) -> dict[str, Any]:
        """Count in what a table carries, and that itself."""
        said: dict[str, Any] = json.loads(table.schema.metadata[b"told"])
        self.roofs += said["roofs"]
        self.without_data += said["without_data"]
        self.kinds.update(said["kinds"])
        self.held |= set(said["held"])
        return said


def in_space(rows: pa.Table, told: str) -> pa.Table:
    """Rows in the order in which footprints are prepared, with what is told of them."""
    centre = np.column_stack([rows[f"centre_{axis}"].to_numpy() for axis in "xy"])
    order = np.lexsort((rows["row"].to_numpy(), hilbert(centre)))
    return rows.take(pa.array(order)).replace_schema_metadata({"told": told})


def rows_of(footprints: Footprints, verdicts: Verdicts, p: Powermapping) -> pa.Table:
    """The rows of some footprints, in their order."""
    f, v = footprints, verdicts
    rejected = ~pd.isna(v.reason)
    lit = (v.shadow[:, None] >> np.arange(len(p.times)) & 1) == 0
    solar, wind = lit.all(axis=1), v.candidate & ~v.shadowed
    share = v.lit_cells / np.maximum(v.cells, 1)  # what is judged has cells
    panels = np.where(solar, p.panel_share * f.area, 0.0)
    kind = np.where(wind, "wind_or_solar", np.where(solar, "solar", "none"))
    edges = [pa.array(f.bounds[:, i], from_pandas=True) for i in range(len(EDGES))]
    box = pa.StructArray.from_arrays(edges, EDGES, mask=pa.array(~f.usable))
    columns: dict[str, pa.Array] = {
        "row": pa.array(f.row),
        "id": _texts(f.id),
        "built": pa.array(f.built, from_pandas=True).cast(pa.int64()),
        "status": _texts(f.status),
        "area_m2": pa.array(f.area, from_pandas=True),
        "ground_m": _metres(v.ground),
        "roof_m": _metres(v.roof),
        "height_m": _metres(v.height),
        "cells": pa.array(v.cells),
        "centre_x": pa.array(f.centre[:, 0], from_pandas=True),
        "centre_y": pa.array(f.centre[:, 1], from_pandas=True),
        "lit": _lists(lit, rejected),
        "solar_suitable": pa.array(solar, mask=rejected),
        "panel_area_m2": pa.array(panels, mask=rejected),
        "solar_kwh": pa.array(panels * p.solar_kwh_m2, mask=rejected),
        "wind_candidate": pa.array(v.candidate, mask=rejected),
        "wind_shadowed": pa.array(v.shadowed, mask=~v.candidate),
        "wind_suitable": pa.array(wind, mask=rejected),
        "wind_kwh": pa.array(np.where(wind, p.turbine_kwh, 0.0), mask=rejected),
        "class": pa.array(kind, pa.string(), mask=rejected),
        "selected": pa.array(v.selected),
        "excluded": _texts(v.excluded),
        "flags": _flags(v.flags),
        "rejected": _texts(v.reason),
        "lit_share": pa.array(share, mask=rejected),
        "lit_area_m2": pa.array(share * f.area, mask=rejected),
        "bbox": box,
        "geometry": pa.array(shapely.to_wkb(f.geometry), pa.binary()),
    }
    return pa.table(columns, schema=SCHEMA)


def _metres(cm: NDArray[np.int64]) -> pa.Array:
    return pa.array(cm / 100.0, mask=cm == NOT_KNOWN)


def _texts(values: NDArray[Any]) -> pa.Array:
    return pa.array(values.tolist(), pa.string())


def _lists(values: NDArray[np.bool_], null: NDArray[np.bool_]) -> pa.Array:
    """A list of the values of each row, or null."""
    offsets = np.arange(len(values) + 1, dtype=np.int32) * values.shape[1]
    items = pa.array(values.reshape(-1))
    return pa.ListArray.from_arrays(pa.array(offsets), items, mask=pa.array(null))


def _flags(flags: dict[str, NDArray[np.bool_]]) -> pa.Array:
    """The names of the flags that are set, of each row."""
    table = np.column_stack([flags[name] for name in FLAGS])
    offsets = np.concatenate([[0], table.sum(axis=1).cumsum()]).astype(np.int32)
    names = pa.array(FLAGS, pa.string()).take(pa.array(np.nonzero(table)[1]))
    return pa.ListArray.from_arrays(pa.array(offsets), names)


def write_buildings(target: Any, tables: Iterable[pa.Table], told: dict[str, Any]) -> None:
    """A GeoParquet 1.1 file in EPSG:28992 of tables of rows, which come in an order in space.
    target: a path or a binary stream; told: filled while the tables come, and kept in the file for
    an update.

    Row groups of GROUP_ROWS are cut as the rows come, and ordered by id and row; so a small file is
    ordered by id and row, and of a large one few row groups are needed for a region. Equal rows
    give equal bytes.
    """
    kinds: set[int] = set()
    boxes = [np.full(4, np.nan)]
    schema = SCHEMA.with_metadata({"pandas": pandas_metadata()})  # pandas looks at Arrow's only
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:
        for group in prefetch(_groups(tables)):  # encoding takes most of the time
            geometry = shapely.from_wkb(group["geometry"].to_numpy(zero_copy_only=False))
            kinds.update(np.unique(shapely.get_type_id(geometry)).tolist())
            boxes.append(shapely.total_bounds(geometry))
            writer.write_table(group, row_group_size=GROUP_ROWS)
        geo = json.dumps(_geo(kinds, np.array(boxes)))
        writer.add_key_value_metadata({"geo": geo, SHARDS: json.dumps(told)})


def _groups(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The rows of a row group after the other, each ordered by id and row."""
    waiting = SCHEMA.empty_table()
    for table in tables:
        waiting = pa.concat_tables([waiting, table.replace_schema_metadata()])
        while len(waiting) >= GROUP_ROWS:
            yield _ordered(waiting.slice(0, GROUP_ROWS))
            waiting = waiting.slice(GROUP_ROWS)
    if len(waiting):
        yield _ordered(waiting)


def _ordered(table: pa.Table) -> pa.Table:
    return table.take(pc.sort_indices(table, [("id", "ascending"), ("row", "ascending")]))


def _geo(kinds: set[int], boxes: NDArray[np.float64]) -> dict[str, Any]:
    """What GeoParquet says of its geometry column."""
    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": sorted(name for kind, name in TYPES.items() if kind in kinds),
        "crs": pyproj.CRS("EPSG:28992").to_json_dict(),
        "covering": {"bbox": {edge: ["bbox", edge] for edge in EDGES}},
    }
    known = boxes[np.isfinite(boxes).all(axis=1)]
    if len(known):
        column["bbox"] = [*known[:, :2].min(axis=0).tolist(), *known[:, 2:].max(axis=0).tolist()]
    return {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
