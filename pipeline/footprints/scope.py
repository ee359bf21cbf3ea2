"""Which footprints are asked for, and where: counted, not held."""

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


class Listed(Protocol):
    """Footprints in row groups, each with the rectangle around its polygons."""

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """xmin, ymin, xmax, ymax of all polygons [m]."""

    @property
    def group_bounds(self) -> NDArray[np.float64]:
        """(row groups, 4) xmin, ymin, xmax, ymax [m], NaN without any polygon."""

    def light(self, group: int) -> FootprintBoxes:
        """All of one row group that have a polygon, without that."""


@dataclass(frozen=True)
class Scope:
    """The footprints of an area. asked, selected: how many, and of those in the circle; own: how
    many by the shard that holds their centre; densest: the most in a block of those; tiles: those
    that they touch."""

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
    prepared: Listed,
    area: Area | None,
    around: Circle | None,
    layout: Layout,
    block: int,
    within: Window,
) -> Scope:
    """Go through the footprints of an area once, without their outlines. within: the cells of the
    rasters, on which tiles count."""
    asked, selected, own, blocks = 0, 0, Counter[Shard](), Counter[Shard]()
    tiles = TileMask.none(layout.extent.coarse(TILE))
    for light, inside in asked_of(prepared, area):
        windows = windows_of(light.bounds[inside], layout.resolution)
        if not len(windows):
            continue
        asked += len(windows)
        selected += int(within_circle(light.centre[inside], around).sum())
        cells = cells_of(layout, light.centre[inside])
        own.update(tally(cells // layout.shard))
        blocks.update(tally(cells // min(block, layout.shard)))
        ground = enclosing(windows).intersect(within).coarse(TILE)
        if not tiles.frame.covers(ground):
            tiles = tiles.union(TileMask.none(ground))
        tiles.add(windows)
    return Scope(asked, selected, dict(own), max(blocks.values(), default=0), tiles)


def roughly(prepared: Listed, area: Area | None, layout: Layout, within: Window) -> Scope:
    """The most that the footprints of an area can be, by the rectangles of their row groups: only
    the tiles are known, and too many. No row is read."""
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


def asked_of(
    prepared: Listed, area: Area | None, near: Window | None = None, resolution: float = 1.0
) -> Iterator[tuple[FootprintBoxes, NDArray[np.bool_]]]:
    """Row group by row group, what is known of the footprints, and which are of the area; of the
    row groups that can have some of those, or that touch the cells of `near`."""
    ground = None if near is None else shapely.box(*near.bounds(resolution))
    for i, edges in enumerate(prepared.group_bounds):
        box = shapely.box(*edges)
        mine = area is None or area.geometry.intersects(box)
        if not mine and (ground is None or not ground.intersects(box)):
            continue
        light = prepared.light(i)
        if area is None or area.geometry.contains(box):
            yield light, np.ones(len(light.place), np.bool_)
        else:
            yield light, area.contains(light.centre)


def lights(prepared: Prepared, window: Window, resolution: float) -> Iterator[FootprintBoxes]:
    """Row group by row group, what is known of the footprints, where any may touch a window."""
    for group in prepared.touching(window.bounds(resolution)).tolist():
        yield prepared.light(group)


def cells_of(layout: Layout, centre: NDArray[np.float64]) -> NDArray[np.int64]:
    """Row and column (n, 2), from the layout's corner, of the cell that holds each of (n, 2)
    points."""
    column, north = np.floor(centre / layout.resolution).astype(np.int64).T
    return np.column_stack([-north - 1 - layout.extent.top, column - layout.extent.left])


def shards_of(layout: Layout, centre: NDArray[np.float64]) -> NDArray[np.int64]:
    """Row and column (n, 2) of the shard that holds each of (n, 2) points."""
    return cells_of(layout, centre) // layout.shard


def tally(shards: NDArray[np.int64]) -> dict[Shard, int]:
    """How often each shard comes, of (n, 2) rows and columns."""
    if not len(shards):
        return {}
    low = shards.min(axis=0)
    row, column = (shards - low).T
    width = int(column.max()) + 1
    key, number = np.unique(row * width + column, return_counts=True)
    found = np.column_stack(np.divmod(key, width)) + low
    return {Shard(*s): n for s, n in zip(found.tolist(), number.tolist(), strict=True)}
