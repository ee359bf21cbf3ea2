"""Marks and heights on tiles of TILE x TILE cells, anchored on the grid: what can matter to what.

A frame is a window counted in tiles; arrays lie in it as in a window of cells. Footprints come as
(n, 4) windows of cells: top, left, bottom, right, half open, none of them empty.
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
    """Some of the tiles of a frame. marked: (rows, columns) bool."""

    frame: Window
    marked: NDArray[np.bool_]

    @classmethod
    def none(cls, frame: Window) -> "TileMask":
        """None of them."""
        return cls(frame, np.zeros((frame.height, frame.width), np.bool_))

    @classmethod
    def of(cls, window: Window, frame: Window) -> "TileMask":
        """Those that a window of cells touches."""
        marks = cls.none(frame)
        part = window.coarse(TILE).intersect(frame)
        if part.size:
            marks.marked[frame.slices(part)] = True
        return marks

    def cells(self, within: Window) -> int:
        """How many cells of a window they hold."""
        f = self.frame
        rows = np.diff(np.clip(np.arange(f.top, f.bottom + 1) * TILE, within.top, within.bottom))
        columns = np.diff(np.clip(np.arange(f.left, f.right + 1) * TILE, within.left, within.right))
        return int(rows @ self.marked.astype(np.int64) @ columns)

    def add(self, windows: NDArray[np.int64]) -> None:
        """Mark the tiles that windows of cells touch."""
        for _, row, column in _touched(self.frame, windows):
            self.marked[row, column] = True

    def touch(self, windows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which windows of cells touch a marked tile."""
        near = self.part(enclosing(windows).coarse(TILE).intersect(self.frame))
        before = np.zeros((near.frame.height + 1, near.frame.width + 1), np.int64)
        before[1:, 1:] = near.marked.cumsum(axis=0).cumsum(axis=1)
        top, left, bottom, right = _in_tiles(near.frame, windows).T
        found = before[bottom, right] - before[top, right] - before[bottom, left]
        return found + before[top, left] > 0

    def part(self, frame: Window) -> "TileMask":
        """Those of another frame; nothing is marked beyond this one."""
        return TileMask(frame, cut(self.marked, self.frame, frame, False))

    def grow(self, halo: Halo) -> "TileMask":
        """With the tiles that are so many tiles or fewer away, in a frame that holds them."""
        out = TileMask.none(self.frame.grow(halo))
        rows, columns = self.marked.shape
        for i in range(halo.north + halo.south + 1):
            for j in range(halo.west + halo.east + 1):
                out.marked[i : i + rows, j : j + columns] |= self.marked
        return out

    def union(self, other: "TileMask") -> "TileMask":
        """Those of either, in a frame around both."""
        frame = self.frame.union(other.frame)
        return TileMask(frame, self.part(frame).marked | other.part(frame).marked)

    @property
    def window(self) -> Window:
        """The cells of the smallest window around all marked tiles; an empty one without any."""
        rows, columns = (np.flatnonzero(self.marked.any(axis=axis)) for axis in (1, 0))
        if not len(rows):
            return Window(self.frame.top * TILE, self.frame.left * TILE, 0, 0)
        top, left = self.frame.top, self.frame.left
        return Window.between(
            *(
                int(side) * TILE
                for side in (
                    top + rows[0],
                    left + columns[0],
                    top + rows[-1] + 1,
                    left + columns[-1] + 1,
                )
            )
        )


def enclosing(windows: NDArray[np.int64]) -> Window:
    """The window around (n, 4) windows; an empty one around none."""
    if not len(windows):
        return Window(0, 0, 0, 0)
    low, high = windows.min(axis=0), windows.max(axis=0)
    return Window.between(int(low[0]), int(low[1]), int(high[2]), int(high[3]))


def cut(array: NDArray[Any], frame: Window, part: Window, beyond: Any) -> NDArray[Any]:
    """An array's values in another frame."""
    out = np.full((part.height, part.width), beyond, array.dtype)
    both = frame.intersect(part)
    if both.size:
        out[part.slices(both)] = array[frame.slices(both)]
    return out


@dataclass(frozen=True)
class HeightBounds:
    """Between which heights a surface lies, by tiles. lowest, highest: (rows, columns) int32 [cm],
    NO_HEIGHT without data."""

    frame: Window
    lowest: NDArray[np.int32]
    highest: NDArray[np.int32]

    def part(self, frame: Window) -> "HeightBounds":
        """The same in another frame, without data beyond this one."""
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
    """Raise the tiles that windows of cells touch to these heights [cm], where they are lower."""
    for here, row, column in _touched(frame, windows):
        np.maximum.at(array, (row, column), heights[here])


def lowered(
    array: NDArray[np.int32],
    frame: Window,
    windows: NDArray[np.int64],
    heights: NDArray[np.int32],
) -> NDArray[np.int32]:
    """The tiles that windows of cells touch at these heights [cm], where they are higher or have
    none; the others as they are."""
    depth = np.where(array == NO_HEIGHT, NO_HEIGHT, -array)
    raise_tiles(depth, frame, windows, -heights)
    return np.where(depth == NO_HEIGHT, NO_HEIGHT, -depth)


def highest_under(
    array: NDArray[np.int32], frame: Window, windows: NDArray[np.int64]
) -> NDArray[np.int32]:
    """The highest of the tiles that each window of cells touches; NO_HEIGHT where there is none."""
    found = np.full(len(windows), NO_HEIGHT)
    for here, row, column in _touched(frame, windows):
        found[here] = np.maximum(found[here], array[row, column])
    return found


def _in_tiles(frame: Window, windows: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n, 4) top, left, bottom, right of the tiles that windows touch, counted in the frame."""
    low = windows[:, :2] // TILE - (frame.top, frame.left)
    high = -(-windows[:, 2:] // TILE) - (frame.top, frame.left)
    most = (frame.height, frame.width)
    return np.hstack([np.clip(low, 0, most), np.clip(high, 0, most)])


def _touched(
    frame: Window, windows: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]]:
    """The windows, by position, and a tile that each touches, until each has had all of its."""
    top, left, bottom, right = _in_tiles(frame, windows).T
    here = np.flatnonzero((bottom > top) & (right > left))
    down = 0
    while len(here):
        across, line = 0, here
        while len(line):
            yield line, top[line] + down, left[line] + across
            across += 1
            line = line[left[line] + across < right[line]]
        down += 1
        here = here[top[here] + down < bottom[here]]
