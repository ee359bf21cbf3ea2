"""Cast shadow: the laws of physics, the independent reference, and the seams."""

import math

import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st

from kernels.shadow import (
    NO_DATA,
    Grid,
    Halo,
    Sun,
    cast_shadow,
    shadow_drop,
    shadow_halo,
    shadow_reach,
)
from pipeline.grid.windows import LatticeCell, Window, cut_at_lattice
from tests.support import reference
from tests.support.scenes import (
    COMPILED,
    HERE,
    Mask,
    Raster,
    Sight,
    degrees,
    examples,
    houses,
    march,
    odd_rasters,
    rotated_boxes,
    scene,
    sights,
    suns,
    terrains,
    tiles,
)

SPARE = 5  # a halo is fewer cells than this longer than it need be


def shaded(height: Raster, towards: Sun, grid: Grid = HERE) -> Mask:
    """Where one sun is not seen, among the cells with data."""
    return cast_shadow(height, [towards], grid) == 1


@pytest.mark.parametrize("azimuth", range(0, 360, 20))
def test_shadow_area_of_a_box(azimuth: int) -> None:
    """(h / tan alt)(w |cos A| + l |sin A|), but for half a cell along its border."""
    towards, high = Sun(math.radians(azimuth), math.radians(12)), 12.5
    s = scene(shapely.box(-10, -7, 10, 7), towards, high)
    across = 20 * abs(math.cos(towards.azimuth)) + 14 * abs(math.sin(towards.azimuth))
    area = shadow_reach(high, towards.elevation) * across
    exact = s.cover.difference(s.box)
    assert exact.area == pytest.approx(area)
    assert abs(shaded(s.height, towards).sum() - area) <= exact.length / 2


def test_shadow_of_rotated_boxes_is_their_polygon() -> None:
    """A ray strays less than a cell sideways: nothing is shaded a cell away from the polygon. And
    it ends at most a step, sqrt(2), short: nothing is lit sqrt(1 + 4) cells within it."""
    for s in rotated_boxes(40):
        found = shaded(s.height, s.towards, s.grid)
        too_much, too_little = found & ~s.truth & s.outside, ~found & s.truth
        assert shapely.distance(s.cover, s.points[too_much]).max(initial=0) < 1
        within = shapely.distance(s.cover.boundary, s.points[too_little])
        assert within.max(initial=0) < math.sqrt(5)


def test_sweep_is_no_worse_than_a_march() -> None:
    wrong = marched = 0
    for s in rotated_boxes(40)[:12]:
        wrong += int(((shaded(s.height, s.towards, s.grid) != s.truth) & s.outside).sum())
        marched += int(((march(s) != s.truth) & s.outside).sum())
    assert 0 < wrong <= marched


@pytest.mark.parametrize("bearing", [0, 7.5, 30, -44.9])
@pytest.mark.parametrize("quarter", range(4))
def test_ridge_hides_the_sun_as_high_as_it_stands(quarter: int, bearing: float) -> None:
    """Behind a ridge at D: shaded where tan(e) < (H / D) cos(psi - psi0), to the cell."""
    towards = Sun(math.radians(90 * quarter + bearing), math.radians(9))
    height = np.zeros((81, 81), np.float32)
    height[0] = 3.3  # in the north; turned to where the sun stands
    found = np.rot90(shaded(np.rot90(height, -quarter), towards), quarter)
    apparent = 3.3 * math.cos(math.radians(bearing)) / np.arange(1, 81)
    assert np.array_equal(found[1:, 40], apparent > math.tan(towards.elevation))


