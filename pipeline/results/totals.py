"""What the rows of a run add up to."""

import math
from collections.abc import Mapping
from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.methods.powermapping.rules import CLASSES, FLAGS, REASONS
from pipeline.results.columns import EXCLUDED

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
    "lit_area_m2",
    "flags",
)
LEGEND = ("selected", "rejected", "excluded", "class", "solar_suitable", "wind_suitable")
JUDGED = (*CLASSES, "set_aside")  # the lines of a legend that judged roofs stand in

AREAS = ("roof", "suitable_roof", "panel", "lit_roof")

Sums = dict[str, int | float]


def contributions(buildings: pa.Table) -> dict[str, np.ndarray]:
    """What each row adds to each sum, from COLUMNS: bool to count, float64 to add [m2, kWh].

    All but `footprints` are of the selected rows. What a restriction excludes from sun or wind is
    not in `solar_suitable`, `wind_suitable` and the measures behind them; it keeps its class.
    """
    selected = _booleans(buildings, "selected")
    judged = selected & buildings["rejected"].is_null().to_numpy()
    out = {kind: selected & _equals(buildings, "excluded", kind) for kind in EXCLUDED}
    solar, wind = counted(buildings)
    area, small = _numbers(buildings, "area_m2"), flagged(buildings, "one_cell")
    lines = {name: rows for name, rows in legend(buildings).items() if name in JUDGED}
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
        **{f"legend_{name}": rows for name, rows in lines.items()},
        **{f"one_cell_{name}": rows & small for name, rows in lines.items()},
        "roof_m2": area * judged,
        "suitable_roof_m2": area * solar,
        "lit_roof_m2": _numbers(buildings, "lit_area_m2") * judged,
        "panel_m2": _numbers(buildings, "panel_area_m2") * solar,
        "solar_kwh": _numbers(buildings, "solar_kwh") * solar,
        "wind_kwh": _numbers(buildings, "wind_kwh") * wind,
    }


