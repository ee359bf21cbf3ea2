"""How sure a yield is: an interval that holds it in 80 of 100 cases.

Errors are taken as logarithmic and independent of one another, so a yield is divided and multiplied
by exp(1.28 sigma), where sigma^2 is the sum of their squares.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Z = 1.28  # standard deviations that hold 80 %
YEAR = 0.04  # of a year from the mean of ten: tests/methods/test_annual_interval.py checks it
STATIONS = 0.02  # of the sun between stations: checked there too
PERFORMANCE = 0.06  # an assumption, as are the next ones
USABLE = 0.10  # the share of a plane that has room for modules
SKY = 0.02  # the model of the sky
PLANES = 0.03  # tilt, azimuth and area of planes
SHADE = 0.25  # of what shade takes: leaves, and the age of the heights
COMMON = 0.125  # year, stations, performance and usable area, which all roofs have in common
# Of a month from its mean, instead of YEAR: measured, 2011-2020, three stations.
MONTHS = (0.10, 0.21, 0.11, 0.13, 0.11, 0.09, 0.11, 0.08, 0.07, 0.14, 0.10, 0.14)

Reals = NDArray[np.float64]


class Interval(NamedTuple):
    """The ends of the interval of a yield, in its unit."""

    low: float
    high: float


def apart(shade: Reals) -> Reals:
    """The part of sigma that roofs do not have in common. shade: the share that it takes."""
    rest: Reals = np.sqrt(SKY**2 + PLANES**2 + (SHADE * shade) ** 2)
    return rest


def of_roof(kwh: Reals, shade: Reals) -> tuple[Reals, Reals]:
    """Ends of the intervals of yields of roofs or planes. shade: the share that it takes."""
    common = YEAR**2 + STATIONS**2 + PERFORMANCE**2 + USABLE**2
    factor = np.exp(Z * np.sqrt(common + apart(shade) ** 2))
    return kwh / factor, kwh * factor


def of_sum(kwh: float, error: float, year: float = YEAR) -> Interval:
    """The interval of a yield of many roofs. error: the root of the sum of the squares of what is
    not common to them (`apart` x yield) [kWh]; year: of a month one of MONTHS."""
    if not kwh:
        return Interval(kwh, kwh)
    sigma = math.sqrt(COMMON**2 - YEAR**2 + year**2 + (error / kwh) ** 2)
    return Interval(kwh / math.exp(Z * sigma), kwh * math.exp(Z * sigma))


def shade_of(kwh: Reals, unshaded: Reals) -> Reals:
    """The share of a yield that shade takes, from 0 to 1; 0 of no yield."""
    lost = np.divide(unshaded - kwh, unshaded, out=np.zeros_like(kwh), where=unshaded > 0)
    return np.clip(lost, 0.0, 1.0)
