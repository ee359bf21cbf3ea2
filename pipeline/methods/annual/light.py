"""What the modules of roof planes get in a year, month by month."""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.grid.windows import LatticeCell
from pipeline.methods.annual.rules import convergence_of, tilt_degrees
from pipeline.methods.annual.segments import Segments
from pipeline.methods.climate import Climate, climate_of, month_tables
from pipeline.methods.climate.table import BIN, BINS, DIRECTIONS, OPEN, azimuths, bins_of
from pipeline.methods.passes import Block, Work

MONTHS = 12
FLAT_TILT = {"east": 10.0, "west": 10.0, "south": 15.0}  # of the modules on flat planes [degrees]
FLAT_AZIMUTH = {"east": 90.0, "west": 270.0, "south": 180.0}  # from true north [degrees]

Reals = NDArray[np.float64]


@dataclass(frozen=True)
class PlaneLight:
    """What the modules of planes get in a year, month by month [kWh/m2, whole Wh/m2]; the arrays
    have a row a plane, in the order of Segments.

    months, unshaded: (planes, 2, 12), behind all that stands around, and behind the planes' own
    horizon alone; by layout of the modules on flat planes (east and west, south): on pitched planes
    both are alike; sky_view: (planes,), of flat planes that of a level one; reach_cut: (buildings,)
    bool, by Segments.position, whether something beyond the inputs might change it.
    """

    months: Reals
    unshaded: Reals
    sky_view: Reals
    reach_cut: NDArray[np.bool_]


class SquareLight(NamedTuple):
    """The light of a year over a square of the lattice.

    table: (directions, BINS, 39), what a direction gives with its horizon in a bin: by month
    `beam_table` east, north, up [kWh/m2]; then its part of the view of the sky by Dozier and Frew
    (1990), of a level plane, and of a plane's slope east and north; irradiation, isotropic, band:
    (12,) of `SquareClimate` [kWh/m2]; convergence: grid north from true north, eastward [rad].
    """

    table: Reals
    irradiation: Reals
    isotropic: Reals
    band: Reals
    convergence: float


class Slopes(NamedTuple):
    """dz/dx and dz/dy in RD of planes or of modules, each (n,)."""

    east: Reals
    north: Reals


@lru_cache(maxsize=4)
def square_light(
    climate: Climate, square: LatticeCell, directions: int = DIRECTIONS
) -> SquareLight:
    """The light of a year over a square, with a table of that many directions: 6 MB of 72."""
    here = climate_of(climate, square)
    beam = np.moveaxis(month_tables(here.suns, directions), 0, 2)
    table = np.concatenate([beam.reshape(directions, BINS, -1), _sky_table(directions)], axis=2)
    convergence = math.radians(convergence_of(square))
    return SquareLight(table, here.irradiation, here.isotropic, here.band, convergence)


def _sky_table(directions: int) -> Reals:
    """What each direction gives to the view of the sky with its horizon in each bin: (directions,
    BINS, 3), of a level plane and of a slope of 1 east and north."""
    bins = np.arange(BINS)
    zenith = np.where(bins > OPEN, math.pi / 2 - (bins + 0.5) * BIN, math.pi / 2)
    level, turned = np.sin(zenith) ** 2, zenith - np.sin(zenith) * np.cos(zenith)
    east, north = (
        np.outer(part, -turned)
        for part in (np.sin(azimuths(directions)), np.cos(azimuths(directions)))
    )
    return np.stack([np.broadcast_to(level, east.shape), east, north], axis=2) / directions


def light_of(
    work: Work, block: Block, segments: Segments, square: SquareLight, p: Any
) -> PlaneLight:
    """What the modules of planes get. square: of the block's."""
    slopes = Slopes(segments.planes.slope_east, segments.planes.slope_north)
    flat = tilt_degrees(*slopes) < p.flat_below_deg
    own, level = Slopes(*slopes), Slopes(*np.zeros((2, len(flat))))
    months = np.empty((len(flat), 2, MONTHS))
    months[:] = _received(own, _unshaded(own, square), square, p)[0][:, None]
    facing = {name: _module(name, int(flat.sum()), square) for name in FLAT_TILT}
    east, west, south = (
        _received(each, _unshaded(each, square), square, p)[0] for each in facing.values()
    )
    months[flat] = np.stack([(east + west) / 2, south], axis=1)
    seen = Slopes(*(np.where(flat, *pair) for pair in zip(level, own, strict=True)))
    view = _received(seen, _unshaded(seen, square), square, p)[1]
    months = months.round(3)
    return PlaneLight(months, months.copy(), view, np.zeros(len(segments.position), np.bool_))


def _module(name: str, n: int, square: SquareLight) -> Slopes:
    """The slopes of n modules that stand so on flat planes."""
    steep = -math.tan(math.radians(FLAT_TILT[name]))  # a plane rises away from where it faces
    azimuth = math.radians(FLAT_AZIMUTH[name]) - square.convergence
    return Slopes(np.full(n, steep * math.sin(azimuth)), np.full(n, steep * math.cos(azimuth)))


def _unshaded(slopes: Slopes, square: SquareLight) -> Reals:
    """The sums of the table, (n, 39), behind no horizon but a plane's own, which goes on for
    ever."""
    sums = np.zeros((len(slopes.east), square.table.shape[2]))
    for azimuth, table in zip(azimuths(len(square.table)), square.table, strict=True):
        uphill = slopes.east * math.sin(azimuth) + slopes.north * math.cos(azimuth)
        sums += table[bins_of(np.arctan(np.maximum(uphill, 0.0)))]
    return sums


def _received(slopes: Slopes, sums: Reals, square: SquareLight, p: Any) -> tuple[Reals, Reals]:
    """By month what modules of these slopes get with these sums of the table, (n, 12) [kWh/m2], and
    their view of the sky, (n,)."""
    east, north = (part[:, None] for part in slopes)
    length = np.sqrt(1.0 + east**2 + north**2)
    beam = sums[:, : 3 * MONTHS].reshape(-1, MONTHS, 3)
    direct = (beam[..., 2] - east * beam[..., 0] - north * beam[..., 1]) / length
    level, along_east, along_north = np.split(sums[:, 3 * MONTHS :], 3, axis=1)
    view = (level + east * along_east + north * along_north) / length
    up, steep = 1.0 / length, np.sqrt(east**2 + north**2) / length
    band = square.band * steep * view / ((1.0 + up) / 2.0)
    ground = p.albedo * square.irradiation * (1.0 - up) / 2.0
    return direct + square.isotropic * view + band + ground, view[:, 0]
