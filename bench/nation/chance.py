"""Chance that depends on a place and a seed only, whoever asks for it and in whatever order."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def uniform(seed: int, stream: int, *keys: NDArray[Any] | int) -> Floats:
    """Numbers in [0, 1) for whole-number keys, which broadcast; a stream for each purpose."""
    with np.errstate(over="ignore"):  # it is meant to wrap around
        bits = _mixed(np.array(seed * 1_000_003 + stream, np.uint64))
        for key in keys:
            bits = _mixed(np.asarray(key).astype(np.uint64) + bits)
    return np.asarray((bits >> np.uint64(11)) * 2.0**-53)


def between(low: NDArray[Any] | float, high: NDArray[Any] | float, share: Floats) -> Floats:
    """Linear interpolation from low to high."""
    return np.asarray(low + (np.asarray(high) - low) * share)


def _mixed(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The step of SplitMix64."""
    bits = bits + np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
