"""Killed at random moments, whatever dies: run again, the result is the same bit for bit.

Four kills, drawn by a seed; `DAKLAAG_KILLS=100 pytest -s tests/runs/test_kills.py` draws a hundred
and says what became of each. A run may be killed several times before it may end. A full disk is a
small file system of its own, where the machine lets one be mounted, else a limit of the system on
the size of a file.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.clusters import PATIENCE_S, Processes, processes, wait
from tests.support.commands import RUNNABLE, call, start
from tests.support.region import Region, Task, ended, finished, interrupt, outcomes

KILLS = int(os.environ.get("DAKLAAG_KILLS", "4"))
BEYOND = 0.15  # part of the kills before the first task is finished, and after the last
BEYOND_S, LATE_S = 2.0, 0.1  # how long before or after; else how long after a task
WORKERS = 2
SMALL_DISK = """mount -t tmpfs -o size=$1k tmpfs "$2" || exit 77
cd "$2"; kept=$3; shift 3
cp -r "$kept" out
"$@"; status=$?
rm -r "$kept"; cp -r out "$kept"; exit $status
"""
SMALL_FILES = 'cd "$3/.."; ulimit -f $(($1 / 8)); shift 3; exec "$@"'  # of 512 bytes


@dataclass(frozen=True)
class Attempt:
    """A run that is to be killed. Each kind of kill tells whether it came before the end."""

    region: Region
    out: Path
    rng: np.random.Generator
    cluster: Processes

    @property
    def log(self) -> Path:
        return self.out.with_suffix(".log")

    def told(self) -> dict[str, set[Task]]:
        """What the log tells, which is begun anew."""
        told = outcomes(self.log)
        self.log.unlink(missing_ok=True)
        return told

    def command(self, *more: Any, out: Any = None) -> list[str]:
        return self.region.command(out or self.out, "--log-json", self.log, *more)

    def moment(self) -> Callable[[], bool]:
        """When it is due: a while after so many more tasks are finished, which may be none or
        all."""
        share, done = self.rng.uniform(-BEYOND, 1 + BEYOND), len(finished(self.out))
        tasks = done + round(float(np.clip(share, 0, 1)) * (len(self.region.tasks) - done))
        late = self.rng.uniform(0, LATE_S if 0 < share < 1 else BEYOND_S)

        def due() -> bool:
            if len(finished(self.out)) < tasks:
                return False
            time.sleep(late)
            return True

        return due

    def process(self) -> bool:
        status, _ = interrupt(self.command(), self.moment(), signal.SIGKILL)
        assert status in (0, -signal.SIGKILL)
        return status != 0

    def worker(self) -> bool:
        """Another joins, and the run does not mind."""
        run, hit = self._on_cluster()
        self.cluster.kill(self.cluster.workers[0])
        self.cluster.join()
        assert ended(run)[0] == 0
        return hit

    def scheduler(self) -> bool:
        """It takes its workers along."""
        run, hit = self._on_cluster()
        self.cluster.kill(self.cluster.scheduler, *self.cluster.workers)
        status, said = ended(run)
        told = "the scheduler at tcp://" in said or "no dask scheduler answers there" in said
        assert (status, told) in ((0, False), (2, True)), said
        self.cluster.start(WORKERS)
        return hit

    def _on_cluster(self) -> tuple["subprocess.Popen[str]", bool]:
        """A run when its moment has come, and whether it has not ended."""
        run, due = start(*self.command("--scheduler", self.cluster.address)), self.moment()
        wait(lambda: run.poll() is not None or due())
        return run, run.poll() is None

    def disk(self) -> bool:
        """On a small one, to which what is there is taken, and from there to a larger one."""
        self.out.mkdir(exist_ok=True)
        small = self.out.with_suffix(".disk")
        small.mkdir(exist_ok=True)
        size = _kilobytes(self.out) + int(self.rng.integers(16, _kilobytes(self.region.out)))
        given = [str(size), small, self.out]
        for shell in (["unshare", "-rm", "sh", "-c", SMALL_DISK], ["sh", "-c", SMALL_FILES]):
            out = "out" if SMALL_DISK in shell else self.out.name
            run = subprocess.run(
                [*shell, "sh", *given, *RUNNABLE, *self.command(out=out)],
                capture_output=True, text=True, timeout=PATIENCE_S, check=False,
            )  # fmt: skip
            if run.returncode in (0, 2):
                break
        full = "make room, and the same command takes it up again" in run.stderr
        assert (run.returncode, full) in ((0, False), (2, True)), run.stderr
        return full


def _kilobytes(folder: Path) -> int:
    """What it takes on a disk, whose pages are 4 kB."""
    return sum(4 * -(-path.stat().st_size // 4096) for path in folder.rglob("*"))


KINDS = (Attempt.process, Attempt.scheduler, Attempt.disk, Attempt.worker)


@pytest.mark.slow
def test_killed_at_random_moments(tmp_path: Path, region: Region) -> None:
    """Nothing that was finished is done again."""
    rng, began = np.random.default_rng(KILLS), time.monotonic()
    kills, out = 0, tmp_path / "1"
    with processes(tmp_path / "cluster", WORKERS) as cluster:
        for number in count(2):
            attempt, before = Attempt(region, out, rng, cluster), finished(out)
            kind = KINDS[kills % len(KINDS)]
            kills += kind(attempt)
            told, kept, done = attempt.told(), finished(out), (out / "report.json").exists()
            assert done or before | told["done"] <= kept
            print(
                f"{kills} {kind.__name__}: {len(told['kept'])} tasks found done,"
                f" {len(told['done'])} done, {len(kept)} kept; {time.monotonic() - began:.0f} s"
            )
            if kills == KILLS or rng.random() < 0.5:
                assert call(*attempt.command("-q")).exit_code == 0
                told = attempt.told()
                assert done or (told["kept"], told["done"]) == (kept, region.tasks - kept)
                done = True
            if done:
                region.assert_same(out)
                out = tmp_path / f"{number}"
            if kills == KILLS:
                break
