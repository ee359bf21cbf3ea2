"""The horizon: ground whose answer is known, symmetries, and the seams."""

import math
from collections.abc import Callable, Iterable
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.coarse import COARSE, coarsen, merge
from kernels.field import FarField, far_field, near_field
from kernels.horizon import HorizonHalo, horizon, horizon_halo
from pipeline.grid.windows import Window, uniform_halo
from tests.support.march import Place, Raster, Reals
from tests.support.scenes import COMPILED, SEEDS, examples, tiles
from tests.support.skies import (
    LEVELS,
    ORIGIN,
    PLACES,
    Mask,
    all_of,
    around,
    look,
    quarter,
    quiet,  # noqa: F401
)

SIZE = 288 if COMPILED else 64  # divides by every cell of the far field that is seen from in it
TURNED = around(8, 0.3)  # none along an axis, where a cell of even side has no middle
CLOSE = 1e-4  # six roundings of a height of 340 m, seen half a metre away


def steps(k: int) -> Raster:
    """A table of small steps between bins."""
    return np.random.default_rng(k).normal(1, 1e-3, (k, 90, 1)).astype(np.float32)


def one(height: Raster, cell: tuple[int, int]) -> Mask:
    chosen = np.zeros(height.shape, np.bool_)
    chosen[cell] = True
    return chosen


def quarters(seed: int, holes: bool = False) -> Raster:
    """Houses with trees, heights in whole quarters of a metre, with which hardly a sum rounds."""
    height, _ = quarter(SIZE, 0.1, 5, True, seed)
    if holes:
        height[np.random.default_rng(seed).random(height.shape) < 0.01] = np.nan
    return (np.rint(height * 4) / 4).astype(np.float32)


# Ground whose answer is known.


@given(PLACES, st.floats(-300, 3000, width=32), st.floats(0.01, 1.5), SEEDS)
@examples(30)
def test_level_ground_sees_its_floor(place: Place, level: float, floor: float, seed: int) -> None:
    """No data are no obstacle, be they a sea or a cell beside."""
    rng = np.random.default_rng(seed)
    height = np.where(rng.random((40, 60)) < rng.random(), np.float32(level), np.float32(np.nan))
    table = rng.normal(size=(5, 7, 2)).astype(np.float32)
    found = look(height, place, all_of(height), around(5), floor, table)
    known = ~np.isnan(height).ravel()
    assert abs(found.sky_view[known] - math.cos(floor) ** 2).max(initial=0) < 1e-6
    expected = table[:, int(floor / (math.pi / 2) * 7)].sum(axis=0)
    assert abs(found.sums[known] - expected).max(initial=0) < 1e-5
    assert np.isnan(found.sky_view[~known]).all()
    assert np.isnan(found.sums[~known]).all()


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize(
    ("distance", "most"), [(6, 0.12), (20, 0.05), (50, 0.075), (100, 0.085), (300, 0.09)]
)
def test_a_ridge_sinks_with_the_cosine(distance: int, most: float, turns: int) -> None:
    """tan h = H / D cos, but for where samples lie: the fall is as sharp as it can be."""
    if not COMPILED and (distance > 20 or turns > 0):
        pytest.skip("too large for plain Python")
    half, before, behind = math.ceil(2.2 * distance), 10, 70
    height = np.zeros((2 * half + 1, before + distance + behind), np.float32)
    height[:, before + distance :] = high = 30
    off = np.radians(np.arange(-60, 61, 5.0))
    chosen, azimuths = one(height, (half, before)), off + math.pi / 2 * (1 - turns)
    here = np.rot90(height, turns), ORIGIN, np.rot90(chosen, turns)
    views = [look(*here, azimuths[k : k + 1], 0.01).sky_view[0] for k in range(len(off))]
    found = np.sqrt(1 / np.array(views, float) - 1)  # of one direction, sky view is cos2
    expected = high / (distance * ORIGIN.resolution) * np.cos(off)
    assert abs(found / expected - 1).max() < most


