"""What stands around a candidate, by sector and distance: against every cell on its own, and
against distances of polygons."""

import math
from collections.abc import Callable
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from shapely.affinity import rotate

from kernels.disc import borders_of
from kernels.wind import Candidate, Shelter, merge, sheltering
from pipeline.grid.windows import Window
from tests.support.scenes import SEEDS, Mask, Raster, examples, houses, odd_rasters, tiles

SECTORS = st.sampled_from([1, 2, 3, 4, 5, 6, 8, 10, 12, 36])
RADII = st.lists(
    (st.integers(0, 9) | st.integers(0, 200)).map(math.sqrt) | st.sampled_from([2.999, 1e9]),
    min_size=1,
    max_size=4,
).map(sorted)


class Scene(NamedTuple):
    """A raster with a candidate in it, or beside it."""

    height: Raster
    candidate: Candidate


@st.composite
def candidates(draw: st.DrawFn) -> Candidate:
    """Own cells, few or many, in pieces, with courtyards, or none; anywhere near."""
    rng = np.random.default_rng(draw(SEEDS))
    own = rng.random(rng.integers(1, 8, 2)) < draw(st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]))
    return Candidate(own, *(int(n) for n in rng.integers(-9, 10, 2)))


ODD = st.builds(Scene, odd_rasters(), candidates())


@st.composite
def towns(draw: st.DrawFn) -> Scene:
    """Heights of whole metres, many of them alike."""
    height = np.rint(houses(draw(SEEDS), 30, 34))
    rng = np.random.default_rng(draw(SEEDS))
    own = rng.random(rng.integers(1, 9, 2)) < 0.7
    return Scene(height, Candidate(own, *(int(n) for n in rng.integers(3, 20, 2))))


def own_cells(candidate: Candidate) -> NDArray[np.int64]:
    """Their rows and columns in the raster: (cells, 2)."""
    return np.argwhere(candidate.own) + np.array([candidate.top, candidate.left])


def squares(shape: tuple[int, ...], candidate: Candidate) -> NDArray[np.int64]:
    """Of each cell's distance to the nearest own one; huge if there is none."""
    apart = np.indices(shape)[..., None] - own_cells(candidate).T[:, None, None]
    return (apart**2).sum(axis=0).min(axis=-1, initial=10**9)


def off_axis(shape: tuple[int, ...], candidate: Candidate, axis: float) -> NDArray[np.float64]:
    """How far from a bearing each cell lies, seen from the middle of the own cells' box; 0 in the
    middle itself [rad]."""
    own = own_cells(candidate)
    middle = (own.min(axis=0) + own.max(axis=0)) / 2
    south, east = (np.indices(shape).T - middle).T
    off = (np.arctan2(east, -south) - axis + math.pi) % (2 * math.pi) - math.pi
    return np.where((south == 0) & (east == 0), 0.0, abs(off))


def expected(scene: Scene, radii: list[float], sectors: int) -> Shelter:
    """Every cell on its own."""
    height, candidate = scene
    shape = sectors, len(radii)
    found = Shelter(np.full(shape, np.nan, np.float32), np.full(shape, np.nan))
    if not candidate.own.any():
        return found
    apart = squares(height.shape, candidate)
    other = (apart > 0) & ~np.isnan(height)
    for s in range(sectors):
        off = off_axis(height.shape, candidate, 2 * math.pi * s / sectors)
        for q, radius in enumerate(radii):
            seen = other & (apart <= radius * radius) & (off <= math.pi / sectors + 1e-9)
            if seen.any():
                highest = height[seen].max()
                found.highest[s, q] = highest
                found.distance[s, q] = math.sqrt(apart[seen & (height == highest)].min())
    return found


def each(shelter: Shelter, change: Callable[[Any], Any]) -> Shelter:
    return Shelter(change(shelter.highest), change(shelter.distance))


