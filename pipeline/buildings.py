"""The table of buildings: what is known of each row becomes its verdict, and GeoParquet."""

import io
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyproj
import shapely
from numpy.typing import NDArray

from pipeline.footprints import Footprints
from pipeline.methods.powermapping import FLAGS, NOT_KNOWN, Powermapping

SCHEMA = pa.schema(
    [
        ("row", pa.int64()),
        ("id", pa.string()),
        ("built", pa.int64()),
        ("status", pa.string()),
        ("area_m2", pa.float64()),
        ("ground_m", pa.float64()),
        ("roof_m", pa.float64()),
        ("height_m", pa.float64()),
        ("cells", pa.int64()),
        ("centre_x", pa.float64()),
        ("centre_y", pa.float64()),
        ("lit", pa.list_(pa.bool_())),
        ("solar_suitable", pa.bool_()),
        ("panel_area_m2", pa.float64()),
        ("solar_kwh", pa.float64()),
        ("wind_candidate", pa.bool_()),
        ("wind_shadowed", pa.bool_()),
        ("wind_suitable", pa.bool_()),
        ("wind_kwh", pa.float64()),
        ("class", pa.string()),
        ("selected", pa.bool_()),
        ("excluded", pa.string()),
        ("flags", pa.list_(pa.string())),
        ("rejected", pa.string()),
        ("geometry", pa.binary()),
    ]
)


@dataclass(frozen=True)
class Verdicts:
    """What the passes found, of all footprints by row. reason: why rejected, or None; roof,
    ground, height: [cm], NOT_KNOWN where there is none; cells: own cells with DSM data;
    shadow: bit i set where the deciding cell is shaded at sun i; candidate, shadowed: of the wind;
    flags: a mask for each name in FLAGS; selected; excluded: None, solar, wind or both."""

    reason: NDArray[Any]
    roof: NDArray[np.int64]
    ground: NDArray[np.int64]
    height: NDArray[np.int64]
    cells: NDArray[np.int64]
    shadow: NDArray[np.int64]
    candidate: NDArray[np.bool_]
    shadowed: NDArray[np.bool_]
    flags: dict[str, NDArray[np.bool_]]
    selected: NDArray[np.bool_]
    excluded: NDArray[Any]


def to_table(
    footprints: Footprints, verdicts: Verdicts, rows: NDArray[np.int64], p: Powermapping
) -> pa.Table:
    """The buildings of some rows, ordered by id and row."""
    rows = rows[np.argsort(footprints.id[rows], kind="stable")]
    f, v = footprints, verdicts
    rejected = ~pd.isna(v.reason)
    lit = (v.shadow[:, None] >> np.arange(len(p.times)) & 1) == 0
    solar, wind = lit.all(axis=1), v.candidate & ~v.shadowed
    panels = np.where(solar, p.panel_share * f.area, 0.0)
    judged = {
        "solar_suitable": solar,
        "panel_area_m2": panels,
        "solar_kwh": panels * p.solar_kwh_m2,
        "wind_candidate": v.candidate,
        "wind_suitable": wind,
        "wind_kwh": np.where(wind, p.turbine_kwh, 0.0),
        "class": np.where(wind, "wind_or_solar", np.where(solar, "solar", "none")),
    }
    columns: dict[str, pa.Array] = {
        "row": pa.array(rows),
        "id": _texts(f.id[rows]),
        "built": pa.array(f.built[rows], from_pandas=True).cast(pa.int64()),
        "status": _texts(f.status[rows]),
        "area_m2": pa.array(f.area[rows], from_pandas=True),
        "ground_m": _metres(v.ground[rows]),
        "roof_m": _metres(v.roof[rows]),
        "height_m": _metres(v.height[rows]),
        "cells": pa.array(v.cells[rows]),
        "centre_x": pa.array(f.centre[rows, 0], from_pandas=True),
        "centre_y": pa.array(f.centre[rows, 1], from_pandas=True),
        "lit": _lists(lit[rows], rejected[rows]),
        "wind_shadowed": pa.array(v.shadowed[rows], mask=~v.candidate[rows]),
        "selected": pa.array(v.selected[rows]),
        "excluded": _texts(v.excluded[rows]),
        "flags": _flags(v.flags, rows),
        "rejected": _texts(v.reason[rows]),
        "geometry": pa.array(shapely.to_wkb(f.geometry[rows]), pa.binary()),
    }
    columns |= {
        name: pa.array(values[rows], mask=rejected[rows]) for name, values in judged.items()
    }
    return pa.table({name: columns[name] for name in SCHEMA.names}, schema=SCHEMA)


def _metres(cm: NDArray[np.int64]) -> pa.Array:
    return pa.array(cm / 100.0, mask=cm == NOT_KNOWN)


def _texts(values: NDArray[Any]) -> pa.Array:
    return pa.array(values.tolist(), pa.string())


def _lists(values: NDArray[np.bool_], null: NDArray[np.bool_]) -> pa.Array:
    lists = [None if n else v for n, v in zip(null.tolist(), values.tolist(), strict=True)]
    return pa.array(lists, pa.list_(pa.bool_()))


def _flags(flags: dict[str, NDArray[np.bool_]], rows: NDArray[np.int64]) -> pa.Array:
    table = np.column_stack([flags[name][rows] for name in FLAGS])
    names = np.array(FLAGS, object)
    return pa.array([names[line].tolist() for line in table], pa.list_(pa.string()))


def geoparquet(table: pa.Table) -> bytes:
    """The table as a GeoParquet 1.1 file in EPSG:28992; equal tables give equal bytes."""
    geometry = shapely.from_wkb(table["geometry"].to_numpy(zero_copy_only=False))
    kinds = {g.geom_type for g in geometry if g is not None}
    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": sorted(kinds),
        "crs": pyproj.CRS("EPSG:28992").to_json_dict(),
    }
    bounds = shapely.total_bounds(geometry).tolist()
    if np.isfinite(bounds).all():
        column["bbox"] = bounds
    geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
    stream = io.BytesIO()
    pq.write_table(
        table.replace_schema_metadata({"geo": json.dumps(geo)}), stream, compression="zstd"
    )
    return stream.getvalue()
