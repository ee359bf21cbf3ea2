"""What can throw its shadow where somebody asks: tiles of the surface, from their extremes.

The cells of a tile are a square, and the sweep moves it away from the sun: a line a step, and
within the lines by a slope. So only the tiles that this band touches are looked at, and the work
follows the shadows' length.
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
    """How shadows move over (lines, places) of tiles: ahead: 1 or -1 line a step; slope: places a
    step, at most 1; sink: of a step, at least [cm]; tile: cells along a side."""

    ahead: int
    slope: float
    sink: float
    tile: int


@kernel
def _first_step(band, lines, places):  # type: ignore[no-untyped-def]
    """After how many steps a cell of a tile can first lie over one that is so many tiles ahead and
    aside; infinite where it never does."""
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
def _reaches(top, lowest, line, place, band, deepest):  # type: ignore[no-untyped-def]
    """Whether a tile of that height throws its shadow on a cell that asks. deepest: of all that
    ask. Heights are rounded, so that two differ by one centimetre more than they say."""
    lines, places = lowest.shape
    side = band.tile
    for ahead in range(lines):
        i = line + ahead * band.ahead
        if max((ahead - 1) * side + 1, 1) * band.sink >= top - deepest + 1 or not 0 <= i < lines:
            return False
        near = (max(ahead * side - side + 1, 1) * band.slope, (ahead * side + side) * band.slope)
        begin = max(place + math.floor((min(near) - 1) / side) - 1, 0)
        end = min(place + math.ceil((max(near) + 1) / side) + 2, places)
        for j in range(begin, end):
            if lowest[i, j] != NOTHING:
                sunk = _first_step(band, ahead, j - place) * band.sink
                if sunk < np.int64(top) - lowest[i, j] + 1:
                    return True
    return False


@kernel
def _reaching(highest, lowest, band, found):  # type: ignore[no-untyped-def]
    deepest = np.int64(2**31)
    for value in lowest.flat:
        if value != NOTHING:
            deepest = min(deepest, np.int64(value))
    for i in range(highest.shape[0]):
        for j in range(highest.shape[1]):
            if not found[i, j] and highest[i, j] != NOTHING:
                top = np.int64(highest[i, j])
                found[i, j] = _reaches(top, lowest, i, j, band, deepest)


def _sink(sun: Sun, resolution: float, largest_cm: float) -> float:
    """How much a shadow sinks in a step, at least [cm]; as `shadow_halo` counts it."""
    largest = np.float32((largest_cm + 0.5) / 100)
    drop = shadow_drop(sun, resolution) * (1 - 2.0**-23) - float(np.spacing(largest)) / 2
    return max(drop * 100, 0.0)


def casting_tiles(
    highest: ArrayLike, lowest: ArrayLike, towards: Sequence[Sun], resolution: float, tile: int
) -> NDArray[np.bool_]:
    """Which tiles can throw their shadow, by any of the suns, on a cell that asks.

    highest: (rows, columns) int32, of the surface in each tile, as `roof.centimetres` rounds it
    [cm], NO_HEIGHT where nothing stands; lowest: the same shape, of the cells that ask, NO_HEIGHT
    where none does; resolution: of a cell [m]; tile: cells along a tile's side.
    Raises ValueError for arrays of two shapes.
    """
    highest = np.ascontiguousarray(highest, np.int32)
    lowest = np.ascontiguousarray(lowest, np.int32)
    if highest.shape != lowest.shape or highest.ndim != 2:
        raise ValueError(f"tiles of shape {highest.shape} and {lowest.shape}: they must be one map")
    found = np.zeros(lowest.shape, np.bool_)
    if (lowest == NOTHING).all():
        return found
    some = [array[array != NOTHING] for array in (highest, lowest)]
    largest = max(float(abs(values.astype(np.int64)).max(initial=0)) for values in some)
    high, low, turned = (np.ascontiguousarray(array.T) for array in (highest, lowest, found))
    for sun in towards:
        sink = _sink(sun, resolution, largest)
        north, east = math.cos(sun.azimuth), math.sin(sun.azimuth)
        if walks_rows(sun):
            band = _Band(1 if north > 0 else -1, -east / abs(north), sink, tile)
            _reaching(highest, lowest, band, found)
        else:
            band = _Band(-1 if east > 0 else 1, north / abs(east), sink, tile)
            _reaching(high, low, band, turned)
    return found | turned.T


def casting_or_shaded_tiles(
    highest: ArrayLike, lowest: ArrayLike, towards: Sequence[Sun], resolution: float, tile: int
) -> NDArray[np.bool_]:
    """Which tiles can throw their shadow on a cell that asks, and those that ask; arguments and
    errors as of `casting_tiles`. Without all others the shadows there are the same to the bit."""
    asking: NDArray[np.bool_] = np.asarray(lowest) != NOTHING
    return casting_tiles(highest, lowest, towards, resolution, tile) | asking
