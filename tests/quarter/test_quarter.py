"""The generated quarter: its rasters are its truth sampled, and every case stands in it."""

import math
from itertools import pairwise

import numpy as np
import pytest
import shapely
from affine import Affine
from rasterio.features import rasterize

from pipeline import quarter
from pipeline.quarter import Building, Frame, Scene, Volume
from pipeline.quarter.scene import Cells

CASES = {
    "podium", "tower_at_podium", "tower_on_podium", "flat", "church", "courtyard", "multipart",
    "bow_tie", "speck", "newer", "begun", "never_built", "disused", "unknown_status", "doomed",
    "rebuilding", "not_measured", "unknown_year", "same_id", "overlapped", "overlapping", "edge",
}  # fmt: skip
DISTRICTS = {"house", "town_house", "villa", "flat", "tower", "hall", "pavilion", "lone", "shed"}
SEEDS = [2008, 1, 7]


@pytest.fixture(scope="module", params=SEEDS)
def whole(request: pytest.FixtureRequest) -> Scene:
    return quarter.scene(seed=request.param)


@pytest.fixture(scope="module")
def small() -> Scene:
    return quarter.scene((200.0, 200.0))


def only(scene: Scene, kind: str) -> Building:
    (building,) = (b for b in scene.buildings if b.kind == kind)
    return building


def cells_of(scene: Scene, building: Building, resolution: float = 0.5) -> np.ndarray:
    west, south, east, north = scene.bounds
    shape = round((north - south) / resolution), round((east - west) / resolution)
    transform = Affine(resolution, 0, west, 0, -resolution, north)
    shape_of_it = shapely.make_valid(building.geometry)
    return rasterize([shape_of_it], shape, transform=transform).astype(bool)


# The rasters


@pytest.mark.parametrize("resolution", [0.5, 1, 2, 5])
def test_a_window_equals_the_whole(small: Scene, resolution: float) -> None:
    west, south, _, _ = small.bounds
    wholes = small.dsm(resolution, noise=0.05), small.dtm(resolution, noise=0.05)
    rows = wholes[0].shape[0]
    for bottom, top, left, right in [(0, 13, 0, 7), (5, 40, 3, 40), (rows - 1, rows, 0, 1)]:
        lines = [(west, left), (south, bottom), (west, right), (south, top)]
        bounds = tuple(start + line * resolution for start, line in lines)
        windows = small.dsm(resolution, bounds, 0.05), small.dtm(resolution, bounds, 0.05)
        for full, window in zip(wholes, windows, strict=True):
            expected = full[rows - top : rows - bottom, left:right]
            np.testing.assert_array_equal(window, expected)
            assert window.dtype == np.float32


def test_a_window_of_other_lines_is_refused(small: Scene) -> None:
    west, south, east, north = small.bounds
    with pytest.raises(ValueError, match="no multiples"):
        small.dsm(1, (west + 0.25, south, east, north))
    with pytest.raises(ValueError, match="upside down"):
        small.dsm(1, (west, north, east, south))


def test_noise_is_a_small_error_around_the_truth(whole: Scene) -> None:
    west, south, _, _ = whole.bounds
    bounds = west, south, west + 300, south + 300
    error = (whole.dtm(0.5, bounds, noise=0.04) - whole.dtm(0.5, bounds)).astype(float)
    assert abs(np.nanmean(error)) < 0.001
    assert np.nanstd(error) == pytest.approx(0.04, rel=0.02)
    assert np.nanmax(np.abs(error)) < 4 * 0.04
    for a, b in [(error[1:], error[:-1]), (error[:, 1:], error[:, :-1])]:
        known = np.isfinite(a) & np.isfinite(b)
        assert abs(np.corrcoef(a[known], b[known])[0, 1]) < 0.02


def test_ground_rises_gently_through_nap(whole: Scene) -> None:
    ground = whole.dtm(2)
    assert np.nanmin(ground) < -0.5
    assert 1.5 < np.nanmax(ground) < 5
    assert max(np.nanmax(np.abs(np.diff(ground, axis=axis))) for axis in (0, 1)) < 0.05


def test_water_has_no_data_and_bends(whole: Scene) -> None:
    dsm, dtm = whole.dsm(1), whole.dtm(1)
    cells = Cells.of(whole.bounds, 1)
    wet = np.logical_or.reduce([rect.contains(cells.x, cells.y) for rect in whole.water])
    assert np.array_equal(np.isnan(dsm), wet)
    assert np.isnan(dtm[wet]).all()
    assert 0.01 < wet.mean() < 0.1
    assert len({round(rect.rotation, 2) for rect in whole.water}) > 4


def test_trees_stand_in_the_dsm_alone(whole: Scene) -> None:
    dsm, dtm = whole.dsm(1), whole.dtm(1)
    difference = dsm - dtm
    assert np.nanmin(difference) == 0
    crowns = difference > 2
    assert 0.03 < crowns.mean() < 0.3
    bare = Scene(whole.bounds, whole.seed, whole.ground, whole.buildings, whole.water, ())
    np.testing.assert_array_equal(bare.dtm(1), dtm)
    assert np.nanmax(bare.dsm(1) - dtm) == 0


