"""Windows, the lattice, shards and blocks: pure, so tested without a file."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.shadow import Halo
from pipeline.grid.windows import (
    LARGEST_SHARD,
    LATTICE_M,
    SMALLEST_SHARD,
    LatticeCell,
    Layout,
    Window,
    cell_of,
    cut_at_lattice,
    divides_lattice,
    enclosing_halo,
    lattice_side,
    uniform_halo,
)

RESOLUTIONS = (0.5, 1.0, 2.0, 5.0)
resolutions = st.sampled_from(RESOLUTIONS)
# The whole country at 5 m, and a corner of it where four squares meet at any resolution.
corners = st.integers(-30_000, 30_000)


@st.composite
def windows(draw: st.DrawFn, largest: int = 3000) -> Window:
    sizes = st.integers(1, largest)
    return Window(draw(corners), draw(corners), draw(sizes), draw(sizes))


def painted(whole: Window, parts: list[Window]) -> np.ndarray:
    """How often each cell of a window is covered by the parts; all of them must lie in it."""
    counts = np.zeros((whole.height, whole.width), int)
    for part in parts:
        assert whole.covers(part), part
        counts[whole.slices(part)] += 1
    return counts


def test_a_window_knows_its_sides() -> None:
    w = Window(-10, 5, 4, 3)
    assert (w.bottom, w.right, w.size) == (-6, 8, 12)
    assert w.bounds(0.5) == (2.5, 3.0, 4.0, 5.0)
    assert Window.around((2.5, 3.0, 4.0, 5.0), 0.5) == w
    assert Window.around((2.6, 3.1, 3.9, 4.9), 0.5) == w
    assert w.box == (-10, 5, 4, 3)
    assert Window.between(3, 3, 1, 5).size == 0


@given(windows(), windows())
def test_intersection_and_union(a: Window, b: Window) -> None:
    common, around = a.intersect(b), a.union(b)
    assert common == b.intersect(a)
    assert around == b.union(a)
    assert around.covers(a)
    assert around.covers(b)
    assert a.covers(b) is (around == a)
    overlap = a.top < b.bottom and b.top < a.bottom and a.left < b.right and b.left < a.right
    assert (common.size > 0) is overlap
    if overlap:
        assert a.covers(common)
        assert b.covers(common)
    assert a.union(Window(0, 0, 0, 0)) == Window(0, 0, 0, 0).union(a) == a


@given(windows(50), st.tuples(*[st.integers(0, 9)] * 4))
def test_a_halo_grows_its_own_side(w: Window, sides: tuple[int, int, int, int]) -> None:
    halo = Halo(*sides)
    grown = w.grow(halo)
    assert (w.top - grown.top, grown.right - w.right) == (halo.north, halo.east)
    assert (grown.bottom - w.bottom, w.left - grown.left) == (halo.south, halo.west)
    assert enclosing_halo([halo, uniform_halo(4)]) == Halo(*(max(side, 4) for side in halo))
    array = np.zeros((grown.height, grown.width), int)
    array[grown.slices(w)] = 1
    assert array.sum() == w.size
    assert array.shape == (w.height + sides[0] + sides[2], w.width + sides[1] + sides[3])


@given(resolutions, corners, corners, st.sampled_from([0.0, 0.25, 0.5, 0.75]))
def test_a_point_lies_in_the_cell_whose_lines_it_is_on_or_beyond(
    resolution: float, row: int, column: int, share: float
) -> None:
    """On a line: the cell north-east of it."""
    x, y = (column + share) * resolution, (-row + share) * resolution
    assert cell_of(x, y, resolution) == (row - 1, column)
    xmin, ymin, xmax, ymax = Window(*cell_of(x, y, resolution), 1, 1).bounds(resolution)
    assert xmin <= x < xmax
    assert ymin <= y < ymax


@pytest.mark.parametrize(
    ("resolution", "divides"),
    [(0.5, True), (1, True), (2, True), (5, True), (0.25, True), (3, False), (0.3, False)],
)
def test_cells_divide_the_lattice_or_not(resolution: float, divides: bool) -> None:
    assert divides_lattice(resolution) is divides
    assert not divides_lattice(-resolution)


@given(resolutions, corners, corners)
def test_every_cell_has_a_square_and_a_place_in_it(resolution: float, top: int, left: int) -> None:
    square = LatticeCell.of(top, left, resolution)
    cell = Window(top, left, 1, 1)
    assert square.window(resolution).covers(cell)
    xmin, ymin, xmax, ymax = square.window(resolution).bounds(resolution)
    assert (xmin, ymin) == (square.column * LATTICE_M, square.row * LATTICE_M)
    assert (xmax - xmin, ymax - ymin) == (LATTICE_M, LATTICE_M)
    assert square.centre == ((xmin + xmax) / 2, (ymin + ymax) / 2)
    grid = square.anchored(cell, resolution)  # rows northward from the south-western cell
    x, y = cell.bounds(resolution)[:2]
    assert (xmin + grid.column * resolution, ymin + grid.row * resolution) == (x, y)
    cells = lattice_side(resolution)
    assert 0 <= grid.row < cells
    assert 0 <= grid.column < cells


def test_beyond_its_square_a_window_is_counted_on() -> None:
    square = LatticeCell(11, 46)
    corner = square.window(5.0)
    window = Window(corner.bottom - 2, corner.left - 3, 10, 10)
    assert square.anchored(window, 5.0) == (5.0, 1, -3)


@given(resolutions, windows(2500))
def test_the_lattice_cuts_a_window_into_parts_that_tile_it(
    resolution: float, window: Window
) -> None:
    parts = list(cut_at_lattice(window, resolution))
    assert (painted(window, [part for _, part in parts]) == 1).all()
    assert len({square for square, _ in parts}) == len(parts)
    for square, part in parts:
        assert part.size
        assert square.window(resolution).covers(part)
    assert not list(cut_at_lattice(Window(0, 0, 0, 5), resolution))


@given(resolutions, windows(2500))
def test_a_layout_covers_its_extent_with_shards(resolution: float, window: Window) -> None:
    layout = Layout.of(window, resolution)
    assert layout.extent.covers(window)
    coarse = 1 << (layout.levels - 1)
    assert not any(side % coarse for side in (*layout.extent[:2], layout.extent.bottom))
    assert layout.extent.size < (window.height + 2 * coarse) * (window.width + 2 * coarse)
    parts = [layout.window(shard).intersect(layout.extent) for shard in layout.shards()]
    assert all(part.size for part in parts)
    assert (painted(layout.extent, parts) == 1).all()
    assert SMALLEST_SHARD <= layout.shard <= LARGEST_SHARD
    assert layout.shard % coarse == 0


@pytest.mark.parametrize(
    ("side", "shard", "shards", "levels"),
    [
        (100, 128, 1, 1),
        (300, 128, 9, 1),
        (600, 128, 25, 1),
        (1000, 256, 16, 1),
        (2000, 512, 16, 2),
        (12_500, 4096, 16, 5),
        (40_000, 4096, 100, 7),
    ],
)
def test_small_areas_get_small_shards_so_that_they_have_several(
    side: int, shard: int, shards: int, levels: int
) -> None:
    layout = Layout.of(Window(-side, 0, side, side), 0.5)
    assert (layout.shard, len(list(layout.shards())), layout.levels) == (shard, shards, levels)


@given(windows(), resolutions)
def test_a_layout_depends_on_extent_and_resolution_only(w: Window, resolution: float) -> None:
    assert Layout.of(w, resolution) == Layout.of(Window(*w), resolution)
    moved = Layout.of(Window(w.top + 4096, w.left - 8192, w.height, w.width), resolution)
    here = Layout.of(w, resolution)
    assert (moved.shard, moved.levels) == (here.shard, here.levels)
    assert moved.extent == Window(here.extent.top + 4096, here.extent.left - 8192, *here.extent[2:])


@given(windows(1500), corners, corners)
def test_a_cell_lies_in_the_shard_that_is_named(window: Window, row: int, column: int) -> None:
    layout = Layout.of(window, 1.0)
    shard = layout.shard_of(row, column)
    assert layout.window(shard).covers(Window(row, column, 1, 1))
    assert list(layout.shards(Window(row, column, 1, 1))) == [shard]


@given(resolutions, windows(1200), st.integers(16, 600))
def test_blocks_tile_a_window_and_stay_within_a_square(
    resolution: float, window: Window, block: int
) -> None:
    layout = Layout.of(window, resolution)
    blocks = list(layout.blocks(window, block))
    assert (painted(window, [part for _, part in blocks]) == 1).all()
    for square, part in blocks:
        assert square.window(resolution).covers(part)
        assert max(part.height, part.width) <= block


def test_blocks_begin_where_the_window_begins() -> None:
    layout = Layout.of(Window(0, 0, 1000, 1000), 0.5)
    shard = layout.window(next(layout.shards()))
    sizes = Counter((part.height, part.width) for _, part in layout.blocks(shard, 100))
    assert sizes == {(100, 100): 4, (100, 56): 2, (56, 100): 2, (56, 56): 1}
