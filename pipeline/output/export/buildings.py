"""The buildings of a run as tables and layers, a slice at a time."""

import shutil
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyogrio
import pyproj
import shapely

from pipeline.errors import InputError, OutputError
from pipeline.messages import Text
from pipeline.output.export import geopackage, qgis
from pipeline.output.export.order import LAYER, ExportRequest, provenance
from pipeline.results import spreadsheets
from pipeline.results.columns import flatten, item_of
from pipeline.storage.places import Place, opened
from pipeline.storage.slices import column_names, row_count, slices
from pipeline.terms import File

GEOMETRY = "geometry"
RD = "EPSG:28992"
WGS84 = "EPSG:4326"
ROWS_AT_ONCE = 8192  # as Python's values
FEATURE_ID = "feature_id"  # a copy of the row's number, which GDAL takes out of the properties


def write_parquet(order: ExportRequest) -> Text:
    """The table as the run left it."""
    file = _file(order)
    column_names(file)
    with opened(file) as source, order.to.open("wb") as target:
        shutil.copyfileobj(source, target)
    return _said(order)


def write_csv(order: ExportRequest) -> Text:
    """A table without outlines."""
    parts = (spreadsheets.without_formulas(part) for part in _without_outlines(order))
    first = next(parts)
    with pyarrow.csv.CSVWriter(order.to, first.schema) as target:
        for part in chain([first], parts):
            target.write_table(part)
    return _said(order)


def write_xlsx(order: ExportRequest) -> Text:
    """A table without outlines. Raises InputError for more rows than a sheet holds."""
    spreadsheets.check_rows(row_count(_file(order)), LAYER)
    parts = _without_outlines(order)
    first = next(parts)
    rows = (row for part in chain([first], parts) for row in _rows(part))
    spreadsheets.write_xlsx(order.to, LAYER, first.column_names, rows)
    return _said(order)


def write_gpkg(order: ExportRequest) -> Text:
    """A layer in RD, with its style for QGIS and the titles of its columns."""
    _write_features(
        order, _multi, driver="GPKG", crs=RD, geometry_type="MultiPolygon",
        GEOMETRY_NAME=GEOMETRY, VERSION=geopackage.VERSION, layer_metadata=provenance(order),
        DESCRIPTION=order.method.words(order.lang).subtitle,
    )  # fmt: skip
    qgis.add_style(order.to, LAYER, GEOMETRY, order.method, order.lang)
    geopackage.describe(order.to, LAYER, _titles(order))
    return _said(order)


def write_geojson(order: ExportRequest) -> Text:
    """Features in longitude and latitude whose `id` is the row's number."""
    _write_features(
        order, _degrees, driver="GeoJSON", crs=WGS84, geometry_type="Unknown", RFC7946="YES",
        ID_FIELD=FEATURE_ID,
    )  # fmt: skip
    with order.to.open("rb") as file:  # GDAL says nothing where the last 4 KB found no room
        file.seek(max(0, order.to.stat().st_size - 16))
        if not file.read().rstrip().endswith(b"]\n}"):
            raise OutputError(File(order.to), "cannot be written whole", "is the disk full?")
    return _said(order)


def _said(order: ExportRequest) -> Text:
    return Text("{rows:,} buildings", rows=row_count(_file(order)))


def _file(order: ExportRequest) -> Place:
    """The file of the buildings, which an ending that is no raster's asks for."""
    if order.layer not in (None, LAYER):
        raise InputError(
            Text("layer {layer!r}", layer=order.layer),
            "a {suffix} holds the {ours}",
            "a raster layer goes into a .tif or .png",
            suffix=order.to.suffix,
            ours=LAYER,
        )
    return order.run.table.file


def _parts(order: ExportRequest) -> Iterator[pa.Table]:
    """The buildings as flat tables of the same schema, at least one."""
    file, moments = _file(order), len(order.moments)
    for part in slices(file, column_names(file)):
        yield flatten(part.replace_schema_metadata(None), moments)


def _without_outlines(order: ExportRequest) -> Iterator[pa.Table]:
    return (part.drop_columns([GEOMETRY]) for part in _parts(order))


def _rows(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    for batch in table.to_batches(ROWS_AT_ONCE):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _titles(order: ExportRequest) -> dict[str, tuple[str, str]]:
    """Title and description of each column of text, number or flag in a layer."""
    flat = next(_without_outlines(order)).column_names
    return {name: _title(name, order) for name in flat}


def _title(name: str, order: ExportRequest) -> tuple[str, str]:
    item = item_of(order.method, name)
    column = item[0] if item else order.method.by_name[name]
    title, meaning = column.words(order.lang)
    at = f", {order.moments[item[1] - 1]} CET" if item and item[1] <= len(order.moments) else ""
    return f"{title}{at}", f"{meaning} [{column.unit}]" if column.unit else meaning


def _write_features(
    order: ExportRequest, turned: Callable[[np.ndarray], np.ndarray], **options: Any
) -> None:
    """Write the buildings with their polygons as `turned` makes them."""
    parts = (_with_polygons(part, turned) for part in _parts(order))
    if "ID_FIELD" in options:
        parts = (part.append_column(FEATURE_ID, part["row"]) for part in parts)
    first = next(parts)
    batches = (batch for part in chain([first], parts) for batch in part.to_batches())
    stream = pa.RecordBatchReader.from_batches(first.schema, batches)
    pyogrio.write_arrow(stream, order.to, layer=LAYER, geometry_name=GEOMETRY, **options)


def _with_polygons(table: pa.Table, turned: Callable[[np.ndarray], np.ndarray]) -> pa.Table:
    polygons = turned(shapely.from_wkb(table[GEOMETRY].to_numpy()))
    wkb = pa.array(shapely.to_wkb(polygons), pa.binary())
    return table.set_column(table.column_names.index(GEOMETRY), GEOMETRY, wkb)


def _degrees(polygons: np.ndarray) -> np.ndarray:
    """In lon/lat; what is nowhere on Earth as none."""
    to_degrees = pyproj.Transformer.from_crs(RD, WGS84, always_xy=True).transform
    moved = shapely.transform(polygons, to_degrees, interleaved=False)
    moved[~np.isfinite(shapely.bounds(moved)).all(axis=1)] = None
    return moved


def _multi(geometry: np.ndarray) -> np.ndarray:
    """All as multipolygons, since a layer has one type; what is no polygon as none."""
    parts, row = shapely.get_parts(geometry, return_index=True)
    polygon = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    out = np.full(len(geometry), None, object)
    return shapely.multipolygons(parts[polygon], indices=row[polygon], out=out)
