"""The seam law of the method `annual`: its table and its raster layers are the same to the bit
however the run is cut, ordered or stopped."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import rasterio.features
import shapely
from affine import Affine

from tests.support.outcomes import (
    Outcome,
    assert_agrees,
    assert_equal,
    common,
    run_interrupted,
    run_without_map,
    shuffle_tasks,
    small_tiles,
)
from tests.support.runs import Files, generated

OPTIONS: dict[str, Any] = {
    "method": "annual",
    "layers": ("plane", "solar_kwh_m2", "sky_view"),
    "settings": {"wind_min_height_m": 8.0},  # so that there are candidates
}


@pytest.fixture(scope="module", autouse=True)
def small_parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Small ground has a few tiles; of smaller ones it has hundreds."""
    with small_tiles(tmp_path_factory.mktemp("cache")):
        yield


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """160 x 150 m of four sheets, in which four squares of the lattice meet; 9 shards of 128."""
    return generated(tmp_path_factory.mktemp("quarter"), size=(160, 150))


@pytest.fixture(scope="module")
def whole(files: Files, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """In as few blocks as there can be, one after another."""
    return run_without_map(files, tmp_path_factory.mktemp("whole") / "out", workers=1, **OPTIONS)


def test_there_are_seams_to_cross(whole: Outcome) -> None:
    squares = {tuple(each["lattice"]) for each in whole.report["method"]["convergence"]}
    assert len(squares) == 4
    (_, layer) = whole.arrays[0, "plane"]
    assert min(layer.shape) > 2 * 128
    across = [layer[k - 1 : k + 1] for k in range(128, len(layer), 128)]
    assert any(((strip[0] > 0) & (strip[1] > 0)).any() for strip in across)
    assert sum(bool(row["wind_candidate"]) for row in whole.rows.values()) > 5


@pytest.mark.parametrize(("block", "workers"), [(40, 2), (100, 1)])
def test_any_block_and_any_workers(
    files: Files, whole: Outcome, tmp_path: Path, block: int, workers: int
) -> None:
    found = run_without_map(files, tmp_path / "out", block=block, workers=workers, **OPTIONS)
    assert_equal(found, whole)


def test_any_order(files: Files, whole: Outcome, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        stages = shuffle_tasks(patch, 5)
        assert_equal(run_without_map(files, tmp_path / "out", workers=2, **OPTIONS), whole)
    assert "roofs" in stages


def test_roofs_that_reach_far_are_read_one_by_one(
    files: Files, whole: Outcome, tmp_path: Path
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.methods.annual.segments.BESIDE", 2)
        patch.setattr("pipeline.methods.annual.wind.scene.BESIDE", -5000)  # each candidate alone
        assert_equal(run_without_map(files, tmp_path / "out", block=30, **OPTIONS), whole)


def test_a_part(files: Files, whole: Outcome, tmp_path: Path) -> None:
    """Its layer has the buildings of its table, each as in the whole, and no others."""
    x, y = ([row[f"centre_{axis}"] for row in whole.rows.values()] for axis in "xy")
    middle = [np.quantile(v, q) + 0.3 for q in (0.3, 0.7) for v in (x, y)]
    area = ",".join(f"{edge:.2f}" for edge in middle)
    part = run_without_map(files, tmp_path / "out", area=area, **OPTIONS)
    assert len(part.rows) < len(whole.rows)
    assert_agrees(replace(part, arrays={}), whole)
    found, expected = common(part.arrays[0, "plane"], whole.arrays[0, "plane"])
    own = cells_of(part, part.rows.values())
    others = cells_of(part, [row for k, row in whole.rows.items() if k not in part.rows])
    assert (found[own] > 0).all() and not found[~own].any()
    alone = own & ~others
    assert alone.sum() > 800 and (others & ~own).any()
    np.testing.assert_array_equal(found[alone], expected[alone])


def cells_of(part: Outcome, rows: Iterable[dict[str, Any]]) -> Any:
    """The cells of the footprints that are judged, on the ground of a part's layer."""
    r, ((top, left), layer) = part.resolution, part.arrays[0, "plane"]
    shapes = [shapely.from_wkb(row["geometry"]) for row in rows if pd.isna(row["rejected"])]
    transform = Affine(r, 0, left * r, 0, -r, -top * r)
    return rasterio.features.rasterize(shapes, layer.shape, transform=transform).astype(bool)


def test_killed_and_resumed(files: Files, whole: Outcome, tmp_path: Path) -> None:
    assert run_interrupted(files, tmp_path / "out", 70, block=64, **OPTIONS)
    found = run_without_map(files, tmp_path / "out", **OPTIONS)
    assert_equal(found, whole)
