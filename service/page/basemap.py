"""The base map that an operator hosts, as the page is told of it."""

from typing import Any

from pipeline.vectors.basemap import read_header

NAME = "basemap.pmtiles"  # as the page asks for it
E7 = 10_000_000  # parts of a degree
ATTRIBUTION = "© OpenStreetMap, ODbL"


def described(file: str, attribution: str) -> dict[str, Any]:
    """What the page must know of it."""
    header = read_header(file).fields
    west, south, east, north = (
        header[f"{edge}_e7"] / E7 for edge in ("min_lon", "min_lat", "max_lon", "max_lat")
    )
    return {
        "pmtiles": NAME,
        "attribution": attribution or ATTRIBUTION,
        "bounds": [west, south, east, north],
        "maxzoom": header["max_zoom"],
    }
