"""A dask cluster of processes, as `dask scheduler` and `dask worker` start them."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.commands import ROOT

PATIENCE_S = 300.0  # for what takes seconds of a core, which others may want as well


@dataclass
class Processes:
    """A scheduler and its workers; `folder` is for what they write."""

    folder: Path
    scheduler: Any = None
    workers: list[Any] = field(default_factory=list)

    @property
    def address(self) -> str:
        return str(json.loads((self.folder / "scheduler.json").read_bytes())["address"])

    def start(self, workers: int = 0) -> None:
        """A scheduler at a free port, and workers."""
        file = self.folder / "scheduler.json"
        file.unlink(missing_ok=True)
        self.scheduler = self._dask("scheduler", "--host", "127.0.0.1", "--port", 0)
        wait(lambda: file.exists() and file.stat().st_size)
        self.workers = [self._worker() for _ in range(workers)]

    def kill(self, *processes: Any) -> None:
        """As `kill -9` does."""
        for process in processes:
            process.kill()
            process.wait()
        self.workers = [worker for worker in self.workers if worker not in processes]

    def join(self, **environment: str) -> Any:
        """One more worker."""
        self.workers.append(self._worker(**environment))
        return self.workers[-1]

    def _worker(self, **environment: str) -> Any:
        """Of one thread, which ends with its scheduler, and waits a minute for one that is busy."""
        options = ("--nthreads", 1, "--no-nanny", "--death-timeout", 60, "--local-directory", ".")
        return self._dask("worker", *options, **environment)

    def _dask(self, *words: Any, **environment: str) -> Any:
        command = [sys.executable, "-m", "dask", *words, "--no-dashboard"]
        command += ["--scheduler-file", self.folder / "scheduler.json"]
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        with (self.folder / "said").open("ab") as log:
            return subprocess.Popen(
                [str(word) for word in command],
                env=os.environ | {"PYTHONPATH": path.rstrip(os.pathsep)} | environment,
                cwd=self.folder,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )


@contextmanager
def processes(folder: Path, workers: int) -> Iterator[Processes]:
    """A cluster for the time of a test."""
    folder.mkdir(parents=True, exist_ok=True)
    cluster = Processes(folder)
    try:
        cluster.start(workers)
        yield cluster
    finally:
        cluster.kill(*cluster.workers, cluster.scheduler)


def wait(due: Any, seconds: float = PATIENCE_S, pause: float = 0.005) -> None:
    """Until something is true, looked at after each pause."""
    deadline = time.monotonic() + seconds
    while not due():
        assert time.monotonic() < deadline
        time.sleep(pause)
