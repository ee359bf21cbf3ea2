"""Mean power in winds of Weibull distributions: a plain reference, known moments, no wind."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from kernels.weibull import mean_power

WIDTH = 0.5


def reference(mean: float, shape: float, power: NDArray[np.float64]) -> float:
    """By the cumulative function, bin by bin."""
    scale = mean / math.gamma(1 + 1 / shape)
    below = [1 - math.exp(-((WIDTH * i / scale) ** shape)) for i in range(len(power) + 1)]
    return math.fsum((below[i + 1] - below[i]) * power[i] for i in range(len(power)))


@pytest.mark.parametrize("shape", [1.2, 1.86, 3.5])
def test_it_is_the_plain_reference(shape: float) -> None:
    powers = np.random.default_rng(8).uniform(0, 3000, (2, 60))
    means = np.array([0.01, 0.3, 2.0, 4.93, 9.0, 25.0])
    found = mean_power(means, shape, WIDTH, powers)
    expected = [[reference(mean, shape, power) for power in powers] for mean in means]
    np.testing.assert_allclose(found, expected, rtol=1e-11)


def test_a_wind_hangs_on_no_other() -> None:
    powers, means = np.ones((1, 60)) * np.arange(60), np.linspace(0, 12, 25)
    together = mean_power(means, 2.0, WIDTH, powers)
    assert [float(mean_power(means[[i]], 2.0, WIDTH, powers)[0, 0]) for i in range(25)] == [
        float(each) for each in together[:, 0]
    ]
    assert (np.diff(together[:, 0]) > 0).all()


def test_no_wind_gives_no_power_and_all_of_it_the_power_of_any_speed() -> None:
    steady = np.full((1, 60), 7.0)
    found = mean_power(np.array([0.0, 3.0, 1e-300]), 2.0, WIDTH, steady)[:, 0]
    assert found[0] == 0.0 and found[1:] == pytest.approx(7.0, rel=1e-12)


def test_the_mean_cube_of_fine_bins_is_the_known_one() -> None:
    """6 / pi times the cube of the mean, of a shape of 2."""
    middles = (np.arange(6000) + 0.5) * 0.005
    found = mean_power(np.array([3.8]), 2.0, 0.005, np.array([middles**3]))
    assert found[0, 0] == pytest.approx(6 / math.pi * 3.8**3, rel=1e-5)
