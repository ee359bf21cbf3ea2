"""Mean power of turbines in winds whose speeds follow Weibull distributions."""

import math

import numpy as np
from numpy.typing import NDArray

from kernels.compile import kernel

Reals = NDArray[np.float64]


@kernel
def _survivals(scale, raised, shape, survival):  # type: ignore[no-untyped-def]
    """The share of a distribution that lies above each speed. raised: the speeds^shape, of
    which the first is 0."""
    factor = scale**-shape
    survival[0] = 1.0
    for i in range(1, len(raised)):
        survival[i] = math.exp(-raised[i] * factor)


@kernel
def _mean_powers(scales, raised, shape, powers, means):  # type: ignore[no-untyped-def]
    survival = np.empty(len(raised))
    for n in range(len(scales)):
        if scales[n] > 0.0:
            _survivals(scales[n], raised, shape, survival)
            for t in range(len(powers)):
                total = 0.0
                for i in range(powers.shape[1]):
                    total += (survival[i] - survival[i + 1]) * powers[t, i]
                means[n, t] = total


def mean_power(mean: Reals, shape: float, width: float, powers: Reals) -> Reals:
    """Mean power of turbines in winds: the power at the middle of each bin of speeds, weighted by
    the probability of that bin.

    mean: of the speeds of each wind [m/s], (winds,); shape: k of their Weibull distributions;
    width: of a bin [m/s], the first of which begins at 0; powers: (turbines, bins) [W]. Nothing
    above the last bin gives power, and a wind of 0 gives none. Returns (winds, turbines) [W].
    """
    scales = np.ascontiguousarray(mean, np.float64) / math.gamma(1 + 1 / shape)
    raised = (np.arange(powers.shape[1] + 1) * width) ** shape
    means = np.zeros((len(scales), len(powers)))
    _mean_powers(scales, raised, shape, np.ascontiguousarray(powers, np.float64), means)
    return means
