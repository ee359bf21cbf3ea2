"""How entangled polygons may be. To mend or join them takes a time that grows with their crossings:
a polygon of 500 positions at random keeps a core busy for two minutes."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.errors import InputError

NEAR = 2_000_000  # pairs of sides of which the rectangles meet: 1 s to look through, 200 MB
CROSSINGS = 100_000  # of sides of different polygons: 2 s to join them
KNOTS = 1_000  # places where a polygon that is not valid meets itself: 1 s to mend it
NESTED = 100_000  # pairs of rings of those: 2 s to tell which lies in which
AT_ONCE = 32  # sides that are compared with all others: at most 100 MB

Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]


class _Sides(NamedTuple):
    """The sides of polygons, ring after ring. first, last: their ends, shape (n, 2); shape: which
    polygon each is of; ring: which ring, counted over all."""

    first: NDArray[np.float64]
    last: NDArray[np.float64]
    shape: NDArray[np.int64]
    ring: NDArray[np.int64]


def check_plain(geometry: NDArray[np.object_], name: str) -> None:
    """Raise InputError for polygons that it would take long to mend or to join."""
    parts, of = shapely.get_parts(geometry, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    sides = _sides(rings, of[part])
    i, j = _near(sides, name)
    one, two = _turns(sides, i, j), _turns(sides, j, i)
    _check_invalid(geometry, sides, (i, j), (one <= 0) & (two <= 0), name)
    if np.count_nonzero((one < 0) & (two < 0)) > CROSSINGS:
        raise InputError(f"{name}: its polygons cross more than {CROSSINGS:,} times; join them")


def _sides(rings: NDArray[np.object_], shape: NDArray[np.int64]) -> _Sides:
    points, ring = shapely.get_coordinates(rings, return_index=True)
    within = ring[1:] == ring[:-1]
    of = ring[:-1][within]
    return _Sides(points[:-1][within], points[1:][within], shape[of], of)


def _near(sides: _Sides, name: str) -> Pairs:
    """Pairs of sides of which the rectangles meet, each once."""
    found, n = [], 0
    for pairs in _looked_up(sides):
        n += len(pairs[0])
        if n > NEAR:
            raise InputError(f"{name}: its polygons are too entangled; simplify them")
        found.append(pairs)
    if not found:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    i, j = (np.concatenate(each) for each in zip(*found, strict=True))
    return i, j


def _looked_up(sides: _Sides) -> Iterator[Pairs]:
    lines = shapely.linestrings(np.stack([sides.first, sides.last], axis=1))
    tree = shapely.STRtree(lines)
    for start in range(0, len(lines), AT_ONCE):
        i, j = tree.query(lines[start : start + AT_ONCE])
        i = i + start
        yield i[i < j], j[i < j]


def _turns(sides: _Sides, i: NDArray[np.int64], j: NDArray[np.int64]) -> NDArray[np.float64]:
    """Below 0 where the ends of side j lie at two hands of side i, 0 where one lies in its line."""
    along = sides.last[i] - sides.first[i]
    hands = [
        np.sign(along[:, 0] * off[:, 1] - along[:, 1] * off[:, 0])
        for off in (sides.first[j] - sides.first[i], sides.last[j] - sides.first[i])
    ]
    product: NDArray[np.float64] = hands[0] * hands[1]
    return product


def _check_invalid(
    geometry: NDArray[np.object_],
    sides: _Sides,
    pairs: Pairs,
    meet: NDArray[np.bool_],
    name: str,
) -> None:
    """Of polygons that are not valid: what it takes to mend them. meet: which pairs have a place in
    common, as neighbours in a ring always have."""
    broken = ~shapely.is_valid(geometry)
    if not broken.any():
        return
    i, j = pairs
    inside = meet & (sides.shape[i] == sides.shape[j]) & broken[sides.shape[i]]
    knots = np.bincount(sides.shape[i[inside]], minlength=len(geometry))
    neighbours = np.bincount(sides.shape, minlength=len(geometry))
    rings = np.bincount(sides.shape[np.flatnonzero(np.diff(sides.ring, prepend=-1))],
                        minlength=len(geometry))  # fmt: skip
    worst = int(np.argmax(np.where(broken, knots - neighbours, -1)))
    if (knots - neighbours)[broken].sum() > KNOTS or (rings[broken] ** 2).sum() > NESTED:
        raise InputError(
            f"{name}: feature {worst}: is not valid, and would take long to mend; repair it (in"
            " QGIS by `fix geometries`), or simplify it"
        )
