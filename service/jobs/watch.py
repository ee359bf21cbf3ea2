"""Streams of job events: the table of jobs is polled once for all of them, every LOOK_S."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from service.core.keys import Client
from service.core.problem import Problem
from service.jobs.job import Job

LOOK_S = 0.25
ALL, VISITORS = "all", "visitors"
# Streams that may be open. A cookie costs nothing, so those of an address are counted too, and keys
# have some that no visitor takes.
MOST_A_CLIENT, MOST_AN_ADDRESS, MOST_OF_VISITORS, MOST = 8, 24, 150, 200

Shares = Mapping[str, int]


def shares_of(client: Client, network: str) -> Shares:
    """Limits of open streams by client, network and in all. network: of the client's address."""
    shares = {client.name: MOST_A_CLIENT, ALL: MOST}
    if client.trusted:
        return shares
    return shares | {network: MOST_AN_ADDRESS, VISITORS: MOST_OF_VISITORS}


class Watch:
    """The watched jobs. many: finds jobs by their ids."""

    def __init__(self, many: Callable[[Iterable[str]], dict[str, Job]]) -> None:
        self._many, self._lock = many, threading.Lock()
        self._shares, self._ids = Counter[str](), Counter[str]()
        self._found: dict[str, Job] = {}
        self._looked = -LOOK_S

    def open(self, id: str, shares: Shares) -> None:
        """Watch a job until `close`. Raises Problem 429 for too many streams."""
        with self._lock:
            if any(self._shares[name] >= most for name, most in shares.items()):
                raise Problem(
                    429,
                    "too many streams of events are open for you, for your address or in all;"
                    " close one, or poll the job's status",
                    headers={"Retry-After": "10"},
                )
            self._shares.update(shares.keys())
            self._ids[id] += 1

    def close(self, id: str, shares: Shares) -> None:
        """Stop watching a job."""
        with self._lock:
            self._shares = +(self._shares - Counter(shares.keys()))
            self._ids = +(self._ids - Counter([id]))

    def latest(self, id: str) -> Job | None:
        """A watched job as it was at most LOOK_S ago; None if it is deleted."""
        with self._lock:
            now = time.monotonic()
            if now - self._looked >= LOOK_S or id not in self._found:
                self._found, self._looked = self._many(self._ids), now
            return self._found.get(id)
