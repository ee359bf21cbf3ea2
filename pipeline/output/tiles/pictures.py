"""Picture tiles of the raster layers of a run, from the pyramid of its store."""

import math
from collections.abc import Iterable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.grid.windows import Window
from pipeline.messages import Text
from pipeline.methods.method import Layer, Method
from pipeline.methods.shades import Palette
from pipeline.output.map.palette import (
    DARKEST,
    GROUND,
    SHADOW,
    brightness,
    indexed,
    nothing,
    number_of_bits,
    palette_colours,
)
from pipeline.output.tiles import png
from pipeline.output.tiles.scheme import DEEPEST, SIDE, MapTile
from pipeline.results.georeference import transform_of
from pipeline.results.store import open_store
from pipeline.storage.lru import LRUCache
from pipeline.storage.places import Place
from pipeline.storage.slices import Rectangle
from pipeline.terms import Field, Location

MOST = 64 << 20  # bytes of decoded chunks
LOWEST = 5  # zoom
MOST_CHUNKS = 64  # that a tile may need: each is opened by itself
MIDDLE = 52.2  # degrees north, about; zooms are the same in the whole country
Cells = NDArray[Any]


class Level(NamedTuple):
    """A level of the pyramid: its north-western corner, the side of a cell [m], its arrays."""

    west: float
    north: float
    cell: float
    arrays: dict[str, Any]


