"""Mosaics of elevation sheets, read in windows."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import rasterio
import shapely
from numpy.typing import NDArray

from pipeline.grid.windows import TILE, Window
from pipeline.heights.sheets import OpenSheet, Sheet
from pipeline.heights.tiles import GDAL_MB, MIB
from pipeline.storage.vsis3 import gdal_options

PIECE = 1024  # cells a side of what is decoded at once: a window costs little more than itself


def gdal() -> rasterio.Env:
    """GDAL's environment with a bounded cache, and access to object storage by AWS_*."""
    # rasterio takes this one in bytes, unlike the environment variable
    return rasterio.Env(GDAL_CACHEMAX=GDAL_MB * MIB, **gdal_options())


class Reader:
    """Opens each sheet once and reads windows across them; for one task, in one thread.

    cells_read: cells asked for so far; cells_own: of those, cells of the current `block`; the
    others are halo.
    """

    def __init__(self, mosaic: "Mosaic", stack: ExitStack) -> None:
        self._mosaic = mosaic
        self._stack = stack
        self._open: dict[str, OpenSheet] = {}
        self.cells_read = self.cells_own = 0
        self.block = Window(0, 0, 0, 0)

    @property
    def decoded(self) -> int:
        """Cells decoded so far, those of whole tiles."""
        return sum(sheet.decoded for sheet in self._open.values())

    def sheet(self, sheet: Sheet, window: Window) -> NDArray[np.float32]:
        """The part of one sheet, as float32 metres.

        Raises InputError where the file cannot be decoded or holds an infinite value.
        """
        out = np.empty((window.height, window.width), np.float32)
        self._read_sheet(sheet, window, out)
        return out

    def _read_sheet(self, sheet: Sheet, window: Window, out: NDArray[np.float32]) -> None:
        if sheet.path not in self._open:
            self._open[sheet.path] = self._stack.enter_context(OpenSheet(sheet))
        self.cells_read += window.size
        self.cells_own += window.intersect(self.block).size
        self._open[sheet.path].read(window, out)

    def read(self, window: Window, tiles: NDArray[np.bool_] | None = None) -> NDArray[np.float32]:
        """(rows, columns) float32 metres, NaN where no sheet has data. Where sheets overlap, the
        first that has data counts.

        tiles: which of the tiles in `window.coarse(TILE)` are wanted; in others all is NaN.
        """
        out = np.full((window.height, window.width), np.nan, np.float32)
        for piece in _selected_windows(window, tiles):
            filled: list[Window] = []
            for k in self._mosaic.touching(piece):
                sheet = self._mosaic.sheets[k]
                part = sheet.window.intersect(piece)
                target = out[window.slices(part)]
                if not any(part.intersect(other).size for other in filled):
                    self._read_sheet(sheet, part, target)
                elif (empty := np.isnan(target)).any():
                    np.copyto(target, self.sheet(sheet, part), where=empty)
                filled.append(part)
        return out


def _selected_windows(window: Window, tiles: NDArray[np.bool_] | None) -> Iterator[Window]:
    """The wanted part of a window in rectangles of at most PIECE cells a side."""
    if tiles is None or tiles.all():
        yield from window.pieces(PIECE)
        return
    frame = window.coarse(TILE)
    if tiles.shape != (frame.height, frame.width):
        raise ValueError(f"{tiles.shape} tiles, where the window touches {frame[2:]}")
    for part in rectangles(tiles):
        tile = Window(frame.top + part.top, frame.left + part.left, part.height, part.width)
        yield from Window(*(n * TILE for n in tile)).intersect(window).pieces(PIECE)


def rectangles(marked: NDArray[np.bool_]) -> Iterator[Window]:
    """Partition the marked cells of (rows, columns) into rectangles: a run along a row, and as many
    rows below as are marked along all of it."""
    left = marked.copy()
    for i in range(len(left)):
        edges = np.flatnonzero(np.diff(left[i], prepend=False, append=False))
        for begin, end in edges.reshape(-1, 2).tolist():
            other = np.flatnonzero(~left[i:, begin:end].all(axis=1))
            rows = int(other[0]) if len(other) else len(left) - i
            left[i : i + rows, begin:end] = False
            yield Window(i, begin, rows, end - begin)


class _Partition(NamedTuple):
    """Partition of a mosaic by the borders of its sheets. rows: (n,) int64, columns: (m,) int64,
    where sheets begin or end; owner: (n - 1, m - 1) int64, index of the last sheet between them, or
    -1."""

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    owner: NDArray[np.int64]


