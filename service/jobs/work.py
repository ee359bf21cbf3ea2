"""A process that works jobs off, one after another, as long as the service lives.

Started by the supervisor as `python -m service.jobs.work`; what it needs comes through its standard
input as a line of JSON, which then stays open. It ends at once, by the system's hand, when the
service does: folders of results bear a kill at any moment.
"""

import contextlib
import ctypes
import fcntl
import logging
import os
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter

from pipeline.engine.events import Log
from pipeline.engine.garbage import collect_rarely
from pipeline.errors import InputError, Kind, Stopped
from pipeline.storage.places import DISK_FULL
from service.core.catalogue import Backend
from service.core.database import DATABASE, DamagedDatabaseError, Database
from service.core.faults import Faults, Owner
from service.jobs.claims import Claims
from service.jobs.job import Job, Status
from service.jobs.track import JobProgress, ProgressTracker
from service.processes.job_request import JobRequest

IDLE_S = 0.2  # between two looks for a job
LOOK_S = 0.1  # between two looks whether a job is dismissed
WRITE_S = 0.3  # between two progresses in the table
BEAT_S = 2.0
FULL_S = 3600.0  # for which a job that has ended waits to be written down
HELD_S = 30.0  # how long one that was killed may still hold a folder: large memory is freed first
NICE = 10  # tiles go first
DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of Linux
FAULT = "a fault of the service, which its log tells; ask the operator, or send the job again"
FAULTY = "the files of the service are faulty, which its operator must mend"
NO_ROOM = "the service has no room; its operator must make some, then send the job again"

Progress = Callable[[str, int, int], None]
Stop = Callable[[], bool]
Execute = Callable[[JobRequest, Backend, Path, Progress, Stop, Log], object]
log = logging.getLogger("daklaag.jobs")


@dataclass(frozen=True)
class Task:
    """Settings and data of a worker, sent to it when it starts. name: by which the table knows it;
    service: the id of the process that it ends with."""

    name: str
    backend: Backend
    service: int = field(default_factory=os.getpid)


TASK = TypeAdapter(Task)  # a task as a line of JSON


def main(execute: Execute) -> None:
    """Work until the service is gone."""
    task = TASK.validate_json(sys.stdin.readline())
    _end_with(task.service)
    os.nice(NICE)
    collect_rarely()
    with contextlib.suppress(OSError):  # where memory ends, this goes before the service
        Path("/proc/self/oom_score_adj").write_text("500")
    settings = task.backend.settings
    claims = Claims(Database(settings.state / DATABASE), settings)
    while True:
        job = claims.claim(task.name)
        if job is None:
            time.sleep(IDLE_S)
        else:
            work(job, claims, task, execute)


def _end_with(service: int) -> None:
    """End this process with the service, also while a kernel computes or a library holds the
    GIL."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != service:  # it ended before that
        os._exit(0)

    def watch() -> None:
        sys.stdin.read()
        os._exit(0)

    threading.Thread(target=watch, daemon=True, name="watch").start()


def work(job: Job, claims: Claims, task: Task, execute: Execute) -> None:
    """Execute a job and record how it ended."""
    track, folder, owner = ProgressTracker(), claims.folder_of(job.request.key), None
    _log(job, "begins")
    try:
        with _supervised(job, claims, task, track) as stop:
            _wait_for(folder, stop)
            execute(job.request, task.backend, folder, track, stop, track.log)
        status, message = Status.SUCCESSFUL, "done"
    except Stopped:
        status, message = Status.DISMISSED, "dismissed"
    except InputError as error:
        owner, message = _owner_and_message(error, Faults(task.backend.settings.work))
        status = Status.FAILED
        if owner is not Owner.CLIENT:
            _log(job, "fault", logging.ERROR)
    except MemoryError:
        status, owner = Status.FAILED, Owner.SERVICE
        message = "not enough memory; ask for a smaller area"
    except Exception as error:
        _log(job, "fault", logging.ERROR)
        full = isinstance(error, OSError) and error.errno in DISK_FULL
        status, owner, message = Status.FAILED, Owner.SERVICE, NO_ROOM if full else FAULT
    size = size_of(folder) if status is Status.SUCCESSFUL else 0
    _finish(claims, job, status, message, size, owner)
    _log(job, status)


def _owner_and_message(error: InputError, faults: Faults) -> tuple[Owner, str]:
    """Who can mend a fault, and its message for the client."""
    owner, message = faults.owner(error), faults.sentence(error)
    if error.kind is Kind.UNWRITABLE:
        return owner, NO_ROOM
    return owner, message if owner is Owner.CLIENT else f"{FAULTY}: {message}"


def _finish(
    claims: Claims,
    job: Job,
    status: Status,
    message: str,
    size: int,
    owner: Owner | None = None,
    pause: float = BEAT_S,
) -> None:
    """Record the end of a job; retried while the disk is full. pause: before a retry [s]."""
    until = time.monotonic() + FULL_S
    while True:
        try:
            return claims.finish(job.id, status, message, size, owner)
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(pause)


def _log(job: Job, what: str, level: int = logging.INFO) -> None:
    """Log a job's status for the operator, with the traceback of a fault; without its inputs."""
    fields = {"job": job.id, "process": job.request.process, "status": what}
    log.log(level, "job", exc_info=level >= logging.ERROR, extra={"fields": fields})


@contextlib.contextmanager
def _supervised(
    job: Job, claims: Claims, task: Task, track: ProgressTracker
) -> Iterator[Callable[[], bool]]:
    """Run a thread that writes the job's progress and the worker's heartbeat to the table. Yields a
    stop flag that is up when the job is dismissed."""
    stop, ended = threading.Event(), threading.Event()

    def write(before: JobProgress) -> JobProgress:
        latest = track.progress()
        if latest != before:
            claims.progress(job.id, latest.done, latest.planned, latest.left, latest.message)
        return latest

    def attend() -> None:
        written, last, beaten, going = JobProgress(), 0.0, 0.0, True
        while going:
            going, now = not ended.wait(LOOK_S), time.monotonic()
            with contextlib.suppress(sqlite3.Error, DamagedDatabaseError):  # busy: next time
                if claims.is_dismissed(job.id):
                    stop.set()
                if now - last >= WRITE_S or not going:
                    written, last = write(written), now
                if now - beaten >= BEAT_S:
                    claims.heartbeat(task.name)
                    beaten = now

    thread = threading.Thread(target=attend, daemon=True, name="attend")
    thread.start()
    try:
        yield stop.is_set
    finally:
        ended.set()
        thread.join()


def _wait_for(folder: Path, stop: Callable[[], bool]) -> None:
    """Wait until no other process holds a folder: one that was killed may still be ending."""
    until = time.monotonic() + HELD_S
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        while time.monotonic() < until:
            if stop():
                raise Stopped
            try:
                return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                time.sleep(LOOK_S)
    finally:
        os.close(handle)


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


if __name__ == "__main__":
    # Here, so that the libraries of a run are loaded before the first job, and by no other import.
    from service.core.logs import logged
    from service.processes.dispatch import execute

    with logged():
        main(execute)
