"""Picture tiles of the roofs by class, where they are too many for outlines.

The areas of the roofs of each layer of the map are summed once, in cells of FINEST metres and on
levels of cells twice as wide as the last; a roof lies in those under a square of its area around
its centre. A sum is one word of 64 bits, from its highest: level, block and cell within the block,
layer, area. Sorted, the words of a block are found by bisection, and only they are read of a file.
They are made a row of blocks at a time: in memory a nation's sums take 8 bytes each.
"""

import hashlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from matplotlib.colors import to_rgba_array
from numpy.typing import NDArray

from pipeline.methods.method import Method
from pipeline.output.map.dots import COLUMNS, FAINTEST, filled, layers
from pipeline.output.map.palette import styles
from pipeline.output.tiles import png
from pipeline.output.tiles.scheme import SIDE, MapTile
from pipeline.storage.cache import is_intact, key_of, record_checksums
from pipeline.storage.places import Folder, Place
from pipeline.storage.slices import readable, slices
from pipeline.terms import File

ROOFS = "roofs"  # the name of the layer
FIRST, LAST = 5, 13  # zoom
FINEST = 16.0  # m; a pixel of zoom 13 is 12 m
LEVELS = 9  # the coarsest are 4 km, for the pixels of 3 km of zoom 5
BITS = 16  # of a row or column: the grid starts at RD 0, 0
WIDTH = FINEST * (1 << BITS)  # m, 1,049 km
BLOCK = 8  # bits of a row or column within its block
LAYER_BITS, AREA_BITS = 3, 25  # m2: the coarsest cells have 17 million
CELL_BITS = 2 * BLOCK + LAYER_BITS + AREA_BITS  # below a block's own
MADE = 2  # raised when the words mean something else
ROW_SHIFT = np.uint64(BITS - BLOCK + CELL_BITS)  # of the rows of blocks
END = np.uint64((1 << 64) - 1)
FOOTER = 1 << 16  # bytes
Words = NDArray[np.uint64]


class Overview:
    """The areas of the roofs of a finished run, summed; any number of threads may ask for tiles."""

    def __init__(self, words: Words, method: Method) -> None:
        self._words, self._method = words, method

    @classmethod
    def of(cls, file: Place, method: Method, folder: Path) -> "Overview":
        """The overview of a table, counted once and kept in a folder under the identity of the
        table. Raises InputError for a damaged table."""
        path = folder / f"roofs-{identity(file)}.counts"
        if not is_intact(path):
            with Folder(folder).writing(path.name) as stream:
                for words in counted(file, method):
                    stream.write(words.tobytes())
            record_checksums(path)
        return cls(np.memmap(path, np.uint64, "r"), method)

    def tile(self, tile: MapTile) -> bytes | None:
        """A PNG of SIDE pixels a side, each in the colour of the layer with the largest area in the
        cell under its centre, as opaque as roofs cover the cell; None without roofs, and below zoom
        FIRST or beyond LAST."""
        if not FIRST <= tile.z <= LAST:
            return None
        level = min(max(math.ceil(math.log2(tile.pixel_m / FINEST)), 0), LEVELS - 1)
        cell = FINEST * (1 << level)
        column, row = (np.floor(axis / cell).astype(np.int64) for axis in tile.pixels())
        last = 1 << (BITS - level)
        inside = (row >= 0) & (row < last) & (column >= 0) & (column < last)
        roofs = np.zeros((len(filled(self._method)), SIDE, SIDE), np.uint32)
        if inside.any():
            roofs[:, inside] = self._under(level, row[inside], column[inside])
        if not roofs.any():
            return None
        picture = painted(roofs.reshape(len(roofs), -1), cell, self._method)
        return png.coloured(np.rint(255 * picture).astype(np.uint8).reshape(SIDE, SIDE, 4))

    def _under(self, level: int, row: NDArray[np.int64], column: NDArray[np.int64]) -> Any:
        """(layers in `filled`, n) the areas of roofs in cells [m2]."""
        low = np.array([row.min(), column.min()]) >> BLOCK
        high = np.array([row.max(), column.max()]) >> BLOCK
        down, across = ((high - low + 1) << BLOCK).tolist()
        counts = np.zeros((len(filled(self._method)), down, across), np.uint32)
        top, left = (low << BLOCK).tolist()
        for i in range(low[0], high[0] + 1):
            for j in range(low[1], high[1] + 1):
                part = _read(self._block(level, i, j))
                counts[part.layer, part.row - top, part.column - left] = part.area
        return counts[:, row - top, column - left]

    def _block(self, level: int, i: int, j: int) -> Words:
        """The words of a block."""
        first = (level << 2 * (BITS - BLOCK) | i << (BITS - BLOCK) | j) << CELL_BITS
        ends = np.array([first, first + (1 << CELL_BITS) - 1], np.uint64)
        begin, end = np.searchsorted(self._words, ends)
        return np.asarray(self._words[begin:end])


def painted(areas: NDArray[np.uint32], cell: float, method: Method) -> NDArray[np.float32]:
    """RGBA of 0 to 1, (n, 4), of n cells so wide [m] with areas of roofs [m2], (layers in `filled`,
    n): the layer with the largest, the last of equal ones."""
    most = len(areas) - 1 - areas[::-1].argmax(axis=0)
    faces = [styles(method)[name]["facecolor"] for name in filled(method)]
    picture: NDArray[np.float32] = to_rgba_array(faces).astype(np.float32)[most]
    area = areas.sum(axis=0)
    share = np.minimum(area / cell**2, 1)
    picture[:, 3] = np.where(area, FAINTEST + (1 - FAINTEST) * share, 0)
    return picture


