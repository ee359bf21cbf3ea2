"""Cast shadow: symmetries, odd shapes against the sweep's definition, and the seams."""

import math
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from kernels.shadow import (
    NO_DATA,
    Grid,
    Halo,
    Sun,
    cast_shadow,
    shadow_drop,
    shadow_halo,
    walks_rows,
)
from pipeline.grid.windows import Window, enclosing_halo
from tests.support.exact import Mask, Raster, by_definition
from tests.support.scenes import COMPILED, HERE, SEEDS, SPIKES, examples, houses, terrains, tiles

FEW = 4  # a halo is fewer cells than this longer than it need be
LOWEST, HIGHEST = 1e-9, math.pi / 2 - 1e-9  # elevations [rad]
COMPASS = [math.radians(22.5 * n) for n in range(16)]

EIGHTHS = st.sampled_from([math.radians(45 * n) for n in range(8)])
AZIMUTHS = EIGHTHS | st.sampled_from(COMPASS) | st.floats(0, 2 * math.pi)
ELEVATIONS = st.sampled_from([LOWEST, 1e-3, math.pi / 4, HIGHEST]) | st.floats(LOWEST, HIGHEST)
SUNS = st.builds(Sun, AZIMUTHS, ELEVATIONS)
PLACES = st.integers(-30_000, 30_000)
GRIDS = st.builds(Grid, st.sampled_from([0.5, 1.0, 5.0]), PLACES, PLACES)

LENGTHS, SIDES = st.integers(1, 70), st.integers(1, 9)
SHAPES = st.tuples(SIDES, SIDES) | st.tuples(LENGTHS, st.just(1)) | st.tuples(st.just(1), LENGTHS)
HEIGHTS = st.sampled_from([*SPIKES, 1e4, -1e4]).map(np.float32)
SEA = hnp.arrays(np.float32, SHAPES, elements=HEIGHTS, fill=st.just(np.float32(np.nan)))
ODD = hnp.arrays(np.float32, SHAPES, elements=HEIGHTS) | SEA
GROUND = terrains(25, 40)  # wider than the 16 columns that are turned at once


def shaded(height: Raster, sun: Sun, grid: Grid = HERE) -> Mask:
    """Where one sun is not seen, among the cells with data."""
    return cast_shadow(height, [sun], grid) == 1


# Symmetries.


@given(GROUND | ODD, SUNS, GRIDS)
@examples(60)
def test_turned_and_mirrored_about_the_anchor(height: Raster, sun: Sun, grid: Grid) -> None:
    """To the cell: half to even rounds both ways alike. The azimuth is turned as a printed one is,
    in whole thousandths of a degree."""
    printed = round(math.degrees(sun.azimuth), 3)

    def at(degrees: float) -> Sun:
        return sun._replace(azimuth=math.radians(degrees % 360))

    found = shaded(height, at(printed), grid)
    west = grid._replace(column=1 - grid.column - height.shape[1])
    assert np.array_equal(shaded(height[:, ::-1], at(-printed), west)[:, ::-1], found)
    for quarter in range(1, 4):
        grid = Grid(grid.resolution, -grid.column, grid.row - len(height) + 1)
        height = np.rot90(height, -1)  # clockwise: what lay north lies east
        turned = shaded(height, at(printed + 90 * quarter), grid)
        assert np.array_equal(np.rot90(turned, quarter), found)


@given(GROUND, SUNS, GRIDS, st.sampled_from([0.25, 2.0, 64.0]))
@examples(40)
def test_scaling_height_and_cell_together_changes_nothing(
    height: Raster, sun: Sun, grid: Grid, times: float
) -> None:
    """To the bit by powers of two."""
    larger = grid._replace(resolution=grid.resolution * times)
    scaled = shaded(height * np.float32(times), sun, larger)
    assert np.array_equal(scaled, shaded(height, sun, grid))


@given(GROUND | ODD, SUNS, ELEVATIONS, GRIDS)
@examples(60)
def test_raising_the_sun_shades_no_more(height: Raster, sun: Sun, other: float, grid: Grid) -> None:
    low, high = (sun._replace(elevation=e) for e in sorted([sun.elevation, other]))
    assert not (shaded(height, high, grid) & ~shaded(height, low, grid)).any()


