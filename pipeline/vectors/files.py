"""Vector files: read with any driver, whole or in batches, in RD metres."""

import io
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyogrio
import pyproj
import shapely
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.grid.crs import RD
from pipeline.storage.files import check_file
from pipeline.terms import File, Reason
from pipeline.vectors.cityjson import is_cityjson, read_cityjson
from pipeline.vectors.layers import layer_of
from pipeline.vectors.rd import RdTransform, rd_transform_of

ENDINGS = (".gpkg", ".geojson", ".json", ".parquet", ".geoparquet", ".shp")
CURVES = range(8, 13)  # codes of WKB that GEOS does not know; GDAL makes lines of them
BUFFER = 1 << 20  # bytes of a column read at once


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
    return InputError(File(path), "has no geometry", "give a file that has one")


def is_parquet(path: str) -> bool:
    """Whether a file is GeoParquet, by its name."""
    return path.lower().endswith((".parquet", ".geoparquet"))


def column(table: pd.DataFrame, *names: str) -> str | None:
    """The first of the names that the table has, in whatever case it is written there."""
    written = {str(c).lower(): str(c) for c in reversed(list(table.columns))}
    return next((written[name.lower()] for name in names if name.lower() in written), None)


@dataclass(frozen=True)
class Vector:
    """A vector file, open to be read in batches. empty: its columns, but for the geometry, without
    rows; count: of its rows, None where that is not known."""

    path: str
    transform: RdTransform
    empty: pd.DataFrame
    count: int | None

    @property
    def crs(self) -> str:
        """The name of the CRS that it states."""
        return str(self.transform.crs.name)

    def batches(self, columns: Sequence[str], size: int) -> Iterator[Any]:
        """Some columns in file order, `size` rows or fewer at once, as `decode` takes them. Raises
        InputError where the file cannot be read."""
        with faults(self.path):
            yield from self._batches(list(dict.fromkeys(columns)), size)

    def decode(self, batch: Any) -> geopandas.GeoDataFrame:
        """A batch with two-dimensional geometries in RD metres; in any thread."""
        with faults(self.path):
            rows, geometry = self._decode(batch)
            return geopandas.GeoDataFrame(rows, geometry=self.transform.to_rd(geometry), crs=RD)

    def _batches(self, columns: list[str], size: int) -> Iterator[Any]:
        raise NotImplementedError

    def _decode(self, batch: Any) -> tuple[pd.DataFrame, NDArray[Any]]:
        raise NotImplementedError


def open_vector(path: str, layer: str | None = None) -> Vector:
    """A file to be read as read_vector does, but in batches; `transform.check` is called after the
    last. Raises the same."""
    check_file(path)
    with faults(path):
        if is_parquet(path):
            return _parquet(path)
        if is_cityjson(Path(path)):
            return _whole(path, read_cityjson(Path(path)))
        return _ogr(path, layer)


def _bare(table: geopandas.GeoDataFrame) -> pd.DataFrame:
    return pd.DataFrame(table.iloc[:0].drop(columns=table.geometry.name))


@dataclass(frozen=True)
class _Whole(Vector):
    """A file of a format that is read whole."""

    table: geopandas.GeoDataFrame

    def _batches(self, columns: list[str], size: int) -> Iterator[Any]:
        for start in range(0, len(self.table), size):
            yield self.table.iloc[start : start + size]

    def _decode(self, batch: Any) -> tuple[pd.DataFrame, NDArray[Any]]:
        return batch, batch.geometry.to_numpy()


def _whole(path: str, table: geopandas.GeoDataFrame) -> Vector:
    return _Whole(path, rd_transform_of(path, table.crs), _bare(table), len(table), table)


@dataclass(frozen=True)
class _Parquet(Vector):
    """geometry: name of that column; encoding: as GeoParquet calls it."""

    geometry: str
    encoding: str

    def _batches(self, columns: list[str], size: int) -> Iterator[Any]:
        with pq.ParquetFile(self.path, buffer_size=BUFFER, pre_buffer=False) as file:
            yield from file.iter_batches(size, columns=[*columns, self.geometry], use_threads=False)

    def _decode(self, batch: Any) -> tuple[pd.DataFrame, NDArray[Any]]:
        rows = pa.Table.from_batches([batch]).replace_schema_metadata()
        shapes = rows[self.geometry].combine_chunks()
        if self.encoding == "WKB":
            geometry = shapely.from_wkb(np.array(shapes))
        else:
            extension = {"ARROW:extension:name": f"geoarrow.{self.encoding}"}
            field = pa.field("geometry", shapes.type, metadata=extension)
            alone = pa.Table.from_arrays([shapes], schema=pa.schema([field]))
            geometry = geopandas.GeoDataFrame.from_arrow(alone).geometry.to_numpy()
        return _frame(rows.drop_columns(self.geometry)), geometry


