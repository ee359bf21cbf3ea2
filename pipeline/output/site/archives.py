"""The tiles of a finished run as files of PMTiles, one a layer: a browser asks a plain web host for
the parts of such a file that it needs."""

import gzip
import os
from collections.abc import Callable, Iterator
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
from pipeline.output.tiles import roofs
from pipeline.output.tiles.facts import ROOFS, Facts, facts
from pipeline.output.tiles.overview import Overview
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


class Archive(NamedTuple):
    """A file to be: what the page calls its tiles (buildings, roofs, hillshade, shadow,
    shadow@10:00), where and how deep they are, and how one is drawn."""

    key: str
    facts: Facts
    draw: Draw

    @property
    def name(self) -> str:
        """Name of the archive file."""
        return f"{self.key.replace('@', '-').replace(':', '')}.pmtiles"

    @property
    def is_vector(self) -> bool:
        """Whether the tiles are vectors, else pictures."""
        return self.facts.fields is not None


def archives(directory: Place, scratch: Path, most: int = MOST_TILES) -> list[Archive]:
    """The files that a finished run makes: outlines and overview of its roofs, and its raster
    layers, those of bits of all moments together and of each.

    scratch: a folder for what is counted. Pictures go so deep that no zoom has more than `most`
    tiles. Raises InputError where no finished run is, or a damaged one.
    """
    run = open_finished(directory)
    store = below(directory, RASTERS)
    pictures = Pictures(store, run.method) if open_store(store) is not None else None
    table = RoofTiles(run.table, run.method)
    layers = facts(table, pictures)
    draw: dict[str, Draw] = {}
    if roofs.LAYER in layers:
        draw[roofs.LAYER] = partial(_packed, table)
        draw[ROOFS] = Overview.of(run.table.file, run.method, scratch).tile
    if pictures is not None:
        draw |= _drawn(pictures, layers, sun_times(run.report))
    return [Archive(key, _bounded(layers[key.partition("@")[0]], most), draw[key]) for key in draw]


def _drawn(pictures: Pictures, layer_facts: dict[str, Facts], times: list[str]) -> dict[str, Draw]:
    """How the rasters are drawn that one picture shows, those of bits also one by one."""
    there = [name for name in pictures.layers if name in layer_facts and pictures.is_whole(name)]
    draw: dict[str, Draw] = {name: partial(pictures.tile, name) for name in there}
    for name in there:
        for sun, time in enumerate(times[: layer_facts[name].suns]):
            draw[f"{name}@{time}"] = partial(pictures.tile, name, sun=sun)
    return draw


def _packed(table: RoofTiles, tile: MapTile) -> bytes | None:
    """A vector tile as PMTiles hold it; None without roofs."""
    found = table.tile(tile)
    return gzip.compress(found, EFFORT, mtime=0) if found else None


def _bounded(of: Facts, most: int) -> Facts:
    """Facts of a layer whose deepest zoom has at most so many tiles, if it is one of pictures."""
    last = of.last
    while of.fields is None and last > of.first and _number(of.bounds, last) > most:
        last -= 1
    return of._replace(last=last)


def _corners(bounds: Rectangle, z: int) -> tuple[MapTile, MapTile]:
    """The north-western and the south-eastern tile."""
    west, south, east, north = bounds
    return MapTile.at(west, north, z), MapTile.at(east, south, z)


def _number(bounds: Rectangle, z: int) -> int:
    first, last = _corners(bounds, z)
    return (last.x - first.x + 1) * (last.y - first.y + 1)


def number(archive: Archive) -> int:
    """How many tiles may have something to show."""
    return sum(
        _number(archive.facts.bounds, z) for z in range(archive.facts.first, archive.facts.last + 1)
    )


def squares(archive: Archive) -> Iterator[tuple[int, MapTile]]:
    """All those tiles with their numbers, in that order: along a curve of Hilbert, zoom by zoom."""
    for z in range(archive.facts.first, archive.facts.last + 1):
        first, last = _corners(archive.facts.bounds, z)
        yield from sorted(
            ((zxy_to_tileid(z, x, y), MapTile(z, x, y))
             for x in range(first.x, last.x + 1) for y in range(first.y, last.y + 1)),
            key=lambda each: each[0],
        )  # fmt: skip


def write(archive: Archive, directory: Place, folder: Path, progress: Progress, stop: Stop) -> bool:
    """Write a file of PMTiles into a folder, if there is a tile; equal runs give equal bytes.

    Tiles without anything to show are left out. Raises Stopped as soon as the flag is up.
    """
    path, total = folder / archive.name, number(archive)
    with path.open("wb") as stream, TemporaryFile(dir=folder) as kept:
        writer = Writer(stream)
        writer.tile_f.close()
        writer.tile_f = kept  # its own would lie where the system keeps small things
        for done, (number_, data) in enumerate(_made(archive, stop), 1):
            if data is not None:
                writer.write_tile(number_, data)
            progress(archive.key, done, total)
        if writer.tile_entries:
            lowest, _, _ = tileid_to_zxy(writer.tile_entries[0].tile_id)
            writer.finalize(_header(archive, lowest), _metadata(archive, directory))
    if not path.stat().st_size:
        path.unlink()
    return path.is_file()


def _made(archive: Archive, stop: Stop) -> Iterator[tuple[int, bytes | None]]:
    """The tiles in their order, some drawn at the same time."""
    every = list(squares(archive))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(every), AT_ONCE):
            if stop():
                raise Stopped
            numbers, tiles = zip(*every[start : start + AT_ONCE], strict=True)
            yield from zip(numbers, pool.map(archive.draw, tiles), strict=True)


def _header(archive: Archive, lowest: int) -> dict[str, Any]:
    """Where the tiles are, to begin at the lowest zoom that has any."""
    west, south, east, north = (round(edge * E7) for edge in archive.facts.bounds)
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
    if archive.is_vector:
        zooms = {"minzoom": archive.facts.first, "maxzoom": archive.facts.last}
        values["vector_layers"] = [{"id": archive.key, "fields": archive.facts.fields, **zooms}]
    return values
