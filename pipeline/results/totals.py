"""Sums of the rows of a run, as the columns of its method declare them."""

import math
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.methods.house import EXCLUDED
from pipeline.methods.method import TEXT, Column, Field, Method, Total, names
from pipeline.results.part_sums import fields_of, source, summed

HOUSE = ("selected", "rejected", "excluded", "class")
COUNTS = "counts"  # the section of a report with numbers of rows
ERRORS = "errors"  # the section of a report with the standard errors of sums
WEIGHT = " weight"  # behind the name of a mean: the sum of its weights
SQUARES = " squares"  # behind the name of a sum with an error: the sum of its squares
Sums = dict[str, int | float]


def totals_of(method: Method) -> Iterator[tuple[Field, Total]]:
    """Every total with its column, or its field of a nested one, in the order of the table."""
    return (
        (of, total)
        for column in method.columns
        for of in (column, *column.fields)
        for total in of.totals
    )


def listed_totals(method: Method) -> Iterator[tuple[Field, Total]]:
    """Those of `totals_of` that rows by area and pages list."""
    return ((of, total) for of, total in totals_of(method) if total.listed)


def columns_of(method: Method) -> list[str]:
    """The columns that `contributions` reads; of a nested one its fields, by their paths."""
    own = [
        name
        for c in method.columns
        for t in c.totals
        for name in (c.name, t.weight, t.where, *t.reads)
    ]
    every = [*legend_columns(method), *filter(None, own), *fields_of(method), "flags"]
    return list(dict.fromkeys(every))


def legend_columns(method: Method) -> list[str]:
    """The columns that `legend` reads."""
    return [*HOUSE, *(each.suits for each in method.classes if each.suits)]


def contributions(buildings: pa.Table, method: Method) -> dict[str, np.ndarray]:
    """The contribution of each row to each sum, from `columns_of`: bool to count, float64 to add.

    All but `footprints` are of the selected rows. A row that a restriction sets aside from a use is
    in none of the sums of that use; it keeps its class.
    """
    selected, judged = _booleans(buildings, "selected"), _judged(buildings)
    buildings = summed(buildings, method)
    counts: dict[str, np.ndarray] = {}
    sums: dict[str, np.ndarray] = {}
    for of, total in totals_of(method):
        if isinstance(of, Column) and total.section == COUNTS:
            counts[total.name] = judged & counting(buildings, of)
        else:
            sums |= _summed(buildings, method, source(of, total), total)
    grouped = _grouped(buildings, method)
    return {
        "footprints": np.ones(len(selected), bool),
        "selected": selected,
        "judged": judged,
        "rejected": selected & ~judged,
        **counts,
        **{f"{group}_{name}": rows for group, of in grouped.items() for name, rows in of.items()},
        **sums,
    }


def _summed(
    buildings: pa.Table, method: Method, column: str, total: Total
) -> dict[str, NDArray[np.float64]]:
    """The contribution of each row to the sum of a column, or to its weighted sum and that of the
    weights; and of its error to the sum of their squares."""
    rows = _judged(buildings)
    if total.where:
        rows &= counting(buildings, method.by_name[total.where])
    values = _numbers(buildings, column) * rows
    if total.error is not None:
        squares = (values * total.error(buildings)) ** 2
        return {total.name: values, total.name + SQUARES: squares}
    if not total.weight:
        return {total.name: values}
    weights = _numbers(buildings, total.weight) * rows
    weights *= buildings[column].is_valid().to_numpy()
    return {total.name: values * weights, total.name + WEIGHT: weights}


def groups_of(method: Method) -> dict[str, tuple[str, ...]]:
    """The counts of a report that form a group, by its name: classes, uses that restrictions
    exclude, lines of the legend, and by these the roofs with some of the flags."""
    lines = (*names(method.classes), "set_aside")
    flags = [flag.name for flag in method.flags if flag.by_class]
    return {
        "class": names(method.classes),
        "excluded": EXCLUDED,
        "legend": lines,
        **dict.fromkeys(flags, lines),
    }


def _grouped(buildings: pa.Table, method: Method) -> dict[str, dict[str, NDArray[np.bool_]]]:
    """The rows of each of `groups_of`."""
    selected, judged = _booleans(buildings, "selected"), _judged(buildings)
    lines = legend(buildings, method)
    grouped = {}
    for group, keys in groups_of(method).items():
        if group in HOUSE:
            rows = judged if group == "class" else selected
            grouped[group] = {key: rows & _equals(buildings, group, key) for key in keys}
        else:
            rows = judged if group == "legend" else flagged(buildings, group)
            grouped[group] = {key: lines[key] & rows for key in keys}
    return grouped


def counting(buildings: pa.Table, column: Column) -> NDArray[np.bool_]:
    """Where a column of booleans is true, and no restriction sets the row aside from its use."""
    true = _booleans(buildings, column.name)
    if not column.use:
        return true
    aside = _equals(buildings, "excluded", column.use) | _equals(buildings, "excluded", "both")
    return true & ~aside


