"""HTTP clients of a service: many in one thread, at little cost beside the service."""

import asyncio
import json
import random
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from pipeline.output.tiles.scheme import MapTile

LANES = 6  # requests of a client at a time, as a browser makes
TILES = 12  # of a view, over all of its layers
ARRIVE = 4  # pauses within which all clients arrive
SPREAD = 2  # tiles to each side of the middle
ZOOMS = (11, 18)  # from a city to a roof
SUMMARY = "/processes/summary/execution"
JSON = "application/json"


class Connection:
    """A connection that is kept, for one request after the other."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, path: str, sent: Any = None) -> tuple[int, bytes]:
        """Status and body of a response to GET, or to POST of a JSON body. Raises OSError or
        EOFError where the service breaks off."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        try:
            writer.write(self._request(path, sent))
            head = await reader.readuntil(b"\r\n\r\n")
            return _status(head), await reader.readexactly(_length(head))
        except BaseException:
            await self.close()
            raise

    def _request(self, path: str, sent: Any) -> bytes:
        body = b"" if sent is None else json.dumps(sent).encode()
        lines = [f"{'GET' if sent is None else 'POST'} {path} HTTP/1.1", "Accept-Encoding: gzip"]
        lines += [f"Host: {self._host}:{self._port}", f"Content-Length: {len(body)}"]
        lines += [f"Content-Type: {JSON}"] if body else []
        return "\r\n".join([*lines, "", ""]).encode() + body

    async def close(self) -> None:
        """Close it; the next request opens it again."""
        streams, self._streams = self._streams, None
        if streams:
            streams[1].close()
            with suppress(OSError):
                await streams[1].wait_closed()


def _status(head: bytes) -> int:
    return int(head.split(b" ", 2)[1])


def _length(head: bytes) -> int:
    """Length of the body; 0 without one."""
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    return 0


async def ask(address: str, path: str, sent: Any = None) -> Any:
    """The JSON of a response, by a connection of its own. Raises RuntimeError for any but 2xx."""
    connection = Connection(address)
    try:
        status, body = await connection.ask(path, sent)
    finally:
        await connection.close()
    if not 200 <= status < 300:
        raise RuntimeError(f"{path}: answered {status}: {body[:200].decode(errors='replace')}")
    return json.loads(body)


@dataclass(frozen=True)
class ServedLayer:
    """A layer of a collection: the template of its tiles, its zooms, its rectangle [degrees]."""

    template: str
    zooms: tuple[int, int]
    bounds: tuple[float, float, float, float]


@dataclass
class RequestLog:
    """The requests of clients: seconds of each response by kind, and the number of errors."""

    most: int
    seconds: dict[str, list[float]] = field(default_factory=lambda: {"tiles": [], "summaries": []})
    begun: int = 0
    errors: int = 0

    @property
    def answered(self) -> int:
        """The number of responses."""
        return sum(map(len, self.seconds.values()))

    def more(self) -> bool:
        """Whether another request is due; then it counts."""
        self.begun += 1
        return self.begun <= self.most

    async def time(self, kind: str, connection: Connection, path: str, sent: Any = None) -> None:
        """Send a request, and log its time."""
        begin = time.perf_counter()
        try:
            status, _ = await connection.ask(path, sent)
        except (OSError, EOFError):
            status = 0
        self.seconds[kind].append(time.perf_counter() - begin)
        self.errors += status != 200


class Person:
    """A user of the map: looks at a view, requests the summary of an area, and looks at another."""

    def __init__(
        self, address: str, layers: list[ServedLayer], areas: list[dict[str, Any]], number: int
    ) -> None:
        self._lanes = [Connection(address) for _ in range(LANES)]
        self._layers, self._areas, self._random = layers, areas, random.Random(number)

    async def ask(self, log: RequestLog, pause: float, at_once: int = LANES) -> None:
        """Send requests until there are enough. pause: between two views, on average [s]; at_once:
        requests at a time."""
        await asyncio.sleep(self._random.uniform(0, ARRIVE * pause))
        try:
            while log.begun < log.most:
                paths = iter(self._view())
                lanes = self._lanes[:at_once]
                await asyncio.gather(*(self._lane(log, paths, lane) for lane in lanes))
                if log.more():
                    area = self._random.choice(self._areas)
                    await log.time("summaries", self._lanes[0], SUMMARY, {"inputs": area})
                await asyncio.sleep(self._random.uniform(0.5, 1.5) * pause)
        finally:
            for lane in self._lanes:
                await lane.close()

    async def _lane(self, log: RequestLog, paths: Iterator[str], lane: Connection) -> None:
        for path in paths:
            if log.more():
                await log.time("tiles", lane, path)

    def _view(self) -> list[str]:
        """Tiles of the layers of a random zoom, around a random place."""
        z = self._random.randint(*ZOOMS)
        layers = [layer for layer in self._layers if layer.zooms[0] <= z <= layer.zooms[1]]
        west, south, east, north = layers[0].bounds
        place = self._random.uniform(west, east), self._random.uniform(south, north)
        return [self._tile(self._random.choice(layers), z, place) for _ in range(TILES)]

    def _tile(self, layer: ServedLayer, z: int, place: tuple[float, float]) -> str:
        middle = MapTile.at(*place, z)
        x, y = (
            min(max(at + self._random.randint(-SPREAD, SPREAD), 0), (1 << z) - 1)
            for at in (middle.x, middle.y)
        )
        return layer.template.format(z=z, x=x, y=y)
