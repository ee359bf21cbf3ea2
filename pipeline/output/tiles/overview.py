"""Picture tiles of the roofs by class, where they are too many for outlines.

The roofs of each layer of the map are counted once, in cells of FINEST metres and on levels of
cells twice as wide as the last. A count is one word of 64 bits, from its highest: level, block and
cell within the block, layer, number. Sorted, the words of a block are found by bisection, and only
they are read of a file. They are made a row of blocks at a time: in memory a nation's counts take 8
bytes each.
"""

import hashlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.methods.method import Method
from pipeline.output.map.dots import COLUMNS, coloured, filled, layers
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
LAYER_BITS, COUNT_BITS = 3, 25
CELL_BITS = 2 * BLOCK + LAYER_BITS + COUNT_BITS  # below a block's own
MADE = 1  # raised when the words mean something else
ROW_SHIFT = np.uint64(BITS - BLOCK + CELL_BITS)  # of the rows of blocks
END = np.uint64((1 << 64) - 1)
FOOTER = 1 << 16  # bytes
Words = NDArray[np.uint64]


class Overview:
    """The roofs of a finished run, counted; any number of threads may ask for tiles."""

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
        """A PNG of SIDE pixels a side, each in the colour of the layer with most roofs in the cell
        under its centre, fainter where there are few; None without roofs, and below zoom FIRST or
        beyond LAST."""
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
        picture = coloured(roofs.reshape(len(roofs), -1), cell, self._method)
        return png.coloured(np.rint(255 * picture).astype(np.uint8).reshape(SIDE, SIDE, 4))

    def _under(self, level: int, row: NDArray[np.int64], column: NDArray[np.int64]) -> Any:
        """(layers in `filled`, n) the roofs in cells."""
        low = np.array([row.min(), column.min()]) >> BLOCK
        high = np.array([row.max(), column.max()]) >> BLOCK
        down, across = ((high - low + 1) << BLOCK).tolist()
        counts = np.zeros((len(filled(self._method)), down, across), np.uint32)
        top, left = (low << BLOCK).tolist()
        for i in range(low[0], high[0] + 1):
            for j in range(low[1], high[1] + 1):
                part = _read(self._block(level, i, j))
                counts[part.layer, part.row - top, part.column - left] = part.number
        return counts[:, row - top, column - left]

    def _block(self, level: int, i: int, j: int) -> Words:
        """The words of a block."""
        first = (level << 2 * (BITS - BLOCK) | i << (BITS - BLOCK) | j) << CELL_BITS
        ends = np.array([first, first + (1 << CELL_BITS) - 1], np.uint64)
        begin, end = np.searchsorted(self._words, ends)
        return np.asarray(self._words[begin:end])


class CellCounts(NamedTuple):
    """Numbers of roofs by cell and layer in `filled`. row: counted northward."""

    row: NDArray[np.int64]
    column: NDArray[np.int64]
    layer: NDArray[np.int64]
    number: NDArray[np.int64]


def counted(buildings: Place, method: Method) -> Iterator[Words]:
    """The counts of all levels of a table, sorted, and at their end the highest word. Raises
    InputError for a damaged table."""
    parts = [
        _summed(_word(0, _cells(part, method)))
        for part in slices(buildings, [*COLUMNS, "centre_x", "centre_y"])
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


def _cells(part: pa.Table, method: Method) -> CellCounts:
    """A count of one for each row that a layer fills, if its centre is on the grid."""
    x, y = (part[f"centre_{axis}"].to_numpy() for axis in "xy")
    layer, order = np.full(len(part), -1, np.int64), filled(method)
    for name, rows in layers(part, method).items():
        if name in order:
            layer[rows] = order.index(name)
    counts = (layer >= 0) & (x >= 0) & (x < WIDTH) & (y >= 0) & (y < WIDTH)
    row, column = (np.floor(axis[counts] / FINEST).astype(np.int64) for axis in (y, x))
    return CellCounts(row, column, layer[counts], np.ones(len(row), np.int64))


def _word(level: int, counts: CellCounts) -> Words:
    within = (1 << BLOCK) - 1
    word = np.full(len(counts.row), level, np.int64)
    for value, bits in (
        (counts.row >> BLOCK, BITS - BLOCK),
        (counts.column >> BLOCK, BITS - BLOCK),
        (counts.row & within, BLOCK),
        (counts.column & within, BLOCK),
        (counts.layer, LAYER_BITS),
        (counts.number, COUNT_BITS),
    ):
        word = word << bits | value
    return word.astype(np.uint64)


def _read(words: Words) -> CellCounts:
    word, values = words.astype(np.int64), []
    for bits in (COUNT_BITS, LAYER_BITS, BLOCK, BLOCK, BITS - BLOCK, BITS - BLOCK):
        values.append(word & ((1 << bits) - 1))
        word >>= bits
    number, layer, column, row, far_column, far_row = values
    return CellCounts(far_row << BLOCK | row, far_column << BLOCK | column, layer, number)


def _summed(words: Words) -> Words:
    """Words sorted, and summed to one for each layer of each cell."""
    if not len(words):
        return words
    words.sort()
    cell = words >> np.uint64(COUNT_BITS)
    first = np.flatnonzero(np.concatenate([[True], cell[1:] != cell[:-1]]))
    number = np.add.reduceat(words & np.uint64((1 << COUNT_BITS) - 1), first)
    return (cell[first] << np.uint64(COUNT_BITS)) | number
