"""From where the cells of a block look: from the surface, or from planes that lie above it."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.fan import direction
from kernels.field import NearField


class Receivers(NamedTuple):
    """What a block's cells look from. heights: (rows, columns) float32 [m], NaN where nothing
    does; gradient: (rows, columns, 2) float32, dz/dx and dz/dy of planes that hide what lies behind
    them, or (0, 0, 2) without planes; directions: (K, 2) float32, east and north of each azimuth,
    or (0, 2) without planes."""

    heights: NDArray[np.float32]
    gradient: NDArray[np.float32]
    directions: NDArray[np.float32]


def receivers_of(
    near: NearField,
    azimuths: NDArray[np.float64],
    own: NDArray[np.float32] | None,
    gradient: NDArray[np.float32] | None,
) -> Receivers:
    """The receivers of a block that are given, by default its own surface without planes. Raises
    ValueError for arrays of another shape."""
    top, left, rows, columns = near.block
    if own is None:
        own = near.cells[top : top + rows, left : left + columns]
    planes = np.zeros((0, 0, 2), np.float32) if gradient is None else gradient
    if own.shape != (rows, columns):
        raise ValueError(f"the receivers are {own.shape}, the block {(rows, columns)}")
    if gradient is not None and gradient.shape != (rows, columns, 2):
        raise ValueError(f"the gradients are {gradient.shape}, not {(rows, columns, 2)}")
    directions = np.zeros((0, 2), np.float32) if gradient is None else directions_of(azimuths)
    return Receivers(
        np.ascontiguousarray(own, np.float32), np.ascontiguousarray(planes, np.float32), directions
    )


def directions_of(azimuths: NDArray[np.float64]) -> NDArray[np.float32]:
    """East and north of each azimuth [rad], (K, 2) float32; an axis is hit exactly."""
    return _directions(tuple(azimuths.tolist()))


@lru_cache(maxsize=8)
def _directions(azimuths: tuple[float, ...]) -> NDArray[np.float32]:
    southward = [direction(azimuth) for azimuth in azimuths]
    return np.array([(east, -south) for south, east in southward], np.float32).reshape(-1, 2)
