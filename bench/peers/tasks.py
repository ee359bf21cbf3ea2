"""The tasks of the peers: our own call for each, and the check of an output."""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.cases import KERNELS, Workload
from bench.peers import compare, truth, year
from bench.peers.program import (
    AZIMUTH,
    DIRECTIONS,
    ELEVATION,
    LOWEST_ROOF,
    RADIUS,
    RESOLUTION,
    TWO_NEIGHBOURS,
)
from bench.peers.stage import alone, polygons
from bench.scenes import city, footprints
from kernels.coarse import coarsen
from kernels.field import far_field, near_field
from kernels.gradient import hillshade, slope
from kernels.horizon import FLOOR, horizon, horizon_halo
from kernels.rings import Box, footprint_spans
from kernels.shadow import Grid, Sun, cast_shadow
from kernels.spans import Spans
from kernels.zonal import centimetres, sums

SAMPLE = 400


class Answer(NamedTuple):
    """The answer of a peer's program: its figures, and the definition of its output."""

    seconds: float
    copies: float
    version: str
    definition: str
    reach: float | None


class Task(NamedTuple):
    """judged: a side, the peer's output and its answer to what can be said of its correctness;
    ours: a side to the work that we do for it, None where nothing of ours does."""

    judged: Callable[[int, NDArray[Any], Answer], str]
    ours: Callable[[int], Workload] | None = None


def _sun(azimuth: float) -> Sun:
    return Sun(math.radians(azimuth), math.radians(ELEVATION))


@lru_cache
def _greys(side: int, azimuth: float) -> NDArray[Any]:
    return hillshade(city(side), _sun(azimuth), RESOLUTION)


def _shade(side: int) -> NDArray[np.uint8]:
    return cast_shadow(city(side), [_sun(AZIMUTH)], Grid(RESOLUTION, side - 1, 0))


@lru_cache
def _shadow(side: int) -> tuple[NDArray[np.bool_], truth.Floats, truth.Cells]:
    cells = truth.chosen(side, 50 * SAMPLE)
    return _shade(side) > 0, truth.shadow_above(city(side), cells, AZIMUTH, ELEVATION), cells


@lru_cache
def _on_cells(side: int) -> tuple[NDArray[np.int32], Spans]:
    return centimetres(city(side)), footprint_spans(footprints(side), Box(0, 0, side, side))


@lru_cache
def _sums(side: int) -> truth.Floats:
    """Counts, and sums of heights [m], by building."""
    found = sums(*_on_cells(side))
    return np.array([found.cells, found.total / 100])


def _horizon(side: int, azimuths: truth.Floats) -> Workload:
    """Horizon of the roofs only, with the means and the pyramid that it needs."""
    height, roofs = city(side), city(side) > LOWEST_ROOF
    levels = horizon_halo(float(np.ptp(height)), FLOOR, RESOLUTION).levels

    def call() -> NDArray[np.float32]:
        near, far = near_field(height, 0, 0), far_field(coarsen(height, 0, 0), levels)
        return horizon(near, far, roofs, np.radians(azimuths), RESOLUTION).sky_view

    return Workload(call, int(roofs.sum()))


@lru_cache
def _sky_view(side: int) -> str:
    """The errors of our own, on roofs."""
    seen = np.full((side, side), np.nan)
    seen[city(side) > LOWEST_ROOF] = _horizon(side, truth.around(DIRECTIONS)).call()
    cells = truth.chosen(side, 4 * SAMPLE)
    right = truth.sky_view(city(side), cells, DIRECTIONS, math.inf, "cos2 h")
    return f"ours, cos2 h of roofs: {compare.errors(seen[cells], right)}"


def _judge_greys(side: int, output: NDArray[Any], answer: Answer) -> str:
    here, mirrored = _greys(side, AZIMUTH), _greys(side, 180 - AZIMUTH)
    if answer.definition == TWO_NEIGHBOURS:
        cosines = (truth.two_neighbours(city(side), a, ELEVATION) for a in (AZIMUTH, 180 - AZIMUTH))
        here, mirrored = map(compare.as_greys, cosines)
    return _defined(answer, compare.greys(output, here, mirrored))


def _judge_slope(side: int, output: NDArray[Any], _: Answer) -> str:
    inside = (slice(1, -1), slice(1, -1))
    apart = np.abs(output[inside] - np.degrees(slope(city(side), RESOLUTION)[inside]))
    return f"at most {np.nanmax(apart):.2g} degrees from ours"


def _judge_shadow(side: int, output: NDArray[Any], _: Answer) -> str:
    return compare.shadows(output, *_shadow(side))


def _judge_horizon(side: int, output: NDArray[Any], answer: Answer) -> str:
    cells = truth.chosen(side, SAMPLE)
    right = truth.horizon(city(side), cells, AZIMUTH, answer.reach or math.inf)
    text = compare.errors(np.maximum(output[cells], 0), np.degrees(right), " degrees")
    return f"to a bilinear march: {text}"


def _judge_sky_view(side: int, output: NDArray[Any], answer: Answer) -> str:
    cells, reach = truth.chosen(side, SAMPLE), answer.reach or math.inf
    right = truth.sky_view(city(side), cells, DIRECTIONS, reach, answer.definition)
    sentence = f"to a bilinear march: {compare.errors(output[cells], right)} ({_sky_view(side)})"
    return _defined(answer, sentence)


def _judge_higher(side: int, output: NDArray[Any], _: Answer) -> str:
    cells = truth.chosen(side, SAMPLE)
    return compare.maxima(output[cells], truth.disc_maximum(city(side), cells, RADIUS))


def _judge_sums(side: int, output: NDArray[Any], answer: Answer) -> str:
    """By the buildings that touch no other; a raster of labels may not know the last of all."""
    clear = alone(polygons(footprints(side)))
    whole = np.pad(output, ((0, 0), (0, len(clear) - output.shape[1])))
    return _defined(answer, compare.sums(whole[:, clear], _sums(side)[:, clear]))


def _judge_year(side: int, output: NDArray[Any], answer: Answer) -> str:
    return _defined(answer, year.judged(side, output))


def _defined(answer: Answer, text: str) -> str:
    return f"{answer.definition}: {text}" if answer.definition else text


def _all_cells(call: Callable[[int], Any]) -> Callable[[int], Workload]:
    return lambda side: Workload(lambda: call(side), side * side)


TASKS = {
    "hillshade": Task(
        _judge_greys, _all_cells(lambda side: hillshade(city(side), _sun(AZIMUTH), RESOLUTION))
    ),
    "slope": Task(_judge_slope, _all_cells(lambda side: slope(city(side), RESOLUTION))),
    "cast shadow": Task(_judge_shadow, _all_cells(_shade)),
    "horizon": Task(_judge_horizon, lambda side: _horizon(side, np.array([AZIMUTH]))),
    "sky view": Task(_judge_sky_view, lambda side: _horizon(side, truth.around(DIRECTIONS))),
    "higher within 100 m": Task(
        _judge_higher, lambda side: KERNELS["higher within 100 m"].prepare(city(side))
    ),
    "a year of sun": Task(_judge_year, year.share_of_roofs),
    "sums per building": Task(_judge_sums, _all_cells(lambda side: sums(*_on_cells(side)))),
}
