"""What can matter to what: of a part of the area a part, and what is counted is what is done."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.engine.engine import Engine, never_stop, no_progress
from pipeline.engine.events import DONE
from pipeline.engine.threads import Threads
from pipeline.methods.context import Context
from pipeline.methods.powermapping.influence import SunAndWind
from pipeline.runs.passes import narrowed, survey_pass
from pipeline.runs.prepare import Run, prepare
from tests.support.outcomes import compute, small_quarter
from tests.support.runs import Files

pytestmark = pytest.mark.usefixtures("tiles_of_16")

AREA = "122650,481050,123100,481450"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return small_quarter(tmp_path_factory.mktemp("quarter"))


@pytest.fixture(scope="module", params=[(), ("shadow",)], ids=["no layers", "shadow"])
def asked(request: pytest.FixtureRequest, files: Files) -> Run:
    found = prepare(files.request(Path("nowhere"), area=AREA, layers=request.param))
    survey_pass(found.context, Engine(1, Threads(1), no_progress, never_stop))
    return found


@pytest.fixture(scope="module")
def context(asked: Run) -> Context:
    return asked.context


@pytest.fixture(scope="module")
def influence(asked: Run) -> SunAndWind:
    found = asked.method.influence(asked.context)
    assert isinstance(found, SunAndWind)
    return found


def test_the_parts_feel_what_the_whole_does(context: Context, influence: SunAndWind) -> None:
    """Shard by shard: all that one feels is felt by the area, and all of that by some shard."""
    tiles = np.zeros_like(influence.tiles.marked)
    every = context.shards
    for shard in every:
        part = narrowed(context, influence, frozenset([shard]))
        assert not (part.tiles.marked & ~influence.tiles.marked).any()
        assert part.tiles.marked.sum() < influence.tiles.marked.sum()
        assert part.measured.keys() <= influence.measured.keys()
        tiles |= part.tiles.marked
    assert np.array_equal(tiles, influence.tiles.marked)
    whole = narrowed(context, influence, frozenset(every))
    assert np.array_equal(whole.tiles.marked, influence.tiles.marked)
    assert narrowed(context, influence, frozenset()).measured == {}


def test_what_is_felt_is_not_all(context: Context, influence: SunAndWind) -> None:
    own = context.scope.tiles.part(influence.tiles.frame).marked
    assert own.sum() < influence.tiles.marked.sum() < 0.9 * own.size
    assert not (own & ~influence.tiles.marked).any()
    assert (influence.surface.highest >= influence.dsm.highest).all()


def test_as_many_are_measured_as_were_counted(
    tmp_path: Path, files: Files, context: Context, influence: SunAndWind
) -> None:
    """In just the shards that were told."""
    events: list[dict[str, object]] = []
    options = {"area": AREA, "layers": context.layers}
    compute(files, tmp_path / "out", log=events.append, **options)
    done = {e["shard"]: e["footprints"] for e in events
            if e["stage"] == "measure" and e.get("outcome") == DONE}  # fmt: skip
    assert done == {shard.name: number for shard, number in influence.measured.items()}


def test_the_log_tells_of_each_block_what_it_tells_of_the_shard(
    tmp_path: Path, files: Files, context: Context
) -> None:
    events: list[dict[str, Any]] = []
    options = {"area": AREA, "layers": context.layers}
    compute(files, tmp_path / "out", log=events.append, block=32, **options)
    shards = [e for e in events if e.get("outcome") == DONE]
    for shard in shards:
        blocks = [
            e for e in events if e.get("of") == shard["shard"] and e["stage"] == shard["stage"]
        ]
        assert len({block["block"] for block in blocks}) == shard["blocks"] > 1
        for name in ("footprints", "cells"):
            assert sum(block[name] for block in blocks) == shard[name]
        worked = [block for block in blocks if block["footprints"] or block["cells"]]
        assert shard["blocks"] - len(worked) == shard["skipped"]
    assert {"measure", "shade"} == {shard["stage"] for shard in shards}
