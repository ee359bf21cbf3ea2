"""The map tiles of a finished run as PMTiles, a file a layer, of which a browser reads parts from a
plain web host."""

import gzip
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, NamedTuple

from pmtiles.tile import Compression, TileType, tileid_to_zxy, zxy_to_tileid
from pmtiles.writer import Writer

from pipeline.engine.engine import Progress
from pipeline.engine.tasks import Stop
from pipeline.errors import Stopped
from pipeline.grid.crs import lonlat
from pipeline.output.tiles import overview
from pipeline.output.tiles.overview import ROOFS, Overview
from pipeline.output.tiles.pictures import Pictures
from pipeline.output.tiles.roofs import RoofTiles
from pipeline.output.tiles.scheme import MapTile
from pipeline.results.finished import open_finished
from pipeline.results.printed import attributions, sun_times
from pipeline.results.store import open_store
from pipeline.storage.ledger import RASTERS
from pipeline.storage.places import Place, below
from pipeline.storage.slices import Rectangle

# Of a layer's deepest zoom, of pictures: 270 million pixels, of which a hillshade takes 0.5 bytes.
MOST_TILES = 4096
AT_ONCE = 64  # tiles that are drawn before they are written
EFFORT = 9  # of gzip: written once, read often
E7 = 10_000_000  # degrees are whole numbers of this part of one
Draw = Callable[[MapTile], bytes | None]


class TileLayer(NamedTuple):
    """Extent and zooms of a layer of map tiles. bounds: west, south, east, north [degrees]; first,
    last: lowest and highest zoom; suns: sun positions that a tile can be drawn for; vectors: the
    layers of vector tiles as TileJSON describes them, None for pictures."""

    bounds: Rectangle
    first: int
    last: int
    suns: int = 0
    vectors: list[dict[str, Any]] | None = None


class Archive(NamedTuple):
    """A file of map tiles. key: the page's name for them (buildings, roofs, hillshade, shadow,
    shadow@10:00); draw: makes a tile."""

    key: str
    layer: TileLayer
    draw: Draw

    @property
    def name(self) -> str:
        """Name of the archive file."""
        return f"{self.key.replace('@', '-').replace(':', '')}.pmtiles"

    @property
    def is_vector(self) -> bool:
        """Whether the tiles are vectors, else pictures."""
        return self.layer.vectors is not None


def archives(directory: Place, scratch: Path, most: int = MOST_TILES) -> list[Archive]:
    """The files of a finished run: outlines of its roofs and of their parts, overview of its roofs,
    and its raster layers, those of bits for all moments together and for each.

    scratch: a folder for the counts of roofs; most: tiles of the highest zoom of pictures. Raises
    InputError without a finished run, or for a damaged one.
    """
    run = open_finished(directory)
    store = below(directory, RASTERS)
    pictures = Pictures(store, run.method) if open_store(store) is not None else None
    table = RoofTiles(run.table, run.method, alone=True)
    layers = tile_layers(table, pictures)
    vectors = [name for name in table.layers if name in layers]
    draw: dict[str, Draw] = {name: partial(_packed, table, name) for name in vectors}
    if ROOFS in layers:
        draw[ROOFS] = Overview.of(run.table.file, run.method, scratch).tile
    if pictures is not None:
        draw |= _drawn(pictures, layers, sun_times(run.report))
    return [Archive(key, _bounded(layers[key.partition("@")[0]], most), draw[key]) for key in draw]


def tile_layers(table: RoofTiles, pictures: Pictures | None) -> dict[str, TileLayer]:
    """The layers of a run that show anything. Roofs reach as far as the pictures, if there are any,
    since single footprints may lie far outside."""
    layers: dict[str, TileLayer] = {}
    ground = _on_grid(table.bounds)
    if pictures is not None and pictures.bounds:
        ground = pictures.bounds
        for name in pictures.layers:
            suns = pictures.suns(name)
            layers[name] = TileLayer(lonlat(ground), *pictures.zooms(name), suns)
    if table.bounds and ground:
        bounds = lonlat(ground)
        layers[ROOFS] = TileLayer(bounds, overview.FIRST, overview.LAST)
        for name, one in table.layers.items():
            described = one.described(name)
            layers[name] = TileLayer(bounds, one.first, one.last, vectors=described)
    return layers


def _on_grid(bounds: Rectangle | None) -> Rectangle | None:
    """The part on the grid of the overview: beyond it there is no longitude and latitude."""
    if not bounds:
        return None
    west, south, east, north = (min(max(edge, 0.0), overview.WIDTH) for edge in bounds)
    return (west, south, east, north) if west < east and south < north else None


