"""Pairs of times: a copy of an array, and beside it what is measured.

A machine's speed drifts by a factor of two within minutes, and a ratio of two times a moment apart
does not. So each round times one numpy copy and then the call, and the figure is the median of the
rounds' ratios; its spread is their quartiles.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Ratio(NamedTuple):
    """Median and quartiles of a call's time a cell over a copy's time a cell."""

    median: float
    q1: float
    q3: float


class Timed:
    """A call that is timed whenever it is made: `seconds` grows by one."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self.call = call
        self.seconds: list[float] = []

    def __call__(self) -> None:
        begin = time.perf_counter()
        self.call()
        self.seconds.append(time.perf_counter() - begin)


class Copies(Timed):
    """Copies of an array into another, timed; of several the median, beside what takes seconds:
    a single copy of milliseconds may meet a moment that is not like the rest."""

    def __init__(self, source: NDArray[Any], several: int = 1) -> None:
        self.source, self.several, target = source, several, np.zeros_like(source)
        super().__init__(lambda: np.copyto(target, source))

    def __call__(self) -> None:
        for _ in range(self.several):
            super().__call__()
        self.seconds[-self.several :] = [statistics.median(self.seconds[-self.several :])]


def ratio(calls: Sequence[float], copies: Sequence[float], per_cell: float = 1.0) -> Ratio:
    """The ratio of paired times [s]; per_cell: cells copied over cells of the call."""
    rounds = np.divide(calls, copies) * per_cell
    q1, median, q3 = (float(q) for q in np.percentile(rounds, (25, 50, 75)))
    return Ratio(median, q1, q3)


def measure(call: Callable[[], Any], source: NDArray[Any], rounds: int) -> Ratio:
    """The ratio of a call to a copy of `source`, both warmed up."""
    copies, calls = Copies(source), Timed(call)
    for _ in range(rounds + 1):
        copies()
        calls()
    return ratio(calls.seconds[1:], copies.seconds[1:])
