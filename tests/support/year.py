"""The year of sun of the method `annual` as plainly as it can be written: from heights, a run's
raster layer of planes and how its table says that they lie. Every cell, direction and sun by
itself; of the program only the suns of a square are taken, which are proven elsewhere."""

import math
from functools import cache
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.grid.windows import LatticeCell
from pipeline.methods.climate import SquareClimate, climate_of, shipped_climate
from tests.support.annual import DEFAULTS as BOOKS
from tests.support.annual import Ground, convergence
from tests.support.march import Receivers, tangents

Reals = NDArray[np.float64]
Cells = NDArray[np.int64]
BINS, OPEN = 256, 8
WIDTH = math.pi / 2 / BINS
FLOOR = math.radians(3)
SQUARE = 10_240.0
LAYOUTS = {"eastwest": ((10, 90), (10, 270)), "south": ((15, 180),)}  # tilt, true azimuth
DEFAULTS = BOOKS | {"directions": 72, "module_lift_m": 0.1, "albedo": 0.2}


def square_of(x: float, y: float) -> LatticeCell:
    return LatticeCell(math.floor(x / SQUARE), math.floor(y / SQUARE))


@cache
def table_of(square: LatticeCell, directions: int) -> Reals:
    """(12, directions, BINS, 3), sun by sun."""
    suns = climate_of(shipped_climate(), square).suns
    table = np.zeros((12, directions, BINS, 3))
    edges = np.arange(BINS) * WIDTH
    for e, a, energy, month in zip(*suns, strict=True):
        degrees = round(math.degrees(a), 3)
        away = [abs((degrees - k * 360 / directions + 180) % 360 - 180) for k in range(directions)]
        k = int(np.argmin(np.round(away, 9)))
        above = np.clip((e - edges) / WIDTH, 0, 1)
        above[: OPEN + 1] = 1
        vector = math.sin(a) * math.cos(e), math.cos(a) * math.cos(e), math.sin(e)
        table[month, k] += energy * above[:, None] * np.array(vector)
    return table


def bins_of(tangent: Reals) -> Cells:
    return np.clip(np.floor(np.arctan(tangent) / WIDTH), 0, BINS - 1).astype(np.int64)


def uphill(gradient: tuple[float, float], directions: int) -> Reals:
    """The tangents of a plane's own horizon."""
    turns = 2 * math.pi * np.arange(directions) / directions
    return np.maximum(gradient[0] * np.sin(turns) + gradient[1] * np.cos(turns), 0)


def view_of(gradient: tuple[float, float], bins: Cells) -> Reals:
    """Dozier and Frew's view of the sky: (cells,) of bins (cells, directions)."""
    zenith = np.where(bins > OPEN, math.pi / 2 - (bins + 0.5) * WIDTH, math.pi / 2)
    turns = 2 * math.pi * np.arange(bins.shape[1]) / bins.shape[1]
    b = math.atan(math.hypot(*gradient))
    falls = math.atan2(-gradient[0], -gradient[1])
    part = math.cos(b) * np.sin(zenith) ** 2
    part = part + math.sin(b) * np.cos(turns - falls) * (zenith - np.sin(zenith) * np.cos(zenith))
    return np.asarray(part.mean(axis=1))


def months_of(
    gradient: tuple[float, float], bins: Cells, square: LatticeCell, albedo: float
) -> Reals:
    """What cells get on a module that lies so, behind horizons: (cells, 12) [kWh/m2]."""
    climate: SquareClimate = climate_of(shipped_climate(), square)
    table = table_of(square, bins.shape[1])
    level = 1 / math.sqrt(1 + gradient[0] ** 2 + gradient[1] ** 2)
    normal = np.array([-gradient[0], -gradient[1], 1]) * level
    facing = table @ normal  # (12, directions, BINS)
    ways = np.arange(bins.shape[1])
    beam = np.array([month[ways, bins].sum(axis=1) for month in facing]).T
    view = view_of(gradient, bins)[:, None]
    band = climate.band * math.sqrt(1 - level**2) / ((1 + level) / 2)
    ground = albedo * climate.irradiation * (1 - level) / 2
    return np.asarray(beam + (climate.isotropic + band) * view + ground)


