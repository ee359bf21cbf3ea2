"""Least squares of planes from integer sums: exact to merge, and the same turned or mirrored.

Positions are columns (eastward) and rows (southward) of a window, heights are centimetres from a
level near the building's own. Moments about the mean are formed in integers, so that shifting a
window, turning it by a quarter or adding a constant to all heights changes no bit of a fit.
"""

from typing import NamedTuple

import numpy as np

from kernels.compile import kernel

N, X, Y, Z, XX, XY, YY, XZ, YZ, ZZ = range(10)
FIELDS = 10
WORD = 20  # bits
LOWER = (1 << WORD) - 1
LEAN = 1e-6  # cells on a line have no plane


class Fit(NamedTuple):
    """A plane of least squares.

    level: height at the centre [cm]; x, y: the centre, the mean of the cells [cells]; east, south:
    slopes [cm per cell]; spread: root mean square of the residuals [cm]; known: whether there is a
    plane, for cells on a line have none.
    """

    level: float
    x: float
    y: float
    east: float
    south: float
    spread: float
    known: bool


@kernel
def add_cell(sums, x, y, z, times):  # type: ignore[no-untyped-def]
    """Add a cell to sums, or with `times` -1 take it away. sums: (FIELDS,) int64."""
    x, y, z = np.int64(x), np.int64(y), np.int64(z)
    sums[N] += times
    sums[X] += times * x
    sums[Y] += times * y
    sums[Z] += times * z
    sums[XX] += times * x * x
    sums[XY] += times * x * y
    sums[YY] += times * y * y
    sums[XZ] += times * x * z
    sums[YZ] += times * y * z
    sums[ZZ] += times * z * z


@kernel
def _moment(n, p, q, pq):  # type: ignore[no-untyped-def]
    """n times the sum of (p - mean)(q - mean), rounded once: of a greenhouse of a square kilometre
    it does not fit in 64 bits, so that it is taken in two words, the lower of WORD bits."""
    a, b = p // n, q // n
    near = pq - a * q - b * p + n * a * b
    low = n * (near & LOWER) - (p - n * a) * (q - n * b)
    high = n * (near >> WORD) + (low >> WORD)
    return np.float64(high) * (LOWER + 1.0) + np.float64(low & LOWER)


@kernel
def moments(sums):  # type: ignore[no-untyped-def]
    """Moments about the mean, times the number of cells: xx, xy, yy, xz, yz, zz."""
    n = sums[N]
    return (
        _moment(n, sums[X], sums[X], sums[XX]),
        _moment(n, sums[X], sums[Y], sums[XY]),
        _moment(n, sums[Y], sums[Y], sums[YY]),
        _moment(n, sums[X], sums[Z], sums[XZ]),
        _moment(n, sums[Y], sums[Z], sums[YZ]),
        _moment(n, sums[Z], sums[Z], sums[ZZ]),
    )


@kernel
def fit(sums):  # type: ignore[no-untyped-def]
    """The plane of least squares of some cells. sums: (FIELDS,) int64, of one cell or more."""
    n = np.float64(sums[N])
    level, x, y = sums[Z] / n, sums[X] / n, sums[Y] / n
    xx, xy, yy, xz, yz, zz = moments(sums)
    det = xx * yy - xy * xy
    if not det > LEAN * (xx * yy):
        return Fit(level, x, y, 0.0, 0.0, 0.0, False)
    east, south = (xz * yy - yz * xy) / det, (yz * xx - xz * xy) / det
    rest = max(zz - (east * xz + south * yz), 0.0)
    return Fit(level, x, y, east, south, np.sqrt(rest) / n, True)


@kernel
def height(plane, x, y):  # type: ignore[no-untyped-def]
    """The height of a plane at a cell [cm]."""
    return plane.level + (plane.east * (x - plane.x) + plane.south * (y - plane.y))


@kernel
def distance(sums, plane):  # type: ignore[no-untyped-def]
    """Root mean square of the heights of some cells above a plane, which may be that of others."""
    n = np.float64(sums[N])
    east, south = plane.east, plane.south
    off = sums[Z] / n - height(plane, sums[X] / n, sums[Y] / n)
    xx, xy, yy, xz, yz, zz = moments(sums)
    square = east * east * xx + south * south * yy
    spread = zz + square + 2.0 * (east * south * xy) - 2.0 * (east * xz + south * yz)
    return np.sqrt(off * off + max(spread, 0.0) / (n * n))


@kernel
def within_angle(east, south, east2, south2, unit, least):  # type: ignore[no-untyped-def]
    """Whether two planes lean apart no more than an angle. Slopes [cm per cell]; unit: centimetres
    of a cell's side; least: square of the angle's cosine."""
    dot = unit * unit + (east * east2 + south * south2)
    one = unit * unit + (east * east + south * south)
    two = unit * unit + (east2 * east2 + south2 * south2)
    return dot > 0.0 and dot * dot >= least * (one * two)
