"""Frontal and plan area: against every rise on its own, over seams, on boxes with known walls."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from shapely.affinity import rotate

from kernels.roughness import (
    BUILT,
    FIELDS,
    HEIGHT,
    KNOWN,
    NEIGHBOURS,
    RISE,
    SQUARE,
    RoughnessSums,
    roughness,
    surface_sums,
)
from pipeline.grid.windows import Window
from tests.support.scenes import SEEDS, Raster, examples, houses, odd_rasters, tiles

SIDES, THRESHOLDS = st.integers(1, 7), st.sampled_from([0.0, 1.5, 3.0])
PLACES = st.integers(-9, 9)


@pytest.fixture(scope="module", autouse=True)
def quiet() -> Iterator[None]:
    """Spikes overflow, of which compiled code says nothing."""
    with np.errstate(over="ignore"):
        yield


def padded(height: Raster) -> Raster:
    """With one more cell around it, of which nothing is known."""
    return np.pad(height, 1, constant_values=np.nan)


def flat(height: Raster) -> Raster:
    return np.zeros_like(height)


def stands(surface: Raster, ground: Raster, threshold: float) -> NDArray[np.int64]:
    """Above the ground [cm]."""
    up = np.floor(np.float32(100) * (surface - ground) + np.float32(0.5))
    up = np.where(up > 1e5, 1e5, np.where(up > 100 * threshold, up, 0))
    return up.astype(np.int64)


def expected(
    surface: Raster, ground: Raster, threshold: float, top: int, left: int, side: int
) -> RoughnessSums:
    """Each cell on its own."""
    above, known = stands(surface, ground, threshold), ~np.isnan(surface - ground)
    rows, columns = (n - 2 for n in surface.shape)
    low = top // side, left // side
    high = (top + rows - 1) // side, (left + columns - 1) // side
    shape = high[0] - low[0] + 1, high[1] - low[1] + 1
    sums = RoughnessSums(np.zeros((*shape, FIELDS), np.int64), np.zeros(shape, np.int64))
    for i in range(1, rows + 1):
        for j in range(1, columns + 1):
            at = (top + i - 1) // side - low[0], (left + j - 1) // side - low[1]
            here, cell = above[i, j], sums.added[at]
            cell[KNOWN] += known[i, j]
            cell[BUILT] += here > 0
            cell[HEIGHT] += here
            cell[SQUARE] += here**2
            rises = [max(here - above[i + down, j + east], 0) for down, east in NEIGHBOURS]
            cell[RISE:] += np.array(rises)
            sums.highest[at] = max(sums.highest[at], here)
    return sums


def assert_same(found: RoughnessSums, other: RoughnessSums) -> None:
    for ours, theirs in zip(found, other, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def total(sums: RoughnessSums) -> RoughnessSums:
    """Of all coarse cells together."""
    return RoughnessSums(sums.added.sum(axis=(0, 1)), sums.highest.max(initial=0))


@given(odd_rasters(), SEEDS, THRESHOLDS, PLACES, PLACES, SIDES)
@examples(300)
def test_equals_every_rise_on_its_own(
    height: Raster, seed: int, threshold: float, top: int, left: int, side: int
) -> None:
    surface = padded(height)
    ground = np.random.default_rng(seed).choice([0, 1.25, -3, np.nan], surface.shape)
    given = surface, ground.astype(np.float32), threshold, top, left, side
    assert_same(surface_sums(*given), expected(*given))


@given(SEEDS, THRESHOLDS, st.sampled_from([1, 7, 16, 600]))
@examples(20)
def test_equals_every_rise_of_a_town(seed: int, threshold: float, side: int) -> None:
    surface, ground = houses(seed, 12, 40), houses(seed + 1, 12, 40, holes=False)
    assert_same(
        surface_sums(surface, ground, threshold, 3, -5, side),
        expected(surface, ground, threshold, 3, -5, side),
    )


def test_wider_than_a_piece() -> None:
    surface = houses(5, 6, 1300)
    for side in (100, 512, 700, 2000):
        given = surface, flat(surface), 1.5, 0, 90, side
        assert_same(surface_sums(*given), expected(*given))


# Seams.


def by_tiles(
    surface: Raster, top: int, left: int, side: int, seed: int, halo: bool
) -> RoughnessSums:
    """Of each tile with one more cell around it, or with nothing, added up."""
    rows, columns = (n - 2 for n in surface.shape)
    whole = surface_sums(surface, flat(surface), 1.5, top, left, side)
    merged = RoughnessSums(np.zeros_like(whole.added), np.zeros_like(whole.highest))
    for tile in tiles(Window(0, 0, rows, columns), seed):
        part = surface[tile.top : tile.bottom + 2, tile.left : tile.right + 2]
        part = part if halo else padded(part[1:-1, 1:-1])
        at = top + tile.top, left + tile.left
        sums = surface_sums(part, flat(part), 1.5, *at, side)
        i, j = at[0] // side - top // side, at[1] // side - left // side
        here = slice(i, i + len(sums.highest)), slice(j, j + sums.highest.shape[1])
        merged.added[here] += sums.added
        merged.highest[here] = np.maximum(merged.highest[here], sums.highest)
    return merged


@given(SEEDS, PLACES, PLACES, SIDES, SEEDS)
@examples(60)
def test_any_tiling_gives_the_same(seed: int, top: int, left: int, side: int, cut: int) -> None:
    surface = houses(seed, 20, 30)
    whole = surface_sums(surface, flat(surface), 1.5, top, left, side)
    assert_same(by_tiles(surface, top, left, side, cut, True), whole)


def test_a_halo_too_short_is_seen() -> None:
    surface = houses(3, 20, 30)
    whole = surface_sums(surface, flat(surface), 1.5, 0, 0, 5)
    with pytest.raises(AssertionError):
        assert_same(by_tiles(surface, 0, 0, 5, 7, False), whole)


# Symmetries.


@given(SEEDS, st.sampled_from([4, 8, 12, 36]))
@examples(60)
def test_turned_by_a_quarter_and_mirrored(seed: int, sectors: int) -> None:
    surface = houses(seed, 17, 23)

    def found(surface: Raster) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        sums = total(surface_sums(surface, flat(surface), 1.5, 0, 0, 9))
        return sums.added, roughness(sums, sectors, 0.5).frontal

    (added, frontal), (turned, turned_frontal) = found(surface), found(np.rot90(surface, -1))
    np.testing.assert_array_equal(np.roll(added[RISE:], 2), turned[RISE:])
    np.testing.assert_array_equal(added[:RISE], turned[:RISE])
    np.testing.assert_allclose(np.roll(frontal, sectors // 4), turned_frontal, rtol=1e-12)
    mirrored, mirrored_frontal = found(surface[:, ::-1])
    np.testing.assert_array_equal(added[RISE:][-np.arange(8)], mirrored[RISE:])
    np.testing.assert_allclose(frontal[-np.arange(sectors)], mirrored_frontal, rtol=1e-12)


@given(SEEDS, st.integers(-30, 30))
@examples(30)
def test_raised_and_scaled(seed: int, up: int) -> None:
    """Raised with the ground nothing changes; larger with the cells, only heights do."""
    surface = (np.rint(houses(seed, 17, 23) * 4) / 4).astype(np.float32)
    sums = surface_sums(surface, flat(surface), 1.5, 0, 0, 40)
    raised = surface_sums(surface + np.float32(up), flat(surface) + up, 1.5, 0, 0, 40)
    assert_same(raised, sums)
    scaled = surface_sums(surface * np.float32(4), flat(surface), 6, 0, 0, 40)
    small, large = roughness(sums, 12, 0.5), roughness(scaled, 12, 2.0)
    np.testing.assert_allclose(small.frontal, large.frontal, rtol=1e-12)
    np.testing.assert_array_equal(small.plan, large.plan)
    np.testing.assert_array_equal(small.highest * 4, large.highest)


# Scenes whose answer is known.


def box(rows: int, columns: int, high: float) -> Raster:
    """In the middle of 60 x 60 cells, with one more cell around."""
    height = np.zeros((62, 62), np.float32)
    height[20 : 20 + rows, 20 : 20 + columns] = high
    return height


@pytest.mark.parametrize(("rows", "columns"), [(20, 20), (24, 10), (5, 30)])
def test_a_lone_box(rows: int, columns: int) -> None:
    """Its walls as the wind sees them, on the axes to the bit, between within a lane's width."""
    sums = surface_sums(box(rows, columns, 12.5), np.zeros((62, 62), np.float32), 1.5, 0, 0, 60)
    frontal, plan, mean, highest, deviation = roughness(sums, 12, 0.5)
    seen = [columns, rows] * 2
    np.testing.assert_allclose(frontal[0, 0, ::3] * 60**2 * 0.5, np.array(seen) * 12.5, rtol=1e-15)
    theta = np.deg2rad(30 * np.arange(12))
    exact = 12.5 * (columns * abs(np.cos(theta)) + rows * abs(np.sin(theta)))
    off = frontal[0, 0] * 60**2 * 0.5 - exact
    assert (off <= 1e-9).all()
    assert (off >= -12.5 * math.sqrt(0.5)).all()
    assert (plan, mean, highest, deviation) == (rows * columns / 60**2, 12.5, 12.5, 0.0)


