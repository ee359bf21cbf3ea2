"""The supervisor of the worker processes that compute jobs."""

import contextlib
import fcntl
import logging
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from pipeline.errors import InputError
from pipeline.messages import Text
from service.core.catalogue import Backend
from service.jobs.callback import Results, send_due
from service.jobs.expiry import clear, sweep
from service.jobs.job import status_info
from service.jobs.table import Jobs
from service.jobs.work import TASK, Task

PROGRAM = (sys.executable, "-m", "service.jobs.work")
LOCK = "work.lock"
LOOK_S = 0.1
DISMISSED_S = 0.6  # that a worker has to end a job by itself
SILENT_S = 300.0  # without a sign of life it counts as dead
DOUBT_S = 15.0  # but first it is looked at for so long: the machine may have slept
YOUNG_S, LONGEST_S = 5.0, 30.0  # one that dies younger is not replaced at once, but within this
CHORES_S, SWEEP_S = 0.5, 3600.0
LINGER_S = 2.0  # for a callback that nobody answers
LOGGED_S = 60.0  # between two lines on the same fault
log = logging.getLogger("daklaag.jobs")


@dataclass
class WorkerSlot:
    """A slot for one worker. due: when the next worker is started, if none runs; pause: before
    that; doubted: since when its heartbeat is missing."""

    due: float = 0.0
    pause: float = 0.0
    name: str = ""
    began: float = 0.0
    doubted: float | None = None
    process: "subprocess.Popen[str] | None" = None


@dataclass
class Supervisor:
    """Runs workers while its context is entered. jobs: the queue; backend: settings and data of the
    workers; program: command of a worker; results: makes the document of a callback.

    Two services cannot share a folder of state: the second raises InputError.
    """

    jobs: Jobs
    backend: Backend
    results: Results = status_info
    program: Sequence[str] = PROGRAM
    _slots: list[WorkerSlot] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _logged: dict[str, float] = field(default_factory=dict)  # when, of each task that failed
    _lock: int = -1

    def __enter__(self) -> Self:
        self._lock_state()
        jobs = self.jobs
        for job in jobs.requeue_all():
            log.info("job", extra={"fields": {"job": job.id, "status": "taken up again"}})
        self._slots = [WorkerSlot() for _ in range(self.backend.settings.jobs_at_once)]
        # A worker dies with the thread that started it, so it is one that stays.
        for name, task in (("supervise", self._supervise), ("chores", self._do_chores)):
            self._threads.append(threading.Thread(target=task, daemon=True, name=name))
            self._threads[-1].start()
        return self

    def __exit__(self, *raised: object) -> None:
        """End all workers; their jobs are requeued for the next start."""
        self._ended.set()
        supervise, chores = self._threads
        supervise.join()
        chores.join(LINGER_S)
        self.jobs.requeue_all()
        os.close(self._lock)

    @property
    def processes(self) -> list[int]:
        """The ids of the workers' processes that live."""
        every = [slot.process for slot in self._slots]
        return [each.pid for each in every if each is not None and each.poll() is None]

    def _lock_state(self) -> None:
        state = self.backend.settings.state
        handle = os.open(state / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            raise InputError(
                Text("--state {state}", state=state),
                "another service works there",
                "stop it, or give another folder",
            ) from None
        self._lock = handle

    def _supervise(self) -> None:
        while not self._ended.wait(LOOK_S):
            self._guarded(self._look)
        for slot in self._slots:
            if slot.process is not None:
                _end(slot.process)

    def _look(self) -> None:
        """End workers of dismissed jobs and unresponsive ones, replace dead ones, start missing
        ones."""
        jobs = self.jobs
        overdue, unresponsive = jobs.overdue(DISMISSED_S), jobs.unresponsive(SILENT_S)
        for slot in self._slots:
            if slot.process is not None and (slot.name in overdue or _is_dead(slot, unresponsive)):
                _end(slot.process)
            if slot.process is not None and slot.process.poll() is not None:
                self._replace_worker(slot, asked=slot.name in overdue)
            if slot.process is None and time.monotonic() >= slot.due:
                self._start(slot)

    def _replace_worker(self, slot: WorkerSlot, asked: bool) -> None:
        """Requeue the jobs of a dead worker, and set when its slot gets another."""
        assert slot.process is not None
        _end(slot.process)
        jobs, code = self.jobs.worker_died(slot.name), slot.process.returncode
        young = not asked and not jobs and time.monotonic() - slot.began < YOUNG_S
        slot.pause = min(max(2 * slot.pause, 1.0), LONGEST_S) if young else 0.0
        slot.due, slot.process = time.monotonic() + slot.pause, None
        fields = {"code": code, "asked": asked, "jobs": [job.id for job in jobs]}
        level = logging.INFO if asked else logging.WARNING
        log.log(level, "worker ended", extra={"fields": fields})

    def _start(self, slot: WorkerSlot) -> None:
        slot.name, slot.began, slot.doubted = uuid.uuid4().hex, time.monotonic(), None
        slot.process = subprocess.Popen(
            self.program, stdin=subprocess.PIPE, text=True, start_new_session=True
        )
        task = Task(slot.name, self.backend)
        assert slot.process.stdin is not None
        try:
            slot.process.stdin.write(f"{TASK.dump_json(task).decode()}\n")
            slot.process.stdin.flush()
        except BrokenPipeError:  # it died at once, which the next look finds
            return

    def _do_chores(self) -> None:
        """Send callbacks and remove expired results, in a thread of their own."""
        swept = -SWEEP_S
        while True:
            if time.monotonic() - swept >= SWEEP_S:
                swept = time.monotonic()
                self._guarded(sweep, self.jobs)
            self._guarded(send_due, self.jobs, self.results)
            self._guarded(clear, self.jobs)
            if self._ended.wait(CHORES_S):
                return

    def _guarded(self, task: Callable[..., Any], *given: Any) -> None:
        """Call a task; a failure is logged at most once in LOGGED_S and tried again at the next
        call."""
        try:
            task(*given)
        except Exception:
            now = time.monotonic()
            if now - self._logged.get(task.__name__, -LOGGED_S) >= LOGGED_S:
                self._logged[task.__name__] = now
                log.exception("%s failed", task.__name__)


def _is_dead(slot: WorkerSlot, unresponsive: set[str]) -> bool:
    """Whether a worker has been unresponsive for DOUBT_S of this process's own time."""
    now = time.monotonic()
    if slot.name not in unresponsive:
        slot.doubted = None
        return False
    slot.doubted = slot.doubted or now
    return now - slot.doubted > DOUBT_S


def _end(process: "subprocess.Popen[str]") -> None:
    """Kill a worker: a folder of results survives it."""
    process.kill()
    process.wait()
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError):  # what it did not read
            process.stdin.close()
