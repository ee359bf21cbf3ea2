"""The planes of a block's buildings as a table, and the columns that are made of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kernels.planes import MOST_PLANES
from pipeline.methods.annual.columns import PLANES
from pipeline.methods.annual.energy import energy_of
from pipeline.methods.annual.interval import of_roof, shade_of
from pipeline.methods.annual.light import PlaneLight
from pipeline.methods.annual.outlines import outlines_of
from pipeline.methods.annual.plane_fields import PLANE
from pipeline.methods.annual.rules import (
    KINDS,
    LAYOUTS,
    YES,
    Annual,
    azimuth_degrees,
    tilt_degrees,
    usable_areas,
)
from pipeline.methods.annual.schemes import Judging, suits, suits_very_well
from pipeline.methods.annual.segments import Segments
from pipeline.methods.buildings import Measured
from pipeline.methods.lists import as_lists
from pipeline.methods.passes import Table, joined

LEAST_DATA, LEAST_KNOWN, MOST_OVERGROWN = 80, 50, 15  # of own cells [%]


def planes_of(
    segments: Segments,
    light: PlaneLight,
    measured: Measured,
    convergence: float,
    best: float,
    p: Annual,
) -> Table:
    """A row a plane, by building: the fields of its struct, and what the columns of buildings are
    made of. best: what the best unshaded plane there gets [kWh/m2]."""
    lying = _lying(segments, measured, convergence, p)
    drawn = p.outlines == YES
    outline = (
        outlines_of(segments, measured.resolution) if drawn else np.full(len(lying["n"]), None)
    )
    free = segments.planes.free / segments.planes.cells
    return {**lying, **_year(lying, free, light, best, p), "outline": outline}


def _lying(segments: Segments, measured: Measured, convergence: float, p: Annual) -> Table:
    """How planes lie, and how large they are."""
    planes, r, building = segments.planes, measured.resolution, segments.building
    count = np.diff(planes.start)
    own, north = np.repeat(planes.own, count), np.repeat(planes.top, count)
    west = segments.window.left + np.repeat(planes.left, count)
    plan = measured.footprints.area[building] * planes.cells / own
    tilt = tilt_degrees(planes.slope_east, planes.slope_north)
    return {
        "building": building,
        "n": np.arange(1, len(building) + 1) - np.repeat(planes.start[:-1], count),
        "is_flat": tilt < p.flat_below_deg,
        "slope_east": planes.slope_east,
        "slope_north": planes.slope_north,
        "z_m": planes.height,
        "tilt_deg": tilt,
        "azimuth_deg": azimuth_degrees(planes.slope_east, planes.slope_north, convergence),
        "plan_m2": plan,
        "area_m2": plan * np.sqrt(1 + planes.slope_east**2 + planes.slope_north**2),
        "rmse_m": planes.rmse,
        "cells": planes.cells,
        "centre_x": (west + 0.5 + planes.column) * r,
        "centre_y": -(segments.window.top + north + 0.5 + planes.row) * r,
    }


def _year(
    lying: Table, free: NDArray[np.float64], light: PlaneLight, best: float, p: Annual
) -> Table:
    """What fits on planes, what it gives in a year, and whether it suits. free: the share of a
    plane's cells beyond the set-back."""
    is_flat, area = lying["is_flat"], lying["area_m2"]
    by_layout = {
        layout: usable_areas(is_flat, lying["tilt_deg"], lying["plan_m2"], area, free, layout, p)
        for layout in LAYOUTS
    }
    usable = by_layout[p.flat_layout]
    flat_kwp = np.column_stack([*by_layout.values()]) * is_flat[:, None] * p.module_kwp_m2
    energy = energy_of(light, usable * p.module_kwp_m2, flat_kwp, p)
    years = energy.irradiation, energy.unshaded
    judging = Judging(is_flat, lying["azimuth_deg"], area, usable, *years)
    return {
        "usable_m2": usable,
        "kwp": usable * p.module_kwp_m2,
        "irradiation_kwh_m2": energy.irradiation,
        "unshaded_kwh_m2": energy.unshaded,
        "sky_view": light.sky_view,
        "kwh": energy.kwh,
        "month_kwh": energy.months,
        "low_kwh": energy.low,
        "high_kwh": energy.high,
        "suitable": suits(judging, best, p),
        "very_suitable": suits_very_well(judging, best, p),
        "unshaded_kwh": energy.unshaded_kwh,
        "unshaded_month_kwh": energy.unshaded_months,
        "flat_kwh": energy.layouts,
    }


def buildings_of(segments: Segments, light: PlaneLight) -> Table:
    """A row a building: its position among all, and numbers of its own cells."""
    planes, count = segments.planes, np.diff(segments.planes.start)
    building = np.repeat(np.arange(len(count)), count)
    return {
        "building": segments.position,
        "own": planes.own,
        "known": planes.known,
        "overgrown": planes.overgrown,
        "found": planes.found,
        "in_planes": np.bincount(building, planes.cells, len(count)).astype(np.int64),
        "reach_cut": light.reach_cut,
    }


