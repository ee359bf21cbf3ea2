"""The stations of a climate around a place: which count there, and how much."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.grid.crs import DEGREES, RD, transformer
from pipeline.grid.windows import LatticeCell
from pipeline.messages import Text
from pipeline.methods.climate.files import Climate

NEAREST = 4
FAR_KM = 300  # the stations' mean is of this country: so far beyond it is a guess

Reals = NDArray[np.float64]


class Nearest(NamedTuple):
    """The NEAREST of stations: their numbers, their weights, which are distance^-2 [m-2], and the
    distance of the nearest [m]."""

    number: NDArray[np.int64]
    weight: Reals
    distance: float


def nearest_stations(stations: Reals, x: float, y: float) -> Nearest:
    """The nearest of stations to a place in RD [m]. stations: x, y [m], (stations, 2)."""
    squared = ((stations - (x, y)) ** 2).sum(1)
    number = np.argsort(squared, kind="stable")[:NEAREST]
    weight = 1.0 / np.maximum(squared[number], 1.0)  # at a station, it alone
    return Nearest(number, weight, float(np.sqrt(squared[number[0]])))


@lru_cache(maxsize=4)
def sun_stations(climate: Climate) -> Reals:
    """x, y [m] of the stations that serve for the sun, (stations, 2)."""
    return _in_rd(climate.degrees)


@lru_cache(maxsize=4)
def wind_stations(climate: Climate) -> Reals:
    """x, y [m] of the stations that serve for the wind, (stations, 2)."""
    return _in_rd(climate.wind_degrees)


def stations_warning(climate: Climate, squares: Sequence[LatticeCell]) -> list[str]:
    """A warning where some squares have no station for the sun, or none for the wind, within
    FAR_KM, with the farthest of them."""
    away = {square: _away_km(climate, square) for square in squares}
    square = max(away, key=lambda each: away[each])
    if away[square] <= FAR_KM:
        return []
    return [
        Text(
            "near RD {x:.0f},{y:.0f} the nearest station of the climate is {km:,.0f} km away, and"
            " beyond {far} km its sun and its wind are a guess; give one of that place",
            x=square.centre[0],
            y=square.centre[1],
            km=away[square],
            far=FAR_KM,
        )
    ]


def _away_km(climate: Climate, square: LatticeCell) -> float:
    """How far the nearest station of a square is, for that of sun and wind which has it farther
    away [km]."""
    every = sun_stations(climate), wind_stations(climate)
    return max(nearest_stations(each, *square.centre).distance for each in every) / 1000


def _in_rd(degrees: Reals) -> Reals:
    return np.column_stack(transformer(DEGREES, RD).transform(*degrees.T))
