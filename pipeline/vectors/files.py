"""Vector files: read with any driver, in RD metres."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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

from pipeline.errors import InputError
from pipeline.grid.crs import RD, horizontal, is_rd, transformer
from pipeline.storage.files import check_file, named
from pipeline.vectors.cityjson import is_cityjson, read_cityjson

ENDINGS = (".gpkg", ".geojson", ".json", ".parquet", ".geoparquet", ".shp")
SQLITE = b"SQLite format 3"  # how such a file begins


def read_vector(path: str | Path, layer: str | None = None) -> geopandas.GeoDataFrame:
    """Features of a file with two-dimensional geometries in RD metres, in file order.

    Other CRS are transformed by the most accurate operation of PROJ that is at hand; without the
    grid files of the RD transformation that is good to about 0.25 m.
    Raises InputError for what cannot be read, a layer that is not there, a CRS that is not known.
    """
    table = read_table(path, layer)
    if not isinstance(table, geopandas.GeoDataFrame):
        raise no_geometry(str(path))
    return table


def read_table(path: str | Path, layer: str | None = None) -> pd.DataFrame:
    """As `read_vector`; of a file without geometries its rows."""
    check_file(str(path))
    with faults(str(path)):
        table = _read(str(path), layer)
    if not isinstance(table, geopandas.GeoDataFrame):
        return table
    transform = rd_transform_of(str(path), table.crs)
    moved = table.set_geometry(transform.to_rd(table.geometry.to_numpy()), crs=RD)
    transform.check()
    moved.attrs["crs"] = table.crs.name
    return moved


def _read(path: str, layer: str | None) -> pd.DataFrame:
    if is_parquet(path):
        has_geometry = b"geo" in (pq.read_metadata(path).metadata or {})
        return geopandas.read_parquet(path) if has_geometry else pd.read_parquet(path)
    if is_cityjson(Path(path)):
        return read_cityjson(Path(path))
    return pyogrio.read_dataframe(path, layer=layer_of(path, layer), on_invalid="fix")


def no_geometry(path: str) -> InputError:
    """The fault of a file without geometries."""
    return InputError("{name}: has no geometry; give a file of polygons", name=named(path))


def is_parquet(path: str) -> bool:
    """Whether a file is GeoParquet, by its name."""
    return path.lower().endswith((".parquet", ".geoparquet"))


@contextmanager
def faults(path: str) -> Iterator[None]:
    """Turn any exception of a driver into InputError."""
    try:
        with np.errstate(invalid="ignore"):  # a coordinate that is NaN is its feature's fault
            yield
    except InputError:
        raise
    except Exception as error:  # each driver has its own kinds
        name = named(path)
        said = str(error).replace(path, name).split("; It might help")[0]
        raise InputError(
            "{name}: cannot be read as a vector file ({said}); give GeoPackage, GeoJSON,"
            " GeoParquet, shapefile or CityJSON",
            name=name,
            said=" ".join(said.split())[:200],
        ) from None


def layer_of(path: str, layer: str | None) -> str | None:
    """The layer to read: the one named, the only one with geometries, or `pand`."""
    layers = {str(name): kind for name, kind in pyogrio.list_layers(path)}
    if layer is not None and layer not in layers:
        raise InputError(
            "{name}: no layer {layer!r}; choose one of {layers}",
            name=named(path),
            layer=layer,
            layers=list(layers),
        )
    spatial = [name for name, kind in layers.items() if kind is not None]
    if layer is None and len(spatial) > 1:
        if "pand" not in spatial:
            raise InputError(
                "{name}: has the layers {layers}; choose one with --layer, or give a file with one",
                name=named(path),
                layers=spatial,
            )
        layer = "pand"
    chosen = layer or (spatial[0] if spatial else None)
    check_view(path, chosen)
    return chosen


def check_view(path: str, layer: str | None) -> None:
    """Raises InputError for a layer of a GeoPackage that is a view of itself: its rows never end.
    Of other formats it asks nothing."""
    if layer is None or not _is_sqlite(path):
        return
    quoted = layer.replace('"', '""')
    try:
        steps = pyogrio.read_dataframe(path, sql=f'EXPLAIN QUERY PLAN SELECT * FROM "{quoted}"')
        endless = "RECURSIVE STEP" in set(steps["detail"])
    except pyogrio.errors.DataLayerError as error:
        endless = "circularly defined" in str(error)
    if endless:
        raise InputError(
            "{name}: the layer {layer} is a view that refers to itself; give a table of footprints"
            " or areas",
            name=named(path),
            layer=layer,
        )


def _is_sqlite(path: str) -> bool:
    """Whether GDAL opens a file by SQLite; of a file in a zip by its name."""
    if path.startswith("/vsi"):
        return path.lower().endswith((".gpkg", ".sqlite", ".db"))
    with open(path, "rb") as stream:
        return stream.read(len(SQLITE)) == SQLITE


@dataclass
class RdTransform:
    """Transformation of a file's geometries to RD, in one batch or many. known: whether any had
    coordinates; placed: whether any of those has finite coordinates in RD."""

    name: str
    crs: pyproj.CRS
    known: bool = False
    placed: bool = False

    def to_rd(self, given: NDArray[Any]) -> NDArray[Any]:
        """Two-dimensional geometries in RD metres; not finite where RD is not defined."""
        geometry: NDArray[Any] = shapely.force_2d(given)
        crs = horizontal(self.crs)
        if is_rd(crs):
            self.known = self.placed = True
            return geometry
        to_rd = transformer(crs, RD).transform
        with np.errstate(invalid="ignore"):
            moved: NDArray[Any] = shapely.transform(geometry, to_rd, interleaved=False)
            known = np.isfinite(shapely.bounds(geometry)).all(axis=1)
        if known.any():
            self.known = True
            if np.isfinite(shapely.bounds(moved[known])).any():
                self.placed = True
        return moved

    def check(self) -> None:
        """Raises InputError if the file has coordinates, and none of them is finite in RD."""
        if self.known and not self.placed:
            raise InputError(
                "{name}: its coordinates are none of {crs}, the CRS it states; state the true one"
                " (ogr2ogr -a_srs EPSG:28992)",
                name=self.name,
                crs=horizontal(self.crs).name,
            )


def rd_transform_of(path: str, crs: pyproj.CRS | None) -> RdTransform:
    """The transformation for a file. Raises InputError for one that states no CRS."""
    if crs is None:
        raise InputError(
            "{name}: states no CRS; assign one (ogr2ogr -a_srs EPSG:28992)", name=named(path)
        )
    return RdTransform(named(path), crs)


def column(table: pd.DataFrame, *names: str) -> str | None:
    """The first of the names that the table has, in whatever case it is written there."""
    written = {str(c).lower(): str(c) for c in reversed(list(table.columns))}
    return next((written[name.lower()] for name in names if name.lower() in written), None)
