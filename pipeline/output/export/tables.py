"""The tables of a run as files and vector layers, a row group at a time."""

import shutil
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyogrio
import pyproj
import shapely

from pipeline.errors import OutputError
from pipeline.messages import Text
from pipeline.output.export import geopackage, qgis
from pipeline.output.export.layers import TableLayer, requested
from pipeline.output.export.request import ExportRequest
from pipeline.results import spreadsheets
from pipeline.results.filter_parts import GEOMETRY
from pipeline.results.parts import PartTable, feature_ids, write_parts
from pipeline.storage.places import opened
from pipeline.terms import File

RD = "EPSG:28992"
WGS84 = "EPSG:4326"
ROWS_AT_ONCE = 8192  # as Python objects
FEATURE_ID = "feature_id"  # a copy: GDAL drops its id field from the properties
Convert = Callable[[np.ndarray], np.ndarray]


def write_parquet(request: ExportRequest) -> Text:
    """The table of buildings as the run left it, or one of their parts as GeoParquet."""
    layer = requested(request)[0]
    if isinstance(layer.table, PartTable):
        write_parts(layer.table, request.to)
        return layer.description
    with opened(layer.table.file) as source, request.to.open("wb") as target:
        shutil.copyfileobj(source, target)
    return layer.description


def write_csv(request: ExportRequest) -> Text:
    """A table without outlines."""
    layer = requested(request)[0]
    parts = (spreadsheets.without_formulas(rows) for rows in layer.without_outlines())
    first = next(parts)
    with pyarrow.csv.CSVWriter(request.to, first.schema) as target:
        for part in chain([first], parts):
            target.write_table(part)
    return layer.description


def write_xlsx(request: ExportRequest) -> Text:
    """A table without outlines. Raises InputError for more rows than a sheet holds."""
    layer = requested(request)[0]
    spreadsheets.check_rows(len(layer.table), layer.name)
    parts = layer.without_outlines()
    first = next(parts)
    rows = (row for part in chain([first], parts) for row in _rows(part))
    spreadsheets.write_xlsx(request.to, layer.name, first.column_names, rows)
    return layer.description


def write_gpkg(request: ExportRequest) -> Text:
    """Layers in RD, each with its style for QGIS and the titles of its columns."""
    layers = requested(request)
    for layer in layers:
        _write_features(
            layer, _multi, driver="GPKG", crs=RD, geometry_type="MultiPolygon",
            GEOMETRY_NAME=GEOMETRY, VERSION=geopackage.VERSION, layer_metadata=request.provenance,
            DESCRIPTION=layer.meaning,
        )  # fmt: skip
        qgis.add_style(request.to, layer.name, GEOMETRY, qgis.qml(layer.rules), layer.meaning)
        geopackage.describe(request.to, layer.name, layer.titles())
    return Text("{layers:; }", layers=[layer.description for layer in layers])


def write_fgb(request: ExportRequest) -> Text:
    """FlatGeobuf in RD with its index; rows without an outline, which that cannot hold, are left
    out and counted."""
    layer = requested(request)[0]
    _write_features(
        layer, _multi, placed=True, driver="FlatGeobuf", crs=RD, geometry_type="MultiPolygon"
    )
    left = len(layer.table) - _features_in(request.to)
    if not left:
        return layer.description
    return Text("{what}, {left:,} without an outline left out", what=layer.description, left=left)


def write_geojson(request: ExportRequest) -> Text:
    """Features in longitude and latitude, with ids as `feature_ids` gives them."""
    layer = requested(request)[0]
    _write_features(
        layer, _degrees, driver="GeoJSON", crs=WGS84, geometry_type="Unknown", RFC7946="YES",
        ID_FIELD=FEATURE_ID,
    )  # fmt: skip
    with request.to.open("rb") as file:  # GDAL does not report a disk that is full at the end
        file.seek(max(0, request.to.stat().st_size - 16))
        if not file.read().rstrip().endswith(b"]\n}"):
            raise OutputError(File(request.to), "cannot be written whole", "is the disk full?")
    return layer.description


def _rows(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    for batch in table.to_batches(ROWS_AT_ONCE):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _write_features(
    layer: TableLayer, convert: Convert, placed: bool = False, **options: Any
) -> None:
    """Write a layer with its polygons converted. placed: only the rows that then have one."""
    parts = (_with_polygons(rows, convert) for rows in layer.rows())
    if placed:
        parts = (part.filter(pc.is_valid(part[GEOMETRY])) for part in parts)
    if "ID_FIELD" in options:
        parts = (part.append_column(FEATURE_ID, feature_ids(part, layer.part)) for part in parts)
    first = next(parts)
    batches = (batch for part in chain([first], parts) for batch in part.to_batches())
    stream = pa.RecordBatchReader.from_batches(first.schema, batches)
    pyogrio.write_arrow(
        stream, layer.request.to, layer=layer.name, geometry_name=GEOMETRY, **options
    )


def _features_in(file: Path) -> int:
    """How many features a file holds; without `force` GDAL does not know that of an empty one."""
    return int(pyogrio.read_info(file, force_feature_count=True)["features"])


def _with_polygons(table: pa.Table, convert: Convert) -> pa.Table:
    polygons = convert(shapely.from_wkb(table[GEOMETRY].to_numpy()))
    wkb = pa.array(shapely.to_wkb(polygons), pa.binary())
    return table.set_column(table.column_names.index(GEOMETRY), GEOMETRY, wkb)


def _degrees(polygons: np.ndarray) -> np.ndarray:
    """Polygons in longitude and latitude; None for those outside the projection."""
    to_degrees = pyproj.Transformer.from_crs(RD, WGS84, always_xy=True).transform
    moved = shapely.transform(polygons, to_degrees, interleaved=False)
    moved[~np.isfinite(shapely.bounds(moved)).all(axis=1)] = None
    return moved


def _multi(geometry: np.ndarray) -> np.ndarray:
    """Polygons as multipolygons, since a layer has one type; None for other geometries."""
    parts, row = shapely.get_parts(geometry, return_index=True)
    polygon = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    out = np.full(len(geometry), None, object)
    if polygon.any():  # of none shapely makes an array of none, whatever `out` is
        shapely.multipolygons(parts[polygon], indices=row[polygon], out=out)
    return out
