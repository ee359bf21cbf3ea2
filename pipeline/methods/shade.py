"""The second pass: cast shadow at the roofs' centres, wind shadow, and the raster layers."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.shadow import Halo, Sun, cast_shadow, shadow_halo
from kernels.spans import Spans, raise_to
from kernels.terrain import hillshade
from kernels.wind import any_within
from pipeline.grid import Lattice, Window, same_on_all_sides, widest
from pipeline.methods.powermapping import NOT_KNOWN, Powermapping, shelters
from pipeline.outlines import Outlines, touches
from pipeline.rasters import PIECE
from pipeline.sun import suns
from pipeline.terrain import Heights

PICTURE = Sun(azimuth=np.deg2rad(315), elevation=np.deg2rad(45))
ANY_SIDE = same_on_all_sides(1)  # what a hillshade looks at


@dataclass(frozen=True)
class Relief:
    """Lowest and highest of the surface [m], and how far the inputs go [cells]: a halo never needs
    to be longer."""

    lowest: float
    highest: float
    limit: int

    def halo(self, towards: list[Sun], resolution: float) -> Halo:
        """Cells around a block that can matter to its shadows."""
        each = [shadow_halo(self.lowest, self.highest, s, resolution, self.limit) for s in towards]
        return widest([ANY_SIDE, *each])


@dataclass(frozen=True)
class Blocks:
    """The footprints that stand as flat blocks. roof: their tops [cm]; compared: the height by
    which they shelter [cm] or NOT_KNOWN; group: parts of one building share it."""

    outlines: Outlines
    roof: NDArray[np.int64]
    compared: NDArray[np.int64]
    group: NDArray[np.int64]

    def within(self, window: Window) -> "Blocks":
        """Those with a cell in a window."""
        return self.take(np.flatnonzero(touches(self._windows, window)))

    def take(self, chosen: NDArray[Any]) -> "Blocks":
        """Some of these, by position or mask."""
        return Blocks(
            self.outlines.take(chosen),
            self.roof[chosen],
            self.compared[chosen],
            self.group[chosen],
        )

    @cached_property
    def _windows(self) -> NDArray[np.int64]:
        return self.outlines.windows()


def extrude(
    dtm: NDArray[np.float32], spans: Spans, roof: NDArray[np.int64], on_raster: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """The terrain with a flat block on each footprint's own cells; where they overlap, the higher.

    dtm: (rows, columns) float32 [m]; roof: of each footprint [cm].
    """
    top = np.full(dtm.shape, -np.inf, np.float32)
    raise_to(top, spans, (roof / 100.0).astype(np.float32))
    return np.where((top > -np.inf) & on_raster, top, dtm)


@dataclass(frozen=True)
class Shaded:
    """A block's core: the method's surface, its shadows, and pictures made of them."""

    shadow: NDArray[np.uint8]
    surface: NDArray[np.float32]
    pictures: dict[str, NDArray[np.uint8]]

    def layer(self, name: str) -> NDArray[Any]:
        """One of the raster layers."""
        if name == "shadow":
            return self.shadow
        return self.surface if name == "surface" else self.pictures[name]


def shade_block(
    square: Lattice,
    core: Window,
    heights: Heights,
    blocks: Blocks,
    relief: Relief,
    p: Powermapping,
    layers: tuple[str, ...],
) -> Shaded:
    """Shadows on one block that lies in one square of the lattice.

    core: on the rasters; blocks: all that stand in it or its halo.
    """
    resolution = heights.terrain.resolution
    towards = suns(square, p.date, p.times, p.elevation)
    inputs = heights.terrain.window
    window = core.grow(relief.halo(towards, resolution)).intersect(inputs)
    surface = read_surface(window, heights, blocks, p)
    shadow = cast_shadow(surface, towards, square.anchored(window, resolution))
    inner = window.slices(core)
    pictures = {}
    if "sun_hillshade" in layers:
        near = core.grow(ANY_SIDE).intersect(window)
        part = surface[window.slices(near)]
        grey = np.stack([hillshade(part, sun, resolution) for sun in towards])
        grey[_bits(shadow[window.slices(near)], len(towards))] = 0
        pictures["sun_hillshade"] = grey[(slice(None), *near.slices(core))]
    if "hillshade" in layers:
        near = core.grow(ANY_SIDE).intersect(inputs)
        dsm = surface[window.slices(near)] if p.surface == "dsm" else heights.dsm(near)
        pictures["hillshade"] = hillshade(dsm, PICTURE, resolution)[near.slices(core)]
    return Shaded(shadow[inner].copy(), surface[inner].copy(), pictures)  # lets the halo go


def read_surface(
    window: Window, heights: Heights, blocks: Blocks, p: Powermapping
) -> NDArray[np.float32]:
    """What casts and catches shadow: as measured, or the terrain with blocks on it."""
    if p.surface == "dsm":
        return heights.dsm(window)
    surface = np.empty((window.height, window.width), np.float32)
    near = blocks.within(window)
    for part in window.pieces(PIECE):
        here = near.within(part)
        surface[window.slices(part)] = extrude(
            heights.dtm(part), here.outlines.spans(part), here.roof, heights.terrain.mask(part)
        )
    return surface


def _bits(shadow: NDArray[np.uint8], n: int) -> NDArray[np.bool_]:
    return np.stack([(shadow >> i & 1).astype(np.bool_) for i in range(n)])


def wind_shadowed(candidate: Blocks, blocks: Blocks, heights: Heights, p: Powermapping) -> bool:
    """Whether another, higher building stands within the radius of one candidate.

    candidate: that one alone; blocks: all that stand within the radius, itself included.
    """
    resolution = heights.terrain.resolution
    reach = int(np.ceil(p.wind_radius_m / resolution))
    around = own_window(candidate.outlines).grow(same_on_all_sides(reach))
    around = around.intersect(heights.terrain.window)
    near = blocks.within(around)
    higher = shelters(near.compared, int(candidate.compared[0]), p)
    higher &= (near.compared != NOT_KNOWN) & (near.group != candidate.group[0])
    if not higher.any():
        return False
    mask = heights.terrain.mask(around)
    own = _drawn(candidate.outlines, around, mask)
    others = _drawn(near.outlines.take(higher), around, mask)
    return any_within(own, others, p.wind_radius_m / resolution)


def own_window(outlines: Outlines) -> Window:
    """The window around one footprint's cells."""
    return Window.between(*(int(side) for side in outlines.windows()[0]))


def _drawn(outlines: Outlines, window: Window, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    drawn = np.zeros(mask.shape, np.uint8)
    raise_to(drawn, outlines.spans(window), np.ones(len(outlines), np.uint8))
    return drawn.view(np.bool_) & mask
