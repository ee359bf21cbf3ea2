"""The method `powermapping`: its parameters, its rules for a building, and its provenance.

After van der Vaart's study Powermapping Amsterdam; docs/methods/powermapping.md states it whole.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kernels.shadow import MOST_SUNS, Sun
from pipeline.errors import InputError
from pipeline.grid.sun import suns, suns_degrees
from pipeline.grid.windows import LatticeCell
from pipeline.methods.buildings import (
    NOT_KNOWN,
    BuildingParameters,
    CandidateParameter,
    CentreParameter,
    Measured,
)
from pipeline.methods.parameters import as_text, parameter
from pipeline.methods.trials import STUDY_KWH
from pipeline.terms import Field

NAME = "powermapping"
YIELDS: dict[str, dict[str, float]] = {
    "study": {"panel_share": 0.10, "solar_kwh_m2": 70.8, "household_kwh": 3400.0},
    "2024": {"panel_share": 0.30, "solar_kwh_m2": 190.0, "household_kwh": 2550.0},
}
UNEVEN_CM = 1000


# fmt: off
# Parameters are listed in the order of these classes, from the first that is derived from.


@dataclass(frozen=True)
class _Surface:
    surface: str = parameter(
        "choice", "extruded",
        "the study had no trees and no roof shapes: blocks on the terrain; dsm: as measured",
        choices=("extruded", "dsm"),
    )


@dataclass(frozen=True)
class _Sun(BuildingParameters, _Surface):
    date: dt.date = parameter(
        "date", dt.date(2025, 12, 21), "the shortest day: what is in the sun then is so all year",
    )
    times: tuple[dt.time, ...] = parameter(
        "times", (dt.time(10), dt.time(12), dt.time(14)),
        "the study names three times but not which; CET, around noon", unit="CET",
        maximum=MOST_SUNS,
    )
    elevation: str = parameter(
        "choice", "true",
        "geometry alone; apparent: with refraction, which shortens shadows by 2 % at 10:00",
        choices=("true", "apparent"),
    )


@dataclass(frozen=True)
class Powermapping(CandidateParameter, CentreParameter, _Sun):
    """The parameters of the method."""

    wind_radius_m: float = parameter(
        "number", 100.0, "the study's distance, between cell centres", unit="m", minimum=0,
        maximum=2000,
    )
    wind_compare: str = parameter(
        "choice", "nap", "which stands higher: by height above NAP, or each above its own ground",
        choices=("nap", "height"),
    )
    wind_tie: str = parameter(
        "choice", "higher", "the study says: a higher building; equals do not shelter one another",
        choices=("higher", "at_least_as_high"),
    )
    reach_height_m: float = parameter(
        "number", 30.0, "what may stand unseen beyond the inputs before a row is flagged", unit="m",
        minimum=0, maximum=400,
    )
    yields: str = parameter(
        "choice", "study",
        "panel_share, solar_kwh_m2 and household_kwh together, where they are not set themselves:"
        " the study's, or 0.3, 190 and 2,550 as in 2024 (sources: docs/methods/powermapping.md)",
        choices=tuple(YIELDS), presets=YIELDS,
    )
    panel_share: float = parameter(
        "number", YIELDS["study"]["panel_share"], "the study's share of the roof's area", minimum=0,
        maximum=1,
    )
    solar_kwh_m2: float = parameter(
        "number", YIELDS["study"]["solar_kwh_m2"],
        "the study's: 50,000 households x 3,400 kWh on 240 ha", unit="kWh/m2/year", minimum=0,
        maximum=500,
    )
    turbine_kwh: float = parameter(
        "number", STUDY_KWH, "the study's: 90 % of a household; field trials measured 15-870",
        unit="kWh/year", minimum=0, maximum=100_000,
    )
    household_kwh: float = parameter(
        "number", YIELDS["study"]["household_kwh"],
        "an average household's electricity at the time of the study (2,550 in 2024)",
        unit="kWh/year", minimum=100, maximum=100_000,
    )
# fmt: on


def suns_of(square: LatticeCell, p: Powermapping) -> list[Sun]:
    """The sun positions of a square of the lattice, as the kernels take them [rad]."""
    return suns(square, p.date, p.times, p.elevation)


def is_lit(shadow: NDArray[np.uint8], p: Powermapping) -> NDArray[np.bool_]:
    """(n, sun positions): whether centres are out of the shadow, from bits that are set for the
    positions at which they are shaded."""
    return (shadow[:, None] >> np.arange(len(p.times)) & 1) == 0


def stands(measured: Measured) -> NDArray[np.bool_]:
    """Whether a footprint is a block and may shelter others: judged, or only without ground."""
    return pd.isna(measured.reason) | (measured.reason == "no_ground")


def compared(measured: Measured, p: Powermapping) -> NDArray[np.int64]:
    """The height by which buildings shelter one another [cm]; NOT_KNOWN: shelters nobody."""
    height = measured.roof if p.wind_compare == "nap" else measured.height
    return np.where(stands(measured), height, NOT_KNOWN)


def shelters(others: NDArray[np.int64], own: int, p: Powermapping) -> NDArray[np.bool_]:
    """Which heights [cm] count as higher than one's own."""
    return others >= own if p.wind_tie == "at_least_as_high" else others > own


def is_uneven(measured: Measured) -> NDArray[np.bool_]:
    """Whether parts of a roof differ by more than 10 m in height."""
    return (measured.top - measured.median > UNEVEN_CM) & (measured.roof != NOT_KNOWN)


def suns_stated(p: Powermapping, squares: Sequence[LatticeCell]) -> dict[str, Any]:
    """The sun positions in each square of the lattice [degrees]."""
    return {
        "suns": [
            {
                "lattice": list(square),
                "time": as_text(time),
                "elevation_deg": elevation,
                "azimuth_deg": azimuth,
            }
            for square in squares
            for time, (elevation, azimuth) in _timed(square, p)
        ]
    }


def _timed(square: LatticeCell, p: Powermapping) -> list[tuple[dt.time, tuple[float, float]]]:
    """The times with elevation and azimuth of the sun in a square [degrees]."""
    return list(zip(p.times, suns_degrees(square, p.date, p.times, p.elevation), strict=True))


def check(p: Powermapping, squares: Sequence[LatticeCell], removed: Sequence[str]) -> None:
    """Raises InputError where a sun is below the horizon, or a building stands in the measured
    surface that is to be taken away."""
    for square in squares:
        for time, (elevation, _) in _timed(square, p):
            if elevation <= 0:
                raise InputError(
                    Field("parameter", "times"),
                    "on {date} at {time:%H:%M} CET the sun stands {elevation:.2f} degrees below the"
                    " horizon near RD {x:.0f},{y:.0f}",
                    "choose another date or time",
                    date=p.date,
                    time=time,
                    elevation=-elevation,
                    x=square.centre[0],
                    y=square.centre[1],
                )
    if removed and p.surface == "dsm":
        raise InputError(
            Field("remove_building", removed[0]),
            "stands in the measured surface",
            "give surface=extruded, or a DSM without it",
        )
