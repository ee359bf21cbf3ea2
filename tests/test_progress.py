"""Progress: a bar on a terminal, plain lines in a log, nothing when quiet."""

import io
import sys

import pytest

from service import progress
from service.progress import reporter


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_plain_lines_with_the_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([0.0, 10.0, 40.0, 100.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with reporter(quiet=False) as report:
        for done in (0, 1, 4):
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
    with reporter(quiet=False) as report:
        for stage in ("survey", "shade"):
            for done in range(5):
                report(stage, done, 4)
    said = terminal.getvalue()
    assert "survey" in said
    assert "shade" in said
    assert "4/4" in said
    assert said.endswith("\n")


def test_nothing_when_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    with reporter(quiet=True) as report:
        report("shade", 1, 4)
    assert capsys.readouterr() == ("", "")
