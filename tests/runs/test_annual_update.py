"""A run of the method `annual` brought up to date: roofs are computed anew as far as a change can
stand in their horizons or slow their wind, and no farther; which rows hang on more than the inputs
hold is flagged."""

from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely

from pipeline.engine.events import DONE
from pipeline.runs.whatif import reach_in
from tests.support.outcomes import Outcome, assert_equal, compute, outcome, run_without_map
from tests.support.runs import Files, World

OPTIONS: dict[str, Any] = {"method": "annual", "layers": ()}
HIGH, LOW = 22.0, 6.0


def street(tops: dict[int, float], length: float, folder: Path) -> Files:
    """Buildings of cells of 1 m in a row. tops: their heights by how far they stand east [m]."""
    w = World(length, 100, 1.0)
    for x, top in tops.items():
        w.block(x, 40, x + 14, 54, top)
    return w.write(folder / "in")


def updated(
    files: Files, shape: shapely.Polygon, height: float, folder: Path
) -> tuple[Outcome, Outcome, set[str]]:
    """A run before and after a building is added, which gives what a full run gives, and the shards
    that were computed anew for it."""
    rows = {"identificatie": ["nieuw"], "height_m": [height], "geometry": [shape]}
    gpd.GeoDataFrame(rows, crs=28992).to_parquet(folder / "added.parquet")
    added = (str(folder / "added.parquet"),)
    compute(files, folder / "out", **OPTIONS)
    before, events = outcome(folder / "out"), list[dict[str, Any]]()
    compute(files, folder / "out", log=events.append, update=True, add_building=added, **OPTIONS)
    after = outcome(folder / "out")
    assert_equal(after, run_without_map(files, folder / "whole", add_building=added, **OPTIONS))
    done = {e["shard"] for e in events if e["stage"] == "roofs" and e.get("outcome") == DONE}
    return before, after, done


@pytest.mark.parametrize(("height", "shards"), [(9.0, range(1, 4)), (60.0, range(5, 7))])
def test_a_tower_matters_as_far_as_it_is_seen(tmp_path: Path, height: float, shards: range) -> None:
    """In a street of six shards of 256 cells."""
    files = street(dict.fromkeys(range(20, 1570, 50), LOW), 1600, tmp_path)
    tower = shapely.box(121_036, 487_041, 121_046, 487_051)
    before, after, done = updated(files, tower, height, tmp_path)
    assert len(done) in shards
    views = {row["id"]: row["sky_view"] for row in after.rows.values()}
    assert any(views[row["id"]] != row["sky_view"] for row in before.rows.values())


def test_a_shed_matters_to_candidates_as_far_as_it_slows_their_wind(tmp_path: Path) -> None:
    """By its roughness: no candidate is nearer to it than 500 m. In a street of shards of 512 cells
    one is not computed whose house is near enough, but whose candidate is not."""
    tops = {110: HIGH, 700: LOW, 1700: HIGH, 2170: LOW, 2400: HIGH}
    shed = shapely.box(121_640, 487_041, 121_650, 487_051)
    before, after, done = updated(street(tops, 2600, tmp_path), shed, 3.0, tmp_path)
    assert done == {"0_0", "0_1", "0_3"}
    pairs = ((x, before.rows[n]["wind_kwh"], after.rows[n]["wind_kwh"]) for n, x in enumerate(tops))
    assert {x for x, one, other in pairs if one != other} == {110, 1700}
    reach = shapely.box(*reach_in(tmp_path / "out", [(shed, None, 3.0)]))
    within = {x for x in tops if reach.contains(shapely.Point(121_000 + x + 7, 487_047))}
    assert {110, 700, 1700} <= within and 2400 not in within


def test_rows_near_the_end_of_the_inputs_are_flagged(tmp_path: Path) -> None:
    """Of candidates within 800 m, as far as obstacles are sought; of others as far as horizons
    may reach, which is 572 m."""
    w = World(1700, 1700, 1.0)
    inside = w.block(840, 840, 860, 860, HIGH)
    cut = w.block(790, 860, 810, 880, HIGH)
    low = w.block(790, 800, 810, 820, LOW)
    found = run_without_map(
        w.write(tmp_path / "in"), tmp_path / "out", settings={"fetch_m": 800}, **OPTIONS
    )
    flagged = {row for row, values in found.rows.items() if "reach_cut" in values["flags"]}
    assert flagged == {cut}
    assert found.rows[inside]["wind_candidate"] and not found.rows[low]["wind_candidate"]
