"""Polygons as well-known binary, decoded to rings without an object for each of them.

Little-endian polygons and multipolygons in two dimensions, as GEOS writes valid ones.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.compile import kernel

POLYGON, MULTIPOLYGON = 3, 6
HEAD = 9  # bytes before the first part: the order of bytes, the type, the number of parts
XY = 16  # bytes of a point


class Polygons(NamedTuple):
    """The rings of polygons. xy: (points, 2) float64; points: (rings + 1,) int64, where each ring's
    points start; rings: (polygons + 1,) int64, where each polygon's rings start."""

    xy: NDArray[np.float64]
    points: NDArray[np.int64]
    rings: NDArray[np.int64]


@kernel
def _integer(data, k):  # type: ignore[no-untyped-def]
    """The unsigned integer of 4 bytes at a position."""
    value = 0
    for i in range(4):
        value |= int(data[k + i]) << (8 * i)
    return value


@kernel
def _decode(data, start, xy, points, rings):  # type: ignore[no-untyped-def]
    """Fill the arrays of Polygons, and return the number of points; -1 for other geometries. A
    multipolygon is its head, then its polygons, one after another."""
    bytes_, n, m = xy.view(np.uint8).reshape(-1), 0, 0
    for f in range(len(start) - 1):
        k, end = start[f], start[f + 1]
        while k < end:
            kind, parts = _integer(data, k + 1), _integer(data, k + 5)
            if data[k] != 1 or (kind != POLYGON and kind != MULTIPOLYGON):
                return -1
            k += HEAD
            for _ in range(parts if kind == POLYGON else 0):
                size = XY * _integer(data, k)
                bytes_[XY * n : XY * n + size] = data[k + 4 : k + 4 + size]
                k, n, m = k + 4 + size, n + size // XY, m + 1
                points[m] = n
        rings[f + 1] = m
    return n


def decode_polygons(data: NDArray[np.uint8], start: NDArray[np.int64]) -> Polygons:
    """The rings of polygons and multipolygons.

    data: (bytes,) uint8, the geometries one after another; start: (polygons + 1,) int64, where each
    starts; one of no bytes has no rings. Raises ValueError for anything else: the geometries must
    be whole, since their lengths are not checked.
    """
    xy = np.empty((len(data) // XY, 2))
    points, rings = np.zeros(len(data) // 4 + 1, np.int64), np.zeros(len(start), np.int64)
    n = _decode(data, start, xy, points, rings)
    if n < 0:
        raise ValueError("not polygons in two dimensions as little-endian WKB")
    return Polygons(xy[:n], points[: rings[-1] + 1], rings)
