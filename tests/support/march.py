"""What horizons are held against: their definition, sample by sample, and the surface itself.

Plain numpy, nothing shared with the program. Rasters are north-up, (rows, columns) [m], NaN where
there is no data; azimuths are clockwise from north [rad]; cells are rows and columns, (n, 2).
"""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Raster = NDArray[np.float32]
Reals = NDArray[np.float64]
Cells = NDArray[np.int64]

TILE = 16
BETWEEN = range(1, 9)
STAGES = ((range(9, 33), 1), (range(34, 65, 2), 2), (range(68, 125, 4), 4))  # and a mean's side
FIRST, GROWTH = 132.0, 1 + 1 / 16
COARSE, FINER = 8, 16  # a far cell is at least 8 cells wide, and more than a 32nd of its distance
EDGE = 3  # beyond it no mean knows of the raster


class Place(NamedTuple):
    """Where a raster lies: its first cell from the anchor; its cells' side [m]."""

    top: int
    left: int
    resolution: float


class Level(NamedTuple):
    """A level of the far field: its cells, their side, the first one's row and column."""

    values: Raster
    side: int
    first: Cells


class Receivers(NamedTuple):
    """From where each cell of a raster looks [m], and dz/dx, dz/dy of its plane, (..., 2)."""

    height: Raster
    gradient: Raster


class Field(NamedTuple):
    """A raster with a margin of EDGE as it is looked at: means by their side, and levels."""

    means: dict[int, Raster]
    levels: list[Level]
    place: Place

    @classmethod
    def of(cls, height: Raster, place: Place) -> "Field":
        height = np.pad(height, EDGE, constant_values=np.nan)
        place = place._replace(top=place.top - EDGE, left=place.left - EDGE)
        return cls(
            {side: _means(height, side) for side in (1, 2, 4)}, _pyramid(height, place), place
        )


def tangents(
    height: Raster,
    place: Place,
    cells: Cells,
    azimuths: Reals,
    floor: float,
    receivers: Receivers | None = None,
    field: Field | None = None,
) -> Raster:
    """Of the horizon, by its definition, each sample looked at: (n, K), NaN without a height.
    field: of the raster, if it is known."""
    from_, gradient = receivers or Receivers(height, np.zeros((*height.shape, 2), np.float32))
    own, plane = from_[tuple(cells.T)], gradient[tuple(cells.T)]
    (means, levels, place), cells = field or Field.of(height, place), cells + EDGE
    tiles = (cells + place[:2]) // TILE * TILE + TILE // 2
    found = np.full((len(cells), len(azimuths)), math.tan(floor), np.float32)
    for k, azimuth in enumerate(azimuths):
        # Rounded, for axes and halves to be hit.
        towards = np.array([-round(math.cos(azimuth), 14), round(math.sin(azimuth), 14)])
        south, east = towards.astype(np.float32)
        found[:, k] = np.fmax(found[:, k], plane[:, 0] * east + plane[:, 1] * -south)
        samples = (*_near(means, cells, towards), *_far(levels, tiles, towards))
        for distance, seen in samples:
            factor = np.float32(1 / (distance * place.resolution))
            found[:, k] = np.fmax(found[:, k], (seen - own) * factor)
    found[np.isnan(own)] = np.nan
    return found


def sky_view(tangents: Raster) -> Raster:
    """The mean of cos2, summed in the order of directions."""
    total, one = np.zeros(len(tangents), np.float32), np.float32(1)
    for tangent in tangents.T:
        total += one / (one + tangent * tangent)
    return total / np.float32(tangents.shape[1])


def _near(means: dict[int, Raster], cells: Cells, towards: Reals) -> Iterator[tuple[float, Raster]]:
    """Distances of samples, and what each cell sees there."""
    for d in BETWEEN:
        yield d, _between(means[1], cells, d * towards)
    for distances, side in STAGES:
        for d in distances:
            step = np.rint(d * towards - (side - 1) / 2).astype(int)
            yield d, _look(means[side], cells + step)