def _parquet(path: str) -> Vector:
    footer = pq.read_metadata(path)
    geo = (footer.metadata or {}).get(b"geo")  # of the file: some writers' schemas tell of others
    if geo is None:
        raise no_geometry(path)
    schema = footer.schema.to_arrow_schema().with_metadata({b"geo": geo})
    nothing = io.BytesIO()  # has geopandas say what the columns are, and the CRS
    pq.write_table(schema.empty_table(), nothing)
    table = geopandas.read_parquet(nothing)
    name = table.geometry.name
    encoding = json.loads(geo)["columns"][name]["encoding"]
    transform = rd_transform_of(path, table.crs)
    return _Parquet(path, transform, _bare(table), footer.num_rows, name, encoding)


@dataclass(frozen=True)
class _Ogr(Vector):
    """A file that GDAL opens."""

    layer: str | None

    def _batches(self, columns: list[str], size: int) -> Iterator[Any]:
        done = 0
        with pyogrio.open_arrow(
            self.path, layer=self.layer, columns=columns, batch_size=size, use_pyarrow=True
        ) as (about, reader):
            name = about["geometry_name"] or "wkb_geometry"
            for batch in reader:
                if _curved(batch[name]):
                    break
                yield pa.table({c: batch[c] for c in columns} | {"geometry": batch[name]})
                done += len(batch)
            else:
                return
        yield from self._linear(columns, size, done)

    def _linear(self, columns: list[str], size: int, done: int) -> Iterator[Any]:
        """The rest of the rows, with lines for curves: slowly, by counting off those before."""
        while True:
            table = pyogrio.read_dataframe(
                self.path,
                layer=self.layer,
                columns=columns,
                skip_features=done,
                max_features=size,
                on_invalid="fix",
            )
            if not len(table):
                return
            yield table
            done += len(table)

    def _decode(self, batch: Any) -> tuple[pd.DataFrame, NDArray[Any]]:
        if isinstance(batch, pd.DataFrame):
            return batch, batch.geometry.to_numpy()
        geometry = shapely.from_wkb(np.array(batch["geometry"]), on_invalid="fix")
        return _frame(batch.drop_columns("geometry")), geometry


def _ogr(path: str, layer: str | None) -> Vector:
    layer = layer_of(path, layer)
    about = pyogrio.read_info(path, layer=layer)
    if about["geometry_type"] is None:
        raise no_geometry(path)
    transform = rd_transform_of(path, None if about["crs"] is None else pyproj.CRS(about["crs"]))
    count = about["features"] if about["features"] >= 0 else None
    return _Ogr(path, transform, pd.DataFrame(columns=list(about["fields"])), count, layer)


def _curved(wkb: pa.Array) -> bool:
    heads = pc.unique(pc.binary_slice(wkb, 0, 5)).drop_null().to_pylist()
    codes = (int.from_bytes(h[1:], "little" if h[0] else "big") for h in heads)
    return any((code & 0xFFFF) % 1000 in CURVES for code in codes)


def _frame(rows: pa.Table) -> pd.DataFrame:
    # Whole numbers beside null would become floats, which end at 2**53.
    return rows.to_pandas(integer_object_nulls=True, date_as_object=False)


@contextmanager
def faults(path: str) -> Iterator[None]:
    """Turn any exception of a driver into InputError."""
    try:
        with np.errstate(invalid="ignore"):  # a coordinate that is NaN is its feature's fault
            yield
    except InputError:
        raise
    except Exception as error:  # each driver has its own kinds
        text = str(error).replace(path, File(path).name).split("; It might help")[0]
        raise InputError(
            File(path),
            "cannot be read as a vector file ({reason})",
            "give GeoPackage, GeoJSON, GeoParquet, shapefile or CityJSON",
            reason=Reason(" ".join(text.split())[:200]),
        ) from None
