"""Rings around areas of cells: against the union of the cells as GEOS makes it."""

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from kernels.cell_outlines import CellRings, cell_rings
from kernels.spans import Spans, cells_of
from tests.support.planes import spans_of


def polygons(rings: CellRings) -> NDArray[np.object_]:
    """The areas as polygons of columns and, northward, rows."""
    ring = np.repeat(np.arange(len(rings.area)), np.diff(rings.start))
    corners = shapely.linearrings(rings.corner * [1.0, -1.0], indices=ring)
    parts = shapely.polygons(corners, indices=rings.part)
    first = np.unique(rings.part, return_index=True)[1]
    return shapely.multipolygons(parts, indices=rings.area[first])


def scattered(seed: int) -> tuple[Spans, NDArray[np.int64], NDArray[np.int64]]:
    """Two footprints of cells at random, with the area of each cell, and a mask of the first."""
    rng = np.random.default_rng(seed)
    masks = [rng.random(rng.integers(1, 14, 2)) < 0.9 for _ in range(2)]
    spans = spans_of(masks)
    footprint = cells_of(spans).footprint
    kinds = rng.integers(0, 2 + seed % 3, len(footprint))
    known, area = np.unique(10 * footprint + kinds, return_inverse=True)
    area = np.where(known[area] % 10, np.cumsum(known % 10 > 0)[area] - 1, -1)
    return spans, area, footprint


@pytest.mark.parametrize("seed", range(60))
def test_they_are_the_union_of_the_cells_and_valid(seed: int) -> None:
    spans, area, _ = scattered(seed)
    cells = cells_of(spans)
    made = polygons(cell_rings(spans, area)) if (area >= 0).any() else np.zeros(0, object)
    assert shapely.is_valid(made).all() and len(made) == area.max(initial=-1) + 1
    for number, polygon in enumerate(made):
        row, column = cells.row[area == number], cells.column[area == number]
        assert polygon.area == len(row)
        boxes = shapely.box(column, -row - 1, column + 1, -row)
        assert shapely.equals(polygon, shapely.union_all(boxes))


@pytest.mark.parametrize("seed", range(6))
def test_a_shell_comes_first_and_runs_the_other_way_than_its_holes(seed: int) -> None:
    spans, area, _ = scattered(seed)
    rings = cell_rings(spans, area)
    ring = np.repeat(np.arange(len(rings.area)), np.diff(rings.start))
    left = shapely.is_ccw(shapely.linearrings(rings.corner * [1.0, -1.0], indices=ring))
    assert left.tolist() == (np.diff(rings.part, prepend=-1) > 0).tolist()


def test_a_corner_where_cells_meet_cuts_a_ring_in_two() -> None:
    """Around a void that the area closes at a corner only, and two cells that meet at one."""
    closed = np.array([[1, 1, 1], [1, 0, 1], [0, 1, 1]], bool)
    apart = np.array([[1, 0], [0, 1]], bool)
    spans = spans_of([closed, apart])
    rings = cell_rings(spans, cells_of(spans).footprint)
    assert rings.part.tolist() == [0, 0, 1, 2] and rings.area.tolist() == [0, 0, 1, 1]


def test_a_straight_side_has_no_corner_between_its_ends() -> None:
    spans = spans_of([np.ones((4, 7), bool)])
    assert len(cell_rings(spans, np.zeros(28, np.int64)).corner) == 4


def test_a_footprint_does_not_depend_on_the_others_or_on_where_it_lies() -> None:
    spans, area, footprint = scattered(3)
    every = cell_rings(spans, area)
    runs = slice(spans.start[1], spans.start[2])
    second = Spans(
        np.array([0, runs.stop - runs.start]),
        spans.row[runs] + 7, spans.begin[runs] + 5, spans.end[runs] + 5,
    )  # fmt: skip
    own = area[footprint == 1]
    first = own[own >= 0].min()
    alone = cell_rings(second, np.where(own >= 0, own - first, -1))
    rings = every.area >= first
    corners = np.repeat(rings, np.diff(every.start))
    assert np.array_equal(alone.corner - [5, 7], every.corner[corners])
    assert np.array_equal(alone.area + first, every.area[rings])