def _far(levels: list[Level], tiles: Cells, towards: Reals) -> Iterator[tuple[float, Raster]]:
    """The same of the far field, seen from the tiles' middles, as far as it has cells."""
    distance = FIRST
    for level in levels:
        while distance < 2 * FINER * level.side:
            at = tiles + np.floor(distance * towards).astype(int)
            yield distance, _look(level.values, at // level.side - level.first)
            distance *= GROWTH


def _look(values: Raster, cells: Cells) -> Raster:
    """The values of cells, NaN outside."""
    inside = ((cells >= 0) & (cells < values.shape)).all(axis=1)
    seen = np.full(len(cells), np.nan, np.float32)
    seen[inside] = values[tuple(cells[inside].T)]
    return seen


def _between(height: Raster, cells: Cells, step: Reals) -> Raster:
    """The bilinear surface so many cells away; a cell without weight need have no data."""
    corner = np.floor(step).astype(int)
    y, x = step - corner
    weights = np.array([(1 - y) * (1 - x), (1 - y) * x, y * (1 - x), y * x]).astype(np.float32)
    seen = [_look(height, cells + corner + at) for at in ((0, 0), (0, 1), (1, 0), (1, 1))]
    a, b, c, d = (h * w if w else np.zeros_like(h) for h, w in zip(seen, weights, strict=True))
    return (a + b) + (c + d)


def _means(height: Raster, side: int) -> Raster:
    """Of the cells whose north-western one it is: means of means; where some lack, the highest."""
    if side == 1:
        return height
    step, (rows, columns) = side // 2, height.shape
    z = np.pad(_means(height, step), (0, step), constant_values=np.nan)
    a, b, c, d = (z[i : i + rows, j : j + columns] for i in (0, step) for j in (0, step))
    mean = ((a + b) + (c + d)) * np.float32(0.25)
    return np.where(np.isnan(mean), np.fmax.reduce([a, b, c, d]), mean)


def _pyramid(height: Raster, place: Place) -> list[Level]:
    """Half of mean and highest, in centimetres, until a distance is more than the raster's."""
    known = np.argwhere(~np.isnan(height))
    cm = np.rint(100.0 * height[tuple(known.T)].astype(float)).astype(np.int64)
    levels: list[Level] = []
    side = COARSE
    while cm.size and side < 2 * COARSE + sum(height.shape):
        cells = (known + place[:2]) // side
        first = cells.min(axis=0)
        at, shape = tuple((cells - first).T), tuple(np.ptp(cells, axis=0) + 1)
        total, count = np.zeros(shape), np.zeros(shape)
        highest: NDArray[Any] = np.full(shape, -np.inf)
        np.add.at(total, at, cm)
        np.add.at(count, at, 1)
        np.maximum.at(highest, at, cm)
        value = np.full(shape, np.nan)
        there = count > 0
        value[there] = (total[there] / count[there] + highest[there]) / 2 / 100
        levels.append(Level(value.astype(np.float32), side, first))
        side *= 2
    return levels


def surface_tangents(
    height: Raster, cells: Cells, azimuths: Reals, resolution: float, floor: float
) -> Reals:
    """The true ones: of the bilinear surface, a cell a step, in double: (n, K)."""
    z, own = height.astype(float), height[tuple(cells.T)].astype(float)[:, None]
    reach = (z.max() - own.min()) / (math.tan(floor) * resolution)
    d = np.arange(1, min(reach, math.hypot(*z.shape)) + 1)
    found = np.full((len(cells), len(azimuths)), math.tan(floor))
    for k, azimuth in enumerate(azimuths):
        y, x = cells[:, :1] - d * math.cos(azimuth), cells[:, 1:] + d * math.sin(azimuth)
        i, j = np.floor(y).astype(int), np.floor(x).astype(int)
        inside = (i >= 0) & (i < len(z) - 1) & (j >= 0) & (j < z.shape[1] - 1)
        i, j, south, east = (np.where(inside, part, 0) for part in (i, j, y - i, x - j))
        north = z[i, j] * (1 - east) + z[i, j + 1] * east
        lower = z[i + 1, j] * (1 - east) + z[i + 1, j + 1] * east
        seen = (north * (1 - south) + lower * south - own) / (d * resolution)
        found[:, k] = np.maximum(found[:, k], np.where(inside, seen, 0).max(axis=1, initial=0))
    return found
