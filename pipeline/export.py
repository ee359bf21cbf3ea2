"""A finished run in the formats that others work with."""

import contextlib
import json
import math
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyogrio
import pyproj
import rasterio
import rasterio.shutil
import shapely
from matplotlib.image import imsave
from rasterio._err import CPLE_BaseError
from rasterio.windows import Window

from pipeline import cartography, qgis, report, texts
from pipeline.errors import InputError, OutputError
from pipeline.ledger import FINAL, RASTERS
from pipeline.printed import attributions, sun_times
from pipeline.slices import column_names, row_count, slices
from pipeline.spreadsheets import check_rows, without_formulas, write_xlsx
from pipeline.storage import Place, below, opened
from pipeline.store import open_store

LAYER = "buildings"
GEOMETRY = "geometry"
RD = "EPSG:28992"
WGS84 = "EPSG:4326"
NODATA = {"hillshade": 0, "shadow": 255, "sun_hillshade": 0, "surface": float("nan")}
DEFAULT_RASTER = "shadow"
SMOOTH = ("hillshade", "surface")  # layers whose values may be averaged
FLAGS = ("flag_masks", "flag_meanings")
# What the libraries below raise where a file cannot be written, without an errno.
UNWRITTEN = (
    pyogrio.errors.DataSourceError,
    pyogrio.errors.DataLayerError,
    rasterio.errors.RasterioError,
    CPLE_BaseError,
    sqlite3.Error,
)
LARGEST_PICTURE = 4096  # cells a side
ROWS_AT_ONCE = 8192  # as Python's values
TILES = {"tiled": True, "blockxsize": 512, "blockysize": 512, "bigtiff": "IF_SAFER"}


class Order(NamedTuple):
    """What is to be written: a folder of a finished run, where to, which layer, in which words."""

    directory: Place
    to: Path
    layer: str | None
    lang: str


def export(directory: Place, to: Path, layer: str | None = None, lang: str = "en") -> None:
    """Write a finished run as `to`, in the format of its ending.

    .tif is a COG of `layer` (by default the shadows); .png a picture of `layer`, or the map;
    .gpkg, .geojson (lon/lat), .parquet, .csv and .xlsx are the buildings. The file appears at
    once or, where something fails, not at all. Raises InputError for an ending or a layer that
    there is not, or a folder that holds no finished run; OutputError where there is no room.
    """
    texts.words(lang)
    write = WRITERS.get(to.suffix.lower())
    if write is None:
        raise InputError(f"{to.name}: unknown ending; possible are {', '.join(WRITERS)}")
    if to.is_dir() or not to.absolute().parent.is_dir():
        raise InputError(f"{to}: not a file in a folder that exists; name another")
    if to.name in FINAL and to.absolute().parent.resolve() == Path(directory).resolve():
        raise InputError(f"{to}: is the run's own; give another name")
    report.read(directory)
    with _published(to) as partial:
        write(Order(directory, partial, layer, lang))


@contextlib.contextmanager
def _published(to: Path) -> Iterator[Path]:
    """A file in a folder of its own beside `to`, moved to it when all went well."""
    with tempfile.TemporaryDirectory(prefix=".daklaag-", dir=to.absolute().parent) as folder:
        partial = Path(folder) / to.name
        try:
            yield partial
        except UNWRITTEN as error:
            raise OutputError(f"{to}: cannot be written ({error}); is the disk full?") from None
        os.replace(partial, to)


# Buildings


def _file(order: Order) -> Place:
    """The file of the buildings, which an ending that is no raster's asks for."""
    if order.layer not in (None, LAYER):
        raise InputError(
            f"layer {order.layer!r}: a {order.to.suffix} holds the {LAYER};"
            " a raster layer goes into a .tif or .png"
        )
    return report.buildings_file(order.directory)


def _parts(order: Order) -> Iterator[pa.Table]:
    """The buildings as flat tables of the same schema, at least one."""
    file, suns = _file(order), len(sun_times(report.read(order.directory)))
    for part in slices(file, column_names(file)):
        yield report.flatten(part.replace_schema_metadata(None), suns)


def _parquet(order: Order) -> None:
    file = _file(order)
    column_names(file)
    with opened(file) as source, order.to.open("wb") as target:
        shutil.copyfileobj(source, target)


def _csv(order: Order) -> None:
    parts = (without_formulas(part.drop_columns([GEOMETRY])) for part in _parts(order))
    first = next(parts)
    with pyarrow.csv.CSVWriter(order.to, first.schema) as target:
        for part in chain([first], parts):
            target.write_table(part)


def _xlsx(order: Order) -> None:
    check_rows(row_count(_file(order)), LAYER)
    parts = (part.drop_columns([GEOMETRY]) for part in _parts(order))
    first = next(parts)
    rows = (row for part in chain([first], parts) for row in _rows(part))
    write_xlsx(order.to, LAYER, first.column_names, rows)


