"""Features as GeoJSON, and the JSON Schemas of what OGC API - Features answers."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import shapely

from pipeline.grid.crs import to_degrees
from pipeline.methods.method import Column
from pipeline.results.parts import feature_ids
from service.api.answers import LINKS, TEXT, array_schema, object_schema
from service.api.query import CRS84, RD_CRS

DECIMALS = {CRS84: 7, RD_CRS: 3}  # 1 cm, 1 mm
COLLECTION = object_schema(
    "id links crs storageCrs itemType",
    id=TEXT,
    title=TEXT,
    description=TEXT,
    attribution=TEXT,
    extent={"type": "object"},
    itemType={"const": "feature"},
    crs=array_schema(TEXT),
    storageCrs=TEXT,
    links=LINKS,
)
COLLECTIONS = object_schema("collections links", collections=array_schema(COLLECTION), links=LINKS)
FEATURE = object_schema(
    "type id geometry properties",
    type={"const": "Feature"},
    id={"type": ["integer", "string"]},
    geometry={"type": ["object", "null"]},
    properties={"type": "object"},
    links=LINKS,
)
NUMBER_OF = {"type": "integer", "minimum": 0}
PAGE = object_schema(
    "type features numberReturned timeStamp links",
    type={"const": "FeatureCollection"},
    features=array_schema(FEATURE),
    numberReturned=NUMBER_OF,
    numberMatched=NUMBER_OF,
    timeStamp={"type": "string", "format": "date-time"},
    links=LINKS,
)


def features_of(rows: pa.Table, crs: str, part: Column | None = None) -> list[str]:
    """Rows of a flat table as GeoJSON features, in a CRS, rounded to what it bears. part: the
    column that the table is made of, None for buildings."""
    geometry = shapely.from_wkb(rows["geometry"].to_numpy())
    if crs == CRS84:
        geometry = to_degrees(geometry)
        geometry[~np.isfinite(shapely.bounds(geometry)).all(axis=1)] = None
    shapes = shapely.to_geojson(rounded(geometry, crs))
    properties = rows.drop_columns(["geometry"]).to_pylist()
    ids = feature_ids(rows, part).to_pylist()
    return [
        f'{{"type": "Feature", "id": {json.dumps(id_)}, "geometry": {shape or "null"},'
        f' "properties": {json.dumps(each)}}}'
        for id_, each, shape in zip(ids, properties, shapes, strict=True)
    ]


def rounded(geometry: Any, crs: str) -> Any:
    """Coordinates with as many decimals as the CRS bears."""
    return shapely.transform(geometry, lambda points: points.round(DECIMALS[crs]))