# The truth


def test_dsm_is_the_roof_and_dtm_a_hole_on_every_cell_of_a_footprint(whole: Scene) -> None:
    """As GDAL rasterises it, hence also the corners and the holes."""
    cells = Cells.of(whole.bounds, 1)
    dsm, dtm = whole.dsm(1), whole.dtm(1)
    standing = [b for b in whole.buildings if b.in_heights and b.kind != "overlapping"]
    shapes = [(shapely.make_valid(b.geometry), i) for i, b in enumerate(standing, 1)]
    west, _, _, north = whole.bounds
    owner = rasterize(shapes, dsm.shape, transform=Affine(1, 0, west, 0, -1, north), dtype="int32")
    assert np.isnan(dtm[owner > 0]).all()
    places = np.argsort(owner, axis=None)[np.count_nonzero(owner == 0) :]
    for own in np.split(places, np.flatnonzero(np.diff(owner.flat[places])) + 1):
        building = standing[owner.flat[own[0]] - 1]
        rows, columns = np.unravel_index(own, owner.shape)
        roof = building.height(cells.x[columns], cells.y[rows, 0])
        np.testing.assert_array_equal(dsm[rows, columns], roof.astype(np.float32))
        if building.flat:
            assert set(roof) == {building.eaves}


def test_absent_buildings_leave_the_ground_bare(whole: Scene) -> None:
    absent = [b for b in whole.buildings if not b.in_heights]
    assert {b.kind for b in absent} == {"newer", "begun", "never_built"}
    cells = Cells.of(whole.bounds, 0.5)
    ground = whole.ground(cells.x, cells.y).astype(np.float32)
    dsm, dtm = whole.dsm(), whole.dtm()
    for building in absent:
        own = cells_of(whole, building)
        assert own.sum() > 400
        np.testing.assert_array_equal(dtm[own], ground[own])
        inner = cells_of(whole, Building("", "", building.geometry.buffer(-3), 0, None, ()))
        np.testing.assert_array_equal(dsm[inner], ground[inner])


@pytest.mark.parametrize("hip", [0.0, 2.0, 5.0])
@pytest.mark.parametrize("rotation", [0.0, 0.7, 2.9, -1.2])
def test_planes_are_those_of_the_surface(hip: float, rotation: float) -> None:
    block = Volume(Frame.at(100, 50, rotation), 3, 15, -4, 4, 0, 5, 8, hip)
    step = 0.02
    west, south, east, north = block.bounds
    x, y = np.arange(west, east, step), np.arange(south, north, step)
    height = block.height(x, y[:, None])
    with np.errstate(invalid="ignore"):
        up, right = np.gradient(height, step)
    slope = np.arctan(np.hypot(up, right))
    aspect = np.arctan2(-right, -up) % math.tau
    for plane in block.planes:
        turn = (aspect - plane.aspect + math.pi) % math.tau - math.pi
        on_it = (np.abs(slope - plane.slope) < 1e-6) & (np.abs(turn) < 1e-6)
        area = on_it.sum() * step**2 / math.cos(plane.slope)
        assert area == pytest.approx(plane.area, abs=1.0)
    plan = sum(plane.area * math.cos(plane.slope) for plane in block.planes)
    assert plan == pytest.approx(block.length * block.width)
    assert np.isneginf(block.height(*Frame.at(100, 50, rotation).point(15.01, 0)))


def test_planes_cover_each_footprint_once(whole: Scene) -> None:
    for building in whole.buildings:
        if building.geometry.is_valid:
            plan = sum(plane.area * math.cos(plane.slope) for plane in building.planes)
            assert plan == pytest.approx(building.geometry.area), building.kind


def test_parts_stand_on_the_ground_at_their_centre(whole: Scene) -> None:
    for building in whole.buildings:
        for part in building.parts:
            assert part.base == whole.ground.at(*part.centre)
            assert part.base < part.eaves <= part.ridge
        assert building.ground == building.main.base


def test_footprints_overlap_nowhere_but_in_one_pair_and_stay_dry(whole: Scene) -> None:
    shapes = np.array([shapely.make_valid(b.geometry) for b in whole.buildings])
    water = shapely.union_all([rect.polygon for rect in whole.water])
    assert not shapely.intersects(shapes, water).any()
    a, b = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    a, b = a[a < b], b[a < b]
    deep = shapely.area(shapely.intersection(shapes[a], shapes[b])) > 1e-6
    pairs = [
        {whole.buildings[i].kind, whole.buildings[j].kind}
        for i, j in zip(a[deep], b[deep], strict=True)
    ]
    assert pairs == [{"overlapped", "overlapping"}]


def test_terraces_touch_and_turn(whole: Scene) -> None:
    houses = [b for b in whole.buildings if b.kind == "house"]
    neighbours = [pair for pair in pairwise(houses) if pair[0].geometry.touches(pair[1].geometry)]
    assert len(neighbours) > 0.5 * len(houses)
    for one, other in neighbours[:50]:
        shared = one.geometry.intersection(other.geometry)
        assert shared.length == pytest.approx(one.main.width)
    right_angle = [abs(math.sin(2 * b.main.rotation)) < 1e-9 for b in whole.buildings]
    assert sum(right_angle) == 1  # the speck


