"""The scene of roofs: its truth is whole, and its heights lie on it."""

from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from shapely.geometry import Polygon

from pipeline.quarter.roofscape import (
    Roofscape,
    generate_roofs,
    roofscape,
    standing_roofs,
    terraced_town,
)
from pipeline.quarter.roofscape.kinds import KINDS, TALL
from pipeline.quarter.scene import Cells


@pytest.fixture(scope="module")
def scene() -> Roofscape:
    return roofscape(repeats=1)


def test_every_kind_of_roof_is_there(scene: Roofscape) -> None:
    assert {roof.kind for roof in scene.roofs} == {*(k.__name__ for k in KINDS), "terrace"}
    assert all(shapely.box(*scene.bounds).contains(roof.footprint) for roof in scene.roofs)


def test_what_is_tall_stands_beside_all_else(scene: Roofscape) -> None:
    tall = roofscape(repeats=1, tall=True)
    low, high = tall.roofs[: len(scene.roofs)], tall.roofs[len(scene.roofs) :]
    assert (low, tall.crowns, tall.holes) == (scene.roofs, scene.crowns, scene.holes)
    assert [roof.kind for roof in high] == [kind.__name__ for kind in TALL]
    ground = shapely.box(*tall.bounds)
    for roof in high:
        assert ground.contains(roof.footprint) and 20 < roof.faces[0].sheet.level < 61
        assert not any(roof.footprint.intersects(other.footprint) for other in low)


@pytest.mark.parametrize("seed", [2, 3, 5, 7])
def test_no_seed_makes_a_ring_that_crosses_itself(seed: int) -> None:
    for roof in roofscape(repeats=12, seed=seed).roofs:
        rings = [Polygon(face.ring) for face in roof.faces]
        assert shapely.is_valid(rings).all(), roof.kind


def test_planes_seen_lie_side_by_side_within_the_footprint(scene: Roofscape) -> None:
    for roof, planes in zip(scene.roofs, scene.planes, strict=True):
        seen = shapely.union_all([plane.polygon for plane in planes])
        assert seen.area == pytest.approx(sum(p.polygon.area for p in planes), rel=1e-4)
        assert seen.difference(roof.footprint.buffer(0.01)).area == 0


def test_what_nothing_hides_is_all_planes() -> None:
    scene = roofscape(repeats=2)
    bare = Roofscape(scene.bounds, scene.seed, scene.roofs, (), ())
    for roof, planes in zip(bare.roofs, bare.planes, strict=True):
        area = sum(plane.polygon.area for plane in planes)
        if roof.kind not in ("with_chimney", "with_dormers", "flat_with_parapet"):
            assert area == pytest.approx(roof.footprint.area, rel=1e-3), roof.kind
        else:
            assert 0.8 < area / roof.footprint.area < 1 + 1e-3, roof.kind


def test_heights_within_a_plane_lie_on_it(scene: Roofscape) -> None:
    cells = Cells.of(scene.bounds, 0.5)
    mean, _ = scene.surfaces(cells, "mean", 0.0)
    highest, _ = scene.surfaces(cells, "highest", 0.0)
    x, y = (array.ravel() for array in np.meshgrid(cells.x, cells.y.ravel()))
    tried = 0
    for roof, planes in zip(scene.roofs, scene.planes, strict=True):
        for plane in planes:
            if plane.role != "plane" or roof.kind == "panel_rows":
                continue
            inner = shapely.contains_xy(plane.polygon.buffer(-0.8), x, y)
            here = inner & np.isfinite(mean.ravel())
            if here.sum() < 4:
                continue
            at = np.column_stack(
                [np.ones(here.sum()), x[here] - roof.frame.x, y[here] - roof.frame.y]
            )
            for surface in (mean, highest):
                (_, east, north), *_ = np.linalg.lstsq(at, surface.ravel()[here])
                assert (east, north) == pytest.approx(
                    (plane.slope_east, plane.slope_north), abs=1e-4
                )
            tried += 1
    assert tried > 40


def test_the_highest_is_no_lower_than_the_mean(scene: Roofscape) -> None:
    cells = Cells.of(scene.bounds, 0.5)
    mean, ground = scene.surfaces(cells, "mean")
    highest, same = scene.surfaces(cells, "highest")
    known = np.isfinite(mean)
    assert (highest[known] >= mean[known] - 1e-4).all() and (known == np.isfinite(highest)).all()
    assert np.array_equal(ground, same, equal_nan=True)


def test_a_window_has_the_bits_of_the_whole(scene: Roofscape) -> None:
    whole = Cells.of(scene.bounds, 0.5)
    part = Cells(0.5, whole.column + 40, whole.row + 64, 130, 97)
    for surface, inner in zip(scene.surfaces(whole), scene.surfaces(part), strict=True):
        top = whole.height - 64 - 97
        there = surface[top : top + 97, 40 : 40 + 130]
        assert np.array_equal(there, inner, equal_nan=True)


def test_the_same_seed_gives_the_same_scene() -> None:
    assert roofscape(1, 5) == roofscape(1, 5) != roofscape(1, 6)
    for wrong in ((0, 1), (1, -1)):
        with pytest.raises(ValueError, match="must not be negative"):
            roofscape(*wrong)


def test_the_files_are_the_same_bytes_and_hold_the_scene(tmp_path: Path) -> None:
    files = [
        generate_roofs(tmp_path / name, repeats=1, resolution=1, sheets=(2, 1), survey="highest")
        for name in "ab"
    ]
    first, second = ({p.name: p.read_bytes() for p in f.directory.iterdir()} for f in files)
    assert first == second
    assert {p.name for p in standing_roofs(files[0].directory)} == set(first)
    scene = files[0].truth
    dsm, _ = scene.surfaces(Cells.of(scene.bounds, 1), "highest")
    halves = [rasterio.open(path).read(1, masked=True).filled(np.nan) for path in files[0].dsm]
    assert np.array_equal(np.hstack(halves), dsm, equal_nan=True)
    table = pyogrio.read_dataframe(files[0].planes)
    assert len(table) == sum(map(len, scene.planes))
    assert table.area_m2.sum() == pytest.approx(sum(p.area for own in scene.planes for p in own))
    assert table.azimuth_deg.isna().equals(table.tilt_deg == 0)
    assert set(table.identificatie) <= set(pyogrio.read_dataframe(files[0].buildings).identificatie)


def test_a_town_is_as_dense_as_the_middle_of_amsterdam() -> None:
    """Of houses that share walls and stand in no other."""
    town = terraced_town(400.0)
    homes = np.array([roof.footprint for roof in town.roofs], object)
    assert 3800 < len(homes) / 0.4**2 < 4400
    assert shapely.union_all(homes).area == pytest.approx(shapely.area(homes).sum(), rel=1e-3)
    west, south, east, north = shapely.total_bounds(homes)
    assert town.bounds[0] < west and town.bounds[1] < south
    assert east < town.bounds[2] and north < town.bounds[3]
