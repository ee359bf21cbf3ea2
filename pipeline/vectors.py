"""Vector files: read with any driver, in RD metres."""

from pathlib import Path

import geopandas
import numpy as np
import pyogrio
import pyproj
import shapely

from pipeline.cityjson import is_cityjson, read_cityjson
from pipeline.errors import InputError

ENDINGS = (".gpkg", ".geojson", ".json", ".parquet", ".geoparquet", ".shp")
RD = pyproj.CRS("EPSG:28992")


def read_vector(path: str | Path, layer: str | None = None) -> geopandas.GeoDataFrame:
    """Features of a file with two-dimensional geometries in RD metres, in file order.

    Other CRS are transformed by the most accurate operation of PROJ that is at hand; without the
    grid files of the RD transformation that is good to about 0.25 m.
    Raises InputError for what cannot be read, a layer that is not there, a CRS that is not known.
    """
    file = Path(path)
    if not file.exists():
        raise InputError(f"{file}: does not exist; check the path")
    table = _read(file, layer)
    if not isinstance(table, geopandas.GeoDataFrame):
        raise InputError(f"{file.name}: has no geometry; give a file of polygons")
    return _to_rd(table, file.name)


def _read(file: Path, layer: str | None) -> geopandas.GeoDataFrame:
    try:
        if file.suffix.lower() in (".parquet", ".geoparquet"):
            return geopandas.read_parquet(file)
        if is_cityjson(file):
            return read_cityjson(file)
        return pyogrio.read_dataframe(file, layer=_layer(file, layer))
    except InputError:
        raise
    except Exception as error:  # each driver has its own kinds
        first = str(error).replace(str(file), file.name).splitlines()[0][:200]
        raise InputError(
            f"{file.name}: cannot be read as a vector file ({first}); give GeoPackage, GeoJSON,"
            " GeoParquet, shapefile or CityJSON"
        ) from None


def _layer(file: Path, layer: str | None) -> str | None:
    layers = [str(name) for name, kind in pyogrio.list_layers(file)]
    if layer is not None and layer not in layers:
        raise InputError(f"{file.name}: no layer {layer!r}; it has {', '.join(layers)}")
    spatial = [str(name) for name, kind in pyogrio.list_layers(file) if kind is not None]
    if layer is None and len(spatial) > 1:
        if "pand" not in spatial:
            raise InputError(
                f"{file.name}: has the layers {', '.join(spatial)}; choose one with --layer"
            )
        return "pand"
    return layer or (spatial[0] if spatial else None)


def _to_rd(table: geopandas.GeoDataFrame, name: str) -> geopandas.GeoDataFrame:
    if table.crs is None:
        raise InputError(f"{name}: states no CRS; assign one (ogr2ogr -a_srs EPSG:28992)")
    geometry = shapely.force_2d(table.geometry.to_numpy())
    crs = table.crs.sub_crs_list[0] if table.crs.is_compound else table.crs
    if crs.to_epsg(min_confidence=20) != 28992:
        transformer = pyproj.Transformer.from_crs(crs, RD, always_xy=True)
        geometry = shapely.transform(
            geometry, lambda xy: np.column_stack(transformer.transform(xy[:, 0], xy[:, 1]))
        )
    return table.set_geometry(geopandas.GeoSeries(geometry, index=table.index, crs=RD))


def column(table: geopandas.GeoDataFrame, *names: str) -> str | None:
    """The first of the names that the table has, in whatever case it is written there."""
    written = {str(c).lower(): str(c) for c in reversed(list(table.columns))}
    return next((written[name.lower()] for name in names if name.lower() in written), None)
