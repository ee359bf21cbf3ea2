"""Number of crossings of the sides of polygons. The time that GEOS takes to make polygons valid or
to join them grows with it, not with their size: a polygon of 500 random positions takes two
minutes. Counting ends as soon as there are too many."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.messages import Text
from pipeline.terms import Source

# Pairs of sides, or of rings, whose rectangles meet; of municipalities and postcodes there are 3 a
# side and 6 a ring. Above the light numbers the time of GEOS grows faster than the size.
PAIRS, LIGHT_PAIRS, PAIRS_A_SIDE = 1_000_000, 1_000, 8  # 0.5 s to test
NESTED, LIGHT_NESTED, NESTED_A_RING = 50_000, 10_000, 20  # 0.1 s to test
KNOTS = 1_000  # self-crossings of invalid polygons: 0.3 s to make them valid
CROSSINGS = 100_000  # of sides of valid polygons: 3 s to join them
FEW = 64  # sides, of which no count is needed
AT_ONCE = 32  # sides that are compared with all others: 100 MB for 200,000

Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]


@dataclass(frozen=True)
class Crossings:
    """Counts of (n,) polygons. sides: of all; knots: int64, (n,), pairs of a polygon's own sides
    with a common point, neighbours in a ring not counted; between: pairs of sides of different
    polygons that cross; light: whether GEOS is quick with them, crossings aside."""

    sides: int
    knots: NDArray[np.int64]
    between: int
    light: bool


@dataclass(frozen=True)
class _Sides:
    """Sides of polygons, ring after ring. first, last: their ends, (m, 2); shape: (m,) which
    polygon each is of."""

    first: NDArray[np.float64]
    last: NDArray[np.float64]
    shape: NDArray[np.int64]


def crossings_of(geometry: NDArray[np.object_], source: Source) -> Crossings:
    """Count how often polygons meet themselves and each other.

    Raises InputError where their sides or rings meet too often for GEOS to look at them at all.
    """
    rings, shape = _rings(geometry)
    sides = _sides(rings, shape)
    if len(sides.shape) <= FEW:
        return Crossings(len(sides.shape), np.zeros(len(geometry), np.int64), 0, True)
    nested = _nested(rings, shape, source)
    pairs, between, own = 0, 0, [np.empty(0, np.int64)]
    limit = PAIRS + PAIRS_A_SIDE * len(sides.shape)
    for i, j in _meeting(shapely.linestrings(np.stack([sides.first, sides.last], axis=1))):
        pairs += len(i)
        if pairs > limit:
            raise InputError(
                source,
                "its sides are too entangled",
                "simplify it",
                place=Text("feature {feature}", feature=int(sides.shape[i[0]])),
            )  # fmt: skip
        turn = np.maximum(_turns(sides, i, j), _turns(sides, j, i))
        same = sides.shape[i] == sides.shape[j]
        own.append(sides.shape[i[same & (turn <= 0)]])
        between += int(np.count_nonzero(~same & (turn < 0)))
    n = len(geometry)
    knots = np.bincount(np.concatenate(own), minlength=n) - np.bincount(sides.shape, minlength=n)
    light = pairs <= LIGHT_PAIRS + PAIRS_A_SIDE * len(sides.shape)
    light &= nested <= LIGHT_NESTED + NESTED_A_RING * len(rings)
    return Crossings(len(sides.shape), knots, between, light)


def is_entangled(geometry: shapely.Geometry) -> bool:
    """Whether a geometry crosses itself too often for GEOS to validate it."""
    try:
        crossings_of(np.array([geometry], object), "")
    except InputError:
        return True
    return False


def _rings(geometry: NDArray[np.object_]) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """All rings, and the position of the geometry that each belongs to."""
    parts, shape = geometry, np.arange(len(geometry))
    while (shapely.get_type_id(parts) > 3).any():  # collections, at whatever depth
        parts, parent = shapely.get_parts(parts, return_index=True)
        shape = shape[parent]
    rings, part = shapely.get_rings(parts, return_index=True)
    return rings, shape[part]


def _sides(rings: NDArray[np.object_], shape: NDArray[np.int64]) -> _Sides:
    points, ring = shapely.get_coordinates(rings, return_index=True)
    within = (ring[1:] == ring[:-1]) & (points[1:] != points[:-1]).any(axis=1)
    return _Sides(points[:-1][within], points[1:][within], shape[ring[:-1][within]])


def _meeting(geometry: NDArray[np.object_]) -> Iterator[Pairs]:
    """Pairs of geometries whose rectangles meet, each once."""
    tree = shapely.STRtree(geometry)
    for start in range(0, len(geometry), AT_ONCE):
        i, j = tree.query(geometry[start : start + AT_ONCE])
        i = i + start
        once = i < j
        if once.any():
            yield i[once], j[once]


def _nested(rings: NDArray[np.object_], shape: NDArray[np.int64], source: Source) -> int:
    """Number of pairs of rings of which one may lie in the other."""
    pairs, limit = 0, NESTED + NESTED_A_RING * len(rings)
    for i, _ in _meeting(shapely.box(*shapely.bounds(rings).T)):
        pairs += len(i)
        if pairs > limit:
            raise InputError(
                source,
                "too many rings lie around it or in it",
                "simplify it",
                place=Text("feature {feature}", feature=int(shape[i[0]])),
            )  # fmt: skip
    return pairs


def _turns(sides: _Sides, i: NDArray[np.int64], j: NDArray[np.int64]) -> NDArray[np.float64]:
    """Orientation test: below 0 where the ends of side j lie on two sides of the line through side
    i, 0 where one lies on that line."""
    along = sides.last[i] - sides.first[i]
    hands = [
        np.sign(along[:, 0] * off[:, 1] - along[:, 1] * off[:, 0])
        for off in (sides.first[j] - sides.first[i], sides.last[j] - sides.first[i])
    ]
    product: NDArray[np.float64] = hands[0] * hands[1]
    return product
