"""Marks and heights on tiles, against plain loops over tiles and windows."""

from typing import Any, NamedTuple

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from kernels.shadow import Halo
from pipeline.grid.tile_masks import (
    NO_HEIGHT,
    TileMask,
    cut,
    enclosing,
    highest_under,
    lowered,
    raise_tiles,
)
from pipeline.grid.windows import TILE, Window
from tests.support.scenes import SEEDS, examples

Windows = NDArray[np.int64]
Tile = tuple[int, int]


class Ground(NamedTuple):
    """A frame, heights on it, and windows of cells on it and beyond."""

    frame: Window
    heights: NDArray[np.int32]
    windows: Windows


@st.composite
def grounds(draw: Any) -> Ground:
    rng = np.random.default_rng(draw(SEEDS))
    frame = Window(*rng.integers(-40, 40, 2).tolist(), *rng.integers(0, 7, 2).tolist())
    heights = rng.integers(-500, 9000, (frame.height, frame.width), dtype=np.int32)
    heights[rng.random(heights.shape) < 0.3] = NO_HEIGHT
    return Ground(frame, heights, windows_about(rng, frame))


def windows_about(rng: np.random.Generator, frame: Window) -> Windows:
    """Some of which begin or end on the tiles' lines."""
    n = int(rng.integers(0, 12))
    low = np.array([frame.top, frame.left]) * TILE + rng.integers(-2 * TILE, 8 * TILE, (n, 2))
    low = np.where(rng.random((n, 2)) < 0.3, low // TILE * TILE, low)
    size = rng.choice([1, TILE - 1, TILE, TILE + 1, 3 * TILE], (n, 2))
    return np.hstack([low, low + size])


def touched(window: NDArray[np.int64]) -> set[Tile]:
    """The tiles of all cells of a window."""
    top, left, bottom, right = window.tolist()
    lines = {row // TILE for row in range(top, bottom)}
    return {(i, j) for i in lines for j in {column // TILE for column in range(left, right)}}


def told(marks: TileMask) -> set[Tile]:
    """The marked tiles, counted from RD (0, 0)."""
    return {(marks.frame.top + i, marks.frame.left + j) for i, j in np.argwhere(marks.marked)}


def of(frame: Window) -> set[Tile]:
    rows, columns = range(frame.top, frame.bottom), range(frame.left, frame.right)
    return {(i, j) for i in rows for j in columns}


def marked(ground: Ground) -> TileMask:
    marks = TileMask.none(ground.frame)
    marks.add(ground.windows)
    return marks


@given(grounds())
@examples(150)
def test_marked_is_what_a_window_touches(ground: Ground) -> None:
    every = [touched(window) for window in ground.windows]
    assert told(marked(ground)) == set().union(*every) & of(ground.frame)
    for window, tiles in zip(ground.windows.tolist(), every, strict=True):
        one = TileMask.of(Window.between(*window), ground.frame)
        assert told(one) == tiles & of(ground.frame)


@given(grounds(), SEEDS)
@examples(150)
def test_who_touches_a_mark(ground: Ground, seed: int) -> None:
    marks = marked(ground)
    others = windows_about(np.random.default_rng(seed), ground.frame)
    expected = [bool(touched(window) & told(marks)) for window in others]
    assert marks.touch(others).tolist() == expected


@given(grounds(), grounds())
@examples(100)
def test_other_frames(one: Ground, other: Ground) -> None:
    a, b = marked(one), marked(other)
    assert told(a.part(b.frame)) == told(a) & of(b.frame)
    assert told(a.union(b)) == told(a) | told(b)
    values = cut(one.heights, one.frame, other.frame, NO_HEIGHT)
    assert values.shape == (other.frame.height, other.frame.width)
    for i, j in of(other.frame):
        known = (i, j) in of(one.frame)
        expected = one.heights[i - one.frame.top, j - one.frame.left] if known else NO_HEIGHT
        assert values[i - other.frame.top, j - other.frame.left] == expected


@given(grounds(), st.tuples(*[st.integers(0, 3)] * 4).map(lambda sides: Halo(*sides)))
@examples(60)
def test_grown(ground: Ground, halo: Halo) -> None:
    marks = marked(ground)
    grown = marks.grow(halo)
    assert told(grown) == {
        (i + down, j + along)
        for i, j in told(marks)
        for down in range(-halo.north, halo.south + 1)
        for along in range(-halo.west, halo.east + 1)
    }
    assert grown.frame == ground.frame.grow(halo)


@given(grounds())
@examples(100)
def test_the_window_around(ground: Ground) -> None:
    marks = marked(ground)
    around = Window(0, 0, 0, 0)
    for i, j in told(marks):
        around = around.union(Window(i * TILE, j * TILE, TILE, TILE))
    assert marks.window == around or not (marks.window.size or around.size)


def test_the_window_around_windows() -> None:
    assert enclosing(np.array([[3, -5, 4, 9], [-2, 0, 1, 1]])) == Window.between(-2, -5, 4, 9)
    assert not enclosing(np.zeros((0, 4), np.int64)).size


@given(grounds(), SEEDS)
@examples(150)
def test_tiles_are_raised_and_lowered(ground: Ground, seed: int) -> None:
    """The lowered ones keep no height where nothing touches them; both leave their input's rest."""
    frame, windows = ground.frame, ground.windows
    tops = np.random.default_rng(seed).integers(-600, 9999, len(windows), dtype=np.int32)
    high, low = ground.heights.copy(), lowered(ground.heights, frame, windows, tops)
    raise_tiles(high, frame, windows, tops)
    for i, j in of(frame):
        here = i - frame.top, j - frame.left
        over = [int(t) for w, t in zip(windows, tops, strict=True) if (i, j) in touched(w)]
        before = int(ground.heights[here])
        assert high[here] == max([before, *over])
        known = [] if before == NO_HEIGHT else [before]
        assert low[here] == min([*known, *over], default=NO_HEIGHT)


@given(grounds())
@examples(150)
def test_the_highest_under_windows(ground: Ground) -> None:
    frame = ground.frame
    expected = [
        max(
            (
                int(ground.heights[i - frame.top, j - frame.left])
                for i, j in touched(window) & of(frame)
            ),
            default=int(NO_HEIGHT),
        )
        for window in ground.windows
    ]
    assert highest_under(ground.heights, frame, ground.windows).tolist() == expected
