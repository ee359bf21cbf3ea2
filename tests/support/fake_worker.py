"""A worker whose jobs only pretend: `python -m tests.support.fake_worker` for service.jobs.work.

What a request asks for: steps, seconds each, or a folder of gates: a step ends when a file of its
name is there; deaf: does not hear that it is to stop; die, fail.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pipeline.engine.events import KEPT, Log
from pipeline.errors import InputError, Stopped
from pipeline.storage.ledger import REPORT
from pipeline.terms import File
from service.core.catalogue import Backend
from service.jobs.supervisor import Supervisor
from service.jobs.work import main
from service.processes.job_request import JobRequest

PASSES = ("measure", "shade")
WORKER = (sys.executable, "-m", "tests.support.fake_worker")


def execute(
    request: JobRequest, backend: Backend, folder: Path,
    progress: Callable[[str, int, int], None], stop: Callable[[], bool], log: Log,
) -> None:  # fmt: skip
    """Leave a file a step, a line a step in a log of all, and a report."""
    asked, done = request.inputs, folder / "steps"
    if (folder / REPORT).exists():
        return
    done.mkdir(parents=True, exist_ok=True)
    if asked.get("die"):
        os.kill(os.getpid(), signal.SIGKILL)
    if asked.get("fail"):
        raise InputError(File(folder / "sheet.tif"), "cannot be read", "give another")
    if asked.get("fault"):
        raise ZeroDivisionError(str(folder))
    steps = range(asked.get("steps", 0))
    log({"stage": "start", "passes": PASSES})
    for stage in PASSES:
        todo = [step for step in steps if not (done / f"{stage}{step}").exists()]
        for _ in range(len(steps) - len(todo)):
            log({"stage": stage, "outcome": KEPT, "shard": ""})
        progress(stage, 0, len(todo))
        for i, step in enumerate(todo):
            _wait(_due(asked, f"{stage}{step}"), lambda: stop() and not asked.get("deaf"))
            with (backend.settings.state / "steps.log").open("a") as lines:
                lines.write(f"{request.key} {stage}{step}\n")
            (done / f"{stage}{step}").write_text("")
            progress(stage, i + 1, len(todo))
    (folder / REPORT).write_text("{}")


def _due(asked: dict[str, Any], step: str) -> Callable[[], bool]:
    """Whether a step ends."""
    if "gates" in asked:
        return Path(asked["gates"], step).exists
    until = time.monotonic() + asked.get("seconds", 0.0)
    return lambda: time.monotonic() >= until


def _wait(due: Callable[[], bool], stop: Callable[[], bool]) -> None:
    while not due():
        if stop():
            raise Stopped
        time.sleep(0.01)


def supervised(service: Any, program: Sequence[str] = WORKER, **more: Any) -> Supervisor:
    """A supervisor of such workers."""
    backend = Backend(service.settings, service.sources, service.public)
    return Supervisor(service.jobs, backend, program=program, **more)


if __name__ == "__main__":
    main(execute)
