"""What the horizon's tests share: quarters and towers to look at, and how to look."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from kernels.coarse import coarsen
from kernels.field import far_field, near_field
from kernels.horizon import FLOOR, Horizon, horizon
from tests.support.exact import House
from tests.support.march import Place, Raster, Reals, Receivers
from tests.support.scenes import COMPILED, SEEDS, houses

Mask = NDArray[np.bool_]
LEVELS = 16  # enough for a spike of 10 km
ORIGIN = Place(0, 0, 0.5)
SIDE = 200 if COMPILED else 24
SPIKES = (np.nan, -1e4, -7.3, -0.0, 0.0, 0.1, 1.0, 3.0, 12.34, 322.7, 1e4)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Plain Python warns of what is no number where compiled code says nothing."""
    with np.errstate(invalid="ignore"):
        yield


def look(
    height: Raster,
    place: Place,
    chosen: Mask,
    azimuths: Reals,
    floor: float = FLOOR,
    table: Raster | None = None,
    receivers: Receivers | None = None,
    bins: int = 0,
) -> Horizon:
    """The horizon of chosen cells of a raster that is all there is."""
    near = near_field(height, place.top, place.left)
    far = far_field(coarsen(height, place.top, place.left), LEVELS)
    own, gradient = receivers or (None, None)
    return horizon(near, far, chosen, azimuths, place.resolution, table, floor, own, gradient, bins)


def all_of(height: Raster) -> Mask:
    return np.ones(height.shape, np.bool_)


def around(k: int, first: float = 0.0) -> Reals:
    """Azimuths in equal parts, the first so many parts from north [rad]."""
    return np.array([(n + first) * (2 * math.pi / k) for n in range(k)])


class Quarter(NamedTuple):
    """A raster, on cells of 0.5 m, and the cells of it that are roofs."""

    height: Raster
    roofs: Mask


def quarter(side: int, share: float, storeys: float, trees: bool, seed: int) -> Quarter:
    """Boxes and gables turned anyhow, on rolling ground, over so much of it; heights of a gamma
    distribution of shape 4 and this scale, from 2 m; trees of 7 x 7 cells between them."""
    rng = np.random.default_rng(seed)
    i, j = np.indices((side, side))
    height = 3 * np.sin(j / 700) + 2 * np.cos(i / 900) + rng.normal(0, 0.03, i.shape)
    roofs = np.zeros(i.shape, np.bool_)
    for _ in range(round(-math.log(1 - share) * side * side / MEAN_AREA)):
        x, y = rng.uniform(0, side, 2)
        across, along = rng.uniform(NARROW, WIDE, 2)
        eaves = 2 + rng.gamma(4, storeys)
        ridge = eaves + rng.choice([0, across / 2 * STEEP])
        house = House(x, -y, across, along, rng.uniform(0, math.pi), eaves, ridge)
        here = _square(x, y, WIDE)
        top = house.height(j[here] + 0.5, -i[here] - 0.5)
        height[here], roofs[here] = np.maximum(height[here], top), roofs[here] | (top > 0)
    for _ in range(side * side // 8000 if trees else 0):
        y, x = rng.integers(0, side, 2)
        here = _square(x, y, 3)
        height[here], roofs[here] = np.maximum(height[here], rng.uniform(4, 14)), False
    return Quarter(height.astype(np.float32), roofs)


NARROW, WIDE = 16, 40  # sides of a house [cells]
MEAN_AREA = ((NARROW + WIDE) / 2) ** 2
STEEP = 0.35  # of a roof [m/cell], 35 degrees


def _square(x: float, y: float, half: int) -> tuple[slice, slice]:
    """The cells at most so far from a point in rows and columns."""
    top, left = int(y) - half, int(x) - half
    return np.s_[max(top, 0) : top + 2 * half + 1, max(left, 0) : left + 2 * half + 1]


def towers(seed: int, shape: tuple[int, int], ground: float) -> Raster:
    """A few on level ground, with holes: one of them decides what can be seen."""
    rng = np.random.default_rng(seed)
    height = np.full(shape, ground, np.float32)
    for kind in range(rng.integers(1, 7)):
        top, left = rng.integers(shape)
        deep, wide = rng.integers(1, 6, 2)
        high = ground + np.float32(rng.uniform(1, 60))
        height[top : top + deep, left : left + wide] = np.nan if kind % 4 == 3 else high
    return height


SHAPES = st.tuples(st.integers(1, SIDE), st.integers(1, SIDE)) | st.sampled_from(
    [(1, 1), (1, SIDE), (SIDE, 1)]
)
GROUNDS = st.sampled_from([-3.0, 0.0, 12.34, 1e6])
TOWERS = st.builds(towers, SEEDS, SHAPES, GROUNDS)
HOUSES = st.builds(lambda seed, shape: houses(seed, *shape), SEEDS, SHAPES)
_FEW = hnp.array_shapes(min_dims=2, max_dims=2, max_side=9)
_SPIKE = st.sampled_from(SPIKES).map(np.float32)
ODD = hnp.arrays(np.float32, _FEW, elements=_SPIKE) | hnp.arrays(
    np.float32, SHAPES, elements=_SPIKE, fill=st.just(np.float32(np.nan))
)
ANY = TOWERS | HOUSES | ODD
PLACES = st.builds(
    Place,
    st.integers(-30_000, 30_000),
    st.integers(-30_000, 30_000),
    st.sampled_from([0.5, 1.0, 5.0]),
)
FLOORS = st.sampled_from([math.radians(d) for d in (0.5, 3, 10, 60)])
EIGHTHS = st.sampled_from([math.radians(45 * n) for n in range(8)])
FANS = st.lists(EIGHTHS | st.floats(0, 2 * math.pi), min_size=1, max_size=5).map(np.array)


def choose(height: Raster, seed: int) -> Mask:
    """Some cells, or one, or none, or all of them."""
    rng = np.random.default_rng(seed)
    mask = rng.random(height.shape) < rng.choice([0.01, 0.1, 1.0])
    if seed % 5 == 0:
        mask[:] = False
        mask.flat[rng.integers(height.size)] = seed % 10 == 0
    return mask


def receivers(height: Raster, seed: int) -> Receivers:
    """A little above or below the surface, also where it has no data; some look from nowhere."""
    rng = np.random.default_rng(seed)
    usual = np.nan_to_num(np.fmin.reduce(height, axis=None))
    ground = np.where(np.isnan(height), usual, height)
    own = ground + rng.normal(0, 1, height.shape).astype(np.float32)
    own[rng.random(height.shape) < 0.1] = np.nan
    gradient = rng.normal(0, 0.7, (*height.shape, 2)).astype(np.float32)
    gradient[rng.random(height.shape) < 0.3] = 0
    return Receivers(own, gradient)
