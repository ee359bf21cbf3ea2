"""What the modules of roof planes get in a year, month by month."""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.plane_light import own_bins, plane_sums
from pipeline.grid.windows import LatticeCell
from pipeline.methods.annual.horizons import horizons, plane_cells
from pipeline.methods.annual.reach_cut import light_cut
from pipeline.methods.annual.rules import convergence_of, tilt_degrees
from pipeline.methods.annual.segments import Segments
from pipeline.methods.climate import Climate, climate_of, month_tables
from pipeline.methods.climate.table import BIN, BINS, DIRECTIONS, OPEN, azimuths
from pipeline.methods.passes import Block, Work

MONTHS = 12
# Of what lies on flat planes: tilt, and azimuth from true north [degrees].
ON_FLAT = {"east": (10.0, 90.0), "west": (10.0, 270.0), "south": (15.0, 180.0), "level": (0.0, 0.0)}
UNITS = 2**30  # a kWh/m2 of the table: of 10 million cells the sums fit in int64
WATT_HOURS = 3  # decimals of kWh

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

    table: (directions, BINS, 39) int64, what a direction gives with its horizon in a bin, in parts
    of 2^-30, so that sums are exact: by month `beam_table` east, north, up [kWh/m2]; then its part
    of the view of the sky by Dozier and Frew (1990), of a level plane, and of a slope of 1 east and
    north; irradiation, isotropic, band: (12,) of `SquareClimate` [kWh/m2]; convergence: grid north
    from true north, eastward [rad].
    """

    table: NDArray[np.int64]
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
    table = np.rint(table * UNITS).astype(np.int64)
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


class Receivers(NamedTuple):
    """What the light of planes falls on: of a pitched plane modules that lie as it does; of a flat
    one modules that face east, west and south, and for its view of the sky a level one.

    start: (planes + 1,), where those of each plane start; is_flat: (planes,); slopes: of each.
    """

    start: NDArray[np.int64]
    is_flat: NDArray[np.bool_]
    slopes: Slopes

    @classmethod
    def on(cls, planes: Slopes, is_flat: NDArray[np.bool_], square: SquareLight) -> "Receivers":
        """The receivers on planes."""
        start = np.concatenate([[0], np.cumsum(np.where(is_flat, len(ON_FLAT), 1))])
        east, north = (np.repeat(each, np.diff(start)) for each in planes)
        for n, (tilt, azimuth) in enumerate(ON_FLAT.values()):
            steep, towards = (
                math.tan(math.radians(tilt)),
                math.radians(azimuth) - square.convergence,
            )
            at = start[:-1][is_flat] + n  # a plane rises away from where it faces
            east[at], north[at] = -steep * math.sin(towards), -steep * math.cos(towards)
        return cls(start, is_flat, Slopes(east, north))

    def of(self, planes: NDArray[np.int64]) -> tuple[NDArray[np.int64], "Receivers"]:
        """The positions of the receivers on some planes, and those alone."""
        count = np.diff(self.start)[planes]
        start = np.concatenate([[0], np.cumsum(count)])
        rows = np.arange(start[-1]) + np.repeat(self.start[planes] - start[:-1], count)
        slopes = Slopes(*(part[rows] for part in self.slopes))
        return rows, Receivers(start, self.is_flat[planes], slopes)

    def own_bins(self, directions: int) -> NDArray[np.uint8]:
        """The bins of the horizon that each is to itself, (receivers, directions)."""
        gradient = np.column_stack(self.slopes).astype(np.float32)
        return own_bins(gradient, azimuths(directions), BINS)

    def of_planes(self, months: Reals) -> Reals:
        """Months of planes by layout, (planes, 2, 12), from those of receivers, (receivers, 12)."""
        first, flat = self.start[:-1], self.start[:-1][self.is_flat]
        layouts = np.repeat(months[first][:, None], 2, axis=1)
        layouts[self.is_flat, 0] = (months[flat] + months[flat + 1]) / 2
        layouts[self.is_flat, 1] = months[flat + 2]
        return layouts.round(WATT_HOURS)


def lying_on(
    segments: Segments, square: SquareLight, p: Any
) -> tuple[Receivers, NDArray[np.float32]]:
    """The receivers on planes, and dz/dx and dz/dy of the planes that hide what lies behind them,
    (planes, 2): modules on flat planes lie otherwise, so these hide nothing."""
    slopes = Slopes(segments.planes.slope_east, segments.planes.slope_north)
    receivers = Receivers.on(slopes, tilt_degrees(*slopes) < p.flat_below_deg, square)
    gradient = np.column_stack(slopes).astype(np.float32)
    gradient[receivers.is_flat] = 0
    return receivers, gradient


def light_of(work: Work, block: Block, segments: Segments) -> PlaneLight:
    """What the modules of planes get, by the light of the block's square."""
    p = work.context.p
    square = square_light(work.context.climate, block.square, p.directions)
    receivers, gradient = lying_on(segments, square, p)
    least = receivers.own_bins(len(square.table))
    cells = plane_cells(segments, work.context.resolution, p.module_lift_m)
    sums = np.zeros((len(least), square.table.shape[2]), np.int64)
    for at, bins in horizons(work, cells, gradient, azimuths(len(square.table))):
        some, plane = _numbered(cells.plane[at], len(gradient))
        rows, here = receivers.of(some)
        sums[rows] += plane_sums(bins, plane, here.start, least[rows], square.table)
    counts = np.repeat(segments.planes.cells, np.diff(receivers.start))
    months, view = received(receivers, sums / counts[:, None], square, p)
    unshaded, _ = received(receivers, sums_alone(receivers, square), square, p)
    cut = light_cut(work.context, segments, p.reach_height_m)
    return PlaneLight(months, unshaded, view, cut)


def _numbered(plane: NDArray[np.int64], planes: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The planes that cells lie in, and which of these each cell does."""
    some = np.flatnonzero(np.bincount(plane, minlength=planes))
    number = np.empty(planes, np.int64)
    number[some] = np.arange(len(some))
    return some, number[plane]


def sums_alone(receivers: Receivers, square: SquareLight) -> NDArray[np.int64]:
    """The sums of the table over the directions behind the horizon that each receiver is to itself,
    (receivers, 39)."""
    own = receivers.own_bins(len(square.table))
    each = np.arange(len(own) + 1)
    return plane_sums(own, each[:-1], each, own, square.table)


def received(
    receivers: Receivers, sums: NDArray[Any], square: SquareLight, p: Any
) -> tuple[Reals, Reals]:
    """What planes get by layout and month, (planes, 2, 12) [kWh/m2], and their view of the sky,
    (planes,). sums: of the table over the directions, mean of each receiver's cells, (receivers,
    39)."""
    sums = sums / UNITS
    east, north = (part[:, None] for part in receivers.slopes)
    length = np.sqrt(1.0 + east**2 + north**2)
    beam = sums[:, : 3 * MONTHS].reshape(-1, MONTHS, 3)
    direct = (beam[..., 2] - east * beam[..., 0] - north * beam[..., 1]) / length
    level, along_east, along_north = np.split(sums[:, 3 * MONTHS :], 3, axis=1)
    view = (level + east * along_east + north * along_north) / length
    up, steep = 1.0 / length, np.sqrt(east**2 + north**2) / length
    band = square.band * steep * view / ((1.0 + up) / 2.0)
    ground = p.albedo * square.irradiation * (1.0 - up) / 2.0
    months = direct + square.isotropic * view + band + ground
    return receivers.of_planes(months), view[receivers.start[1:] - 1, 0]
