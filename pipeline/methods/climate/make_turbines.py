"""Makes `turbines.csv` from the figures below, by hand:

    python -m pipeline.methods.climate.make_turbines pipeline/methods/climate/turbines.csv

The power of two turbines was measured for a certificate; areas and powers of the others are those
of their makers, the yields those of the trial at Schoondijke, April 2008 to March 2009. The source
of each says which of its figures were not found in public.
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
SHARE = 0.30  # of the wind's power, that a curve is taken to have where none is public
ASSUMED = "curve is an assumption: 0.30 of the wind's power from {first:g} m/s on, up to rated"
CERTIFIED = "curve as measured for its certificate (SWCC), which NREL publishes; rated: its highest"
NOT_FOUND = "not found in a public source"
OF_TRIAL = "cp_field: {kwh} kWh in a year at Schoondijke (2008-09), at 3.8 m/s and k 2"
STUDY = (
    "a small roof turbine of about 2 m (Powermapping); cp_field of Turby at Schoondijke (2008-09);"
    " rated power is an assumption; "
)
# Speed [m/s] and power [W] at about each whole m/s: NREL's turbine-models, with the diameters,
# XzeresSkystream3.7_2.1kW_3.7 and FortisMontana_3.31kW_5.04.
SKYSTREAM = (
    (2.5, 0), (3.0, 3), (4.03, 84), (5.0, 203), (6.0, 391), (6.99, 643), (7.99, 968), (8.99, 1333),
    (9.98, 1745), (10.97, 2101), (11.93, 2301), (12.97, 2403), (13.99, 2425), (15.02, 2412),
    (15.99, 2393), (16.5, 2321),
)  # fmt: skip
MONTANA = (
    (2.05, 0), (2.97, 70), (4.01, 180), (5.04, 400), (6.02, 690), (7.0, 1110), (8.01, 1630),
    (9.01, 2170), (10.0, 2760), (10.99, 3310), (12.0, 3820), (12.99, 4220), (13.96, 4480),
    (14.99, 4380), (15.97, 4270), (16.97, 4010), (17.99, 3700), (19.02, 3550), (19.98, 3510),
    (20.98, 3560),
)  # fmt: skip


class TrialTurbine(NamedTuple):
    """A turbine of the trial: area [m2], rated power [W], what it gave [kWh], the power at the
    middle of each bin of speeds [W], and whence these figures."""

    name: str
    swept: float
    rated: float
    kwh: float
    curve: NDArray[np.float64]
    source: str


def disc(diameter: float) -> float:
    """Area that a rotor sweeps [m2]. diameter [m]."""
    return round(math.pi / 4 * diameter**2, 3)


def power_curve(rated: float, first: float, factor: float) -> NDArray[np.float64]:
    """Power at the middle of each bin of speeds [W], from a first speed [m/s] on up to rated [W].
    factor: of the cube of the speed."""
    power = np.minimum(rated, factor * MIDDLES**3)
    curve: NDArray[np.float64] = np.where(first > MIDDLES, 0.0, power)
    return curve.round(1)


def unmeasured(
    name: str, swept: float, rated: float, first: float, kwh: float, sizes: str
) -> TrialTurbine:
    """A turbine whose curve is an assumption. first: speed from which on it gives power [m/s];
    sizes: whence area and rated power are."""
    curve = power_curve(rated, first, SHARE * 0.5 * DENSITY * swept)
    return TrialTurbine(name, swept, rated, kwh, curve, f"{sizes}; {ASSUMED.format(first=first)}")


def certified(
    name: str, swept: float, points: tuple[tuple[float, float], ...], kwh: float, sure: str
) -> TrialTurbine:
    """A turbine whose curve was measured. points: speed [m/s] and power [W], the first of no power;
    beyond the last the power stays; sure: how sure its yield is."""
    speed, power = np.array(points).T
    curve = np.interp(MIDDLES, speed, power).round(1)
    return TrialTurbine(name, swept, float(power.max()), kwh, curve, f"{CERTIFIED}; {sure}")


TRIAL = (
    unmeasured("energy_ball_v100", disc(1.1), 500, 3.0, 73,
               f"rated power as the press had it from its maker; diameter of 1.1 m {NOT_FOUND}"),
    unmeasured("ampair_600", disc(1.7), 600, 3.5, 245,
               f"diameter of 1.7 m {NOT_FOUND}; rated power by its name"),
    unmeasured("turby", 5.3, 2500, 4.0, 247,
               f"area by its maker's guide; rated power {NOT_FOUND}"),
    unmeasured("airdolphin", disc(1.8), 1000, 2.5, 393,
               "diameter, rated power and first speed as its maker gives them"),
    unmeasured("passaat", disc(3.12), 1400, 3.0, 578,
               f"diameter of 3.12 m, rated power and yield {NOT_FOUND}"),
    certified("skystream", disc(3.7), SKYSTREAM, 2109, f"yield {NOT_FOUND}"),
    certified("montana", disc(5.04), MONTANA, 2691, f"yield {NOT_FOUND}"),
)  # fmt: skip


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


def study_row() -> list[object]:
    """The row of the study's turbine."""
    curve = power_curve(2500, 4.0, SHARE * 3.25)
    return ["study", 5.3, 2500, 0.083, STUDY + ASSUMED.format(first=4), *curve]


def trial_row(turbine: TrialTurbine) -> list[object]:
    """The row of a turbine of the trial."""
    share = field_share(turbine.swept, turbine.rated, turbine.kwh)
    source = f"{OF_TRIAL.format(kwh=turbine.kwh)}; {turbine.source}"
    return [turbine.name, turbine.swept, turbine.rated, share, source, *turbine.curve]


def lines() -> list[list[str]]:
    """The rows of `turbines.csv`, the columns first."""
    rows = [study_row(), *map(trial_row, TRIAL)]
    return [["name", *COLUMNS], *([str(cell) for cell in row] for row in rows)]


def make(path: Path) -> None:
    """Write the file."""
    with path.open("w", newline="", encoding="utf-8") as table:
        csv.writer(table, lineterminator="\n").writerows(lines())


if __name__ == "__main__":
    make(Path(sys.argv[1]))
