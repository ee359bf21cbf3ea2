"""Mapbox Vector Tiles 2.1: polygons or points, and their properties, as bytes, without a loop over
vertices."""

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from pipeline.output.tiles import protobuf
from pipeline.output.tiles.protobuf import ByteRows, beside, field, numbers, varints, zigzag

EXTENT = 4096  # units along a side of a tile
VERSION = 2
POINT, POLYGON = 1, 3
MOVE_TO_ONE, LINE_TO, CLOSE = 9, 2, 15
SQUARE = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])  # stands for what is smaller than a unit
Ints = NDArray[np.int64]


class Polygons(NamedTuple):
    """Polygons as flat arrays: shapely objects, thousands a tile, keep Python's garbage collector
    busy. points: (n, 2); ring: of each point; part: polygon of each ring; feature: of each part."""

    points: NDArray[np.float64]
    ring: Ints
    part: Ints
    feature: Ints

    def followed_by(self, other: "Polygons") -> "Polygons":
        """These and then others."""
        return Polygons(
            np.concatenate([self.points, other.points]),
            np.concatenate([self.ring, other.ring + len(self.part)]),
            np.concatenate([self.part, other.part + len(self.feature)]),
            np.concatenate([self.feature, other.feature]),
        )


class Loops(NamedTuple):
    """Rings on whole units. points: (n, 2), of one ring after another, none closed; number: points
    of each ring; feature: of each ring, ascending; hole: whether a ring is one."""

    points: Ints
    number: Ints
    feature: Ints
    hole: NDArray[np.bool_]


def layer(name: str, ids: NDArray[Any], polygons: Polygons, properties: pa.Table) -> bytes:
    """A tile of one layer; b"" without features.

    ids: (n,) whole numbers; polygons: of n features, in units of the tile, y southward;
    properties: n rows of texts, doubles, whole numbers and booleans; what is null is left out.
    Features without a polygon are left out; those smaller than a unit become a small square. Every
    polygon is made valid, since on whole units walls may cross that stand apart.
    """
    rings = loops(polygons)
    numbered, snapped = _objects(_closed(rings))
    if len(crossed := numbered[~shapely.is_valid(snapped)]):
        rings = loops(_mended(polygons, crossed))
    here = np.unique(rings.feature)
    if not len(here):
        return b""
    taken = properties.take(pa.array(here))
    return _encoded(name, np.asarray(ids)[here], taken, POLYGON, _commands(rings))


def points(name: str, ids: NDArray[Any], places: Ints, properties: pa.Table) -> bytes:
    """A tile of one layer of points; b"" without any. ids, properties: as of `layer`; places:
    (n, 2) units of the tile, y southward."""
    if not len(ids):
        return b""
    words = np.column_stack([np.full(len(ids), MOVE_TO_ONE, np.uint64), zigzag(places)])
    commands = varints(words.ravel()).grouped(np.full(len(ids), words.shape[1]))
    return _encoded(name, ids, properties, POINT, commands)


def _encoded(
    name: str, ids: NDArray[Any], properties: pa.Table, kind: int, commands: ByteRows
) -> bytes:
    """A layer of features of one kind, with their geometries as commands."""
    tags, values = _tagged(properties)
    features = beside(
        numbers(1, ids),
        field(2, tags),
        protobuf.same(bytes([3 << 3, kind]), len(ids)),
        field(4, commands),
    )
    message = protobuf.after(
        numbers(15, np.array([VERSION])),
        field(1, protobuf.texts([name])),
        field(2, features),
        field(3, protobuf.texts(properties.column_names)),
        field(4, values),
        numbers(5, np.array([EXTENT])),
    )
    return protobuf.message(3, message)


def shapes(polygons: NDArray[Any], feature: Ints) -> Polygons:
    """Polygons and multipolygons of shapely, (n,), each with its feature; others are left out."""
    kind = shapely.get_type_id(polygons)
    if not (kind == POLYGON).all():
        polygons, of_part = shapely.get_parts(polygons, return_index=True)
        feature, kind = feature[of_part], shapely.get_type_id(polygons)
    usable = (kind == POLYGON) & ~shapely.is_empty(polygons)
    if not usable.any():
        nothing = np.zeros(0, np.int64)
        return Polygons(np.zeros((0, 2)), nothing, nothing, nothing)
    # `shapely.get_rings` would take ten times as long, since it makes each ring an object.
    ragged = shapely.to_ragged_array(polygons[usable], include_z=False)
    ring, part = (np.repeat(np.arange(len(at) - 1), np.diff(at)) for at in ragged[2])
    return Polygons(ragged[1], ring, part, feature[usable])