@pytest.mark.parametrize("azimuth", [0, 20, 45, 160, 250, 301.7])
def test_cone_throws_shadow_only_if_steeper_than_the_sun(azimuth: float) -> None:
    """Beyond its base, of radius R, a tip that reaches k R: R^2 (sqrt(k^2 - 1) - acos(1 / k))."""
    towards, radius = Sun(math.radians(azimuth), math.radians(30)), 50
    y, x = np.mgrid[-90:91, -90:91]
    away = np.hypot(x, y)
    cones = (np.maximum((radius - away) * math.tan(slope), 0) for slope in np.radians([40, 25]))
    steep, flat = (shaded(cone.astype(np.float32), towards) for cone in cones)
    assert not flat[away > radius + 1].any()
    k = math.tan(math.radians(40)) / math.tan(towards.elevation)
    straight, round_ = math.sqrt(k**2 - 1), math.acos(1 / k)
    off = steep[away > radius].sum() - radius**2 * (straight - round_)
    assert abs(off) <= radius * (straight + round_)  # half a cell along its border


@given(sights(terrains()), st.sampled_from([-4096.0, -0.5, 1000.0]))
@examples(60)
def test_adding_a_constant_changes_nothing(s: Sight, constant: float) -> None:
    """Exactly so where nothing rounds: a shadow that sinks 1/4 m a step over heights in 1/8 m."""
    azimuth, height = degrees(s.sun).azimuth, (np.rint(s.height * 8) / 8).astype(np.float32)
    step = shadow_drop(Sun(azimuth, math.pi / 4), s.grid.resolution)
    exact = Sun(azimuth, math.atan(0.25 / step))
    higher = height + np.float32(constant)
    assert np.array_equal(shaded(higher, exact, s.grid), shaded(height, exact, s.grid))


@given(sights(terrains()), st.sampled_from([0.25, 2.0, 64.0]))
@examples(60)
def test_scaling_height_and_cell_together_changes_nothing(s: Sight, times: float) -> None:
    """Exactly so by powers of two."""
    to, larger = degrees(s.sun), s.grid._replace(resolution=s.grid.resolution * times)
    scaled = shaded(s.height * np.float32(times), to, larger)
    assert np.array_equal(scaled, shaded(s.height, to, s.grid))


@given(sights(terrains()), suns())
@examples(60)
def test_raising_the_sun_shades_no_more(s: Sight, other: reference.Sun) -> None:
    elevations = sorted([s.sun.elevation, other.elevation])
    to = [degrees(s.sun._replace(elevation=elevation)) for elevation in elevations]
    low, high = (shaded(s.height, sun, s.grid) for sun in to)
    assert not (high & ~low).any()


@given(sights(terrains()))
@examples(60)
def test_turned_and_mirrored_about_the_anchor(s: Sight) -> None:
    """Exactly so: half to even rounds both ways alike, and no printed azimuth but those on the axes
    and between them has a rational tangent, so none comes near a tie elsewhere."""
    (height, (azimuth, elevation), grid), found = s, shaded(s.height, degrees(s.sun), s.grid)
    west = grid._replace(column=-(grid.column + height.shape[1] - 1))
    mirrored = shaded(height[:, ::-1], degrees(reference.Sun(-azimuth, elevation)), west)
    assert np.array_equal(mirrored[:, ::-1], found)
    for quarter in range(1, 4):
        grid = Grid(grid.resolution, -grid.column, grid.row - len(height) + 1)
        height = np.rot90(height, -1)  # clockwise: what lay north lies east
        to = degrees(reference.Sun((azimuth + 90 * quarter) % 360, elevation))
        assert np.array_equal(np.rot90(shaded(height, to, grid), quarter), found)


@given(sights(terrains()))
@examples(60)
def test_no_data_casts_nothing_and_lets_pass(s: Sight) -> None:
    """As if the ground were bottomless there."""
    to, unknown = [degrees(s.sun)], np.isnan(s.height)
    deep = cast_shadow(np.where(unknown, np.float32(-1e30), s.height), to, s.grid)
    assert np.array_equal(cast_shadow(s.height, to, s.grid), np.where(unknown, NO_DATA, deep))


def test_no_data_between_wall_and_shadow() -> None:
    height = np.array([[9, np.nan, 0, np.nan, 0, 0]], np.float32).T
    found = cast_shadow(height, [Sun(0.0, math.atan(2.0))], HERE)
    assert found.T.tolist() == [[0, NO_DATA, 1, NO_DATA, 1, 0]]


