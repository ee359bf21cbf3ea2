"""Promises of time on a machine that others keep busy: seconds of a core, and those in which a
process could run."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil


@contextmanager
def using_at_most(seconds: float, process: int | None = None) -> Iterator[None]:
    """Fail if a process (this one), with all that it starts, uses more of a core meanwhile."""
    before = _used(process)
    yield
    used = _used(process) - before
    assert used < seconds, f"{used:.2f} s of a core"


def _used(process: int | None) -> float:
    """Seconds of a core that a process and its children used, those included that have ended."""
    own = psutil.Process(process)
    total = 0.0
    for each in (own, *own.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):  # it ended meanwhile
            total += sum(each.cpu_times()[:4])
    return total


@contextmanager
def lasting_at_most(seconds: float, *others: int) -> Iterator[None]:
    """Fail if it lasts longer, but for the time in which threads of this process or of others were
    ready and had no core."""
    processes = (os.getpid(), *others)
    began, before = time.monotonic(), _delays(processes)
    yield
    lasted, after = time.monotonic() - began, _delays(processes)
    waited = sum(delay - before.get(thread, 0.0) for thread, delay in after.items())
    assert lasted - waited < seconds, f"{lasted:.2f} s, of which without a core {waited:.2f}"


def _delays(processes: tuple[int, ...]) -> dict[Path, float]:
    """How long each thread of processes was ready and had no core [s]; Linux counts it."""
    found = {}
    for process in processes:
        for thread in Path(f"/proc/{process}/task").glob("*/schedstat"):
            with suppress(FileNotFoundError, ProcessLookupError):  # it ended meanwhile
                found[thread] = int(thread.read_text().split()[1]) / 1e9
    return found
