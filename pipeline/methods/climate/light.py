"""What planes get in a year behind given horizons, and the best that an unshaded plane can get."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.methods.climate.square import SquareClimate
from pipeline.methods.climate.table import BIN, DIRECTIONS, OPEN, azimuths, beam_table, bins_of

ALBEDO = 0.2

Reals = NDArray[np.float64]
Bins = NDArray[np.int64]


class Light(NamedTuple):
    """The light of a period over a square [kWh/m2]: `beam_table` of its suns; isotropic and band of
    the sky; irradiation of a level plane without a horizon."""

    table: Reals
    isotropic: float
    band: float
    irradiation: float


class Planes(NamedTuple):
    """Planes by tilt from level, and grid azimuth in which they fall [rad], both (planes,)."""

    tilt: Reals
    azimuth: Reals


def light_of_year(climate: SquareClimate, directions: int = DIRECTIONS) -> Light:
    """The light of a year over a square, with a table of that many directions."""
    sums = (
        float(months.sum()) for months in (climate.isotropic, climate.band, climate.irradiation)
    )
    return Light(beam_table(climate.suns, directions), *sums)


def own_horizon(planes: Planes, directions: int = DIRECTIONS) -> Bins:
    """Bins of the horizon that each plane is to itself, (planes, directions): the plane goes on
    uphill for ever."""
    uphill = -np.cos(_turned(planes, directions)) * np.tan(planes.tilt)[:, None]
    return bins_of(np.arctan(np.maximum(uphill, 0.0)))


def sky_view(planes: Planes, horizon: Bins) -> Reals:
    """View of the sky of planes behind their horizons, bins (planes, directions): the share of an
    even sky's light on an open level plane that they get, (planes,).

    Dozier, J. and Frew, J. (1990). IEEE Transactions on Geoscience and Remote Sensing 28(5).
    """
    zenith = np.where(horizon > OPEN, math.pi / 2 - (horizon + 0.5) * BIN, math.pi / 2)
    sine = np.sin(zenith)
    facing = np.cos(_turned(planes, horizon.shape[1])) * (zenith - sine * np.cos(zenith))
    level, upright = np.cos(planes.tilt)[:, None], np.sin(planes.tilt)[:, None]
    view: Reals = (level * sine**2 + upright * facing).mean(1)
    return view


def irradiation(light: Light, planes: Planes, horizon: Bins, albedo: float = ALBEDO) -> Reals:
    """What planes get behind their horizons, bins (planes, directions) [kWh/m2], (planes,).

    Beam and circumsolar by the table; isotropic light by the view of the sky; of the horizon band
    the part that is in view; ground of that albedo, which gets what an open level plane does.
    """
    level, upright = np.cos(planes.tilt), np.sin(planes.tilt)
    normals = np.column_stack(
        [np.sin(planes.azimuth) * upright, np.cos(planes.azimuth) * upright, level]
    )
    beam = (light.table[np.arange(horizon.shape[1]), horizon].sum(1) * normals).sum(1)
    view = sky_view(planes, horizon)
    band = light.band * upright * view / ((1.0 + level) / 2.0)
    ground = albedo * light.irradiation * (1.0 - level) / 2.0
    return beam + light.isotropic * view + band + ground


def best_unshaded(light: Light, convergence: float, albedo: float = ALBEDO) -> tuple[float, Planes]:
    """What the best plane of a square gets with no horizon but its own [kWh/m2], and that plane:
    of tilts 0 to 60 by 1, and azimuths 0 to 355 by 5 degrees from true north, which stands
    `convergence` [rad] west of grid north."""
    tilts, turns = np.meshgrid(np.arange(61.0), np.arange(0.0, 360.0, 5.0), indexing="ij")
    planes = Planes(np.radians(tilts.ravel()), np.radians(turns.ravel()) - convergence)
    sums = irradiation(light, planes, own_horizon(planes, light.table.shape[0]), albedo)
    best = int(sums.argmax())
    return float(sums[best]), Planes(*(part[best : best + 1] for part in planes))


def _turned(planes: Planes, directions: int) -> Reals:
    """Angle from where each plane falls to each direction [rad], (planes, directions)."""
    return azimuths(directions) - planes.azimuth[:, None]
