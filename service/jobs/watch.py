"""Who looks on while jobs go: one look into the table for all of them, several times a second."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable

from service.jobs.job import Job
from service.problem import Problem

LOOK_S = 0.25
MOST_A_CLIENT, MOST = 8, 200  # streams that are open


class Watch:
    """The jobs that are looked at. many: finds jobs by their ids."""

    def __init__(self, many: Callable[[Iterable[str]], dict[str, Job]]) -> None:
        self._many, self._lock = many, threading.Lock()
        self._clients, self._ids = Counter[str](), Counter[str]()
        self._found: dict[str, Job] = {}
        self._looked = -LOOK_S

    def open(self, id: str, client_name: str) -> None:
        """Look at a job; `close` must follow. Raises Problem 429 for too many at once."""
        with self._lock:
            open_ = self._clients[client_name]
            if open_ >= MOST_A_CLIENT or self._clients.total() >= MOST:
                said = f"{open_} streams of events are open for you, {self._clients.total()} in all"
                raise Problem(
                    429,
                    f"{said}; close one, or poll the job's status",
                    headers={"Retry-After": "10"},
                )
            self._clients[client_name] += 1
            self._ids[id] += 1

    def close(self, id: str, client_name: str) -> None:
        """Look at it no longer."""
        with self._lock:
            for counter, name in ((self._clients, client_name), (self._ids, id)):
                counter[name] -= 1
                if not counter[name]:
                    del counter[name]

    def latest(self, id: str) -> Job | None:
        """How a job is that was opened, not longer than LOOK_S ago; None if it is gone."""
        with self._lock:
            now = time.monotonic()
            if now - self._looked >= LOOK_S or id not in self._found:
                self._found, self._looked = self._many(self._ids), now
            return self._found.get(id)
