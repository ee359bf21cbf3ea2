"""Tasks on the workers of a dask cluster, which may join, leave and die.

On a worker run only `_on_worker` and what it calls, `_itself`, and `_busy`.
"""

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from threading import Event, Thread
from typing import Any, NamedTuple

from pipeline.engine.tasks import (
    TASKS_A_WAVE,
    RunningTasks,
    Stop,
    leading_arguments,
    name_of,
    timed,
)
from pipeline.errors import InputError
from pipeline.messages import Text
from pipeline.terms import Field

POLL_S = 0.1  # how often a stopped run polls whether the workers are free
WATCH_S = 5.0  # how often a cluster is asked for its workers
SILENCE_S = 60.0  # after so long without an answer a scheduler counts as gone
CLOSING_S = 30.0  # how long a stopped run waits for what is in hand on a cluster


class WorkerRequirements(NamedTuple):
    """Requirements of a worker: the version of the program, and files and folders it must see."""

    version: str
    seen: tuple[Path, ...]

    def check(self, address: str, found: Any) -> None:
        """Raises InputError if a worker has another version. found: of the worker, or an
        exception."""
        if found != self.version:
            known = isinstance(found, str)
            text = Text("version {version}", version=found) if known else Text("no daklaag")
            raise InputError(
                Text("the worker at {address}", address=address),
                "{source} has {said}, but here is {version}",
                "install the same on every machine",
                said=text,
                version=self.version,
            )

    def check_here(self, address: str) -> None:
        """Raises InputError if this process, a worker, falls short."""
        self.check(address, version("daklaag"))
        for path in self.seen:
            if not path.exists():
                raise InputError(
                    Text("the worker at {address}", address=address),
                    "{source} does not see {path}",
                    "every machine must, under that name (docs/cluster.md)",
                    path=path,
                )


class Cluster:
    """The workers of a dask scheduler, watched while it is open: they may join and leave."""

    name = "distributed"

    def __init__(
        self, client: Any, address: str, limit: int | None, terms: "WorkerRequirements"
    ) -> None:
        self.client, self.address, self.limit, self.terms = client, address, limit, terms
        self.dashboard = _dashboard(client)
        self._threads = sum(client.nthreads().values())
        self._heard = time.monotonic()
        self._closed = Event()
        self._watching = Thread(target=self._watch, daemon=True)
        self._watching.start()

    def close(self) -> None:
        """Stop watching."""
        self._closed.set()
        if not self._silent():
            self._watching.join(WATCH_S)

    def _watch(self) -> None:
        while not self._closed.wait(WATCH_S):
            try:
                self._threads = sum(self.client.nthreads().values())
                self._heard = time.monotonic()
            except Exception:  # whatever it is: silence is what counts
                continue

    def _silent(self) -> bool:
        return time.monotonic() - self._heard > SILENCE_S or self.client.status in (
            "closed",
            "closing",
            "connecting",
        )

    def _room(self) -> int:
        return self.limit or TASKS_A_WAVE * max(self._threads, 1)

    def _alive(self) -> None:
        if self._silent():
            raise self._gone()

    def _gone(self) -> InputError:
        return InputError(
            Text("the scheduler at {address}", address=self.address),
            "{source} is gone",
            "start it and its workers, and run the same command again: it goes on where it was",
        )

    @contextmanager
    def tasks(self, task: Callable[..., Any], shared: Any, stop: Stop) -> Iterator[RunningTasks]:
        """On leaving, no task runs any more, as far as the workers can be reached."""
        given = [self._travel(part) for part in leading_arguments(shared)]

        def start(argument: tuple[Any, ...]) -> Any:
            return self.client.submit(
                _on_worker, self.terms, task, *given, *argument, retries=2, pure=False
            )

        under_way = RunningTasks(self._room, start, self._outcome, self._alive)
        try:
            yield under_way
        except BaseException:
            self._cancel(list(under_way.futures))
            raise

    def _travel(self, shared: Any) -> Any:
        """The shared value as the result of a task: workers that join get it from others, and it is
        made again if all that had it are lost, unlike scattered data."""
        import dask

        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 GiB"}):
            return self.client.submit(_itself, shared, pure=False)

    def _outcome(self, future: Any, argument: tuple[Any, ...]) -> tuple[float, Any]:
        from distributed import KilledWorker

        if future.status in ("cancelled", "lost"):  # not by us
            return 0.0, self._gone()
        try:
            error = future.exception()
            answer: tuple[float, Any] = (0.0, error) if error else future.result()
        except (OSError, CancelledError):  # met while asking
            return 0.0, self._gone()
        if isinstance(error, KilledWorker):
            return 0.0, InputError(
                name_of(argument),
                "workers died of it again and again, the last at {address}",
                "give them more memory, or a smaller {block}",
                address=error.last_worker.address,
                block=Field("block"),
            )
        return answer

    def _cancel(self, futures: list[Any]) -> None:
        """Stop what is under way, and wait for it."""
        if self._silent():
            return
        keys = {future.key for future in futures}
        deadline = time.monotonic() + CLOSING_S
        with suppress(OSError):  # it may go while it is asked
            self.client.cancel(futures, force=True)
            while time.monotonic() < deadline and not self._silent():
                busy = self.client.run(_busy, keys, on_error="ignore")
                if not any(busy.values()):
                    return
                time.sleep(POLL_S)


