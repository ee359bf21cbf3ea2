"""The scenes of the benchmarks: a city of boxes and its ground, the same for all of them."""

from functools import lru_cache

import numpy as np
import shapely
from numpy.typing import NDArray

from kernels.rings import Rings
from pipeline.footprints.footprints import to_rings

RESOLUTION = 0.5


CITY, COUNTRY = 3500, 25_000  # cells of ground a building: roofs on 18 % of it, on 3 %


@lru_cache(maxsize=4)
def city(side: int, ground_a_building: int = CITY) -> NDArray[np.float32]:
    """Heights [m], (side, side) float32: noisy ground with boxes on it."""
    rng = np.random.default_rng(2008)
    height = rng.normal(0.0, 0.05, (side, side)).astype(np.float32)
    for _ in range(side * side // ground_a_building):
        row, column = rng.integers(0, side, 2)
        down, along = rng.integers(12, 40, 2)
        height[row : row + down, column : column + along] = rng.gamma(4.0, 2.5) + 2.0
    return height


def ground(side: int) -> NDArray[np.float32]:
    """Heights [m], (side, side) float32: slopes of 2 m over 500 m, rough by a centimetre."""
    rng = np.random.default_rng(2008)
    wave = np.sin(np.arange(side) * RESOLUTION * (2 * np.pi / 500))
    return (wave[:, None] + wave + rng.normal(0.0, 0.01, (side, side))).astype(np.float32)


@lru_cache(maxsize=2)
def footprints(side: int) -> Rings:
    """Rotated rectangles of 12 x 8 m, about as many as a dense city has."""
    rng = np.random.default_rng(2008)
    n = side * side // 2900
    centres = rng.uniform(0, side * RESOLUTION, (n, 2))
    corners = np.array([[-6.0, -4.0], [6.0, -4.0], [6.0, 4.0], [-6.0, 4.0]])
    turn = rng.uniform(0, np.pi, n)
    cosine, sine = np.cos(turn)[:, None], np.sin(turn)[:, None]
    x = corners[:, 0] * cosine - corners[:, 1] * sine + centres[:, :1]
    y = corners[:, 0] * sine + corners[:, 1] * cosine - centres[:, 1:]
    return to_rings(shapely.to_wkb(shapely.polygons(np.stack([x, y], axis=2))), RESOLUTION)