class CellAreas(NamedTuple):
    """Areas of roofs by cell and layer in `filled` [m2]. row: counted northward."""

    row: NDArray[np.int64]
    column: NDArray[np.int64]
    layer: NDArray[np.int64]
    area: NDArray[np.int64]


def counted(buildings: Place, method: Method) -> Iterator[Words]:
    """The areas of all levels of a table, sorted, and at their end the highest word. Raises
    InputError for a damaged table."""
    parts = [
        _summed(_word(0, _cells(part, method)))
        for part in slices(buildings, [*COLUMNS, "area_m2", "centre_x", "centre_y"])
    ]
    for level in range(LEVELS):
        coarser = []
        for words in _bands(level, parts):
            yield words
            coarser.append(_summed(_coarser(level, words)))
        parts = coarser
    yield np.array([END])


def _bands(level: int, parts: list[Words]) -> Iterator[Words]:
    """The words of each row of blocks, from sorted parts."""
    rows = np.arange((1 << BITS - BLOCK) + 1) + (level << BITS - BLOCK)
    cuts = [np.searchsorted(part, rows.astype(np.uint64) << ROW_SHIFT) for part in parts]
    for i in range(len(rows) - 1):
        pieces = [part[at[i] : at[i + 1]] for part, at in zip(parts, cuts, strict=True)]
        if any(map(len, pieces)):
            yield _summed(np.concatenate(pieces))


def _coarser(level: int, words: Words) -> Words:
    finer = _read(words)
    return _word(level + 1, finer._replace(row=finer.row >> 1, column=finer.column >> 1))


def identity(file: Place) -> str:
    """A name for a table as it is now: by its size, its footer, which has the place and statistics
    of each column of each row group, and its time of change on disk."""
    with readable(file) as stream:
        size = stream.seek(0, 2)
        stream.seek(max(size - FOOTER, 0))
        digest = hashlib.sha256(stream.read()).hexdigest()
    changed = file.stat().st_mtime_ns if isinstance(file, Path) else None
    return key_of(MADE, File(file).name, size, digest, changed)


def _cells(part: pa.Table, method: Method) -> CellAreas:
    """The area of each row that a layer fills, if its centre is on the grid, at least 1 m2."""
    x, y = (part[f"centre_{axis}"].to_numpy() for axis in "xy")
    layer, order = np.full(len(part), -1, np.int64), filled(method)
    for name, rows in layers(part, method).items():
        if name in order:
            layer[rows] = order.index(name)
    counts = (layer >= 0) & (x >= 0) & (x < WIDTH) & (y >= 0) & (y < WIDTH)
    area = np.maximum(np.rint(pc.fill_null(part["area_m2"], 0).to_numpy()[counts]), 1)
    return _spread(x[counts], y[counts], area, layer[counts])


def _spread(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    area: NDArray[np.float64],
    layer: NDArray[np.int64],
) -> CellAreas:
    """Areas [m2] in the cells under squares of theirs around centres [m]: whole numbers, of which
    the cell of the centre has what is left, so that they add up to the area of the roof."""
    half = np.sqrt(area) / 2
    edges = [np.clip([axis - half, axis, axis + half], 0, WIDTH - 1) for axis in (x, y)]
    (west, middle, east), (south, centre, north) = (
        np.floor(each / FINEST).astype(np.int64) for each in edges
    )
    across, up = east - west + 1, north - south + 1
    first = np.cumsum(across * up) - across * up
    roof = np.repeat(np.arange(len(area)), across * up)
    place = np.arange(len(roof)) - first[roof]
    column, row = west[roof] + place % across[roof], south[roof] + place // across[roof]
    overlap = _within(edges[0], column, roof) * _within(edges[1], row, roof)
    whole = np.floor(overlap)
    whole[first + (centre - south) * across + middle - west] += area - np.bincount(
        roof, whole, len(area)
    )
    kept = whole > 0
    return CellAreas(row[kept], column[kept], layer[roof[kept]], whole[kept].astype(np.int64))


def _within(edges: NDArray[Any], cell: NDArray[Any], roof: NDArray[Any]) -> NDArray[np.float64]:
    """How much of a cell lies between the ends of a roof, the first and last of its edges [m]."""
    low, high = np.maximum(edges[0][roof], cell * FINEST), (cell + 1) * FINEST
    length: NDArray[np.float64] = np.minimum(edges[2][roof], high) - low
    return length


def _word(level: int, counts: CellAreas) -> Words:
    within = (1 << BLOCK) - 1
    word = np.full(len(counts.row), level, np.int64)
    for value, bits in (
        (counts.row >> BLOCK, BITS - BLOCK),
        (counts.column >> BLOCK, BITS - BLOCK),
        (counts.row & within, BLOCK),
        (counts.column & within, BLOCK),
        (counts.layer, LAYER_BITS),
        (counts.area, AREA_BITS),
    ):
        word = word << bits | value
    return word.astype(np.uint64)


def _read(words: Words) -> CellAreas:
    word, values = words.astype(np.int64), []
    for bits in (AREA_BITS, LAYER_BITS, BLOCK, BLOCK, BITS - BLOCK, BITS - BLOCK):
        values.append(word & ((1 << bits) - 1))
        word >>= bits
    area, layer, column, row, far_column, far_row = values
    return CellAreas(far_row << BLOCK | row, far_column << BLOCK | column, layer, area)


def _summed(words: Words) -> Words:
    """Words sorted, and summed to one for each layer of each cell."""
    if not len(words):
        return words
    words.sort()
    cell = words >> np.uint64(AREA_BITS)
    first = np.flatnonzero(np.concatenate([[True], cell[1:] != cell[:-1]]))
    area = np.add.reduceat(words & np.uint64((1 << AREA_BITS) - 1), first)
    return (cell[first] << np.uint64(AREA_BITS)) | area
