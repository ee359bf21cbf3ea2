"""Hillshade from slope and aspect after Horn (1981)."""

import math

import numpy as np
from numpy.typing import NDArray

from kernels.compile import kernel
from kernels.shadow import Sun

TWO = np.float64(2)  # with a plain 2.0 numpy, unlike numba, would stay in float32


@kernel
def _grey(west_east, south_north, sine, east, north):  # type: ignore[no-untyped-def]
    """Grey of a cell from its slopes towards the east and the north, and the sun's vector."""
    cosine = sine - west_east * east - south_north * north
    cosine /= math.sqrt(1.0 + west_east * west_east + south_north * south_north)
    return np.uint8(1.0 + 254.0 * max(cosine, 0.0) + 0.5)


@kernel
def _hillshade(z, per_cell, sine, east, north, out):  # type: ignore[no-untyped-def]
    rows, columns = z.shape
    for i in range(1, rows - 1):
        for j in range(1, columns - 1):
            a, b, c = z[i - 1, j - 1], z[i - 1, j], z[i - 1, j + 1]
            d, f = z[i, j - 1], z[i, j + 1]
            g, h, k = z[i + 1, j - 1], z[i + 1, j], z[i + 1, j + 1]
            # TWO makes double of float32, in which these sums are exact
            dx = ((TWO * f + c + k) - (TWO * d + a + g)) * per_cell
            dy = ((TWO * b + a + c) - (TWO * h + g + k)) * per_cell
            if not np.isnan(dx + dy + z[i, j]):
                out[i, j] = _grey(dx, dy, sine, east, north)


def hillshade(height: NDArray[np.float32], sun: Sun, resolution: float) -> NDArray[np.uint8]:
    """Grey 1 + 254 cos(incidence), rounded, at least 1, as GDAL writes it.

    height: (rows, columns) float32, north-up [m]; resolution [m]. Returns (rows, columns) uint8,
    0 where the cell or one of its eight neighbours has no data or lies outside the array.

    Horn, B.K.P. (1981). Hill shading and the reflectance map. Proc. IEEE 69(1).
    """
    out = np.zeros(height.shape, np.uint8)
    level = math.cos(sun.elevation)
    east, north = math.sin(sun.azimuth) * level, math.cos(sun.azimuth) * level
    _hillshade(height, 1 / (8 * resolution), math.sin(sun.elevation), east, north, out)
    return out
