"""A run of the method `annual` brought up to date: roofs are computed anew as far as a change can
stand in their horizons, and no farther."""

from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely

from pipeline.engine.events import DONE
from tests.support.outcomes import assert_equal, compute, outcome, run_without_map
from tests.support.runs import Files, World

OPTIONS: dict[str, Any] = {"method": "annual", "layers": ()}
LENGTH = 1600.0  # of a street of six shards of 256 cells [m]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    w = World(LENGTH, 100.0, 1.0)
    for x in range(20, int(LENGTH) - 30, 50):
        w.block(x, 40, x + 12, 52, 6.0)
    return w.write(tmp_path / "in")


def tower(path: Path, height: float) -> str:
    shape = shapely.box(121_036, 487_041, 121_046, 487_051)  # in the row of houses
    rows = {"identificatie": ["toren"], "height_m": [height], "geometry": [shape]}
    gpd.GeoDataFrame(rows, crs=28992).to_parquet(path)
    return str(path)


@pytest.mark.parametrize(("height", "shards"), [(9.0, range(1, 4)), (60.0, range(5, 7))])
def test_what_is_added_matters_as_far_as_it_is_seen(
    files: Files, tmp_path: Path, height: float, shards: range
) -> None:
    """A table equal to that of a full run."""
    added = (tower(tmp_path / "tower.parquet", height),)
    compute(files, tmp_path / "out", **OPTIONS)
    before, events = outcome(tmp_path / "out"), list[dict[str, Any]]()
    compute(files, tmp_path / "out", log=events.append, update=True, add_building=added, **OPTIONS)
    anew = {e["shard"] for e in events if e["stage"] == "roofs" and e.get("outcome") == DONE}
    assert len(anew) in shards
    assert_equal(
        outcome(tmp_path / "out"),
        run_without_map(files, tmp_path / "whole", add_building=added, **OPTIONS),
    )
    after = {row["id"]: row["sky_view"] for row in outcome(tmp_path / "out").rows.values()}
    changed = [row["id"] for row in before.rows.values() if after[row["id"]] != row["sky_view"]]
    assert changed
