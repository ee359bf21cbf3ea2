"""Limits: requests a minute by address, bytes and nesting of a request."""

import asyncio
import contextlib
import ipaddress
import math
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import nullcontext
from itertools import chain
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import anyio
import anyio.to_thread
from pydantic_core import from_json
from starlette.types import Message, Receive, Scope

from service.core.keys import Client
from service.core.problem import Problem

T = TypeVar("T")

MOST_ADDRESSES = 20_000  # that are remembered, 200 bytes each
BODY_S = 60.0  # s in which a request must be sent
MOST_DROPPED = 100_000_000  # bytes that are read of one that is refused
DEEPEST = 64  # arrays and objects within each other; GeoJSON has 8
# What may be a number beyond float64 or int64, or a character 0; a look at the values tells.
SUSPECT = re.compile(rb"\d{19}|[eE]\+?\d{3}|\\u0000")


class Buckets:
    """A bucket an address, that fills at a steady rate: who takes faster is told to wait.

    An address is that of IPv4, or the network of 64 bits of IPv6, which one household has.
    """

    def __init__(
        self, amount: float, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._pause, self._span, self._clock = seconds / amount, seconds, clock
        self._full: OrderedDict[str, float] = OrderedDict()  # when each is full again

    def take(self, address: str, cost: float = 1.0) -> float:
        """Take, and 0; or nothing, and after how many seconds it will do."""
        now, address = self._clock(), network_of(address)
        full = max(self._full.get(address, now), now) + cost * self._pause
        if full - now > self._span + 1e-9:
            return full - now - self._span
        self._full[address] = full
        self._full.move_to_end(address)
        if len(self._full) > MOST_ADDRESSES:
            self._full.popitem(last=False)
        return 0.0

    def give(self, address: str, cost: float = 1.0) -> None:
        """Give back what was taken for nothing."""
        address = network_of(address)
        if address in self._full:
            self._full[address] -= cost * self._pause


def address_of(scope: Scope) -> str:
    """Address of the client; that of a proxy unless it is one of the setting `proxies`."""
    client = scope.get("client")
    return str(client[0]) if client else "unknown"


def network_of(address: str) -> str:
    """An address, or the network of an IPv6 address."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if parsed.version == 4:
        return str(parsed)
    mapped = parsed.ipv4_mapped
    return str(mapped or ipaddress.ip_network((parsed, 64), strict=False).network_address)


class Turns:
    """What takes long, so many at once in all and one at once of a visitor's address: who asks for
    much at once waits for itself."""

    def __init__(self, at_once: int) -> None:
        self._all = anyio.CapacityLimiter(at_once)
        self._own = WeakValueDictionary[str, anyio.CapacityLimiter]()

    async def run(self, client: Client, address: str, task: Callable[..., T], *given: Any) -> T:
        """The result of a task, run in a thread when it is its client's turn."""
        own = None if client.trusted else network_of(address)
        turn = self._own.setdefault(own, anyio.CapacityLimiter(1)) if own else nullcontext()
        async with turn:
            return await anyio.to_thread.run_sync(task, *given, limiter=self._all)


def too_many(wait: float, subject: str = "requests") -> Problem:
    """The answer to an address whose bucket is empty for `wait` seconds more."""
    seconds = max(1, math.ceil(wait))
    detail = f"too many {subject} from this address; ask again after {seconds} s, or use a key"
    return Problem(429, detail, headers={"Retry-After": str(seconds)})


class Incoming:
    """The body of a request as it arrives. ended: whether all of it has come."""

    def __init__(self, receive: Receive) -> None:
        self._receive, self.ended = receive, False

    async def __call__(self) -> Message:
        """The next part."""
        message = await self._receive()
        self.ended = not message.get("more_body")
        return message

    async def drop(self) -> None:
        """Read what still comes, within limits, and forget it: many clients look for an answer only
        when they have sent all, and find none if the connection is closed meanwhile."""
        size = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(BODY_S):
                while not self.ended and size < MOST_DROPPED:
                    size += len((await self()).get("body", b""))


async def body_of(receive: Receive, announced: str | None, most: float) -> bytes:
    """All that is sent with a request. Raises Problem 413 beyond `most` bytes, 408 if it takes
    more than a minute, 400 if it ends too early."""
    if announced is not None and announced.isdigit() and int(announced[:20]) > most:
        raise _too_large(most)
    parts, size = [], 0
    try:
        async with asyncio.timeout(BODY_S):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Problem(400, "the request was cut off")
                part = message.get("body", b"")
                parts.append(part)
                size += len(part)
                if size > most:
                    raise _too_large(most)
                if not message.get("more_body"):
                    return b"".join(parts)
    except TimeoutError:
        raise Problem(408, f"the request took more than {BODY_S:.0f} s to arrive") from None


def _too_large(most: float) -> Problem:
    return Problem(
        413, f"the request is larger than {most / 1e6:g} MB; simplify its polygons, or send less"
    )


def replayed(body: bytes, receive: Receive) -> Receive:
    """A body that was read, once more; then the messages after it."""
    sent = False

    async def again() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def check_json(body: bytes) -> None:
    """Raise Problem 400 for what is not JSON (NaN, Infinity and half characters are not), or holds
    numbers beyond float64 or int64, the character 0, or more than 64 levels."""
    try:
        parsed = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise Problem(400, f"the request is not JSON: {str(error)[:100]}") from None
    level: list[Any] = [[parsed]]
    suspect = SUSPECT.search(body)
    for _ in range(DEEPEST + 1):
        inner = (chain(one, one.values()) if isinstance(one, dict) else one for one in level)
        values = [*chain.from_iterable(inner)]
        if suspect:
            _check_values(values)
        level = [each for each in values if isinstance(each, dict | list)]
        if not level:
            return
    raise Problem(400, f"the JSON is nested more than {DEEPEST} deep")


def _check_values(values: list[Any]) -> None:
    for value in values:
        if isinstance(value, float) and not math.isfinite(value):
            raise Problem(400, "a number in the JSON is too large")
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise Problem(400, "a number in the JSON is too large")
        if isinstance(value, str) and "\0" in value:
            raise Problem(400, "a text in the JSON holds the character 0")
