"""Footprints as cells, as GDAL burns them, in any window; heights in centimetres, counted."""

from typing import Any

import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from shapely.affinity import translate

from kernels.roof import (
    NO_HEIGHT,
    Cells,
    Counts,
    Rings,
    box_histograms,
    cell_histograms,
    centimetres,
    count_cells,
    footprint_cells,
)
from pipeline.footprints import to_rings
from pipeline.grid import Window
from tests import reference
from tests.scenes import SEEDS, examples, houses, tiles

QUARTERS = st.integers(-24, 24)  # of a cell
PLACES = st.sampled_from([(0, 0), (121_000, 487_000), (-250, 306_000)])  # in RD [m]
EVERYWHERE = Window.between(-(10**7), -(10**7), 10**7, 10**7)
Row = tuple[int, int, int]  # footprint, row, column


@st.composite
def stars(draw: st.DrawFn) -> shapely.Polygon:
    """A star of up to nine points on quarters of a cell, perhaps with a hole."""
    corners = draw(st.lists(st.tuples(QUARTERS, QUARTERS), min_size=3, max_size=9, unique=True))
    points = np.array(sorted(corners, key=lambda p: np.arctan2(*p))) / 4
    star = shapely.Polygon(points, [points / 2] if draw(st.booleans()) else [])
    assume(star.is_valid and star.area > 0)
    return star


@st.composite
def stacks(draw: st.DrawFn) -> shapely.Geometry:
    """Boxes on quarters of a cell, some cut out of the others: holes, parts, edges on centres."""
    side = st.integers(1, 20)
    corners = draw(st.lists(st.tuples(QUARTERS, QUARTERS, side, side), min_size=2, max_size=8))
    west, south, wide, high = np.array(corners).T / 4
    boxes = shapely.box(west, south, west + wide, south + high)
    n = draw(st.integers(1, len(boxes)))
    stack = shapely.difference(shapely.union_all(boxes[:n]), shapely.union_all(boxes[n:]))
    assume(stack.area > 0)
    return stack


@st.composite
def pairs(draw: st.DrawFn) -> shapely.MultiPolygon:
    """Two stars apart, as one footprint."""
    return shapely.MultiPolygon([draw(stars()), translate(draw(stars()), 20, 3)])


FOOTPRINTS = st.lists(stars() | stacks() | pairs(), max_size=4)


def placed(shapes: list[shapely.Geometry], origin: Any, resolution: float) -> NDArray[np.object_]:
    """Footprints in cells, put down in RD [m]."""
    every = np.array(shapes, object)
    return shapely.transform(every, lambda xy: xy * resolution + np.array(origin))


def burnt(footprints: NDArray[np.object_], resolution: float) -> list[Row]:
    """The cells of each by GDAL, counted from RD (0, 0)."""
    transform = Affine(resolution, 0, 0, 0, -resolution, 0)
    cells = [reference.cells_inside(footprint, transform) for footprint in footprints]
    return [(f, int(i), int(j)) for f, own in enumerate(cells) for i, j in zip(*own, strict=True)]


def found(rings: Rings, window: Window) -> list[Row]:
    """The same by the kernel, from one window."""
    f, row, column = footprint_cells(rings, window.box)
    cells = f, row + window.top, column + window.left
    return list(zip(*(part.tolist() for part in cells), strict=True))


@given(FOOTPRINTS, PLACES, st.sampled_from([0.25, 0.5, 1.0, 2.0]))
@examples(400)
def test_cells_are_those_of_gdal(shapes: list[Any], origin: Any, resolution: float) -> None:
    """Also where corners and edges lie on centres and lines of the cells, to the cell."""
    footprints = placed(shapes, origin, resolution)
    rings = to_rings(footprints, resolution)
    assert found(rings, EVERYWHERE) == burnt(footprints, resolution)


@given(FOOTPRINTS, PLACES, SEEDS)
@examples(100)
def test_cells_are_those_of_gdal_on_5_metres(shapes: list[Any], origin: Any, seed: int) -> None:
    """Anywhere but with edges exactly through centres: a fifth has no end in binary, so GDAL lets
    its rounding decide those."""
    by = np.random.default_rng(seed).uniform(0, 5, 2)
    footprints = placed(shapes, origin + by, 5.0)
    assert found(to_rings(footprints, 5.0), EVERYWHERE) == burnt(footprints, 5.0)


@given(FOOTPRINTS, PLACES, st.lists(st.integers(-8, 30), min_size=4, max_size=4))
@examples(200)
def test_cells_of_a_window_are_those_of_the_whole(
    shapes: list[Any], origin: Any, sides: list[int]
) -> None:
    """Also of a window that is empty or holds none."""
    rings = to_rings(placed(shapes, origin, 0.5), 0.5)
    top, left, height, width = sides
    window = Window(top - 2 * origin[1], left + 2 * origin[0], max(height, 0), max(width, 0))
    inside = [
        (f, row, column)
        for f, row, column in found(rings, EVERYWHERE)
        if window.covers(Window(row, column, 1, 1))
    ]
    assert found(rings, window) == inside


