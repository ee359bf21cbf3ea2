"""Tasks on processes of this machine: a dask cluster of the run's own, listening on loopback only.

The scheduler runs in this process. Each worker is a process of one thread, `python -m
pipeline.engine.worker`, which ends when its standard input does: with the run, however that ends.
"""

import logging
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Any, ClassVar

from pipeline.engine.cluster import Cluster, connect
from pipeline.engine.tasks import TASKS_A_WAVE, RunningTasks, Stop
from pipeline.engine.worker import LOOPBACK
from pipeline.errors import InputError
from pipeline.messages import Text
from pipeline.terms import Field

PROGRAM = (sys.executable, "-P", "-m", "pipeline.engine.worker")
LOOK_S = 0.2  # between two looks whether all workers live
ENDING_S = 5.0  # that a worker has to end by itself
YOUNG_S = 10.0  # a worker that dies younger may not be able to start
YOUNG_DEATHS = 3  # for each worker, one after another: then the run ends


class Processes:
    """Processes of this machine, started for the first task. stack: open as long as they run."""

    name: ClassVar[str] = "processes"
    dashboard: ClassVar[None] = None

    def __init__(self, workers: int, stack: ExitStack) -> None:
        self.workers, self._stack = workers, stack

    @contextmanager
    def tasks(self, task: Callable[..., Any], shared: Any, stop: Stop) -> Iterator[RunningTasks]:
        """On leaving, no task runs any more."""
        cluster, processes = self._started
        with cluster.tasks(task, shared, stop) as under_way:
            connected = under_way.alive

            def alive() -> None:
                processes.check()
                connected()

            under_way.alive = alive
            yield under_way

    @cached_property
    def _started(self) -> "tuple[Cluster, WorkerProcesses]":
        # dask wants it. Workers remove it too, when the run is killed.
        scratch = TemporaryDirectory(prefix="daklaag-", ignore_cleanup_errors=True)
        folder = self._stack.enter_context(scratch)
        address = self._stack.enter_context(_scheduler(folder)).scheduler_address
        processes = WorkerProcesses((*PROGRAM, address, folder), self.workers)
        self._stack.enter_context(processes.running())
        cluster, _ = connect(self._stack, address, TASKS_A_WAVE * self.workers, ())
        return cluster, processes


def _scheduler(folder: str) -> Any:
    """A scheduler in this process. folder: for its files."""
    import dask
    from distributed import LocalCluster  # takes half a second to import

    with dask.config.set({"temporary-directory": folder}):
        return LocalCluster(
            n_workers=0,
            host=LOOPBACK,
            silence_logs=logging.CRITICAL,
            scheduler_kwargs={"dashboard": False, "dashboard_address": f"{LOOPBACK}:0"},
        )


@dataclass
class WorkerProcesses:
    """So many processes of a program; one that dies is replaced."""

    program: tuple[str, ...]
    count: int
    _every: "list[tuple[float, subprocess.Popen[bytes]]]" = field(default_factory=list)
    _young_deaths: int = 0
    _status: int = 0

    def check(self) -> None:
        """Raises InputError if they die as soon as they start."""
        if self._young_deaths >= YOUNG_DEATHS * self.count:
            raise InputError(
                Text("the worker processes"),
                "{source} end as soon as they start (status {status})",
                "give {threads}, or make memory free",
                status=self._status,
                threads=Field("scheduler", "threads"),
            )

    @contextmanager
    def running(self) -> Iterator[None]:
        """They run while the context is open."""
        ended = Event()
        keeper = Thread(target=self._keep, args=(ended,), daemon=True, name="workers")
        keeper.start()
        try:
            yield
        finally:
            ended.set()
            keeper.join()
            for _, process in self._every:
                _end(process)

    def _keep(self, ended: Event) -> None:
        """Start what is missing, until the run ends."""
        while not ended.is_set():
            for began, process in list(self._every):
                if process.poll() is not None:
                    self._every.remove((began, process))
                    _end(process)
                    self._note_death(time.monotonic() - began, process.returncode)
            while len(self._every) < self.count:
                self._every.append((time.monotonic(), _start(self.program)))
            ended.wait(LOOK_S)

    def _note_death(self, age: float, status: int) -> None:
        self._young_deaths = self._young_deaths + 1 if age < YOUNG_S else 0
        self._status = status


def _start(program: tuple[str, ...]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        program,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for the run to hear
    )


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a worker, which must have no task any more."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(ENDING_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
