"""Each kernel beside one copy of the array it reads."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bench.scenes import RESOLUTION, city, footprints
from kernels.roof import Box, cell_histograms, centimetres, footprint_cells
from kernels.shadow import Grid, Sun, cast_shadow
from kernels.terrain import hillshade
from kernels.wind import any_within

SUNS = [Sun(math.radians(a), math.radians(e)) for a, e in ((144, 6.7), (171, 13.7), (199, 12.1))]
EAST = Sun(math.radians(110), math.radians(6.7))


def copy(height: np.ndarray) -> Callable[[], Any]:
    target = np.empty_like(height)
    return lambda: np.copyto(target, height)


def shade(suns: list[Sun]) -> Callable[[np.ndarray], Callable[[], Any]]:
    return lambda height: lambda: cast_shadow(height, suns, Grid(RESOLUTION, len(height) - 1, 0))


def histograms(height: np.ndarray) -> Callable[[], Any]:
    cells = footprint_cells(footprints(len(height)), Box(0, 0, *height.shape))
    cm = centimetres(height)
    return lambda: cell_histograms(cm, cells)


def cells(height: np.ndarray) -> Callable[[], Any]:
    rings, box = footprints(len(height)), Box(0, 0, *height.shape)
    return lambda: footprint_cells(rings, box)


def within(height: np.ndarray) -> Callable[[], Any]:
    """A tall building of 30 x 30 m whose surroundings hold nothing higher: the longest search."""
    own = np.zeros((460, 460), np.bool_)
    own[200:260, 200:260] = True
    return lambda: any_within(own, ~own & (np.indices(own.shape).sum(axis=0) > 900), 200.0)


KERNELS: dict[str, Callable[[np.ndarray], Callable[[], Any]]] = {
    "numpy copy": copy,
    "hillshade": lambda height: lambda: hillshade(height, SUNS[0], RESOLUTION),
    "cast shadow, sun in the south": shade(SUNS[1:2]),
    "cast shadow, sun in the east": shade([EAST]),
    "cast shadow, three suns": shade(SUNS),
    "cells of footprints": cells,
    "heights per building": histograms,
    "higher within 100 m, one tower": within,
}


@pytest.mark.parametrize("name", KERNELS)
def bench_kernel(benchmark: Any, side: int, name: str) -> None:
    height = city(side)
    call = KERNELS[name](height)
    call()  # compiled, and its memory touched
    benchmark.extra_info.update(group="kernel", cells=height.size)
    benchmark.pedantic(call, rounds=7, iterations=1)
