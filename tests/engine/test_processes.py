"""Processes of a run's own on this machine: the same result, and nothing of them is left."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest

from pipeline.engine.processes import YOUNG_DEATHS, WorkerProcesses
from pipeline.errors import InputError
from pipeline.methods.powermapping.passes import MEASURE
from tests.support.clusters import PATIENCE_S, wait
from tests.support.commands import call, start
from tests.support.region import Region, after, ended, finished, interrupt, outcomes

PROCESSES = ("--scheduler", "processes")
MODULE = "pipeline.engine.worker"


@dataclass(frozen=True)
class Trace:
    """What the processes of a run may leave. folder: where they make temporary folders."""

    folder: Path

    def workers(self) -> list[psutil.Process]:
        """The worker processes that write there, whosever children they are."""
        return [each for each in psutil.process_iter() if self._is_one(each)]

    def _is_one(self, process: psutil.Process) -> bool:
        try:
            place = process.environ().get("TMPDIR")
            return place == str(self.folder) and MODULE in process.cmdline()
        except psutil.Error:  # it ended meanwhile, or is not ours
            return False

    def is_empty(self) -> bool:
        return not self.workers() and not list(self.folder.iterdir())


@pytest.fixture
def trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trace]:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    yield Trace(folder)
    for each in Trace(folder).workers():
        each.kill()


@pytest.mark.slow
def test_they_give_what_threads_give(tmp_path: Path, region: Region, trace: Trace) -> None:
    """And listen where only this machine reaches them; those that die are replaced."""
    out, log = tmp_path / "out", tmp_path / "log"
    process = start(*region.command(out, *PROCESSES, "--log-json", log))
    wait(after(out, 1))
    every = [psutil.Process(process.pid), *trace.workers()]
    ports = [link for each in every for link in each.net_connections() if link.status == "LISTEN"]
    for tasks in (2, len(region.tasks) // 2):
        wait(after(out, tasks))
        trace.workers()[0].kill()
    status, said = ended(process)
    assert len(every) == 3
    assert ports and {link.laddr.ip for link in ports} == {"127.0.0.1"}
    assert status == 0
    measured = sum(stage == MEASURE for stage, _ in region.tasks)
    assert f"measure: {measured} of {measured}" in said
    assert outcomes(log)["done"] == region.tasks
    region.assert_same(out)
    assert trace.is_empty()


@pytest.mark.slow
def test_a_killed_run_takes_them_along(tmp_path: Path, region: Region, trace: Trace) -> None:
    """Killed, then stopped with Ctrl-C, and ended on threads: the seam law."""
    out = tmp_path / "out"
    words = region.command(out, *PROCESSES)
    status, _ = interrupt(words, after(out, 3), signal.SIGKILL)
    assert status == -signal.SIGKILL
    wait(trace.is_empty)
    kept = finished(out)
    status, said = interrupt(words, after(out, len(kept) + 5), signal.SIGINT)
    assert (status, said.endswith("stopped; the same command takes it up again\n")) == (130, True)
    assert trace.is_empty()
    kept = finished(out)
    assert call(*region.command(out, "--log-json", tmp_path / "log")).exit_code == 0
    assert outcomes(tmp_path / "log")["kept"] == kept
    region.assert_same(out)


@pytest.mark.slow
def test_a_fault_is_one_line(tmp_path: Path, region: Region, trace: Trace) -> None:
    """The same as on threads."""
    good, faults = region.files.dsm[0], []
    content, sheet = good.read_bytes(), tmp_path / good.name
    sheet.write_bytes(content[: len(content) // 2] + bytes(len(content) - len(content) // 2))
    damaged = replace(region.files, dsm=(sheet, *region.files.dsm[1:]))
    for scheduler in ("threads", "processes"):
        words = replace(region, files=damaged).command(tmp_path / "out", "-q")
        faults.append(ended(start(*words, "--scheduler", scheduler)))
    (status, said), on_processes = faults
    assert (status, said.count("\n"), sheet.name in said) == (2, 1, True)
    assert on_processes == (status, said)
    assert trace.is_empty()


def test_workers_that_cannot_start(tmp_path: Path) -> None:
    """It ends with what they end with, and does not try for ever."""
    tried = tmp_path / "tried"
    script = f"open({str(tried)!r}, 'a').write('.'); raise SystemExit(3)"
    processes = WorkerProcesses((sys.executable, "-c", script), 2)
    with processes.running():
        processes.check()
        wait(lambda: tried.exists() and len(tried.read_text()) > 2 * YOUNG_DEATHS)
        with pytest.raises(InputError) as fault:
            processes.check()
    assert str(fault.value) == (
        "the worker processes end as soon as they start (status 3); give scheduler threads, or"
        " make memory free"
    )


def test_workers_end_with_their_input(tmp_path: Path) -> None:
    """Also one that does not listen: it is killed."""
    started = tmp_path / "started"
    script = f"open({str(started)!r}, 'a').write('.'); import sys; sys.stdin.read()"
    processes = WorkerProcesses((sys.executable, "-c", script), 2)
    with processes.running():
        wait(lambda: started.exists() and len(started.read_text()) == 2)
        own = [each.pid for each in psutil.Process(os.getpid()).children()]
        began = time.monotonic()
    assert len(own) >= 2 and not any(psutil.pid_exists(pid) for pid in own)
    assert time.monotonic() - began < PATIENCE_S
