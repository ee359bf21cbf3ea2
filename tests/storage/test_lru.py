"""A cache within a bound of memory: made once, and the least recently used is dropped first."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pipeline.errors import InputError
from pipeline.storage.lru import LRUCache


def test_a_value_for_several_threads_is_made_once() -> None:
    made: list[int] = []
    cache: LRUCache[bytes] = LRUCache(25, len)

    def make(key: int) -> Callable[[], bytes]:
        return lambda: made.append(key) or bytes(10)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: cache.get(key, make(key)), [1, 2] * 40))
    assert sorted(made) == [1, 2] and cache.nbytes == 20
    cache.get(1, make(1)), cache.get(3, make(3))  # 2 was used longest ago
    cache.get(1, make(1)), cache.get(2, make(2))
    assert sorted(made) == [1, 2, 2, 3] and cache.nbytes == 20


def test_a_failure_is_not_cached() -> None:
    cache: LRUCache[bytes] = LRUCache(25, len)

    def fail() -> Any:
        raise InputError("no")

    with pytest.raises(InputError):
        cache.get(1, fail)
    assert cache.get(1, lambda: b"yes") == b"yes"
    assert len(cache.get(2, lambda: bytes(99))) == 99 and cache.nbytes == 0  # larger than all
