"""Footprints as runs of cells, as GDAL burns them, in any window."""

import math
from typing import Any

import numpy as np
import shapely
from affine import Affine
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from rasterio.features import rasterize
from shapely.affinity import rotate, scale, translate

from kernels.rings import FEW, STRIP, Rings, count_cells, footprint_spans, sort
from kernels.spans import cells_of
from pipeline.footprints.footprints import to_rings
from pipeline.grid.windows import Window
from tests.support import reference
from tests.support.clocks import using_at_most
from tests.support.scenes import COMPILED, SEEDS, examples, tiles

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
    f, row, column = cells_of(footprint_spans(rings, window.box))
    cells = f, row + window.top, column + window.left
    return list(zip(*(part.tolist() for part in cells), strict=True))


@given(FOOTPRINTS, PLACES, st.sampled_from([0.25, 0.5, 1.0, 2.0]))
@examples(400)
def test_cells_are_those_of_gdal(shapes: list[Any], origin: Any, resolution: float) -> None:
    """Also where corners and edges lie on centres and lines of the cells, to the cell."""
    footprints = placed(shapes, origin, resolution)
    rings = to_rings(shapely.to_wkb(footprints), resolution)
    assert found(rings, EVERYWHERE) == burnt(footprints, resolution)


@given(FOOTPRINTS, PLACES, SEEDS)
@examples(100)
def test_cells_are_those_of_gdal_on_5_metres(shapes: list[Any], origin: Any, seed: int) -> None:
    """Anywhere but with edges exactly through centres: a fifth has no end in binary, so GDAL lets
    its rounding decide those."""
    by = np.random.default_rng(seed).uniform(0, 5, 2)
    footprints = placed(shapes, origin + by, 5.0)
    assert found(to_rings(shapely.to_wkb(footprints), 5.0), EVERYWHERE) == burnt(footprints, 5.0)


@given(FOOTPRINTS, PLACES, st.lists(st.integers(-8, 30), min_size=4, max_size=4))
@examples(200)
def test_cells_of_a_window_are_those_of_the_whole(
    shapes: list[Any], origin: Any, sides: list[int]
) -> None:
    """Also of a window that is empty or holds none."""
    rings = to_rings(shapely.to_wkb(placed(shapes, origin, 0.5)), 0.5)
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
    """As many as there are; to a limit, no further than the run that reaches it."""
    rings = to_rings(shapely.to_wkb(placed(shapes, origin, 0.5)), 0.5)
    footprint = cells_of(footprint_spans(rings, EVERYWHERE.box)).footprint
    counts = np.bincount(footprint, minlength=len(shapes))
    assert count_cells(rings).tolist() == counts.tolist()
    assert (np.minimum(count_cells(rings, most), most) == np.minimum(counts, most)).all()


def test_cells_are_counted_no_further_than_asked() -> None:
    rings = to_rings(shapely.to_wkb(placed([shapely.box(0, 0, 3, 9)], (0, 0), 0.5)), 0.5)
    assert [count_cells(rings, most).item() for most in (0, 3, 4, 99)] == [0, 3, 6, 27]


def test_footprints_without_rings_have_no_cells() -> None:
    nothing, none = np.zeros(2, np.int64), np.zeros(0)
    rings = Rings(nothing, nothing, none, none, np.zeros(1, np.int64), np.zeros(3, np.int64))
    assert found(rings, EVERYWHERE) == []
    assert count_cells(rings).tolist() == [0, 0]


def test_a_sliver_between_centres_has_no_cell() -> None:
    rings = to_rings(shapely.to_wkb(placed([shapely.box(0.6, 0, 1.4, 9)], (0, 0), 0.5)), 0.5)
    assert found(rings, EVERYWHERE) == []


@given(FOOTPRINTS, PLACES, st.integers(-40, 40), st.integers(-40, 40), st.integers(0, 60))
@examples(200)
def test_runs_are_whole_and_in_order(
    shapes: list[Any], origin: Any, top: int, left: int, side: int
) -> None:
    """By footprint, row and column; none is empty, leaves the window or touches the next."""
    rings = to_rings(shapely.to_wkb(placed(shapes, origin, 0.5)), 0.5)
    window = Window(top - 2 * origin[1], left + 2 * origin[0], side, side)
    spans = footprint_spans(rings, window.box)
    assert [len(shapes) + 1, 0, len(spans.row)] == [len(spans.start), *spans.start[[0, -1]]]
    assert (spans.begin < spans.end).all()
    assert spans.begin.min(initial=0) >= 0 and spans.end.max(initial=0) <= side
    footprint = np.repeat(np.arange(len(shapes)), np.diff(spans.start))
    places = list(zip(footprint.tolist(), spans.row.tolist(), spans.begin.tolist(), strict=True))
    assert places == sorted(places)
    same = (np.diff(footprint) == 0) & (np.diff(spans.row) == 0)
    assert (spans.begin[1:] > spans.end[:-1])[same].all()


