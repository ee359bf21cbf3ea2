"""Tasks through dask, in waves; progress and stop."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import dask

from pipeline.errors import InputError, Stopped

Progress = Callable[[str, int, int], None]
Stop = Callable[[], bool]
TASKS_A_WAVE = 4  # for each worker, so that the scheduler never holds the whole nation


def never() -> bool:
    """A flag that is never up."""
    return False


@dataclass(frozen=True)
class Engine:
    """Where tasks run: on threads here, or on the workers of a dask scheduler."""

    workers: int
    client: Any  # a distributed.Client, or None
    progress: Progress
    stop: Stop

    def run(self, stage: str, task: Callable[..., Any], arguments: Sequence[Any]) -> None:
        """Call the task with each of the arguments, and with a flag to poll as `stop`.

        Raises what a task raises, and Stopped as soon as the flag is up.
        """
        wave = TASKS_A_WAVE * self.workers
        done = 0
        self.progress(stage, done, len(arguments))
        while done < len(arguments):
            if self.stop():
                raise Stopped
            batch = arguments[done : done + wave]
            self._compute([dask.delayed(task, pure=False)(*args, **self._flag()) for args in batch])
            done += len(batch)
            self.progress(stage, done, len(arguments))

    def _flag(self) -> dict[str, Stop]:
        return {"stop": never if self.client else self.stop}

    def _compute(self, tasks: list[Any]) -> None:
        if self.client is not None:
            self.client.gather(self.client.compute(tasks, retries=2))
            return
        with ThreadPoolExecutor(self.workers) as pool:  # leaving it, no task writes any more
            dask.compute(*tasks, scheduler="threads", pool=pool)


def open_engine(
    stack: ExitStack, scheduler: str, workers: int | None, progress: Progress, stop: Stop
) -> Engine:
    """An engine for the time that the stack is open.

    Raises InputError for an address at which no scheduler answers.
    """
    if scheduler == "threads":
        return Engine(workers or dask.system.CPU_COUNT, None, progress, stop)
    from distributed import Client  # takes a second to import, and few runs need it

    try:
        client = stack.enter_context(Client(scheduler, timeout=10, set_as_default=False))
    except (OSError, ValueError) as error:
        raise InputError(
            f"--scheduler {scheduler}: no dask scheduler answers there ({error});"
            " give `threads` or tcp://HOST:PORT"
        ) from None
    return Engine(workers or len(client.nthreads()) or 1, client, progress, stop)
