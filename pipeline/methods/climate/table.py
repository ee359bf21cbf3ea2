"""Beam of a year behind a horizon, as a table over directions and heights of the horizon.

Whatever the number of suns, the beam on a cell is one look-up a direction: the table holds what
comes over a horizon of that height, as a vector that a plane's normal is multiplied with.
"""

import math

import numpy as np
from numpy.typing import NDArray

from pipeline.grid.sun import DIGITS
from pipeline.methods.climate.square import Suns

BINS = 256
BIN = math.radians(90.0 / BINS)  # height of a bin of horizons [rad]
OPEN = 8  # bins 0 to 8, up to 3.16 degrees, count as no horizon: 8 holds the kernel's floor of 3
DIRECTIONS = 72
CIRCLE = 360 * 10**DIGITS  # in the last digit of a rounded azimuth

Reals = NDArray[np.float64]


def azimuths(directions: int = DIRECTIONS) -> Reals:
    """The grid azimuths of the table's directions [rad], the first of them grid north."""
    turns: Reals = np.radians(np.arange(directions) * 360.0 / directions)
    return turns


def bins_of(horizon: Reals) -> NDArray[np.int64]:
    """The bins of horizons [rad], of any shape."""
    return np.clip(np.floor(horizon / BIN), 0, BINS - 1).astype(np.int64)


def beam_table(suns: Suns, directions: int = DIRECTIONS) -> Reals:
    """What of the suns comes over a horizon, (directions, BINS, 3) [kWh/m2]: of each direction and
    bin of the horizon the sum of energy x unit vector (east, north, up) of the suns nearest to that
    direction, x the share of the bin that lies below the sun; all of them up to bin OPEN."""
    height = suns.elevation / BIN
    partly = np.floor(height).astype(np.int64)  # the bin that the sun itself stands in
    slots = directions_of(suns.azimuth, directions) * BINS + partly
    table = np.empty((directions, BINS, 3))
    for axis, energy in enumerate((suns.energy[:, None] * unit_vectors(suns)).T):
        within = _sums(slots, energy * (height - partly), directions)
        whole = _sums(slots, energy, directions)[:, ::-1].cumsum(1)[:, ::-1]
        table[..., axis] = within
        table[:, :-1, axis] += whole[:, 1:]
        table[:, : OPEN + 1, axis] = whole[:, :1]
    return table


def month_tables(suns: Suns, directions: int = DIRECTIONS) -> Reals:
    """`beam_table` of each month, (12, directions, BINS, 3); their sum is the year's."""
    months = (suns.among(suns.month == month) for month in range(12))
    return np.stack([beam_table(month, directions) for month in months])


def directions_of(azimuth: Reals, directions: int) -> NDArray[np.int64]:
    """The nearest of `azimuths` to those of suns [rad, of degrees with DIGITS decimals]; in the
    middle the lower one: there the last bit must not decide, so this counts whole digits."""
    digits = np.rint(np.degrees(azimuth) * 10**DIGITS).astype(np.int64) % CIRCLE
    nearest = -((CIRCLE - 2 * directions * digits) // (2 * CIRCLE))
    last = 2 * directions * digits == CIRCLE * (2 * directions - 1)  # to north, which is 0
    return np.where(last, 0, nearest % directions)


def unit_vectors(suns: Suns) -> Reals:
    """East, north and up of each sun, (suns, 3)."""
    level = np.cos(suns.elevation)
    east, north = np.sin(suns.azimuth) * level, np.cos(suns.azimuth) * level
    return np.column_stack([east, north, np.sin(suns.elevation)])


def _sums(slots: NDArray[np.int64], values: Reals, directions: int) -> Reals:
    sums = np.bincount(slots, values, directions * BINS)
    return np.asarray(sums, np.float64).reshape(directions, BINS)
