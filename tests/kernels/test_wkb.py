"""Polygons decoded from well-known binary, beside GEOS's own arrays."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from kernels.wkb import Polygons, decode_polygons
from tests.support.scenes import examples

CORNERS = st.lists(
    st.tuples(st.floats(-1e7, 1e7), st.floats(-1e7, 1e7)), min_size=3, max_size=8, unique=True
)


@st.composite
def polygons(draw: st.DrawFn) -> shapely.Polygon:
    """A polygon, valid or not, with up to two holes."""
    return shapely.Polygon(draw(CORNERS), draw(st.lists(CORNERS, max_size=2)))


SHAPES = polygons() | st.lists(polygons(), min_size=1, max_size=3).map(shapely.MultiPolygon)
MANY = st.lists(SHAPES | st.none() | st.just(shapely.Polygon()), max_size=6)


def decoded(shapes: list[shapely.Geometry | None]) -> Polygons:
    packed = [shapely.to_wkb(shape) or b"" for shape in shapes]
    start = np.cumsum([0, *map(len, packed)])
    return decode_polygons(np.frombuffer(b"".join(packed), np.uint8), start)


def rings_of(shape: shapely.Geometry | None) -> list[NDArray[np.float64]]:
    """The coordinates of each ring, by GEOS."""
    return [shapely.get_coordinates(ring) for ring in shapely.get_rings(shapely.get_parts(shape))]


@given(MANY)
@examples(60)
def test_rings_are_those_of_geos(shapes: list[shapely.Geometry | None]) -> None:
    expected = [rings_of(shape) for shape in shapes]
    found = decoded(shapes)
    every = [ring for rings in expected for ring in rings]
    assert found.rings.tolist() == np.cumsum([0, *map(len, expected)]).tolist()
    assert found.points.tolist() == np.cumsum([0, *map(len, every)]).tolist()
    assert found.xy.tobytes() == b"".join(ring.tobytes() for ring in every)


@given(MANY, MANY)
@examples(30)
def test_polygons_are_decoded_alike_beside_others(
    some: list[shapely.Geometry | None], others: list[shapely.Geometry | None]
) -> None:
    alone, together = decoded(some), decoded([*some, *others])
    rings = alone.rings[-1]
    assert (together.rings[: len(some) + 1] == alone.rings).all()
    assert (together.points[: rings + 1] == alone.points).all()
    assert together.xy[: len(alone.xy)].tobytes() == alone.xy.tobytes()


@pytest.mark.parametrize(
    "packed",
    [
        shapely.to_wkb(shapely.Point(1, 2)),
        shapely.to_wkb(shapely.Polygon([(0, 0, 1), (1, 0, 1), (1, 1, 1)])),
        shapely.to_wkb(shapely.box(0, 0, 1, 1), byte_order=0),
    ],
    ids=["a point", "with heights", "big-endian"],
)
def test_other_geometries_are_refused(packed: bytes) -> None:
    with pytest.raises(ValueError, match="polygons in two dimensions"):
        decode_polygons(np.frombuffer(packed, np.uint8), np.array([0, len(packed)]))
