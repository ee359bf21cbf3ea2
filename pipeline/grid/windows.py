"""The RD grid: cells, windows, shards, blocks and the lattice of sun positions. Pure.

A cell is named by whole numbers counted from RD (0, 0): columns eastward, rows *southward*, so
that a window is laid out as its array is (rows north of the equator of RD are negative).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels.rings import Box
from kernels.shadow import Grid, Halo

LATTICE_M = 10_240  # side of the squares that have one sun each
CHUNK = 512
LARGEST_SHARD = 4096
SMALLEST_SHARD = 128
TILE = 128  # cells along a side of a tile of masks and height bounds


class Window(NamedTuple):
    """A rectangle of cells: first row and column, rows, columns."""

    top: int
    left: int
    height: int
    width: int

    @property
    def bottom(self) -> int:
        return self.top + self.height

    @property
    def right(self) -> int:
        return self.left + self.width

    @property
    def size(self) -> int:
        return self.height * self.width

    @property
    def box(self) -> Box:
        """The window as the kernels take it."""
        return Box(*self)

    @classmethod
    def between(cls, top: int, left: int, bottom: int, right: int) -> "Window":
        """From the first row and column to before the last; empty if they are reversed."""
        return cls(top, left, max(bottom - top, 0), max(right - left, 0))

    @classmethod
    def around(cls, bounds: tuple[float, float, float, float], resolution: float) -> "Window":
        """The cells that a rectangle xmin, ymin, xmax, ymax [m] touches."""
        xmin, ymin, xmax, ymax = bounds
        return cls.between(
            -math.ceil(ymax / resolution),
            math.floor(xmin / resolution),
            -math.floor(ymin / resolution),
            math.ceil(xmax / resolution),
        )

    def bounds(self, resolution: float) -> tuple[float, float, float, float]:
        """xmin, ymin, xmax, ymax [m]."""
        r = resolution
        return self.left * r, -self.bottom * r, self.right * r, -self.top * r

    def intersect(self, other: "Window") -> "Window":
        return Window.between(
            max(self.top, other.top),
            max(self.left, other.left),
            min(self.bottom, other.bottom),
            min(self.right, other.right),
        )

    def union(self, other: "Window") -> "Window":
        """The smallest window around both; an empty one adds nothing."""
        if not self.size or not other.size:
            return self if self.size else other
        return Window.between(
            min(self.top, other.top),
            min(self.left, other.left),
            max(self.bottom, other.bottom),
            max(self.right, other.right),
        )

    def without(self, other: "Window") -> list["Window"]:
        """The cells that another does not hold, in up to four windows without a common cell."""
        both = self.intersect(other)
        if not both.size:
            return [self] if self.size else []
        beside = (
            Window.between(self.top, self.left, both.top, self.right),
            Window.between(both.top, self.left, both.bottom, both.left),
            Window.between(both.top, both.right, both.bottom, self.right),
            Window.between(both.bottom, self.left, self.bottom, self.right),
        )
        return [window for window in beside if window.size]

    def grow(self, halo: Halo) -> "Window":
        return Window.between(
            self.top - halo.north,
            self.left - halo.west,
            self.bottom + halo.south,
            self.right + halo.east,
        )

    def coarse(self, side: int) -> "Window":
        """The window in squares of `side` cells, anchored on the grid, grown to whole squares."""
        if not self.size:
            return Window(self.top // side, self.left // side, 0, 0)
        return Window.between(
            self.top // side, self.left // side, -(-self.bottom // side), -(-self.right // side)
        )

    def pieces(self, side: int) -> Iterator["Window"]:
        """The window cut into pieces of at most `side` cells a side, row by row."""
        for top in range(self.top, self.bottom, side):
            for left in range(self.left, self.right, side):
                yield Window(top, left, side, side).intersect(self)

    def covers(self, other: "Window") -> bool:
        return self.intersect(other) == other

    def slices(self, part: "Window") -> tuple[slice, slice]:
        """Where a part lies in an array of this window."""
        top, left = part.top - self.top, part.left - self.left
        return slice(top, top + part.height), slice(left, left + part.width)


def uniform_halo(cells: int) -> Halo:
    """A halo of as many cells on each side."""
    return Halo(cells, cells, cells, cells)


def enclosing_halo(halos: list[Halo]) -> Halo:
    """The smallest halo that encloses all of some."""
    return Halo(*(max(side) for side in zip(*halos, strict=True)))


def cell_of(x: float, y: float, resolution: float) -> tuple[int, int]:
    """Row and column of the cell that holds a point; on a line: the cell north-east of it."""
    return -math.floor(y / resolution) - 1, math.floor(x / resolution)


class LatticeCell(NamedTuple):
    """A cell of the sun's lattice, LATTICE_M wide, counted from RD (0, 0) eastward and
    northward."""

    column: int
    row: int

    @classmethod
    def of(cls, top: int, left: int, resolution: float) -> "LatticeCell":
        """The lattice cell that holds a raster cell."""
        return cls(*lattice_cells_of(top, left, resolution).tolist())

    @classmethod
    def touched(cls, window: Window, resolution: float) -> Iterator["LatticeCell"]:
        """The lattice cells that a window touches, from north to south."""
        if not window.size:
            return
        last = cls.of(window.top, window.right - 1, resolution)
        first = cls.of(window.bottom - 1, window.left, resolution)
        for row in range(last.row, first.row - 1, -1):
            for column in range(first.column, last.column + 1):
                yield cls(column, row)

    @property
    def centre(self) -> tuple[float, float]:
        """x, y [m] in RD."""
        return (self.column + 0.5) * LATTICE_M, (self.row + 0.5) * LATTICE_M

    def window(self, resolution: float) -> Window:
        cells = lattice_side(resolution)
        return Window(-(self.row + 1) * cells, self.column * cells, cells, cells)

    def anchored(self, window: Window, resolution: float) -> Grid:
        """A window as a Grid, counted from the lattice cell's south-western corner."""
        cells = lattice_side(resolution)
        return Grid(
            resolution, -window.top - 1 - self.row * cells, window.left - self.column * cells
        )


