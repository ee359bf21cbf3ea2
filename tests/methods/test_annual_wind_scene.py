"""What stands around candidates, from heights and their relief: against a plain reference, and the
laws that it obeys."""

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
from affine import Affine
from numpy.typing import NDArray

from pipeline import quarter
from pipeline.methods.annual.wind.scene import Scene
from tests.support import wind_ground
from tests.support.reference import Cells, cell_of, cells_inside, centre_of, covered
from tests.support.runs import Files, read
from tests.support.wind_scene import seen

LOW = {"wind_min_height_m": 12.0}  # so that there are more candidates


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """A quarter of 700 x 600 m with cells of 1 m, of four sheets."""
    made = quarter.generate(tmp_path_factory.mktemp("in"), size=(700, 600), resolution=1)
    return Files(made.dsm, made.dtm, made.buildings)


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


def test_as_the_reference_has_it(files: Files, tmp_path: Path) -> None:
    dsm, transform, covers = read(files.dsm)
    dtm, _, _ = read(files.dtm)
    relief = wind_ground.relief_of(dsm, dtm, transform)
    shapes = gpd.read_file(files.buildings).geometry
    found = seen(files, tmp_path / "out", settings=LOW)
    assert len(found) > 20
    for row, scene in [*found.items()][::3]:
        centre = centre_of(shapes[row], "centroid")
        assert_ground(scene, wind_ground.roughness_around(relief, centre.x, centre.y, 1000.0))
        own, around = own_cells(shapes[row], transform, covers), scene.obstacles
        near = wind_ground.seen_near(dsm, transform.a, own, [])
        assert_seen(around.near_height, around.near_distance, near)
        far = wind_ground.seen_far(relief, transform, own, [])
        assert_seen(around.far_height, around.far_distance, far)
