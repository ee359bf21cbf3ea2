"""Ground whose light is known in closed form, and what the horizons of receivers make of it."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.coarse import coarsen
from kernels.field import far_field, near_field
from kernels.horizon import FLOOR, horizon, horizon_halo
from pipeline.methods.climate.light import Planes, sky_view
from pipeline.methods.climate.square import Suns
from pipeline.methods.climate.table import BINS, DIRECTIONS, azimuths, beam_table

RESOLUTION = 0.5
STEEPNESS = (0.25, 0.5, 1.0, 2.0)  # height of walls over the width between them
TILTS = (10, 20, 35, 45, 60)
HALF = 20  # of a canyon's width, and a basin's radius [cells]
Reals = NDArray[np.float64]


class Ground(NamedTuple):
    """Heights and their slopes dz/dx and dz/dy, (rows, columns) and (rows, columns, 2) float64, and
    which cells receive."""

    height: Reals
    gradient: Reals
    chosen: NDArray[np.bool_]


class Law(NamedTuple):
    """What is found, and what is known; as shares of an open sky, or of the sun on level ground."""

    name: str
    found: float
    known: float


def bins_of(ground: Ground, directions: int = DIRECTIONS) -> NDArray[np.int64]:
    """The bins of horizons of the chosen cells, each seen from its own height and plane: (cells,
    directions)."""
    height = ground.height.astype(np.float32)
    levels = horizon_halo(float(np.ptp(height)), FLOOR, RESOLUTION).levels
    near, far = near_field(height, 0, 0), far_field(coarsen(height, 0, 0), levels)
    found = horizon(
        near, far, ground.chosen, azimuths(directions), RESOLUTION, own=height,
        gradient=ground.gradient.astype(np.float32), bins=BINS,
    )  # fmt: skip
    return found.bins.astype(np.int64)


def planes_of(ground: Ground) -> Planes:
    """The planes of the chosen cells."""
    east, north = ground.gradient[ground.chosen].T
    return Planes(np.arctan(np.hypot(east, north)), np.arctan2(-east, -north))


def views(ground: Ground) -> Reals:
    """The view of the sky of the chosen cells."""
    return sky_view(planes_of(ground), bins_of(ground))


def _middle(height: Reals) -> Ground:
    chosen = np.zeros(height.shape, np.bool_)
    chosen[height.shape[0] // 2, height.shape[1] // 2] = True
    return Ground(height, np.zeros((*height.shape, 2)), chosen)


def canyons() -> Iterator[Law]:
    """From the middle of the floor between two walls without end."""
    for steep in STEEPNESS:
        wall = steep * 2 * HALF * RESOLUTION
        height = np.zeros((2 * round(wall / math.tan(FLOOR) / RESOLUTION) + 1, 2 * HALF + 121))
        away = np.abs(np.arange(height.shape[1]) - height.shape[1] // 2)
        height[:, away >= HALF] = wall
        found = float(views(_middle(height))[0])
        yield Law(f"canyon, height {steep:g} of width", found, math.cos(math.atan(2 * steep)))


def basins() -> Iterator[Law]:
    """From the middle of a round floor within a wall."""
    i, j = np.indices((2 * HALF + 161, 2 * HALF + 161)) - HALF - 80
    for steep in STEEPNESS:
        height = np.where(np.hypot(i, j) < HALF - 0.5, 0.0, steep * HALF * RESOLUTION)
        known = math.cos(math.atan(steep)) ** 2
        yield Law(f"basin, height {steep:g} of radius", float(views(_middle(height))[0]), known)


def tilted_planes() -> Iterator[Law]:
    """Planes without end, in every direction."""
    for tilt in TILTS:
        fall, steep = np.radians(np.arange(0, 360, 7)), math.radians(tilt)
        bins = own_bins(math.tan(steep) * -np.column_stack([np.sin(fall), np.cos(fall)]))
        found = sky_view(Planes(np.full(len(fall), steep), fall), bins)
        known = (1 + math.cos(steep)) / 2
        worst = found[np.abs(found - known).argmax()]
        yield Law(f"plane of {tilt} degrees", float(worst), known)


def own_bins(gradient: Reals) -> NDArray[np.int64]:
    """The bins of planes above all that is around them, (planes, directions)."""
    level = np.zeros((1, len(gradient)))
    return bins_of(Ground(level, gradient[None], np.ones(level.shape, np.bool_)))


def bowls() -> Iterator[Law]:
    """Spherical bowls: each point sees as much of the opening, and together they get what comes
    through it."""
    radius = 80.5
    i, j = np.indices((321, 321)) - 160
    for depth in (0.1, 0.2, 0.5):
        sphere = radius / math.sin(2 * math.atan(depth))  # of a bowl so deep over its radius
        away2 = np.minimum(i**2 + j**2, radius**2)
        down = np.sqrt(sphere**2 - away2)
        steep = np.stack([j, -i], axis=2) / down[..., None]
        inside = np.hypot(i, j) < radius
        height = (math.sqrt(sphere**2 - radius**2) - down) * RESOLUTION
        ground = Ground(height, np.where(inside[..., None], steep, 0.0), inside)
        area = np.sqrt(1 + (ground.gradient[inside] ** 2).sum(-1))
        yield Law(
            f"bowl, depth {depth:g} of radius", (views(ground) * area).sum() / inside.sum(), 1
        )


def beams() -> Iterator[Law]:
    """Hills, all of whose shadows fall within the ground: together they take the beam of it."""
    i, j = np.indices((400, 400)) - 200
    height, gradient = np.zeros(i.shape), np.zeros((*i.shape, 2))
    for row, column, top, width in ((-60, -30, 12.0, 22.0), (20, 40, 18.0, 30.0), (50, -60, 9, 16)):
        hill = top * np.exp(-((i - row) ** 2 + (j - column) ** 2) / (2 * width**2))
        height += hill
        fall = hill / (width**2 * RESOLUTION)
        gradient += np.stack([-fall * (j - column), fall * (i - row)], axis=2)
    ground = Ground(height, gradient, np.ones(i.shape, np.bool_))
    bins = bins_of(ground)
    normals = np.concatenate([-gradient, np.ones((*i.shape, 1))], axis=2).reshape(-1, 3)
    for elevation, azimuth in ((15, 135), (25, 250), (40, 180), (60, 90)):
        place = np.radians([elevation]), np.radians([azimuth])
        sun = Suns(*place, np.ones(1), np.zeros(1, np.int64))
        come = beam_table(sun)[np.arange(DIRECTIONS), bins].sum(1)
        taken = (come * normals).sum(1).mean()  # on a plane of 1 / cos of its tilt
        up = math.sin(math.radians(elevation))
        yield Law(f"hills, sun at {elevation} degrees", float(taken / up), 1)


def laws() -> Iterator[Law]:
    """All of them."""
    for each in (canyons, basins, tilted_planes, bowls, beams):
        yield from each()
