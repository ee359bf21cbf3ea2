"""The method `powermapping`: its parameters, and what it says of a building.

After van der Vaart's study Powermapping Amsterdam; docs/methods/powermapping.md states it whole.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kernels.shadow import MOST_SUNS
from pipeline.methods.parameters import parameter

NAME = "powermapping"
STANDING = (
    "Pand in gebruik",
    "Pand in gebruik (niet ingemeten)",
    "Verbouwing pand",
    "Pand buiten gebruik",
    "Sloopvergunning verleend",
)
NOT_STANDING = (
    "Bouw gestart",
    "Bouwvergunning verleend",
    "Niet gerealiseerd pand",
    "Pand gesloopt",
    "Pand ten onrechte opgevoerd",
)
REASONS = (
    "empty",
    "invalid",
    "not_standing",
    "newer_than_heights",
    "off_rasters",
    "no_data",
    "no_ground",
    "not_in_heights",
)
CLASSES = ("solar", "wind_or_solar", "none")
FLAGS = (
    "repeated_id",
    "uneven",
    "one_cell",
    "part_outside",
    "reach_cut",
    "repaired",
    "unknown_status",
    "restricted",
)
YIELDS: dict[str, dict[str, float]] = {
    "study": {"panel_share": 0.10, "solar_kwh_m2": 70.8, "household_kwh": 3400.0},
    "2024": {"panel_share": 0.30, "solar_kwh_m2": 190.0, "household_kwh": 2550.0},
}
BAG_STATUSES = STANDING + NOT_STANDING
UNEVEN_CM = 1000
NOT_KNOWN = np.iinfo(np.int64).min  # a height in cm that is not known


@dataclass(frozen=True)
class Powermapping:
    """The parameters of the method."""

    surface: str = parameter(
        "choice",
        "extruded",
        "the study had no trees and no roof shapes: blocks on the terrain; dsm: as measured",
        choices=("extruded", "dsm"),
    )
    roof_percentile: float = parameter(
        "number",
        70.0,
        "one height for a roof; 70 is 3DBAG's h_70p: the ridge counts less, the gutter not at all",
        unit="%",
        minimum=1,
        maximum=100,
    )
    ground_percentile: float = parameter(
        "number",
        50.0,
        "the median of the terrain around does not mind a ditch or a bank",
        unit="%",
        minimum=1,
        maximum=100,
    )
    ground_ring_m: float = parameter(
        "number",
        10.0,
        "the terrain model has holes under buildings; a street's width around has none",
        unit="m",
        minimum=0,
        maximum=200,
    )
    min_height_m: float = parameter(
        "number",
        1.5,
        "what is lower was smoothed away, lies underground, is gone or newer than the heights",
        unit="m",
        minimum=0,
        maximum=100,
    )
    statuses: tuple[str, ...] = parameter(
        "texts", STANDING, "a building that does not stand neither has a roof nor casts a shadow"
    )
    heights_year: int | None = parameter(
        "integer",
        None,
        "year of the survey: what was built later is not in the heights; never guessed",
        minimum=1995,
        maximum=2100,
        optional=True,
    )
    date: dt.date = parameter(
        "date", dt.date(2025, 12, 21), "the shortest day: what is in the sun then is so all year"
    )
    times: tuple[dt.time, ...] = parameter(
        "times",
        (dt.time(10), dt.time(12), dt.time(14)),
        "the study names three times but not which; CET, around noon",
        unit="CET",
        maximum=MOST_SUNS,
    )
    elevation: str = parameter(
        "choice",
        "true",
        "geometry alone; apparent: with refraction, which shortens shadows by 2 % at 10:00",
        choices=("true", "apparent"),
    )
    centre: str = parameter(
        "choice",
        "centroid",
        "where it does not intersect the polygon: GEOS's point on surface",
        choices=("centroid", "point_on_surface"),
    )
    wind_min_height_m: float = parameter(
        "number",
        20.0,
        "the study's candidates: 20 m or higher, more than six floors",
        unit="m",
        minimum=0,
        maximum=400,
    )
    wind_radius_m: float = parameter(
        "number",
        100.0,
        "the study's distance, between cell centres",
        unit="m",
        minimum=0,
        maximum=2000,
    )
    wind_compare: str = parameter(
        "choice",
        "nap",
        "which stands higher: by height above NAP, or each above its own ground",
        choices=("nap", "height"),
    )
    wind_tie: str = parameter(
        "choice",
        "higher",
        "the study says: a higher building; equals do not shelter one another",
        choices=("higher", "at_least_as_high"),
    )
    reach_height_m: float = parameter(
        "number",
        30.0,
        "what may stand unseen beyond the inputs before a row is flagged",
        unit="m",
        minimum=0,
        maximum=400,
    )
    yields: str = parameter(
        "choice",
        "study",
        "panel_share, solar_kwh_m2 and household_kwh together, where they are not set themselves:"
        " the study's, or 0.3, 190 and 2,550 as in 2024 (sources: docs/methods/powermapping.md)",
        choices=tuple(YIELDS),
        presets=YIELDS,
    )
    panel_share: float = parameter(
        "number",
        YIELDS["study"]["panel_share"],
        "the study's share of the roof's area",
        minimum=0,
        maximum=1,
    )
    solar_kwh_m2: float = parameter(
        "number",
        YIELDS["study"]["solar_kwh_m2"],
        "the study's: 50,000 households x 3,400 kWh on 240 ha",
        unit="kWh/m2/year",
        minimum=0,
        maximum=500,
    )
    turbine_kwh: float = parameter(
        "number",
        3060.0,
        "the study's: 90 % of a household; field trials measured 15-870",
        unit="kWh/year",
        minimum=0,
        maximum=100_000,
    )
    household_kwh: float = parameter(
        "number",
        YIELDS["study"]["household_kwh"],
        "an average household's electricity at the time of the study (2,550 in 2024)",
        unit="kWh/year",
        minimum=100,
        maximum=100_000,
    )


def to_cm(metres: float) -> int:
    """rint(100 x value), computed in double."""
    return int(np.rint(100.0 * metres))


@dataclass(frozen=True)
class Facts:
    """What is known of each footprint before it is judged.

    reason: `empty`, `invalid`, `not_standing` of one that is taken away, or None; status, built: as
    in the input; has_status: whether it has that column; on_raster: whether the centre lies on a
    cell of both rasters; roof, ground: percentiles [cm], NOT_KNOWN if there is none.
    """

    reason: NDArray[Any]
    status: NDArray[Any]
    has_status: NDArray[np.bool_]
    built: NDArray[np.float64]
    on_raster: NDArray[np.bool_]
    roof: NDArray[np.int64]
    ground: NDArray[np.int64]

    @property
    def height(self) -> NDArray[np.int64]:
        """Of the roof above the ground [cm]."""
        known = (self.roof != NOT_KNOWN) & (self.ground != NOT_KNOWN)
        return np.where(known, self.roof - np.where(known, self.ground, 0), NOT_KNOWN)


def _is_one_of(status: NDArray[Any], words: set[str]) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = pd.Series(status, dtype=object).isin(words).to_numpy()
    return found


def reject(facts: Facts, p: Powermapping) -> NDArray[Any]:
    """Why a footprint is not judged: the first reason that holds, or None."""
    gone = _is_one_of(facts.status, set(BAG_STATUSES) - set(p.statuses))
    later = facts.built > (p.heights_year or np.inf)  # never so where the year is not known
    holds = {
        "empty": facts.reason == "empty",
        "invalid": facts.reason == "invalid",
        "not_standing": gone & facts.has_status | (facts.reason == "not_standing"),
        "newer_than_heights": later,
        "off_rasters": ~facts.on_raster,
        "no_data": facts.roof == NOT_KNOWN,
        "no_ground": facts.ground == NOT_KNOWN,
        "not_in_heights": facts.height < to_cm(p.min_height_m),
    }
    reason = np.full(len(facts.reason), None, object)
    for name in reversed(REASONS):
        reason[np.asarray(holds[name], np.bool_)] = name
    return reason


def unknown_status(facts: Facts, p: Powermapping) -> NDArray[np.bool_]:
    """Whether the status is none that is known, or null; never so without that column."""
    known = _is_one_of(facts.status, {*BAG_STATUSES, *p.statuses})
    return ~known & facts.has_status


def stands(reason: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether a footprint is a block and may shelter others: judged, or only without ground."""
    return pd.isna(reason) | (reason == "no_ground")


def compared(facts: Facts, reason: NDArray[Any], p: Powermapping) -> NDArray[np.int64]:
    """The height by which buildings shelter one another [cm]; NOT_KNOWN: shelters nobody."""
    height = facts.roof if p.wind_compare == "nap" else facts.height
    return np.where(stands(reason), height, NOT_KNOWN)


def is_candidate(facts: Facts, reason: NDArray[Any], p: Powermapping) -> NDArray[np.bool_]:
    """Whether a building is high enough for a turbine."""
    return pd.isna(reason) & (facts.height >= to_cm(p.wind_min_height_m))


def shelters(others: NDArray[np.int64], own: int, p: Powermapping) -> NDArray[np.bool_]:
    """Which heights [cm] count as higher than one's own."""
    return others >= own if p.wind_tie == "at_least_as_high" else others > own
