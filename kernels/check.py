"""Checks and casts of the arrays that kernels take."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels.compile import kernel

INFINITE, UNKNOWN = np.float32(np.inf), np.float32(np.nan)


def as_raster(height: ArrayLike) -> NDArray[np.float32]:
    """Heights as a C-contiguous (rows, columns) float32 array, copied only where they are not.

    Raises ValueError for anything but two dimensions.
    """
    array = np.ascontiguousarray(height, np.float32)
    if np.ndim(height) != 2:
        raise ValueError(f"a raster has rows and columns, not {np.ndim(height)} dimensions")
    return array


@kernel
def has_infinite(row):  # type: ignore[no-untyped-def]
    """Whether a row holds an infinite value; by rows, so that each is still in the CPU cache."""
    infinite = False
    for j in range(len(row)):
        infinite |= np.abs(row[j]) == INFINITE
    return infinite


@kernel
def _infinite_row(height):  # type: ignore[no-untyped-def]
    for i in range(len(height)):
        if has_infinite(height[i]):
            return i
    return -1


def refuse_infinite(height: NDArray[np.float32]) -> None:
    """Raise ValueError that names the first infinite cell. height: (rows, columns)."""
    i = _infinite_row(height)
    if i >= 0:
        j = int(np.flatnonzero(np.isinf(height[i]))[0])
        raise ValueError(f"the height at row {i}, column {j} is infinite: no data is NaN")


@kernel
def clear_row(row, nodata):  # type: ignore[no-untyped-def]
    """Set nodata cells of a row to NaN. Returns whether another is infinite."""
    infinite = False
    for j in range(len(row)):
        value = row[j] if row[j] != nodata else UNKNOWN
        row[j] = value
        infinite |= np.abs(value) == INFINITE
    return infinite