def test_boxes_one_upon_another() -> None:
    """A tower on a podium: walls add up, the plan does not; heights by area."""
    height = box(20, 20, 4.0)
    height[25:30, 25:30] = 10.0
    sums = total(surface_sums(height, flat(height), 1.5, 0, 0, 7))
    frontal, plan, mean, highest, deviation = roughness(sums, 4, 1.0)
    np.testing.assert_allclose(frontal * 60**2, 20 * 4 + 5 * 6, rtol=1e-15)
    assert (plan, highest) == (400 / 3600, 10.0)
    heights = np.repeat([4.0, 10.0], [375, 25])
    assert (mean, deviation) == pytest.approx((heights.mean(), heights.std()), rel=1e-12)


def rotated(angle: float, wide: float, long: float) -> tuple[Raster, NDArray[np.float64]]:
    """A box of 10 m about the middle; what the 12 winds see of it [m2]."""
    polygon = rotate(shapely.box(-wide / 2, -long / 2, wide / 2, long / 2), math.degrees(angle))
    at = np.arange(62) - 30.37
    inside = shapely.contains_xy(polygon, *np.meshgrid(at, -at))
    theta = np.deg2rad(30 * np.arange(12)) + angle
    exact = 10 * (wide * abs(np.cos(theta)) + long * abs(np.sin(theta)))
    return np.where(inside, np.float32(10), np.float32(0)), exact


