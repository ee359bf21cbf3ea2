"""How far what stands somewhere matters elsewhere, and so what is read, measured and updated."""

import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels.shadow import Halo
from pipeline.footprints.outlines import windows_of
from pipeline.footprints.scope import lights, shards_of, tally
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

    surface: bounds of the heights that matter, in the frame of the inputs; felt: the tiles that the
    area can feel, whose footprints a pass with `neighbours` takes; measured: the shards with such
    footprints, and how many; widest: of the footprints there [cells]; near: cells around a building
    or a raster's cell within which anything matters.
    """

    surface: HeightBounds
    felt: TileMask
    measured: dict[Shard, int]
    widest: int
    near: int

    def narrowed(self, context: Context, own: TileMask, asking: TileMask) -> "Influence":
        """What footprints on some tiles, and shadows or layers on others, can feel of this."""
        felt = self.felt_by(context, own, asking)
        return replace(self, felt=felt, measured=owners(context, felt))

    def felt_by(self, context: Context, own: TileMask, asking: TileMask) -> TileMask:
        """The tiles that can matter to footprints on some tiles and to what is asked on others."""
        return own.union(asking).grow(in_tiles(self.near)).part(context.frame)

    def given(self, context: Context, stage: str) -> Callable[[Shard], Any]:
        """What a pass is given for each shard beside what it reads itself."""
        return lambda shard: None

    def changed(self, context: Context, places: TileMask, highest: NDArray[np.int32]) -> "Matters":
        """What tells whether a change matters to the footprints and layers on a ground [cells].

        places: the tiles where something changed; highest: of what stood or stands there [cm].
        """
        near = places.grow(in_tiles(self.near))
        return lambda ground: bool(near.part(ground.coarse(TILE)).marked.any())

    # What a plan says of it.

    def halos(self, context: Context) -> list[Halo]:
        """How far a block must look, of the blocks in each square of the lattice [cells]."""
        return [uniform_halo(self.near + 1)]

    def cells(self, context: Context, square: LatticeCell, core: Window) -> tuple[int, int]:
        """The cells that a block reads, and of those its own."""
        inputs = context.terrain.window
        halo = uniform_halo(self.near + 1)
        return core.grow(halo).intersect(inputs).size, core.intersect(inputs).size

    def memory(self, context: Context) -> int:
        """What a worker holds at most while it computes with a block, without the shard's raster
        layers [bytes]."""
        side = min(context.block, context.layout.shard) + 2 * (self.widest + self.near)
        return CELL_BYTES * side * side + PIECE_BYTES * PIECE**2


Matters = Callable[[Window], bool]


@dataclass(frozen=True)
class Reach:
    """How far anything matters by a method: here the same on all sides, whatever its height.

    near_m: by the parameters, from a building's cells or a raster's [m]; depends_on: the names of
    the parameters that change it.
    """

    near_m: Callable[[Any], float]
    depends_on: tuple[str, ...] = ("ground_ring_m",)

    def halo(self, p: Any, squares: Iterable[LatticeCell], resolution: float) -> Halo:
        """How far around an area in some squares of the lattice anything that stands in the country
        could matter to it [cells]."""
        farthest = max(self.near_m(p), p.ground_ring_m)
        return uniform_halo(math.ceil(farthest / resolution) + 2)

    def influence(self, context: Context) -> Influence:
        """What can matter to what, before any roof is measured."""
        near = math.ceil(self.near_m(context.p) / context.resolution)
        found = Influence(surface_of(context), context.scope.tiles, {}, widest_of(context), near)
        felt = found.felt_by(context, context.scope.tiles, context.asking)
        return replace(found, felt=felt)

    def of_change(
        self, p: Any, bounds: NDArray[np.float64], top: float, lowest: Lowest
    ) -> list[NDArray[np.float64]]:
        """Rectangles that together hold the walls of all buildings that can be judged otherwise
        when one comes or goes: xmin, ymin, xmax, ymax [RD m].

        bounds, top: of that one [m, m above NAP]; lowest: the lowest height that the sheets of
        `dsm` or `dtm` have in a rectangle [m above NAP].
        """
        return [bounds + self.near_m(p) * np.array([-1, -1, 1, 1])]


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
    for light, _ in context.near():
        windows = windows_of(light.bounds, context.resolution)
        widest = max(widest, int((windows[:, 2:] - windows[:, :2]).max()))
    return widest


def to_measure(context: Context, felt: TileMask) -> dict[Shard, int]:
    """The shards that own footprints of the area, or on some tiles, and how many."""
    found = Counter[Shard]()
    for light, asked in context.near():
        wanted = asked | felt.touch(windows_of(light.bounds, context.resolution))
        found.update(tally(shards_of(context.layout, light.centre[wanted])))
    return dict(found)


def owners(context: Context, felt: TileMask) -> dict[Shard, int]:
    """The shards that own footprints on some tiles, and how many."""
    found = Counter[Shard]()
    for light in lights(context.prepared, felt.window, context.resolution):
        touched = felt.touch(windows_of(light.bounds, context.resolution))
        found.update(tally(shards_of(context.layout, light.centre[touched])))
    return dict(found)
