"""What planes get of a table over directions and horizons: sums over their cells, in whole numbers.

A plane's cells are counted by direction and bin of their horizon first, and each bin that occurs is
multiplied with its count: so a cell costs 72 counts, however many channels the table has.
"""

import numpy as np
from numpy.typing import NDArray

from kernels.angle import angle
from kernels.compile import inlined, kernel
from kernels.receivers import directions_of

ONE = np.float32(1)


@inlined
def _count(bins, cells, counts, low, high):  # type: ignore[no-untyped-def]
    """Count a plane's cells by direction and bin, and set the lowest and the highest bin of each
    direction."""
    low[:], high[:] = 255, 0
    for i in cells:
        row = bins[i]
        for k in range(len(row)):
            low[k] = min(low[k], row[k])
            high[k] = max(high[k], row[k])
        for k in range(len(row)):
            counts[k, row[k]] += 1


@inlined
def _add(count, table, k, b, out, r):  # type: ignore[no-untyped-def]
    for c in range(out.shape[1]):
        out[r, c] += count * table[k, b, c]


@kernel
def _plane_sums(bins, order, start, receivers, least, table, out):  # type: ignore[no-untyped-def]
    directions = bins.shape[1]
    counts = np.zeros((directions, table.shape[1]), np.int32)  # 74 KB: L2 has it
    low, high = np.empty(directions, np.uint8), np.empty(directions, np.uint8)
    for p in range(len(start) - 1):
        cells = order[start[p] : start[p + 1]]
        if len(cells) > 0:
            _count(bins, cells, counts, low, high)
            for k in range(directions):
                for b in range(low[k], high[k] + 1):
                    count = np.int64(counts[k, b])
                    if count > 0:
                        counts[k, b] = 0
                        for r in range(receivers[p], receivers[p + 1]):
                            _add(count, table, k, max(b, least[r, k]), out, r)


def plane_sums(
    bins: NDArray[np.uint8],
    plane: NDArray[np.int64],
    receivers: NDArray[np.int64],
    least: NDArray[np.uint8],
    table: NDArray[np.int64],
) -> NDArray[np.int64]:
    """The sum of a table over the cells and directions of each plane, for one or more receivers on
    it, such as modules that lean otherwise: exact, so that parts of a plane may be added in any
    order.

    bins: (cells, K) uint8, of `kernels.horizon`; plane: (cells,), of each cell; receivers:
    (planes + 1,), where those of each plane start; least: (receivers, K) uint8, the lowest bin that
    one's horizon may stand in; table: (K, bins, channels) int64. Returns (receivers, channels)
    int64. Raises ValueError for arrays that do not fit.
    """
    if bins.shape != (len(plane), len(table)) or least.shape != (receivers[-1], len(table)):
        raise ValueError(f"bins {bins.shape}, least {least.shape} do not fit {table.shape}")
    planes = len(receivers) - 1
    counts = np.bincount(plane, minlength=planes)
    if len(counts) > planes or max(bins.max(initial=0), least.max(initial=0)) >= table.shape[1]:
        raise ValueError(f"a plane is none of {planes}, or a bin none of {table.shape[1]}")
    start = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    out = np.zeros((len(least), table.shape[2]), np.int64)
    number = plane.astype(np.min_scalar_type(planes))  # 16 bits are sorted three times as fast
    order = np.argsort(number, kind="stable")
    _plane_sums(bins, order, start, receivers, least, np.ascontiguousarray(table), out)
    return out


@kernel
def _own_bins(gradient, directions, bins, out):  # type: ignore[no-untyped-def]
    scale, last = np.float32(bins / (np.pi / 2)), np.int32(bins - 1)
    for i in range(len(gradient)):
        for k in range(len(directions)):
            uphill = gradient[i, 0] * directions[k, 0] + gradient[i, 1] * directions[k, 1]
            tangent = max(uphill, np.float32(0))
            out[i, k] = np.uint8(min(np.int32(angle(tangent, ONE) * scale), last))


def own_bins(
    gradient: NDArray[np.float32], azimuths: NDArray[np.float64], bins: int
) -> NDArray[np.uint8]:
    """The bins of the horizon that planes are to themselves, (planes, K): those of `horizon` of
    their cells, where nothing else rises higher. gradient: (planes, 2) float32, dz/dx and dz/dy."""
    out = np.empty((len(gradient), len(azimuths)), np.uint8)
    _own_bins(np.ascontiguousarray(gradient), directions_of(azimuths), bins, out)
    return out