@given(FOOTPRINTS, PLACES, SEEDS)
@examples(100)
def test_blocks_hold_what_gdal_burns_in_them(shapes: list[Any], origin: Any, seed: int) -> None:
    """GDAL's cells are the same whole and by blocks, and so are these: block by block."""
    footprints = placed(shapes, origin, 0.5)
    rings = to_rings(shapely.to_wkb(footprints), 0.5)
    for tile in tiles(Window(-2 * origin[1] - 20, 2 * origin[0] - 20, 45, 90), seed):
        if not tile.size:
            continue
        corner = Affine(0.5, 0, tile.left / 2, 0, -0.5, -tile.top / 2)
        burnt = [np.argwhere(rasterize([(f, 1)], tile[2:], transform=corner)) for f in footprints]
        expected = [
            (f, int(row) + tile.top, int(column) + tile.left)
            for f, cells in enumerate(burnt)
            for row, column in cells
        ]
        assert found(rings, tile) == expected


def anywhere(seed: int) -> shapely.Geometry:
    """A star with a hole whose edges run through no cell's centre."""
    rng = np.random.default_rng(seed)
    turn = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(5, 40)))
    away = rng.uniform(3, 12, len(turn))
    points = np.column_stack([away * np.cos(turn), away * np.sin(turn)]) + rng.uniform(0, 1, 2)
    star = shapely.Polygon(points, [points / 3])
    assume(star.is_valid)
    return star


@given(SEEDS)
@examples(100)
def test_cells_are_those_whose_centre_is_inside(seed: int) -> None:
    """By another way than GDAL's: each centre is asked for."""
    star = anywhere(seed)
    row, column = np.indices((32, 32)) - 16
    inside = shapely.contains_xy(star, column + 0.5, -(row + 0.5))
    assert [
        cell[1:] for cell in found(to_rings(shapely.to_wkb(np.array([star])), 1.0), EVERYWHERE)
    ] == list(zip(row[inside].tolist(), column[inside].tolist(), strict=True))


@given(SEEDS)
@examples(100)
def test_cells_turn_and_mirror_with_the_footprint(seed: int) -> None:
    star = anywhere(seed)
    turned = [star, rotate(star, 90, origin=(0, 0)), scale(star, -1, 1, origin=(0, 0))]
    cells = found(to_rings(shapely.to_wkb(np.array(turned)), 1.0), EVERYWHERE)
    here = {(row, column) for f, row, column in cells if f == 0}
    assert {(row, column) for f, row, column in cells if f == 1} == {(-c - 1, r) for r, c in here}
    assert {(row, column) for f, row, column in cells if f == 2} == {(r, -c - 1) for r, c in here}


@given(SEEDS, st.sampled_from([0.25, 0.5, 1.0]))
@examples(100)
def test_cells_cover_about_the_area(seed: int, resolution: float) -> None:
    """Only cells that the outline runs through are part in, part out; a line of length l runs
    through at most 2 + sqrt(2) l of them."""
    star = anywhere(seed)
    area = count_cells(to_rings(shapely.to_wkb(np.array([star])), resolution))[0] * resolution**2
    edges = len(shapely.get_coordinates(star)) - 2
    most = 2 * edges + math.sqrt(2) * star.length / resolution
    assert abs(area - star.area) <= most * resolution**2


def comb(teeth: int, height: float, tilt: float = 0.0) -> shapely.Polygon:
    """A wall with teeth a cell apart; a row through them meets two edges a tooth, from east to
    west, the worst order to sort."""
    x = np.arange(2 * teeth + 1) / 2 + 0.3
    y = np.where(np.arange(2 * teeth + 1) % 2, height, 1.3) + tilt * x
    return shapely.Polygon([(x[0], 0.0), *zip(x, -y, strict=True), (x[-1], 0.0)])


@given(st.integers(1, 3 * FEW), st.floats(2, 3 * STRIP), st.floats(0, 1))
@examples(50)
def test_rows_that_meet_many_edges_and_many_rows(teeth: int, height: float, tilt: float) -> None:
    """Sorted by either way; and beyond one strip of rows."""
    rings = to_rings(shapely.to_wkb(placed([comb(teeth, height, tilt)], (0, 0), 0.5)), 0.5)
    assert found(rings, EVERYWHERE) == burnt(placed([comb(teeth, height, tilt)], (0, 0), 0.5), 0.5)


@given(st.lists(st.integers(-9, 9), max_size=3 * FEW), st.integers(0, 3 * FEW))
@examples(100)
def test_the_first_are_sorted(values: list[int], n: int) -> None:
    array, n = np.array(values, np.int64), min(n, len(values))
    sort(array, n)
    assert array.tolist() == [*sorted(values[:n]), *values[n:]]


def test_a_zigzag_of_many_thousand_edges_is_no_trap() -> None:
    """120,000 edges meet a row: sorted by inserting one by one they would take half a minute."""
    teeth = 60_000 if COMPILED else 300
    rings = to_rings(shapely.to_wkb(placed([comb(teeth, 5.9)], (0, 0), 1.0)), 1.0)
    with using_at_most(10):
        cells = count_cells(rings)[0]
    assert cells == len(found(rings, EVERYWHERE)) > teeth
