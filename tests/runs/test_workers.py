"""Where `auto` computes: on processes where they pay, else on threads."""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import distributed.system
import pytest

from pipeline.engine.engine import never_stop, no_progress
from pipeline.errors import InputError
from pipeline.grid.tile_masks import TileMask
from pipeline.grid.windows import Window
from pipeline.methods.context import Context
from pipeline.runs.prepare import prepare
from pipeline.runs.request import Request, Resources
from pipeline.runs.workers import WORKER_BYTES, engine_of, scheduler_for
from tests.support.outcomes import small_quarter


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return prepare(small_quarter(tmp_path).request(tmp_path / "out", layers=())).context


def large(context: Context) -> Context:
    """With footprints of the area in 400 x 400 tiles: a city's."""
    marks = TileMask.none(Window(0, 0, 400, 400))
    marks.marked[:] = True
    return replace(context, scope=replace(context.scope, tiles=marks))


def test_small_work_goes_to_threads(context: Context) -> None:
    assert scheduler_for(context, "auto", 2) == "threads"


def test_large_work_goes_to_processes(context: Context) -> None:
    """But one worker computes as fast on a thread."""
    assert scheduler_for(large(context), "auto", 2) == "processes"
    assert scheduler_for(large(context), "auto", 1) == "threads"


def test_sheets_that_are_to_be_read_first_count(context: Context) -> None:
    sheet = context.terrain.dsm.sheets[0]
    wide = replace(sheet, window=Window(0, 0, 100_000, 100_000))
    dsm = replace(context.terrain.dsm, sheets=(wide,))
    unread = replace(context, terrain=replace(context.terrain, dsm=dsm))
    assert scheduler_for(unread, "auto", 2) == "processes"


def test_processes_need_memory(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """That of the run itself too."""
    for gibibytes, expected in ((3, "processes"), (2.9, "threads")):
        monkeypatch.setattr(distributed.system, "MEMORY_LIMIT", gibibytes * WORKER_BYTES)
        assert scheduler_for(large(context), "auto", 2) == expected


def test_no_more_processes_than_tasks(tmp_path: Path) -> None:
    """They start with the first task, so none do here."""
    run = prepare(small_quarter(tmp_path).request(tmp_path / "out", layers=()))
    request = replace(run.request, resources=Resources(scheduler="processes", workers=100))
    with ExitStack() as stack:
        engine = engine_of(stack, replace(run, request=request), no_progress, never_stop)
    sheets = {*run.context.terrain.dsm.sheets, *run.context.terrain.dtm.sheets}
    assert 1 <= engine.workers <= max(len(run.context.shards), len(sheets)) < 100


@pytest.mark.parametrize("scheduler", ["nonsense", "", "tcp:", ":8786"])
def test_what_is_no_address_is_refused_before_anything_is_read(scheduler: str) -> None:
    request = Request.of(
        dsm=("none.tif",), dtm=("none.tif",), buildings=("none.gpkg",), out="o", scheduler=scheduler
    )
    with pytest.raises(InputError, match="give `auto`, `threads`, `processes` or tcp://HOST:PORT"):
        prepare(request)


@pytest.mark.parametrize("named", ["threads", "processes", "tcp://127.0.0.1:8786"])
def test_what_is_named_is_taken(context: Context, named: str) -> None:
    assert scheduler_for(large(context), named, 1) == named