@given(GROUND, AZIMUTHS, GRIDS, st.sampled_from([-4096.0, -0.5, 1000.0]))
@examples(40)
def test_adding_a_constant_changes_nothing(
    height: Raster, azimuth: float, grid: Grid, constant: float
) -> None:
    """To the bit where nothing rounds: shadows that sink 1/4 m a step over heights in 1/8 m."""
    height = (np.rint(height * 8) / 8).astype(np.float32)
    step = shadow_drop(Sun(azimuth, math.pi / 4), grid.resolution)
    sun = Sun(azimuth, math.atan(0.25 / step))
    higher = shaded(height + np.float32(constant), sun, grid)
    assert np.array_equal(higher, shaded(height, sun, grid))


@given(GROUND, SUNS, EIGHTHS, GRIDS, st.integers(-999, 999))
@examples(40)
def test_where_the_anchor_lies_does_not_matter(
    height: Raster, sun: Sun, straight: float, grid: Grid, cells: int
) -> None:
    """Across the walk at any sun; anywhere on the axes and diagonals, where rays are alike."""
    along = "column" if walks_rows(sun) else "row"
    across = grid._replace(**{along: getattr(grid, along) + cells})
    assert np.array_equal(shaded(height, sun, across), shaded(height, sun, grid))
    sun, away = sun._replace(azimuth=straight), grid._replace(row=cells, column=-7 * cells)
    assert np.array_equal(shaded(height, sun, away), shaded(height, sun, grid))


@given(GROUND | ODD, SUNS, GRIDS)
@examples(60)
def test_no_data_casts_nothing_and_lets_pass(height: Raster, sun: Sun, grid: Grid) -> None:
    """As if the ground were bottomless there; and it is marked, whatever lies on it."""
    bottomless = np.where(np.isnan(height), np.finfo(np.float32).min, height)
    expected = np.where(np.isnan(height), NO_DATA, cast_shadow(bottomless, [sun], grid))
    assert np.array_equal(cast_shadow(height, [sun], grid), expected)


@pytest.mark.parametrize("quarter", range(4))
@given(GROUND | ODD)
@examples(30)
def test_the_lowest_and_the_highest_sun(quarter: int, height: Raster) -> None:
    """Near the horizon all is shaded behind what is higher; near the zenith nothing is."""
    height = np.clip(height, -1e4, 1e4)
    azimuth, facing = math.radians(90 * quarter), np.rot90(height, quarter)
    before = np.pad(facing, ((1, 0), (0, 0)), constant_values=-np.inf)[:-1]
    higher = np.fmax.accumulate(before) > facing
    assert np.array_equal(shaded(height, Sun(azimuth, 1e-30)), np.rot90(higher, -quarter))
    assert not shaded(height, Sun(azimuth, HIGHEST)).any()


# Odd shapes.


@given(ODD | GROUND, st.lists(SUNS, min_size=1, max_size=7), GRIDS)
@examples(300)
def test_equals_the_definition(height: Raster, suns: list[Sun], grid: Grid) -> None:
    """To the bit, a bit a sun: one cell, one row, one column, all or nearly all without data,
    spikes; suns on the axes, on the diagonals, near the horizon and the zenith."""
    bits = np.zeros(height.shape, int)
    for i, sun in enumerate(suns):
        bits |= by_definition(height, sun, grid) << i
    expected = np.where(np.isnan(height), NO_DATA, bits)
    assert np.array_equal(cast_shadow(height, suns, grid), expected)


@pytest.mark.parametrize("azimuth", [50, 80, 100, 130, 230, 260, 280, 310])
@given(SEEDS, st.floats(0.02, 0.2), GRIDS)
@examples(4)
def test_long_columns_equal_the_definition(
    azimuth: int, seed: int, elevation: float, grid: Grid
) -> None:
    """They are turned in bands of 256 rows, which long shadows cross."""
    height, sun = houses(seed, 290, 37), Sun(math.radians(azimuth), elevation)
    assert np.array_equal(shaded(height, sun, grid), by_definition(height, sun, grid))


