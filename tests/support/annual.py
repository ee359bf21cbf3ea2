"""The bookkeeping of the method `annual` as plainly as it can be written, from a run's raster
layer of planes, its inputs, and how each plane lies and what light its table says that it gets."""

import math
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq
import pyproj
import rasterio.features
import shapely
import zarr
from affine import Affine
from numpy.typing import NDArray

from pipeline.grid.windows import LatticeCell
from pipeline.methods.climate import best_unshaded, climate_of, light_of_year, shipped_climate
from tests.support.march import Field, Place
from tests.support.outcomes import compute
from tests.support.planes import overgrown_of, setback_of
from tests.support.runs import Files, read

REST = 255
DEFAULTS = {
    "flat_below_deg": 10.0, "min_plane_m2": 8.0, "steep_above_deg": 60.0, "pitched_cover": 0.75,
    "flat_layout": "eastwest", "eastwest_cover": 0.9, "south_cover": 0.5, "setback_m": 1.2,
    "module_kwp_m2": 0.2, "scheme": "zonatlas", "performance_ratio": 0.795,
}  # fmt: skip


@dataclass(frozen=True)
class Ground:
    """The heights that a run read [m], on the same cells its layer of planes, and their place."""

    planes: NDArray[np.uint8]
    heights: NDArray[np.float32]
    transform: Affine

    @cached_property
    def place(self) -> Place:
        r = self.resolution
        return Place(round(-self.transform.f / r), round(self.transform.c / r), r)

    @cached_property
    def field(self) -> Field:
        return Field.of(self.heights, self.place)

    @property
    def resolution(self) -> float:
        return float(self.transform.a)

    def own(self, geometry: Any) -> NDArray[np.bool_]:
        """The cells of a footprint."""
        mask: NDArray[np.bool_] = rasterio.features.rasterize(
            [geometry], self.planes.shape, transform=self.transform
        ).astype(bool)
        return mask


def ground_of(files: Files, out: Path) -> Ground:
    """The ground of a run's files, and the layer that it left of them."""
    group = zarr.open_group(out / "rasters.zarr", mode="r")["0"]
    x, y, layer = (np.asarray(group[name]) for name in ("x", "y", "plane"))
    heights, transform, _ = read(files.dsm)
    planes = np.zeros(heights.shape, np.uint8)
    (columns, _), (_, rows) = (np.floor(~transform @ (v, w)) for v, w in ((x, x[0]), (y[0], y)))
    there = [(at >= 0) & (at < n) for at, n in zip((rows, columns), planes.shape, strict=True)]
    at = (v[known].astype(int) for v, known in zip((rows, columns), there, strict=True))
    planes[np.ix_(*at)] = layer[np.ix_(*there)]
    return Ground(planes, heights, transform)


class Finished(NamedTuple):
    """A run with its layer, and what was judged by row; every: all geometries."""

    out: Path
    rows: dict[int, dict[str, Any]]
    ground: Ground
    every: list[Any]

    def own(self, row: dict[str, Any]) -> NDArray[np.bool_]:
        """The cells of a row's footprint."""
        return self.ground.own(shapely.from_wkb(row["geometry"]))

    def alone(self) -> list[dict[str, Any]]:
        """The rows whose cells no other footprint has, all of them on the ground: the most."""
        count = sum(self.ground.own(each).astype(int) for each in self.every)
        odd = {"part_outside", "one_cell"}
        rows = [
            row for row in self.rows.values()
            if not odd & {*row["flags"]} and (count[self.own(row)] == 1).all()
        ]  # fmt: skip
        assert len(rows) > len(self.rows) / 2
        return rows


def finished(files: Files, out: Path, **settings: Any) -> Finished:
    """A run with the layer of planes."""
    compute(files, out, method="annual", layers=("plane",), workers=1, settings=settings)
    table = pq.read_table(out / "buildings.parquet").to_pylist()
    rows = {row["row"]: row for row in table if row["rejected"] is None}
    every = [*shapely.from_wkb([row["geometry"] for row in table])]
    return Finished(out, rows, ground_of(files, out), every)


