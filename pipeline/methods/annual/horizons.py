"""The horizons of roof planes' cells, window by window: near by the DSM, far by its relief."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.field import FarField, near_field
from kernels.horizon import FLOOR, horizon
from kernels.planes import REST
from kernels.simd import SIDE
from kernels.spans import cells_of
from pipeline.grid.tile_masks import TileMask
from pipeline.grid.windows import TILE, Window, uniform_halo
from pipeline.heights.far import far_heights
from pipeline.methods.annual.segments import BESIDE, Segments
from pipeline.methods.annual.surface import AROUND, surface
from pipeline.methods.climate.table import BINS
from pipeline.methods.passes import Work

PIECE = 544  # columns of what is looked at once: a quarter of a block with what its roofs overhang

Wholes = NDArray[np.int64]


class PlaneCells(NamedTuple):
    """Cells in planes. row, column: on the grid; plane: of each; from_: the height from which it
    looks [m], float32."""

    row: Wholes
    column: Wholes
    plane: Wholes
    from_: NDArray[np.float32]

    def take(self, chosen: Wholes) -> "PlaneCells":
        """Some of them, by position."""
        row, column, plane = (values[chosen] for values in self[:3])
        return PlaneCells(row, column, plane, self.from_[chosen])

    @property
    def window(self) -> Window:
        """The smallest window around them, in whole squares of SIDE cells."""
        ends = self.row.min(), self.column.min(), self.row.max() + 1, self.column.max() + 1
        squares = Window.between(*(int(n) for n in ends)).coarse(SIDE)
        return Window(*(n * SIDE for n in squares))


def plane_cells(segments: Segments, resolution: float, lift: float) -> PlaneCells:
    """The cells in planes, which look from so far above their plane at the cell's centre [m]."""
    cells, planes = cells_of(segments.spans), segments.planes
    inside = planes.number < REST
    footprint, row, column = (part[inside] for part in cells)
    plane = planes.start[footprint] + planes.number[inside] - 1
    south = row - planes.top[footprint] - planes.row[plane]
    east = column - planes.left[footprint] - planes.column[plane]
    rise = planes.slope_east[plane] * east - planes.slope_north[plane] * south
    from_ = (planes.height[plane] + rise * resolution + lift).astype(np.float32)
    return PlaneCells(row + segments.window.top, column + segments.window.left, plane, from_)


def horizons(
    work: Work, cells: PlaneCells, gradient: NDArray[np.float32], directions: NDArray[np.float64]
) -> Iterator[tuple[Wholes, NDArray[np.uint8]]]:
    """The bins of the cells' horizons, (some, directions), with the positions of these cells among
    all. gradient: (planes, 2), east and north; directions: azimuths [rad]. Raises Stopped if the
    stop flag is up."""
    for piece, some in _pieces(cells):
        work.check_stop()
        for alone in _without_overlaps(cells, some, piece):
            yield alone, _bins(work, piece, cells.take(alone), gradient, directions)


def _pieces(cells: PlaneCells) -> Iterator[tuple[Window, Wholes]]:
    """Windows of PIECE columns, so that the samples of one serve all, with the positions of the
    cells in each."""
    if not len(cells.row):
        return
    for part in cells.window.pieces(PIECE):
        inside = (cells.row >= part.top) & (cells.row < part.bottom)
        inside &= (cells.column >= part.left) & (cells.column < part.right)
        some = np.flatnonzero(inside)
        if len(some):
            rows = cells.take(some).window
            yield Window(rows.top, part.left, rows.height, PIECE), some


def _without_overlaps(cells: PlaneCells, some: Wholes, window: Window) -> Iterator[Wholes]:
    """The positions row by row; where footprints overlap, those of one after those of another."""
    place = (cells.row[some] - window.top) * window.width + cells.column[some] - window.left
    order = np.argsort(place, kind="stable")
    place = place[order]
    turn = np.arange(len(place)) - np.searchsorted(place, place)
    for n in range(int(turn.max()) + 1):
        yield some[order[turn == n]]


def _bins(
    work: Work,
    piece: Window,
    cells: PlaneCells,
    gradient: NDArray[np.float32],
    directions: NDArray[np.float64],
) -> NDArray[np.uint8]:
    """The bins of the cells' horizons: (cells, directions). cells: row by row, each once."""
    at = cells.row - piece.top, cells.column - piece.left
    chosen = np.zeros(piece[2:], np.bool_)
    own, slopes = np.full(piece[2:], np.nan, np.float32), np.zeros((*piece[2:], 2), np.float32)
    chosen[at], own[at], slopes[at] = True, cells.from_, gradient[cells.plane]
    window = piece.grow(uniform_halo(AROUND))
    heights = surface(work, window, _tiles(cells, window))
    inner = piece._replace(top=AROUND, left=AROUND).box
    near, far = near_field(heights, window.top, window.left, inner), _far(work, piece)
    r = work.context.resolution
    return horizon(near, far, chosen, directions, r, None, FLOOR, own, slopes, BINS).bins


def _tiles(cells: PlaneCells, window: Window) -> TileMask:
    """The tiles of a window that have some of the cells."""
    tiles = TileMask.none(window.coarse(TILE))
    top, left = tiles.frame.top, tiles.frame.left
    tiles.marked[cells.row // TILE - top, cells.column // TILE - left] = True
    return tiles


def _far(work: Work, piece: Window) -> FarField:
    """The far field of a piece: that of the whole shard, if it lies there."""
    covered, far = work.cache.get("far", (piece._replace(height=0), None))
    if far is None or not covered.covers(piece):
        shard = work.context.layout.window(work.shard).grow(uniform_halo(BESIDE))
        covered = shard.union(piece) if shard.grow(uniform_halo(PIECE)).covers(piece) else piece
        far = far_heights(work.context.terrain, work.context.relief, covered)
        work.cache["far"] = covered, far
    return far