@dataclass(frozen=True)
class Mosaic:
    """The sheets of one kind (`DSM` or `DTM`), on one grid."""

    kind: str
    sheets: tuple[Sheet, ...]

    @property
    def resolution(self) -> float:
        return self.sheets[0].resolution

    @cached_property
    def _windows(self) -> NDArray[np.int64]:
        """(4, sheets): top, left, bottom, right."""
        corners = [(w.top, w.left, w.bottom, w.right) for w in (s.window for s in self.sheets)]
        return np.array(corners, np.int64).reshape(-1, 4).T.copy()

    @cached_property
    def window(self) -> Window:
        """The smallest window around all sheets."""
        top, left, bottom, right = self._windows
        return Window.between(int(top.min()), int(left.min()), int(bottom.max()), int(right.max()))

    @property
    def ground(self) -> shapely.Geometry:
        """The area of all sheets, in RD metres."""
        return shapely.union_all([shapely.box(*s.window.bounds(s.resolution)) for s in self.sheets])

    @cached_property
    def _partition(self) -> _Partition:
        top, left, bottom, right = self._windows
        rows, columns = np.unique([top, bottom]), np.unique([left, right])
        owner = np.full((len(rows) - 1, len(columns) - 1), -1)
        first = np.searchsorted(rows, top), np.searchsorted(columns, left)
        last = np.searchsorted(rows, bottom), np.searchsorted(columns, right)
        for k, (i, j, m, n) in enumerate(zip(*first, *last, strict=True)):
            owner[i:m, j:n] = k
        return _Partition(rows, columns, owner)

    @cached_property
    def overlaps(self) -> tuple[Window, ...]:
        """Windows that two sheets have in common, pair by pair."""
        return tuple(common for _, _, common in overlapping(self))

    def touching(self, window: Window) -> list[int]:
        """Indices of the sheets that have a cell in a window, in order."""
        top, left, bottom, right = self._windows
        down = (top < window.bottom) & (bottom > window.top)
        hit = down & (left < window.right) & (right > window.left)
        indices: list[int] = np.flatnonzero(hit).tolist() if window.size else []
        return indices

    def part(self, window: Window) -> "Mosaic":
        """The mosaic of the sheets that touch a window: small to send to a worker, and equal
        there."""
        return Mosaic(self.kind, tuple(self.sheets[k] for k in self.touching(window) or [0]))

    def covers(self, window: Window) -> bool:
        """Whether every cell of a window lies on a sheet."""
        if not window.size:
            return True
        if not self.window.covers(window):
            return False
        rows, columns, owner = self._partition
        i = slice(*_between(rows, window.top, window.bottom))
        j = slice(*_between(columns, window.left, window.right))
        return bool((owner[i, j] >= 0).all())

    def mask(self, window: Window) -> NDArray[np.bool_]:
        """Which cells of a window lie on a sheet."""
        if self.covers(window):
            return np.ones((window.height, window.width), np.bool_)
        out = np.zeros((window.height, window.width), np.bool_)
        for k in self.touching(window):
            out[window.slices(self.sheets[k].window.intersect(window))] = True
        return out

    def contains(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which (n, 2) points lie on a cell of a sheet; on a line counts the cell north-east. NaN
        lies nowhere."""
        column, north = np.floor(points / self.resolution).T
        rows, columns, owner = self._partition
        # A frame of -1 around the owners: what lies before the first line or after the last.
        framed = np.pad(owner, 1, constant_values=-1)
        i = np.searchsorted(rows, -north - 1, side="right")
        j = np.searchsorted(columns, column, side="right")
        inside: NDArray[np.bool_] = framed[i, j] >= 0
        return inside

    @contextmanager
    def reader(self) -> Iterator[Reader]:
        with gdal(), ExitStack() as stack:
            yield Reader(self, stack)


def _between(lines: NDArray[np.int64], first: int, end: int) -> tuple[int, int]:
    """Range of the intervals between lines that hold the cells from `first` to before `end`."""
    begin = int(np.searchsorted(lines, first, side="right")) - 1
    return begin, int(np.searchsorted(lines, end, side="left"))


def overlapping(mosaic: Mosaic) -> Iterator[tuple[Sheet, Sheet, Window]]:
    """Pairs of sheets with cells in common, in order, and the common window."""
    top, left, bottom, right = mosaic._windows
    tree = shapely.STRtree(shapely.box(left, top, right, bottom))
    first, second = tree.query(tree.geometries, predicate="intersects")
    inner = (first < second) & (
        np.minimum(bottom[first], bottom[second]) > np.maximum(top[first], top[second])
    )
    inner &= np.minimum(right[first], right[second]) > np.maximum(left[first], left[second])
    for i, j in sorted(zip(first[inner].tolist(), second[inner].tolist(), strict=True)):
        a, b = mosaic.sheets[i], mosaic.sheets[j]
        yield a, b, a.window.intersect(b.window)