def convergence(x: float, y: float) -> float:
    """Grid north from true north at the centre of the square of 10,240 m that holds a point."""
    centre = [(math.floor(v / 10_240) + 0.5) * 10_240 for v in (x, y)]
    to_degrees = pyproj.Transformer.from_crs(28992, 4326, always_xy=True)
    place = to_degrees.transform(*centre)
    return round(pyproj.Proj("EPSG:28992").get_factors(*place).meridian_convergence, 3)


def expected(row: dict[str, Any], ground: Ground, **parameters: Any) -> dict[str, Any]:
    """What a row must say, from how each of its planes lies (slopes, height at its centre) and from
    the cells that the raster layer gives it."""
    p = DEFAULTS | parameters
    own, r = ground.own(shapely.from_wkb(row["geometry"])), ground.resolution
    at = np.argwhere(own)
    top, left = at.min(axis=0)
    part = np.s_[top : at[:, 0].max() + 1, left : at[:, 1].max() + 1]
    number = np.where(own, ground.planes, 0)[part]
    heights = ground.heights[part]
    known = int((own[part] & ~np.isnan(heights)).sum())
    free = setback_of(number, len(row["planes"]), p["setback_m"] / r)
    planes, counts = [], own.sum()
    for k, plane in enumerate(row["planes"]):
        planes.append(_plane(plane, number, k + 1, free[k], row, counts, p))
        row_, column = np.argwhere(number == k + 1).mean(axis=0)
        x, y = ground.transform @ (left + column + 0.5, top + row_ + 0.5)
        planes[-1] |= {"centre_x": x, "centre_y": y}
    in_planes = sum(plane["cells"] for plane in planes)
    above = _overgrown(heights, number, row["planes"], planes, ground, top, left)
    for plane, lying in zip(planes, row["planes"], strict=True):
        plane |= _yield(plane, lying, p)
        plane |= _verdict(plane, lying, best_year(row["centre_x"], row["centre_y"]), p)
    suited = [plane for plane in planes if plane["suitable"]]
    flags = {
        "poor_data": known / counts < 0.8,
        "rough_roof": in_planes / counts < 0.5,
        "overgrown": above / counts > 0.15,
    }
    return {
        "planes": planes,
        "roof_area_m2": sum(plane["area_m2"] for plane in planes),
        "roof_flat_m2": sum(plane["area_m2"] for plane in planes if plane["kind"] == "flat"),
        "roof_known": in_planes / counts,
        "panel_area_m2": sum(plane["usable_m2"] for plane in suited),
        "kwp": sum(plane["kwp"] for plane in suited),
        **_roof(suited, planes, row["planes"], p),
        "solar_suitable": bool(suited),
        "class": "wind_or_solar" if row["wind_suitable"] else "solar" if suited else "none",
        "flags": {name for name, holds in flags.items() if holds},
    }


def _plane(
    plane: dict[str, Any],
    number: NDArray[np.uint8],
    n: int,
    free: int,
    row: dict[str, Any],
    own: int,
    p: dict[str, Any],
) -> dict[str, Any]:
    east, north, cells = plane["slope_east"], plane["slope_north"], int((number == n).sum())
    tilt = round(math.degrees(math.atan(math.hypot(east, north))), 3)
    grid = math.degrees(math.atan2(-east, -north))
    azimuth = round(grid + convergence(row["centre_x"], row["centre_y"]), 3) % 360
    flat = tilt < p["flat_below_deg"]
    plan = row["area_m2"] * cells / own
    area = plan / math.cos(math.atan(math.hypot(east, north)))
    usable = p["pitched_cover"] * area
    if flat:
        usable = p[f"{p['flat_layout']}_cover"] * plan * free / cells
    if area < p["min_plane_m2"] or tilt > p["steep_above_deg"]:
        usable = 0.0
    return {
        "n": n,
        "kind": "flat" if flat else "pitched",
        "tilt_deg": tilt,
        "azimuth_deg": None if flat else azimuth,
        "plan_m2": plan,
        "area_m2": area,
        "cells": cells,
        "usable_m2": usable,
        "kwp": usable * p["module_kwp_m2"],
    }


