"""Polygons straight from their bytes are those that shapely reads."""

import struct
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import shapely

from pipeline.output.tiles import mvt
from pipeline.output.tiles.wkb import shapes_in

BOX = shapely.box(1.5, 2, 3, 4.25)
RING = shapely.Point(5, 5).buffer(3)
KINDS: dict[str, Any] = {
    "one ring": shapely.to_wkb(RING),
    "a hole": shapely.to_wkb(RING.difference(BOX)),
    "several": shapely.to_wkb(shapely.MultiPolygon([BOX, shapely.box(6, 6, 7, 7)])),
    "with heights": shapely.to_wkb(shapely.force_3d(BOX, 9.0), output_dimension=3),
    "big-endian": shapely.to_wkb(BOX, byte_order=0),
    "with its system": shapely.to_wkb(shapely.set_srid(BOX, 28992), include_srid=True),
    "empty": shapely.to_wkb(shapely.Polygon()),
    "none": None,
    "a point": shapely.to_wkb(shapely.Point(1, 2)),
    "a line": shapely.to_wkb(shapely.LineString([(0, 0), (1, 1), (2, 0)])),
}


def by_feature(found: mvt.Polygons) -> dict[int, list[list[Any]]]:
    """The rings of each feature."""
    rings: dict[int, list[list[Any]]] = {}
    for i, part in enumerate(found.part):
        rings.setdefault(int(found.feature[part]), []).append(
            found.points[found.ring == i].tolist()
        )
    return rings


def check(wkb: list[Any], column: pa.BinaryArray) -> None:
    feature = np.arange(len(wkb)) * 3 + 5
    expected = mvt.shapes(shapely.from_wkb(np.array(wkb, object)), feature)
    assert by_feature(shapes_in(column, feature)) == by_feature(expected)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_between_others(kind: str) -> None:
    wkb = [shapely.to_wkb(BOX), KINDS[kind], shapely.to_wkb(RING), KINDS[kind]]
    check(wkb, pa.array(wkb, pa.binary()))
    check(wkb[1:2], pa.array(wkb[1:2], pa.binary()))


def test_a_part_of_a_column() -> None:
    wkb = [*KINDS.values()] * 3
    check(wkb[7:19], pa.array(wkb, pa.binary()).slice(7, 12))


@pytest.mark.parametrize("kind", [pa.large_binary(), pa.binary_view()], ids=str)
def test_columns_as_others_write_them(kind: pa.DataType) -> None:
    wkb = [*KINDS.values()]
    check(wkb, pa.array(wkb, kind))


@pytest.mark.parametrize("corners", [0, 1, 3])
def test_rings_of_too_few_corners_are_the_librarys(corners: int) -> None:
    """The last row as well, after which no bytes follow."""
    ring = struct.pack("<BIII", 1, 3, 1, corners) + struct.pack("<d", 1.0) * 2 * corners
    box = shapely.to_wkb(BOX)
    if corners == 1:
        with pytest.raises(shapely.GEOSException):
            shapes_in(pa.array([box, ring]), np.arange(2))
    else:
        check([box, ring], pa.array([box, ring]))


def test_no_rows() -> None:
    check([], pa.array([], pa.binary()))