class Pictures:
    """The raster layers of a finished run, opened once for any number of threads.

    store: of its rasters; method: of the run; most: bytes of chunks that stay decoded; chunks: that
    a tile may need. Raises InputError without a store.
    """

    def __init__(
        self, store: Place, method: Method, most: int = MOST, chunks: int = MOST_CHUNKS
    ) -> None:
        root = open_store(store)
        if root is None:
            raise InputError(
                Location(store),
                "no rasters here",
                "run it anew with {layers}",
                layers=Field("layers"),
            )
        names = sorted(map(int, root.group_keys()))
        self._most_chunks = chunks
        self._drawn = {each.name: each for each in method.layers if each.drawn is not None}
        self._levels = [_level(root[str(name)], self._drawn) for name in names]
        self._chunks: LRUCache[Cells] = LRUCache(most, lambda cells: cells.nbytes)

    @property
    def layers(self) -> list[str]:
        """The layers with pictures."""
        return [name for name in self._drawn if self._levels and name in self._levels[0].arrays]

    @property
    def bounds(self) -> Rectangle | None:
        """The rectangle of the rasters [RD m]; None without layers."""
        if not self.layers:
            return None
        finest = self._levels[0]
        height, width = finest.arrays[self.layers[0]].shape[-2:]
        return (finest.west, finest.north - height * finest.cell,
                finest.west + width * finest.cell, finest.north)  # fmt: skip

    def suns(self, layer: str) -> int:
        """The number of sun positions of a layer, by bits or pictures; 0 for one without."""
        array = self._array(layer)
        bits = number_of_bits(self._drawn[layer], array.attrs)
        return int(array.shape[0]) if array.ndim > 2 else bits

    def is_whole(self, layer: str) -> bool:
        """Whether one picture shows all of a layer, not one a sun."""
        return bool(self._array(layer).ndim == 2)

    def zooms(self, layer: str) -> tuple[int, int]:
        """The lowest and the highest zoom with tiles: lower down a tile would need
        too many chunks, beyond the highest a cell is larger than a pixel."""
        self._array(layer)
        finest = self._levels[0].cell
        last = next((z for z in range(LOWEST, DEEPEST) if _pixel(z) <= finest), DEEPEST)
        few = (z for z in range(LOWEST, last) if self._needed(layer, z) <= self._most_chunks)
        return next(few, last), last

    def tile(self, layer: str, tile: MapTile, sun: int | None = None) -> bytes | None:
        """A PNG of SIDE pixels a side; None where there are no data, or below the lowest zoom.

        sun: place among the layer's sun positions; of bits without it: darker for each that is set.
        Raises InputError for an unknown layer or sun.
        """
        palette = self._palette(layer, sun)
        if tile.z < self.zooms(layer)[0]:
            return None
        cells = self._cells_under(layer, tile, None if self.is_whole(layer) else sun)
        if cells is None or (cells == nothing(self._drawn[layer])).all():
            return None
        return png.paletted(cells, palette)

    def _array(self, layer: str) -> Any:
        if layer not in self.layers:
            raise InputError(
                Text("layer {layer!r}", layer=layer),
                "not among the pictures of this run ({there})",
                there=list(self.layers) or Text("none"),
            )
        return self._levels[0].arrays[layer]

    def _palette(self, layer: str, sun: int | None) -> NDArray[np.uint8]:
        suns = self.suns(layer)
        if sun is not None and not 0 <= sun < suns:
            raise InputError(
                Text("sun {sun}", sun=sun),
                "layer {layer} has {suns}, counted from 0",
                layer=layer,
                suns=suns or Text("none"),
            )
        if sun is None and not self.is_whole(layer):
            raise InputError(
                Text("layer {layer}", layer=layer), remedy="name one of its {suns} suns", suns=suns
            )
        return _palette(self._drawn[layer], suns, sun)

    def _needed(self, layer: str, z: int) -> int:
        """The most chunks that a tile needs."""
        level = self._levels[self._nearest(_pixel(z))]
        array, side = level.arrays[layer], SIDE * _pixel(z) * 1.1 / level.cell  # turned a little
        return math.prod(
            math.ceil(min(side, whole) / chunk) + (side < whole)
            for whole, chunk in zip(array.shape[-2:], array.chunks[-2:], strict=True)
        )

    def _nearest(self, pixel: float) -> int:
        """The level whose cells are nearest in size to pixels [m]."""
        return min(
            range(len(self._levels)), key=lambda i: abs(math.log(self._levels[i].cell / pixel))
        )

    def _cells_under(self, layer: str, tile: MapTile, sun: int | None) -> Cells | None:
        """(SIDE, SIDE) the cell under the centre of each pixel; None where there is none."""
        number = self._nearest(tile.pixel_m)
        level = self._levels[number]
        array = level.arrays[layer]
        x, y = tile.pixels()
        column = np.floor((x - level.west) / level.cell).astype(np.int64)
        row = np.floor((level.north - y) / level.cell).astype(np.int64)
        whole = Window(0, 0, *array.shape[-2:])
        inside = (row >= 0) & (row < whole.height) & (column >= 0) & (column < whole.width)
        if not inside.any():
            return None
        rows, columns = row[inside], column[inside]
        top, left, bottom, right = (
            int(end) for end in (rows.min(), columns.min(), rows.max() + 1, columns.max() + 1)
        )
        cells = self._read(layer, number, Window.between(top, left, bottom, right), sun)
        picture = np.full((SIDE, SIDE), nothing(self._drawn[layer]), np.uint8)
        picture[inside] = cells[rows - top, columns - left]
        return picture

    def _read(self, layer: str, number: int, window: Window, sun: int | None) -> Cells:
        """The cells of a window of a level, by its chunks."""
        array = self._levels[number].arrays[layer]
        whole, (down, across) = Window(0, 0, *array.shape[-2:]), array.chunks[-2:]
        cells = np.empty((window.height, window.width), np.uint8)
        for i in range(window.top // down, -(-window.bottom // down)):
            for j in range(window.left // across, -(-window.right // across)):
                chunk = Window(i * down, j * across, down, across).intersect(whole)
                place = whole.slices(chunk)
                decode = partial(_decoded, array, place, sun, self._drawn[layer])
                decoded = self._chunks.get((layer, number, sun, i, j), decode)
                part = chunk.intersect(window)
                cells[window.slices(part)] = decoded[chunk.slices(part)]
        return cells


def _level(group: Any, layers: Iterable[str]) -> Level:
    to_rd = transform_of(group)
    return Level(to_rd.c, to_rd.f, to_rd.a, {name: group[name] for name in layers if name in group})


def _decoded(array: Any, place: tuple[slice, slice], sun: int | None, layer: Layer) -> Cells:
    """The cells of a chunk as places in the palette of their layer."""
    return indexed(layer, np.asarray(array[place if sun is None else (sun, *place)]))


def _pixel(z: int) -> float:
    """Metres of the ground that a pixel covers in the middle of the country."""
    return MapTile.at(5.4, MIDDLE, z).side / SIDE * math.cos(math.radians(MIDDLE))


def _palette(layer: Layer, bits: int, bit: int | None) -> NDArray[np.uint8]:
    """RGBA (256, 4) of a layer's cells, as the map draws them; no data is transparent. bits: their
    number; bit: the one to show, None: all."""
    place = np.arange(256, dtype=np.uint8)
    opaque = np.where(place == nothing(layer), 0.0, 1.0)
    if layer.drawn == "bits":  # over a brightness it looks as on the map
        shaded = np.bitwise_count(place) / max(bits, 1) if bit is None else place >> bit & 1
        opaque *= np.minimum(shaded, 1) * DARKEST
        colour = np.broadcast_to(to_rgb(SHADOW), (256, 3))
    elif isinstance(layer.drawn, Palette):
        colour = palette_colours(layer.drawn)
    else:
        colour = np.array(to_rgb(GROUND)) * brightness(place)
    return np.rint(255 * np.column_stack([colour, opaque])).astype(np.uint8)