def loops(polygons: Polygons) -> Loops:
    """The rings of polygons on whole units, each feature's together: outsides clockwise on the
    screen, holes the other way round."""
    ring, part = polygons.ring, polygons.part
    snapped = np.floor(polygons.points + 0.5).astype(np.int64)
    points, number = _without_repeats(snapped, ring, len(part))
    feature = polygons.feature[part]
    hole = np.diff(part, prepend=-1) == 0
    area = _area(points, number)
    seen = (number >= 3) & (area != 0)
    seen &= np.repeat(seen[~hole], np.bincount(part))
    every, first = np.unique(feature, return_index=True)
    lost = ~np.isin(every, feature[seen])  # of which nothing is seen
    places = snapped[np.searchsorted(ring, first[lost])]
    squares, plain = (places[:, None] + SQUARE).reshape(-1, 2), np.zeros(lost.sum(), bool)
    every_ring = Loops(
        np.concatenate([points, squares]),
        np.concatenate([number, np.full(len(plain), len(SQUARE))]),
        np.concatenate([feature, every[lost]]),
        np.concatenate([hole, plain]),
    )
    wrong = (area < 0) ^ hole
    return _taken(every_ring, np.concatenate([seen, ~plain]), np.concatenate([wrong, plain]))


def _closed(rings: Loops) -> Polygons:
    """Rings on whole units as polygons."""
    ends = np.cumsum(rings.number)
    points = np.insert(rings.points, ends, rings.points[ends - rings.number], axis=0)
    ring = np.repeat(np.arange(len(ends)), rings.number + 1)
    outside = ~rings.hole
    return Polygons(points.astype(float), ring, np.cumsum(outside) - 1, rings.feature[outside])


def _objects(polygons: Polygons) -> tuple[Ints, NDArray[Any]]:
    """The features of polygons, and each as a multipolygon of shapely."""
    starts = [np.flatnonzero(np.diff(of, prepend=-1)) for of in polygons[1:]]
    offsets = [np.append(at, len(of)) for at, of in zip(starts, polygons[1:], strict=True)]
    kind = shapely.GeometryType.MULTIPOLYGON
    multipolygons = shapely.from_ragged_array(kind, polygons.points, tuple(offsets))
    return polygons.feature[starts[-1]], multipolygons


def _mended(polygons: Polygons, features: Ints) -> Polygons:
    """Polygons, those of some features made valid on whole units by GEOS."""
    crossed = np.isin(polygons.feature, features)
    numbers, given = _objects(_some(polygons, crossed))
    valid = shapely.make_valid(given, method="structure", keep_collapsed=False)
    snapped = shapely.set_precision(valid, 1.0)
    square = shapely.buffer(shapely.point_on_surface(given), 1.0, cap_style="square")
    snapped = np.where(shapely.is_empty(snapped), square, snapped)
    return _some(polygons, ~crossed).followed_by(shapes(snapped, numbers))


def _some(polygons: Polygons, parts: NDArray[np.bool_]) -> Polygons:
    """Some of the polygons."""
    rings = parts[polygons.part]
    points = rings[polygons.ring]
    ring, part = ((np.cumsum(kept) - 1) for kept in (rings, parts))
    return Polygons(
        polygons.points[points],
        ring[polygons.ring[points]],
        part[polygons.part[rings]],
        polygons.feature[parts],
    )


def _without_repeats(points: Ints, ring: Ints, rings: int) -> tuple[Ints, Ints]:
    """Without the points that close rings or repeat the one before; how many each ring has."""
    last = np.diff(ring, append=-1) != 0
    points, ring = points[~last], ring[~last]
    number = np.bincount(ring, minlength=rings)
    new = (points != points[_before(number)]).any(axis=1)
    return points[new], np.bincount(ring[new], minlength=rings)


def _before(number: Ints) -> Ints:
    """For each point of rings of so many points, the place of the one before it in its ring."""
    place = np.arange(-1, number.sum() - 1)
    number = number[number > 0]
    ends = np.cumsum(number)
    place[ends - number] = ends - 1
    return place


def _area(points: Ints, number: Ints) -> Ints:
    """Twice the area of each ring; above 0 for one that is clockwise on the screen."""
    before = points[_before(number)]
    crossed = before[:, 0] * points[:, 1] - points[:, 0] * before[:, 1]
    total = np.concatenate([[0], np.cumsum(crossed)])
    ends = np.cumsum(number)
    return total[ends] - total[ends - number]


