"""The expected time of a run: tried on a few shards, reckoned for all."""

from dataclasses import replace
from pathlib import Path

import pytest
from shapely import box

from pipeline.grid.windows import Shard
from pipeline.runs import forecast, plan
from pipeline.runs.forecast import Load
from pipeline.runs.plan_table import table
from tests.support.runs import Files, World


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """A few houses on 200 x 160 m."""
    world = World(200, 160)
    for i in range(12):
        west, south = 15 * i + 5, 20 + 10 * (i % 5)
        world.block(west, south, west + 8, south + 8, 6 + i)
    return world.write(tmp_path_factory.mktemp("world"))


def test_costs_are_found_again() -> None:
    loads = {"a": Load(100, 10), "b": Load(50, 400), "c": Load(900, 3)}
    seconds = {name: 0.02 * load.tiles + 0.003 * load.footprints for name, load in loads.items()}
    found = forecast._cost(seconds | {"beyond": 99.0}, loads)
    assert found == pytest.approx([0.02, 0.003])
    assert forecast._of(found, [Load(10, 20), Load(30, 0)]) == pytest.approx(0.86)


def test_no_cost_is_below_nothing() -> None:
    found = forecast._cost({"a": 1.0, "b": 1.0}, {"a": Load(10, 1), "b": Load(10, 1000)})
    assert (found >= 0).all() and found.any()


def test_the_shards_tried_are_of_all_kinds() -> None:
    loads = {Shard(0, i): Load(64, i * i) for i in range(50)}
    first, *others = forecast._chosen(loads)
    assert first == Shard(0, 0)
    counts = [loads[shard].footprints for shard in others]
    assert len(counts) == forecast.TRIED and counts == sorted(counts)
    assert counts[0] < 30**2 < counts[-1]


def test_one_shard_is_tried_itself() -> None:
    assert forecast._chosen({Shard(0, 0): Load(1, 1)}) == [Shard(0, 0)]


@pytest.mark.parametrize("layers", [(), ("hillshade", "shadow")])
def test_a_plan_tells_a_time_and_leaves_nothing(
    tmp_path: Path, files: Files, layers: tuple[str, ...]
) -> None:
    found = plan.plan(files.request(tmp_path / "out", layers=layers, workers=1))
    assert isinstance(found, plan.Plan)
    assert 0 < found.seconds < 60
    assert dict(table(found))["expected time"].startswith("about ")
    assert not list(tmp_path.iterdir())


def test_a_plan_says_when_trying_took_longer_than_the_run(tmp_path: Path, files: Files) -> None:
    found = plan.plan(files.request(tmp_path / "out", workers=1))
    assert isinstance(found, plan.Plan) and found.trial > 0
    longer = dict(table(replace(found, seconds=9.0, trial=12.4)))
    assert longer["trying it took longer"] == "about 12 s, so the next time run it at once"
    assert "trying it took longer" not in dict(table(replace(found, seconds=12.0, trial=9.0)))


def test_sheets_that_take_long_are_not_read_for_a_plan(tmp_path: Path, files: Files) -> None:
    request = files.request(tmp_path / "out", relief=tmp_path / "relief")
    found = plan.plan(request, patience=-1.0)
    assert isinstance(found, plan.Unread)
    assert (found.sheets, found.of) == (2, 2) and found.cells == 2 * 400 * 320
    assert not (tmp_path / "relief").exists()
    told = dict(table(found))
    assert told["sheets without relief"].startswith("2 (")
    assert isinstance(plan.plan(request), plan.Plan)
    assert isinstance(plan.plan(request, patience=-1.0), plan.Unread)


def test_footprints_far_beside_the_sheets_are_tried_too(tmp_path: Path) -> None:
    """In a shard of their own, of which no tile has heights."""
    world = World(200, 160)
    world.block(20, 20, 28, 28, 9)
    world.footprint(box(3000, 20, 3010, 30))
    request = world.write(tmp_path / "in").request(tmp_path / "out", layers=())
    found = plan.plan(request)
    assert isinstance(found, plan.Plan)
    assert (found.asked, found.shards) == (2, 2)
    assert found.seconds > 0
