"""Which tiles can throw their shadow where somebody asks: never too few, and no more than tiles
demand."""

import math
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from kernels.casters import casting_or_shaded_tiles
from kernels.shadow import Grid, Sun, cast_shadow, shadow_drop, walks_rows
from kernels.zonal import NO_HEIGHT, centimetres
from tests.support.scenes import SEEDS, Mask, Raster, degrees, examples, houses, suns

TOP = np.iinfo(np.int32).max
RESOLUTIONS = st.sampled_from([0.5, 5.0])
LOW = suns(lowest=0.3, highest=60)


class Place(NamedTuple):
    """Ground in tiles, on a grid, and which cells ask."""

    height: Raster
    asks: Mask
    tile: int
    grid: Grid


def tops(cm: NDArray[np.int32], tile: int) -> NDArray[np.int32]:
    """The highest of each tile."""
    rows, columns = (n // tile for n in cm.shape)
    return cm.reshape(rows, tile, columns, tile).max(axis=(1, 3))


def tiled(place: Place) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Highest of the tiles, and lowest of what asks."""
    cm = centimetres(place.height)
    asks = np.where(place.asks & (cm != NO_HEIGHT), cm, TOP)
    lowest = -tops(-asks, place.tile)
    return tops(cm, place.tile), np.where(lowest == TOP, NO_HEIGHT, lowest).astype(np.int32)


def found(place: Place, towards: list[Sun]) -> Mask:
    return casting_or_shaded_tiles(*tiled(place), towards, place.grid.resolution, place.tile)


def spread(marked: Mask, tile: int) -> Mask:
    """Of tiles, their cells."""
    return marked.repeat(tile, axis=0).repeat(tile, axis=1)


@st.composite
def places(draw: Any) -> Place:
    """Cliffs of exact ties, in whole and half centimetres, or houses; a few tiles ask."""
    rng = np.random.default_rng(draw(SEEDS))
    tile = draw(st.sampled_from([2, 4, 8]))
    rows, columns = rng.integers(1, 12, 2) * tile
    kind = draw(st.sampled_from(["houses", "cliffs", "plain with towers"]))
    if kind == "houses":
        height = houses(int(rng.integers(9999)), rows, columns)
    else:
        some = rng.choice([0, 0.005, 0.01, 0.5, 3, 12.345], (rows // tile, columns // tile))
        height = spread(some, tile).astype(np.float32)
        if kind == "plain with towers":
            height[rng.random(height.shape) < 0.98] = 0
    asks = rng.random(height.shape) < rng.choice([0.002, 0.02])
    grid = Grid(draw(RESOLUTIONS), *rng.integers(-20_000, 20_000, 2).tolist())
    return Place(height.astype(np.float32), asks, tile, grid)


@given(places(), st.lists(LOW, min_size=1, max_size=4))
@examples(250)
def test_all_others_can_be_missing(place: Place, towards: list[Any]) -> None:
    """Not a bit of the shadow changes where somebody asks."""
    chosen = [degrees(sun) for sun in towards]
    keep = spread(found(place, chosen), place.tile)
    cut = np.where(keep, place.height, np.float32(np.nan))
    whole = cast_shadow(place.height, chosen, place.grid)
    part = cast_shadow(cut, chosen, place.grid)
    assert np.array_equal(part[place.asks], whole[place.asks])


@given(SEEDS, LOW, RESOLUTIONS, st.sampled_from([2, 8]))
@examples(120)
def test_a_shadow_that_just_reaches(seed: int, sun: Any, resolution: float, tile: int) -> None:
    """A wall that is as high as the shadow needs to be, or one unit in the last place higher."""
    rng = np.random.default_rng(seed)
    towards, grid = degrees(sun), Grid(resolution, *rng.integers(-9999, 9999, 2).tolist())
    height = np.full((8 * tile, 8 * tile), np.float32(rng.uniform(-5, 300)))
    row, column = rng.integers(0, len(height), 2)
    steps = rng.integers(1, 6 * tile)
    wall = np.float32(height[0, 0])
    for _ in range(steps):
        wall = np.nextafter(wall + np.float32(shadow_drop(towards, resolution)), np.float32(1e9))
    height[row, column] = wall
    asks = cast_shadow(height, [towards], grid) == 1
    asks &= rng.random(asks.shape) < 0.3
    place = Place(height, asks, tile, grid)
    assert found(place, [towards])[row // tile, column // tile] or not asks.any()


def bound(highest: Any, lowest: Any, sun: Sun, resolution: float, tile: int) -> Mask:
    """Pair by pair of tiles and step by step: whether a cell of the one can lie over a cell of the
    other, a cell aside at most, and is high enough, to 2 cm."""
    rows, columns = highest.shape
    out = lowest != NO_HEIGHT
    north, east = math.cos(sun.azimuth), math.sin(sun.azimuth)
    longer = max(abs(north), abs(east))
    drop = 100 * shadow_drop(sun, resolution)
    steps = np.arange(1, tile * (max(rows, columns) + 1))
    down, right = steps * north / longer, -steps * east / longer
    side = tile - 1
    for i, j in np.argwhere(~out & (highest != NO_HEIGHT)):
        for m, n in np.argwhere(lowest != NO_HEIGHT):
            over = abs(down - (m - i) * tile) <= side + (0 if walks_rows(sun) else 1) + 1e-6
            over &= abs(right - (n - j) * tile) <= side + (1 if walks_rows(sun) else 0) + 1e-6
            high = highest[i, j] - steps * drop * (1 - 1e-6) + 2 > lowest[m, n]
            out[i, j] |= bool((over & high).any())
    return out


@given(SEEDS, st.lists(LOW, min_size=1, max_size=2), RESOLUTIONS, st.sampled_from([2, 16, 128]))
@examples(60)
def test_not_longer_than_tiles_demand(
    seed: int, towards: list[Any], resolution: float, tile: int
) -> None:
    rng = np.random.default_rng(seed)
    shape = rng.integers(1, 14, 2)
    scale = tile * resolution * 100  # of heights that reach some tiles
    highest = (rng.gamma(1, scale / 2, shape)).astype(np.int32)
    lowest = np.where(rng.random(shape) < 0.05, highest - 50, NO_HEIGHT).astype(np.int32)
    highest[rng.random(shape) < 0.1] = NO_HEIGHT
    chosen = [degrees(sun) for sun in towards]
    most = np.logical_or.reduce([bound(highest, lowest, s, resolution, tile) for s in chosen])
    assert not (casting_or_shaded_tiles(highest, lowest, chosen, resolution, tile) & ~most).any()


@pytest.mark.parametrize("azimuth", range(0, 360, 30))
def test_flat_ground_needs_only_who_asks(azimuth: int) -> None:
    flat = np.full((30, 30), 123, np.int32)
    lowest = np.full((30, 30), NO_HEIGHT, np.int32)
    lowest[10:13, 20] = 123
    sun = Sun(math.radians(azimuth), math.radians(3))
    assert np.array_equal(
        casting_or_shaded_tiles(flat, lowest, [sun], 0.5, 128), lowest != NO_HEIGHT
    )


@pytest.mark.parametrize("azimuth", range(0, 360, 15))
def test_only_towards_the_sun(azimuth: int) -> None:
    """Of towers everywhere, those that stand away from the sun cannot matter."""
    towers = np.full((41, 41), 40_000, np.int32)
    lowest = np.full((41, 41), NO_HEIGHT, np.int32)
    lowest[20, 20] = 0
    sun = Sun(math.radians(azimuth), math.radians(20))
    needed = casting_or_shaded_tiles(towers, lowest, [sun], 0.5, 128)
    rows, columns = np.argwhere(needed).T - 20
    along = -rows * math.cos(sun.azimuth) + columns * math.sin(sun.azimuth)
    across = rows * math.sin(sun.azimuth) + columns * math.cos(sun.azimuth)
    reach = 400 / math.tan(sun.elevation) / 64
    assert along.min() >= -math.sqrt(2)
    assert reach - 1.5 < along.max() < reach + 2
    assert abs(across).max() <= 1.5
    assert needed.sum() > reach


def test_higher_towers_reach_further() -> None:
    """And a lower asker is reached from further off; more suns never reach less."""
    rng = np.random.default_rng(3)
    highest = rng.integers(0, 9000, (30, 30), dtype=np.int32)
    lowest = np.where(rng.random((30, 30)) < 0.02, 0, NO_HEIGHT).astype(np.int32)
    some = [Sun(math.radians(a), math.radians(15)) for a in (100, 170, 230)]
    usual = casting_or_shaded_tiles(highest, lowest, some, 0.5, 128)
    deeper = np.where(lowest == 0, np.int32(-800), lowest)
    assert (casting_or_shaded_tiles(highest + 500, lowest, some, 0.5, 128) >= usual).all()
    assert (casting_or_shaded_tiles(highest, deeper, some, 0.5, 128) >= usual).all()
    each = [casting_or_shaded_tiles(highest, lowest, [sun], 0.5, 128) for sun in some]
    assert np.array_equal(np.logical_or.reduce(each), usual)


def test_no_data_casts_nothing_and_nobody_asks() -> None:
    nothing = np.full((3, 4), NO_HEIGHT, np.int32)
    sun = Sun(1.0, 0.1)
    assert not casting_or_shaded_tiles(
        np.full((3, 4), 9999, np.int32), nothing, [sun], 5.0, 128
    ).any()
    asked = nothing.copy()
    asked[1, 1] = 0
    assert np.array_equal(casting_or_shaded_tiles(nothing, asked, [sun], 5.0, 128), asked == 0)
    assert np.array_equal(casting_or_shaded_tiles(nothing, asked, [], 5.0, 128), asked == 0)


def test_two_maps_are_refused() -> None:
    with pytest.raises(ValueError, match="one map"):
        casting_or_shaded_tiles(np.zeros((2, 3)), np.zeros((3, 2)), [], 1.0, 128)
