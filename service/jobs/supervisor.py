"""The processes that compute jobs: started, watched, and ended with the service."""

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
from service.core.catalogue import Backend
from service.jobs.callback import Results, tell
from service.jobs.expiry import clear, sweep
from service.jobs.job import status_info
from service.jobs.table import Jobs
from service.jobs.work import Task

PROGRAM = (sys.executable, "-m", "service.jobs.work")
LOCK = "work.lock"
LOOK_S = 0.1
DISMISSED_S = 0.6  # that a worker has to let go of a job by itself
SILENT_S = 300.0  # without a sign of life it counts as dead
DOUBT_S = 15.0  # but first it is looked at for so long: the machine may have slept
YOUNG_S, LONGEST_S = 5.0, 30.0  # one that dies younger is not replaced at once, but within this
CHORES_S, SWEEP_S = 0.5, 3600.0
LINGER_S = 2.0  # for a callback that nobody answers
TOLD_S = 60.0  # between two lines on the same fault
log = logging.getLogger("daklaag.jobs")


@dataclass
class Seat:
    """A place for a worker. due: when the next one is started, if none lives."""

    due: float = 0.0
    pause: float = 0.0
    name: str = ""
    began: float = 0.0
    doubted: float | None = None
    process: "subprocess.Popen[str] | None" = None


@dataclass
class Supervisor:
    """Workers for as long as it is entered. jobs: theirs; backend: what they
    compute from; program: what a worker is; results: makes the document
    that a callback is sent.

    Two services cannot share a folder of state: the second raises InputError.
    """

    jobs: Jobs
    backend: Backend
    results: Results = status_info
    program: Sequence[str] = PROGRAM
    _seats: list[Seat] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _told: dict[str, float] = field(default_factory=dict)  # when, of each task that failed
    _lock: int = -1

    def __enter__(self) -> Self:
        self._hold()
        jobs = self.jobs
        for job in jobs.take_up_again():
            log.info("job", extra={"fields": {"job": job.id, "status": "taken up again"}})
        self._seats = [Seat() for _ in range(self.backend.settings.jobs_at_once)]
        # A worker dies with the thread that started it, so it is one that stays.
        for name, task in (("supervise", self._supervise), ("chores", self._do_chores)):
            self._threads.append(threading.Thread(target=task, daemon=True, name=name))
            self._threads[-1].start()
        return self

    def __exit__(self, *raised: object) -> None:
        """End all workers: what they have in hand waits for the next start."""
        self._ended.set()
        supervise, chores = self._threads
        supervise.join()
        chores.join(LINGER_S)
        self.jobs.take_up_again()
        os.close(self._lock)

    @property
    def processes(self) -> list[int]:
        """The ids of the workers' processes that live."""
        every = [seat.process for seat in self._seats]
        return [each.pid for each in every if each is not None and each.poll() is None]

    def _hold(self) -> None:
        state = self.backend.settings.state
        handle = os.open(state / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            raise InputError(
                f"--state {state}: another service works there; stop it, or give another folder"
            ) from None
        self._lock = handle

    def _supervise(self) -> None:
        while not self._ended.wait(LOOK_S):
            self._guarded(self._look)
        for seat in self._seats:
            if seat.process is not None:
                _end(seat.process)

    def _look(self) -> None:
        """Once around: who died, who is in the way, who is missing."""
        jobs = self.jobs
        overdue, silent = jobs.overdue(DISMISSED_S), jobs.silent(SILENT_S)
        for seat in self._seats:
            if seat.process is not None and (seat.name in overdue or _is_dead(seat, silent)):
                _end(seat.process)
            if seat.process is not None and seat.process.poll() is not None:
                self._bury(seat, asked=seat.name in overdue)
            if seat.process is None and time.monotonic() >= seat.due:
                self._start(seat)

    def _bury(self, seat: Seat, asked: bool) -> None:
        """A worker is dead; what it had in hand is taken up by the next."""
        assert seat.process is not None
        _end(seat.process)
        jobs, code = self.jobs.lost(seat.name), seat.process.returncode
        young = not asked and not jobs and time.monotonic() - seat.began < YOUNG_S
        seat.pause = min(max(2 * seat.pause, 1.0), LONGEST_S) if young else 0.0
        seat.due, seat.process = time.monotonic() + seat.pause, None
        fields = {"code": code, "asked": asked, "jobs": [job.id for job in jobs]}
        level = logging.INFO if asked else logging.WARNING
        log.log(level, "worker ended", extra={"fields": fields})

    def _start(self, seat: Seat) -> None:
        seat.name, seat.began, seat.doubted = uuid.uuid4().hex, time.monotonic(), None
        seat.process = subprocess.Popen(
            self.program, stdin=subprocess.PIPE, text=True, start_new_session=True
        )
        task = Task(seat.name, self.backend)
        assert seat.process.stdin is not None
        try:
            seat.process.stdin.write(task.dumps() + "\n")
            seat.process.stdin.flush()
        except BrokenPipeError:  # it died at once, which the next look finds
            return

    def _do_chores(self) -> None:
        """What takes long: callbacks, and removing results."""
        swept = -SWEEP_S
        while True:
            if time.monotonic() - swept >= SWEEP_S:
                swept = time.monotonic()
                self._guarded(sweep, self.jobs)
            self._guarded(tell, self.jobs, self.results)
            self._guarded(clear, self.jobs)
            if self._ended.wait(CHORES_S):
                return

    def _guarded(self, task: Callable[..., Any], *given: Any) -> None:
        """What fails now is tried again at the next look; of what keeps failing the log tells once
        in a while, as it may be that the disk is full."""
        try:
            task(*given)
        except Exception:
            now = time.monotonic()
            if now - self._told.get(task.__name__, -TOLD_S) >= TOLD_S:
                self._told[task.__name__] = now
                log.exception("%s failed", task.__name__)


def _is_dead(seat: Seat, silent: set[str]) -> bool:
    """Whether a worker is silent, and has been for a while that we were awake."""
    now = time.monotonic()
    if seat.name not in silent:
        seat.doubted = None
        return False
    seat.doubted = seat.doubted or now
    return now - seat.doubted > DOUBT_S


def _end(process: "subprocess.Popen[str]") -> None:
    """At once: a folder of results bears it."""
    process.kill()
    process.wait()
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError):  # what it did not read
            process.stdin.close()
