"""Polygons of a table as flat arrays, without an object each: nearly all are one ring of two
dimensions, whose corners numpy reads from their bytes."""

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from pipeline.output.tiles.mvt import POLYGON, Ints, Polygons, shapes

HEAD, CORNER = 13, 16  # bytes: order, type, rings, corners; x and y
LITTLE_ENDIAN = 1
CORNERS = 4  # of a ring at least; rings of fewer are left to the library


def shapes_in(column: pa.BinaryArray, feature: Ints) -> Polygons:
    """Polygons and multipolygons of a column of well-known binary, (n,), each with its feature;
    others are left out."""
    column = column.cast(pa.binary())
    plain, points, number = _rings(column)
    ring = np.arange(len(number))
    others = column.filter(pa.array(~plain)).to_numpy(zero_copy_only=False)
    return Polygons(points, np.repeat(ring, number), ring, feature[plain]).followed_by(
        shapes(shapely.from_wkb(others), feature[~plain])
    )


def _rings(column: pa.BinaryArray) -> tuple[NDArray[np.bool_], NDArray[np.float64], Ints]:
    """Which polygons have one ring of two dimensions, their corners, and how many each has."""
    n, (_, offsets, data) = len(column), column.buffers()
    at = np.frombuffer(offsets, np.int32, n + 1, 4 * column.offset).astype(np.int64)
    start, length, content = at[:-1], np.diff(at), np.frombuffer(data or b"", np.uint8)
    plain = length >= HEAD
    head = content[start[plain, None] + np.arange(HEAD)]
    kind, rings, number = np.ascontiguousarray(head[:, 1:]).view("<u4").T.astype(np.int64)
    one = (head[:, 0] == LITTLE_ENDIAN) & (kind == POLYGON) & (rings == 1)
    one &= (number >= CORNERS) & (length[plain] == HEAD + CORNER * number)
    plain[plain], number = one, number[one]
    along = np.arange(number.sum()) - np.repeat(np.cumsum(number) - number, number)
    place = np.repeat(start[plain] + HEAD, number) + CORNER * along
    return plain, content[place[:, None] + np.arange(CORNER)].view("<f8"), number
