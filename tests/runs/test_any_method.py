"""A method has updates, answers from a finished run and what-if without a line of its own there."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
import zarr

from pipeline.engine.events import DONE
from pipeline.methods import METHODS
from pipeline.runs.answers import answer, why_not
from pipeline.runs.whatif import reach_in
from tests.support.outcomes import Outcome, assert_equal, compute, outcome, small_tiles
from tests.support.runs import Files, World
from tests.support.second import RISE, SECOND

OPTIONS: dict[str, Any] = {"method": SECOND.name, "layers": (RISE.name,)}
SIDE = 900.0  # m


@pytest.fixture(scope="module", autouse=True)
def second(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The method stands among the others; tiles are of 16 cells."""
    cache = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch, small_tiles(cache):
        patch.setitem(METHODS, SECOND.name, SECOND)
        yield


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Houses of 6 m, and in the corners sheds that hold the box around all."""
    w = World(SIDE, SIDE, 2.0)
    for x in range(4, int(SIDE), 64):
        for y in range(4, int(SIDE), 64):
            w.block(x, y, x + 12, y + 10, 6.0)
    return w.write(tmp_path_factory.mktemp("in"))


@pytest.fixture(scope="module")
def finished(files: Files, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("finished") / "out"
    compute(files, out, **OPTIONS)
    return out


def with_layer(out: Path) -> tuple[Outcome, np.ndarray]:
    """The outcome of a run, and its raster layer."""
    array: Any = zarr.open_group(out / "rasters.zarr", mode="r")["0"][RISE.name]
    return outcome(out), array[:]


def assert_same(out: Path, other: Path) -> None:
    (one, rise), (two, rise_too) = with_layer(out), with_layer(other)
    assert_equal(one, two)
    assert np.array_equal(rise, rise_too, equal_nan=True)


def tower(path: Path, height: float) -> tuple[shapely.Geometry, str]:
    """A tower of 16 x 16 m that stands half on a house: its outline, and the file to add it."""
    shape = shapely.box(121_000 + 270, 487_000 + 262, 121_286, 487_278)
    rows = {"identificatie": ["toren"], "height_m": [height], "geometry": [shape]}
    gpd.GeoDataFrame(rows, crs=28992).to_parquet(path)
    return shape, str(path)


def test_an_update_is_a_full_run_of_few_shards(
    files: Files, finished: Path, tmp_path: Path
) -> None:
    shape, added = tower(tmp_path / "toren.parquet", 40)
    out, events = Path(shutil.copytree(finished, tmp_path / "out")), list[dict[str, Any]]()
    options = OPTIONS | {"add_building": (added,)}
    compute(files, out, update=True, log=events.append, **options)
    compute(files, tmp_path / "whole", **options)
    assert_same(out, tmp_path / "whole")
    done = [e["shard"] for e in events if e.get("outcome") == DONE]
    assert 0 < len(done) <= 4
    before, after = outcome(finished).rows, outcome(out).rows
    reach = shapely.box(*reach_in(finished, [(shape, None, 40.0)]))
    changed = {row for row in before if before[row] != after[row]}
    assert changed
    for row in changed:
        assert reach.contains(shapely.Point(after[row]["centre_x"], after[row]["centre_y"]))


def test_a_part_is_answered_from_the_whole(files: Files, finished: Path, tmp_path: Path) -> None:
    area = "121100,487100,121500,487420"
    request = files.request(tmp_path / "answer", area=area, **OPTIONS)
    assert why_not(finished, request) is None
    answer(request, finished)
    compute(files, tmp_path / "run", area=area, **OPTIONS)
    (one, rise), (two, rise_too) = map(with_layer, (tmp_path / "answer", tmp_path / "run"))
    assert one.rows == two.rows and one.rows
    assert np.array_equal(rise, rise_too, equal_nan=True)
    tall = files.request(tmp_path / "no", area=area, settings={"tall_m": 7.0}, **OPTIONS)
    assert why_not(finished, tall)
