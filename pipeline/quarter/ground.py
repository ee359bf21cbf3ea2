"""The ground of a generated quarter, and the noise of its survey: functions of the place alone."""

import math
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from pipeline.quarter.shapes import Floats

Number = TypeVar("Number", float, Floats)

LEVEL = 0.2
"""Of the ground in the middle [m NAP]."""

SWELLS = ((1900.0, 0.0, 1.5), (0.0, 1500.0, 1.1), (530.0, 610.0, 0.35))
"""Wavelength along x and along y (0: none), and amplitude [m]."""


class Terrain(NamedTuple):
    """Long smooth swells, by polynomials: the same bits whatever the shape of the arrays."""

    x: float
    """Where the swells pass through `LEVEL` [RD m]."""
    y: float
    signs: tuple[float, ...]
    """+1 or -1, one a swell."""

    def __call__(self, x: Floats, y: Floats) -> Floats:
        """The ground's height [m NAP] at RD points [m], broadcast together."""
        return self._height(x - self.x, y - self.y)

    def at(self, x: float, y: float) -> float:
        """The ground's height [m NAP] at one RD point, in a tenth of the time of an array."""
        return self._height(x - self.x, y - self.y)

    def _height(self, east: Number, north: Number) -> Number:
        height = LEVEL + 0 * (east + north)
        for (along_x, along_y, amplitude), sign in zip(SWELLS, self.signs, strict=True):
            height = height + sign * amplitude * _wave(east, along_x) * _wave(north, along_y)
        return height


def _wave(distance: Number, length: float) -> Number:
    """A sine made of parabolas, zero and rising at 0; 1 throughout for length 0."""
    if not length:
        return 0 * distance + 1
    phase = 2 * ((distance / length + 0.5) % 1.0) - 1
    return 4 * phase * (1 - abs(phase))


def scatter(columns: NDArray[np.int64], rows: NDArray[np.int64], seed: int) -> Floats:
    """Near-normal noise of unit deviation and zero mean, at most 3.5, for cells of the RD grid.

    A hash of the cell's own indices, so a window gets the same bits as the whole. Broadcasts.
    """
    column = _mix(columns.astype(np.uint32) + np.uint32(seed & 0xFFFFFFFF))
    row = _mix(rows.astype(np.uint32) ^ np.uint32(0x9E3779B9))
    bits = _mix(column + row * np.uint32(0x85EBCA6B))
    pairs = (bits & np.uint32(0x00FF00FF)) + ((bits >> np.uint32(8)) & np.uint32(0x00FF00FF))
    four_bytes = (pairs & np.uint32(0xFFFF)) + (pairs >> np.uint32(16))
    return (four_bytes.astype(np.float64) - 510) / math.sqrt(4 * (256**2 - 1) / 12)


def _mix(bits: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The finaliser of MurmurHash3."""
    bits = (bits ^ (bits >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    bits = (bits ^ (bits >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return bits ^ (bits >> np.uint32(16))