@given(FOOTPRINTS, PLACES, st.integers(0, 40))
@examples(100)
def test_cells_are_counted(shapes: list[Any], origin: Any, most: int) -> None:
    """As many as there are; to a limit, rows are counted until it is reached."""
    rings = to_rings(placed(shapes, origin, 0.5), 0.5)
    counts = np.bincount(footprint_cells(rings, EVERYWHERE.box).footprint, minlength=len(shapes))
    assert count_cells(rings).tolist() == counts.tolist()
    assert (np.minimum(count_cells(rings, most), most) == np.minimum(counts, most)).all()


def test_cells_are_counted_no_further_than_asked() -> None:
    rings = to_rings(placed([shapely.box(0, 0, 3, 9)], (0, 0), 0.5), 0.5)
    assert [count_cells(rings, most).item() for most in (0, 3, 4, 99)] == [0, 3, 6, 27]


def test_footprints_without_rings_have_no_cells() -> None:
    nothing, none = np.zeros(2, np.int64), np.zeros(0)
    rings = Rings(nothing, nothing, none, none, np.zeros(1, np.int64), np.zeros(3, np.int64))
    assert found(rings, EVERYWHERE) == []
    assert count_cells(rings).tolist() == [0, 0]


def test_a_sliver_between_centres_has_no_cell() -> None:
    rings = to_rings(placed([shapely.box(0.6, 0, 1.4, 9)], (0, 0), 0.5), 0.5)
    assert found(rings, EVERYWHERE) == []


def test_centimetres_round_half_to_even_in_double() -> None:
    """The halves of all heights there are, which float32 would round to ties of its own."""
    halves = np.arange(-1000.5, 33_000, dtype=np.float64)[None] / 100
    height = halves.astype(np.float32)
    assert np.array_equal(centimetres(height), np.rint(100 * height.astype(np.float64)))
    ties = np.array([[0.125, 0.375, -0.125, -0.375, np.nan]], np.float32)
    assert centimetres(ties).tolist() == [[12, 38, -12, -38, NO_HEIGHT]]


def values(counts: Counts, n: int) -> list[list[int]]:
    """Of each footprint the heights that a histogram counts, sorted, and so any percentile."""
    entries = list(zip(counts.footprint.tolist(), counts.value.tolist(), strict=True))
    assert entries == sorted(set(entries))
    parts = [counts.footprint == f for f in range(n)]
    return [np.repeat(counts.value[own], counts.weight[own]).tolist() for own in parts]


@given(SEEDS, st.integers(0, 200), st.integers(1, 5))
@examples(100)
def test_cell_histograms_are_sorted_heights(seed: int, cells: int, n: int) -> None:
    rng, cm = np.random.default_rng(seed), centimetres(houses(seed, 12, 17))
    own = Cells(np.sort(rng.integers(0, n, cells)), *rng.integers(0, [[12], [17]], (2, cells)))
    heights = cm[own.row, own.column]
    expected = [heights[(own.footprint == f) & (heights != NO_HEIGHT)] for f in range(n)]
    assert values(cell_histograms(cm, own), n) == [np.sort(part).tolist() for part in expected]


def boxes(rng: np.random.Generator, n: int) -> NDArray[np.int64]:
    """Boxes over and around 12 x 17 cells, some of them empty."""
    corner = rng.integers(-6, 17, (n, 2))
    return np.hstack([corner, corner + rng.integers(-1, 14, (n, 2))])


@given(SEEDS, st.integers(0, 6))
@examples(100)
def test_box_histograms_are_sorted_heights(seed: int, n: int) -> None:
    every, cm = boxes(np.random.default_rng(seed), n), centimetres(houses(seed, 12, 17))
    expected = []
    for top, left, bottom, right in np.maximum(every, 0):
        heights = cm[top:bottom, left:right]
        expected.append(np.sort(heights[heights != NO_HEIGHT]).tolist())
    assert values(box_histograms(cm, every), n) == expected


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0), (2, 3)])
def test_no_heights_have_no_histogram(shape: tuple[int, int]) -> None:
    cm, nothing = centimetres(np.full(shape, np.nan, np.float32)), np.zeros(0, np.int64)
    assert cm.shape == shape
    assert values(box_histograms(cm, np.array([[-1, -1, 9, 9]])), 1) == [[]]
    assert values(box_histograms(cm, np.zeros((0, 4), np.int64)), 0) == []
    assert values(cell_histograms(cm, Cells(nothing, nothing, nothing)), 0) == []


@given(SEEDS, st.integers(0, 6))
@examples(100)
def test_histograms_of_tiles_merge_to_those_of_the_whole(seed: int, n: int) -> None:
    every, cm = boxes(np.random.default_rng(seed), n), centimetres(houses(seed, 12, 17))
    window, merged = Window(0, 0, 12, 17), [list[int]() for _ in range(n)]
    for tile in tiles(window, seed):
        part = box_histograms(cm[window.slices(tile)], every - np.array([*tile[:2]] * 2))
        merged = [[*a, *b] for a, b in zip(merged, values(part, n), strict=True)]
    assert [sorted(own) for own in merged] == values(box_histograms(cm, every), n)
