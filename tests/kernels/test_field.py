"""The near and the far field: means, highest of tiles, and a pyramid that merges exactly."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.coarse import COARSE, Coarse, coarsen, merge
from kernels.field import FarField, far_field, near_field
from pipeline.grid.windows import Window
from tests.support.march import Raster
from tests.support.scenes import SEEDS, examples, houses, tiles
from tests.support.skies import HOUSES, ODD, quiet  # noqa: F401

TILE, REACH, LEVELS = 16, 126, 4  # cells of a tile; how far from one a sample lies
WHOLE = COARSE << (LEVELS - 1)
AT = st.integers(-9999, 9999)
ANY = HOUSES | ODD


def at(array: Raster, rows: range, columns: range) -> Raster:
    """A window of an array that may lie partly outside it: there NaN."""
    around = np.pad(array, 400, constant_values=np.nan)
    return around[rows.start + 400 : rows.stop + 400, columns.start + 400 : columns.stop + 400]


def means(height: Raster, side: int) -> Raster:
    """Of the cells that start at each, where all have data: in double; else NaN."""
    wide = np.pad(height.astype(float), (0, side - 1), constant_values=np.nan)
    return np.lib.stride_tricks.sliding_window_view(wide, (side, side)).mean(axis=(2, 3))


def highest(height: Raster, side: int) -> Raster:
    """Of the cells that start at each."""
    wide = np.pad(height, (0, side - 1), constant_values=np.nan)
    return np.fmax.reduce(
        [
            wide[i : i + len(height), j : j + height.shape[1]]
            for i in range(side)
            for j in range(side)
        ]
    )


# The near field.


@given(ANY, AT, AT, SEEDS)
@examples(60)
def test_near_field(height: Raster, top: int, left: int, seed: int) -> None:
    """Of any block in the array: the means are means, and the highest where cells lack; all of it
    as far as samples reach from the block's tiles."""
    block = next(tiles(Window(0, 0, *height.shape), seed)).box
    near = near_field(height, top, left, block)
    north, west = near.top - top, near.left - left
    down, along = near.cells.shape
    rows, columns = range(north, north + down), range(west, west + along)
    assert np.array_equal(near.cells, at(height, rows, columns), equal_nan=True)
    assert near.block == block._replace(top=block.top - north, left=block.left - west)
    for side, found in (2, near.mean2), (4, near.mean4):
        inner = slice(0, 1 - side), slice(0, 1 - side)
        mean, most = (of(near.cells, side)[inner] for of in (means, highest))
        whole, found = ~np.isnan(mean), found[inner]
        assert np.allclose(found[whole], mean[whole], rtol=1e-6, atol=1e-2)
        assert (found[whole] <= most[whole]).all()
        assert np.array_equal(np.isnan(found), np.isnan(most))
    edges = np.isnan(means(near.cells, 2))[:-1, :-1]
    assert np.array_equal(
        near.mean2[:-1, :-1][edges], highest(near.cells, 2)[:-1, :-1][edges], True
    )


@given(ANY, AT, AT)
@examples(60)
def test_highest_of_tiles(height: Raster, top: int, left: int) -> None:
    near = near_field(height, top, left)
    rows, columns = near.top // TILE * TILE, near.left // TILE * TILE
    down, along = near.highest.shape
    inside = (
        range(rows - top, rows - top + down * TILE),
        range(columns - left, columns - left + along * TILE),
    )
    tiled = at(height, *inside).reshape(down, TILE, along, TILE)
    expected = np.nan_to_num(np.fmax.reduce(tiled, axis=(1, 3)), nan=-np.inf)
    assert np.array_equal(near.highest, expected)


@given(ANY, AT, AT)
@examples(30)
def test_room_for_all_samples_of_all_tiles(height: Raster, top: int, left: int) -> None:
    near = near_field(height, top, left)
    for first, edge, size, room in (
        (near.top, near.block.top, near.block.height, near.cells.shape[0]),
        (near.left, near.block.left, near.block.width, near.cells.shape[1]),
    ):
        assert edge - (first + edge) % TILE >= REACH
        assert room - (edge + size) - -(first + edge + size) % TILE >= REACH


# The far field.


def pieces(height: Raster, top: int, left: int, seed: int) -> list[Coarse]:
    """Of parts of an array that are cut anywhere, in any order."""
    whole = Window(top, left, *height.shape)
    parts = [coarsen(height[whole.slices(w)], w.top, w.left) for w in tiles(whole, seed)]
    return [parts[n] for n in np.random.default_rng(seed).permutation(len(parts))]


def equal(a: Coarse | FarField, b: Coarse | FarField) -> bool:
    pairs: Iterator[tuple[Any, Any]] = zip(a, b, strict=True)
    return all(np.array_equal(x, y, equal_nan=True) for x, y in pairs)


