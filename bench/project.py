"""The time of the whole nation at 0.5 m, projected from two of its sheets."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

SHEETS = 1370
FOOTPRINTS = 10_000_000
CELLS = 343e9  # of DSM and DTM together


class Cost(NamedTuple):
    """Cost of a sheet: its footprints, and what its runs took over decoding it, a round each."""

    footprints: int
    decodings: Sequence[float]


class Hours(NamedTuple):
    """The expected hours, and the least and most that the rounds allow."""

    expected: float
    least: float
    most: float


def project(city: Cost, country: Cost, mcells_s: Sequence[float]) -> Hours:
    """A sheet costs so much for its cells, and so much a footprint: a straight line through a
    sheet in a city and one in the country, at the nation's mean. mcells_s: how fast sheets were
    decoded, a round each."""
    share = (FOOTPRINTS / SHEETS - country.footprints) / (city.footprints - country.footprints)

    def hours(of: float, rate: float) -> float:
        """From quantiles of the ratios and of the rates."""
        low, high = (float(np.quantile(cost.decodings, of)) for cost in (country, city))
        return (low + (high - low) * share) * CELLS / (np.quantile(mcells_s, rate) * 1e6) / 3600

    return Hours(hours(0.5, 0.5), hours(0.0, 1.0), hours(1.0, 0.0))