def counted(buildings: pa.Table) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which rows count as suitable for sun, and which for wind: selected, and no restriction sets
    them aside from it."""
    selected, both = _booleans(buildings, "selected"), _equals(buildings, "excluded", "both")
    solar, wind = (
        selected
        & _booleans(buildings, f"{use}_suitable")
        & ~(_equals(buildings, "excluded", use) | both)
        for use in ("solar", "wind")
    )
    return solar, wind


def legend(buildings: pa.Table) -> dict[str, NDArray[np.bool_]]:
    """The rows behind each line of a legend, from LEGEND; each row stands in one line.

    A class holds what counts in the totals for it: a roof that restrictions leave only the sun is
    one of `solar`, and one that they leave nothing is `set_aside`.
    """
    selected = _booleans(buildings, "selected")
    judged = selected & buildings["rejected"].is_null().to_numpy()
    solar, wind = counted(buildings)
    neither = judged & _equals(buildings, "class", "none")
    return {
        "solar": solar & ~wind,
        "wind_or_solar": wind,
        "none": neither,
        "set_aside": judged & ~neither & ~solar & ~wind,
        "not_judged": selected & ~judged,
        "unselected": ~selected,
    }


class Totals:
    """The sums of each of some groups of rows, of tables that come one after another.

    They are exactly rounded, so they do not depend on the order of rows or on how they are cut.
    """

    def __init__(self, groups: int = 1) -> None:
        self._groups = groups
        self._counts: dict[str, np.ndarray] = {}  # rows by group
        self._parts: dict[str, list[list[float]]] = {}  # by group, numbers of the same exact sum

    def add(self, buildings: pa.Table, group: np.ndarray | None = None) -> None:
        """Add rows with COLUMNS; group: of each row the number, by default 0."""
        group = np.zeros(buildings.num_rows, np.int64) if group is None else group
        order = np.argsort(group, kind="stable")
        there, starts = np.unique(group[order], return_index=True)
        for name, values in contributions(buildings).items():
            if values.dtype == bool:
                counted = np.bincount(group[values], minlength=self._groups)
                self._counts[name] = self._counts.get(name, 0) + counted
                continue
            parts = self._parts.setdefault(name, [[] for _ in range(self._groups)])
            values = values[order]
            for number, (start, end) in zip(there, pairwise([*starts, len(values)]), strict=True):
                added = values[start:end]
                parts[number] = exact([*parts[number], *added[added != 0].tolist()])

    def sums(self, group: int = 0) -> Sums:
        """The sums of a group, after at least one table."""
        counts = {name: int(counted[group]) for name, counted in self._counts.items()}
        return counts | {name: math.fsum(parts[group]) for name, parts in self._parts.items()}

    def whole(self) -> Sums:
        """The sums of all groups together, exactly rounded as well."""
        counts = {name: int(counted.sum()) for name, counted in self._counts.items()}
        parts = {name: [p for each in of for p in each] for name, of in self._parts.items()}
        return counts | {name: math.fsum(every) for name, every in parts.items()}


def exact(values: list[float]) -> list[float]:
    """A few numbers whose exact sum is that of all the values: the sum as a double, the rest that
    this leaves as a double, and so on."""
    parts: list[float] = []
    while rest := math.fsum([*values, *(-part for part in parts)]):
        parts.append(rest)
        if not math.isfinite(rest):
            break
    return parts


def sections(sums: Sums, household_kwh: float, households: float | None) -> dict[str, Any]:
    """The four sections of a report that are sums."""
    kwh = {"solar": sums["solar_kwh"], "wind": sums["wind_kwh"]}
    kwh["total"] = kwh["solar"] + kwh["wind"]
    counts = {name: value for name, value in sums.items() if isinstance(value, int)}
    area = {name: sums[f"{name}_m2"] / 10_000 for name in AREAS}
    return {
        "counts": reduce(_gather, ("class", "excluded", "legend", "one_cell"), counts),
        "area_ha": area,
        "kwh": kwh,
        "households": served(kwh, household_kwh, households),
    }


def served(
    kwh: dict[str, float], household_kwh: float, households: float | None
) -> dict[str, float]:
    """How many households that much serves, and if their number is known the share of those."""
    found = {name: value / household_kwh for name, value in kwh.items()}
    if households is not None and households > 0:
        found |= {"number": households, "share": found["total"] / households}
    return found


def yields_of(
    suitable_roof_ha: float, presets: Mapping[str, Mapping[str, float]]
) -> dict[str, dict[str, float]]:
    """What the same roofs come to by each preset of yields: the parameters that it sets, hectares
    of panels, kWh of sun a year, and the households that use as much."""
    found = {}
    for name, preset in presets.items():
        panel_ha = preset["panel_share"] * suitable_roof_ha
        kwh = 10_000 * panel_ha * preset["solar_kwh_m2"]
        households = kwh / preset["household_kwh"]
        found[name] = {**preset, "panel_ha": panel_ha, "solar_kwh": kwh, "households": households}
    return found


def _gather(flat: dict[str, Any], group: str) -> dict[str, Any]:
    """`flat` with its entries `group`_x put together under `group`."""
    inner = {name: value for name, value in flat.items() if name.startswith(f"{group}_")}
    outer = {name: value for name, value in flat.items() if name not in inner}
    return outer | {group: {n.removeprefix(f"{group}_"): value for n, value in inner.items()}}


class Accounting:
    """Read = judged + rejected by reason; flags; cells. Of all rows of tables one after another."""

    def __init__(self) -> None:
        self._read = self._judged = 0
        self._rejected = dict.fromkeys(REASONS, 0)
        self._flags = dict.fromkeys(FLAGS, 0)

    def add(self, buildings: pa.Table) -> None:
        """Add rows with the columns `rejected` and `flags`."""
        self._read += buildings.num_rows
        self._judged += buildings["rejected"].null_count
        _tally(self._rejected, buildings["rejected"])
        _tally(self._flags, pc.list_flatten(buildings["flags"]))

    def section(self, cells: dict[str, Any]) -> dict[str, Any]:
        """The section of a report."""
        return {
            "read": self._read,
            "judged": self._judged,
            "rejected": self._rejected,
            "repaired": self._flags["repaired"],
            "flags": self._flags,
            "cells": cells,
        }


def _tally(counted: dict[str, int], values: pa.ChunkedArray) -> None:
    for entry in pc.value_counts(values.drop_null()).to_pylist():
        counted[entry["values"]] = counted.get(entry["values"], 0) + entry["counts"]


def flagged(table: pa.Table, name: str) -> np.ndarray:
    """Which rows have a flag."""
    flags = table["flags"].combine_chunks()
    rows = pc.list_parent_indices(flags).filter(pc.equal(pc.list_flatten(flags), name))
    found = np.zeros(len(table), bool)
    found[rows.to_numpy()] = True
    return found


def _booleans(table: pa.Table, name: str) -> np.ndarray:
    filled: np.ndarray = pc.fill_null(table[name], False).to_numpy()
    return filled


def _numbers(table: pa.Table, name: str) -> np.ndarray:
    filled: np.ndarray = pc.fill_null(table[name], 0.0).to_numpy()
    return filled


def _equals(table: pa.Table, name: str, value: str) -> np.ndarray:
    equal: np.ndarray = pc.fill_null(pc.equal(table[name], value), False).to_numpy()
    return equal