def assert_same(found: Shelter, other: Shelter) -> None:
    for ours, theirs in zip(found, other, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def same(found: Shelter, other: Shelter) -> bool:
    alike = np.array_equal(found.highest, other.highest, equal_nan=True)
    return alike and np.array_equal(found.distance, other.distance, equal_nan=True)


@given(ODD, RADII, SECTORS)
@examples(400)
def test_equals_every_cell_on_its_own(scene: Scene, radii: list[float], sectors: int) -> None:
    assert_same(sheltering(*scene, radii, sectors), expected(scene, radii, sectors))


@given(towns(), RADII, SECTORS)
@examples(100)
def test_equals_every_cell_in_a_town(scene: Scene, radii: list[float], sectors: int) -> None:
    found = sheltering(*scene, radii, sectors)
    assert found.highest.dtype == np.float32
    assert_same(found, expected(scene, radii, sectors))


# Seams.


def known_within(candidate: Candidate, piece: Window) -> Candidate:
    """The candidate with those own cells only that lie in a piece."""
    own = np.zeros_like(candidate.own)
    for i, j in own_cells(candidate):
        inside = piece.top <= i < piece.bottom and piece.left <= j < piece.right
        own[i - candidate.top, j - candidate.left] = inside
    return candidate._replace(own=own)


def in_pieces(scene: Scene, radii: list[float], seed: int, knowing: bool = True) -> Shelter:
    """Piece by piece, merged in any order. `knowing`: of all own cells in every piece."""
    height, candidate = scene
    whole, parts = Window(0, 0, *height.shape), []
    for piece in tiles(whole, seed):
        known = candidate if knowing else known_within(candidate, piece)
        own, top, left = known
        at = Candidate(own, top - piece.top, left - piece.left)
        parts.append(sheltering(height[whole.slices(piece)], at, radii, 12))
    order = np.random.default_rng(seed).permutation(len(parts))
    return reduce(merge, [parts[k] for k in order])


@given(towns(), RADII, SEEDS)
@examples(100)
def test_any_cutting_gives_the_same(scene: Scene, radii: list[float], seed: int) -> None:
    whole = sheltering(*scene, radii, 12)
    found = in_pieces(scene, radii, seed)
    assert_same(found, whole)
    assert_same(merge(found, found), found)


def town(seed: int) -> Scene:
    rng = np.random.default_rng(seed)
    own = Candidate(np.ones((5, 7), bool), *(int(n) for n in rng.integers(8, 18, 2)))
    return Scene(houses(seed, 30, 34), own)


def test_own_cells_that_are_cut_off_are_seen() -> None:
    """The law can fail: with what each piece knows of the building, some towns come out wrong."""
    radii = [3.0, 8.0]
    wholes = [sheltering(*town(seed), radii, 12) for seed in range(8)]
    assert all(same(in_pieces(town(n), radii, n), whole) for n, whole in enumerate(wholes))
    cut = [same(in_pieces(town(n), radii, n, False), whole) for n, whole in enumerate(wholes)]
    assert sum(cut) < 4


@pytest.mark.parametrize(("halo", "seen"), [(20, True), (19, False)])
def test_a_halo_too_short_is_seen(halo: int, seen: bool) -> None:
    """A tower exactly at the radius, by four cells: 16 and 12 are 20 apart, as 20 and 0 are."""
    for down, east in ((20, 0), (0, 20), (-20, 0), (0, -20), (-12, 16)):
        height = np.zeros((43, 43), np.float32)
        height[21 + down, 21 + east] = 9
        own = Candidate(np.ones((1, 1), bool), halo, halo)
        part = np.ascontiguousarray(height[21 - halo : 22 + halo, 21 - halo : 22 + halo])
        highest = sheltering(part, own, [20], 1).highest[0, 0]
        assert (highest == 9) == (seen or abs(down) == 12)


# Symmetries.


def turned(scene: Scene) -> Scene:
    """A quarter clockwise."""
    height, (own, top, left) = scene
    candidate = Candidate(np.rot90(own, -1), left, len(height) - top - len(own))
    return Scene(np.rot90(height, -1), candidate)


def mirrored(scene: Scene) -> Scene:
    """East for west."""
    height, (own, top, left) = scene
    candidate = Candidate(own[:, ::-1], top, height.shape[1] - left - own.shape[1])
    return Scene(height[:, ::-1], candidate)


@given(towns() | ODD, RADII, st.sampled_from([4, 8, 12, 36]))
@examples(100)
def test_turned_by_a_quarter_and_mirrored(scene: Scene, radii: list[float], sectors: int) -> None:
    found = sheltering(*scene, radii, sectors)
    quarter = sheltering(*turned(scene), radii, sectors)
    assert_same(each(found, lambda table: np.roll(table, sectors // 4, axis=0)), quarter)
    back = -np.arange(sectors)
    image = sheltering(*mirrored(scene), radii, sectors)
    assert_same(each(found, lambda table: table[back]), image)


def test_borders_are_alike_in_every_quarter_and_its_mirror_image() -> None:
    for sectors in range(1, 361):
        borders = borders_of(sectors)
        np.testing.assert_array_equal(borders[::-1] * [-1, 1], borders)
        if sectors % 4 == 0:
            quarter = np.column_stack([borders[:, 1], -borders[:, 0]])
            np.testing.assert_array_equal(np.roll(borders, -sectors // 4, axis=0), quarter)


@given(towns(), RADII, st.integers(-90, 90))
@examples(60)
def test_raised_and_scaled(scene: Scene, radii: list[float], up: int) -> None:
    highest, distance = sheltering(*scene, radii, 12)
    raised = sheltering(scene.height + np.float32(up), scene.candidate, radii, 12)
    assert_same(Shelter(highest + np.float32(up), distance), raised)
    doubled = sheltering(scene.height * np.float32(2), scene.candidate, radii, 12)
    assert_same(Shelter(highest * np.float32(2), distance), doubled)


@given(towns(), RADII, SEEDS)
@examples(60)
def test_widening_an_obstacle_never_lessens_its_shelter(
    scene: Scene, radii: list[float], seed: int
) -> None:
    """The highest rises or stays, and does not move away."""
    before = sheltering(*scene, radii, 12)
    height = scene.height.copy()
    i, j = np.random.default_rng(seed).integers(0, 26, 2)
    block = height[i : i + 6, j : j + 6]
    block[:] = np.fmax(np.nanmax(block, initial=-100), block)
    after = sheltering(height, scene.candidate, radii, 12)
    known = ~np.isnan(before.highest)
    assert (after.highest[known] >= before.highest[known]).all()
    alike = known & (after.highest == before.highest)
    assert (after.distance[alike] <= before.distance[alike]).all()


@given(towns(), SECTORS)
@examples(60)
def test_a_wider_radius_sees_no_less(scene: Scene, sectors: int) -> None:
    """And the sectors together see what one of all round sees."""
    radii = [2.0, 5.0, 9.0, 30.0]
    table = sheltering(*scene, radii, sectors)
    highest = np.nan_to_num(table.highest, nan=-999)
    assert (np.diff(highest, axis=1) >= 0).all()
    rows = zip(*(np.split(part, sectors) for part in table), strict=True)
    assert_same(reduce(merge, (Shelter(*row) for row in rows)), sheltering(*scene, radii, 1))


# Scenes whose answer is known.


@pytest.mark.parametrize(("apart", "seen"), [(200, True), (201, False)])
@pytest.mark.parametrize("sector", [0, 3, 6, 9])
def test_100_metres_on_cells_of_half_a_metre(apart: int, seen: bool, sector: int) -> None:
    """A block whose nearest cell's centre lies 100.0 m from the nearest own one, or 100.5 m."""
    height = np.zeros((3, 230), np.float32)
    height[:, 9 + apart :] = 30
    scene = Scene(height, Candidate(np.ones((3, 10), bool), 0, 0))
    for _ in range((sector - 3) // 3 % 4):
        scene = turned(scene)
    highest, distance = sheltering(*scene, [100 / 0.5], 12)
    assert highest[sector, 0] == (30 if seen else 0)
    assert distance[sector, 0] == (200 if seen else 1)
    assert (highest > 0).sum() == seen


def test_a_sector_is_told_from_the_middle_and_distance_from_the_edge() -> None:
    height = np.full((41, 41), np.nan, np.float32)
    height[0, 20], height[20, 40], height[0, 40], height[30, 20] = 1, 2, 3, 4
    long = Candidate(np.ones((3, 21), bool), 19, 10)
    highest, distance = sheltering(height, long, [10, 50], 8)
    np.testing.assert_array_equal(highest[:, 1], [1, 3, 2, np.nan, 4, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(highest[[2, 4], 0], [2, 4])
    np.testing.assert_array_equal(distance[[0, 1, 2, 4], 1], [19, math.hypot(10, 19), 10, 9])
    assert np.isnan(highest[[0, 1], 0]).all()


def test_on_a_border_counts_for_both_sectors() -> None:
    height = np.full((9, 9), np.nan, np.float32)
    height[0, 8] = 5  # at 45 degrees
    own = Candidate(np.ones((1, 1), bool), 4, 4)
    np.testing.assert_array_equal(
        sheltering(height, own, [9], 4).highest[:, 0], [5, 5, *[np.nan] * 2]
    )
    hollow = Candidate(np.ones((3, 3), bool), 3, 3)
    hollow.own[1, 1] = False
    height[4, 4] = 6
    assert (sheltering(height, hollow, [9], 4).highest == 6).all()


def test_nothing_stands_about() -> None:
    height, own = np.ones((5, 6), np.float32), Candidate(np.ones((2, 2), bool), 1, 1)
    nowhere = Candidate(np.zeros((2, 2), bool), 1, 1)
    for scene, radius in (
        (Scene(height, own), 0.0),
        (Scene(height, own._replace(top=8)), 2.0),
        (Scene(height, own._replace(left=-9)), 7.0),
        (Scene(height, nowhere), 9.0),
        (Scene(height, Candidate(np.ones((5, 6), bool), 0, 0)), 9.0),
        (Scene(height * np.float32(np.nan), own), 9.0),
        (Scene(np.empty((0, 4), np.float32), own), 9.0),
        (Scene(height, Candidate(np.empty((0, 3), bool), 1, 1)), 9.0),
    ):
        assert all(np.isnan(table).all() for table in sheltering(*scene, [radius], 3))


def test_faulty_arguments_are_refused() -> None:
    own = Candidate(np.ones((1, 1), bool), 1, 1)
    for value in (np.inf, -np.inf):
        height = np.zeros((3, 4), np.float32)
        height[1, 3] = value
        with pytest.raises(ValueError, match="row 1, column 3 is infinite"):
            sheltering(height, own, [2], 4)
    wrong: list[tuple[list[float], int]] = [([], 4), ([2, 1], 4), ([-1], 4), ([1], 0)]
    for radii, sectors in wrong:
        with pytest.raises(ValueError, match=f"no {sectors} sectors within"):
            sheltering(np.zeros((3, 4), np.float32), own, radii, sectors)


# Cells and polygons.


def cells_of(polygon: shapely.Polygon, side: int) -> Mask:
    """Those whose centre it holds, of a square of cells of 1 m."""
    x, y = np.meshgrid(np.arange(side) + 0.5, np.arange(side) + 0.5)
    return np.asarray(shapely.contains_xy(polygon, x, y))


def rectangle(rng: np.random.Generator, x: float, y: float) -> shapely.Polygon:
    wide, long = rng.uniform(3, 12, 2)
    return rotate(shapely.box(x, y, x + wide, y + long), rng.uniform(0, 90))


def test_cells_are_farther_apart_than_polygons_by_at_most_the_root_of_ten() -> None:
    """So the disc of cells differs from `dwithin` for pairs that are so near its edge only."""
    rng, farther, differ = np.random.default_rng(2008), [], 0
    for _ in range(400):
        own, other = rectangle(rng, 8, 8), rectangle(rng, *rng.uniform(22, 34, 2))
        apart = own.distance(other)
        height = np.where(cells_of(other, 52), np.float32(9), np.float32(np.nan))
        found = sheltering(height, Candidate(cells_of(own, 52), 0, 0), [16, 99], 1)
        farther.append(found.distance[0, 1] - apart)
        within = not np.isnan(found.highest[0, 0])
        differ += within != shapely.dwithin(own, other, 16)
        assert shapely.dwithin(own, other, 16 - math.sqrt(10)) <= within
        assert within <= shapely.dwithin(own, other, 16)
    assert 0 <= min(farther) < 0.3
    assert 2 < max(farther) <= math.sqrt(10)
    assert 4 < differ < 100
