"""Wind shadow: whether something higher stands within a radius."""

import numpy as np
from numpy.typing import NDArray

from kernels.compile import kernel


@kernel
def _rows_away(own, column):  # type: ignore[no-untyped-def]
    """For each row the distance to the nearest own cell in that column, in rows; -1: none."""
    rows = own.shape[0]
    away = np.full(rows, -1, np.int64)
    last = -1
    for i in range(rows):
        if own[i, column]:
            last = i
        if last >= 0:
            away[i] = i - last
    last = -1
    for i in range(rows - 1, -1, -1):
        if own[i, column]:
            last = i
        if last >= 0 and (away[i] < 0 or last - i < away[i]):
            away[i] = last - i
    return away


@kernel
def _any_within(own, others, radius):  # type: ignore[no-untyped-def]
    rows, columns = own.shape
    away = np.empty((columns, rows), np.int64)
    for j in range(columns):
        away[j] = _rows_away(own, j)
    width = int(radius)
    for i in range(rows):
        for j in range(columns):
            if others[i, j] and not own[i, j]:
                for k in range(max(0, j - width), min(columns, j + width + 1)):
                    d = away[k, i]
                    if d >= 0 and (k - j) * (k - j) + d * d <= radius * radius:
                        return True
    return False


def any_within(own: NDArray[np.bool_], others: NDArray[np.bool_], radius: float) -> bool:
    """Whether a cell of `others` that is not own lies within the radius of an own cell.

    own, others: (rows, columns) bool; radius: between cell centres, closed [cells]. The disc is
    exact: squares of whole numbers are compared.
    """
    return bool(_any_within(own, others, float(radius)))
