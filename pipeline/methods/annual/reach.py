"""How far what stands somewhere shades roofs and slows the wind over them, for what is read,
measured and updated."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.field import NEAR
from kernels.horizon import FLOOR, horizon_halo
from kernels.shadow import Halo
from pipeline.grid.tile_masks import TileMask
from pipeline.grid.windows import LatticeCell, enclosing_halo, uniform_halo
from pipeline.heights.rasters import PIECE
from pipeline.heights.relief import HIGHEST_M, LOWEST_M
from pipeline.methods.annual.segments import BESIDE
from pipeline.methods.annual.wind.model import NEAR_M
from pipeline.methods.annual.wind.scene import bytes_of
from pipeline.methods.context import Context
from pipeline.methods.reach import (
    CELL_BYTES,
    PIECE_BYTES,
    Influence,
    Lowest,
    Matters,
    Reach,
    hull,
    in_tiles,
)

LIGHT_BYTES = 40  # of a block's cell in a plane: where it is, and what it looks from
LIGHT = 128 * 2**20  # bytes: the tables of a square, the fields of a piece, its bins


def horizon_cells(above: float, resolution: float) -> int:
    """How far what rises so high above a cell [m] can stand in its horizon [cells]: over the floor,
    with the side of the coarsest cell of the far field there."""
    return horizon_halo(max(above, 0.0), FLOOR, resolution).far


class HorizonInfluence(Influence):
    """A building is computed from its own cells and from all that rises over the floor of their
    horizons."""

    def changed(self, context: Context, places: TileMask, highest: NDArray[np.int32]) -> Matters:
        """Whether a change can rise over the floor of the horizon of a roof on a ground."""
        low, _ = self.surface.extremes
        above = float(highest.max(initial=0)) / 100 - low
        reach = in_tiles(horizon_cells(above, context.resolution))
        return super().changed(context, places.grow(reach), highest)

    def halos(self, context: Context) -> list[Halo]:
        """How far a block must look at full resolution [cells]: beyond, the relief is enough."""
        sheltered = math.ceil(NEAR_M[-1] / context.resolution) + 1
        return [uniform_halo(max(NEAR, sheltered))]

    def memory(self, context: Context) -> int:
        """What a worker holds at most: a block with the roofs near it, or one roof that reaches
        farther, and what their cells see [bytes]."""
        near = min(context.block, context.layout.shard) + 2 * min(BESIDE, self.widest)
        cells = max(near, self.widest) ** 2
        block = (CELL_BYTES + LIGHT_BYTES) * cells + PIECE_BYTES * PIECE**2
        return block + LIGHT + bytes_of(context)


class HorizonReach(Reach):
    """A horizon reaches as far as something can rise over its floor, which is farther than wind is
    slowed down from."""

    def halo(self, p: Any, squares: Iterable[LatticeCell], resolution: float) -> Halo:
        """How far around an area anything that stands in the country could matter to it."""
        farthest = uniform_halo(horizon_cells(HIGHEST_M - LOWEST_M, resolution))
        return enclosing_halo([super().halo(p, squares, resolution), farthest])

    def influence(self, context: Context) -> HorizonInfluence:
        """What can matter to what: the roofs themselves, and their horizons."""
        plain = super().influence(context)
        parts = plain.surface, plain.widest, plain.radius, plain.tiles, plain.measured
        return HorizonInfluence(*parts)

    def of_change(
        self, p: Any, bounds: NDArray[np.float64], top: float, lowest: Lowest
    ) -> list[NDArray[np.float64]]:
        """Where it can stand in a horizon."""
        farthest = bounds + _reach_m(top - LOWEST_M) * np.array([-1, -1, 1, 1])
        low = lowest("dsm", hull([farthest]))
        return [bounds + _reach_m(top - low) * np.array([-1, -1, 1, 1])]


def _reach_m(above: float) -> float:
    """`horizon_cells` in metres, of any cells that the method takes."""
    return max(horizon_cells(above, r) * r for r in (0.25, 0.5, 1.0))
