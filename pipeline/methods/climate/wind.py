"""The wind of a square of the lattice: its rose, from the stations around."""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.grid.windows import LatticeCell
from pipeline.methods.climate.files import Climate
from pipeline.methods.climate.stations import nearest_stations, wind_stations

LOWEST_SHAPE, HIGHEST_SHAPE = 1.2, 3.5
HALVINGS = 50  # of an interval of 2.3, whose end is rounded to 0.001

Reals = NDArray[np.float64]


class SquareWind(NamedTuple):
    """The wind of a square of the lattice, at 10 m over open ground.

    frequency, mean: by sector of 30 degrees, clockwise, the first centred on grid north: share of
    the hours, and mean speed [m/s], (SECTORS,); shape: k of the Weibull distribution of the speeds
    of each sector.
    """

    frequency: Reals
    mean: Reals
    shape: float


@lru_cache(maxsize=64)
def wind_of(climate: Climate, square: LatticeCell) -> SquareWind:
    """The wind of a square of the lattice, from the stations nearest to its centre: frequencies to
    0.0001, means to 0.01 m/s, and the shape that keeps the mean cube of all hours, to 0.001."""
    near, roses = nearest_stations(wind_stations(climate), *square.centre), climate.roses
    hours = near.weight[:, None] * roses.frequency[near.number]
    total = hours.sum(0)
    speeds = (hours * roses.mean[near.number]).sum(0)
    frequency = np.round(total / total.sum(), 4)
    mean = np.round(np.divide(speeds, total, out=np.zeros(len(total)), where=total > 0.0), 2)
    cube = float((near.weight * roses.cube[near.number]).sum() / near.weight.sum())
    return SquareWind(frequency, mean, shape_of(frequency, mean, cube))


def shape_of(frequency: Reals, mean: Reals, cube: float) -> float:
    """The Weibull shape with which the speeds of all sectors have a mean cube [m3/s3], to 0.001, or
    the nearer end of LOWEST_SHAPE to HIGHEST_SHAPE. frequency, mean: by sector, 1 and [m/s]."""
    of_means = float((frequency * mean**3).sum())
    low, high = LOWEST_SHAPE, HIGHEST_SHAPE
    if of_means * cube_ratio(low) <= cube:
        return low
    if of_means * cube_ratio(high) >= cube:
        return high
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if of_means * cube_ratio(middle) > cube else (low, middle)
    return round(high, 3)


def cube_ratio(shape: float) -> float:
    """The mean cube of a Weibull distribution, over the cube of its mean: the less, the higher its
    shape."""
    return math.gamma(1 + 3 / shape) / math.gamma(1 + 1 / shape) ** 3
