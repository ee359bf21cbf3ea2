"""Which tiles of the surface can cast shadow on target cells, from height bounds by tile.

The sweep moves a tile's square of cells away from the sun, one line a step and within the line by
a slope. Only the tiles that this band touches are tested, so the work follows the shadows' length.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels.compile import kernel
from kernels.shadow import Sun, shadow_drop, walks_rows
from kernels.zonal import NO_HEIGHT

NOTHING = np.int32(NO_HEIGHT)
ROUNDING = 1 + 1e-9  # cells that two ends of a ray may lie beside the slope, rounded as both are


class _Band(NamedTuple):
    """How shadows move over an array of tiles. ahead: 1 or -1 line a step; slope: cells along the
    line a step, at most 1; sink: how much a shadow sinks in a step, at least [cm]; tile: cells
    along a side."""

    ahead: int
    slope: float
    sink: float
    tile: int


@kernel
def _first_step(band, lines, places):  # type: ignore[no-untyped-def]
    """Steps until the shadow of some cell of a tile first covers some cell of the tile that lies
    `lines` tiles ahead and `places` aside; infinite if it never does."""
    side = band.tile - 1
    first = max(lines * band.tile - side, 1)
    last = lines * band.tile + side
    low, high = places * band.tile - side - ROUNDING, places * band.tile + side + ROUNDING
    if band.slope != 0:
        one, other = low / band.slope, high / band.slope
        first = max(first, math.ceil(min(one, other) - 1e-9))
        last = min(last, math.floor(max(one, other) + 1e-9))
    elif low > 0 or high < 0:
        return np.inf
    return float(first) if first <= last else np.inf


@kernel
def _casts(top, lowest, line, place, band, deepest):  # type: ignore[no-untyped-def]
    """Whether a tile of height `top` [cm] can cast shadow on a target cell. deepest: the lowest
    target. Heights are rounded, so two may differ by one centimetre more than their values."""
    lines, places = lowest.shape
    side = band.tile
    for ahead in range(lines):
        i = line + ahead * band.ahead
        if max((ahead - 1) * side + 1, 1) * band.sink >= top - deepest + 1 or not 0 <= i < lines:
            return False
        offsets = (max(ahead * side - side + 1, 1) * band.slope, (ahead * side + side) * band.slope)
        begin = max(place + math.floor((min(offsets) - 1) / side) - 1, 0)
        end = min(place + math.ceil((max(offsets) + 1) / side) + 2, places)
        for j in range(begin, end):
            if lowest[i, j] != NOTHING:
                sunk = _first_step(band, ahead, j - place) * band.sink
                if sunk < np.int64(top) - lowest[i, j] + 1:
                    return True
    return False


@kernel
def _mark_casting(highest, lowest, band, casting):  # type: ignore[no-untyped-def]
    deepest = np.int64(2**31)
    for value in lowest.flat:
        if value != NOTHING:
            deepest = min(deepest, np.int64(value))
    for i in range(highest.shape[0]):
        for j in range(highest.shape[1]):
            if not casting[i, j] and highest[i, j] != NOTHING:
                top = np.int64(highest[i, j])
                casting[i, j] = _casts(top, lowest, i, j, band, deepest)


def _sink(sun: Sun, resolution: float, largest_cm: float) -> float:
    """How much a shadow sinks in a step, at least [cm]; as `shadow_halo` counts it."""
    largest = np.float32((largest_cm + 0.5) / 100)
    drop = shadow_drop(sun, resolution) * (1 - 2.0**-23) - float(np.spacing(largest)) / 2
    return max(drop * 100, 0.0)


def casting_tiles(
    highest: ArrayLike, lowest: ArrayLike, suns: Sequence[Sun], resolution: float, tile: int
) -> NDArray[np.bool_]:
    """Which tiles can cast shadow, at any of the sun positions, on a target cell. Returns
    (rows, columns) bool.

    highest: (rows, columns) int32, highest surface of each tile as `zonal.centimetres` rounds it
    [cm], NO_HEIGHT without data; lowest: (rows, columns) int32, lowest target cell of each tile
    [cm], NO_HEIGHT without one; resolution: of a cell [m]; tile: cells along a tile's side.
    Raises ValueError for arrays of two shapes.
    """
    highest = np.ascontiguousarray(highest, np.int32)
    lowest = np.ascontiguousarray(lowest, np.int32)
    if highest.shape != lowest.shape or highest.ndim != 2:
        raise ValueError(f"tiles of shape {highest.shape} and {lowest.shape}: they must be one map")
    casting = np.zeros(lowest.shape, np.bool_)
    if (lowest == NOTHING).all():
        return casting
    some = [array[array != NOTHING] for array in (highest, lowest)]
    largest = max(float(abs(values.astype(np.int64)).max(initial=0)) for values in some)
    high, low, transposed = (np.ascontiguousarray(array.T) for array in (highest, lowest, casting))
    for sun in suns:
        sink = _sink(sun, resolution, largest)
        north, east = math.cos(sun.azimuth), math.sin(sun.azimuth)
        if walks_rows(sun):
            band = _Band(1 if north > 0 else -1, -east / abs(north), sink, tile)
            _mark_casting(highest, lowest, band, casting)
        else:
            band = _Band(-1 if east > 0 else 1, north / abs(east), sink, tile)
            _mark_casting(high, low, band, transposed)
    return casting | transposed.T


def casting_or_shaded_tiles(
    highest: ArrayLike, lowest: ArrayLike, suns: Sequence[Sun], resolution: float, tile: int
) -> NDArray[np.bool_]:
    """The tiles of `casting_tiles` and those with a target cell: the heights of all others do not
    change a bit of the shadow on the targets. Arguments and errors: see `casting_tiles`."""
    targets: NDArray[np.bool_] = np.asarray(lowest) != NOTHING
    return casting_tiles(highest, lowest, suns, resolution, tile) | targets
