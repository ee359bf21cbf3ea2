"""A cache of what was decoded last, within a bound of memory."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class LRUCache(Generic[T]):
    """Values by key, of which the least recently used are dropped. Safe in threads: what several
    ask for at once is made once."""

    def __init__(self, limit: int, size: Callable[[T], int]) -> None:
        """limit: of all values together [bytes]; size: the bytes of one."""
        self.limit, self.nbytes = limit, 0
        self._size = size
        self._values: OrderedDict[Hashable, T] = OrderedDict()
        self._making: dict[Hashable, Lock] = {}
        self._lock = Lock()

    def holds(self, key: Hashable) -> bool:
        """Whether the value of a key is there."""
        with self._lock:
            return key in self._values

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value of a key, made if it is not there. Raises what `make` raises."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
            making = self._making.setdefault(key, Lock())
        with making:
            with self._lock:
                if key in self._values:
                    return self._values[key]
            try:
                value = make()
                self._add(key, value)
            finally:
                with self._lock:
                    self._making.pop(key, None)
        return value

    def _add(self, key: Hashable, value: T) -> None:
        with self._lock:
            if key in self._values:
                return
            self._values[key] = value
            self.nbytes += self._size(value)
            while self.nbytes > self.limit:
                self.nbytes -= self._size(self._values.popitem(last=False)[1])
