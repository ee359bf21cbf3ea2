"""Makes `turbines.csv` from the figures below, by hand:

    python -m pipeline.methods.climate.make_turbines pipeline/methods/climate/turbines.csv

Areas and powers are those of makers' leaflets; the yields are those of the trial at Schoondijke,
April 2008 to March 2009, where the wind had a mean of TRIAL_MS. The power curves are assumptions.
"""

import csv
import math
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.weibull import mean_power
from pipeline.methods.climate.turbines import BIN, COLUMNS, DENSITY, MIDDLES, Turbine

TRIAL_MS, TRIAL_SHAPE = 3.8, 2.0  # mean as measured; the shape is an assumption
HOURS = 8760
CURVE = "curve is an assumption: {share:.2f} of the wind's power from {first:g} m/s on, up to rated"
OF_TRIAL = "cp_field: {kwh} kWh in a year at Schoondijke (2008-09), at 3.8 m/s and k 2"
STUDY = (
    "a small roof turbine of about 2 m (Powermapping); cp_field of Turby at Schoondijke (2008-09);"
    " rated power is an assumption; "
)


class Maker(NamedTuple):
    """What a maker says of a turbine: area [m2], rated power [W], from which speed on it gives any
    [m/s]; the share of the wind's power that its curve is taken to have; what it gave in the
    trial [kWh]."""

    name: str
    swept: float
    rated: float
    first: float
    share: float
    kwh: float


def disc(diameter: float) -> float:
    """Area that a rotor sweeps [m2]. diameter [m]."""
    return round(math.pi / 4 * diameter**2, 3)


MAKERS = (
    Maker("energy_ball_v100", disc(1.1), 500, 3.0, 0.30, 73),
    Maker("ampair_600", disc(1.7), 600, 3.5, 0.30, 245),
    Maker("turby", 5.3, 2500, 4.0, 0.30, 247),
    Maker("airdolphin", disc(1.8), 1000, 2.5, 0.30, 393),
    Maker("passaat", disc(3.12), 1400, 3.0, 0.30, 578),
    Maker("skystream", disc(3.72), 2400, 3.5, 0.38, 2109),
    Maker("montana", disc(5.0), 5000, 3.0, 0.30, 2691),
)


def power_curve(rated: float, first: float, factor: float) -> NDArray[np.float64]:
    """Power at the middle of each bin of speeds [W], from a first speed [m/s] on up to rated [W].
    factor: of the cube of the speed."""
    power = np.minimum(rated, factor * MIDDLES**3)
    curve: NDArray[np.float64] = np.where(first > MIDDLES, 0.0, power)
    return curve.round(1)


def field_share(swept: float, rated: float, kwh: float) -> float:
    """The share of the wind's power that gives a yield [kWh] in the trial, to 0.0001."""
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if trial_kwh(swept, rated, middle) < kwh else (low, middle)
    return round(high, 4)


def trial_kwh(swept: float, rated: float, share: float) -> float:
    """Yield of a year in the wind of the trial [kWh]."""
    turbine = Turbine("", swept, rated, share, np.zeros(0), "")
    powers = np.array([turbine.field_curve])
    mean = mean_power(np.array([TRIAL_MS]), TRIAL_SHAPE, BIN, powers)
    return float(mean[0, 0]) * HOURS / 1000


def row_of(maker: Maker) -> list[object]:
    """The row of a turbine of the trial."""
    wind = 0.5 * DENSITY * maker.swept  # power, over the cube of the speed
    share = field_share(maker.swept, maker.rated, maker.kwh)
    source = "; ".join(
        [
            OF_TRIAL.format(kwh=maker.kwh),
            "area and rated power as makers published them, not verified",
            CURVE.format(share=maker.share, first=maker.first),
        ]
    )
    curve = power_curve(maker.rated, maker.first, maker.share * wind)
    return [maker.name, maker.swept, maker.rated, share, source, *curve]


def study_row() -> list[object]:
    """The row of the study's turbine."""
    source = STUDY + CURVE.format(share=0.30, first=4)
    return ["study", 5.3, 2500, 0.083, source, *power_curve(2500, 4.0, 0.30 * 3.25)]


def lines() -> list[list[str]]:
    """The rows of `turbines.csv`, the columns first."""
    rows = [study_row(), *map(row_of, MAKERS)]
    return [["name", *COLUMNS], *([str(cell) for cell in row] for row in rows)]


def make(path: Path) -> None:
    """Write the file."""
    with path.open("w", newline="", encoding="utf-8") as table:
        csv.writer(table, lineterminator="\n").writerows(lines())


if __name__ == "__main__":
    make(Path(sys.argv[1]))
