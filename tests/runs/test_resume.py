"""Stopped, out of room, or with a sheet gone bad: the same command ends with the same bytes."""

import errno
import os
import shutil
import signal
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.engine.engine import Engine
from pipeline.methods.powermapping.passes import MEASURE, SHADE
from pipeline.runs import passes
from pipeline.runs.prepare import Run
from tests.support.clusters import PATIENCE_S
from tests.support.commands import ROOT, RUNNABLE, call
from tests.support.region import Region, after, finished, interrupt, outcomes

AGAIN = "stopped; the same command takes it up again\n"
LEFT = {"work.partial"}


def names(out: Path) -> set[str]:
    return {path.name for path in out.iterdir()}


@pytest.mark.slow
def test_stopped_by_signals(tmp_path: Path, region: Region) -> None:
    out = tmp_path / "out"
    for number, least in ((signal.SIGTERM, 1), (signal.SIGINT, len(region.tasks) // 2)):
        status, said = interrupt(region.command(out), after(out, least), number)
        assert status == 130
        assert said.endswith(AGAIN)
        assert names(out) == LEFT
    assert call(*region.command(out)).exit_code == 0
    region.assert_same(out)


WRITES = [
    "pipeline.storage.ledger.Ledger.write",
    "pipeline.runs.tasks.write_shard",
    pytest.param("pipeline.results.store._create_array", marks=pytest.mark.slow),
    pytest.param("pipeline.storage.ledger.np.savez", marks=pytest.mark.slow),
    pytest.param("pipeline.output.map.cartography.draw", marks=pytest.mark.slow),
]


@pytest.mark.parametrize("what", WRITES)
def test_out_of_room(
    tmp_path: Path, region: Region, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """Whatever cannot be written says so in one line; with room the same command goes on."""

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(what, full)
        result = call(*region.command(out), "-q")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "error: the output: No space left on device; make room, and the same command takes it up"
        " again\n"
    )
    assert names(out) <= LEFT
    assert call(*region.command(out), "-q").exit_code == 0
    region.assert_same(out)


@pytest.mark.slow
def test_files_that_may_not_grow(tmp_path: Path, region: Region) -> None:
    """A limit of the system, met in the middle of a write; full disks: test_kills.py."""
    out = tmp_path / "out"
    limited = ["sh", "-c", 'ulimit -f 60; exec "$@"', "sh", *RUNNABLE]
    done = subprocess.run(
        [*limited, *region.command(out), "-q"],
        capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert "File too large; make room, and the same command takes it up again" in done.stderr
    assert names(out) == LEFT
    assert call(*region.command(out)).exit_code == 0
    region.assert_same(out)


@pytest.mark.parametrize("stage", [SHADE, pytest.param(MEASURE, marks=pytest.mark.slow)])
def test_a_sheet_that_turns_bad(
    tmp_path: Path, region: Region, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    """Cut off while the run lasts, after it was read whole. Repaired, the run goes on."""
    kinds = {
        kind: tuple(Path(shutil.copy(path, tmp_path)) for path in getattr(region.files, kind))
        for kind in ("dsm", "dtm")
    }
    mine, out = replace(region, files=replace(region.files, **kinds)), tmp_path / "out"
    sheet = kinds["dtm"][2]
    whole, done_by = sheet.read_bytes(), passes.run_pass

    def cut(run: Run, engine: Engine, index: int, *args: Any) -> None:
        if run.method.passes[index].name == stage:
            sheet.write_bytes(whole[: len(whole) // 2])
        done_by(run, engine, index, *args)

    with monkeypatch.context() as patch:
        patch.setattr(passes, "run_pass", cut)
        result = call(*mine.command(out), "-q")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"error: {sheet.name}: rows ")
    assert result.stderr.endswith("is the file damaged or cut off? Fetch it again\n")
    assert result.stderr.count("\n") == 1
    again = call(*mine.command(out), "-q")  # it is still the same
    assert (again.exit_code, again.stderr.startswith(f"error: {sheet.name}: ")) == (2, True)
    kept = finished(out)
    sheet.write_bytes(whole)
    assert call(*mine.command(out, "--log-json", tmp_path / "log")).exit_code == 0
    assert outcomes(tmp_path / "log")["kept"] == kept
    region.assert_same(out)
