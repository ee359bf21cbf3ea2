"""The bookkeeping of roof planes as plainly as it can be written: slow, and by another way."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kernels.planes import REST, Planes
from kernels.spans import Spans


def spans_of(masks: Sequence[NDArray[np.bool_]]) -> Spans:
    """The cells of masks, each of a footprint, as runs along rows."""
    start, runs = [0], []
    for mask in masks:
        for row, cells in enumerate(mask):
            edges = np.flatnonzero(np.diff(np.concatenate([[False], cells, [False]]).astype(int)))
            runs += [(row, *edge) for edge in edges.reshape(-1, 2)]
        start.append(len(runs))
    table = np.array(runs, np.int64).reshape(-1, 3)
    return Spans(np.array(start, np.int64), *table.T.copy())


def setback_of(number: NDArray[np.uint8], planes: int, setback: float) -> list[int]:
    """Of each plane, the cells further than the set-back [cells] from every cell outside it, the
    raster's surroundings among them."""
    padded = np.pad(number, int(setback) + 1)
    row, column = np.indices(padded.shape)
    free = []
    for n in range(1, planes + 1):
        inside, outside = np.argwhere(padded == n), padded != n
        far = [np.hypot(row[outside] - i, column[outside] - j).min() > setback for i, j in inside]
        free.append(int(np.sum(far)))
    return free


def overgrown_of(
    height: NDArray[np.float32], number: NDArray[np.uint8], planes: Planes, above: float
) -> int:
    """Cells of the rest that stand more than `above` [m] over the nearest plane, of a single
    footprint at 0.5 m: by steps to the four neighbours, over own cells."""
    nearest = {
        (i, j): int(number[i, j]) for i, j in np.argwhere((number > 0) & (number < REST)).tolist()
    }
    rest = {(i, j) for i, j in np.argwhere(number == REST).tolist()}
    reached = dict(nearest)
    while True:
        ring = {}
        for i, j in rest - reached.keys():
            beside = [(i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)]
            planes_there = [reached[cell] for cell in beside if cell in reached]
            if planes_there:
                ring[i, j] = min(planes_there)
        if not ring:
            break
        reached |= ring
    count = 0
    for cell in rest & reached.keys():
        p = reached[cell] - 1
        north = (planes.row[p] + planes.top[0] - cell[0]) * 0.5
        east = (cell[1] - planes.column[p] - planes.left[0]) * 0.5
        level = planes.height[p] + planes.slope_east[p] * east + planes.slope_north[p] * north
        count += bool(height[cell] > level + above)
    return count
