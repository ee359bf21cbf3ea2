"""The second pass: cast shadow at the roofs' centres, wind shadow, and the raster layers."""

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.reach import casting
from kernels.shadow import Sun, cast_shadow
from kernels.spans import Spans, raise_to
from kernels.terrain import hillshade
from kernels.wind import any_within
from pipeline.grid import TILE, Lattice, Window, same_on_all_sides
from pipeline.measured import Measured
from pipeline.methods.powermapping import NOT_KNOWN, Powermapping, shelters
from pipeline.outlines import Outlines, touches
from pipeline.rasters import PIECE
from pipeline.sun import suns
from pipeline.terrain import Heights
from pipeline.tiles import NO_HEIGHT, Marks, cut, enclosing, lowered

PICTURE = Sun(azimuth=np.deg2rad(315), elevation=np.deg2rad(45))
ANY_SIDE = same_on_all_sides(1)  # what a hillshade looks at


@dataclass(frozen=True)
class Roofs:
    """Judged buildings of the area. position: among the footprints they were taken from; row,
    column: the deciding cell; height: of the surface there, or less [cm]."""

    position: NDArray[np.int64]
    row: NDArray[np.int64]
    column: NDArray[np.int64]
    height: NDArray[np.int64]

    @classmethod
    def of(cls, measured: Measured, chosen: NDArray[np.bool_], p: Powermapping) -> "Roofs":
        """Some of the footprints that were measured."""
        m, at = measured.measures, np.flatnonzero(chosen)
        height = m.seen if p.surface == "dsm" else m.roof
        return cls(at, m.row[at], m.column[at], height[at])

    def take(self, chosen: NDArray[Any]) -> "Roofs":
        """Some of these, by position or mask."""
        return Roofs(*(getattr(self, f.name)[chosen] for f in dataclasses.fields(self)))

    @property
    def cells(self) -> NDArray[np.int64]:
        """(n, 4) windows of their deciding cells."""
        return np.column_stack([self.row, self.column, self.row + 1, self.column + 1])

    @property
    def window(self) -> Window:
        """The window around the deciding cells."""
        return enclosing(self.cells)


@dataclass(frozen=True)
class Casters:
    """The surface of a shard's surroundings by tiles. lowest, highest: (rows, columns) int32 [cm],
    bounds of it, NO_HEIGHT without data; bare: the highest of what the rasters give, without the
    blocks that stand on it."""

    frame: Window
    lowest: NDArray[np.int32]
    highest: NDArray[np.int32]
    bare: NDArray[np.int32]

    def part(self, frame: Window) -> "Casters":
        """The same in another frame, without data beyond this one."""
        tables = (self.lowest, self.highest, self.bare)
        return Casters(frame, *(cut(t, self.frame, frame, NO_HEIGHT) for t in tables))

    @property
    def extremes(self) -> tuple[float, float]:
        """Lowest and highest of all [m]; 0 without data."""
        low, high = self.lowest[self.lowest != NO_HEIGHT], self.highest[self.highest != NO_HEIGHT]
        return (low.min() / 100, high.max() / 100) if len(low) else (0.0, 0.0)

    def felt(
        self, painted: Window, roofs: Roofs, towards: list[Sun], resolution: float
    ) -> tuple[Marks, Marks]:
        """The tiles that can throw their shadow on a cell of a painted window or on a roof, and
        those; and of them the tiles of which the rasters matter, beside the blocks there."""
        asks = Marks.of(painted, self.frame).marked
        lowest = np.where(asks, self.lowest, NO_HEIGHT)
        lowest = lowered(lowest, self.frame, roofs.cells, roofs.height.astype(np.int32))
        needed = casting(self.highest, lowest, towards, resolution, TILE)
        needed |= lowest != NO_HEIGHT
        bare = asks | casting(self.bare, lowest, towards, resolution, TILE)
        return Marks(self.frame, needed), Marks(self.frame, bare)


@dataclass(frozen=True)
class Blocks:
    """The footprints that stand as flat blocks. roof: their tops [cm]; compared: the height by
    which they shelter [cm] or NOT_KNOWN; group: parts of one building share it."""

    outlines: Outlines
    roof: NDArray[np.int64]
    compared: NDArray[np.int64]
    group: NDArray[np.int64]

    @classmethod
    def none(cls, resolution: float) -> "Blocks":
        """No footprints."""
        whole, nothing = np.zeros(0, np.int64), np.zeros(0, object)
        outlines = Outlines(whole, nothing, np.zeros((0, 2)), np.zeros((0, 4)), resolution)
        return cls(outlines, whole, whole, whole)

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
    needed: Marks,
    bare: Marks,
    heights: Heights,
    blocks: Blocks,
    p: Powermapping,
    layers: tuple[str, ...],
) -> Shaded:
    """Shadows on one block that lies in one square of the lattice.

    core: on the rasters; needed: the tiles that can matter to it, its own included, and bare: those
    of which the ground does; blocks: all that stand in it or on those.
    """
    resolution = heights.terrain.resolution
    towards = suns(square, p.date, p.times, p.elevation)
    inputs = heights.terrain.window
    near = core.grow(ANY_SIDE).intersect(inputs) if layers else core
    window = needed.window.intersect(inputs).union(near)
    tiles, ground = (marks.part(window.coarse(TILE)) for marks in (needed, bare))
    if layers:
        for marks in (tiles, ground):
            marks.marked[:] |= Marks.of(near, marks.frame).marked
    surface = read_surface(window, tiles, ground, heights, blocks, p)
    shadow = cast_shadow(surface, towards, square.anchored(window, resolution))
    inner = window.slices(core)
    pictures = {}
    if "sun_hillshade" in layers:
        part = surface[window.slices(near)]
        grey = np.stack([hillshade(part, sun, resolution) for sun in towards])
        grey[_bits(shadow[window.slices(near)], len(towards))] = 0
        pictures["sun_hillshade"] = grey[(slice(None), *near.slices(core))]
    if "hillshade" in layers:
        dsm = surface[window.slices(near)] if p.surface == "dsm" else heights.dsm(near)
        pictures["hillshade"] = hillshade(dsm, PICTURE, resolution)[near.slices(core)]
    return Shaded(shadow[inner].copy(), surface[inner].copy(), pictures)  # lets the halo go


def read_surface(
    window: Window, tiles: Marks, bare: Marks, heights: Heights, blocks: Blocks, p: Powermapping
) -> NDArray[np.float32]:
    """What casts and catches shadow on some tiles: as measured, or blocks on the terrain, which is
    read on the bare ones only; NaN elsewhere."""
    if p.surface == "dsm":
        return heights.dsm(window, tiles.marked)
    surface = np.full((window.height, window.width), np.nan, np.float32)
    for part in window.pieces(PIECE):
        frame = part.coarse(TILE)
        if tiles.part(frame).marked.any():
            here = blocks.within(part)
            surface[window.slices(part)] = extrude(
                heights.dtm(part, bare.part(frame).marked),
                here.outlines.spans(part),
                here.roof,
                heights.terrain.mask(part),
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