AXES = np.abs([np.cos(np.deg2rad(30 * np.arange(12))), np.sin(np.deg2rad(30 * np.arange(12)))])


def test_walls_in_all_directions_show_too_much_by_as_much_as_is_said() -> None:
    """Never too little but by the corners that no cell's centre lies in; at most 21 % of each wall
    along the wind; 5 % over twelve sectors, where the axes alone give 24."""
    ratios, axes = [], []
    for angle in np.linspace(0, math.pi / 2, 30, endpoint=False):
        wide, long = 30.0, 22.0
        height, exact = rotated(angle, wide, long)
        sums = total(surface_sums(height, flat(height), 1.5, 0, 0, 60))
        found = roughness(sums, 12, 1.0).frontal * 60**2
        assert (found > exact - 15).all()
        assert (found < exact + 2 * 0.21 * 10 * max(wide, long) + 20).all()
        ratios.append(found / exact)
        north, east = sums.added[[RISE, RISE + 2]] / 100
        axes.append((AXES[0] * north + AXES[1] * east) / exact)
    by_wind = np.mean(ratios, axis=0)
    assert by_wind[::3].mean() == pytest.approx(1.0, abs=0.02)
    assert by_wind[[1, 2, 4, 5]].mean() == pytest.approx(1.073, abs=0.02)
    assert by_wind.mean() == pytest.approx(1.049, abs=0.02)
    assert np.mean(axes) == pytest.approx(1.244, abs=0.02)


def test_a_threshold_is_not_exceeded_by_itself() -> None:
    height = box(3, 3, 1.5)
    plan = [
        roughness(surface_sums(height, flat(height), t, 0, 0, 60), 4, 1.0).plan.item()
        for t in (1.49, 1.5, 1.51)
    ]
    assert plan == [9 / 3600, 0, 0]


def test_holes_have_no_area_and_face_walls() -> None:
    """A hole has no area, and what faces it is a wall; nothing known gives nothing."""
    height = box(60, 60, 9.0)
    height[:, 41:] = np.nan
    sums = total(surface_sums(height, flat(height), 1.5, 0, 0, 60))
    frontal, plan, *_ = roughness(sums, 4, 1.0)
    np.testing.assert_allclose(frontal * 60 * 40, [9 * 21, 9 * 41, 0, 9 * 41], rtol=1e-15)
    assert plan == 21 * 41 / 2400
    nothing = roughness(surface_sums(height * np.float32(np.nan), height, 1.5, 0, 0, 60), 4, 1.0)
    assert all(np.isnan(value).all() for value in nothing)
    bare = roughness(surface_sums(flat(height), flat(height), 1.5, 0, 0, 60), 4, 1.0)
    assert all((value == 0).all() for value in bare)


def test_a_faulty_height_is_cut_off() -> None:
    height = box(1, 1, 3e38)
    assert surface_sums(height, flat(height), 1.5, 0, 0, 60).highest == 100_000


def test_sums_do_not_overflow() -> None:
    height = np.full((24, 1102), 1000, np.float32)
    sums = total(surface_sums(height, flat(height), 1.5, 0, 0, 1100))
    assert sums.added[[BUILT, HEIGHT, SQUARE]].tolist() == [24_200, 24_200 * 10**5, 24_200 * 10**10]


def test_no_block_has_no_coarse_cells() -> None:
    for shape, coarse in (((2, 9), (0, 2)), ((9, 2), (2, 0)), ((2, 2), (0, 0)), ((3, 3), (1, 1))):
        nothing = np.zeros(shape, np.float32)
        assert surface_sums(nothing, nothing, 1.5, 0, 0, 4).highest.shape == coarse


@pytest.mark.parametrize("value", [np.inf, -np.inf])
@pytest.mark.parametrize("at", [(0, 0), (2, 3), (3, 4)])
def test_infinities_are_refused(value: float, at: tuple[int, int]) -> None:
    """In the cells around the block too."""
    height = np.zeros((4, 5), np.float32)
    height[at] = value
    for surface, ground in ((height, flat(height)), (flat(height), height)):
        with pytest.raises(ValueError, match=f"row {at[0]}, column {at[1]} is infinite"):
            surface_sums(surface, ground, 1.5, 0, 0, 4)


def test_arguments_that_are_no_block_are_refused() -> None:
    height = np.zeros((4, 5), np.float32)
    for other, side in ((height[1:], 4), (height, 0), (height, 20_001)):
        with pytest.raises(ValueError, match="no block"):
            surface_sums(height, other, 1.5, 0, 0, side)
    with pytest.raises(ValueError, match="no block"):
        surface_sums(height[:1], height[:1], 1.5, 0, 0, 4)
