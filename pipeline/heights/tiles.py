"""Tiles: the parts of a sheet that are decoded at once, of which the latest are kept as heights."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.grid.windows import Window
from pipeline.storage.lru import LRUCache

MIB = 2**20
TILES_MB = 192  # decoded tiles that are kept, for all tasks of a process together
GDAL_MB = 64  # blocks that GDAL keeps besides, for what it decodes
CACHE_MB = TILES_MB + GDAL_MB
STRIPS = 2**16  # cells of strips that make a tile, at least: less costs more calls than decoding
LEAST, LARGEST = 2**12, 2**22  # cells of a block that is a tile: up to 16 MiB of heights
OF_GDAL = (256, 512)  # a tile of what has no such blocks


class Tile(NamedTuple):
    """heights: (rows, columns) float32 [m], NaN without data; finite: whether none is infinite."""

    heights: NDArray[np.float32]
    finite: bool


def tile_cache(megabytes: int = TILES_MB) -> LRUCache[Tile]:
    """A cache of decoded tiles."""
    return LRUCache(megabytes * MIB, lambda tile: tile.heights.nbytes)


TILES = tile_cache()  # neighbouring tasks need many of the same


def tile_shape(file: Any) -> tuple[int, int]:
    """Rows and columns of the tiles of an open raster: of a TIFF, a block or some strips below one
    another."""
    rows, columns = file.block_shapes[0]
    if file.driver == "GTiff":
        if columns == file.width:
            rows *= math.ceil(STRIPS / (rows * columns))
        if LEAST <= rows * columns <= LARGEST:
            return rows, columns
    return OF_GDAL


def tiles_touching(part: Window, shape: tuple[int, int], whole: Window) -> Iterator[list[Window]]:
    """The tiles of a file that a part of it touches, row by row, all counted from its first
    cell. whole: all cells of the file."""
    rows, columns = shape
    for top in range(part.top // rows * rows, part.bottom, rows):
        lefts = range(part.left // columns * columns, part.right, columns)
        yield [Window(top, left, rows, columns).intersect(whole) for left in lefts]
