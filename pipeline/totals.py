"""What the rows of a run add up to."""

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.methods.powermapping import FLAGS, REASONS

CLASSES = ("solar", "wind_or_solar", "none")
EXCLUDED = ("solar", "wind", "both")

COLUMNS = (
    "selected",
    "rejected",
    "excluded",
    "class",
    "area_m2",
    "solar_suitable",
    "panel_area_m2",
    "solar_kwh",
    "wind_candidate",
    "wind_shadowed",
    "wind_suitable",
    "wind_kwh",
)

Sums = dict[str, int | float]


def contributions(buildings: pa.Table) -> dict[str, np.ndarray]:
    """What each row adds to each sum, from COLUMNS: bool to count, float64 to add [m2, kWh].

    All but `footprints` are of the selected rows. What a restriction excludes from sun or wind is
    not in `solar_suitable`, `wind_suitable` and the measures behind them; it keeps its class.
    """
    selected = _booleans(buildings, "selected")
    judged = selected & buildings["rejected"].is_null().to_numpy()
    out = {kind: selected & _equals(buildings, "excluded", kind) for kind in EXCLUDED}
    solar = judged & _booleans(buildings, "solar_suitable") & ~(out["solar"] | out["both"])
    wind = judged & _booleans(buildings, "wind_suitable") & ~(out["wind"] | out["both"])
    area = _numbers(buildings, "area_m2")
    return {
        "footprints": np.ones(len(selected), bool),
        "selected": selected,
        "judged": judged,
        "rejected": selected & ~judged,
        **{f"class_{name}": judged & _equals(buildings, "class", name) for name in CLASSES},
        "solar_suitable": solar,
        "wind_candidates": judged & _booleans(buildings, "wind_candidate"),
        "wind_shadowed": judged & _booleans(buildings, "wind_shadowed"),
        "wind_suitable": wind,
        **{f"excluded_{kind}": rows for kind, rows in out.items()},
        "roof_m2": area * judged,
        "suitable_roof_m2": area * solar,
        "panel_m2": _numbers(buildings, "panel_area_m2") * solar,
        "solar_kwh": _numbers(buildings, "solar_kwh") * solar,
        "wind_kwh": _numbers(buildings, "wind_kwh") * wind,
    }


def total(parts: dict[str, np.ndarray], rows: np.ndarray | slice) -> Sums:
    """Sums over `rows`; exactly rounded, so they do not depend on order or on how it is cut."""
    return {
        name: int(values[rows].sum()) if values.dtype == bool else math.fsum(values[rows].tolist())
        for name, values in parts.items()
    }


def sections(sums: Sums, household_kwh: float, households: float | None) -> dict[str, Any]:
    """The four sections of a report that are sums."""
    kwh = {"solar": sums["solar_kwh"], "wind": sums["wind_kwh"]}
    kwh["total"] = kwh["solar"] + kwh["wind"]
    served = {name: value / household_kwh for name, value in kwh.items()}
    if households is not None and households > 0:
        served |= {"number": households, "share": served["total"] / households}
    counts = {name: value for name, value in sums.items() if isinstance(value, int)}
    area = {name: sums[f"{name}_m2"] / 10_000 for name in ("roof", "suitable_roof", "panel")}
    return {
        "counts": _gather(_gather(counts, "class"), "excluded"),
        "area_ha": area,
        "kwh": kwh,
        "households": served,
    }


def _gather(flat: dict[str, Any], group: str) -> dict[str, Any]:
    """`flat` with its entries `group`_x put together under `group`."""
    inner = {name: value for name, value in flat.items() if name.startswith(f"{group}_")}
    outer = {name: value for name, value in flat.items() if name not in inner}
    return outer | {group: {n.removeprefix(f"{group}_"): value for n, value in inner.items()}}


def accounting(buildings: pa.Table, cells: dict[str, Any]) -> dict[str, Any]:
    """Read = judged + rejected by reason; flags; cells. Of all rows."""
    rejected = dict.fromkeys(REASONS, 0) | _tally(buildings["rejected"])
    flags = dict.fromkeys(FLAGS, 0) | _tally(pc.list_flatten(buildings["flags"]))
    return {
        "read": buildings.num_rows,
        "judged": buildings["rejected"].null_count,
        "rejected": rejected,
        "repaired": flags["repaired"],
        "flags": flags,
        "cells": cells,
    }


def _tally(values: pa.ChunkedArray) -> dict[str, int]:
    counted = pc.value_counts(values.drop_null()).to_pylist()
    return {entry["values"]: entry["counts"] for entry in counted}


def _booleans(table: pa.Table, name: str) -> np.ndarray:
    filled: np.ndarray = pc.fill_null(table[name], False).to_numpy()
    return filled


def _numbers(table: pa.Table, name: str) -> np.ndarray:
    filled: np.ndarray = pc.fill_null(table[name], 0.0).to_numpy()
    return filled


def _equals(table: pa.Table, name: str, value: str) -> np.ndarray:
    equal: np.ndarray = pc.fill_null(pc.equal(table[name], value), False).to_numpy()
    return equal
