"""The base map that an operator hosts: one PMTiles file of vector tiles, such as of Protomaps."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from pmtiles.tile import TileType, deserialize_header

from pipeline.errors import InputError
from pipeline.terms import File

NAME = "basemap.pmtiles"  # as the page asks for it
HEADER = 127  # bytes
E7 = 10_000_000  # parts of a degree
ATTRIBUTION = "© OpenStreetMap, ODbL"


def check(file: str) -> None:
    """Raises InputError for what is no file of vector tiles as PMTiles."""
    _header(file)


def described(file: str, attribution: str) -> dict[str, Any]:
    """What the page must know of it."""
    header = _header(file)
    west, south, east, north = (
        header[f"{edge}_e7"] / E7 for edge in ("min_lon", "min_lat", "max_lon", "max_lat")
    )
    return {
        "pmtiles": NAME,
        "attribution": attribution or ATTRIBUTION,
        "bounds": [west, south, east, north],
        "maxzoom": header["max_zoom"],
    }


def _header(file: str) -> dict[str, Any]:
    try:
        return _read(file, Path(file).stat().st_mtime_ns)
    except OSError as error:
        raise InputError(
            File(file), "{source} cannot be read ({error})", "check the path", error=error.strerror
        ) from None


@lru_cache(maxsize=4)
def _read(file: str, changed: int) -> dict[str, Any]:
    """The header of a file; changed: when, by which it is known."""
    with open(file, "rb") as stream:
        start = stream.read(HEADER)
    try:
        header: dict[str, Any] = {**deserialize_header(start)}
        sound = header["tile_type"] is TileType.MVT
    except Exception:  # whatever the library meets in other bytes
        sound = False
    if not sound:
        raise InputError(
            File(file),
            "not a PMTiles file of vector tiles",
            "cut one with `pmtiles extract` (docs/service.md)",
        )
    return header
