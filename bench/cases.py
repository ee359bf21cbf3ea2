"""The benchmarks of the kernels: a new one is one entry in KERNELS."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.scenes import CITY, COUNTRY, RESOLUTION, city, footprints
from bench.targets import Even, Target, copies, share
from kernels.coarse import coarsen
from kernels.field import NEAR, FarField, NearField, far_field, near_field
from kernels.gradient import aspect, hillshade, slope
from kernels.histograms import histograms
from kernels.horizon import horizon
from kernels.picture import picture
from kernels.rings import Box, footprint_spans
from kernels.shadow import Grid, Sun, cast_shadow
from kernels.spans import Spans
from kernels.wind import Candidate, sheltering
from kernels.zonal import bit_counts, centimetres, sums

Height = NDArray[np.float32]
ROOF = 2.0  # m, higher than any of the ground
LEVELS = 6  # for a relief of 150 m


class Workload(NamedTuple):
    """A call, and how many cells (or cells and directions) it works through."""

    call: Callable[[], Any]
    cells: int


class Case(NamedTuple):
    """A benchmark of a kernel. prepare: a city's heights to the call; touched: the least bytes read
    and written of a cell, if known; target: if it has one."""

    prepare: Callable[[Height], Workload]
    touched: int | None = None
    target: Target | None = None


class Sweep(NamedTuple):
    """A kernel along an axis: the axis's unit; cases by their place on it; how even they are to
    be."""

    what: str
    unit: str
    cases: dict[float, Case]
    even: Even | None = None


def sun(azimuth: float, altitude: float) -> Sun:
    """A sun from degrees."""
    return Sun(math.radians(azimuth), math.radians(altitude))


SUNS = [sun(144, 6.7), sun(171, 13.7), sun(199, 12.1)]  # of the shortest day


def _shadow(*suns: Sun) -> Callable[[Height], Workload]:
    def prepare(height: Height) -> Workload:
        grid = Grid(RESOLUTION, len(height) - 1, 0)
        return Workload(lambda: cast_shadow(height, list(suns), grid), height.size)

    return prepare


def _hillshade(height: Height) -> Workload:
    return Workload(lambda: hillshade(height, SUNS[0], RESOLUTION), height.size)


def _picture(height: Height) -> Workload:
    grid = Grid(RESOLUTION, len(height) - 1, 0)
    return Workload(lambda: picture(height, SUNS, grid, SUNS[0]), height.size)


def _picture_counted(height: Height) -> Workload:
    call, spans = _picture(height).call, _spans_of(height)
    return Workload(lambda: bit_counts(call().shadow, spans), height.size)


def _spans_of(height: Height) -> Spans:
    return footprint_spans(footprints(len(height)), Box(0, 0, *height.shape))


def _spans(height: Height) -> Workload:
    return Workload(lambda: _spans_of(height), height.size)


def _sums(height: Height) -> Workload:
    cm, spans = centimetres(height), _spans_of(height)
    return Workload(lambda: sums(cm, spans), height.size)


def _histograms(height: Height) -> Workload:
    spans = _spans_of(height)
    return Workload(lambda: histograms(height, spans), height.size)


def _sheltering(radius: float, sectors: int) -> Callable[[Height], Workload]:
    """One building in a hundred of a dense city asks."""

    def prepare(height: Height) -> Workload:
        own, side = np.ones((24, 16), np.bool_), len(height)
        corners = np.random.default_rng(2008).integers(
            0, side - 24, (side * side // 290_000 + 1, 2)
        )
        asking = [Candidate(own, int(top), int(left)) for top, left in corners]
        radii = [radius / RESOLUTION]
        return Workload(
            lambda: [sheltering(height, one, radii, sectors) for one in asking], height.size
        )

    return prepare


def _fields(height: Height) -> Workload:
    """Near and far field of a block as the pipeline reads one, with all that the rays need around
    it."""
    side = max(len(height) - 2 * NEAR, 1)
    block = Box((len(height) - side) // 2, (len(height) - side) // 2, side, side)

    def call() -> tuple[NearField, FarField]:
        return near_field(height, 0, 0, block), far_field(coarsen(height, 0, 0), LEVELS)

    return Workload(call, height.size)


def _horizon(directions: int, ground_a_building: int) -> Callable[[Height], Workload]:
    """The roofs in the middle, a sixteenth of the ground, which sees all of it."""

    def prepare(height: Height) -> Workload:
        height = city(len(height), ground_a_building)
        quarter = len(height) // 4
        inner = slice(3 * quarter // 2, 5 * quarter // 2)
        wide = slice(max(0, inner.start - NEAR), inner.stop + NEAR)
        chosen = np.zeros_like(height, np.bool_)
        chosen[inner, inner] = height[inner, inner] > ROOF
        chosen = np.ascontiguousarray(chosen[wide, wide])
        near = near_field(height[wide, wide], wide.start, wide.start)
        far = far_field(coarsen(height, 0, 0), LEVELS)
        azimuths = np.linspace(0, 2 * math.pi, directions, endpoint=False)
        table = np.ones((directions, 90, 1), np.float32)
        cells = int(chosen.sum()) * directions
        return Workload(lambda: horizon(near, far, chosen, azimuths, RESOLUTION, table), cells)

    return prepare


KERNELS: dict[str, Case] = {
    "hillshade": Case(_hillshade, 5, share(70)),
    "slope": Case(lambda height: Workload(lambda: slope(height, RESOLUTION), height.size), 8),
    "aspect": Case(lambda height: Workload(lambda: aspect(height), height.size), 8),
    "cast shadow, one sun": Case(_shadow(SUNS[1]), 5, share(40)),
    "cast shadow, three suns": Case(_shadow(*SUNS), 5),
    "three suns and hillshade in one pass": Case(_picture, 6, share(20)),
    "the same with counts per building": Case(_picture_counted, None, share(15)),
    "cells of footprints": Case(_spans),
    "sums per building": Case(_sums, None, share(40)),
    "histograms per building": Case(_histograms),
    "higher within 100 m": Case(_sheltering(100, 1), None, copies(3, "block")),
    "higher within 100 m, by 12 sectors": Case(_sheltering(100, 12)),
    "means and pyramid of the horizon": Case(_fields, None, copies(2.5, "cell")),
    "horizon, city, 36 directions": Case(_horizon(36, CITY), None, copies(30, "cell")),
    "horizon, city, 72 directions": Case(_horizon(72, CITY), None, copies(30, "cell")),
    "horizon, country, 36 directions": Case(_horizon(36, COUNTRY), None, copies(30, "cell")),
    "horizon, country, 72 directions": Case(_horizon(72, COUNTRY), None, copies(30, "cell")),
}

SWEEPS: dict[str, Sweep] = {
    "altitude": Sweep(
        "cast shadow",
        "degrees",
        {a: Case(_shadow(sun(171, a)), 5) for a in (1, 2, 5, 10, 20, 40, 60)},
        Even("altitudes within 10 %", 1 / 1.1),
    ),
    "azimuth": Sweep(
        "cast shadow",
        "degrees",
        {a: Case(_shadow(sun(a, 12)), 5) for a in range(0, 360, 30)},
        Even("slowest azimuth >= 60 % of the fastest", 0.6),
    ),
    "radius": Sweep("higher within", "m", {r: Case(_sheltering(r, 1)) for r in (25, 50, 100, 200)}),
}
BY_SIZE = ("hillshade", "cast shadow, one sun")
