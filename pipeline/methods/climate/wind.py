"""The wind of a square of the lattice: its rose, from the stations around."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SECTORS = 12


class SquareWind(NamedTuple):
    """The wind of a square of the lattice, at 10 m over open ground.

    frequency, mean: by sector of 30 degrees, clockwise, the first centred on grid north: share of
    the hours, and mean speed [m/s], (SECTORS,); shape: k of the Weibull distribution of the speeds
    of each sector.
    """

    frequency: NDArray[np.float64]
    mean: NDArray[np.float64]
    shape: float