def gradient_of(tilt: float, azimuth: float, north: float) -> tuple[float, float]:
    """dz/dx and dz/dy of a module by tilt and true azimuth; north: the convergence [degrees]."""
    steep, falls = math.tan(math.radians(tilt)), math.radians(azimuth - north)
    return -steep * math.sin(falls), -steep * math.cos(falls)


def plane_year(
    plane: dict[str, Any], cells: Cells, ground: Ground, centre: tuple[float, float],
    p: dict[str, Any],
) -> dict[str, Any]:  # fmt: skip
    """What a plane's modules get, by layout: `months` and `unshaded`, (12,) each [kWh/m2], from the
    mean over its cells (rows and columns of the ground); and `sky_view`."""
    square, north = square_of(*centre), convergence(*centre)
    own = (plane["slope_east"], plane["slope_north"])
    x, y = ground.transform @ (cells[:, 1] + 0.5, cells[:, 0] + 0.5)
    height = np.full(ground.heights.shape, np.nan, np.float32)
    height[tuple(cells.T)] = (
        plane["z_m"] + own[0] * (x - plane["centre_x"]) + own[1] * (y - plane["centre_y"])
        + p["module_lift_m"]
    )  # fmt: skip
    level = Receivers(height, np.zeros((*height.shape, 2), np.float32))
    k = p["directions"]
    ways = 2 * math.pi * np.arange(k) / k
    seen = tangents(ground.heights, ground.place, cells, ways, FLOOR, level, ground.field)
    flat = plane["kind"] == "flat"
    layouts = LAYOUTS if flat else dict.fromkeys(LAYOUTS)
    found: dict[str, Any] = {"months": {}, "unshaded": {}}
    for name, modules in layouts.items():
        ways_up = [gradient_of(*module, north) for module in modules] if modules else [own]
        bins = [bins_of(np.maximum(seen, uphill(g, k))) for g in ways_up]
        open_ = [bins_of(uphill(g, k))[None] for g in ways_up]
        for what, horizons in (("months", bins), ("unshaded", open_)):
            each = [
                months_of(g, b, square, p["albedo"]) for g, b in zip(ways_up, horizons, strict=True)
            ]
            found[what][name] = np.mean(each, axis=0).mean(axis=0)
    lies = (0.0, 0.0) if flat else own
    found["sky_view"] = view_of(lies, bins_of(np.maximum(seen, uphill(lies, k)))).mean()
    return found


def expected_year(row: dict[str, Any], ground: Ground, **parameters: Any) -> dict[str, Any]:
    """What a row must say of the light on its planes, from how each of them lies, its modules and
    which of them suit; what follows from that light is `expected` in `tests.support.annual`."""
    p = DEFAULTS | parameters
    own, kept = ground.own(shapely.from_wkb(row["geometry"])), p["flat_layout"]
    planes, flat = [], dict.fromkeys(LAYOUTS, 0.0)
    months, unshaded_months = np.zeros(12), np.zeros(12)
    for plane in row["planes"]:
        cells = np.argwhere(own & (ground.planes == plane["n"]))
        year = plane_year(plane, cells, ground, (row["centre_x"], row["centre_y"]), p)
        yields = plane["kwp"] * p["performance_ratio"]
        got, free = year["months"][kept], year["unshaded"][kept]
        planes.append({
            "irradiation_kwh_m2": got.sum(), "unshaded_kwh_m2": free.sum(),
            "sky_view": year["sky_view"], "month_kwh": yields * got,
        })  # fmt: skip
        if plane["kind"] == "flat":
            for layout in LAYOUTS:
                cover = p[f"{layout}_cover"] / p[f"{kept}_cover"]
                flat[layout] += yields * cover * year["months"][layout].sum()
        if plane["suitable"]:
            months, unshaded_months = months + yields * got, unshaded_months + yields * free
    return {
        "planes": planes,
        "solar_month_kwh": months,
        "unshaded_month_kwh": unshaded_months,
        **{f"solar_flat_{layout}_kwh": kwh for layout, kwh in flat.items()},
    }
