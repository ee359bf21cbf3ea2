"""Shadows and hillshade in one pass are those of two, for any suns."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.gradient import hillshade
from kernels.picture import BAND, picture
from kernels.shadow import Grid, Sun, cast_shadow
from tests.support.scenes import examples

NORTH_WEST = Sun(math.radians(315), math.radians(45))
SUNS = st.builds(Sun, st.integers(0, 23).map(lambda n: math.radians(15 * n)), st.floats(0.05, 1.4))


def surface(rows: int, columns: int) -> np.ndarray:
    rng = np.random.default_rng(rows * 1000 + columns)
    height = rng.gamma(0.3, 5.0, (rows, columns)).astype(np.float32)
    height[rng.random(height.shape) < 0.03] = np.nan
    return height


@given(st.lists(SUNS, max_size=4), st.integers(0, 2 * BAND + 5), st.integers(0, 20))
@examples(60)
def test_one_pass_is_two(suns: list[Sun], rows: int, columns: int) -> None:
    height, grid = surface(rows, columns), Grid(0.5, 77, -5)
    both = picture(height, suns, grid, NORTH_WEST)
    assert np.array_equal(both.shadow, cast_shadow(height, suns, grid))
    assert np.array_equal(both.hillshade, hillshade(height, NORTH_WEST, 0.5))


@pytest.mark.parametrize("azimuth", [0.1, 1.6, 3.1])
def test_refuses_an_infinity(azimuth: float) -> None:
    height = surface(BAND + 9, 12)
    height[BAND + 3, 7] = np.inf
    # the row before has met it already, which numpy says where the compiler is off
    with (
        np.errstate(invalid="ignore"),
        pytest.raises(ValueError, match=f"row {BAND + 3}, column 7 is infinite"),
    ):
        picture(height, [Sun(azimuth, 0.4)], Grid(0.5, 0, 0), NORTH_WEST)
