"""Tasks on threads here or on the workers of a dask cluster: progress, stop, faults."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from queue import Empty
from typing import Any, TypeVar

import dask

from pipeline.engine.cluster import Cluster, connect
from pipeline.engine.tasks import (
    TASKS_A_WAVE,
    RunningTasks,
    Stop,
    leading_arguments,
    name_of,
    timed,
)
from pipeline.errors import Stopped

T = TypeVar("T")
Progress = Callable[[str, int, int], None]
OnDone = Callable[[tuple[Any, ...], float, Any], None]
POLL_S = 0.1  # how often the stop flag is polled


def never_stop() -> bool:
    """A stop flag that is never up."""
    return False


def no_progress(stage: str, done: int, total: int) -> None:
    """A progress callback that does nothing."""


def ignore_outcome(argument: tuple[Any, ...], seconds: float, outcome: Any) -> None:
    """An `on_done` callback that does nothing."""


@dataclass(frozen=True)
class Engine:
    """Where tasks run: on threads here, or on the workers of a dask scheduler."""

    workers: int
    cluster: Cluster | None
    progress: Progress
    stop: Stop

    @property
    def dashboard(self) -> str | None:
        """The address of the cluster's dashboard."""
        return self.cluster.dashboard if self.cluster else None

    def run(
        self,
        stage: str,
        task: Callable[..., Any],
        arguments: Iterable[tuple[Any, ...]],
        total: int,
        shared: Any = None,
        on_done: OnDone = ignore_outcome,
    ) -> None:
        """Call the task with each of the arguments in turn, and with a flag to poll as `stop`.

        arguments: so many in total, each made when its task is about to start. shared: goes
        before the arguments, and travels to a cluster once. on_done is called with the argument,
        the seconds it took, and what the task answered or raised. At most TASKS_A_WAVE tasks a
        worker are under way. Raises what a task raises, noted with its stage and shard, when no
        other task is under way any more; and Stopped as soon as the flag is up.
        """
        self.progress(stage, 0, total)
        with (self.cluster or _Threads(self.workers)).tasks(task, shared, self.stop) as under_way:
            _run(self, stage, iter(arguments), total, under_way, on_done)


def _run(
    engine: Engine,
    stage: str,
    arguments: Iterator[tuple[Any, ...]],
    total: int,
    under_way: RunningTasks,
    on_done: OnDone,
) -> None:
    """Keep tasks under way until all are done or one fails."""
    submitted = done = 0
    while done < total:
        if engine.stop():
            raise Stopped
        room = under_way.room() - (submitted - done)
        for argument in islice(arguments, max(room, 0)):
            under_way.submit(argument)
            submitted += 1
        try:
            argument, seconds, outcome = under_way.next(POLL_S)
        except Empty:
            continue
        on_done(argument, seconds, outcome)
        if isinstance(outcome, BaseException):
            if not isinstance(outcome, Stopped):
                outcome.add_note(f"in {stage} {name_of(argument)}")
            raise outcome
        done += 1
        engine.progress(stage, done, total)


def prefetch(items: Iterator[T]) -> Iterator[T]:
    """Iterate over items, the next of which is made in a thread while one is in use."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item


@dataclass(frozen=True)
class _Threads:
    """Threads of this process."""

    workers: int

    @contextmanager
    def tasks(self, task: Callable[..., Any], shared: Any, stop: Stop) -> Iterator[RunningTasks]:
        """On leaving, no task runs any more; those that have not begun never do."""

        def start(argument: tuple[Any, ...]) -> Future[tuple[float, Any]]:
            return pool.submit(timed, task, (*leading_arguments(shared), *argument), stop)

        def outcome(future: Future[Any], argument: tuple[Any, ...]) -> tuple[float, Any]:
            error = future.exception()
            return (0.0, error) if error else future.result()

        pool = ThreadPoolExecutor(self.workers)
        try:
            yield RunningTasks(lambda: TASKS_A_WAVE * self.workers, start, outcome, lambda: None)
        finally:
            pool.shutdown(cancel_futures=True)


def open_engine(
    stack: ExitStack,
    scheduler: str,
    workers: int | None,
    progress: Progress,
    stop: Stop,
    seen: tuple[Path, ...] = (),
) -> Engine:
    """An engine for the time that the stack is open.

    workers: threads here; on a cluster, how many tasks at once at most; seen: what all must see.
    Raises InputError for an address at which no scheduler answers, or whose workers have another
    version of this program.
    """
    if scheduler == "threads":
        return Engine(workers or dask.system.CPU_COUNT, None, progress, stop)
    cluster, count = connect(stack, scheduler, workers, seen)
    return Engine(workers or count or 1, cluster, progress, stop)
