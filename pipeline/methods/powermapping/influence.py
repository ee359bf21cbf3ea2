"""How far sun and wind reach, by tiles: for passes, plans and updates."""

import itertools
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.casters import casting_or_shaded_tiles
from kernels.shadow import Halo, Sun, shadow_halo
from pipeline.footprints.outlines import windows_of
from pipeline.grid.tile_masks import (
    NO_HEIGHT,
    HeightBounds,
    TileMask,
    highest_under,
    raise_tiles,
)
from pipeline.grid.windows import (
    LATTICE_M,
    TILE,
    LatticeCell,
    Shard,
    Window,
    enclosing_halo,
    uniform_halo,
)
from pipeline.heights.rasters import PIECE
from pipeline.heights.relief import HIGHEST_M, LOWEST_M, height_bounds
from pipeline.methods.context import Context
from pipeline.methods.passes import ground_handover
from pipeline.methods.powermapping.cast import Casters
from pipeline.methods.powermapping.passes import BESIDE, MEASURE, SHADE
from pipeline.methods.powermapping.rules import Powermapping, suns_of
from pipeline.methods.reach import (
    PIECE_BYTES,
    Influence,
    Lowest,
    Matters,
    Reach,
    hull,
    in_tiles,
)

ANYWHERE = 10**6  # cells: the country has fewer along a side
# What a cell costs, measured and rounded up; tests/runs/test_memory.py holds the plan to it.
WINDOW_BYTES = 9  # of a block and its halo: the surface, its shadows, where they have data
BLOCK_BYTES = 16  # of a block: pictures and what they are made from
SUN_BYTES = 4  # of a block for each sun with a picture
WIND_BYTES = 16  # of the ground around a roof


def farthest_shadow(suns: list[Sun], lowest: float, highest: float, resolution: float) -> Halo:
    """How far a shadow can come from between two heights [m], by any of some sun positions,
    which may be none [cells]."""
    shadows = [shadow_halo(lowest, highest, sun, resolution, ANYWHERE) for sun in suns]
    return enclosing_halo([uniform_halo(0), *shadows])


