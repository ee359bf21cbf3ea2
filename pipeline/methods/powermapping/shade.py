"""The second pass: cast shadow on the roofs, wind shadow, and the raster layers."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.casters import casting_tiles
from kernels.gradient import hillshade
from kernels.shadow import Sun, cast_shadow
from kernels.spans import Spans, raise_to
from kernels.sweep import LIT
from kernels.wind import any_within
from kernels.zonal import bit_counts
from pipeline.footprints.outlines import Outlines, touches
from pipeline.grid.sun import suns
from pipeline.grid.tile_masks import NO_HEIGHT, TileMask, cut, enclosing, lowered
from pipeline.grid.windows import TILE, LatticeCell, Window, uniform_halo
from pipeline.heights.pair import PairReader
from pipeline.heights.rasters import PIECE
from pipeline.methods.powermapping.rules import NOT_KNOWN, Powermapping, shelters
from pipeline.runs.measured import Measured

PICTURE = Sun(azimuth=np.deg2rad(315), elevation=np.deg2rad(45))
NOTHING = Window(0, 0, 0, 0)
ANY_SIDE = uniform_halo(1)  # what a hillshade looks at


@dataclass(frozen=True)
class Roofs:
    """Judged buildings of the area. position: among the footprints they were taken from; windows:
    (n, 4) cells that hold all of theirs; row, column: the deciding cell; lowest: of the surface on
    their cells, or less [cm]; holed: whether some of their cells have no DSM data."""

    position: NDArray[np.int64]
    outlines: Outlines
    windows: NDArray[np.int64]
    row: NDArray[np.int64]
    column: NDArray[np.int64]
    lowest: NDArray[np.int32]
    holed: NDArray[np.bool_]

    @classmethod
    def of(
        cls, outlines: Outlines, measured: Measured, chosen: NDArray[np.bool_], p: Powermapping
    ) -> "Roofs":
        """Some of the footprints that were measured; outlines: of all."""
        m, at = measured.measures, np.flatnonzero(chosen)
        lowest = (m.lowest if p.surface == "dsm" else m.roof)[at].astype(np.int32)
        own, holed = outlines.take(at), (m.cells < m.own)[at]
        return cls(at, own, own.windows(), m.row[at], m.column[at], lowest, holed)

    def __len__(self) -> int:
        return len(self.position)

    def within(self, part: Window) -> "Roofs":
        """Those that can have cells in a window, with their windows cut to it."""
        at = np.flatnonzero(touches(self.windows, part))
        least, most = [part.top, part.left] * 2, [part.bottom, part.right] * 2
        return Roofs(
            self.position[at],
            self.outlines.take(at),
            np.clip(self.windows[at], least, most),
            self.row[at],
            self.column[at],
            self.lowest[at],
            self.holed[at],
        )

    @property
    def window(self) -> Window:
        """The window around all their cells."""
        return enclosing(self.windows)

    def decided_in(self, part: Window) -> NDArray[np.int64]:
        """Which of them have their deciding cell in a window."""
        inside = (self.row >= part.top) & (self.row < part.bottom)
        inside &= (self.column >= part.left) & (self.column < part.right)
        return np.flatnonzero(inside)


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
    ) -> tuple[TileMask, TileMask]:
        """The tiles that can throw their shadow on a cell of a painted window or of a roof, and
        those; and of them the tiles of which the rasters matter, beside the blocks there."""
        asks = TileMask.of(painted, self.frame).marked
        lowest = np.where(asks, self.lowest, NO_HEIGHT)
        lowest = lowered(lowest, self.frame, roofs.windows, roofs.lowest)
        needed = casting_tiles(self.highest, lowest, towards, resolution, TILE)
        needed |= lowest != NO_HEIGHT
        bare = asks | casting_tiles(self.bare, lowest, towards, resolution, TILE)
        return TileMask(self.frame, needed), TileMask(self.frame, bare)


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
    """A window's shadows, and the raster layers of the part of it that is painted, by name."""

    shadow: NDArray[np.uint8]
    layers: dict[str, NDArray[Any]]


