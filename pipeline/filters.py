"""Filters of buildings: CQL2 as JSON (OGC 21-065), checked once, evaluated a row group at a time.

A comparison with null is null, as in SQL and in CQL2; a row passes where the filter is true.
Geometries of a filter are in RD [m].
"""

import functools
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from pipeline.columns import COLUMNS, EDGES
from pipeline.errors import InputError
from pipeline.slices import BBOX

GEOMETRY = "geometry"
PLACED = "give S_INTERSECTS(geometry, BBOX(4.9,52.3,5,52.4)), or another geometry"
MOST_PARTS = 100  # operators of a filter: each takes 10 us a row group
LIT = re.compile(r"lit_([1-9]\d?)")
NUMBER, TEXT, BOOLEAN = "number", "text", "boolean"
KINDS = {pa.int64(): NUMBER, pa.float64(): NUMBER, pa.string(): TEXT, pa.bool_(): BOOLEAN}
KIND_OF = {column.name: KINDS[column.type] for column in COLUMNS if column.type in KINDS}
COMPARISONS: Mapping[str, Callable[..., Any]] = {
    "=": pc.equal, "<>": pc.not_equal, "<": pc.less, "<=": pc.less_equal,
    ">": pc.greater, ">=": pc.greater_equal,
}  # fmt: skip
OPPOSITE = {"=": "<>", "<>": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
ARITHMETIC: Mapping[str, Callable[..., Any]] = {
    "+": pc.add, "-": pc.subtract, "*": pc.multiply, "/": pc.divide,
}  # fmt: skip
OPERATORS = (*COMPARISONS, *ARITHMETIC, "and", "or", "not", "isNull", "in", "between", "like",
             "casei", "s_intersects")  # fmt: skip

Truth = Any  # an array of booleans or nulls, or one such scalar
Possible = NDArray[np.bool_] | bool  # of each row group, or of all


class Rows(Protocol):
    """Columns of some rows, by name."""

    def __getitem__(self, name: str, /) -> pa.ChunkedArray: ...


class Range(NamedTuple):
    """What the row groups of a file say of a column, an item a row group. lowest, highest: None
    where they are not known; values, nulls: how many there are, -1 if that is not known."""

    lowest: Sequence[Any]
    highest: Sequence[Any]
    values: NDArray[np.int64]
    nulls: NDArray[np.int64]


Ranges = Callable[[str], Range]  # of a column, or of a part of one (`bbox.xmin`)


class _Part(NamedTuple):
    """A part of a filter that is true, false or null. columns: those that it looks at; may,
    may_not: which row groups may have rows for which it is true, and for which it is false."""

    columns: frozenset[str]
    truth: Callable[[Rows], Truth]
    may: Callable[[Ranges], Possible] = lambda ranges: True
    may_not: Callable[[Ranges], Possible] = lambda ranges: True


class _Value(NamedTuple):
    """A part of a filter that is a number, a text or a boolean. column: if it is one as it is;
    literal: if it is no column."""

    kind: str
    columns: frozenset[str]
    value: Callable[[Rows], Any]
    column: str | None = None
    literal: Any = None


@dataclass(frozen=True)
class Filter:
    """A condition on buildings. key: the same for equal filters; columns: those of the table that
    it looks at."""

    key: str
    columns: frozenset[str]
    _part: _Part

    def passes(self, rows: Rows, number: int) -> NDArray[np.bool_]:
        """Which of a number of rows it is true for; of `rows` only `columns` are looked at."""
        truth = self._part.truth(rows)
        if isinstance(truth, pa.Scalar):
            return np.full(number, truth.as_py() is True)
        passing: NDArray[np.bool_] = pc.fill_null(truth, False).to_numpy(zero_copy_only=False)
        return passing

    def may_pass(self, ranges: Ranges, groups: int) -> NDArray[np.bool_]:
        """Which of a number of row groups may have rows that pass, by their ranges."""
        return np.broadcast_to(self._part.may(ranges), groups)


def filter_of(text: str, suns: int) -> Filter:
    """A filter from CQL2 as the text of its JSON. suns: how many columns lit_1, lit_2 ... there
    are.

    Raises InputError for an operator that is not supported, a column that there is not, types that
    cannot be compared, and an invalid geometry.
    """
    part = _Reader(suns).condition(json.loads(text))
    return Filter(hashlib.sha256(text.encode()).hexdigest(), part.columns, part)


class _Reader:
    """Turns the parts of a filter into what is evaluated, from the outer to the inner."""

    def __init__(self, suns: int) -> None:
        self._suns, self._parts = suns, 0

    def condition(self, node: Any) -> _Part:
        """Of what is true, false or null."""
        if not (isinstance(node, dict) and "op" in node):
            return self._bare(node)
        op, args = self._operator(node)
        if op in ("and", "or"):
            return _joined(op, [self.condition(each) for each in args])
        if op == "not":
            of = self.condition(args[0])
            return _Part(of.columns, lambda rows: pc.invert(of.truth(rows)), of.may_not, of.may)
        if op in COMPARISONS:
            return _compared(op, self._value(args[0]), self._value(args[1]))
        readers = {"isNull": self._null, "in": self._among, "between": self._between,
                   "like": self._like, "s_intersects": self._intersects}  # fmt: skip
        if op not in readers:
            raise InputError(f"filter: {op} gives no condition; compare its result with a value")
        return readers[op](args)

    def _operator(self, node: dict[str, Any]) -> tuple[str, list[Any]]:
        op = str(node["op"])
        known = {name.lower(): name for name in OPERATORS}
        if op.lower() not in known:
            there = ", ".join(name.upper() for name in OPERATORS)
            raise InputError(
                f"filter: operator {op[:50].upper()} is not supported; there is {there}"
            )
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise InputError(f"filter: has more than {MOST_PARTS} operators; ask in several parts")
        args = list(node["args"])
        least = {"not": 1, "isnull": 1, "casei": 1, "between": 3}.get(op.lower(), 2)
        if len(args) < least or (len(args) > least and op.lower() not in ("and", "or")):
            raise InputError(f"filter: {op.upper()} takes {least} arguments, not {len(args)}")
        return known[op.lower()], args

    def _bare(self, node: Any) -> _Part:
        """A boolean, or a column of booleans, that stands for a condition."""
        found = self._value(node)
        if found.kind != BOOLEAN:
            raise InputError("filter: give a condition, such as class = 'solar'")
        if found.column is None:
            return _Part(found.columns, found.value)
        return _compared("=", found, _literal(True))

    def _null(self, args: list[Any]) -> _Part:
        if args[0] == {"property": GEOMETRY}:
            of = _Value(TEXT, frozenset([BBOX]), lambda rows: rows[BBOX], f"{BBOX}.{EDGES[0]}")
        else:
            of = self._value(args[0])
        column = of.column
        return _Part(
            of.columns,
            lambda rows: pc.is_null(of.value(rows)),
            lambda ranges: ranges(column).nulls != 0 if column else True,
            lambda ranges: ranges(column).values != 0 if column else True,
        )

    def _among(self, args: list[Any]) -> _Part:
        of = self._value(args[0])
        items = [self._value(each) for each in args[1]]
        either = _joined("or", [_compared("=", of, each) for each in items])
        if any(each.literal is None for each in items):
            return either
        values = pa.array([each.literal for each in items])

        def truth(rows: Rows) -> Truth:
            found = of.value(rows)
            return pc.if_else(pc.is_valid(found), pc.is_in(found, values), None)

        return _Part(of.columns, truth, either.may, either.may_not)

    def _between(self, args: list[Any]) -> _Part:
        of, low, high = map(self._value, args)
        return _joined("and", [_compared(">=", of, low), _compared("<=", of, high)])

    def _like(self, args: list[Any]) -> _Part:
        of, pattern = map(self._value, args)
        if of.kind != TEXT or pattern.literal is None or pattern.kind != TEXT:
            raise InputError("filter: LIKE takes a text and a pattern, such as id LIKE '0363%'")
        like = pattern.literal
        return _Part(of.columns, lambda rows: pc.match_like(of.value(rows), like))

    def _intersects(self, args: list[Any]) -> _Part:
        area = args[1] if args[0] == {"property": GEOMETRY} else args[0]
        if {"property": GEOMETRY} not in args:
            raise InputError(f"filter: S_INTERSECTS takes the column geometry; {PLACED}")
        return _touching(shape_of(area))

    def _value(self, node: Any) -> _Value:
        """Of a number, a text or a boolean."""
        if isinstance(node, str | int | float):
            return _literal(node)
        if isinstance(node, dict) and "property" in node:
            return self._property(str(node["property"]))
        if not (isinstance(node, dict) and "op" in node):
            raise InputError("filter: takes numbers, texts, booleans and columns as values")
        op, args = self._operator(node)
        values = [self._value(each) for each in args]
        if op == "casei":
            return _lowered(values[0])
        if op not in ARITHMETIC:
            raise InputError(f"filter: {op.upper()} gives no value that can be compared")
        return _computed(op, *values)

    def _property(self, name: str) -> _Value:
        lit = LIT.fullmatch(name)
        if lit and int(lit[1]) <= self._suns:
            sun = int(lit[1]) - 1
            found = lambda rows: pc.list_element(rows["lit"], sun)  # noqa: E731
            return _Value(BOOLEAN, frozenset(["lit"]), found)
        if name == "flags":
            joined = lambda rows: pc.binary_join(rows["flags"], ",")  # noqa: E731
            return _Value(TEXT, frozenset(["flags"]), joined)
        if name not in KIND_OF:
            raise InputError(f"filter: there is no column {name[:50]} to compare; see `queryables`")
        return _Value(KIND_OF[name], frozenset([name]), lambda rows: rows[name], column=name)


def _literal(value: Any) -> _Value:
    kind = BOOLEAN if isinstance(value, bool) else TEXT if isinstance(value, str) else NUMBER
    scalar = pa.scalar(value if kind != NUMBER else float(value))
    return _Value(kind, frozenset(), lambda rows: scalar, literal=value)


def _lowered(of: _Value) -> _Value:
    if of.kind != TEXT:
        raise InputError("filter: CASEI takes a text")
    if of.literal is not None:
        return _literal(of.literal.lower())
    return _Value(TEXT, of.columns, lambda rows: pc.utf8_lower(of.value(rows)))


def _computed(op: str, one: _Value, two: _Value) -> _Value:
    if not one.kind == two.kind == NUMBER:
        raise InputError(f"filter: {op} takes two numbers")

    def value(rows: Rows) -> Any:
        return ARITHMETIC[op](*(pc.cast(each.value(rows), pa.float64()) for each in (one, two)))

    return _Value(NUMBER, one.columns | two.columns, value)


def _compared(op: str, one: _Value, two: _Value) -> _Part:
    """Two values of one kind."""
    if one.kind != two.kind:
        what = " and ".join(
            f"{each.column} (a {each.kind})" if each.column else f"a {each.kind}"
            for each in (one, two)
        )
        raise InputError(f"filter: {what} cannot be compared")
    if one.literal is not None and two.column:
        one, two, op = two, one, MIRRORED.get(op, op)
    column, value = one.column, two.literal

    def may(op: str, ranges: Ranges) -> Possible:
        return _within(op, value, ranges(column)) if column and value is not None else True

    return _Part(
        one.columns | two.columns,
        lambda rows: COMPARISONS[op](one.value(rows), two.value(rows)),
        functools.partial(may, op),
        functools.partial(may, OPPOSITE[op]),
    )


def _within(op: str, value: Any, of: Range) -> NDArray[np.bool_]:
    """Which row groups may have a value of which a comparison is true."""
    tests: dict[str, Callable[[Any, Any], bool]] = {
        "=": lambda low, high: low <= value <= high,
        "<>": lambda low, high: not low == value == high,
        "<": lambda low, high: low < value,
        "<=": lambda low, high: low <= value,
        ">": lambda low, high: high > value,
        ">=": lambda low, high: high >= value,
    }
    pairs = zip(of.lowest, of.highest, of.values, strict=True)
    return np.array(
        [n != 0 if low is None else tests[op](low, high) for low, high, n in pairs], np.bool_
    )


def _joined(op: str, parts: Sequence[_Part]) -> _Part:
    both, either = np.logical_and, np.logical_or
    truth, may, may_not = (
        (pc.and_kleene, both, either) if op == "and" else (pc.or_kleene, either, both)
    )
    return _Part(
        frozenset().union(*(part.columns for part in parts)),
        lambda rows: functools.reduce(truth, (part.truth(rows) for part in parts)),
        lambda ranges: functools.reduce(may, (part.may(ranges) for part in parts)),
        lambda ranges: functools.reduce(may_not, (part.may_not(ranges) for part in parts)),
    )


def shape_of(node: Any) -> shapely.Geometry:
    """A geometry of CQL2 as JSON: GeoJSON, or a rectangle. Raises InputError for one that is none,
    or is not valid."""
    try:
        if "bbox" in node:
            return rectangle(*edges_of(node["bbox"]))
        found = shapely.force_2d(shapely.from_geojson(json.dumps(node)))
    except (shapely.errors.ShapelyError, ValueError, TypeError):
        raise InputError(f"filter: S_INTERSECTS takes a geometry; {PLACED}") from None
    if not shapely.is_valid(found):
        raise InputError(f"filter: the geometry is not valid: {shapely.is_valid_reason(found)}")
    return found


def edges_of(bbox: Sequence[float]) -> list[float]:
    """West, south, east, north of four numbers, or of six with heights."""
    half = len(bbox) // 2
    return [*bbox[:2], *bbox[half : half + 2]]


def rectangle(west: float, south: float, east: float, north: float) -> shapely.Geometry:
    """A rectangle; a line or a point where it has no width or no height."""
    corners = [(west, south), (east, south), (east, north), (west, north)]
    return shapely.convex_hull(shapely.MultiPoint(corners))


def _touching(area: shapely.Geometry) -> _Part:
    """Which polygons an area [RD m] touches. Those are looked at only of rows whose rectangle
    touches its rectangle, and of those only if the area does not cover all their rectangles."""
    bounds = shapely.bounds(area)
    shapely.prepare(area)

    def truth(rows: Rows) -> Truth:
        boxes = np.column_stack(
            [pc.struct_field(rows[BBOX], edge).to_numpy(zero_copy_only=False) for edge in EDGES]
        )
        found = touches(boxes, bounds)
        west, south, _, _ = boxes[found].min(axis=0, initial=np.inf)
        _, _, east, north = boxes[found].max(axis=0, initial=-np.inf)
        if found.any() and not area.covers(shapely.box(west, south, east, north)):
            place = np.flatnonzero(found)
            shapes = shapely.from_wkb(rows[GEOMETRY].take(pa.array(place)).to_numpy())
            found[place] = shapely.intersects(area, shapes)
        return pa.array(found, mask=np.isnan(boxes).any(axis=1))  # no place: not known

    def may(ranges: Ranges) -> NDArray[np.bool_]:
        return touches(rectangles(ranges), bounds)

    return _Part(frozenset([BBOX, GEOMETRY]), truth, may)


def rectangles(ranges: Ranges) -> NDArray[np.float64]:
    """The rectangle of each row group [RD m], shape (groups, 4); NaN where nothing has a place."""
    west, south, east, north = (ranges(f"{BBOX}.{edge}") for edge in EDGES)
    return np.column_stack(
        [np.array(side, np.float64) for side in
         (west.lowest, south.lowest, east.highest, north.highest)]
    )  # fmt: skip


def touches(boxes: NDArray[np.float64], bounds: Sequence[float]) -> NDArray[np.bool_]:
    """Which rectangles touch a closed one; NaN touches nothing."""
    west, south, east, north = bounds
    touching: NDArray[np.bool_] = (
        (boxes[:, 0] <= east) & (boxes[:, 2] >= west)
        & (boxes[:, 1] <= north) & (boxes[:, 3] >= south)
    )  # fmt: skip
    return touching
