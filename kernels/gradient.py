"""Hillshade, slope and aspect from the gradient after Horn (1981)."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels.angle import angle
from kernels.check import as_raster, has_infinite, refuse_infinite
from kernels.compile import inlined, kernel
from kernels.shadow import Sun
from kernels.simd import LINE, PIECE, prefetch

ZERO, ONE, HALF_UP = np.float32(0), np.float32(1), np.float32(1.5)
DARK = np.uint8(0)


class HillshadeTerms(NamedTuple):
    """Constants of the hillshade formula. With (east, north) from `_horn`, grey - 1 =
    (level - east x towards_east - north x towards_north) / sqrt(1 + steep (east2 + north2))."""

    level: np.float32
    towards_east: np.float32
    towards_north: np.float32
    steep: np.float32


def hillshade_terms(sun: Sun, resolution: float) -> HillshadeTerms:
    """Constants for a sun and a cell size [m]; slopes are eight-fold, as `_horn` gives them."""
    per_cell = 1 / (8 * resolution)
    flat = 254 * math.cos(sun.elevation) * per_cell
    return HillshadeTerms(
        np.float32(254 * math.sin(sun.elevation)),
        np.float32(flat * math.sin(sun.azimuth)),
        np.float32(flat * math.cos(sun.azimuth)),
        np.float32(per_cell * per_cell),
    )


@inlined
def _horn(nw, n, ne, w, e, sw, s, se):  # type: ignore[no-untyped-def]
    """Eight times the rise of a cell towards the east and the north. Differences first: they are
    exact where neighbours are alike. The order is GDAL's."""
    falling = se - nw
    rising = ne - sw
    east = falling + (e - w) + (e - w) + rising
    north = -falling + (n - s) + (n - s) + rising
    return east, north


@inlined
def _hillshade_piece(north, middle, south, terms, out):  # type: ignore[no-untyped-def]
    """Grey of cells 1 to len(out) of a row; slices from 0, else Numba does not vectorise."""
    n1, n2, m1, m2, s1, s2 = north[1:], north[2:], middle[1:], middle[2:], south[1:], south[2:]
    for j in range(len(out)):
        rise, climb = _horn(north[j], n1[j], n2[j], middle[j], m2[j], south[j], s1[j], s2[j])
        bright = terms.level - rise * terms.towards_east - climb * terms.towards_north
        bright /= np.sqrt(ONE + terms.steep * (rise * rise + climb * climb))
        known = rise + climb + m1[j]
        grey = HALF_UP + (bright if bright > ZERO else ZERO)
        out[j] = np.uint8(np.int32(grey)) if known == known else DARK


@kernel
def _slope_piece(north, middle, south, per_cell, out):  # type: ignore[no-untyped-def]
    n1, n2, m1, m2, s1, s2 = north[1:], north[2:], middle[1:], middle[2:], south[1:], south[2:]
    for j in range(len(out)):
        rise, climb = _horn(north[j], n1[j], n2[j], middle[j], m2[j], south[j], s1[j], s2[j])
        steep = per_cell * np.sqrt(rise * rise + climb * climb)
        out[j] = angle(steep, ONE) + (m1[j] - m1[j])


@kernel
def _aspect_piece(north, middle, south, out):  # type: ignore[no-untyped-def]
    n1, n2, m1, m2, s1, s2 = north[1:], north[2:], middle[1:], middle[2:], south[1:], south[2:]
    for j in range(len(out)):
        rise, climb = _horn(north[j], n1[j], n2[j], middle[j], m2[j], south[j], s1[j], s2[j])
        away = angle(np.abs(rise), np.abs(climb))  # from the north-south axis
        away = np.float32(np.pi) - away if climb > ZERO else away
        away = np.float32(2 * np.pi) - away if rise > ZERO and away > ZERO else away
        out[j] = away + (m1[j] - m1[j])


@kernel
def hillshade_rows(height, begin, end, terms, out):  # type: ignore[no-untyped-def]
    """Hillshade of rows begin to end of the array; False at an infinite height in them."""
    rows, columns = height.shape
    for i in range(begin, end):
        if has_infinite(height[i]):
            return False
        for left in range(0, columns - 2 if 0 < i < rows - 1 else 0, PIECE):
            right = min(left + PIECE, columns - 2)
            for j in range(left, right, LINE // 4):
                prefetch(height, i + 3, j)
            piece = slice(left, right + 2)
            north, south = height[i - 1, piece], height[i + 1, piece]
            _hillshade_piece(north, height[i, piece], south, terms, out[i, left + 1 : right + 1])
    return True


@kernel
def _slope_rows(height, per_cell, out):  # type: ignore[no-untyped-def]
    for i in range(1, len(height) - 1):
        _slope_piece(height[i - 1], height[i], height[i + 1], per_cell, out[i, 1:-1])


@kernel
def _aspect_rows(height, out):  # type: ignore[no-untyped-def]
    for i in range(1, len(height) - 1):
        _aspect_piece(height[i - 1], height[i], height[i + 1], out[i, 1:-1])


def hillshade(height: ArrayLike, sun: Sun, resolution: float) -> NDArray[np.uint8]:
    """Grey 1 + 254 cos(incidence), rounded, at least 1, as GDAL writes it; in float32.

    height: (rows, columns) float32, north-up [m]; resolution [m]. Returns (rows, columns) uint8,
    0 where the cell or one of its eight neighbours has no data or lies outside the array.
    Raises ValueError for an infinite height.

    Horn, B.K.P. (1981). Hill shading and the reflectance map. Proc. IEEE 69(1).
    """
    height = as_raster(height)
    out = np.zeros(height.shape, np.uint8)
    if not hillshade_rows(height, 0, len(height), hillshade_terms(sun, resolution), out):
        refuse_infinite(height)
    return out


def slope(height: ArrayLike, resolution: float) -> NDArray[np.float32]:
    """Steepness after Horn [rad].

    height: (rows, columns) float32, north-up [m]; resolution [m]. Returns (rows, columns) float32,
    NaN where the cell or one of its eight neighbours has no data or lies outside the array.
    Raises ValueError for an infinite height.
    """
    height = as_raster(height)
    refuse_infinite(height)
    out = np.full(height.shape, np.nan, np.float32)
    _slope_rows(height, np.float32(1 / (8 * resolution)), out)
    return out


def aspect(height: ArrayLike) -> NDArray[np.float32]:
    """Where a cell faces, after Horn: down the slope, clockwise from grid north [rad].

    height: (rows, columns) float32, north-up, of square cells. Returns (rows, columns) float32 in
    [0, 2 pi], NaN where it is flat, and where the cell or one of its eight neighbours has no data
    or lies outside the array. Raises ValueError for an infinite height.
    """
    height = as_raster(height)
    refuse_infinite(height)
    out = np.full(height.shape, np.nan, np.float32)
    _aspect_rows(height, out)
    return out
