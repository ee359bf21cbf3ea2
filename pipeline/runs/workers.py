"""Where a run computes: by `auto` on threads, or on processes where that pays."""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from pipeline.engine.engine import Engine, Progress, Stop, cores, open_engine
from pipeline.engine.processes import Processes
from pipeline.engine.threads import Threads
from pipeline.grid.windows import TILE
from pipeline.methods.context import Context
from pipeline.runs.passes import unread_sheets
from pipeline.runs.prepare import Run
from pipeline.runs.request import AUTO

# What a thread decodes and computes, from four generated sheets of a city and of the country.
CELLS_A_SECOND = 88e6
FOOTPRINTS_A_SECOND = 18_000.0
SERIAL = 0.16  # part of a thread's time in which others wait that processes do not lose: 11.8 s on
# two threads are 10.4 on two processes, beside their start
START_S = 3.0  # until processes have imported what tasks need
WORKER_BYTES = 2 << 30  # that a process holds at most: 1.8 GiB on the nation at 5 m, 0.9 on sheets


def engine_of(
    stack: ExitStack, run: Run, progress: Progress, stop: Stop, seen: tuple[Path, ...] = ()
) -> Engine:
    """The engine that a run asks for; see `open_engine`."""
    scheduler, workers = run.request.resources.scheduler, run.request.resources.workers
    count = workers or cores()
    chosen = scheduler_for(run.context, scheduler, count)
    if chosen == Processes.name:
        workers = min(count, most_tasks(run.context))
    return open_engine(stack, chosen, workers, progress, stop, seen)


def engine_here(stack: ExitStack, run: Run, progress: Progress, stop: Stop) -> Engine:
    """The engine that a run asks for; instead of a cluster elsewhere, threads here."""
    resources = run.request.resources
    known = resources.scheduler in (AUTO, Processes.name)
    here = replace(resources, scheduler=resources.scheduler if known else Threads.name)
    request = replace(run.request, resources=here)
    return engine_of(stack, replace(run, request=request), progress, stop)


def scheduler_for(context: Context, scheduler: str, workers: int) -> str:
    """The scheduler of a run: of `auto` what is faster, if it has the memory for it.

    Threads wait for the interpreter, processes have to start: by Amdahl's law they save the part
    SERIAL x (1 - 1 / workers) of what one thread would take.
    """
    if scheduler != AUTO:
        return scheduler
    saved = _seconds(context) * SERIAL * (1 - 1 / workers)
    return Processes.name if saved > START_S and _have_memory(workers) else Threads.name


def most_tasks(context: Context) -> int:
    """How many tasks a stage has at most, about: more processes would only start and end."""
    return max(len(context.shards), len(unread_sheets(context)), 1)


def _seconds(context: Context) -> float:
    """What one thread would take, about [s]."""
    marked = int(context.requested.marked.sum()) * TILE**2
    unread = sum(sheet.window.size for sheet in unread_sheets(context))
    cells = 2 * marked + unread  # DSM and DTM
    return cells / CELLS_A_SECOND + context.scope.asked / FOOTPRINTS_A_SECOND


def _have_memory(workers: int) -> bool:
    """Whether the machine, or the part of it that this process may use, has memory for workers and
    the run itself."""
    from distributed.system import MEMORY_LIMIT  # takes half a second to import

    return bool((workers + 1) * WORKER_BYTES <= MEMORY_LIMIT)