def lattice_cells_of(top: ArrayLike, left: ArrayLike, resolution: float) -> NDArray[np.int64]:
    """Column and row (..., 2) of the lattice cells that hold raster cells."""
    cells = lattice_side(resolution)
    return np.stack([np.asarray(left) // cells, (-np.asarray(top) - 1) // cells], axis=-1)


def lattice_side(resolution: float) -> int:
    """Raster cells along a side of a lattice cell."""
    return round(LATTICE_M / resolution)


def divides_lattice(resolution: float) -> bool:
    """Whether a side of a lattice cell is a whole number of raster cells."""
    cells = LATTICE_M / resolution
    return resolution > 0 and cells == round(cells)


def cut_at_lattice(window: Window, resolution: float) -> Iterator[tuple[LatticeCell, Window]]:
    """The parts of a window with the lattice cell that each lies in."""
    for square in LatticeCell.touched(window, resolution):
        yield square, window.intersect(square.window(resolution))


class Shard(NamedTuple):
    """A shard's place, counted in shards from the extent's north-western corner."""

    row: int
    column: int

    @property
    def name(self) -> str:
        """The name of its tables."""
        return f"{self.row}_{self.column}"


@dataclass(frozen=True)
class Layout:
    """How the extent of a run is divided into shards and levels; depends on extent and resolution
    only. shard: cells along a side; levels: of the pyramid."""

    extent: Window
    resolution: float
    shard: int
    levels: int

    @classmethod
    def of(cls, extent: Window, resolution: float) -> "Layout":
        """The layout of an extent, which grows to whole cells of the coarsest level."""
        longest = max(extent.height, extent.width, 1)
        shard = LARGEST_SHARD
        while shard > SMALLEST_SHARD and shard * 3 > longest:
            shard //= 2
        levels = 1
        while longest >> levels >= CHUNK and shard >> levels >= 16:
            levels += 1
        coarse = 1 << (levels - 1)
        top, left = extent.top // coarse * coarse, extent.left // coarse * coarse
        bottom, right = -(-extent.bottom // coarse) * coarse, -(-extent.right // coarse) * coarse
        return cls(Window.between(top, left, bottom, right), resolution, shard, levels)

    def window(self, shard: Shard) -> Window:
        """A shard's cells, within the extent or beyond it."""
        return Window(
            self.extent.top + shard.row * self.shard,
            self.extent.left + shard.column * self.shard,
            self.shard,
            self.shard,
        )

    def shard_of(self, row: int, column: int) -> Shard:
        """The shard that holds a cell."""
        return Shard(
            (row - self.extent.top) // self.shard, (column - self.extent.left) // self.shard
        )

    def shards(self, window: Window | None = None) -> Iterator[Shard]:
        """The shards that a window (else the extent) touches, in rows."""
        ground = self.extent if window is None else window
        if not ground.size:
            return
        first = self.shard_of(ground.top, ground.left)
        last = self.shard_of(ground.bottom - 1, ground.right - 1)
        for row in range(first.row, last.row + 1):
            for column in range(first.column, last.column + 1):
                yield Shard(row, column)

    def blocks(self, window: Window, block: int) -> Iterator[tuple[LatticeCell, Window]]:
        """A window in blocks of at most `block` cells a side, cut at the lattice's lines."""
        for part in window.pieces(block):
            yield from cut_at_lattice(part, self.resolution)
