"""Tasks on threads: how many at once, what is told of them, stop and faults; terms for workers."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from pipeline.engine.cluster import WorkerRequirements
from pipeline.engine.engine import Engine, Stop, never_stop, no_progress, open_engine
from pipeline.engine.tasks import TASKS_A_WAVE, name_of
from pipeline.engine.threads import Threads
from pipeline.errors import InputError, Stopped
from pipeline.grid.windows import Shard
from tests.support.clusters import wait

NUMBERS = [(n,) for n in range(40)]


def engine(stop: Stop = never_stop, progress: Any = no_progress) -> Engine:
    return Engine(2, Threads(2), progress, stop)


def test_every_task_is_told_once_with_what_it_answers() -> None:
    told, steps = {}, []

    def double(shared: int, number: int, *, stop: Stop) -> int:
        return shared + 2 * number

    def on_done(argument: tuple[Any, ...], seconds: float, outcome: Any) -> None:
        assert argument not in told
        told[argument] = outcome

    one = engine(progress=lambda *step: steps.append(step))
    one.run("stage", double, NUMBERS, 40, shared=5, on_done=on_done)
    assert told == {(n,): 5 + 2 * n for n in range(40)}
    assert steps == [("stage", done, 40) for done in range(41)]


def test_no_more_are_under_way_than_a_wave() -> None:
    """Nor is more made ready."""
    made, done, most = 0, 0, 0

    def arguments() -> Iterator[tuple[int]]:
        nonlocal made, most
        for number in range(40):
            made += 1
            most = max(most, made - done)
            yield (number,)

    def on_done(*told: Any) -> None:
        nonlocal done
        done += 1

    engine().run("stage", lambda number, *, stop: None, arguments(), 40, on_done=on_done)
    assert (made, done, most) == (40, 40, 2 * TASKS_A_WAVE)


def test_a_fault_waits_for_what_is_under_way() -> None:
    """It tells its stage and shard, and the tasks that have not begun never do."""
    begun, ended, outcomes = [], [], []

    def task(shard: Shard, *, stop: Stop) -> None:
        begun.append(shard)
        if shard.row == 3:
            raise ValueError("odd")
        time.sleep(0.02)
        ended.append(shard)

    with pytest.raises(ValueError, match="odd") as fault:
        engine().run(
            "shade", task, [(Shard(n, 7),) for n in range(40)], 40,
            on_done=lambda *told: outcomes.append(told[2]),
        )  # fmt: skip
    assert fault.value.__notes__ == ["in shade 3_7"]
    assert len(begun) == len(ended) + 1 < 40
    assert outcomes[-1] is fault.value


def test_a_stop_ends_what_is_under_way() -> None:
    asked, begun, heard = threading.Event(), [], []

    def task(number: int, *, stop: Stop) -> None:
        begun.append(number)
        asked.set()
        wait(stop)
        heard.append(number)
        raise Stopped

    threads = set(threading.enumerate())
    with pytest.raises(Stopped):
        engine(stop=asked.is_set).run("stage", task, NUMBERS, 40)
    assert len(begun) <= 2 * TASKS_A_WAVE
    assert sorted(heard) == sorted(begun)
    assert threads.issuperset(threading.enumerate())


@pytest.mark.parametrize(
    ("argument", "name"),
    [((Shard(3, 4), 5), "3_4"), (("a", Shard(1, 1)), "a"), ((5, None), ""), ((), "")],
)
def test_names_of_tasks(argument: tuple[Any, ...], name: str) -> None:
    assert name_of(argument) == name


def test_a_worker_must_see_what_the_run_sees(tmp_path: Path) -> None:
    WorkerRequirements(version("daklaag"), (tmp_path,)).check_here("tcp://w:1")
    with pytest.raises(InputError) as fault:
        WorkerRequirements(version("daklaag"), (tmp_path, tmp_path / "elsewhere")).check_here(
            "tcp://w:1"
        )
    assert str(fault.value) == (
        f"the worker at tcp://w:1 does not see {tmp_path}/elsewhere; every machine must, under that"
        " name (docs/cluster.md)"
    )


@pytest.mark.parametrize(
    ("found", "said"), [("9.9", "version 9.9"), (ModuleNotFoundError(), "no daklaag")]
)
def test_a_worker_must_have_the_version(found: Any, said: str) -> None:
    with pytest.raises(InputError, match=f"the worker at w has {said}, but here is 1.0; install"):
        WorkerRequirements("1.0", ()).check("w", found)


def test_an_address_that_is_none() -> None:
    with (
        ExitStack() as stack,
        pytest.raises(InputError, match=r"give `auto`, `threads`, `processes` or tcp://HOST:PORT"),
    ):
        open_engine(stack, "treads", None, no_progress, never_stop)
