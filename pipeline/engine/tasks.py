"""Running tasks, wherever they run: submission, outcomes, names, stop flag."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from pipeline.errors import InputError, Stopped

Stop = Callable[[], bool]
_stop: ContextVar[Stop] = ContextVar("stop", default=lambda: False)
TASKS_A_WAVE = 4  # in flight for each worker, so that the scheduler never holds the whole nation


@contextmanager
def stop_flag(stop: Stop) -> Iterator[None]:
    """Within the context `check_stop` polls this flag, in threads that copy the context as well."""
    token = _stop.set(stop)
    try:
        yield
    finally:
        _stop.reset(token)


def check_stop() -> None:
    """Raise Stopped if the stop flag of the context is up."""
    if _stop.get()():
        raise Stopped


def name_of(argument: tuple[Any, ...]) -> str:
    """A task's name: the first part of its argument that is a text or a tuple of integers."""
    for part in argument:
        if isinstance(part, str):
            return part
        if isinstance(part, tuple) and part and all(isinstance(number, int) for number in part):
            return "_".join(map(str, part))
    return ""


def timed(task: Callable[..., Any], given: tuple[Any, ...], stop: Stop) -> tuple[float, Any]:
    """Seconds that a task took, and its result, or the InputError or Stopped that it raised."""
    began = time.monotonic()
    try:
        answer = task(*given, stop=stop)
    except (InputError, Stopped) as fault:  # not to be tried again
        answer = fault
    return time.monotonic() - began, answer


def leading_arguments(shared: Any) -> tuple[Any, ...]:
    """The shared value as first argument of a task; none if it is None."""
    return () if shared is None else (shared,)


@dataclass
class RunningTasks:
    """The running tasks of one stage. A future's result is that of `timed`."""

    room: Callable[[], int]  # how many may be under way
    start: Callable[[tuple[Any, ...]], Any]  # a future, of concurrent or of distributed
    outcome: Callable[[Any, tuple[Any, ...]], tuple[float, Any]]
    alive: Callable[[], None]  # raises if nothing more can come
    futures: dict[Any, tuple[Any, ...]] = field(default_factory=dict)
    done: SimpleQueue[Any] = field(default_factory=SimpleQueue)

    def submit(self, argument: tuple[Any, ...]) -> None:
        """Start a task."""
        future = self.start(argument)
        self.futures[future] = argument
        future.add_done_callback(self.done.put)

    def next(self, timeout: float) -> tuple[tuple[Any, ...], float, Any]:
        """Argument, seconds and result or exception of a finished task. Raises Empty after
        `timeout`."""
        try:
            future = self.done.get(timeout=timeout)
        except Empty:
            self.alive()
            raise
        argument = self.futures.pop(future)
        return (argument, *self.outcome(future, argument))


class Pool(Protocol):
    """Where tasks run. name: as the report has it; dashboard: its address, if there is one."""

    @property
    def name(self) -> str: ...

    @property
    def dashboard(self) -> str | None: ...

    def tasks(
        self, task: Callable[..., Any], shared: Any, stop: Stop
    ) -> AbstractContextManager[RunningTasks]:
        """The running tasks of one stage. shared: goes before their arguments."""
        ...
