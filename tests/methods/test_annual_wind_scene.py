"""What stands around candidates, from heights and their relief, against a plain reference."""

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from affine import Affine
from numpy.typing import NDArray

from pipeline.methods.annual.wind.model import Scene
from tests.support import wind_ground
from tests.support.outcomes import small_quarter
from tests.support.reference import Cells, cell_of, cells_inside, centre_of, covered
from tests.support.runs import World, read
from tests.support.wind_scene import assert_alike, seen

WEST, SOUTH = 473 * 256.0, 1903 * 256.0  # a corner of the squares that roughness is summed over
LOW = {"wind_min_height_m": 12.0}  # so that there are more candidates


def own_cells(geometry: Any, transform: Affine, on_raster: NDArray[np.bool_]) -> Cells:
    inside = cells_inside(geometry, transform)
    every = inside if inside.rows.size else cell_of(centre_of(geometry, "centroid"), transform)
    return every.where(covered(every, on_raster))


def assert_ground(scene: Scene, expected: list[wind_ground.Roughness]) -> None:
    """As the reference has it, to the last digits of a sum."""
    found = np.column_stack(scene.ground)
    np.testing.assert_allclose(found, np.array(expected), rtol=1e-9, atol=1e-6)


def assert_seen(heights: Any, distances: Any, expected: wind_ground.Seen) -> None:
    """In each direction the same pairs, by radius; nothing within the nearest radii is NaN."""
    for height, distance, pairs in zip(heights, distances, expected, strict=True):
        nothing = [(np.nan, np.nan)] * (len(height) - len(pairs))
        np.testing.assert_array_equal(np.column_stack([height, distance]), nothing + pairs)


def test_as_the_reference_has_it(tmp_path: Path) -> None:
    files = small_quarter(tmp_path / "in")
    dsm, transform, covers = read(files.dsm)
    dtm, _, _ = read(files.dtm)
    relief = wind_ground.relief_of(dsm, dtm, transform)
    shapes = gpd.read_file(files.buildings).geometry
    found = seen(files, tmp_path / "out", settings=LOW)
    assert len(found) > 20
    for row, scene in [*found.items()][::6]:
        centre = centre_of(shapes[row], "centroid")
        assert_ground(scene, wind_ground.roughness_around(relief, centre.x, centre.y, 1000.0))
        own, around = own_cells(shapes[row], transform, covers), scene.obstacles
        near = wind_ground.seen_near(dsm, transform.a, own, [])
        assert_seen(around.near_height, around.near_distance, near)
        far = wind_ground.seen_far(relief, transform, own, [])
        assert_seen(around.far_height, around.far_distance, far)


def test_without_anything_nothing_stands(tmp_path: Path) -> None:
    """Nor does the candidate itself count, in its own square."""
    w = World(1600, 1600, 1.0, west=WEST, south=SOUTH)
    row = w.block(800, 800, 820, 820, 25.0)
    scene = seen(w.write(tmp_path / "in"), tmp_path / "out")[row]
    assert not np.any(scene.ground)
    assert scene.candidates.roof == 25.0 and scene.candidates.ground == 0.0
    assert not np.nan_to_num(scene.obstacles.near_height).any()
    assert not np.nan_to_num(scene.obstacles.far_height).any()


def test_an_added_building_is_as_if_it_stood_there(tmp_path: Path) -> None:
    """In the roughness, and as an obstacle near and far."""
    w, there = World(1400, 600, 1.0), World(1400, 600, 1.0)
    rows = []
    for x in (100, 500, 1200):
        rows.append(w.block(x, 300, x + 20, 320, 25.0))
        there.block(x, 300, x + 20, 320, 25.0)
    boxes = [(560, 310, 40.0), (800, 200, 60.0)]
    new = World(1400, 600, 1.0)
    for x, y, top in boxes:
        new.footprint(shapely.box(x, y, x + 17, y + 11), roof_m=top)
        there.dsm[there.part(x, y, x + 17, y + 11)] = top
    new.footprints.to_parquet(tmp_path / "added.parquet")
    files = w.write(tmp_path / "in")
    found = seen(files, tmp_path / "out", add_building=(str(tmp_path / "added.parquet"),))
    due, before = seen(there.write(tmp_path / "b"), tmp_path / "due"), seen(files, tmp_path / "was")
    for row in rows:
        assert_alike(found[row], due[row].ground, due[row].obstacles, exact=True)
        assert not np.array_equal(found[row].ground.height, before[row].ground.height)


def test_parts_of_one_building_are_no_obstacles(tmp_path: Path) -> None:
    """Near or far; with another part higher, it is as if that were not there."""
    scenes = []
    for beside in (True, False):
        w = World(700, 300, 1.0)
        row = w.block(100, 100, 130, 120, 25.0, deel="a")
        w.block(500, 100, 520, 120, 35.0, deel="b")
        for x in (131, 400):
            shape = shapely.box(x, 104, x + 16, 120)
            if beside:
                w.dsm[w.part(*shape.bounds)] = 60.0
            w.footprint(shape, deel="a")
        folder = tmp_path / str(beside)
        scenes.append(seen(w.write(folder / "in"), folder / "out", group="deel")[row])
    with_them, alone = (scene.obstacles for scene in scenes)
    assert np.nanmax(with_them.near_height) == 0.0 and np.nanmax(with_them.far_height) == 35.0
    assert np.nanmax(alone.near_height) == 0.0 and np.nanmax(alone.far_height) == 35.0


def test_where_there_is_no_candidate_nothing_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    w = World(300, 300, 1.0)
    w.block(100, 100, 130, 120, 19.9)
    files = w.write(tmp_path / "in")
    assert not seen(files, tmp_path / "out")
    monkeypatch.setattr("pipeline.methods.annual.wind.scene.Surroundings", None)
    assert not seen(files, tmp_path / "again")