@given(ODD, SUNS, st.sampled_from([np.inf, -np.inf]), SEEDS)
@examples(40)
def test_infinities_are_refused(height: Raster, sun: Sun, infinity: float, seed: int) -> None:
    """The first is named, row by row."""
    chosen = np.random.default_rng(seed).choice(height.size, 1 + height.size // 9, replace=False)
    height.flat[chosen] = infinity
    row, column = divmod(int(chosen.min()), height.shape[1])
    with pytest.raises(ValueError, match=f"row {row}, column {column} is infinite"):
        cast_shadow(height, [sun], HERE)


# Seams.


def cut(
    height: Raster,
    suns: list[Sun],
    grid: Grid,
    blocks: Iterable[Window],
    halo: Halo,
    anchored: bool = True,
) -> NDArray[np.uint8]:
    """The shadows where each block sees itself and its halo only."""
    whole, found = Window(0, 0, *height.shape), np.zeros(height.shape, np.uint8)
    for block in blocks:
        wide = block.grow(halo).intersect(whole)
        there = Grid(grid.resolution, grid.row - wide.top, grid.column + wide.left)
        seen = cast_shadow(height[whole.slices(wide)], suns, there if anchored else grid)
        found[whole.slices(block)] = seen[wide.slices(block)]
    return found


def halo_of(height: Raster, suns: list[Sun], grid: Grid) -> Halo:
    """What holds the halos of all suns."""
    low, high, limit = float(np.nanmin(height)), float(np.nanmax(height)), max(height.shape)
    return enclosing_halo([shadow_halo(low, high, sun, grid.resolution, limit) for sun in suns])


@given(
    terrains(90, 120) if COMPILED else terrains(40, 50),
    st.lists(SUNS, min_size=1, max_size=3),
    GRIDS,
    SEEDS,
)
@examples(60)
def test_any_cutting_gives_the_whole(
    height: Raster, suns: list[Sun], grid: Grid, seed: int
) -> None:
    blocks = tiles(Window(0, 0, *height.shape), seed)
    found = cut(height, suns, grid, blocks, halo_of(height, suns, grid))
    assert np.array_equal(found, cast_shadow(height, suns, grid))


@given(SUNS, GRIDS, SEEDS)
@examples(20)
def test_flat_ground_needs_no_halo(sun: Sun, grid: Grid, seed: int) -> None:
    height = np.full((9, 12), 3.0, np.float32)
    found = cut(height, [sun], grid, tiles(Window(0, 0, 9, 12), seed), Halo(0, 0, 0, 0))
    assert not found.any()


FIELD = Window(0, 0, 40, 40)


def towers() -> Raster:
    """6 m high here and there on a plain."""
    rng = np.random.default_rng(8)
    return np.where(rng.random((40, 40)) < 0.03, 6, 0).astype(np.float32)


@pytest.mark.parametrize("azimuth", COMPASS, ids=lambda a: f"{math.degrees(a):g}")
def test_a_halo_is_as_long_as_it_must_be_and_hardly_longer(azimuth: float) -> None:
    """All around: blocks of four cells give the whole; and they do not with a halo that is, on any
    side towards the sun, a FEW cells shorter."""
    height, suns, grid = towers(), [Sun(azimuth, math.radians(24))], Grid(1.0, 1234, -567)
    whole, halo = cast_shadow(height, suns, grid), halo_of(height, suns, grid)
    assert np.array_equal(cut(height, suns, grid, FIELD.pieces(4), halo), whole)
    sides = {side: cells for side, cells in halo._asdict().items() if cells > FEW}
    assert len(sides) == (1 if math.degrees(azimuth) % 90 == 0 else 2)
    for side, cells in sides.items():
        short = halo._replace(**{side: cells - FEW})
        assert not np.array_equal(cut(height, suns, grid, FIELD.pieces(4), short), whole)


@pytest.mark.parametrize("azimuth", COMPASS[1::2], ids=lambda a: f"{math.degrees(a):g}")
def test_blocks_that_count_from_themselves_do_not_give_the_whole(azimuth: float) -> None:
    height, suns = towers(), [Sun(azimuth, math.radians(20))]
    halo = halo_of(height, suns, HERE)
    found = cut(height, suns, HERE, FIELD.pieces(10), halo, anchored=False)
    assert not np.array_equal(found, cast_shadow(height, suns, HERE))
