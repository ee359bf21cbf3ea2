"""Progress: a bar on a terminal, plain lines in a log, nothing when quiet; a log for programs."""

import datetime
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.engine import events
from pipeline.engine.pace import Pace
from pipeline.messages import spoken
from service.cli import progress
from service.cli.progress import reporter

SHARD = {
    "stage": "shade", "shard": "r3c7", "seconds": 8.25, "cells": 156_000_000, "footprints": 5120,
    "blocks": 36, "skipped": 3, "outcome": events.DONE,
}  # fmt: skip


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    """What the time is; tests set it."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress.time, "monotonic", clock.monotonic)
    return clock


def test_plain_lines_with_the_time_left(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with reporter(quiet=False) as report:
        for clock.now, done in ((0, 0), (10, 1), (12, 2), (40, 4)):
            report("shade", done, 4)
        report("judge", 0, 0)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "shade: 0 of 4", "shade: 1 of 4, about 30 s left", "shade: 4 of 4", "judge: 0 of 0",
    ]  # fmt: skip


def test_a_bar_a_stage_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with reporter(quiet=False, verbose=True) as report:
        report.log({"stage": "start", "dashboard": "http://localhost:8787/status"})
        for stage in ("survey", "shade"):
            for done in range(5):
                report(stage, done, 4)
        report.log(SHARD)
        report("shade", 4, 4)
    said = terminal.getvalue()
    assert "survey" in said
    assert "shade" in said
    assert "4/4" in said
    assert "dashboard: http://localhost:8787/status\n" in said
    assert "shade r3c7: done" in said
    assert "Mcells/s, " in said and "3 blocks skipped" in said
    assert said.endswith("\n")


def test_nothing_when_quiet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with reporter(quiet=True, log_json=tmp_path / "log", verbose=True) as report:
        report("shade", 1, 4)
        report.log(SHARD)
    assert capsys.readouterr() == ("", "")
    assert len((tmp_path / "log").read_text().splitlines()) == 1


def test_a_line_of_json_an_event(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "run.log"
    for _ in range(2):  # a run that is taken up again adds to the log
        with reporter(quiet=False, log_json=file) as report:
            report.log({"stage": "start", "dashboard": "http://[::1]:8787/status"})
            report.log(SHARD)
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert [line.get("shard") for line in lines] == [None, "r3c7"] * 2
    assert {**SHARD, "time": lines[1]["time"]} == lines[1]
    assert datetime.datetime.fromisoformat(lines[1]["time"]).tzinfo is not None
    out, err = capsys.readouterr()
    assert (out, err) == ("", "dashboard: http://[::1]:8787/status\n" * 2)


def test_json_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    with reporter(quiet=True, log_json="-") as report:
        report.log(SHARD)
    out, err = capsys.readouterr()
    assert (json.loads(out)["shard"], err) == ("r3c7", "")


def test_a_line_a_shard_when_verbose(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with reporter(quiet=False, verbose=True) as report:
        report.log(SHARD)
        report.log({"stage": "shade", "shard": "r3c8", "outcome": events.KEPT})
    assert capsys.readouterr().err.splitlines() == [
        "shade r3c7: done, 8.2 s, 156.0 Mcells, 5,120 buildings, 36 blocks, 3 skipped",
        "shade r3c8: kept",
    ]


def told(events_: list[tuple[float, dict[str, Any] | int]], total: int) -> str:
    """What is said after events and numbers of tasks done, at their times [s]."""
    pace = Pace(0.0, 0)
    now = 0.0
    for now, what in events_:
        if isinstance(what, int):
            pace.advance(now, what)
        else:
            pace.count(now, what)
    return ", ".join(pace.told(now, total))


def test_rates_skipped_and_failed() -> None:
    failed = {"stage": "shade", "shard": "r0c0", "skipped": 0, "outcome": events.FAILED}
    said = told([(20, SHARD), (20, 1), (40, SHARD), (40, 2), (40, failed)], 4)
    assert said == (
        "7.8 Mcells/s, 256 buildings/s, 6 blocks skipped, 1 failed, about 40 s left"
    )  # fmt: skip


def test_earlier_tasks_do_not_count_as_speed() -> None:
    kept = {"stage": "shade", "shard": "r0c0", "cells": 10**9, "outcome": events.KEPT}
    one_by_one = [(0.0, what) for n in range(1, 91) for what in (kept, n)]
    at_once = [*((0.0, kept) for _ in range(90)), (0.0, 90)]
    for before in (one_by_one, at_once):
        assert told([*before, (30.0, 91)], 100) == "about 4 min left"
    resumed = Pace(0.0, 90)  # the first that is heard of the stage
    for _ in range(90):  # and its shards may be told as well, or not
        resumed.count(0.0, kept)
    for pace in (resumed, Pace(0.0, 90)):
        pace.advance(30.0, 91)
        assert pace.told(30.0, 100) == ["about 4 min left"]


def test_tasks_that_compiled_do_not_count_as_speed() -> None:
    """Those of two workers, which took a minute; nothing is said until another is done."""
    first = {"stage": "shade", "shard": "r0c0", "outcome": events.DONE, "compiled": 30}
    began = [(60.0, first), (60.0, 1), (61.0, first), (61.0, 2)]
    assert told(began, 100) == ""
    assert told([*began, (63.0, SHARD), (63.0, 3)], 100).endswith("about 3 min left")
    assert told([*began, (63.0, SHARD), (63.0, 3)], 12).endswith("about 18 s left")


def test_the_time_left_is_of_the_last_minutes() -> None:
    quick = [(float(n), n) for n in range(1, 1001)]
    slow = [(1000.0 + 60 * n, 1000 + n) for n in range(1, 31)]
    assert told([*quick, *slow], 1040) in ("about 9 min left", "about 10 min left")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(4.4, "4 s"), (99, "99 s"), (100, "2 min"), (5900, "98 min"), (12_000, "3 h 20 min")],
)
def test_times_are_spoken(seconds: float, said: str) -> None:
    assert spoken(seconds) == said


def test_a_silent_log() -> None:
    events.no_log(SHARD)
