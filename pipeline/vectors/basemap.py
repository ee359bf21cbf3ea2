"""The base map that an operator hosts: one PMTiles file of vector tiles, such as of Protomaps."""

import re
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyogrio
import shapely
from numpy.typing import NDArray
from pmtiles.reader import MmapSource, Reader
from pmtiles.tile import TileType

from pipeline.errors import InputError
from pipeline.grid.crs import RD, transformer
from pipeline.terms import File, Reason
from pipeline.vectors.layers import layers_in

MERCATOR = "EPSG:3857"  # of all such tiles
EQUATOR_M = 40_075_016.7  # its length [m]: width of the one tile of zoom 0
TAG = re.compile(r"<[^>]*>")
REMEDY = "cut one with `pmtiles extract` (docs/service.md)"


class Header(NamedTuple):
    """The head of a base map. fields: as PMTiles has them; attribution: its source line, or ""."""

    fields: dict[str, Any]
    attribution: str


class NamedFeatures(NamedTuple):
    """The features of a layer that have a name, cut at the borders of tiles. names, kinds: (n,)
    texts; min_zoom: (n,) the zoom from which each is meant to be shown, infinite where the file
    does not say; geometry: (n,) in RD [m]."""

    names: NDArray[np.object_]
    kinds: NDArray[np.object_]
    min_zoom: NDArray[np.float64]
    geometry: NDArray[np.object_]


def read_header(file: str) -> Header:
    """The head of a base map. Raises InputError for a file that cannot be read, that is not PMTiles
    with vector tiles, or that is cut off."""
    try:
        return _read_header(file, Path(file).stat().st_mtime_ns)
    except OSError as error:
        raise InputError(
            File(file), "{source} cannot be read ({error})", "check the path", error=error.strerror
        ) from None


@lru_cache(maxsize=4)
def _read_header(file: str, changed: int) -> Header:
    """The head of a file; changed: when, by which it is known."""
    with open(file, "rb") as stream:
        try:
            reader = Reader(MmapSource(stream))
            fields: dict[str, Any] = {**reader.header()}
            attribution = reader.metadata().get("attribution", "")
            sound = fields["tile_type"] is TileType.MVT
        except Exception:  # whatever the library meets in other bytes
            sound = False
    if not sound:
        raise InputError(File(file), "not a PMTiles file of vector tiles", REMEDY)
    if Path(file).stat().st_size < fields["tile_data_offset"] + fields["tile_data_length"]:
        raise InputError(File(file), "its tiles are cut off", "copy it again")
    return Header(fields, " ".join(TAG.sub("", str(attribution)).split()))


def zoom_of(bounds: tuple[float, float, float, float], dots: float) -> float:
    """The zoom at which tiles of 512 dots show a rectangle in RD [m] so many dots wide."""
    west, _, east, _ = transformer(RD, MERCATOR).transform_bounds(*bounds)
    return float(np.log2(EQUATOR_M / (east - west) * dots / 512))


def named_features(
    file: str, layer: str, bounds: tuple[float, float, float, float], zoom: float, lang: str
) -> NamedFeatures:
    """The named features of a layer in a rectangle in RD [m], from the tiles for a zoom; names in a
    language, where the file has them. Raises InputError for a file that GDAL cannot read, and what
    `read_header` raises."""
    header = read_header(file).fields
    nearest = int(np.clip(zoom, header["min_zoom"], header["max_zoom"]))
    columns = ["kind", "min_zoom", "name", f"name:{lang}"]
    try:
        if layer not in layers_in(file):
            return _named([], {}, columns[-1])
        meta, _, geometry, values = pyogrio.raw.read(
            file,
            layer=layer,
            columns=columns,
            bbox=transformer(RD, MERCATOR).transform_bounds(*bounds),
            ZOOM_LEVEL=str(nearest),
        )
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise InputError(
            File(file),
            "{source} cannot be read ({error})",
            "is the file damaged or cut off? Fetch it again",
            error=Reason(str(error)),
        ) from None
    return _named(geometry, dict(zip(meta["fields"], values, strict=True)), columns[-1])


def _named(geometry: Any, values: dict[str, Any], translated: str) -> NamedFeatures:
    """The features that have a name among those of a layer; geometry: WKB in Mercator."""
    none = np.full(len(geometry), None, np.object_)
    names, kinds = values.get("name", none), values.get("kind", none)
    own = values.get(translated, none)
    names = np.where([bool(name) for name in own], own, names)
    rows = np.flatnonzero([bool(name) for name in names])
    min_zoom = np.asarray(values.get("min_zoom", none), np.float64)[rows]
    to_rd = transformer(MERCATOR, RD).transform
    shapes = shapely.from_wkb(np.asarray(geometry, np.object_)[rows])
    return NamedFeatures(
        names[rows],
        kinds[rows],
        np.nan_to_num(min_zoom, nan=np.inf),
        shapely.transform(shapes, to_rd, interleaved=False),
    )
