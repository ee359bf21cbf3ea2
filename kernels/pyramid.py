"""Coarser levels of a raster: half the resolution at a time, in one pass over the cells."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from kernels.compile import kernel

T = TypeVar("T", np.uint8, np.float32)


def halved(values: NDArray[T], fill: float) -> NDArray[T]:
    """The mean of each four cells, of those that have data; `fill` where none has.

    values: (..., rows, columns), both even, C-contiguous or not; fill: stands for no data, as NaN
    does. Means of whole numbers are rounded, halves to even. Returns (..., rows / 2, columns / 2)
    of the same type. Sums are doubles, row by row, so that a mean does not depend on the block.

    Raises ValueError for an odd number of rows or columns.
    """
    *lead, rows, columns = values.shape
    if rows % 2 or columns % 2:
        raise ValueError(f"{rows} x {columns} cells cannot be halved")
    out = np.empty((*lead, rows // 2, columns // 2), values.dtype)
    whole = np.issubdtype(values.dtype, np.integer)
    for place in np.ndindex(*lead):
        _halve(values[place], values.dtype.type(fill), whole, out[place])
    return out


@kernel
def _halve(values: NDArray[T], fill: T, whole: bool, out: NDArray[T]) -> None:
    for row in range(out.shape[0]):
        upper, lower, target = values[2 * row], values[2 * row + 1], out[row]
        for column in range(out.shape[1]):
            a, b = upper[2 * column], upper[2 * column + 1]
            c, d = lower[2 * column], lower[2 * column + 1]
            number = _has(a, fill) + _has(b, fill) + _has(c, fill) + _has(d, fill)
            total = _part(a, fill) + _part(b, fill) + _part(c, fill) + _part(d, fill)
            mean = total / max(number, 1)
            if whole:
                mean = np.rint(mean)
            target[column] = mean if number else fill


@kernel
def _has(value: T, fill: T) -> int:
    return int(value != fill and value == value)


@kernel
def _part(value: T, fill: T) -> float:
    """What a cell adds to the sum."""
    return float(value) if value != fill and value == value else 0.0
