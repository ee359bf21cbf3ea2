"""Masks and heights of tiles of TILE x TILE cells, anchored on the national grid.

A frame is a window counted in tiles, which an array of tiles covers. Footprints are given as (n, 4)
windows of cells: top, left, bottom, right, half open, none of them empty.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.shadow import Halo
from pipeline.grid.windows import TILE, Window

NO_HEIGHT = np.int32(np.iinfo(np.int32).min)


@dataclass(frozen=True)
class TileMask:
    """A mask of the tiles of a frame. marked: (rows, columns) bool."""

    frame: Window
    marked: NDArray[np.bool_]

    @classmethod
    def none(cls, frame: Window) -> "TileMask":
        """A mask without a marked tile."""
        return cls(frame, np.zeros((frame.height, frame.width), np.bool_))

    @classmethod
    def of(cls, window: Window, frame: Window) -> "TileMask":
        """The mask of the tiles that a window of cells touches."""
        mask = cls.none(frame)
        part = window.coarse(TILE).intersect(frame)
        if part.size:
            mask.marked[frame.slices(part)] = True
        return mask

    def add(self, windows: NDArray[np.int64]) -> None:
        """Mark the tiles that windows of cells touch."""
        for _, row, column in _touched(self.frame, windows):
            self.marked[row, column] = True

    def touch(self, windows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of (n, 4) windows of cells touch a marked tile. Returns (n,) bool."""
        mask = self.part(enclosing(windows).coarse(TILE).intersect(self.frame))
        before = np.zeros((mask.frame.height + 1, mask.frame.width + 1), np.int64)
        before[1:, 1:] = mask.marked.cumsum(axis=0).cumsum(axis=1)
        top, left, bottom, right = _in_tiles(mask.frame, windows).T
        sums = before[bottom, right] - before[top, right] - before[bottom, left]
        return sums + before[top, left] > 0

    def part(self, frame: Window) -> "TileMask":
        """The mask on another frame; tiles beyond this one are not marked."""
        return TileMask(frame, cut(self.marked, self.frame, frame, False))

    def grow(self, halo: Halo) -> "TileMask":
        """The mask grown by a halo counted in tiles, on a frame grown as much."""
        rows, columns = self.marked.shape
        along = np.zeros((rows, columns + halo.west + halo.east), np.bool_)
        for j in range(halo.west + halo.east + 1):
            along[:, j : j + columns] |= self.marked
        out = TileMask.none(self.frame.grow(halo))
        for i in range(halo.north + halo.south + 1):
            out.marked[i : i + rows] |= along
        return out

    def union(self, other: "TileMask") -> "TileMask":
        """The union of two masks, on a frame around both."""
        frame = self.frame.union(other.frame)
        return TileMask(frame, self.part(frame).marked | other.part(frame).marked)

    @property
    def window(self) -> Window:
        """The smallest window of cells around all marked tiles; empty without one."""
        top, left = self.frame.top, self.frame.left
        tiles = np.argwhere(self.marked) + np.array([top, left])
        if not len(tiles):
            return Window(top * TILE, left * TILE, 0, 0)
        low, high = tiles.min(axis=0) * TILE, (tiles.max(axis=0) + 1) * TILE
        return Window.between(*low.tolist(), *high.tolist())


def enclosing(windows: NDArray[np.int64]) -> Window:
    """The smallest window around (n, 4) windows; empty around none."""
    if not len(windows):
        return Window(0, 0, 0, 0)
    low, high = windows.min(axis=0), windows.max(axis=0)
    return Window.between(int(low[0]), int(low[1]), int(high[2]), int(high[3]))


def cut(array: NDArray[Any], frame: Window, part: Window, beyond: Any) -> NDArray[Any]:
    """Values of an array that covers `frame`, on the frame `part`; `beyond` outside it."""
    out = np.full((part.height, part.width), beyond, array.dtype)
    both = frame.intersect(part)
    if both.size:
        out[part.slices(both)] = array[frame.slices(both)]
    return out