@pytest.mark.parametrize("height", [-3e38, 0, 3e38])
@given(suns())
@examples(40)
def test_ground_outside_casts_no_shadow(height: float, towards: reference.Sun) -> None:
    assert not shaded(np.full((4, 5), height, np.float32), degrees(towards)).any()


@given(sights(terrains()), st.lists(suns(), max_size=7))
@examples(40)
def test_seven_suns_are_seven_sweeps(s: Sight, many: list[reference.Sun]) -> None:
    to = [degrees(sun) for sun in many]
    bits = sum((shaded(s.height, sun, s.grid) * (1 << i) for i, sun in enumerate(to)), start=0)
    expected = np.where(np.isnan(s.height), NO_DATA, bits)
    assert np.array_equal(cast_shadow(s.height, to, s.grid), expected)


@pytest.mark.parametrize("elevation", [-0.1, 0.0, math.pi / 2, 2.0, math.nan])
def test_refuses_suns_not_above_the_horizon_or_too_many(elevation: float) -> None:
    with pytest.raises(ValueError, match="elevation"):
        shaded(houses(1, 9, 9), Sun(0.0, elevation))
    with pytest.raises(ValueError, match="at most 7 suns"):
        cast_shadow(houses(1, 9, 9), [Sun(0.0, 0.1)] * 8, HERE)


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0)])
@pytest.mark.parametrize("azimuth", [0.0, 1.0, 2.0, 4.0])
def test_nothing_has_no_shadow(shape: tuple[int, int], azimuth: float) -> None:
    assert cast_shadow(np.zeros(shape, np.float32), [Sun(azimuth, 0.5)], HERE).shape == shape


def again(s: Sight) -> Mask:
    """What is shaded, by the reference."""
    rows = s.grid.row - np.arange(len(s.height))[::-1]
    columns = s.grid.column + np.arange(s.height.shape[1])
    found = reference.sweep(s.height[::-1], rows, columns, s.sun, s.grid.resolution)[::-1]
    return found & ~np.isnan(s.height)


@given(sights(terrains() | odd_rasters()))
@examples(300)
def test_equals_the_reference(s: Sight) -> None:
    assert np.array_equal(shaded(s.height, degrees(s.sun), s.grid), again(s))


@pytest.mark.parametrize("tangent", [1 / 4, -1 / 4, 3 / 4, 4 / 3, -4 / 3])
def test_equals_the_reference_where_rays_tie(tangent: float) -> None:
    """Every fourth row lies halfway between two columns, or column between two rows."""
    sun = reference.Sun(math.degrees(math.atan(tangent)), 10.0)
    s = Sight(houses(1, 40, 30, holes=False), sun, HERE)
    assert np.array_equal(shaded(s.height, degrees(sun)), again(s))


@pytest.mark.parametrize(("west", "north"), [(122_840, 481_330), (-50, 40)])
def test_equals_the_reference_across_lattice_lines(west: int, north: int) -> None:
    """Each square by its own sun and anchor, over ground that lies in four."""
    height, when = houses(3, 90, 80), ("2025-12-21", ("10:00", "12:00", "14:00"), "true")
    window, found = Window(-north, west, 90, 80), np.zeros((90, 80), np.uint8)
    parts = list(cut_at_lattice(window, 1.0))
    for square, part in parts:
        to = [degrees(sun) for sun in reference.suns(*when, *square)]
        inside = window.slices(part)
        found[inside] = cast_shadow(height, to, square.anchored(window, 1.0))[inside]
    assert len(parts) == 4
    transform = Affine(1.0, 0, west, 0, -1.0, north)
    assert np.array_equal(found, reference.cast_shadow(height, transform, *when))


