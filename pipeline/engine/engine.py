"""Tasks on threads, on processes here or on a dask cluster: progress, stop, faults."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from queue import Empty
from typing import Any, TypeVar

from pipeline.engine.cluster import connect
from pipeline.engine.processes import Processes
from pipeline.engine.tasks import Pool, RunningTasks, Stop, name_of
from pipeline.engine.threads import Threads
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
    """Where tasks run: on threads or processes here, or on the workers of a dask scheduler."""

    workers: int
    pool: Pool
    progress: Progress
    stop: Stop

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
        with self.pool.tasks(task, shared, self.stop) as under_way:
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


def cores() -> int:
    """Cores that this process may use, also where a container has a share of them."""
    from dask.system import CPU_COUNT  # takes a tenth of a second to import

    return int(CPU_COUNT)


def open_engine(
    stack: ExitStack,
    scheduler: str,
    workers: int | None,
    progress: Progress,
    stop: Stop,
    seen: tuple[Path, ...] = (),
) -> Engine:
    """An engine for the time that the stack is open.

    scheduler: `threads`, `processes`, or the address of a dask scheduler; workers: threads or
    processes here; on a cluster, how many tasks at once at most; seen: what all must see.
    Raises InputError for an address at which no scheduler answers, or whose workers have another
    version of this program.
    """
    here = workers or cores()
    if scheduler == Threads.name:
        return Engine(here, Threads(here), progress, stop)
    if scheduler == Processes.name:
        return Engine(here, Processes(here, stack), progress, stop)
    cluster, count = connect(stack, scheduler, workers, seen)
    return Engine(workers or count or 1, cluster, progress, stop)
