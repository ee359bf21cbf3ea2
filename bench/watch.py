"""What a process and its children took: time from start to exit, CPU time, and memory."""

import resource
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

PERIOD_S = 0.2  # between two looks at the memory, which the system itself keeps the peak of


@contextmanager
def watched(process: "subprocess.Popen[str]") -> Iterator[dict[str, Any]]:
    """Gives process_s, until the process is waited for in the context; cpu_s, of it and of its
    children; peak, the sum of the peaks of all their memory, and peak_of_child, the largest of a
    child's [bytes], 0 where there is none or the system does not tell."""
    answer: dict[str, Any] = {}
    ended, peaks = Event(), dict[int, int]()
    watcher = Thread(target=_look, args=(process.pid, peaks, ended), daemon=True)
    began, used = time.perf_counter(), _used()
    watcher.start()
    try:
        yield answer
    finally:
        answer |= {"process_s": time.perf_counter() - began, "cpu_s": _used() - used}
        ended.set()
        watcher.join()
        children = [most for pid, most in peaks.items() if pid != process.pid]
        answer |= {"peak": sum(peaks.values()), "peak_of_child": max(children, default=0)}


def _used() -> float:
    """CPU time of all processes that this one waited for, and of those that they did [s]."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _look(pid: int, peaks: dict[int, int], ended: Event) -> None:
    while not ended.wait(PERIOD_S):
        for one in _family(pid):
            with suppress(OSError, StopIteration):  # it has ended
                peaks[one] = _peak(one)


def _family(pid: int) -> Iterator[int]:
    """A process and all that it started."""
    yield pid
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in file.read_text().split():
                yield from _family(int(child))


def _peak(pid: int) -> int:
    """Most memory held so far [bytes]."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
