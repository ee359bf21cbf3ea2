"""The regions of a quarter, as CBS codes them: all of it, and its four corners."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.quarter.shapes import Bounds

NAME = "boundaries.geojson"
MUNICIPALITY, PROVINCE = "GM9999", "PV99"
CORNERS = {"Noordwest": (0, 1), "Noordoost": (1, 1), "Zuidwest": (0, 0), "Zuidoost": (1, 0)}


def write_regions(directory: Path, bounds: Bounds) -> Path:
    """Write a province and a municipality that are the whole quarter, its four corners as
    neighbourhoods, and a postcode; codes and names that are nowhere in the country."""
    features = [
        {"type": "Feature", "properties": {"statcode": code, "statnaam": name}, "geometry": ring}
        for code, name, ring in _regions(bounds)
    ]
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::28992"}}
    file = directory / NAME
    whole = {"type": "FeatureCollection", "crs": crs, "features": features}
    file.write_text(json.dumps(whole, indent=1), encoding="utf-8")
    return file


def _regions(bounds: Bounds) -> Iterator[tuple[str, str, dict[str, Any]]]:
    west, south, east, north = bounds
    whole = _rectangle(west, south, east, north)
    yield PROVINCE, "Dakland", whole
    yield MUNICIPALITY, "Daklaag", whole
    width, height = (east - west) / 2, (north - south) / 2
    for number, (name, (column, row)) in enumerate(CORNERS.items(), 1):
        x, y = west + column * width, south + row * height
        yield f"BU9999000{number}", name, _rectangle(x, y, x + width, y + height)
    yield "0999", "0999", whole


def _rectangle(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}
