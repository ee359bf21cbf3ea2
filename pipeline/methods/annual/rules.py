"""The method `annual`: its parameters, and what follows from how a plane lies.

docs/methods/annual.md states it whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.grid.sun import convergence_degrees
from pipeline.grid.windows import LatticeCell
from pipeline.methods.buildings import BuildingParameters, CandidateParameter, CentreParameter
from pipeline.methods.parameters import parameter
from pipeline.terms import Field

NAME = "annual"
FLAT, PITCHED = KINDS = ("flat", "pitched")
YES, NO = "yes", "no"
EASTWEST, SOUTH = LAYOUTS = ("eastwest", "south")  # in the order of PlaneLight
ZONATLAS, NREL, DELOITTE, ORIENTATION = SCHEMES = ("zonatlas", "nrel", "deloitte", "orientation")
MACDONALD, KANDA = ROUGHNESS_MODELS = ("macdonald", "kanda")
DIRECTIONS = ("n", "ne", "e", "se", "s", "sw", "w", "nw")
DIGITS = 3  # degrees are rounded to this before use, so that no platform's last bit decides
COARSEST_M = 1.0  # side of a cell: on coarser ones most planes have too few
RELIEF_M = 32.0  # side of the squares of a far horizon
OVERGROWN_M = 1.0  # a cell of the rest so far above the nearest plane is not of the roof


# fmt: off
# Parameters are listed in the order of these classes, from the first that is derived from.


@dataclass(frozen=True)
class _Sun(CentreParameter, BuildingParameters):
    flat_below_deg: float = parameter(
        "number", 10.0,
        "noise of 5 cm makes fewer than 0.03 % of the cells of a flat roof look steeper",
        unit="degrees", minimum=0, maximum=45,
    )
    min_plane_cells: int = parameter(
        "integer", 8, "an assumption: 2 m2 of AHN's cells of 0.5 m; fewer do not tell a plane",
        minimum=3, maximum=10_000,
    )
    min_plane_m2: float = parameter(
        "number", 8.0, "true area of the smallest plane with modules: as Zonatlas Utrecht has it",
        unit="m2", minimum=0, maximum=10_000,
    )
    steep_above_deg: float = parameter(
        "number", 60.0, "planes that are steeper have no modules: NREL (2016), Palmer (2018)",
        unit="degrees", minimum=0, maximum=90,
    )
    pitched_cover: float = parameter(
        "number", 0.75,
        "an assumption: the share of a pitched plane that edges, windows and whole modules leave",
        minimum=0, maximum=1,
    )
    flat_layout: str = parameter(
        "choice", EASTWEST,
        "rows on flat planes: eastwest, at 10 degrees, as is built today (an assumption); south: at"
        " 15 degrees",
        choices=LAYOUTS,
    )
    eastwest_cover: float = parameter(
        "number", 0.9, "an assumption: modules at 10 degrees, back to back, leave paths alone",
        minimum=0, maximum=1,
    )
    south_cover: float = parameter(
        "number", 0.5,
        "1 / (cos 15 + sin 15 / tan 14): rows that do not shade one another at noon on the shortest"
        " day",
        minimum=0, maximum=1,
    )
    setback_m: float = parameter(
        "number", 1.2, "free of modules along edges and obstacles of flat planes, as is usual",
        unit="m", minimum=0, maximum=20,
    )
    module_kwp_m2: float = parameter(
        "number", 0.20, "an assumption: the peak power of modules of 20 %, by their area",
        unit="kWp/m2", minimum=0.01, maximum=1,
    )
    panel_m2: float = parameter(
        "number", 1.95, "an assumption: the area of a module, by which a roof's card counts them",
        unit="m2", minimum=0.1, maximum=10,
    )
    directions: int = parameter(
        "integer", 72,
        "of the horizon: behind hard obstacles 72 are right to 0.34 % of the open year (rms), 36 to"
        " 0.72 % (computed)",
        minimum=16, maximum=360, multiple_of=4,
    )
    module_lift_m: float = parameter(
        "number", 0.10, "an assumption: how high above its plane a module looks around", unit="m",
        minimum=0, maximum=2,
    )
    albedo: float = parameter(
        "number", 0.2, "an assumption, as is usual: the part of the light that the ground returns",
        minimum=0, maximum=1,
    )
    performance_ratio: float = parameter(
        "number", 0.795,
        "computed: a year at Schiphol with losses of 14 %, an inverter of 96 %, modules as warm as"
        " there; 0.73 was measured of a Dutch fleet",
        minimum=0.1, maximum=1,
    )
    reach_height_m: float = parameter(
        "number", 30.0, "what may stand unseen beyond the inputs before a row is flagged", unit="m",
        minimum=0, maximum=400,
    )
    household_kwh: float = parameter(
        "number", 2550.0, "what an average household took from the grid in 2024: CBS",
        unit="kWh/year", minimum=100, maximum=100_000,
    )
    scheme: str = parameter(
        "choice", ZONATLAS,
        "which planes suit: by what they get, as Zonatlas Utrecht, NREL (2016) or Deloitte (2018)"
        " have it; orientation: flat ones, and those that face SE, S or SW, as the study wished",
        choices=SCHEMES,
    )
    outlines: str = parameter(
        "choice", YES, "whether the table has the outlines of planes; no: null, a smaller table",
        choices=(YES, NO),
    )


@dataclass(frozen=True)
class Annual(CandidateParameter, _Sun):
    """The parameters of the method."""

    mast_m: float = parameter(
        "number", 5.0, "an assumption: how high above the roof a turbine's hub stands", unit="m",
        minimum=1, maximum=50,
    )
    roof_speedup: float = parameter(
        "number", 1.0,
        "a factor on every speed at the hub; none by default: what an edge adds holds for its best"
        " spot alone",
        minimum=0.5, maximum=2,
    )
    fetch_m: float = parameter(
        "number", 1000.0, "an assumption: how far around what stands is the roughness of a roof",
        unit="m", minimum=300, maximum=3000,
    )
    roughness_model: str = parameter(
        "choice", MACDONALD,
        "roughness and displacement from what stands: Macdonald et al. (1998), made for even"
        " heights; kanda: Kanda et al. (2013), for uneven ones",
        choices=ROUGHNESS_MODELS,
    )
    porosity: float = parameter(
        "number", 0.0, "of what rises above the roof: Perera (1981); 0 is solid, as buildings are",
        minimum=0, maximum=1,
    )
    turbine: str = parameter(
        "text", "study", "a name in turbines.csv; study: the vertical-axis one of the study",
    )
    wind_min_kwh: float = parameter(
        "number", 500.0,
        "an assumption: below this field yield three panels give more; small turbines in trials"
        " gave 73-393",
        unit="kWh/year", minimum=0, maximum=100_000,
    )
# fmt: on


def tilt_degrees(east: NDArray[np.float64], north: NDArray[np.float64]) -> NDArray[np.float64]:
    """The tilt of planes, from their slopes dz/dx and dz/dy [degrees, three decimals]."""
    tilt: NDArray[np.float64] = np.degrees(np.arctan(np.sqrt(east**2 + north**2)))
    return tilt.round(DIGITS)


def azimuth_degrees(
    east: NDArray[np.float64], north: NDArray[np.float64], convergence: float
) -> NDArray[np.float64]:
    """The compass direction that planes face, downhill, from true north [degrees, three decimals,
    below 360]. convergence: grid north from true north, eastward [degrees]."""
    grid: NDArray[np.float64] = np.degrees(np.arctan2(-east, -north))
    return (grid + convergence).round(DIGITS) % 360.0


def is_between(azimuth: NDArray[np.float64], first: float, end: float) -> NDArray[np.bool_]:
    """Which azimuths lie clockwise from the first up to the end, half open [degrees]."""
    return (azimuth - first) % 360.0 < (end - first) % 360.0


def usable_areas(
    is_flat: NDArray[np.bool_],
    tilt: NDArray[np.float64],
    plan: NDArray[np.float64],
    area: NDArray[np.float64],
    free: NDArray[np.float64],
    layout: str,
    p: Annual,
) -> NDArray[np.float64]:
    """The area of modules on each plane [m2]. plan, area: seen from above, and true [m2]; free: the
    share of its cells beyond the set-back; layout: on flat planes."""
    flat = p.eastwest_cover if layout == EASTWEST else p.south_cover
    modules = np.where(is_flat, flat * (free * plan), p.pitched_cover * area)
    return np.where((area >= p.min_plane_m2) & (tilt <= p.steep_above_deg), modules, 0.0)


def convergence_of(square: LatticeCell) -> float:
    """Grid north from true north in a square of the lattice, eastward [degrees]."""
    return round(convergence_degrees(square), DIGITS)


def convergences(p: Annual, squares: Sequence[LatticeCell]) -> dict[str, Any]:
    """Grid north from true north in each square of the lattice [degrees]."""
    return {
        "convergence": [
            {"lattice": list(square), "degrees": convergence_of(square)} for square in squares
        ]
    }


def check(p: Annual, squares: Sequence[LatticeCell], removed: Sequence[str]) -> None:
    """Raises InputError for a building to be taken away: it stands in the measured surface, and so
    would go on to shade and to shelter."""
    if removed:
        raise InputError(
            Field("remove_building", removed[0]),
            "stands in the measured surface",
            "give a DSM without it",
        )


def check_cells(resolution: float) -> None:
    """Raises InputError for cells that are too coarse, or of which 32 m is no whole number."""
    if resolution > COARSEST_M:
        raise InputError(
            Field("method", NAME),
            "takes cells of 1 m at most, and these are {size:g} m",
            "give AHN's sheets of 0.5 m, since roof planes need them",
            size=resolution,
        )
    if not (RELIEF_M / resolution).is_integer():
        raise InputError(
            Field("method", NAME),
            "takes cells of which 32 m is a whole number, and these are {size:g} m",
            "give AHN's sheets of 0.5 m",
            size=resolution,
        )