@dataclass(frozen=True)
class HeightBounds:
    """Height bounds of a surface by tiles. lowest, highest: (rows, columns) int32 [cm],
    NO_HEIGHT without data."""

    frame: Window
    lowest: NDArray[np.int32]
    highest: NDArray[np.int32]

    def part(self, frame: Window) -> "HeightBounds":
        """The bounds on another frame, without data beyond this one."""
        tables = (self.lowest, self.highest)
        return HeightBounds(frame, *(cut(t, self.frame, frame, NO_HEIGHT) for t in tables))

    @property
    def extremes(self) -> tuple[float, float]:
        """Lowest and highest of all [m]; 0 without data."""
        low, high = self.lowest[self.lowest != NO_HEIGHT], self.highest[self.highest != NO_HEIGHT]
        return (low.min() / 100, high.max() / 100) if len(low) else (0.0, 0.0)

    def raised(
        self,
        windows: NDArray[np.int64],
        lowest: NDArray[np.int32],
        highest: NDArray[np.int32],
    ) -> "HeightBounds":
        """With what stands on the tiles that windows of cells touch, between these heights [cm]."""
        high = self.highest.copy()
        raise_tiles(high, self.frame, windows, highest)
        return HeightBounds(self.frame, lowered(self.lowest, self.frame, windows, lowest), high)


def raise_tiles(
    array: NDArray[np.int32],
    frame: Window,
    windows: NDArray[np.int64],
    heights: NDArray[np.int32],
) -> None:
    """Raise tiles in place to the heights (n,) [cm] of the windows (n, 4) that touch them, where
    they are lower. array: (rows, columns) int32 [cm]."""
    for i, row, column in _touched(frame, windows):
        np.maximum.at(array, (row, column), heights[i])


def lowered(
    array: NDArray[np.int32],
    frame: Window,
    windows: NDArray[np.int64],
    heights: NDArray[np.int32],
) -> NDArray[np.int32]:
    """Tiles lowered to the heights (n,) [cm] of the windows (n, 4) that touch them, where they are
    higher or have no height. Returns (rows, columns) int32 [cm]."""
    depth = np.where(array == NO_HEIGHT, NO_HEIGHT, -array)
    raise_tiles(depth, frame, windows, -heights)
    return np.where(depth == NO_HEIGHT, NO_HEIGHT, -depth)


def highest_under(
    array: NDArray[np.int32], frame: Window, windows: NDArray[np.int64]
) -> NDArray[np.int32]:
    """Highest tile that each of (n, 4) windows touches [cm], (n,) int32; NO_HEIGHT without one."""
    highest = np.full(len(windows), NO_HEIGHT)
    for i, row, column in _touched(frame, windows):
        highest[i] = np.maximum(highest[i], array[row, column])
    return highest


def _in_tiles(frame: Window, windows: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n, 4) top, left, bottom, right of the tiles that windows touch, counted from the frame's."""
    low = windows[:, :2] // TILE - (frame.top, frame.left)
    high = -(-windows[:, 2:] // TILE) - (frame.top, frame.left)
    most = (frame.height, frame.width)
    return np.hstack([np.clip(low, 0, most), np.clip(high, 0, most)])


def _touched(
    frame: Window, windows: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]]:
    """Pairs of windows and tiles that touch, in rounds: positions of windows, rows and columns of
    one tile of each; each pair comes once."""
    top, left, bottom, right = _in_tiles(frame, windows).T
    tall = np.flatnonzero((bottom > top) & (right > left))
    down = 0
    while len(tall):
        across, wide = 0, tall
        while len(wide):
            yield wide, top[wide] + down, left[wide] + across
            across += 1
            wide = wide[left[wide] + across < right[wide]]
        down += 1
        tall = tall[top[tall] + down < bottom[tall]]
