"""Vector files: read with any driver, in RD metres."""

from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pyogrio
import pyproj
import shapely
from numpy.typing import NDArray

from pipeline.cityjson import is_cityjson, read_cityjson
from pipeline.crs import RD, horizontal, is_rd
from pipeline.errors import InputError
from pipeline.files import named, on_disk

ENDINGS = (".gpkg", ".geojson", ".json", ".parquet", ".geoparquet", ".shp")


def read_vector(path: str | Path, layer: str | None = None) -> geopandas.GeoDataFrame:
    """Features of a file with two-dimensional geometries in RD metres, in file order.

    Other CRS are transformed by the most accurate operation of PROJ that is at hand; without the
    grid files of the RD transformation that is good to about 0.25 m.
    Raises InputError for what cannot be read, a layer that is not there, a CRS that is not known.
    """
    table = read_table(path, layer)
    if not isinstance(table, geopandas.GeoDataFrame):
        raise InputError(f"{named(str(path))}: has no geometry; give a file of polygons")
    return table


def read_table(path: str | Path, layer: str | None = None) -> pd.DataFrame:
    """The same, and of a file without geometries its rows."""
    if not on_disk(str(path)).exists():
        raise InputError(f"{path}: does not exist; check the path")
    with np.errstate(invalid="ignore"):  # a coordinate that is NaN is a fault of its footprint
        table = _read(str(path), layer)
    return _to_rd(table, named(str(path))) if isinstance(table, geopandas.GeoDataFrame) else table


def _read(path: str, layer: str | None) -> pd.DataFrame:
    name = named(path)
    try:
        if name.lower().endswith((".parquet", ".geoparquet")):
            has_geometry = b"geo" in (pq.read_schema(path).metadata or {})
            return geopandas.read_parquet(path) if has_geometry else pd.read_parquet(path)
        if is_cityjson(Path(path)):
            return read_cityjson(Path(path))
        return pyogrio.read_dataframe(path, layer=_layer(path, layer), on_invalid="fix")
    except InputError:
        raise
    except Exception as error:  # each driver has its own kinds
        said = str(error).replace(path, name).split("; It might help")[0]
        raise InputError(
            f"{name}: cannot be read as a vector file ({' '.join(said.split())[:200]}); give"
            " GeoPackage, GeoJSON, GeoParquet, shapefile or CityJSON"
        ) from None


def _layer(path: str, layer: str | None) -> str | None:
    layers = {str(name): kind for name, kind in pyogrio.list_layers(path)}
    if layer is not None and layer not in layers:
        raise InputError(f"{named(path)}: no layer {layer!r}; choose one of {', '.join(layers)}")
    spatial = [name for name, kind in layers.items() if kind is not None]
    if layer is None and len(spatial) > 1:
        if "pand" not in spatial:
            raise InputError(
                f"{named(path)}: has the layers {', '.join(spatial)}; choose one with --layer, or"
                " give a file with one"
            )
        return "pand"
    return layer or (spatial[0] if spatial else None)


def _to_rd(table: geopandas.GeoDataFrame, name: str) -> geopandas.GeoDataFrame:
    if table.crs is None:
        raise InputError(f"{name}: states no CRS; assign one (ogr2ogr -a_srs EPSG:28992)")
    geometry = shapely.force_2d(table.geometry.to_numpy())
    crs = horizontal(table.crs)
    if not is_rd(crs):
        geometry = _transformed(geometry, crs, name)
    moved = table.set_geometry(geopandas.GeoSeries(geometry, index=table.index, crs=RD))
    moved.attrs["crs"] = table.crs.name
    return moved


def _transformed(geometry: NDArray[Any], crs: pyproj.CRS, name: str) -> NDArray[Any]:
    to_rd = pyproj.Transformer.from_crs(crs, RD, always_xy=True).transform
    moved = shapely.transform(geometry, to_rd, interleaved=False)
    known = np.isfinite(shapely.bounds(geometry)).all(axis=1)
    if known.any() and not np.isfinite(shapely.bounds(moved[known])).any():
        raise InputError(
            f"{name}: its coordinates are none of {crs.name}, the CRS it states; state the true"
            " one (ogr2ogr -a_srs EPSG:28992)"
        )
    return moved


def mended(geometry: NDArray[Any], name: str) -> NDArray[Any]:
    """Valid geometries. Raises InputError for one that GEOS cannot make valid."""
    try:
        made: NDArray[Any] = shapely.make_valid(geometry)
    except shapely.errors.GEOSException:
        raise InputError(f"{name}: a coordinate in it is no number; repair the file") from None
    return made


def column(table: pd.DataFrame, *names: str) -> str | None:
    """The first of the names that the table has, in whatever case it is written there."""
    written = {str(c).lower(): str(c) for c in reversed(list(table.columns))}
    return next((written[name.lower()] for name in names if name.lower() in written), None)
