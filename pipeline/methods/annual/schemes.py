"""Which planes suit solar panels, by four schemes."""

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.grid.windows import LatticeCell
from pipeline.methods.annual.rules import (
    DELOITTE,
    NREL,
    ORIENTATION,
    ZONATLAS,
    Annual,
    convergence_of,
    is_between,
)
from pipeline.methods.climate import Climate, best_unshaded, climate_of, light_of_year

SUITABLE, VERY_SUITABLE = 0.70, 0.85  # of the best unshaded plane: Zonatlas Utrecht
NREL_SHARE = 0.70  # of the same plane unshaded: NREL (2016), as the next ones
NREL_NORTH, NREL_AREA_M2 = (292.5, 67.5), 10.0  # azimuths, half open
DELOITTE_NORTH, DELOITTE_KWH_M2 = (315.0, 45.0), 690.0  # Deloitte (2018)
SOUTHERLY = 112.5, 247.5  # SE, S and SW

Reals = NDArray[np.float64]
Truths = NDArray[np.bool_]


class Judging(NamedTuple):
    """What schemes look at, of each plane. azimuth: from true north, of pitched ones [degrees];
    area: true [m2]; usable: of modules [m2]; irradiation, unshaded: of these [kWh/m2]."""

    is_flat: Truths
    azimuth: Reals
    area: Reals
    usable: Reals
    irradiation: Reals
    unshaded: Reals


def suits(planes: Judging, best: float, p: Annual) -> Truths:
    """Which planes suit by the scheme. best: what the best unshaded plane there gets [kWh/m2]."""
    facing = planes.azimuth
    holds = {
        ZONATLAS: planes.irradiation >= SUITABLE * best,
        NREL: (planes.irradiation >= NREL_SHARE * planes.unshaded)
        & (planes.is_flat | ~is_between(facing, *NREL_NORTH))
        & (planes.area >= NREL_AREA_M2),
        DELOITTE: (planes.irradiation >= DELOITTE_KWH_M2)
        & (planes.is_flat | ~is_between(facing, *DELOITTE_NORTH)),
        ORIENTATION: planes.is_flat | is_between(facing, *SOUTHERLY),
    }[p.scheme]
    return (planes.usable > 0) & holds


def suits_very_well(planes: Judging, best: float, p: Annual) -> NDArray[Any]:
    """Which planes suit very well; None of each by a scheme that does not say."""
    if p.scheme != ZONATLAS:
        return np.full(len(planes.usable), None)
    return (planes.usable > 0) & (planes.irradiation >= VERY_SUITABLE * best)


@lru_cache(maxsize=16)
def best_of(climate: Climate, square: LatticeCell, directions: int, albedo: float) -> float:
    """What the best unshaded plane of a square of the lattice gets in a year [kWh/m2]."""
    light = light_of_year(climate_of(climate, square), directions)
    return best_unshaded(light, math.radians(convergence_of(square)), albedo)[0]
