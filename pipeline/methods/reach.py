"""How far what stands somewhere matters elsewhere, and so what is read, measured and updated."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels.shadow import Halo
from pipeline.footprints.outlines import windows_of
from pipeline.footprints.prepared import FootprintBoxes
from pipeline.footprints.scope import boxes_touching, shards_of, tally
from pipeline.grid.tile_masks import HeightBounds, TileMask
from pipeline.grid.windows import TILE, LatticeCell, Shard, Window, uniform_halo
from pipeline.heights.rasters import PIECE
from pipeline.heights.relief import height_bounds
from pipeline.methods.context import Context

CELL_BYTES = 64  # of a block and its halo, while a method computes with it
PIECE_BYTES = 24  # of a cell that is read at once, all of it roofs: heights, roofs, masks
Rectangle = tuple[float, float, float, float]
Lowest = Callable[[str, Rectangle], float]


@dataclass(frozen=True)
class Influence:
    """What can matter to what in one run, by tiles.

    surface: bounds of the heights that matter, in the frame of the inputs; widest: of the
    footprints there [cells]; radius: cells around a building or a raster's cell within which
    anything matters; tiles: those that can matter to the area, whose footprints a pass with
    `neighbours` takes; measured: the shards with such footprints, and how many.
    """

    surface: HeightBounds
    widest: int
    radius: int
    tiles: TileMask
    measured: Mapping[Shard, int]

    def narrowed(self, context: Context, own: TileMask, requested: TileMask) -> "Influence":
        """The part that can matter to footprints on some tiles, and shadows or layers on others."""
        tiles = self.tiles_for(context, own, requested)
        boxes = boxes_touching(context.prepared, tiles.window, context.resolution)
        nearby = ((each, np.zeros(len(each.place), np.bool_)) for each in boxes)
        return replace(self, tiles=tiles, measured=owners(context, tiles, nearby))

    def tiles_for(self, context: Context, own: TileMask, requested: TileMask) -> TileMask:
        """The tiles that can matter to footprints on some tiles and to what is requested on
        others."""
        return own.union(requested).grow(in_tiles(self.radius)).part(context.frame)

    def surroundings(self, context: Context, stage: str) -> Callable[[Shard], Any]:
        """For each shard, what a pass gets beside what it reads itself."""
        return lambda shard: None

    def changed(self, context: Context, places: TileMask, highest: NDArray[np.int32]) -> "Matters":
        """Whether a change matters to the footprints and layers on a ground [cells].

        places: the tiles where something changed; highest: of what stood or stands there [cm].
        """
        affected = places.grow(in_tiles(self.radius))
        return lambda ground: bool(affected.part(ground.coarse(TILE)).marked.any())

    # For plans.

    def halos(self, context: Context) -> list[Halo]:
        """How far a block must look, of the blocks in each square of the lattice [cells]."""
        return [uniform_halo(self.radius + 1)]

    def memory(self, context: Context) -> int:
        """What a worker holds at most while it computes with a block, without the shard's raster
        layers [bytes]."""
        side = min(context.block, context.layout.shard) + 2 * (self.widest + self.radius)
        return CELL_BYTES * side * side + PIECE_BYTES * PIECE**2


Matters = Callable[[Window], bool]


@dataclass(frozen=True)
class Reach:
    """How far anything matters by a method: here the same on all sides, whatever its height.

    radius_m: by the parameters, from a building's cells or a raster's [m]; depends_on: the names of
    the parameters that change it; marked: by columns of booleans, how far a change matters to the
    buildings for which they are true, beside what holds for all [m].
    """

    radius_m: Callable[[Any], float]
    depends_on: tuple[str, ...] = ("ground_ring_m",)
    marked: Mapping[str, Callable[[Any], float]] = field(default_factory=dict)

    def halo(self, p: Any, squares: Iterable[LatticeCell], resolution: float) -> Halo:
        """How far around an area in some squares of the lattice anything that stands in the country
        could matter to it [cells]."""
        farthest = max(self.radius_m(p), p.ground_ring_m)
        return uniform_halo(math.ceil(farthest / resolution) + 2)

    def influence(self, context: Context) -> Influence:
        """What can matter to what before any roof is measured, but for its tiles and shards."""
        radius = math.ceil(self.radius_m(context.p) / context.resolution)
        surface = surface_of(context)
        nothing = TileMask.none(surface.frame)
        return Influence(surface, widest_of(context), radius, tiles=nothing, measured={})

    def of_change(
        self, p: Any, bounds: NDArray[np.float64], top: float, lowest: Lowest
    ) -> list[NDArray[np.float64]]:
        """Rectangles that together hold the walls of all buildings that can be judged otherwise
        when one comes or goes: xmin, ymin, xmax, ymax [RD m].

        bounds, top: of that one [m, m above NAP]; lowest: the lowest height that the sheets of
        `dsm` or `dtm` have in a rectangle [m above NAP].
        """
        return [bounds + self.radius_m(p) * np.array([-1, -1, 1, 1])]


def hull(rectangles: ArrayLike, margin: float = 0.0) -> Rectangle:
    """The rectangle around some, and so much more on all sides [m]."""
    every = np.asarray(rectangles, np.float64)
    west, south = every[:, :2].min(axis=0) - margin
    east, north = every[:, 2:].max(axis=0) + margin
    return float(west), float(south), float(east), float(north)


def in_tiles(cells: int) -> Halo:
    """A halo in tiles that holds one of so many cells from anywhere in a tile."""
    return uniform_halo(-(-cells // TILE) + 1)


def surface_of(context: Context) -> HeightBounds:
    """Bounds of the DSM, with what is added to it."""
    dsm = height_bounds(context.terrain.dsm.sheets, context.relief, context.terrain.window)
    added = context.terrain.added
    return dsm if added is None else added.under(dsm)


def widest_of(context: Context) -> int:
    """The side of the widest footprint that can matter [cells]."""
    widest = 0
    for boxes, _ in context.nearby():
        windows = windows_of(boxes.bounds, context.resolution)
        widest = max(widest, int((windows[:, 2:] - windows[:, :2]).max()))
    return widest


def owners(
    context: Context, tiles: TileMask, nearby: Iterable[tuple[FootprintBoxes, NDArray[np.bool_]]]
) -> Mapping[Shard, int]:
    """The shards that own footprints of the area or on some tiles, and how many. nearby: those that
    may be, with a mask of those of the area."""
    owned = Counter[Shard]()
    for boxes, in_area in nearby:
        chosen = in_area | tiles.touch(windows_of(boxes.bounds, context.resolution))
        owned.update(tally(shards_of(context.layout, boxes.centre[chosen])))
    return owned
