"""The buildings of a run as tables and vector layers, a slice at a time."""

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
from pipeline.output.export.request import LAYER, ExportRequest
from pipeline.results import spreadsheets
from pipeline.results.columns import flatten, item_of
from pipeline.storage.places import Place, opened
from pipeline.storage.slices import column_names, row_count, slices
from pipeline.terms import File

GEOMETRY = "geometry"
RD = "EPSG:28992"
WGS84 = "EPSG:4326"
ROWS_AT_ONCE = 8192  # as Python objects
FEATURE_ID = "feature_id"  # a copy of the row's number: GDAL drops its id field from the properties


def write_parquet(request: ExportRequest) -> None:
    """The table as the run left it."""
    file = _file(request)
    column_names(file)
    with opened(file) as source, request.to.open("wb") as target:
        shutil.copyfileobj(source, target)


def write_csv(request: ExportRequest) -> None:
    """A table without outlines."""
    parts = (spreadsheets.without_formulas(part) for part in _without_outlines(request))
    first = next(parts)
    with pyarrow.csv.CSVWriter(request.to, first.schema) as target:
        for part in chain([first], parts):
            target.write_table(part)


def write_xlsx(request: ExportRequest) -> None:
    """A table without outlines. Raises InputError for more rows than a sheet holds."""
    spreadsheets.check_rows(row_count(_file(request)), LAYER)
    parts = _without_outlines(request)
    first = next(parts)
    rows = (row for part in chain([first], parts) for row in _rows(part))
    spreadsheets.write_xlsx(request.to, LAYER, first.column_names, rows)


def write_gpkg(request: ExportRequest) -> None:
    """A layer in RD, with its style for QGIS and the titles of its columns."""
    _write_features(
        request, _multi, driver="GPKG", crs=RD, geometry_type="MultiPolygon",
        GEOMETRY_NAME=GEOMETRY, VERSION=geopackage.VERSION, layer_metadata=request.provenance,
        DESCRIPTION=request.run.method.words(request.lang).subtitle,
    )  # fmt: skip
    qgis.add_style(request.to, LAYER, GEOMETRY, request.run.method, request.lang)
    geopackage.describe(request.to, LAYER, _titles(request))


def write_geojson(request: ExportRequest) -> None:
    """Features in longitude and latitude whose `id` is the row's number."""
    _write_features(
        request, _degrees, driver="GeoJSON", crs=WGS84, geometry_type="Unknown", RFC7946="YES",
        ID_FIELD=FEATURE_ID,
    )  # fmt: skip
    with request.to.open("rb") as file:  # GDAL does not report a disk that is full at the end
        file.seek(max(0, request.to.stat().st_size - 16))
        if not file.read().rstrip().endswith(b"]\n}"):
            raise OutputError(File(request.to), "cannot be written whole", "is the disk full?")


def _file(request: ExportRequest) -> Place:
    """The file of the buildings. Raises InputError where a raster layer is requested."""
    if request.layer not in (None, LAYER):
        raise InputError(
            Text("layer {layer!r}", layer=request.layer),
            "a {suffix} holds the {ours}",
            "a raster layer goes into a .tif or .png",
            suffix=request.to.suffix,
            ours=LAYER,
        )
    return request.run.table.file


def _parts(request: ExportRequest) -> Iterator[pa.Table]:
    """The buildings as flat tables of the same schema, at least one."""
    file, moments = _file(request), len(request.moments)
    for part in slices(file, column_names(file)):
        yield flatten(part.replace_schema_metadata(None), moments)


def _without_outlines(request: ExportRequest) -> Iterator[pa.Table]:
    return (part.drop_columns([GEOMETRY]) for part in _parts(request))


def _rows(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    for batch in table.to_batches(ROWS_AT_ONCE):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _titles(request: ExportRequest) -> dict[str, tuple[str, str]]:
    """Title and description of each column of text, number or flag in a layer."""
    names = next(_without_outlines(request)).column_names
    return {name: _title(name, request) for name in names}


def _title(name: str, request: ExportRequest) -> tuple[str, str]:
    item = item_of(request.run.method, name)
    column = item[0] if item else request.run.method.by_name[name]
    title, meaning = column.words(request.lang)
    at = f", {request.moments[item[1] - 1]} CET" if item and item[1] <= len(request.moments) else ""
    return f"{title}{at}", f"{meaning} [{column.unit}]" if column.unit else meaning


def _write_features(
    request: ExportRequest, convert: Callable[[np.ndarray], np.ndarray], **options: Any
) -> None:
    """Write the buildings with their polygons converted."""
    parts = (_with_polygons(part, convert) for part in _parts(request))
    if "ID_FIELD" in options:
        parts = (part.append_column(FEATURE_ID, part["row"]) for part in parts)
    first = next(parts)
    batches = (batch for part in chain([first], parts) for batch in part.to_batches())
    stream = pa.RecordBatchReader.from_batches(first.schema, batches)
    pyogrio.write_arrow(stream, request.to, layer=LAYER, geometry_name=GEOMETRY, **options)


def _with_polygons(table: pa.Table, convert: Callable[[np.ndarray], np.ndarray]) -> pa.Table:
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
    return shapely.multipolygons(parts[polygon], indices=row[polygon], out=out)
