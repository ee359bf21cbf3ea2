"""Cast shadow on the roofs of a block, and the raster layers of it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.casters import casting_tiles
from kernels.gradient import hillshade
from kernels.shadow import Sun, cast_shadow
from kernels.spans import Spans, raise_to
from kernels.sweep import LIT
from kernels.zonal import bit_counts
from pipeline.footprints.outlines import touches
from pipeline.grid.tile_masks import NO_HEIGHT, HeightBounds, TileMask, cut, enclosing, lowered
from pipeline.grid.windows import TILE, LatticeCell, Window, uniform_halo
from pipeline.heights.pair import PairReader
from pipeline.heights.rasters import PIECE
from pipeline.methods.buildings import Measured
from pipeline.methods.context import NOTHING
from pipeline.methods.powermapping.rules import Powermapping, suns_of

PICTURE = Sun(azimuth=np.deg2rad(315), elevation=np.deg2rad(45))
HILLSHADE = "hillshade"  # the layer
ANY_SIDE = uniform_halo(1)  # what a hillshade looks at


@dataclass(frozen=True)
class Roofs:
    """Buildings whose roofs shadows fall on. position: among those that they were taken from;
    windows: (n, 4) cells that hold all of theirs; lowest: of the surface on their cells, or less
    [cm]."""

    position: NDArray[np.int64]
    measured: Measured
    windows: NDArray[np.int64]
    lowest: NDArray[np.int32]

    @classmethod
    def of(cls, measured: Measured, chosen: NDArray[np.bool_], p: Powermapping) -> "Roofs":
        """Some of the buildings that were measured."""
        own = measured.take(chosen)
        lowest = (own.lowest if p.surface == "dsm" else own.roof).astype(np.int32)
        return cls(np.flatnonzero(chosen), own, own.windows, lowest)

    def __len__(self) -> int:
        return len(self.position)

    def within(self, part: Window) -> "Roofs":
        """The roofs that can have cells in a window, with their windows cut to it."""
        at = np.flatnonzero(touches(self.windows, part))
        windows = np.clip(
            self.windows[at], [part.top, part.left] * 2, [part.bottom, part.right] * 2
        )
        return Roofs(self.position[at], self.measured.take(at), windows, self.lowest[at])

    @property
    def window(self) -> Window:
        """The window around all their cells."""
        return enclosing(self.windows)

    def decided_in(self, part: Window) -> NDArray[np.int64]:
        """Which of them have their deciding cell in a window."""
        row, column = self.measured.row, self.measured.column
        inside = (row >= part.top) & (row < part.bottom)
        return np.flatnonzero(inside & (column >= part.left) & (column < part.right))


@dataclass(frozen=True)
class Casters(HeightBounds):
    """The surface that casts shadow, by tiles. bare: (rows, columns) int32 [cm], the highest of
    what the rasters give, without the blocks that stand on it."""

    bare: NDArray[np.int32]

    def part(self, frame: Window) -> "Casters":
        """The casters on another frame, without data beyond this one."""
        tables = (self.lowest, self.highest, self.bare)
        return Casters(frame, *(cut(t, self.frame, frame, NO_HEIGHT) for t in tables))

    def relevant_tiles(
        self, rasters: Window, roofs: Roofs, suns: list[Sun], resolution: float
    ) -> tuple[TileMask, TileMask]:
        """The tiles that can cast shadow on a cell of a window of raster layers or of a roof, and
        those; and of them the tiles of which the rasters matter, beside the blocks there."""
        shown = TileMask.of(rasters, self.frame).marked
        lowest = np.where(shown, self.lowest, NO_HEIGHT)
        lowest = lowered(lowest, self.frame, roofs.windows, roofs.lowest)
        needed = casting_tiles(self.highest, lowest, suns, resolution, TILE)
        needed |= lowest != NO_HEIGHT
        bare = shown | casting_tiles(self.bare, lowest, suns, resolution, TILE)
        return TileMask(self.frame, needed), TileMask(self.frame, bare)


def extrude(
    dtm: NDArray[np.float32], spans: Spans, roof: NDArray[np.int64], on_raster: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """The terrain with a flat block on each footprint's own cells; where they overlap, the higher.

    dtm: (rows, columns) float32 [m]; roof: of each footprint [cm].
    """
    top = np.full(dtm.shape, -np.inf, np.float32)
    raise_to(top, spans, (roof / 100.0).astype(np.float32))
    return np.where((top > -np.inf) & on_raster, top, dtm)


def shade_block(
    square: LatticeCell,
    core: Window,
    rasters: Window,
    needed: TileMask,
    bare: TileMask,
    heights: PairReader,
    standing: Measured,
    p: Powermapping,
    layers: tuple[str, ...],
) -> tuple[NDArray[np.uint8], dict[str, NDArray[Any]]]:
    """The shadows on one window that lies in one square of the lattice, and the raster layers of
    a part of it, by name.

    core: on the rasters; rasters: the part of it of which raster layers are made; needed: the tiles
    that can matter to the shadows in it, those included, and bare: those of which the ground does;
    standing: all buildings that do so in it or on those.
    """
    resolution = heights.terrain.resolution
    suns = suns_of(square, p)
    inputs = heights.terrain.window
    wide = rasters.grow(ANY_SIDE).intersect(inputs) if layers and rasters.size else NOTHING
    window = needed.window.intersect(inputs).union(core).union(wide)
    tiles, ground = (marks.part(window.coarse(TILE)) for marks in (needed, bare))
    if wide.size:
        for marks in (tiles, ground):
            marks.marked[:] |= TileMask.of(wide, marks.frame).marked
    surface = read_surface(window, tiles, ground, heights, standing, p)
    shadow = cast_shadow(surface, suns, square.anchored(window, resolution))
    made: dict[str, NDArray[Any]] = {}
    if wide.size:
        part = window.slices(wide)
        wider = _layers(layers, surface[part], shadow[part], suns, resolution)
        inner = wide.slices(rasters)
        made = {name: values[(..., *inner)].copy() for name, values in wider.items()}
    return shadow[window.slices(core)].copy(), made  # copies let the halo go


def _layers(
    names: tuple[str, ...],
    surface: NDArray[np.float32],
    shadow: NDArray[np.uint8],
    suns: list[Sun],
    resolution: float,
) -> dict[str, NDArray[Any]]:
    """The raster layers of a window, by name; the outermost cells have no hillshade."""
    made: dict[str, NDArray[Any]] = {"shadow": shadow, "surface": surface}
    if "sun_hillshade" in names:
        grey = np.stack([hillshade(surface, sun, resolution) for sun in suns])
        grey[np.stack([shadow >> i & 1 == 1 for i in range(len(suns))])] = 0
        made["sun_hillshade"] = grey
    if HILLSHADE in names:  # of the measured surface: see `picture`
        made[HILLSHADE] = hillshade(surface, PICTURE, resolution)
    return {name: made[name] for name in names}


def picture(part: Window, heights: PairReader) -> NDArray[np.uint8]:
    """The hillshade of the DSM in a window that lies on the rasters."""
    wide = part.grow(ANY_SIDE).intersect(heights.terrain.window)
    grey = hillshade(heights.dsm(wide), PICTURE, heights.terrain.resolution)
    return grey[wide.slices(part)]


def read_surface(
    window: Window,
    tiles: TileMask,
    bare: TileMask,
    heights: PairReader,
    standing: Measured,
    p: Powermapping,
) -> NDArray[np.float32]:
    """The surface that casts and catches shadow on some tiles: as measured, or blocks on the
    terrain, which is read on the bare ones only; NaN elsewhere."""
    if p.surface == "dsm":
        return heights.dsm(window, tiles.marked)
    surface = np.full((window.height, window.width), np.nan, np.float32)
    for part in window.pieces(PIECE):
        frame = part.coarse(TILE)
        if tiles.part(frame).marked.any():
            blocks, dtm = standing.within(part), heights.dtm(part, bare.part(frame).marked)
            spans, mask = blocks.outlines.spans(part), heights.terrain.mask(part)
            surface[window.slices(part)] = extrude(dtm, spans, blocks.roof, mask)
    return surface


def lit_cells(
    shadow: NDArray[np.uint8], window: Window, roofs: Roofs, heights: PairReader, p: Powermapping
) -> NDArray[np.int64]:
    """How many cells of a window that have DSM data each roof has in the sun at all sun positions.

    shadow: of the window. On the extruded surface cells without DSM data have a height too: those
    are looked up for the roofs that have some.
    """
    lit, counts, m = shadow == LIT, np.zeros(len(roofs), np.int64), roofs.measured
    holed = (m.cells < m.own) & (p.surface == "extruded")
    for some in (np.flatnonzero(~holed), np.flatnonzero(holed)):
        if len(some) and holed[some[0]]:
            tiles = TileMask.none(window.coarse(TILE))
            tiles.add(roofs.windows[some])
            lit &= ~np.isnan(heights.dsm(window, tiles.marked))
        spans = m.outlines.take(some).spans(window)
        counts[some] = bit_counts(lit.view(np.uint8), spans).bits[:, 0]
    return counts
