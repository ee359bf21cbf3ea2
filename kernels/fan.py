"""Sample positions of the horizon's march: those of each direction, nearest first.

The first 8 cells are seen between cells (bilinear), then every cell to 32, every second to 64 on
means of 2 x 2, every fourth to 124 on means of 4 x 4, then a cell of the far field about as
large as a sixteenth of its distance.
"""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.coarse import COARSE
from kernels.simd import SIDE

BETWEEN = range(1, 9)
# Distances [cells] and the side of the mean that is seen there. A stage is skipped as a whole.
STAGES = ((range(9, 17), 1), (range(17, 33), 1), (range(34, 65, 2), 2), (range(68, 125, 4), 4))
BOUNDS = np.cumsum([0, *(len(distances) for distances, _ in STAGES)])
SIDES = np.array([side for _, side in STAGES])
FIRST = 132.0  # cells away is the first far sample
FINENESS = 16  # of a distance is the size of a far cell
FARTHER = 1 + 1 / FINENESS


class Fan(NamedTuple):
    """Samples of K directions, all arrays flat, direction after direction.

    near_factors: (8 K,) float32, 1 / distance of each sample between cells [1/m], and of each four
    corners, as offsets in a flat frame, int64, and weights, float32; factors, offsets: (N K,)
    float32 and int64, of all others, whose stages are from bounds[i] to bounds[i + 1] in each
    direction, on means of sides[i]; tiles: int64, those that a stage can see from one, as offsets
    among tiles, from tile_bounds[k (stages + 1) + stage] on; far_factors: (F,) float32 [1/m] and
    level: (F,) int64 of the far samples, steps: (K, F, 2) int64, southward and eastward, rounded
    down [cells].
    """

    near_factors: NDArray[np.float32]
    corners: NDArray[np.int64]
    weights: NDArray[np.float32]
    factors: NDArray[np.float32]
    offsets: NDArray[np.int64]
    bounds: NDArray[np.int64]
    sides: NDArray[np.int64]
    tiles: NDArray[np.int64]
    tile_bounds: NDArray[np.int64]
    far_factors: NDArray[np.float32]
    level: NDArray[np.int64]
    steps: NDArray[np.int64]


def _between(south: float, east: float) -> tuple[list[tuple[int, int]], list[float]]:
    """The four cells around a point and their weights; one without weight gives way to another,
    for it may have no data."""
    row, column = math.floor(south), math.floor(east)
    y, x = south - row, east - column
    cells = [(row, column), (row, column + 1), (row + 1, column), (row + 1, column + 1)]
    weights = [(1 - y) * (1 - x), (1 - y) * x, y * (1 - x), y * x]
    heaviest = cells[int(np.argmax(weights))]
    return [c if w > 0 else heaviest for c, w in zip(cells, weights, strict=True)], weights


def direction(azimuth: float) -> tuple[float, float]:
    """Southward and eastward. Axes and halves are hit exactly, whatever the azimuth's last bit: at
    a half every second sample lies in the middle between two cells."""
    return -round(math.cos(azimuth), 14), round(math.sin(azimuth), 14)


def _nearest(south: float, east: float, distances: range, side: int) -> list[tuple[int, int]]:
    """The cells at these distances, for means the one at whose middle they have their own."""
    middle = (side - 1) / 2
    return [(round(d * south - middle), round(d * east - middle)) for d in distances]


def _tiles(cells: list[tuple[int, int]], side: int) -> list[tuple[int, int]]:
    """The tiles that samples of `side` cells from somewhere in a tile can touch, as differences."""
    span = SIDE + side - 1
    return sorted(
        {
            (i, j)
            for row, column in cells
            for i in range(row // SIDE, (row + span - 1) // SIDE + 1)
            for j in range(column // SIDE, (column + span - 1) // SIDE + 1)
        }
    )


def _far_distance(n: int) -> float:
    return FIRST * FARTHER**n


def far_distances(reach: float) -> list[float]:
    """Distances of far samples up to the first beyond `reach` [cells]."""
    distances = [_far_distance(0)]
    while distances[-1] < reach:
        distances.append(_far_distance(len(distances)))
    return distances


def far_level(distance: float) -> int:
    """The level of the far field whose cells are about a sixteenth of the distance [cells]."""
    return max(0, math.floor(math.log2(distance / FINENESS / COARSE)))


@lru_cache(maxsize=8)
def fan(azimuths: tuple[float, ...], columns: int, across: int, resolution: float, far: int) -> Fan:
    """The samples of each azimuth [rad] in an array of so many columns and tiles across, cells of
    `resolution` [m], and the first `far` far ones."""
    corners, weights, offsets, steps = [], [], [], []
    tiles: list[list[int]] = []
    distances = [_far_distance(n) for n in range(far)]
    for azimuth in azimuths:
        south, east = direction(azimuth)
        around = [_between(d * south, d * east) for d in BETWEEN]
        corners += [i * columns + j for cells, _ in around for i, j in cells]
        weights += [w for _, four in around for w in four]
        seen = [_nearest(south, east, stage, side) for stage, side in STAGES]
        offsets += [i * columns + j for cells in seen for i, j in cells]
        touched = [_tiles([cell for cells, _ in around for cell in cells], 1)]
        touched += [_tiles(cells, side) for cells, (_, side) in zip(seen, STAGES, strict=True)]
        tiles += [[i * across + j for i, j in stage] for stage in touched]
        steps.append([(math.floor(d * south), math.floor(d * east)) for d in distances])
    return Fan(
        np.tile(_per_metre(list(BETWEEN), resolution), len(azimuths)),
        np.array(corners, np.int64),
        np.array(weights, np.float32),
        np.tile(_per_metre([d for stage, _ in STAGES for d in stage], resolution), len(azimuths)),
        np.array(offsets, np.int64),
        BOUNDS,
        SIDES,
        np.array([tile for stage in tiles for tile in stage], np.int64),
        np.cumsum([0, *(len(stage) for stage in tiles)]),
        _per_metre(distances, resolution),
        np.array([far_level(d) for d in distances], np.int64),
        np.array(steps, np.int64).reshape(-1, len(distances), 2),
    )


def _per_metre(distances: list[float], resolution: float) -> NDArray[np.float32]:
    return (1 / (np.array(distances) * resolution)).astype(np.float32)