def _drawn(pictures: Pictures, layers: dict[str, TileLayer], times: list[str]) -> dict[str, Draw]:
    """The drawing functions of layers that one picture shows, those of bits also bit by bit."""
    whole = [name for name in pictures.layers if name in layers and pictures.is_whole(name)]
    draw: dict[str, Draw] = {name: partial(pictures.tile, name) for name in whole}
    for name in whole:
        for sun, time in enumerate(times[: layers[name].suns]):
            draw[f"{name}@{time}"] = partial(pictures.tile, name, sun=sun)
    return draw


def _packed(table: RoofTiles, name: str, tile: MapTile) -> bytes | None:
    """A vector tile of a layer, compressed; None without features."""
    data = table.tile(tile, name)
    return gzip.compress(data, EFFORT, mtime=0) if data else None


def _bounded(layer: TileLayer, most: int) -> TileLayer:
    """A layer of pictures down to a zoom of at most so many tiles; one of vectors unchanged."""
    last = layer.last
    while layer.vectors is None and last > layer.first and _count(layer.bounds, last) > most:
        last -= 1
    return layer._replace(last=last)


def _corners(bounds: Rectangle, z: int) -> tuple[MapTile, MapTile]:
    """The north-western and the south-eastern tile."""
    west, south, east, north = bounds
    return MapTile.at(west, north, z), MapTile.at(east, south, z)


def _count(bounds: Rectangle, z: int) -> int:
    first, last = _corners(bounds, z)
    return (last.x - first.x + 1) * (last.y - first.y + 1)


def map_tiles(archive: Archive) -> Iterator[tuple[int, MapTile]]:
    """The tiles that may show anything, by their ids: zoom by zoom, along a Hilbert curve."""
    for z in range(archive.layer.first, archive.layer.last + 1):
        first, last = _corners(archive.layer.bounds, z)
        yield from sorted(
            ((zxy_to_tileid(z, x, y), MapTile(z, x, y))
             for x in range(first.x, last.x + 1) for y in range(first.y, last.y + 1)),
            key=lambda each: each[0],
        )  # fmt: skip


def write(archive: Archive, directory: Place, folder: Path, progress: Progress, stop: Stop) -> bool:
    """Write a file of PMTiles into a folder; none without a tile. Equal runs give equal bytes.

    Empty tiles are left out. Returns whether there is a file. Raises Stopped when the flag is up.
    """
    path, tiles = folder / archive.name, list(map_tiles(archive))
    with path.open("wb") as stream, TemporaryFile(dir=folder) as scratch:
        writer = Writer(stream)
        writer.tile_f.close()
        writer.tile_f = scratch  # its own would lie in the system's folder, which may be small
        for done, (tile_id, data) in enumerate(_drawn_in_order(tiles, archive.draw, stop), 1):
            if data is not None:
                writer.write_tile(tile_id, data)
            progress(archive.key, done, len(tiles))
        if writer.tile_entries:
            lowest, _, _ = tileid_to_zxy(writer.tile_entries[0].tile_id)
            writer.finalize(_header(archive, lowest), _metadata(archive, directory))
    if not path.stat().st_size:
        path.unlink()
    return path.is_file()


def _drawn_in_order(
    tiles: Sequence[tuple[int, MapTile]], draw: Draw, stop: Stop
) -> Iterator[tuple[int, bytes | None]]:
    """Tiles by their ids in order, several drawn at the same time."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(tiles), AT_ONCE):
            if stop():
                raise Stopped
            ids, part = zip(*tiles[start : start + AT_ONCE], strict=True)
            yield from zip(ids, pool.map(draw, part), strict=True)


def _header(archive: Archive, lowest: int) -> dict[str, Any]:
    """The header; a map begins at the lowest zoom with a tile."""
    west, south, east, north = (round(edge * E7) for edge in archive.layer.bounds)
    vector = archive.is_vector
    return {
        "tile_type": TileType.MVT if vector else TileType.PNG,
        "tile_compression": Compression.GZIP if vector else Compression.NONE,
        "min_lon_e7": west, "min_lat_e7": south, "max_lon_e7": east, "max_lat_e7": north,
        "center_zoom": lowest,
    }  # fmt: skip


def _metadata(archive: Archive, directory: Place) -> dict[str, Any]:
    values: dict[str, Any] = {
        "name": archive.key,
        "attribution": "; ".join(attributions(open_finished(directory).inputs)),
    }
    if archive.layer.vectors is not None:
        zooms = {"minzoom": archive.layer.first, "maxzoom": archive.layer.last}
        values["vector_layers"] = [each | zooms for each in archive.layer.vectors]
    return values
