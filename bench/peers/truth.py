"""Reference results by other means than a kernel's: plain marches in numpy from a few cells."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.peers.program import RESOLUTION

Floats = NDArray[np.float64]
OUTSIDE = -np.inf
# What a direction gives to the sky view of a level cell, by its horizon [rad].
SEEN: dict[str, Callable[[Floats], Floats]] = {
    "cos2 h": lambda h: np.cos(h) ** 2,
    "1 - sin h": lambda h: 1 - np.sin(h),
    "1 - 2 h / pi": lambda h: 1 - h * (2 / math.pi),
}


class Cells(NamedTuple):
    """Rows and columns of chosen cells, (cells,) int64 each."""

    row: NDArray[np.int64]
    column: NDArray[np.int64]


def chosen(side: int, number: int) -> Cells:
    """`number` cells in the middle of a square, as programs differ in how they see past the
    edge."""
    rng = np.random.default_rng(2008)
    return Cells(*rng.integers(side // 4, side - side // 4, (2, number)))


def flat(height: NDArray[np.float32], row: Floats, column: Floats) -> Floats:
    """Heights at places [cells] where every cell is a column with a flat top."""
    i, j = np.rint(row).astype(np.int64), np.rint(column).astype(np.int64)
    known = (i >= 0) & (j >= 0) & (i < height.shape[0]) & (j < height.shape[1])
    return np.where(known, height[np.where(known, i, 0), np.where(known, j, 0)], OUTSIDE)


def bilinear(height: NDArray[np.float32], row: Floats, column: Floats) -> Floats:
    """Heights at places [cells] between the centres of four cells."""
    i, j = np.floor(row), np.floor(column)
    down, along = row - i, column - j
    upper = flat(height, i, j) * (1 - along) + flat(height, i, j + 1) * along
    lower = flat(height, i + 1, j) * (1 - along) + flat(height, i + 1, j + 1) * along
    return upper * (1 - down) + lower * down


def _march(
    height: NDArray[np.float32],
    cells: Cells,
    azimuth: float,
    distances: Floats,
    look: Callable[[NDArray[np.float32], Floats, Floats], Floats],
    value: Callable[[Floats, float], Floats],
) -> Floats:
    """The largest value(height, distance) that each cell meets towards an azimuth [degrees]."""
    north, east = math.cos(math.radians(azimuth)), math.sin(math.radians(azimuth))
    most = np.full(len(cells.row), -np.inf)
    with np.errstate(invalid="ignore"):  # infinity x 0 at the very edge is no height
        for distance in distances / RESOLUTION:
            met = look(height, cells.row - distance * north, cells.column + distance * east)
            most = np.fmax(most, value(met, distance * RESOLUTION))
    return most


def shadow_above(
    height: NDArray[np.float32], cells: Cells, azimuth: float, elevation: float
) -> Floats:
    """How far below the edge of the shadow each cell lies [m]; negative: that far above it.

    Exact for walls that run along the cells, but for the sixteenth of a cell of its steps.
    """
    slope = math.tan(math.radians(elevation))
    step = RESOLUTION / 16
    distances = np.arange(step, float(np.ptp(height)) / slope + step, step)
    edge = _march(height, cells, azimuth, distances, flat, lambda met, d: met - d * slope)
    return edge - height[cells]


def horizon(height: NDArray[np.float32], cells: Cells, azimuth: float, reach: float) -> Floats:
    """Elevation of the horizon [rad], at least 0: a bilinear march a cell a step within reach."""
    own = height[cells]
    distances = np.arange(RESOLUTION, min(reach, len(height) * RESOLUTION * 1.5), RESOLUTION)
    slopes = _march(height, cells, azimuth, distances, bilinear, lambda met, d: (met - own) / d)
    return np.arctan(np.maximum(slopes, 0.0))


def around(directions: int) -> Floats:
    """Azimuths [degrees], evenly, from the north."""
    return np.asarray(np.arange(directions) * (360.0 / directions), np.float64)


def sky_view(
    height: NDArray[np.float32], cells: Cells, directions: int, reach: float, definition: str
) -> Floats:
    """Sky view of level cells, of 1: the mean over the directions of what SEEN defines."""
    all_around = around(directions)
    horizons = np.array([horizon(height, cells, azimuth, reach) for azimuth in all_around])
    return np.asarray(SEEN[definition](horizons).mean(axis=0))


def two_neighbours(height: NDArray[np.float32], azimuth: float, elevation: float) -> Floats:
    """Cosine of the incidence [degrees in], the gradient from two neighbours a way; 0 in the dark,
    NaN on the edge."""
    z, double = height.astype(np.float64), 2 * RESOLUTION
    east = (z[1:-1, 2:] - z[1:-1, :-2]) / double
    north = (z[:-2, 1:-1] - z[2:, 1:-1]) / double
    turn, up = math.radians(azimuth), math.radians(elevation)
    level = math.cos(up) * (east * math.sin(turn) + north * math.cos(turn))
    cosine = (math.sin(up) - level) / np.sqrt(1 + east**2 + north**2)
    return np.pad(np.maximum(cosine, 0), 1, constant_values=np.nan)


def disc_maximum(height: NDArray[np.float32], cells: Cells, radius: float) -> Floats:
    """The greatest height within a radius [m] of each cell, between centres, closed."""
    reach = round(radius / RESOLUTION)
    steps = np.arange(-reach, reach + 1)
    disc = np.where(np.hypot(steps, steps[:, None]) <= radius / RESOLUTION, 0.0, -np.inf)
    padded = np.pad(height, reach, constant_values=OUTSIDE)
    window = np.lib.stride_tricks.sliding_window_view(padded, disc.shape)
    return np.array([(window[i, j] + disc).max() for i, j in zip(*cells, strict=True)])