def by_building(tables: Sequence[Table]) -> Table:
    """The rows of tables by building, those of one in their order."""
    table = joined([*tables])
    order = np.argsort(table["building"], kind="stable")
    return {name: values[order] for name, values in table.items()}


def spread(buildings: Table, n: int) -> Table:
    """The numbers of each of n buildings; 0 for those without a row."""
    every = {name: np.zeros(n, np.int64) for name in buildings}
    for name, values in buildings.items():
        every[name][buildings["building"]] = values
    return every


def columns_of(planes: Table, cells: Table, n: int) -> dict[str, Any]:
    """The columns of the sun, of n buildings."""
    suitable = planes["suitable"]
    kwh, unshaded = (_sums(planes, planes[x] * suitable, n) for x in ("kwh", "unshaded_kwh"))
    low, high = of_roof(kwh, shade_of(kwh, unshaded))
    months, unshaded_months = (_by_month(planes, f"{x}month_kwh", n) for x in ("", "unshaded_"))
    eastwest, south = (_sums(planes, layout, n) for layout in planes["flat_kwh"].T)
    view = _sums(planes, planes["sky_view"] * planes["cells"], n)
    return {
        "roof_area_m2": _sums(planes, planes["area_m2"], n),
        "roof_flat_m2": _sums(planes, planes["area_m2"] * planes["is_flat"], n),
        "roof_known": cells["in_planes"] / np.maximum(cells["own"], 1),
        "planes": nested(planes, n),
        "panel_area_m2": _sums(planes, planes["usable_m2"] * suitable, n),
        "kwp": _sums(planes, planes["kwp"] * suitable, n),
        "solar_kwh": kwh,
        "solar_low_kwh": low,
        "solar_high_kwh": high,
        "solar_month_kwh": months,
        "unshaded_kwh": unshaded,
        "unshaded_month_kwh": unshaded_months,
        "solar_flat_eastwest_kwh": eastwest,
        "solar_flat_south_kwh": south,
        "sky_view": pa.array(
            view / np.maximum(cells["in_planes"], 1), mask=cells["in_planes"] == 0
        ),
        "solar_suitable": _sums(planes, suitable, n) > 0,
    }


def classes_of(columns: Mapping[str, Any]) -> NDArray[Any]:
    """The class of each building, by what it suits."""
    wind = np.asarray(pc.fill_null(columns["wind_suitable"], False))
    return np.where(wind, "wind_or_solar", np.where(columns["solar_suitable"], "solar", "none"))


def _sums(planes: Table, values: NDArray[Any], n: int) -> NDArray[np.float64]:
    """The sum over each building's planes, in their order."""
    return np.bincount(planes["building"], values, n).astype(np.float64)


def _by_month(planes: Table, name: str, n: int) -> NDArray[np.float32]:
    """The months of each of n buildings: what its suitable planes give together."""
    suitable = planes["suitable"]
    months = [_sums(planes, month * suitable, n) for month in planes[name].T]
    return np.column_stack(months).astype(np.float32)


def nested(planes: Table, n: int) -> pa.Array:
    """The planes of each of n buildings as a list of structs."""
    kind = pa.array(KINDS).take(pa.array((~planes["is_flat"]).astype(np.int8)))
    azimuth = pa.array(planes["azimuth_deg"], mask=planes["is_flat"])
    columns: Mapping[str, Any] = {**planes, "kind": kind, "azimuth_deg": azimuth}
    fields = [_array(columns[field.name], field.type) for field in PLANE]
    structs = pa.StructArray.from_arrays(fields, [field.name for field in PLANE])
    ends = np.cumsum(np.bincount(planes["building"], minlength=n))
    offsets = pa.array(np.concatenate([[0], ends]).astype(np.int32))
    return pa.ListArray.from_arrays(offsets, structs).cast(PLANES.type)


def _array(values: Any, kind: pa.DataType) -> pa.Array:
    """Values as an array, of (planes, k) as lists."""
    if isinstance(values, np.ndarray) and values.ndim == 2:
        return as_lists(values, kind.value_type)
    return pa.array(values, kind)


def flags_of(cells: Table) -> dict[str, NDArray[np.bool_]]:
    """The flags of the method, a mask a name; a building that is not judged has no cells here."""
    own = cells["own"]
    return {
        "poor_data": 100 * cells["known"] < LEAST_DATA * own,
        "rough_roof": 100 * cells["in_planes"] < LEAST_KNOWN * own,
        "overgrown": 100 * cells["overgrown"] > MOST_OVERGROWN * own,
        "many_planes": cells["found"] > MOST_PLANES,
        "reach_cut": cells["reach_cut"] > 0,
    }
