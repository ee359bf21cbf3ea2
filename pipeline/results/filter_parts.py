"""Conditions and values of a filter: how each is evaluated for rows, and in which row groups it
may be true or false by their statistics. Geometries are in RD [m]."""

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.storage.geoparquet import Statistics, bounds_of, rectangles, touches
from pipeline.storage.slices import BBOX

GEOMETRY = "geometry"
PLACED = "give S_INTERSECTS(geometry, BBOX(4.9,52.3,5,52.4)), or another geometry"
NUMBER, TEXT, BOOLEAN = "number", "text", "boolean"
TYPES = {NUMBER: pa.float64(), TEXT: pa.string(), BOOLEAN: pa.bool_()}
COMPARISONS: Mapping[str, Callable[..., Any]] = {
    "=": pc.equal, "<>": pc.not_equal, "<": pc.less, "<=": pc.less_equal,
    ">": pc.greater, ">=": pc.greater_equal,
}  # fmt: skip
OPPOSITE = {"=": "<>", "<>": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
ARITHMETIC: Mapping[str, Callable[..., Any]] = {
    "+": pc.add, "-": pc.subtract, "*": pc.multiply, "/": pc.divide,
}  # fmt: skip

Truth = Any  # an array of booleans or nulls, or one such scalar
Possible = NDArray[np.bool_] | bool  # of each row group, or of all


class RowColumns(Protocol):
    """Columns of some rows, by name."""

    def __getitem__(self, name: str, /) -> pa.ChunkedArray: ...


Ranges = Callable[[str], Statistics]  # of a column, or of a part of one (`bbox.xmin`)


class Condition(NamedTuple):
    """A condition that is true, false or null. columns: those that it reads; may, may_not: which
    row groups may have rows for which it is true, and for which it is false."""

    columns: frozenset[str]
    truth: Callable[[RowColumns], Truth]
    may: Callable[[Ranges], Possible] = lambda ranges: True
    may_not: Callable[[Ranges], Possible] = lambda ranges: True


class Value(NamedTuple):
    """A number, a text or a boolean in a filter. column: its name if it is one as it is; literal:
    its value if it stands in the filter itself."""

    kind: str
    columns: frozenset[str]
    value: Callable[[RowColumns], Any]
    column: str | None = None
    literal: Any = None

    @property
    def type(self) -> pa.DataType:
        """Arrow type of the comparison."""
        return TYPES[self.kind]


def literal_of(value: Any) -> Value:
    """A number, a text or a boolean that stands in the filter itself."""
    kind = BOOLEAN if isinstance(value, bool) else TEXT if isinstance(value, str) else NUMBER
    scalar = pa.scalar(value, TYPES[kind])
    return Value(kind, frozenset(), lambda rows: scalar, literal=value)


def lowered(of: Value) -> Value:
    """A text in lower case. Raises InputError for another kind."""
    if of.kind != TEXT:
        raise InputError("filter", "CASEI takes a text")
    if of.literal is not None:
        return literal_of(of.literal.lower())
    return Value(TEXT, of.columns, lambda rows: pc.utf8_lower(of.value(rows)))


def computed(op: str, one: Value, two: Value) -> Value:
    """The result of arithmetic with two numbers. Raises InputError for other kinds."""
    if not one.kind == two.kind == NUMBER:
        raise InputError("filter", "{op} takes two numbers", op=op)

    def value(rows: RowColumns) -> Any:
        return ARITHMETIC[op](*(pc.cast(each.value(rows), pa.float64()) for each in (one, two)))

    return Value(NUMBER, one.columns | two.columns, value)


def compared(op: str, one: Value, two: Value) -> Condition:
    """A comparison of two values. Raises InputError where they are of different kinds."""
    if one.kind != two.kind:
        what = " and ".join(
            f"{each.column} (a {each.kind})" if each.column else f"a {each.kind}"
            for each in (one, two)
        )
        raise InputError("filter", "{what} cannot be compared", what=what)
    if one.literal is not None and two.column:
        one, two, op = two, one, MIRRORED.get(op, op)
    column, value = one.column, two.literal

    def may(op: str, ranges: Ranges) -> Possible:
        return _within(op, value, ranges(column)) if column and value is not None else True

    return Condition(
        one.columns | two.columns,
        lambda rows: COMPARISONS[op](one.value(rows), two.value(rows)),
        functools.partial(may, op),
        functools.partial(may, OPPOSITE[op]),
    )


def _within(op: str, value: Any, of: Statistics) -> NDArray[np.bool_]:
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


def joined(op: str, parts: Sequence[Condition]) -> Condition:
    """Parts joined by `and` or by `or`."""
    both, either = np.logical_and, np.logical_or
    truth, may, may_not = (
        (pc.and_kleene, both, either) if op == "and" else (pc.or_kleene, either, both)
    )
    return Condition(
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
        shape = shapely.force_2d(shapely.from_geojson(json.dumps(node)))
    except (shapely.errors.ShapelyError, ValueError, TypeError):
        raise InputError("filter", "S_INTERSECTS takes a geometry", PLACED) from None
    if not shapely.is_valid(shape):
        raise InputError(
            "filter", "the geometry is not valid: {reason}", reason=shapely.is_valid_reason(shape)
        )
    return shape


def edges_of(bbox: Sequence[float]) -> list[float]:
    """West, south, east, north of four numbers, or of six with heights."""
    half = len(bbox) // 2
    return [*bbox[:2], *bbox[half : half + 2]]


def rectangle(west: float, south: float, east: float, north: float) -> shapely.Geometry:
    """A rectangle; a line or a point where it has no width or no height."""
    corners = [(west, south), (east, south), (east, north), (west, north)]
    return shapely.convex_hull(shapely.MultiPoint(corners))


def touching(area: shapely.Geometry) -> Condition:
    """Which polygons an area [RD m] touches. Those are looked at only of rows whose rectangle
    touches its rectangle and is not known to lie in it."""
    bounds = shapely.bounds(area)
    shapely.prepare(area)

    def truth(rows: RowColumns) -> Truth:
        boxes = rectangles(rows[BBOX])
        touched = touches(boxes, bounds)
        place = np.flatnonzero(touched)
        place = place[~_lies_in(area, boxes[place])]
        if len(place):
            shapes = shapely.from_wkb(rows[GEOMETRY].take(pa.array(place)).to_numpy())
            touched[place] = shapely.intersects(area, shapes)
        return pa.array(touched, mask=np.isnan(boxes).any(axis=1))  # no polygon: not known

    def may(ranges: Ranges) -> NDArray[np.bool_]:
        return touches(bounds_of(ranges), bounds)

    return Condition(frozenset([BBOX, GEOMETRY]), truth, may)


def _lies_in(area: shapely.Geometry, boxes: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which rectangles are known to lie in an area: each by itself if it is a rectangle, too, else
    all or none of them."""
    west, south, east, north = shapely.bounds(area)
    if area.equals(rectangle(west, south, east, north)):
        least, most = (west, south, west, south), (east, north, east, north)
        within = (boxes >= np.array(least)) & (boxes <= np.array(most))
        return np.asarray(within.all(axis=1))
    first, last = boxes.min(axis=0, initial=np.inf), boxes.max(axis=0, initial=-np.inf)
    around = shapely.box(*first[:2], *last[2:]) if len(boxes) else shapely.Point()
    return np.full(len(boxes), area.covers(around))
