"""A base map as an operator hosts it: features with names, in one file of PMTiles."""

import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import mapbox_vector_tile
import shapely
from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer

from pipeline.grid.crs import lonlat
from pipeline.output.tiles.scheme import MapTile, mercator_transformer

STREETS = 6
NAMES = [f"Teststraat {number}" for number in range(STREETS)]
ZOOMS = range(10, 16)
EXTENT = 4096  # units of a tile's side
CUT = (-256, -256, EXTENT + 256, EXTENT + 256)  # its features end there
FIELDS = {"kind": "String", "min_zoom": "Number", "name": "String", "name:nl": "String"}
MAKERS = '<a href="https://protomaps.com">Protomaps</a> © <a href="/">OpenStreetMap</a>'
Feature = tuple[shapely.Geometry, dict[str, Any]]  # in RD [m], and its fields
Layers = Mapping[str, Sequence[Feature]]


def streets(file: Path, west: float, south: float, width: float = 700.0) -> Path:
    """Parallel streets from a corner [RD m], 40 m apart."""
    rows = [(name, south + 40 * at) for at, name in enumerate(NAMES)]
    lines = [
        (shapely.LineString([(west, y), (west + width, y)]), {"kind": "minor_road", "name": name})
        for name, y in rows
    ]
    return write(file, {"roads": lines})


def write(file: Path, layers: Layers, attribution: str = MAKERS) -> Path:
    """A base map with these layers."""
    every = [geometry for features in layers.values() for geometry, _ in features]
    bounds = lonlat(tuple(shapely.total_bounds(every)))
    header = {"tile_type": TileType.MVT, "tile_compression": Compression.GZIP}
    edges = ("min_lon_e7", "min_lat_e7", "max_lon_e7", "max_lat_e7")
    header |= {edge: round(1e7 * value) for edge, value in zip(edges, bounds, strict=True)}
    described = [{"id": name, "fields": FIELDS} for name in layers]
    with file.open("wb") as stream:
        writer = Writer(stream)
        for tile in _tiles(bounds):
            writer.write_tile(zxy_to_tileid(tile.z, tile.x, tile.y), _encoded(tile, layers))
        writer.finalize(header, {"vector_layers": described, "attribution": attribution})
    return file


def _tiles(bounds: tuple[float, float, float, float]) -> list[MapTile]:
    """All tiles of a rectangle [degrees], in the order of their ids."""
    west, south, east, north = bounds
    tiles = []
    for z in ZOOMS:
        first, last = MapTile.at(west, north, z), MapTile.at(east, south, z)
        columns, rows = range(first.x, last.x + 1), range(first.y, last.y + 1)
        tiles += [MapTile(z, x, y) for x in columns for y in rows]
    return sorted(tiles, key=lambda tile: zxy_to_tileid(tile.z, tile.x, tile.y))


def _encoded(tile: MapTile, layers: Layers) -> bytes:
    to_mercator = mercator_transformer(to_rd=False).transform

    def to_tile(x: Any, y: Any) -> tuple[Any, Any]:
        east, north = to_mercator(x, y)
        west, _, _, top = tile.mercator
        return (east - west) / tile.side * EXTENT, (top - north) / tile.side * EXTENT

    def cut(features: Sequence[Feature]) -> list[dict[str, Any]]:
        moved = [(shapely.transform(g, to_tile, interleaved=False), v) for g, v in features]
        pieces = [(shapely.clip_by_rect(g, *CUT), values) for g, values in moved]
        return [{"geometry": g, "properties": v} for g, v in pieces if not g.is_empty]

    encoded = [{"name": name, "features": cut(features)} for name, features in layers.items()]
    options = {"y_coord_down": True, "extents": EXTENT}
    return gzip.compress(mapbox_vector_tile.encode(encoded, default_options=options))