def seen(s: Sight, tile: Window, halo: Halo) -> Mask:
    """A tile's shadows, from the tile and its halo alone."""
    wide = tile.grow(halo).intersect(s.window)
    grid = LatticeCell(0, 0).anchored(wide, s.grid.resolution)
    return shaded(s.height[s.window.slices(wide)], degrees(s.sun), grid)[wide.slices(tile)]


@given(sights(terrains(240, 180) if COMPILED else terrains(60, 45)), st.integers(0, 99))
@examples(150)
def test_any_tiling_gives_the_whole(s: Sight, seed: int) -> None:
    whole, limit = shaded(s.height, degrees(s.sun), s.grid), max(s.height.shape)
    lowest, highest = float(np.nanmin(s.height)), float(np.nanmax(s.height))
    halo = shadow_halo(lowest, highest, degrees(s.sun), s.grid.resolution, limit)
    for tile in tiles(s.window, seed):
        assert np.array_equal(seen(s, tile, halo), whole[s.window.slices(tile)])


@pytest.mark.parametrize("azimuth", [*range(0, 360, 15), 98.6])
def test_a_shorter_halo_misses_the_tower_at_its_end(azimuth: float) -> None:
    """The last cell of a tower's shadow sees it with its halo, and not with one that is, on any
    side towards the sun, SPARE cells shorter: it is neither too short nor too long."""
    height = np.zeros((101, 101), np.float32)
    height[50, 50] = 10
    s = Sight(height, reference.Sun(azimuth, 12), Grid(1.0, 400, 700))
    halo = shadow_halo(0, 10, degrees(s.sun), 1.0, 101)
    cells = np.argwhere(shaded(height, degrees(s.sun), s.grid))
    row, column = cells[np.argmax(np.hypot(*(cells - 50).T))].tolist()
    last = Window(s.window.top + row, s.window.left + column, 1, 1)
    assert seen(s, last, halo).all()
    sides = [side for side, n in halo._asdict().items() if n > SPARE]
    assert len(sides) == (1 if azimuth % 90 == 0 else 2)
    for side in sides:
        short = halo._replace(**{side: getattr(halo, side) - SPARE})
        assert not seen(s, last, short).any()


@pytest.mark.parametrize("elevation", [1.2, 1.4])
def test_halo_holds_the_rounding_of_its_own_subtractions(elevation: float) -> None:
    """On high ground a low sun's shadow is longer in float32 than it is; by more than one cell."""
    towards, height = Sun(0.0, math.radians(elevation)), np.full((6000, 1), 300, np.float32)
    height[0] = 360
    steps = int(shaded(height, towards, Grid(0.5, 0, 0)).sum())
    assert steps > math.ceil(shadow_reach(60, towards.elevation) / 0.5) + 1
    assert steps <= shadow_halo(300, 360, towards, 0.5, 6000).north


@given(st.floats(-7, 320), st.floats(0.1, 180), suns(3, 89), st.sampled_from([0.5, 1.0, 5.0]))
def test_halo_is_the_reach_and_little_more(
    lowest: float, relief: float, sun: reference.Sun, resolution: float
) -> None:
    """In the Netherlands, with the sun above 3 degrees: SPARE cells, and 0.1 % for rounding."""
    (azimuth, elevation), highest = degrees(sun), lowest + relief
    reach = shadow_reach(relief, elevation) / resolution
    north, east, south, west = shadow_halo(lowest, highest, degrees(sun), resolution, 10**6)
    for ahead, behind, part in (north, south, math.cos(azimuth)), (east, west, math.sin(azimuth)):
        ahead, behind = (ahead, behind) if part > 0 else (behind, ahead)
        assert abs(part) * reach <= ahead < 1.001 * abs(part) * reach + SPARE
        assert behind == 1


def test_halo_ends_with_the_inputs() -> None:
    """Also where rounding swallows the step, so that a shadow never sinks."""
    for elevation in math.radians(1), math.radians(0.001):
        assert shadow_halo(-5, 300, Sun(math.pi, elevation), 0.5, 70) == Halo(1, 2, 70, 1)
