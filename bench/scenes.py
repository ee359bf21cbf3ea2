"""What the benchmarks run on: a city of boxes, the same for all of them."""

from functools import lru_cache

import numpy as np
import shapely

from kernels.roof import Rings
from pipeline.footprints import to_rings

RESOLUTION = 0.5


@lru_cache(maxsize=2)
def city(side: int) -> np.ndarray:
    """Heights [m], (side, side) float32: noisy ground with boxes on a fifth of it."""
    rng = np.random.default_rng(2008)
    height = rng.normal(0.0, 0.05, (side, side)).astype(np.float32)
    for _ in range(side * side // 3500):
        row, column = rng.integers(0, side, 2)
        down, along = rng.integers(12, 40, 2)
        height[row : row + down, column : column + along] = rng.gamma(4.0, 2.5) + 2.0
    return height


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
    return to_rings(shapely.polygons(np.stack([x, y], axis=2)), RESOLUTION)
