"""What can matter to what: of a part of the area a part, and what is counted is what is done."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.engine.engine import Engine, never_stop, no_progress
from pipeline.engine.events import DONE
from pipeline.runs.passes import Reach, narrowed, reach_of, survey_pass
from pipeline.runs.request import Job, prepare
from tests.support.outcomes import compute, small_quarter, small_tiles
from tests.support.runs import Files

AREA = "122650,481050,123100,481450"


@pytest.fixture(scope="module", autouse=True)
def tiles_of_16(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with small_tiles(tmp_path_factory.mktemp("cache")):
        yield


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return small_quarter(tmp_path_factory.mktemp("quarter"))


@pytest.fixture(scope="module", params=[(), ("shadow",)], ids=["no layers", "shadow"])
def job(request: pytest.FixtureRequest, files: Files) -> Job:
    found = prepare(files.request(Path("nowhere"), area=AREA, layers=request.param))
    survey_pass(found, Engine(1, None, no_progress, never_stop))
    return found


@pytest.fixture(scope="module")
def reach(job: Job) -> Reach:
    return reach_of(job)


def test_the_parts_feel_what_the_whole_does(job: Job, reach: Reach) -> None:
    """Shard by shard: all that one feels is felt by the area, and all of that by some shard."""
    felt = np.zeros_like(reach.felt.marked)
    every = {*job.scope.own, *(job.layout.shards() if job.request.outputs.layers else ())}
    for shard in every:
        part = narrowed(job, reach, frozenset([shard]))
        assert not (part.felt.marked & ~reach.felt.marked).any()
        assert part.felt.marked.sum() < reach.felt.marked.sum()
        assert part.measures.keys() <= reach.measures.keys()
        felt |= part.felt.marked
    assert np.array_equal(felt, reach.felt.marked)
    whole = narrowed(job, reach, frozenset(every))
    assert np.array_equal(whole.felt.marked, reach.felt.marked)
    assert narrowed(job, reach, frozenset()).measures == {}


def test_what_is_felt_is_not_all(job: Job, reach: Reach) -> None:
    own = job.scope.tiles.part(reach.felt.frame).marked
    assert own.sum() < reach.felt.marked.sum() < 0.9 * own.size
    assert not (own & ~reach.felt.marked).any()
    assert (reach.casters.highest >= reach.dsm.highest).all()


def test_as_many_are_measured_as_were_counted(
    tmp_path: Path, files: Files, job: Job, reach: Reach
) -> None:
    """In just the shards that were told."""
    events: list[dict[str, object]] = []
    options = {"area": AREA, "layers": job.request.outputs.layers}
    compute(files, tmp_path / "out", log=events.append, **options)
    done = {e["shard"]: e["footprints"] for e in events
            if e["stage"] == "measure" and e.get("outcome") == DONE}  # fmt: skip
    assert done == {shard.name: number for shard, number in reach.measures.items()}


def test_the_log_tells_of_each_block_what_it_tells_of_the_shard(
    tmp_path: Path, files: Files, job: Job
) -> None:
    events: list[dict[str, Any]] = []
    options = {"area": AREA, "layers": job.request.outputs.layers}
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
