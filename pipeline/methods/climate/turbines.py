"""Turbines: what a maker says of them, and what they made of the wind in the field."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BINS = 60
BIN = 0.5  # width of a bin of speeds [m/s]


class Turbine(NamedTuple):
    """A small wind turbine.

    swept: area [m2]; rated: power [W]; field_share: of the power of the wind through that area,
    what the whole system gave in the field; curve: the maker's power at the middle of each bin of
    speeds [W], (BINS,); source: of these figures.
    """

    name: str
    swept: float
    rated: float
    field_share: float
    curve: NDArray[np.float64]
    source: str