@dataclass(frozen=True)
class SunAndWind(Influence):
    """surface: of DSM and DTM, and of the roofs that may stand there; dsm, dtm: bounds of the
    rasters."""

    dsm: HeightBounds
    dtm: HeightBounds

    def tiles_for(self, context: Context, own: TileMask, requested: TileMask) -> TileMask:
        """The tiles from which a shadow can fall on what is requested, or within the wind's
        radius."""
        surface, resolution = self.surface, context.resolution
        tiles = own.grow(in_tiles(self.radius)).part(surface.frame)
        tiles.marked[:] |= requested.part(surface.frame).marked
        halo = self._longest_shadow(context, surface)
        for square in context.squares:
            ground = square.window(resolution).coarse(TILE)
            inside = requested.part(ground.intersect(surface.frame))
            if inside.marked.any():
                part = surface.part(ground.grow(halo).intersect(surface.frame))
                lowest = np.where(inside.part(part.frame).marked, part.lowest, NO_HEIGHT)
                suns = suns_of(square, context.p)
                tiles.marked[surface.frame.slices(part.frame)] |= casting_or_shaded_tiles(
                    part.highest, lowest, suns, resolution, TILE
                )
        return tiles

    def _longest_shadow(self, context: Context, surface: HeightBounds) -> Halo:
        """The farthest that a shadow reaches [tiles]."""
        low, high = surface.extremes
        suns = [sun for square in context.squares for sun in suns_of(square, context.p)]
        halo = farthest_shadow(suns, low - 1, high + 1, context.resolution)
        return Halo(*(-(-cells // TILE) for cells in halo))

    def surroundings(self, context: Context, stage: str) -> Callable[[Shard], Any]:
        """The casters around each shard that can matter there, for the pass that casts shadows."""
        measured_surface = context.p.surface == "dsm"
        if stage != (MEASURE if measured_surface else SHADE):
            return lambda shard: None
        dsm = self.dsm
        casters = (
            Casters(dsm.frame, dsm.lowest, dsm.highest, dsm.highest)
            if measured_surface
            else self._extruded(context)
        )
        halo = self._longest_shadow(context, casters)

        def around(shard: Shard) -> Casters:
            ground = context.ground_of(shard, self.widest).coarse(TILE).grow(halo)
            return casters.part(ground.intersect(casters.frame))

        return around

    def _extruded(self, context: Context) -> Casters:
        """The terrain with the roofs that stand on it, as they were measured."""
        tops, surface = ground_handover(context.ledger, MEASURE), self.dtm
        if tops:
            windows = np.hstack([tops["tile"] * TILE, tops["tile"] * TILE + 1])
            surface = surface.raised(windows, tops["lowest"], tops["highest"])
        return Casters(surface.frame, surface.lowest, surface.highest, self.dtm.highest)

    def changed(self, context: Context, places: TileMask, highest: NDArray[np.int32]) -> Matters:
        """Whether a change can cast its shadow on a ground, or lies within the wind's radius."""
        within_radius = super().changed(context, places, highest)
        high = np.where(places.marked, np.maximum(self.surface.highest, highest), NO_HEIGHT)
        return lambda ground: within_radius(ground) or self._shaded(context, ground, high, highest)

    def _shaded(
        self,
        context: Context,
        ground: Window,
        tops: NDArray[np.int32],
        changed: NDArray[np.int32],
    ) -> bool:
        surface, resolution = self.surface, context.resolution
        squares = [s for s in context.squares if s.window(resolution).intersect(ground).size]
        suns = [sun for square in squares for sun in suns_of(square, context.p)]
        low, high = surface.extremes
        high = max(high, float(changed.max(initial=NO_HEIGHT)) / 100)
        halo = farthest_shadow(suns, low - 1, high + 1, resolution)
        around = ground.grow(halo).coarse(TILE).intersect(surface.frame)
        tall = tops[surface.frame.slices(around)]
        if not (tall != NO_HEIGHT).any():
            return False
        asks = TileMask.of(ground, around).marked
        lowest = np.where(asks, surface.lowest[surface.frame.slices(around)], NO_HEIGHT)
        matters = casting_or_shaded_tiles(tall, lowest, suns, resolution, TILE)
        return bool((matters & (tall != NO_HEIGHT)).any())

    # For plans.

    def halos(self, context: Context) -> list[Halo]:
        """How far a block must look, of the blocks in each square of the lattice [cells]."""
        return [*super().halos(context), *self._shadows(context)]

    def _shadows(self, context: Context) -> list[Halo]:
        """How far a block must look for shadows, of the blocks in each square [cells]."""
        surface, inputs = self.surface, context.terrain.window
        longest, halos = self._longest_shadow(context, surface), []
        limit = max(inputs.height, inputs.width)
        for square in context.squares:
            ground = square.window(context.resolution).coarse(TILE).intersect(surface.frame)
            low = surface.part(ground).lowest[context.requested.part(ground).marked]
            high = surface.part(ground.grow(longest).intersect(surface.frame)).highest
            if (low != NO_HEIGHT).any():
                ends = low[low != NO_HEIGHT].min() / 100, high.max() / 100
                suns, resolution = suns_of(square, context.p), context.resolution
                shadows = [shadow_halo(*ends, sun, resolution, limit) for sun in suns]
                halos.append(enclosing_halo(shadows))
        return halos

    def memory(self, context: Context) -> int:
        """What a worker holds at most in either pass [bytes]."""
        p, inputs = context.p, context.terrain.window
        side = min(context.block, context.layout.shard) + 2 * min(BESIDE, self.widest)
        suns = len(p.times) if "sun_hillshade" in context.layers else 0
        block = (BLOCK_BYTES + SUN_BYTES * suns) * side * side
        piece = PIECE_BYTES * PIECE**2
        halos = self._shadows(context) or [uniform_halo(0)]
        grown = [Window(0, 0, side, side).grow(halo) for halo in halos]
        largest = max(min(w.height, inputs.height) * min(w.width, inputs.width) for w in grown)
        radius = math.ceil(p.wind_radius_m / context.resolution)
        wind = WIND_BYTES * (self.widest + 2 * radius) ** 2
        return max(WINDOW_BYTES * largest + block, wind) + piece


class SunAndWindReach(Reach):
    """A shadow comes from as far as the sun stands low, a shelter from within the radius."""

    def halo(self, p: Powermapping, squares: Iterable[LatticeCell], resolution: float) -> Halo:
        """How far around an area anything that stands in the country could matter to it."""
        towards = [sun for square in squares for sun in suns_of(square, p)]
        shadows = farthest_shadow(towards, LOWEST_M, HIGHEST_M, resolution)
        return enclosing_halo([super().halo(p, squares, resolution), shadows])

    def influence(self, context: Context) -> SunAndWind:
        """What can matter to what before any roof is measured, but for its tiles and shards.

        A roof is a percentile of the DSM on its cells, so it is no higher than the highest tile of
        the DSM that its footprint touches, and no lower than the lowest.
        """
        plain, sheets = super().influence(context), context.terrain.dtm.sheets
        dsm, dtm = plain.surface, height_bounds(sheets, context.relief, context.terrain.window)
        highest = np.maximum(dsm.highest, dtm.highest)
        _spread(context, highest, dsm)
        surface = HeightBounds(dsm.frame, _lower(dsm.lowest, dtm.lowest), highest)
        return SunAndWind(surface, plain.widest, plain.radius, plain.tiles, {}, dsm, dtm)

    def of_change(
        self, p: Powermapping, bounds: NDArray[np.float64], top: float, lowest: Lowest
    ) -> list[NDArray[np.float64]]:
        """Where its shadow falls, at most, and where it shelters."""
        sheltered = super().of_change(p, bounds, top, lowest)
        farthest = hull([bounds, *sheltered, *shadows_of(bounds, top - LOWEST_M, p)])
        low = lowest("dsm" if p.surface == "dsm" else "dtm", farthest)
        return [*sheltered, *shadows_of(bounds, top - low, p)]


def shadows_of(
    bounds: NDArray[np.float64], above: float, p: Powermapping
) -> list[NDArray[np.float64]]:
    """Where the shadow of what stands in a rectangle ends, by the sun positions of all squares of
    the lattice that it may fall on. above: its top over the lowest that it falls on [m]."""
    squares = np.floor((bounds + LATTICE_M * np.array([-1, -1, 1, 1])) / LATTICE_M).astype(int)
    west, south, east, north = squares.tolist()
    rectangles = []
    for square in itertools.product(range(west, east + 1), range(south, north + 1)):
        for sun in suns_of(LatticeCell(*square), p):
            length = max(above, 0.0) / math.tan(sun.elevation)
            end = -math.sin(sun.azimuth) * length, -math.cos(sun.azimuth) * length
            rectangles.append(bounds + np.array(end * 2))
    return rectangles


def _spread(context: Context, highest: NDArray[np.int32], dsm: HeightBounds) -> None:
    """Raise the tiles that a footprint touches to the highest of them: so high its roof may be."""
    for boxes, _ in context.nearby():
        windows = windows_of(boxes.bounds, context.resolution)
        wide = windows[(windows[:, :2] // TILE != (windows[:, 2:] - 1) // TILE).any(axis=1)]
        raise_tiles(highest, dsm.frame, wide, highest_under(dsm.highest, dsm.frame, wide))


def _lower(a: NDArray[np.int32], b: NDArray[np.int32]) -> NDArray[np.int32]:
    """The lower of what is known."""
    either = np.where(a == NO_HEIGHT, b, a)
    return np.minimum(either, np.where(b == NO_HEIGHT, either, b))