def _dashboard(client: Any) -> str | None:
    try:
        return str(client.dashboard_link)
    except KeyError:  # a scheduler without one
        return None


def _itself(value: Any) -> Any:
    return value


_BUSY: set[Any] = set()  # keys of the tasks that run in this process


def _busy(keys: set[Any]) -> bool:
    """Whether any of these tasks runs in this worker."""
    return bool(_BUSY & keys)


def _on_worker(
    terms: WorkerRequirements, task: Callable[..., Any], *given: Any
) -> tuple[float, Any]:
    """Run a task on a worker, with a stop flag that is up when the run or the scheduler has
    ended."""
    from distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()
    running = worker.state.tasks[key]

    def ended() -> bool:
        return running.state != "executing" or worker.status.name in ("closing", "closed", "failed")

    def checked(*given: Any, stop: Stop) -> Any:
        terms.check_here(worker.address)
        return task(*given, stop=stop)

    _BUSY.add(key)
    try:
        return timed(checked, given, ended)
    finally:
        _BUSY.discard(key)


def connect(
    stack: ExitStack, scheduler: str, limit: int | None, seen: tuple[Path, ...]
) -> tuple[Cluster, int]:
    """The cluster of a scheduler for the time that the stack is open, and how many workers it has.

    limit: how many tasks at once at most; seen: what all workers must see. Raises InputError for an
    address at which no scheduler answers, or whose workers have another version of this program.
    """
    check_address(scheduler)
    from distributed import Client  # takes a second to import, and few runs need it

    # It would say in many lines what the run says in one.
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    terms = WorkerRequirements(version("daklaag"), seen)
    try:
        client = stack.enter_context(Client(scheduler, timeout=10, set_as_default=False))
        versions = client.run(version, "daklaag", on_error="return")
        cluster = Cluster(client, scheduler, limit, terms)
    except (OSError, ValueError) as error:
        raise _no_scheduler(scheduler, error) from None
    stack.callback(cluster.close)
    for worker, found in versions.items():
        terms.check(worker, found)
    return cluster, len(versions)


def check_address(scheduler: str) -> None:
    """Raises InputError for what does not look like an address, without asking dask: a client of it
    would wait for it at its end."""
    host, _, port = scheduler.rpartition(":")
    if "://" not in scheduler and not (host and port.isdigit()):
        raise _no_scheduler(scheduler, "not HOST:PORT")


def _no_scheduler(scheduler: str, error: object) -> InputError:
    return InputError(
        Field("scheduler", scheduler),
        "no dask scheduler answers there ({error})",
        "give `auto`, `threads`, `processes` or tcp://HOST:PORT",
        error=error,
    )