def shade_block(
    square: LatticeCell,
    core: Window,
    painted: Window,
    needed: TileMask,
    bare: TileMask,
    heights: PairReader,
    blocks: Blocks,
    p: Powermapping,
    layers: tuple[str, ...],
) -> Shaded:
    """Shadows on one window that lies in one square of the lattice.

    core: on the rasters; painted: the part of it of which raster layers are made; needed: the tiles
    that can matter to what is asked in it, those included, and bare: those of which the ground
    does; blocks: all that stand in it or on those.
    """
    resolution = heights.terrain.resolution
    towards = suns(square, p.date, p.times, p.elevation)
    inputs = heights.terrain.window
    near = painted.grow(ANY_SIDE).intersect(inputs) if layers and painted.size else NOTHING
    window = needed.window.intersect(inputs).union(core).union(near)
    tiles, ground = (marks.part(window.coarse(TILE)) for marks in (needed, bare))
    if near.size:
        for marks in (tiles, ground):
            marks.marked[:] |= TileMask.of(near, marks.frame).marked
    surface = read_surface(window, tiles, ground, heights, blocks, p)
    shadow = cast_shadow(surface, towards, square.anchored(window, resolution))
    made: dict[str, NDArray[Any]] = {}
    if near.size:
        part = window.slices(near)
        wider = _layers(layers, near, surface[part], shadow[part], towards, heights, p)
        inner = near.slices(painted)
        made = {name: values[(..., *inner)].copy() for name, values in wider.items()}
    return Shaded(shadow[window.slices(core)].copy(), made)  # copies let the halo go


def _layers(
    names: tuple[str, ...],
    window: Window,
    surface: NDArray[np.float32],
    shadow: NDArray[np.uint8],
    towards: list[Sun],
    heights: PairReader,
    p: Powermapping,
) -> dict[str, NDArray[Any]]:
    """The raster layers of a window, by name; the outermost cells have no hillshade."""
    resolution = heights.terrain.resolution
    made: dict[str, NDArray[Any]] = {"shadow": shadow, "surface": surface}
    if "sun_hillshade" in names:
        grey = np.stack([hillshade(surface, sun, resolution) for sun in towards])
        grey[_bits(shadow, len(towards))] = 0
        made["sun_hillshade"] = grey
    if "hillshade" in names:
        dsm = surface if p.surface == "dsm" else heights.dsm(window)
        made["hillshade"] = hillshade(dsm, PICTURE, resolution)
    return {name: made[name] for name in names}


def read_surface(
    window: Window,
    tiles: TileMask,
    bare: TileMask,
    heights: PairReader,
    blocks: Blocks,
    p: Powermapping,
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


def lit_cells(
    shadow: NDArray[np.uint8], window: Window, roofs: Roofs, heights: PairReader, p: Powermapping
) -> NDArray[np.int64]:
    """How many cells of a window that have DSM data each roof has in the sun at all suns.

    shadow: of the window. On the extruded surface cells without DSM data have a height too: those
    are looked up for the roofs that have some.
    """
    lit, found = shadow == LIT, np.zeros(len(roofs), np.int64)
    holed = roofs.holed & (p.surface == "extruded")
    for some in (np.flatnonzero(~holed), np.flatnonzero(holed)):
        if len(some) and holed[some[0]]:
            tiles = TileMask.none(window.coarse(TILE))
            tiles.add(roofs.windows[some])
            lit &= ~np.isnan(heights.dsm(window, tiles.marked))
        spans = roofs.outlines.take(some).spans(window)
        found[some] = bit_counts(lit.view(np.uint8), spans).bits[:, 0]
    return found


def _bits(shadow: NDArray[np.uint8], n: int) -> NDArray[np.bool_]:
    return np.stack([(shadow >> i & 1).astype(np.bool_) for i in range(n)])


def wind_shadowed(candidate: Blocks, blocks: Blocks, heights: PairReader, p: Powermapping) -> bool:
    """Whether another, higher building stands within the radius of one candidate.

    candidate: that one alone; blocks: all that stand within the radius, itself included.
    """
    resolution = heights.terrain.resolution
    reach = int(np.ceil(p.wind_radius_m / resolution))
    around = own_window(candidate.outlines).grow(uniform_halo(reach))
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
