"""Plane fits about each cell of a building, and the order in which planes grow from them.

The fit about a cell takes its 5 x 5 own cells; where that is poor, as in the corners of small
planes, its 3 x 3 if all have data. Heights are integers, so the sums are exact in float64, in any
order.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.compile import inlined, kernel
from kernels.rings import FEW

PAD = 2  # cells around a building's window, which are not its own
MISSING = 1 << 30  # a cell without data, or outside
WILD = 1 << 29  # an own cell more than REACH from the building's level
REACH = 1 << 17  # [cm]
OUTSIDE, NONE = -1, 0  # in labels: not the building's own; own, in no plane
# Ranks of seeds are residuals [cm]: of a fit of 5 x 5 up to WIDE; of a flat one up to ROUGH, as
# rows of panels make it; of a fit of 3 x 3 up to WIDE, with NARROW added.
WIDE, ROUGH, NARROW, NO_SEED = 10.0, 25.0, 30.0, 1e9
LEAST_WIDE = 8.0  # cells of a fit
FLAT = np.tan(np.radians(10.0))
BUCKETS = 8  # a centimetre of rank
ALL_BUCKETS = int(NARROW + WIDE) * BUCKETS + 1
ONE, TWO = np.uint64(1), np.uint64(2)
F0, F1, F2, F4, WHOLE = 0.0, 1.0, 2.0, 4.0, 25.0
MOMENTS = 6  # of a row: cells, x, xx, z, xz, zz


class Field(NamedTuple):
    """A building in its own window, with PAD cells around it.

    z: (rows, columns) int32 [cm above the building's level], MISSING or WILD; label: int32,
    OUTSIDE, NONE or the number of a region; east, south: float32, slopes about a cell
    [cm per cell]; level: float32, the fit's height at the cell [cm]; rank: float32, of the cell as
    a seed; begin, end: (rows,) int64, the columns from its first own cell to its last, half open.
    """

    z: NDArray[np.int32]
    label: NDArray[np.int32]
    east: NDArray[np.float32]
    south: NDArray[np.float32]
    level: NDArray[np.float32]
    rank: NDArray[np.float32]
    begin: NDArray[np.int64]
    end: NDArray[np.int64]


@kernel
def _row_moments(z, i, ring, k, low, high):  # type: ignore[no-untyped-def]
    """Sums over five cells along row i, about each cell from column low to high, into ring[k]."""
    for j in range(np.uint64(low), np.uint64(high)):
        a, b, c, d, e = z[i, j - TWO], z[i, j - ONE], z[i, j], z[i, j + ONE], z[i, j + TWO]
        na, nb, nc = F1 if a < WILD else F0, F1 if b < WILD else F0, F1 if c < WILD else F0
        nd, ne = F1 if d < WILD else F0, F1 if e < WILD else F0
        za, zb, zc, zd, ze = na * a, nb * b, nc * c, nd * d, ne * e
        ring[k, 0, j] = na + nb + nc + nd + ne
        ring[k, 1, j] = F2 * (ne - na) + (nd - nb)
        ring[k, 2, j] = F4 * (ne + na) + (nd + nb)
        ring[k, 3, j] = za + zb + zc + zd + ze
        ring[k, 4, j] = F2 * (ze - za) + (zd - zb)
        ring[k, 5, j] = za * za + zb * zb + zc * zc + zd * zd + ze * ze


@inlined
def _sum_rows(ring, m, j, a, b, c, d, e):  # type: ignore[no-untyped-def]
    return ring[a, m, j] + ring[b, m, j] + ring[c, m, j] + ring[d, m, j] + ring[e, m, j]


@inlined
def _lever_rows(ring, m, j, a, b, d, e):  # type: ignore[no-untyped-def]
    return F2 * (ring[e, m, j] - ring[a, m, j]) + (ring[d, m, j] - ring[b, m, j])


@inlined
def _solve(n, x, y, z, xx, xy, yy, xz, yz, zz, least):  # type: ignore[no-untyped-def]
    """A fit from plain sums: slopes, level and residual, NO_SEED where cells are too few."""
    xx, xy, yy = n * xx - x * x, n * xy - x * y, n * yy - y * y
    xz, yz, zz = n * xz - x * z, n * yz - y * z, n * zz - z * z
    det = xx * yy - xy * xy
    fits = (n >= least) & (det > F0)
    det = det if fits else F1
    east, south = (xz * yy - yz * xy) / det, (yz * xx - xz * xy) / det
    rest = zz - (east * xz + south * yz)
    rest = rest if rest > F0 else F0
    spare = n * (n - 3.0) if fits else F1
    level = (z - (east * x + south * y)) / (n if n > F0 else F1)
    return east, south, level, np.sqrt(rest / spare) if fits else NO_SEED


@kernel
def _fit_wide(ring, i, out, low, high):  # type: ignore[no-untyped-def]
    """Fits of 5 x 5 about row i. ring: (5, MOMENTS, columns), row r at r modulo 5; out: (4,
    columns)."""
    a, b, c, d, e = (i - 2) % 5, (i - 1) % 5, i % 5, (i + 1) % 5, (i + 2) % 5
    for j in range(np.uint64(low), np.uint64(high)):
        n, z = _sum_rows(ring, 0, j, a, b, c, d, e), _sum_rows(ring, 3, j, a, b, c, d, e)
        xz, yz = _sum_rows(ring, 4, j, a, b, c, d, e), _lever_rows(ring, 3, j, a, b, d, e)
        zz = _sum_rows(ring, 5, j, a, b, c, d, e)
        if n == WHOLE:  # x and y are -2 to 2, so that their squares sum up to 50
            rest = WHOLE * zz - z * z - (xz * xz + yz * yz) / F2
            out[0, j], out[1, j], out[2, j] = xz / 50.0, yz / 50.0, z / WHOLE
            out[3, j] = np.sqrt((rest if rest > F0 else F0) / (WHOLE * (WHOLE - 3.0)))
            continue
        x, y = _sum_rows(ring, 1, j, a, b, c, d, e), _lever_rows(ring, 0, j, a, b, d, e)
        xx, xy = _sum_rows(ring, 2, j, a, b, c, d, e), _lever_rows(ring, 1, j, a, b, d, e)
        yy = F4 * (ring[a, 0, j] + ring[e, 0, j]) + (ring[b, 0, j] + ring[d, 0, j])
        out[0, j], out[1, j], out[2, j], out[3, j] = _solve(
            n, x, y, z, xx, xy, yy, xz, yz, zz, LEAST_WIDE
        )


@kernel
def _fit_narrow(z, i, wide, out, low, high):  # type: ignore[no-untyped-def]
    """Fits of 3 x 3 about the cells of row i whose fit of 5 x 5 is poor, where all nine have
    data: their positions are -1 to 1, so that the squares of those sum up to 6."""
    for j in range(low, high):
        if wide[3, j] <= WIDE:
            continue
        north, here, south = _three(z, i - 1, j), _three(z, i, j), _three(z, i + 1, j)
        out[3, j] = NO_SEED
        if max(north[0], here[0], south[0]) < WILD:
            level = north[1] + here[1] + south[1]
            xz, yz = north[2] + here[2] + south[2], south[1] - north[1]
            rest = north[3] + here[3] + south[3] - level * level / 9.0 - (xz * xz + yz * yz) / 6.0
            out[0, j], out[1, j], out[2, j] = xz / 6.0, yz / 6.0, level / 9.0
            out[3, j] = np.sqrt((rest if rest > F0 else F0) / 6.0)


@inlined
def _three(z, i, j):  # type: ignore[no-untyped-def]
    """Of three cells of a row: the highest; the sums of z, of x z and of z z."""
    a, b, c = np.float64(z[i, j - 1]), np.float64(z[i, j]), np.float64(z[i, j + 1])
    return max(a, b, c), a + b + c, c - a, a * a + b * b + c * c


@kernel
def _around(field, i):  # type: ignore[no-untyped-def]
    """The columns that rows up to PAD away from a row have."""
    low, high = field.z.shape[1], 0
    for k in range(max(i - PAD, 0), min(i + PAD + 1, len(field.begin))):
        low, high = min(low, field.begin[k]), max(high, field.end[k])
    return low, max(low, high)


@kernel
def fit_cells(field, unit):  # type: ignore[no-untyped-def]
    """Fit a plane about every own cell with data. unit: centimetres of a cell's side."""
    rows, columns = field.z.shape
    ring = np.empty((5, MOMENTS, columns))
    wide, narrow = np.empty((4, columns)), np.empty((4, columns))
    for i in range(rows):
        low, high = _around(field, i)
        _row_moments(field.z, i, ring, i % 5, low, high)
        here = i - PAD
        if here >= PAD:
            low, high = field.begin[here], field.end[here]
            _fit_wide(ring, here, wide, low, high)
            _fit_narrow(field.z, here, wide, narrow, low, high)
            _choose(field, here, wide, narrow, FLAT * unit)


@kernel
def _choose(field, i, wide, narrow, flat):  # type: ignore[no-untyped-def]
    """Take the fit of 5 x 5, or where it is poor that of 3 x 3, if that is better. No array is put
    into a variable here: counting its references costs 30 ns a cell."""
    for x in range(field.begin[i], field.end[i]):
        if field.z[i, x] >= WILD:
            field.rank[i, x] = NO_SEED
            continue
        east, south, level, rank = wide[0, x], wide[1, x], wide[2, x], wide[3, x]
        if rank > WIDE and not (rank <= ROUGH and east * east + south * south < flat * flat):
            if narrow[3, x] < rank:
                east, south, level = narrow[0, x], narrow[1, x], narrow[2, x]
            rank = narrow[3, x] + NARROW if narrow[3, x] <= WIDE else NO_SEED
        field.east[i, x], field.south[i, x] = east, south
        field.level[i, x], field.rank[i, x] = level, rank


@kernel
def order_seeds(field, order):  # type: ignore[no-untyped-def]
    """Put the seeds into buckets by their rank: `order`, (cells,) int64, gets their positions in
    the flat field. Returns where each bucket ends."""
    width = field.rank.shape[1]
    end = np.zeros(ALL_BUCKETS + 1, np.int64)
    for y in range(PAD, len(field.begin) - PAD):
        for x in range(field.begin[y], field.end[y]):
            if field.label[y, x] == NONE and field.rank[y, x] < NO_SEED:
                end[int(field.rank[y, x] * BUCKETS) + 1] += 1
    for b in range(ALL_BUCKETS):
        end[b + 1] += end[b]
    for y in range(PAD, len(field.begin) - PAD):
        for x in range(field.begin[y], field.end[y]):
            if field.label[y, x] == NONE and field.rank[y, x] < NO_SEED:
                b = int(field.rank[y, x] * BUCKETS)
                order[end[b]] = y * width + x
                end[b] += 1
    return end


@kernel
def free_seeds(field, order, low, high):  # type: ignore[no-untyped-def]
    """Keep of a bucket the cells in no region, with a rank from `low` to `high`, the best first;
    in place. Returns how many there are."""
    width, n = field.rank.shape[1], 0
    for k in range(len(order)):
        y, x = order[k] // width, order[k] % width
        if field.label[y, x] == NONE and low <= field.rank[y, x] <= high:
            order[n] = order[k]
            n += 1
    if n > FEW:
        ranks = np.empty(n, np.float32)
        for k in range(n):
            ranks[k] = field.rank[order[k] // width, order[k] % width]
        order[:n] = order[:n][np.argsort(ranks, kind="mergesort")]
        return n
    for m in range(1, n):
        at, k = order[m], m
        rank = field.rank[at // width, at % width]
        while k > 0 and field.rank[order[k - 1] // width, order[k - 1] % width] > rank:
            order[k] = order[k - 1]
            k -= 1
        order[k] = at
    return n