# The cases


@pytest.mark.parametrize("seed", range(12))
def test_a_small_quarter_holds_every_case(seed: int) -> None:
    scene = quarter.scene((200, 200), seed)
    assert {b.kind for b in scene.buildings} >= CASES
    assert np.isnan(scene.dsm(1)).mean() > 0.02


def test_a_quarter_holds_every_kind(whole: Scene) -> None:
    assert {b.kind for b in whole.buildings} >= CASES | DISTRICTS
    assert 600 <= len(whole.buildings) <= 1400


def test_the_lattice_crosses_it_off_centre(whole: Scene) -> None:
    west, south, east, north = whole.bounds
    x, y = quarter.LATTICE_CORNER
    assert (x % 10240, y % 10240) == (0, 0)
    assert 50 < abs(x - (west + east) / 2) < 200
    assert 50 < abs(y - (south + north) / 2) < 200
    assert west % 10 == south % 10 == 0


def test_ids_have_16_digits_and_one_is_repeated(whole: Scene) -> None:
    ids = [b.id for b in whole.buildings]
    assert all(len(name) == 16 and name.isdigit() for name in ids)
    assert len(set(ids)) == len(ids) - 1
    one, other = (b for b in whole.buildings if b.kind == "same_id")
    assert one.id == other.id
    assert not one.geometry.intersects(other.geometry)


def test_years_and_statuses(small: Scene) -> None:
    late = {b.kind for b in small.buildings if b.built > quarter.HEIGHTS_YEAR}
    assert late == {"newer", "begun"}
    assert only(small, "unknown_year").built == 1005
    status = {kind: only(small, kind).status for kind in CASES - {"flat", "same_id"}}
    assert status["begun"] == "Bouw gestart"
    assert status["never_built"] == "Niet gerealiseerd pand"
    assert status["disused"] == "Pand buiten gebruik"
    assert status["unknown_status"] is None
    assert status["newer"] == "Pand in gebruik"


def test_odd_shapes(small: Scene) -> None:
    assert not only(small, "bow_tie").geometry.is_valid
    assert shapely.make_valid(only(small, "bow_tie").geometry).area > 50
    assert len(only(small, "courtyard").geometry.interiors) == 1
    assert len(only(small, "multipart").geometry.geoms) == 2
    inside = shapely.box(*small.bounds)
    crossing = [b for b in small.buildings if not shapely.make_valid(b.geometry).within(inside)]
    assert [b.kind for b in crossing] == ["edge"]
    assert 0.2 < crossing[0].geometry.intersection(inside).area / crossing[0].geometry.area < 0.8
    for resolution in (0.5, 1, 2, 5):
        assert not cells_of(small, only(small, "speck"), resolution).any()


def test_a_tower_on_its_podium_in_one_footprint_is_uneven(small: Scene) -> None:
    uneven = {
        b.kind
        for b in small.buildings
        if b.in_heights and (own := cells_of(small, b)).any()
        for low, high in [np.percentile(small.dsm()[own], [50, 95])]
        if high - low > 10
    }
    assert "tower_on_podium" in uneven
    assert not uneven & {"podium", "tower_at_podium"}
    podium, tower = only(small, "podium"), only(small, "tower_at_podium")
    assert podium.geometry.touches(tower.geometry)


def test_who_takes_whose_wind(whole: Scene) -> None:
    """By truth: the lone flat and the highest of each group stand free, others do not."""
    standing = [b for b in whole.buildings if b.in_heights]
    shapes = [shapely.make_valid(b.geometry) for b in standing]
    tree = shapely.STRtree(shapes)
    free: set[Building] = set()
    shadowed: set[Building] = set()
    for shape, one in zip(shapes, standing, strict=True):
        if one.eaves - one.ground >= 20:
            near = tree.query(shape, predicate="dwithin", distance=100)
            higher = any(standing[i].eaves > one.eaves for i in near)
            (shadowed if higher else free).add(one)
    assert {"lone", "tower", "tower_at_podium"} <= {b.kind for b in free}
    assert {"tower", "flat"} <= {b.kind for b in shadowed}
    lone = only(whole, "lone")
    near = tree.query(lone.geometry, predicate="dwithin", distance=100)
    assert all(standing[i].ridge - standing[i].ground < 20 for i in near if standing[i] != lone)


@pytest.mark.parametrize("size", [(10, 10), (50, 35), (1300, 90)])
def test_any_size(size: tuple[float, float]) -> None:
    scene = quarter.scene(size, 3)
    assert scene.dsm(5).shape == (size[1] // 5, size[0] // 5)
    assert scene.dtm(5).shape == (size[1] // 5, size[0] // 5)


def test_any_place() -> None:
    there, here = quarter.scene((200, 200), 6, (0, 0)), quarter.scene((200, 200), 6)
    assert there.bounds == (0, 0, 200, 200)
    assert [b.kind for b in there.buildings] == [b.kind for b in here.buildings]