def _taken(every: Loops, keep: NDArray[np.bool_], turned: NDArray[np.bool_]) -> Loops:
    """Some of the rings, feature by feature; some of them the other way round."""
    order = np.flatnonzero(keep)
    order = order[np.argsort(every.feature[order], kind="stable")]
    number, turned = every.number[order], turned[order]
    start = (np.cumsum(every.number) - every.number)[order]
    along = np.arange(number.sum()) - np.repeat(np.cumsum(number) - number, number)
    back = np.repeat(number - 1, number) - along
    place = np.repeat(start, number) + np.where(np.repeat(turned, number), back, along)
    return Loops(every.points[place], number, every.feature[order], every.hole[order])


def _commands(rings: Loops) -> ByteRows:
    """The geometry of each feature."""
    number = rings.number
    first = np.cumsum(number) - number  # point of each ring
    begins = np.flatnonzero(np.diff(rings.feature, prepend=-1))  # ring of each feature
    steps = np.diff(rings.points, axis=0, prepend=[[0, 0]])
    steps[first[begins]] = rings.points[first[begins]]
    place = 2 * np.arange(len(steps)) + 3 * np.repeat(np.arange(len(number)), number) + 2
    place[first] -= 1
    words = np.empty(2 * len(steps) + 3 * len(number), np.uint64)
    words[place], words[place + 1] = zigzag(steps[:, 0]), zigzag(steps[:, 1])
    words[place[first] - 1] = MOVE_TO_ONE
    words[place[first] + 2] = (number - 1) << 3 | LINE_TO
    words[place[first] + 1 + 2 * number] = CLOSE
    return varints(words).grouped(np.add.reduceat(2 * number + 3, begins))


def _tagged(properties: pa.Table) -> tuple[ByteRows, ByteRows]:
    """The tags of each feature, and the distinct values that they point at."""
    place = np.full((properties.num_rows, properties.num_columns), -1, np.int64)
    values: list[ByteRows] = []
    for kind, encode in KINDS:
        columns = [i for i, each in enumerate(properties.schema) if kind(each.type)]
        if columns:
            arrays = [properties.column(i).combine_chunks() for i in columns]
            index, coded = encode(pa.concat_arrays(arrays))
            index = index.reshape(len(columns), -1).T
            place[:, columns] = np.where(index < 0, -1, index + sum(map(len, values)))
            values.append(coded)
    row, key = np.nonzero(place >= 0)
    pairs = np.column_stack([key, place[row, key]]).ravel()
    tags = varints(pairs).grouped(2 * (place >= 0).sum(axis=1))
    length = np.concatenate([each.length for each in values]) if values else np.zeros(0, np.int64)
    return tags, ByteRows(np.frombuffer(protobuf.after(*values), np.uint8), length)


def _texts(column: pa.Array) -> tuple[Ints, ByteRows]:
    coded = column.dictionary_encode()
    known = coded.dictionary.cast(pa.binary())
    length = pc.binary_length(known).to_numpy().astype(np.int64)
    start = int(np.frombuffer(known.buffers()[1], np.int32)[known.offset]) if len(known) else 0
    data = np.frombuffer(known.buffers()[2] or b"", np.uint8)[start : start + length.sum()]
    return pc.fill_null(coded.indices, -1).to_numpy().astype(np.int64), field(
        1, ByteRows(data, length)
    )


def _doubles(column: pa.Array) -> tuple[Ints, ByteRows]:
    values = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    distinct, index = _distinct(values, np.isfinite(values))
    return index, protobuf.reals(3, distinct)


def _integers(column: pa.Array) -> tuple[Ints, ByteRows]:
    values = pc.fill_null(column.cast(pa.int64()), 0).to_numpy()
    number, index = _distinct(values, column.is_valid().to_numpy(zero_copy_only=False))
    tags = np.where(number < 0, 6 << 3, 5 << 3).astype(np.uint8)
    tag = ByteRows(tags, np.ones(len(number), np.int64))
    unsigned = np.where(number < 0, zigzag(number), number.astype(np.uint64))
    return index, beside(tag, varints(unsigned))


def _truths(column: pa.Array) -> tuple[Ints, ByteRows]:
    values = pc.fill_null(column, False).to_numpy(zero_copy_only=False)
    distinct, index = _distinct(values, column.is_valid().to_numpy(zero_copy_only=False))
    return index, numbers(7, distinct)


def _distinct(values: NDArray[Any], known: NDArray[np.bool_]) -> tuple[NDArray[Any], Ints]:
    """The distinct known values, and the index of each row's among them, -1 if unknown."""
    index = np.full(len(values), -1, np.int64)
    distinct, index[known] = np.unique(values[known], return_inverse=True)
    return distinct, index


KINDS = (
    (pa.types.is_string, _texts),
    (pa.types.is_floating, _doubles),
    (pa.types.is_integer, _integers),
    (pa.types.is_boolean, _truths),
)
