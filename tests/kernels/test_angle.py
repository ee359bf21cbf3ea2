"""The arctangent: how near it is, and that every lane has the same bits."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from kernels.angle import angle
from kernels.compile import kernel
from tests.support.scenes import COMPILED, examples

Line = NDArray[np.float32]
MANY = 200_000 if COMPILED else 2_000
SIDES = st.floats(0, 2.0**30, width=32, allow_subnormal=False)


@kernel
def _angles(y, x, out):  # type: ignore[no-untyped-def]
    for i in range(len(out)):
        out[i] = angle(y[i], x[i])


def angles(y: Line, x: Line) -> Line:
    """Of many, in a loop that vectorises."""
    out = np.empty_like(y)
    _angles(y, x, out)
    return out


def test_within_3e_7_of_the_arctangent() -> None:
    """Evenly over the quadrant, and over all sizes."""
    turn = np.linspace(0, math.pi / 2, MANY)
    rng = np.random.default_rng(1)
    for size in np.ones(MANY), 2.0 ** rng.uniform(-60, 60, MANY):
        y, x = (np.abs(size * side(turn)).astype(np.float32) for side in (np.sin, np.cos))
        off = angles(y, x) - np.arctan2(y.astype(float), x.astype(float))
        assert abs(off).max() < 3e-7


@given(hnp.arrays(np.float32, st.integers(1, 40), elements=SIDES))
@examples(60)
def test_alone_as_in_a_loop(y: Line) -> None:
    """To the bit, in every lane and in what is left over."""
    x = np.roll(y, 1) + np.float32(1)
    alone = np.array([angle(*pair) for pair in zip(y, x, strict=True)], np.float32)
    assert np.array_equal(angles(y, x), alone)
    assert np.array_equal(angles(y[::-1].copy(), x[::-1].copy()), alone[::-1])


@pytest.mark.parametrize(
    ("y", "x", "expected"),
    [(0, 1, 0), (1, 1, math.pi / 4), (1, 0, math.pi / 2), (3e38, 1e-30, math.pi / 2)],
)
def test_on_the_axes_and_between(y: float, x: float, expected: float) -> None:
    with np.errstate(divide="ignore"):
        assert angle(np.float32(y), np.float32(x)) == np.float32(expected)


def test_never_falls_as_the_horizon_rises() -> None:
    """So that it skips no bin, nor goes back to one, but for a last bit."""
    rising = np.sort(np.random.default_rng(2).gamma(0.5, 1, MANY).astype(np.float32))
    found = angles(rising, np.ones_like(rising))
    assert np.diff(found).min() > -1e-6