@pytest.mark.parametrize("steepness", [0.5, 1, 2])
@pytest.mark.parametrize("turns", range(2))
def test_sky_view_in_the_middle_of_a_canyon(steepness: float, turns: int) -> None:
    wide = 41
    height = np.zeros((10 * wide, wide + 60), np.float32)
    height[:, :30] = height[:, -30:] = steepness * wide * ORIGIN.resolution
    chosen = one(height, (5 * wide, 30 + wide // 2))
    here = np.rot90(height, turns), ORIGIN, np.rot90(chosen, turns)
    found = look(*here, around(72), math.radians(0.5)).sky_view[0]
    assert abs(found - math.cos(math.atan(2 * steepness))) < 0.015


@pytest.mark.parametrize("steepness", [0.5, 1, 2])
def test_sky_view_in_the_middle_of_a_basin(steepness: float) -> None:
    radius, half = 25.5, 60
    i, j = np.indices((2 * half + 1, 2 * half + 1)) - half
    high = np.float32(steepness * radius * ORIGIN.resolution)
    height = np.where(np.hypot(i, j) < radius, np.float32(0), high)
    found = look(height, ORIGIN, one(height, (half, half)), around(72)).sky_view[0]
    assert abs(found - math.cos(math.atan(steepness)) ** 2) < 0.015


# Symmetries.


def image(height: Raster, place: Place, azimuths: Reals, table: Raster) -> Raster:
    """Sky view and sums of all cells: (rows, columns, 1 + channels)."""
    found = look(height, place, all_of(height), azimuths, table=table)
    return np.column_stack([found.sky_view, found.sums]).reshape(*height.shape, -1)


def test_turned_and_mirrored() -> None:
    """With the directions, about the anchor; the table steps from bin to bin where it may."""
    height, table = quarters(1, holes=True), steps(len(TURNED))
    found = image(height, ORIGIN, TURNED, table)
    for turns in range(1, 4):
        turned = image(np.rot90(height, -turns), ORIGIN, TURNED + turns * math.pi / 2, table)
        assert_close(np.rot90(turned, turns), found)
    assert_close(image(height[:, ::-1], ORIGIN, -TURNED, table)[:, ::-1], found)


def assert_close(found: Raster, expected: Raster) -> None:
    assert np.array_equal(np.isnan(found), np.isnan(expected))
    assert np.nanmax(abs(found - expected)[..., 0]) < CLOSE
    off = abs(found - expected)[..., 1]
    assert np.nanmean(off > 1e-5) < 0.01  # of angles between two bins
    assert np.nanmax(off) < 0.05


@given(SEEDS, PLACES, st.sampled_from([0.25, 2.0, 8.0]))
@examples(5)
def test_scaling_height_and_cell_together_changes_nothing(
    seed: int, place: Place, times: float
) -> None:
    """To the bit by powers of two, while heights are whole centimetres."""
    height, table = quarters(seed, holes=True) * 4, steps(8)
    larger = place._replace(resolution=place.resolution * times)
    found = image(height * np.float32(times), larger, TURNED, table)
    assert np.array_equal(found, image(height, place, TURNED, table), equal_nan=True)


@given(SEEDS, PLACES, st.integers(-300, 300))
@examples(5)
def test_adding_a_constant_changes_nothing(seed: int, place: Place, constant: int) -> None:
    height, table = quarters(seed, holes=True), steps(8)
    assert_close(
        image(height + np.float32(constant), place, TURNED, table),
        image(height, place, TURNED, table),
    )


@given(SEEDS, st.integers(-999, 999), st.integers(-999, 999))
@examples(5)
def test_where_the_anchor_lies_does_not_matter(seed: int, south: int, east: int) -> None:
    """To the bit, but for where the cells of the far field lie."""
    whole, height = COARSE * 4, quarters(seed, holes=True)
    there = ORIGIN._replace(top=south * whole, left=east * whole)
    found = image(height, there, around(8), steps(8))
    assert np.array_equal(found, image(height, ORIGIN, around(8), steps(8)), equal_nan=True)


@given(SEEDS, PLACES, st.floats(0.5, 100, width=32))
@examples(8)
def test_raising_an_obstacle_shows_no_more_sky(seed: int, place: Place, by: float) -> None:
    """To the last bit, and a table that falls with the horizon gives no more."""
    height, rng = quarters(seed), np.random.default_rng(seed)
    raised = height.copy()
    for top, left in rng.integers(0, SIZE, (3, 2)):
        raised[top : top + 9, left : left + 9] += np.float32(by)
    table = np.sort(rng.random((8, 90, 1), np.float32), axis=1)[:, ::-1]
    same = (raised == height).ravel()
    before, after = (image(h, place, TURNED, table).reshape(-1, 2)[same] for h in (height, raised))
    assert (after <= before).all()
    assert (after < before).any()


# Seams.

WHOLE = Window(-2341, 1237, *((1003, 987) if COMPILED else (301, 289)))
STEEP = math.radians(12)  # a floor that leaves a halo of 600 cells in the far field
AZIMUTHS = around(8, 0.1)
FarOf = Callable[[Window], FarField]


@cache
def town() -> tuple[Raster, Mask]:
    """Houses with a few towers, and cells of it here and there."""
    height, _ = quarter(max(WHOLE[2:]), 0.1, 2.5, False, seed=3)
    height = height[: WHOLE.height, : WHOLE.width]
    rng = np.random.default_rng(3)
    for top, left in rng.integers(0, min(height.shape), (5, 2)):
        height[top : top + 20, left : left + 20] = 60
    height[rng.random(height.shape) < 0.01] = np.nan
    return height, rng.random(height.shape) < 0.02


def part(window: Window) -> tuple[Raster, int, int]:
    """The heights of a window, with its place."""
    window = window.intersect(WHOLE)
    return town()[0][WHOLE.slices(window)], window.top, window.left


def far_of_all(_: Window) -> FarField:
    """One for the nation."""
    return far_field(coarsen(*part(WHOLE)), LEVELS)


def far_of_parts(_: Window) -> FarField:
    """The same of sheets that end anywhere."""
    return far_field(merge([coarsen(*part(sheet)) for sheet in tiles(WHOLE, 5)]), LEVELS)


def far_around(halo: int) -> FarOf:
    """Of each block's own window."""
    return lambda block: far_field(coarsen(*part(block.grow(uniform_halo(halo)))), reach().levels)


def pieced(blocks: Iterable[Window], halo: int, far_of: FarOf) -> Raster:
    """Sky view and sums of the chosen cells, where each block knows so many cells around it."""
    chosen, found = town()[1], np.full((*WHOLE[2:], 2), np.nan, np.float32)
    for block in blocks:
        cells, top, left = part(block.grow(uniform_halo(halo)))
        near = near_field(
            cells, top, left, block._replace(top=block.top - top, left=block.left - left).box
        )
        mask = chosen[WHOLE.slices(block)]
        seen = horizon(near, far_of(block), mask, AZIMUTHS, 0.5, steps(len(AZIMUTHS)), STEEP)
        found[WHOLE.slices(block)][mask] = np.column_stack(seen)
    return found


@cache
def at_once() -> Raster:
    return pieced([WHOLE], 0, far_of_all)


def reach() -> HorizonHalo:
    """By the rule, for the tallest tower above the lowest cell."""
    height = town()[0]
    return horizon_halo(float(np.nanmax(height) - np.nanmin(height)), STEEP, 0.5)


@pytest.mark.parametrize("more", [0, 1, 7, 8, 30] if COMPILED else [3])
@pytest.mark.parametrize("far_of", [far_of_all, far_of_parts])
def test_blocks_see_what_the_whole_does(far_of: FarOf, more: int) -> None:
    """To the bit, with a near halo of the rule or longer, and the far field of the nation."""
    found = pieced(tiles(WHOLE, 7), reach().near + more, far_of)
    assert np.array_equal(found, at_once(), equal_nan=True)


def test_nothing_beyond_the_far_halo_matters() -> None:
    found = pieced(tiles(WHOLE, 7), reach().near, far_around(reach().far))
    assert np.array_equal(found, at_once(), equal_nan=True)


@pytest.mark.skipif(not COMPILED, reason="the town is too small")
@pytest.mark.parametrize("near, far", [(0.4, 1), (1, 0.6)])
def test_with_halos_too_short_the_seams_show(near: float, far: float) -> None:
    """Of this share of the rule's."""
    halo, far_of = int(near * reach().near), far_around(int(far * reach().far))
    found = pieced(tiles(WHOLE, 7), halo, far_of)
    assert not np.array_equal(found, at_once(), equal_nan=True)
