"""Whose turn it is: one visitor with many requests is not in the way of others."""

import threading

import anyio
import pytest

from service.api.limits import Turns
from service.core.keys import Client
from tests.support.clusters import PATIENCE_S

VISITORS = [Client(f"visitor-{n}", "visitor") for n in range(6)]
KEY = Client("zeeland", "key")


def begun(asked: list[tuple[Client, str]], at_once: int) -> tuple[list[int], int]:
    """The order in which tasks begin that are asked for in that order, and how many run at once;
    none ends before all are asked for."""
    order: list[int] = []
    running, most, lock, asked_all = 0, 0, threading.Lock(), threading.Event()

    def task(number: int) -> None:
        nonlocal running, most
        with lock:
            order.append(number)
            running += 1
            most = max(most, running)
        assert asked_all.wait(PATIENCE_S)
        with lock:
            running -= 1

    async def all_of_them() -> None:
        turns = Turns(at_once)
        with anyio.fail_after(PATIENCE_S):
            async with anyio.create_task_group() as group:
                for number, (client, address) in enumerate(asked):
                    group.start_soon(turns.run, client, address, task, number)
                while running < at_once:
                    await anyio.sleep(0.005)
                asked_all.set()
        assert not turns._own

    anyio.run(all_of_them)
    return order, most


def test_many_of_one_address_do_not_keep_another_waiting() -> None:
    """Whatever cookies they come with."""
    many = [(client, "203.0.113.9") for client in VISITORS]
    order, most = begun([*many, (VISITORS[0], "198.51.100.1")], at_once=2)
    assert most == 2
    assert set(order[:2]) == {0, 6}


@pytest.mark.parametrize("at_once", [1, 2])
def test_keys_share_all_places(at_once: int) -> None:
    order, most = begun([(KEY, "203.0.113.9")] * 4, at_once)
    assert (sorted(order), most) == ([0, 1, 2, 3], at_once)
