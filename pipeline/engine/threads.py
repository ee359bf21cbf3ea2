"""Tasks on threads of this process."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

from pipeline.engine.tasks import TASKS_A_WAVE, RunningTasks, Stop, leading_arguments, timed


@dataclass(frozen=True)
class Threads:
    """Threads of this process."""

    workers: int
    name: ClassVar[str] = "threads"
    dashboard: ClassVar[None] = None

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
