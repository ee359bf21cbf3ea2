"""The footprints of an area, counted by shard and tile, not held."""

import functools
import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.areas.selection import Area, Circle, within_circle
from pipeline.footprints.outlines import windows_of
from pipeline.footprints.prepared import FootprintBoxes, Prepared
from pipeline.grid.tile_masks import TileMask, enclosing
from pipeline.grid.windows import TILE, LatticeCell, Layout, Shard, Window


class RowGroups(Protocol):
    """Footprints in row groups, each with the rectangle around its polygons."""

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """xmin, ymin, xmax, ymax of all polygons [m]."""

    @property
    def group_bounds(self) -> NDArray[np.float64]:
        """(row groups, 4) xmin, ymin, xmax, ymax [m], NaN without any polygon."""

    def boxes(self, group: int) -> FootprintBoxes:
        """The boxes of one row group's footprints that have a polygon."""


@dataclass(frozen=True)
class Scope:
    """The footprints of an area. asked, selected: their number, and of those in the circle; own:
    number by the shard that holds their centre; densest: the most in a block; tiles: those that
    they touch."""

    asked: int
    selected: int
    own: dict[Shard, int]
    densest: int
    tiles: TileMask

    def squares(self, resolution: float) -> list[LatticeCell]:
        """The squares of the lattice of sun positions that the tiles touch, in order."""
        every = list(LatticeCell.touched(self.tiles.window, resolution))
        grounds = (square.window(resolution).coarse(TILE) for square in every)
        touched = (self.tiles.part(ground).marked.any() for ground in grounds)
        return sorted(itertools.compress(every, touched))


def scope_of(
    prepared: RowGroups,
    area: Area | None,
    around: Circle | None,
    layout: Layout,
    block: int,
    within: Window,
) -> Scope:
    """The scope of an area, from one pass over the boxes of its footprints. within: the cells of
    the rasters, on which tiles count."""
    asked, selected, own, blocks = 0, 0, Counter[Shard](), Counter[Shard]()
    tiles = TileMask.none(layout.extent.coarse(TILE))
    for boxes, inside in boxes_of_area(prepared, area):
        windows = windows_of(boxes.bounds[inside], layout.resolution)
        if not len(windows):
            continue
        asked += len(windows)
        selected += int(within_circle(boxes.centre[inside], around).sum())
        cells = cells_of(layout, boxes.centre[inside])
        own.update(tally(cells // layout.shard))
        blocks.update(tally(cells // min(block, layout.shard)))
        ground = enclosing(windows).intersect(within).coarse(TILE)
        if not tiles.frame.covers(ground):
            tiles = tiles.union(TileMask.none(ground))
        tiles.add(windows)
    return Scope(asked, selected, dict(own), max(blocks.values(), default=0), tiles)


def scope_at_most(prepared: RowGroups, area: Area | None, layout: Layout, within: Window) -> Scope:
    """An upper bound of an area's scope by the rectangles of row groups, without reading rows: only
    its tiles are known, and too many."""
    edges = prepared.group_bounds
    edges = edges[~np.isnan(edges).any(axis=1)]
    if area is not None:
        shapely.prepare(area.geometry)
        edges = edges[shapely.intersects(area.geometry, shapely.box(*edges.T))]
    windows = windows_of(edges, layout.resolution).tolist()
    grounds = [Window.between(*w).intersect(within).coarse(TILE) for w in windows]
    tiles = TileMask.none(functools.reduce(Window.union, grounds, Window(0, 0, 0, 0)))
    for ground in grounds:
        tiles.marked[tiles.frame.slices(ground)] = True
    return Scope(0, 0, {}, 0, tiles)


def boxes_of_area(
    prepared: RowGroups, area: Area | None, around: Window | None = None, resolution: float = 1.0
) -> Iterator[tuple[FootprintBoxes, NDArray[np.bool_]]]:
    """The boxes of each row group that may have footprints of the area, or touches the window
    `around`, and which of them are of the area."""
    ground = None if around is None else shapely.box(*around.bounds(resolution))
    for i, edges in enumerate(prepared.group_bounds):
        box = shapely.box(*edges)
        in_area = area is None or area.geometry.intersects(box)
        if not in_area and (ground is None or not ground.intersects(box)):
            continue
        boxes = prepared.boxes(i)
        if area is None or area.geometry.contains(box):
            yield boxes, np.ones(len(boxes.place), np.bool_)
        else:
            yield boxes, area.contains(boxes.centre)


def boxes_touching(
    prepared: Prepared, window: Window, resolution: float
) -> Iterator[FootprintBoxes]:
    """The boxes of each row group that may touch a window."""
    for group in prepared.touching(window.bounds(resolution)).tolist():
        yield prepared.boxes(group)


def cells_of(layout: Layout, centre: NDArray[np.float64]) -> NDArray[np.int64]:
    """Row and column (n, 2), from the layout's corner, of the cell that holds each of (n, 2)
    points."""
    column, north = np.floor(centre / layout.resolution).astype(np.int64).T
    return np.column_stack([-north - 1 - layout.extent.top, column - layout.extent.left])


def shards_of(layout: Layout, centre: NDArray[np.float64]) -> NDArray[np.int64]:
    """Row and column (n, 2) of the shard that holds each of (n, 2) points."""
    return cells_of(layout, centre) // layout.shard


def tally(shards: NDArray[np.int64]) -> dict[Shard, int]:
    """The number of each shard among (n, 2) rows and columns."""
    if not len(shards):
        return {}
    low = shards.min(axis=0)
    row, column = (shards - low).T
    width = int(column.max()) + 1
    key, number = np.unique(row * width + column, return_counts=True)
    distinct = np.column_stack(np.divmod(key, width)) + low
    return {Shard(*s): n for s, n in zip(distinct.tolist(), number.tolist(), strict=True)}
