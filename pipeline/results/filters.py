"""Filters of buildings: CQL2 as JSON (OGC 21-065), checked once, evaluated a row group at a time.

A comparison with null is null, as in SQL and in CQL2; a row passes where the filter is true.
Geometries of a filter are in RD [m].
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.methods.method import Column
from pipeline.results.columns import item_of
from pipeline.results.filter_parts import (
    ARITHMETIC,
    BOOLEAN,
    COMPARISONS,
    GEOMETRY,
    NUMBER,
    PLACED,
    TEXT,
    Condition,
    Ranges,
    RowColumns,
    Truth,
    Value,
    compared,
    computed,
    joined,
    literal_of,
    lowered,
    shape_of,
    touching,
)
from pipeline.storage.geoparquet import EDGES
from pipeline.storage.slices import BBOX

MOST_PARTS = 100  # operators of a filter: each takes 10 us a row group
KINDS = {
    pa.int64(): NUMBER,
    pa.int32(): NUMBER,
    pa.float32(): NUMBER,
    pa.float64(): NUMBER,
    pa.string(): TEXT,
    pa.bool_(): BOOLEAN,
}
OPERATORS = (*COMPARISONS, *ARITHMETIC, "and", "or", "not", "isNull", "in", "between", "like",
             "casei", "s_intersects")  # fmt: skip


@dataclass(frozen=True)
class Filter:
    """A condition on buildings. key: the same for equal filters; columns: those of the table that
    it looks at."""

    key: str
    columns: frozenset[str]
    _condition: Condition

    def passes(self, rows: RowColumns, number: int) -> NDArray[np.bool_]:
        """Which of a number of rows it is true for; of `rows` only `columns` are looked at."""
        truth = self._condition.truth(rows)
        if isinstance(truth, pa.Scalar):
            return np.full(number, truth.as_py() is True)
        return np.asarray(pc.fill_null(truth, False))

    def may_pass(self, ranges: Ranges, groups: int) -> NDArray[np.bool_]:
        """Which of a number of row groups may have rows that pass, by their ranges."""
        return np.broadcast_to(self._condition.may(ranges), groups)


def filter_of(text: str, columns: Mapping[str, Column], suns: int) -> Filter:
    """A filter of the columns of a table from CQL2 as the text of its JSON. suns: how many columns
    there are of each of lists.

    Raises InputError for an operator that is not supported, a column that there is not, types that
    cannot be compared, and an invalid geometry.
    """
    part = _FilterReader(columns, suns).condition(json.loads(text))
    return Filter(hashlib.sha256(text.encode()).hexdigest(), part.columns, part)


class _FilterReader:
    """Turns the parts of a filter into what is evaluated, from the outer to the inner."""

    def __init__(self, columns: Mapping[str, Column], suns: int) -> None:
        self._columns, self._suns, self._parts = columns, suns, 0

    def condition(self, node: Any) -> Condition:
        """The condition of a CQL2 node that is true, false or null."""
        if not (isinstance(node, dict) and "op" in node):
            return self._bare(node)
        op, args = self._operator(node)
        if op in ("and", "or"):
            return joined(op, [self.condition(each) for each in args])
        if op == "not":
            of = self.condition(args[0])
            return Condition(of.columns, lambda rows: pc.invert(of.truth(rows)), of.may_not, of.may)
        if op in COMPARISONS:
            return compared(op, self._value(args[0]), self._value(args[1]))
        readers = {"isNull": self._null, "in": self._among, "between": self._between,
                   "like": self._like, "s_intersects": self._intersects}  # fmt: skip
        if op not in readers:
            raise InputError(
                "filter", "{op} gives no condition", "compare its result with a value", op=op
            )
        return readers[op](args)

    def _operator(self, node: dict[str, Any]) -> tuple[str, list[Any]]:
        op = str(node["op"])
        known = {name.lower(): name for name in OPERATORS}
        if op.lower() not in known:
            there = ", ".join(name.upper() for name in OPERATORS)
            raise InputError(
                "filter",
                "operator {op} is not supported",
                "there is {there}",
                op=op[:50].upper(),
                there=there,
            )
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise InputError(
                "filter", "has more than {most} operators", "ask in several parts", most=MOST_PARTS
            )
        args = list(node["args"])
        least = {"not": 1, "isnull": 1, "casei": 1, "between": 3}.get(op.lower(), 2)
        if len(args) < least or (len(args) > least and op.lower() not in ("and", "or")):
            raise InputError(
                "filter",
                "{op} takes {least} arguments, not {n}",
                op=op.upper(),
                least=least,
                n=len(args),
            )
        return known[op.lower()], args

    def _bare(self, node: Any) -> Condition:
        """A boolean, or a column of booleans, that stands for a condition."""
        value = self._value(node)
        if value.kind != BOOLEAN:
            raise InputError("filter", remedy="give a condition, such as class = 'solar'")
        if value.column is None:
            return Condition(value.columns, value.value)
        return compared("=", value, literal_of(True))

    def _null(self, args: list[Any]) -> Condition:
        if args[0] == {"property": GEOMETRY}:
            of = Value(TEXT, frozenset([BBOX]), lambda rows: rows[BBOX], f"{BBOX}.{EDGES[0]}")
        else:
            of = self._value(args[0])
        column = of.column
        return Condition(
            of.columns,
            lambda rows: pc.is_null(of.value(rows)),
            lambda ranges: ranges(column).nulls != 0 if column else True,
            lambda ranges: ranges(column).values != 0 if column else True,
        )

    def _among(self, args: list[Any]) -> Condition:
        of = self._value(args[0])
        items = [self._value(each) for each in args[1]]
        either = joined("or", [compared("=", of, each) for each in items])
        if any(each.literal is None for each in items):
            return either
        values = pa.array([each.literal for each in items], of.type)

        def truth(rows: RowColumns) -> Truth:
            cells = pc.cast(of.value(rows), of.type)
            return pc.if_else(pc.is_valid(cells), pc.is_in(cells, values), None)

        return Condition(of.columns, truth, either.may, either.may_not)

    def _between(self, args: list[Any]) -> Condition:
        of, low, high = map(self._value, args)
        return joined("and", [compared(">=", of, low), compared("<=", of, high)])

    def _like(self, args: list[Any]) -> Condition:
        of, pattern = map(self._value, args)
        if of.kind != TEXT or pattern.literal is None or pattern.kind != TEXT:
            raise InputError("filter", "LIKE takes a text and a pattern, such as id LIKE '0363%'")
        like = pattern.literal
        return Condition(of.columns, lambda rows: pc.match_like(of.value(rows), like))

    def _intersects(self, args: list[Any]) -> Condition:
        area = args[1] if args[0] == {"property": GEOMETRY} else args[0]
        if {"property": GEOMETRY} not in args:
            raise InputError("filter", "S_INTERSECTS takes the column geometry", PLACED)
        return touching(shape_of(area))

    def _value(self, node: Any) -> Value:
        """The value of a CQL2 node that is a number, a text or a boolean."""
        if isinstance(node, str | int | float):
            return literal_of(node)
        if isinstance(node, dict) and "property" in node:
            return self._property(str(node["property"]))
        if not (isinstance(node, dict) and "op" in node):
            raise InputError("filter", "takes numbers, texts, booleans and columns as values")
        op, args = self._operator(node)
        values = [self._value(each) for each in args]
        if op == "casei":
            return lowered(values[0])
        if op not in ARITHMETIC:
            raise InputError("filter", "{op} gives no value that can be compared", op=op.upper())
        return computed(op, *values)

    def _property(self, name: str) -> Value:
        """The value of a column of the flat formats, or of an item of a list."""
        item = item_of(self._columns, name)
        there = item and item[1] <= (len(item[0].items) or self._suns)
        column = item[0] if item and there else self._columns.get(name)
        if column is not None and column.filterable:
            of = column.name
            if item:
                kind, at = KINDS[column.type.value_type], item[1] - 1
                return Value(kind, frozenset([of]), lambda rows: pc.list_element(rows[of], at))
            if column.type == pa.list_(pa.string()):
                return Value(TEXT, frozenset([of]), lambda rows: pc.binary_join(rows[of], ","))
            if column.type in KINDS:
                return Value(KINDS[column.type], frozenset([of]), lambda rows: rows[of], column=of)
        raise InputError(
            "filter", "there is no column {name} to compare", "see `queryables`", name=name[:50]
        )