@given(ANY, AT, AT)
@examples(60)
def test_coarse_cells(height: Raster, top: int, left: int) -> None:
    """In centimetres, cell by cell."""
    found = coarsen(height, top, left)
    row, column = found.top * COARSE - top, found.left * COARSE - left
    rows, columns = (n * COARSE for n in found.highest.shape)
    cm = np.rint(
        100 * at(height, range(row, row + rows), range(column, column + columns)).astype(float)
    )
    blocks = cm.reshape(rows // COARSE, COARSE, columns // COARSE, COARSE)
    known = (~np.isnan(blocks)).sum(axis=(1, 3))
    assert np.array_equal(found.known, known)
    assert np.array_equal(found.total, np.nansum(blocks, axis=(1, 3)))
    most = np.fmax.reduce(blocks, axis=(1, 3))
    assert np.array_equal(found.highest[known > 0], most[known > 0])
    assert known.sum() == (~np.isnan(height)).sum()


@given(ANY, AT, AT, SEEDS)
@examples(60)
def test_any_parts_merge_to_the_whole(height: Raster, top: int, left: int, seed: int) -> None:
    """To the same integers, and those of parts of parts."""
    whole, parts = coarsen(height, top, left), pieces(height, top, left, seed)
    assert equal(merge(parts), whole)
    half = len(parts) // 2
    assert equal(merge([merge(parts[: half + 1]), *parts[half + 1 :]]), whole)
    assert equal(far_field(merge(parts), LEVELS), far_field(whole, LEVELS))


@given(HOUSES, AT, AT)
@examples(60)
def test_pyramid(height: Raster, top: int, left: int) -> None:
    """Half of mean and highest of the cells below, at every level."""
    far = far_field(coarsen(height, top, left), LEVELS)
    end = 0
    for level, (start, rows, columns, first, along) in enumerate(far.levels):
        side = COARSE << level
        inside = (
            range(first * side - top, (first + rows) * side - top),
            range(along * side - left, (along + columns) * side - left),
        )
        cells = at(height, *inside).astype(float).reshape(rows, side, columns, side)
        known = (~np.isnan(cells)).sum(axis=(1, 3))
        mean = np.nansum(cells, axis=(1, 3)) / np.where(known, known, np.nan)
        expected = (mean + np.fmax.reduce(cells, axis=(1, 3))) / 2
        assert start == end
        end += rows * columns
        values = far.values[start:end].reshape(rows, columns)
        assert np.array_equal(np.isnan(values), known == 0)
        assert np.nanmax(abs(values - expected)) < 0.0051 + 1e-5
    assert end == len(far.values)
    assert far.highest == np.nanmax(far.values)


def level(far: FarField, n: int) -> tuple[Raster, int, int]:
    """The values of a level, with its first row and column."""
    start, rows, columns, top, left = far.levels[n].tolist()
    return far.values[start : start + rows * columns].reshape(rows, columns), top, left


@given(SEEDS, st.integers(-9, 9), st.integers(-9, 9), st.integers(0, 2), st.integers(0, 2))
@examples(20)
def test_a_window_of_whole_cells_has_its_part_of_the_pyramid(
    seed: int, top: int, left: int, down: int, along: int
) -> None:
    """To the bit, at each level."""
    height = houses(seed, 3 * WHOLE, 3 * WHOLE)
    whole = far_field(coarsen(height, top * WHOLE, left * WHOLE), LEVELS)
    block = np.s_[down * WHOLE :, along * WHOLE : (along + 1) * WHOLE]
    part = coarsen(height[block], (top + down) * WHOLE, (left + along) * WHOLE)
    for n in range(LEVELS):
        (values, *first), (found, row, column) = level(whole, n), level(far_field(part, LEVELS), n)
        row, column = row - first[0], column - first[1]
        assert found.shape == ((3 - down) * WHOLE // (COARSE << n), WHOLE // (COARSE << n))
        expected = values[row : row + found.shape[0], column : column + found.shape[1]]
        assert np.array_equal(found, expected, equal_nan=True)


def test_a_window_of_parts_of_cells_has_not() -> None:
    height = houses(1, 3 * WHOLE, 3 * WHOLE)
    whole, part = (far_field(coarsen(height[n:], n, 0), LEVELS) for n in (0, WHOLE + COARSE))
    (values, *_), (found, *_) = level(whole, LEVELS - 1), level(part, LEVELS - 1)
    assert not np.array_equal(found, values[1:])


@pytest.mark.parametrize("infinity", [np.inf, -np.inf])
@given(ODD, SEEDS)
@examples(30)
def test_infinities_are_refused(infinity: float, height: Raster, seed: int) -> None:
    """The first is named, row by row."""
    chosen = np.random.default_rng(seed).choice(height.size, 1 + height.size // 9, replace=False)
    height.flat[chosen] = infinity
    row, column = divmod(int(chosen.min()), height.shape[1])
    for field in near_field, coarsen:
        with pytest.raises(ValueError, match=f"row {row}, column {column} is infinite"):
            field(height, 3, -5)
