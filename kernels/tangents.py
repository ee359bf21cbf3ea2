"""The tangents of a tile's horizon in one direction: where they start, and what raises them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.coarse import COARSE_BITS
from kernels.compile import inlined
from kernels.fan import BETWEEN
from kernels.march import march, march_between
from kernels.simd import SIDE

NEAREST = len(BETWEEN)
# Rounding may lift a weighted sum above its highest term by at most 2^-22 of it.
SLACK = np.float32(2.0**-20)


class View(NamedTuple):
    """The near field as flat arrays: a reshape in a kernel costs as much as a stage."""

    cells: NDArray[np.float32]
    mean2: NDArray[np.float32]
    mean4: NDArray[np.float32]
    highest: NDArray[np.float32]


@inlined
def _low(tile):  # type: ignore[no-untyped-def]
    """The lowest tangent: positive floats sort like integers, whose minimum Numba vectorises."""
    bits = tile.tangent.view(np.int32)
    low = bits[0]
    for c in range(len(bits)):
        low = min(low, bits[c])
    tile.word[0] = low
    return tile.word.view(np.float32)[0]


@inlined
def _can_rise(highest, fan, stage, tile, factor, low):  # type: ignore[no-untyped-def]
    """Whether a stage can raise any tangent above `low`, seen from the tile's lowest cell. Rounding
    is monotone, so skipping the stage otherwise changes no bit."""
    top = np.float32(-np.inf)
    for n in range(fan.tile_bounds[stage], fan.tile_bounds[stage + 1]):
        here = highest[tile.at + fan.tiles[n]]
        top = here if here > top else top
    return (top + abs(top) * SLACK - tile.lowest) * factor > low


@inlined
def near_horizon(view, fan, k, tile, low):  # type: ignore[no-untyped-def]
    """Raise the tangents of a tile to the near field's. low: the lowest tangent before. Returns the
    lowest after."""
    own, tangent, stages = tile.own, tile.tangent, len(fan.bounds)
    begin, end = k * NEAREST, (k + 1) * NEAREST
    if _can_rise(view.highest, fan, k * stages, tile, fan.near_factors[begin], low):
        for r in range(len(tile.places)):
            march_between(
                view.cells, fan.corners, fan.near_factors, begin, end, tile.places[r], own, tangent,
                r * SIDE, fan.weights,
            )  # fmt: skip
        low = _low(tile)
    for s in range(1, stages):
        first = k * fan.bounds[-1]
        begin, end = first + fan.bounds[s - 1], first + fan.bounds[s]
        if _can_rise(view.highest, fan, k * stages + s, tile, fan.factors[begin], low):
            side = fan.sides[s - 1]
            field = view.mean4 if side == 4 else (view.mean2 if side == 2 else view.cells)
            for r in range(len(tile.places)):
                march(
                    field, fan.offsets, fan.factors, begin, end, tile.places[r], own, tangent,
                    r * SIDE,
                )  # fmt: skip
            low = _low(tile)
    return low


@inlined
def far_horizon(far, fan, k, tile, low):  # type: ignore[no-untyped-def]
    """Raise the tangents of a tile to the far field's, seen from its middle."""
    for n in range(len(fan.far_factors)):
        factor = fan.far_factors[n]
        if (far.highest - tile.lowest) * factor <= low:
            break  # nor does anything beyond rise higher
        level = fan.level[n]
        start, height, width, top, left = far.levels[level]
        i = ((tile.south + fan.steps[k, n, 0]) >> (level + COARSE_BITS)) - top
        j = ((tile.east + fan.steps[k, n, 1]) >> (level + COARSE_BITS)) - left
        if 0 <= i < height and 0 <= j < width:
            value = far.values[start + i * width + j]
            if (value - tile.lowest) * factor > low:
                for c in range(len(tile.own)):
                    tile.tangent[c] = max(tile.tangent[c], (value - tile.own[c]) * factor)
                low = _low(tile)


@inlined
def raise_to_planes(tile, rise, towards):  # type: ignore[no-untyped-def]
    """Raise the tangents of a tile to those of the planes that its cells lie in. rise: gradients
    east of all cells, then north of all; towards: east and north of the direction. Returns the
    lowest after."""
    tangent, east, north = tile.tangent, towards[0], towards[1]
    after = rise[len(tangent) :]
    for c in range(len(tangent)):
        tangent[c] = max(tangent[c], rise[c] * east + after[c] * north)
    return _low(tile)
