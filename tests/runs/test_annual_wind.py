"""Runs of the method `annual` with candidates for wind: what a change matters to, what an update
computes anew, and which rows hang on more than the inputs hold."""

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
AT = {110: HIGH, 700: LOW, 1700: HIGH, 2170: LOW, 2400: HIGH}  # how far to the east; the top [m]
ADDED = shapely.box(121_640, 487_041, 121_650, 487_051)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """A street of shards of 512 cells of 1 m, some of them with a building."""
    w = World(2600, 100, 1.0)
    for x, top in AT.items():
        w.block(x, 40, x + 14, 54, top)
    return w.write(tmp_path / "in")


def changed(before: Outcome, after: Outcome) -> set[int]:
    """Where the wind of a building is another."""
    pairs = ((x, before.rows[n], after.rows[n]) for n, x in enumerate(AT))
    return {x for x, one, other in pairs if one["wind_kwh"] != other["wind_kwh"]}


def test_what_is_added_matters_to_candidates_as_far_as_it_slows_their_wind(
    files: Files, tmp_path: Path
) -> None:
    """A shed of 3 m, to which no candidate is nearer than 500 m: by its roughness. An update equals
    a full run, and does not compute a shard whose house is near enough, but whose candidate is
    not."""
    rows = {"identificatie": ["nieuw"], "height_m": [3.0], "geometry": [ADDED]}
    gpd.GeoDataFrame(rows, crs=28992).to_parquet(tmp_path / "added.parquet")
    added = (str(tmp_path / "added.parquet"),)
    compute(files, tmp_path / "out", **OPTIONS)
    before, events = outcome(tmp_path / "out"), list[dict[str, Any]]()
    reach = shapely.box(*reach_in(tmp_path / "out", [(ADDED, None, 3.0)]))
    compute(files, tmp_path / "out", log=events.append, update=True, add_building=added, **OPTIONS)
    after = outcome(tmp_path / "out")
    assert_equal(after, run_without_map(files, tmp_path / "whole", add_building=added, **OPTIONS))
    done = {e["shard"] for e in events if e["stage"] == "roofs" and e.get("outcome") == DONE}
    assert done == {"0_0", "0_1", "0_3"}
    assert changed(before, after) == {110, 1700}
    held = {x for x in AT if reach.contains(shapely.Point(121_000 + x + 7, 487_047))}
    assert {110, 700, 1700} <= held and 2400 not in held


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