def _rows(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    for batch in table.to_batches(ROWS_AT_ONCE):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _gpkg(order: Order) -> None:
    told = {"GEOMETRY_NAME": GEOMETRY, "dataset_metadata": _provenance(order)}
    _vector(order, _multi, driver="GPKG", crs=RD, geometry_type="MultiPolygon", **told)
    qgis.add_style(order.to, LAYER, GEOMETRY, order.lang)


def _geojson(order: Order) -> None:
    driver = {"driver": "GeoJSON", "geometry_type": "Unknown", "RFC7946": "YES"}
    _vector(order, _degrees, crs=WGS84, **driver)
    with order.to.open("rb") as file:  # GDAL says nothing where the last 4 KB found no room
        file.seek(max(0, order.to.stat().st_size - 16))
        if not file.read().rstrip().endswith(b"]\n}"):
            raise OutputError(f"{order.to.name}: cannot be written whole; is the disk full?")


def _vector(order: Order, turned: Callable[[np.ndarray], np.ndarray], **options: Any) -> None:
    """Write the buildings with their polygons as `turned` makes them."""
    parts = (_with_polygons(part, turned) for part in _parts(order))
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


def _provenance(order: Order) -> dict[str, str]:
    """What a file says of where it comes from, wherever it goes."""
    told = report.read(order.directory)
    return {
        "program": " ".join(map(str, told["program"].values())),
        "method": told["method"]["name"],
        "parameters": json.dumps(told["method"]["parameters"]),
        "attribution": "; ".join(attributions(told["inputs"])),
    }


# Rasters


def _array(order: Order, name: str) -> Any:
    """A layer at its finest level; `InputError` naming those that there are."""
    group = (open_store(below(order.directory, RASTERS)) or {}).get("0", {})
    there = [layer for layer in NODATA if layer in group]
    if name not in there:
        instead = ", ".join(there) or "none; run again with --layers hillshade,shadow --overwrite"
        raise InputError(f"layer {name!r}: not among the raster layers of this run ({instead})")
    return group[name]


def _tif(order: Order) -> None:
    """A cloud-optimised GeoTIFF, by way of a plain one, since a COG is not written in windows."""
    name = order.layer or DEFAULT_RASTER
    array = _array(order, name)
    plain = order.to.with_name(f"{order.to.stem}.plain.tif")
    _plain_tif(order, array, plain)
    rasterio.shutil.copy(
        plain,
        order.to,
        driver="COG",
        compress="DEFLATE",
        predictor="YES",
        overview_resampling="AVERAGE" if name in SMOOTH else "NEAREST",
        bigtiff="IF_SAFER",
    )


def _plain_tif(order: Order, array: Any, to: Path) -> None:
    reference = open_store(below(order.directory, RASTERS))["0/spatial_ref"].attrs
    name = array.name.rsplit("/", 1)[-1]
    *bands, height, width = array.shape
    with rasterio.open(
        to,
        "w",
        driver="GTiff",
        count=math.prod(bands),
        height=height,
        width=width,
        dtype=array.dtype,
        nodata=NODATA[name],
        crs=rasterio.CRS.from_wkt(str(reference["spatial_ref"])),
        transform=rasterio.Affine.from_gdal(*map(float, str(reference["GeoTransform"]).split())),
        **TILES,
    ) as target:
        for window in _windows(array):
            cells = array[..., *window.toslices()]
            target.write(cells.reshape(-1, *cells.shape[-2:]), window=window)
        target.descriptions = _descriptions(name, sun_times(report.read(order.directory)))
        target.update_tags(**_provenance(order))
        target.update_tags(1, **_tags(array.attrs))


def _windows(array: Any) -> Iterator[Window]:
    """Windows that each read whole shards, so that none is decoded twice."""
    height, width = array.shape[-2:]
    down, across = (array.shards or array.chunks)[-2:]
    for row in range(0, height, down):
        for column in range(0, width, across):
            yield Window(column, row, min(across, width - column), min(down, height - row))


def _descriptions(name: str, times: list[str]) -> list[str]:
    if name == "sun_hillshade":
        return [f"hillshade at {time}, 0 in shadow or without data" for time in times]
    if name == "shadow":
        bits = ", ".join(f"bit {sun} at {time}" for sun, time in enumerate(times))
        return [f"shaded: {bits}; 255 no data"]
    return [name]


def _tags(attributes: Mapping[str, Any]) -> dict[str, str]:
    """What a store says of a layer's values, as text."""
    told = {key: attributes[key] for key in ("long_name", "units", *FLAGS) if key in attributes}
    return {k: " ".join(map(str, v)) if isinstance(v, list) else str(v) for k, v in told.items()}


def _png(order: Order) -> None:
    """The map, or a layer as a picture: its finest level that is not too large."""
    if order.layer is None:
        told, buildings = report.read(order.directory), report.buildings_file(order.directory)
        scene = cartography.scene(buildings, told, below(order.directory, RASTERS))
        return cartography.draw(scene, order.to, order.lang)
    store = below(order.directory, RASTERS)
    found = cartography.picture(store, order.layer, LARGEST_PICTURE)
    cells = found.cells if found else _array(order, order.layer)
    grey, seen = _grey(order.layer, np.hstack(list(cells)) if cells.ndim == 3 else cells)
    picture = np.dstack([grey, grey, grey, np.where(seen, 255, 0)]).astype(np.uint8)
    imsave(order.to, picture, format="png", metadata=cartography.METADATA)


def _grey(name: str, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Grey of 0 to 255, and where there is something to see."""
    if name == "shadow":
        most = max(int(np.bitwise_count(cells[cells != 255]).max(initial=0)), 1)
        return 255 - 200 / most * np.bitwise_count(cells), cells != 255
    if name == "surface":
        seen = np.isfinite(cells)
        low, high = np.percentile(cells[seen], (2, 98)) if seen.any() else (0, 1)
        return np.nan_to_num(((cells - low) / max(high - low, 0.01)).clip(0, 1)) * 255, seen
    return cells, cells > 0 if name == "hillshade" else np.ones(cells.shape, bool)


WRITERS: dict[str, Callable[[Order], None]] = {
    ".tif": _tif,
    ".gpkg": _gpkg,
    ".geojson": _geojson,
    ".parquet": _parquet,
    ".csv": _csv,
    ".xlsx": _xlsx,
    ".png": _png,
}