def legend(buildings: pa.Table, method: Method) -> dict[str, NDArray[np.bool_]]:
    """The rows behind each line of a legend, from `legend_columns`; each row stands in one line.

    A class holds what counts in the totals for it: a roof that restrictions leave only another
    class's use is one of that class, and one that they leave nothing is `set_aside`.
    """
    selected, judged = _booleans(buildings, "selected"), _judged(buildings)
    left, lines = judged, dict.fromkeys(names(method.classes), judged)
    for each in reversed(method.classes):
        of = method.by_name.get(each.suits)
        mine = counting(buildings, of) if of else _equals(buildings, "class", each.name)
        lines[each.name] = left & mine
        left = left & ~mine
    return lines | {"set_aside": left, "not_judged": selected & ~judged, "unselected": ~selected}


def _judged(buildings: pa.Table) -> NDArray[np.bool_]:
    """Which rows are selected and have a verdict."""
    return _booleans(buildings, "selected") & buildings["rejected"].is_null().to_numpy()


class Totals:
    """The sums of each of some groups of rows, of tables that come one after another.

    They are exactly rounded, so they do not depend on the order of rows or on how they are cut.
    """

    def __init__(self, method: Method, groups: int = 1) -> None:
        self._method, self._groups = method, groups
        self._counts: dict[str, np.ndarray] = {}  # rows by group
        self._parts: dict[str, list[list[float]]] = {}  # by group, numbers of the same exact sum

    def add(self, buildings: pa.Table, group: np.ndarray | None = None) -> None:
        """Add rows with `columns_of` the method; group: of each row the number, by default 0."""
        group = np.zeros(buildings.num_rows, np.int64) if group is None else group
        order = np.argsort(group, kind="stable")
        there, starts = np.unique(group[order], return_index=True)
        for name, values in contributions(buildings, self._method).items():
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


def sections(
    sums: Sums, method: Method, parameters: Mapping[str, Any], households: float | None = None
) -> dict[str, Any]:
    """The sections of a report that are sums, and those that the method derives from them.
    parameters: of the method; households: how many live there, if that is known."""
    grouped = {
        group: {key: sums[f"{group}_{key}"] for key in keys}
        for group, keys in groups_of(method).items()
    }
    taken = {f"{group}_{key}" for group, of in grouped.items() for key in of}
    counts = {name: n for name, n in sums.items() if isinstance(n, int) and name not in taken}
    summed: dict[str, Any] = {COUNTS: counts | grouped}
    for of, total in totals_of(method):
        if total.section != COUNTS:
            figure = _figure(sums, total)
            whole = is_number_of(of, total)
            summed.setdefault(total.section, {})[total.key] = int(figure) if whole else figure
        if total.error is not None:
            error = math.sqrt(sums[total.name + SQUARES]) / total.per
            summed.setdefault(ERRORS, {}).setdefault(total.section, {})[total.key] = error
    return summed | method.derived.sections(summed, parameters, households)


def sections_in(
    report: Mapping[str, Any], method: Method, households: float | None = None
) -> dict[str, Any]:
    """The same `sections` from those that a report has."""
    declared = [total for _, total in totals_of(method)]
    names = [COUNTS, *(total.section for total in declared)]
    names += [ERRORS] if any(total.error for total in declared) else []
    summed = {section: report[section] for section in names}
    return summed | method.derived.sections(summed, report["method"]["parameters"], households)


def is_number_of(of: Field, total: Total) -> bool:
    """Whether a total is a number of rows, or of structs: those with a text, whatever it is."""
    return total.section == COUNTS or of.type == TEXT


def _figure(sums: Sums, total: Total) -> Any:
    """A sum in the unit of the report, or a mean; None for a mean of nothing."""
    if not total.weight:
        return sums[total.name] / total.per
    weight = sums[total.name + WEIGHT]
    return sums[total.name] / weight / total.per if weight else None


class Accounting:
    """Read = judged + rejected by reason; flags; cells. Of all rows of tables one after another."""

    def __init__(self, method: Method) -> None:
        self._read = self._judged = 0
        self._rejected = dict.fromkeys(names(method.reasons), 0)
        self._flags = dict.fromkeys(names(method.flags), 0)

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
            "repaired": self._flags.get("repaired", 0),
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
    return np.isin(np.arange(len(table)), rows)


def _booleans(table: pa.Table, name: str) -> np.ndarray:
    return np.asarray(pc.fill_null(table[name], False))


def _numbers(table: pa.Table, name: str) -> np.ndarray:
    return np.asarray(pc.fill_null(table[name], 0.0))


def _equals(table: pa.Table, name: str, value: str) -> np.ndarray:
    return np.asarray(pc.fill_null(pc.equal(table[name], value), False))
