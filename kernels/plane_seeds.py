"""Plane fits about each cell of a building, and the order in which planes grow from them.

The fit about a cell takes its 5 x 5 own cells; where that is poor, as in the corners of small
planes, its 3 x 3. Heights are integers, so the sums are exact in float64, in any order.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.compile import kernel

PAD = 2  # cells around a building's window, which are not its own
MISSING = 1 << 30  # an own cell without data
WILD = 1 << 29  # an own cell more than REACH from the building's level
REACH = 1 << 17  # [cm]
OUTSIDE, NONE = -1, 0  # in labels: not the building's own; own, in no plane
WIDE_FIT, NARROW_FIT = 10.0, 10.0  # residual up to which a fit is a seed [cm]
ROUGH_FIT = 25.0
NARROW = 1000.0  # added to the rank of a fit of 3 x 3
NO_SEED = 1e9
MOMENTS = 6  # of a row: cells, x, xx, z, xz, zz


class Field(NamedTuple):
    """A building in its own window, with PAD cells around it.

    z: (rows, columns) int32 [cm above the building's level], MISSING or WILD; label: int32,
    OUTSIDE, NONE or the number of a region; east, south: float32, slopes about a cell
    [cm per cell]; level: float32, the fit's height at the cell [cm]; rank: float32, residual of
    the fit [cm], with NARROW added for 3 x 3, NO_SEED where there is none.
    """

    z: NDArray[np.int32]
    label: NDArray[np.int32]
    east: NDArray[np.float32]
    south: NDArray[np.float32]
    level: NDArray[np.float32]
    rank: NDArray[np.float32]


@kernel
def _row_moments(z, label, radius, out):  # type: ignore[no-untyped-def]
    """Sums over 2 radius + 1 cells along a row, about each cell but the PAD outermost."""
    n = len(z) - 2 * PAD
    out[:] = 0.0
    for d in range(-radius, radius + 1):
        x = np.float64(d)
        for j in range(n):
            there = z[j + PAD + d]
            own = np.float64((label[j + PAD + d] != OUTSIDE) & (there < WILD))
            value = own * there
            out[0, j] += own
            out[1, j] += x * own
            out[2, j] += x * x * own
            out[3, j] += value
            out[4, j] += x * value
            out[5, j] += value * there
    # (n, x, xx, z, xz, zz)


@kernel
def _fit_row(rows, radius, least, total, out):  # type: ignore[no-untyped-def]
    """Fits about the cells of a row: slopes, level and residual, the last NO_SEED where cells are
    too few. rows: (5, MOMENTS, cells), a ring of rows; total: (10, cells); out: (4, cells)."""
    total[:] = 0.0
    for d in range(-radius, radius + 1):
        part, y = rows[PAD + d], np.float64(d)
        for j in range(total.shape[1]):
            total[0, j] += part[0, j]
            total[1, j] += part[1, j]
            total[2, j] += y * part[0, j]
            total[3, j] += part[3, j]
            total[4, j] += part[2, j]
            total[5, j] += y * part[1, j]
            total[6, j] += y * y * part[0, j]
            total[7, j] += part[4, j]
            total[8, j] += y * part[3, j]
            total[9, j] += part[5, j]
    for j in range(total.shape[1]):
        n, sx, sy, sz = total[0, j], total[1, j], total[2, j], total[3, j]
        xx, xy, yy = n * total[4, j] - sx * sx, n * total[5, j] - sx * sy, n * total[6, j] - sy * sy
        xz, yz, zz = n * total[7, j] - sx * sz, n * total[8, j] - sy * sz, n * total[9, j] - sz * sz
        det = xx * yy - xy * xy
        fits = (n >= least) & (det > 0.0)
        det = det if fits else 1.0
        east, south = (xz * yy - yz * xy) / det, (yz * xx - xz * xy) / det
        rest = max(zz - (east * xz + south * yz), 0.0)
        spare = n * (n - 3.0) if fits else 1.0
        out[0, j], out[1, j] = east, south
        out[2, j] = (sz - (east * sx + south * sy)) / max(n, 1.0)
        out[3, j] = np.sqrt(rest / spare) if fits else NO_SEED


@kernel
def fit_cells(field, flat_slope):  # type: ignore[no-untyped-def]
    """Fit a plane about every own cell with data."""
    rows, columns = field.z.shape
    n = columns - 2 * PAD
    wide, narrow = np.empty((5, MOMENTS, n)), np.empty((5, MOMENTS, n))
    total, of_wide, of_narrow = np.empty((10, n)), np.empty((4, n)), np.empty((4, n))
    for i in range(rows):
        for k in range(4):
            wide[k], narrow[k] = wide[k + 1], narrow[k + 1]
        _row_moments(field.z[i], field.label[i], 2, wide[4])
        _row_moments(field.z[i], field.label[i], 1, narrow[4])
        if i < 2 * PAD:
            continue
        _fit_row(wide, 2, 8.0, total, of_wide)
        _fit_row(narrow, 1, 6.0, total, of_narrow)
        _choose(field, i - PAD, of_wide, of_narrow, flat_slope)


@kernel
def _choose(field, i, wide, narrow, flat_slope):  # type: ignore[no-untyped-def]
    for j in range(wide.shape[1]):
        c = j + PAD
        if field.label[i, c] == OUTSIDE or field.z[i, c] >= WILD:
            field.rank[i, c] = NO_SEED
            continue
        best, rank = wide, wide[3, j]
        flat = wide[0, j] * wide[0, j] + wide[1, j] * wide[1, j] < flat_slope * flat_slope
        if WIDE_FIT < rank <= ROUGH_FIT and flat:
            rank += 2 * NARROW
        elif rank > WIDE_FIT:
            best = narrow
            rank = narrow[3, j] + NARROW if narrow[3, j] <= NARROW_FIT else NO_SEED
            if narrow[3, j] >= wide[3, j]:
                best = wide
        field.east[i, c], field.south[i, c] = best[0, j], best[1, j]
        field.level[i, c], field.rank[i, c] = best[2, j], rank