@cache
def best_year(x: float, y: float) -> float:
    """The year of the best unshaded plane of the square that holds a point [kWh/m2]."""
    square = LatticeCell(*(math.floor(v / 10_240) for v in (x, y)))
    light = light_of_year(climate_of(shipped_climate(), square))
    return best_unshaded(light, math.radians(convergence(x, y)))[0]


def _yield(plane: dict[str, Any], lying: dict[str, Any], p: dict[str, Any]) -> dict[str, Any]:
    """What a plane gives, from what the table says of its light."""
    kwh = plane["kwp"] * lying["irradiation_kwh_m2"] * p["performance_ratio"]
    unshaded = plane["kwp"] * lying["unshaded_kwh_m2"] * p["performance_ratio"]
    return {"kwh": kwh, **_interval(kwh, unshaded, "low_kwh", "high_kwh")}


def _interval(kwh: float, unshaded: float, low: str, high: str) -> dict[str, float]:
    shade = 1 - kwh / unshaded if unshaded else 0.0
    parts = (0.04, 0.02, 0.06, 0.02, 0.10, 0.03, 0.25 * shade)
    factor = math.exp(1.28 * math.sqrt(sum(part**2 for part in parts)))
    return {low: kwh / factor, high: kwh * factor}


def _verdict(
    plane: dict[str, Any], lying: dict[str, Any], best: float, p: dict[str, Any]
) -> dict[str, Any]:
    azimuth = plane["azimuth_deg"]
    year, open_year = lying["irradiation_kwh_m2"], lying["unshaded_kwh_m2"]
    north = {
        "nrel": azimuth is not None and (azimuth >= 292.5 or azimuth < 67.5),
        "deloitte": azimuth is not None and (azimuth >= 315 or azimuth < 45),
    }
    holds = {
        "zonatlas": year >= 0.7 * best,
        "nrel": year >= 0.7 * open_year and not north["nrel"] and plane["area_m2"] >= 10,
        "deloitte": year >= 690 and not north["deloitte"],
        "orientation": azimuth is None or 112.5 <= azimuth < 247.5,
    }
    very = plane["usable_m2"] > 0 and year >= 0.85 * best
    return {
        "suitable": plane["usable_m2"] > 0 and holds[p["scheme"]],
        "very_suitable": very if p["scheme"] == "zonatlas" else None,
    }


def _roof(
    suited: list[dict[str, Any]],
    planes: list[dict[str, Any]],
    lying: list[dict[str, Any]],
    p: dict[str, Any],
) -> dict[str, Any]:
    """What a roof gives; lying: what the table says of its planes' light."""
    kwh = sum(plane["kwh"] for plane in suited)
    unshaded = p["performance_ratio"] * sum(
        plane["kwp"] * light["unshaded_kwh_m2"]
        for plane, light in zip(planes, lying, strict=True)
        if plane["suitable"]
    )
    cells = sum(plane["cells"] for plane in planes)
    seen = sum(
        plane["cells"] * light["sky_view"] for plane, light in zip(planes, lying, strict=True)
    )
    flat = sum(plane["kwh"] for plane in planes if plane["kind"] == "flat")
    return {
        "solar_kwh": kwh,
        "unshaded_kwh": unshaded,
        **_interval(kwh, unshaded, "solar_low_kwh", "solar_high_kwh"),
        "sky_view": seen / cells if cells else None,
        f"solar_flat_{p['flat_layout']}_kwh": flat,
    }


def _overgrown(
    heights: NDArray[np.float32],
    number: NDArray[np.uint8],
    lying: list[dict[str, Any]],
    planes: list[dict[str, Any]],
    ground: Ground,
    top: int,
    left: int,
) -> int:
    """Cells of the rest that stand more than 1 m over the nearest plane."""
    places = [~ground.transform @ (each["centre_x"], each["centre_y"]) for each in planes]
    made: Any = SimpleNamespace(
        column=[x - left - 0.5 for x, _ in places],
        row=[y - top - 0.5 for _, y in places],
        top=[0],
        left=[0],
        height=[each["z_m"] for each in lying],
        slope_east=[each["slope_east"] for each in lying],
        slope_north=[each["slope_north"] for each in lying],
    )
    cm: NDArray[np.float32] = np.rint(100 * heights.astype(float)) / 100
    return overgrown_of(cm, number, made, 1.0)
