"""What was decoded last, within a bound of memory."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """Values by key, of which those used longest ago are given up. Safe in threads: what several
    ask for at once is made once."""

    def __init__(self, most: int, size: Callable[[T], int]) -> None:
        """most: bytes of all values together; size: the bytes of one."""
        self.most, self.held = most, 0
        self._size = size
        self._values: OrderedDict[Hashable, T] = OrderedDict()
        self._making: dict[Hashable, Lock] = {}
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value of a key, made if it is not there; what `make` raises goes to who asked."""
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
                self._keep(key, value)
            finally:
                with self._lock:
                    self._making.pop(key, None)
        return value

    def _keep(self, key: Hashable, value: T) -> None:
        with self._lock:
            if key in self._values:
                return
            self._values[key] = value
            self.held += self._size(value)
            while self.held > self.most:
                self.held -= self._size(self._values.popitem(last=False)[1])
