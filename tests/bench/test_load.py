"""The load that is measured: what it asks, what it counts, and what it says of memory."""

import asyncio
import random
from pathlib import Path

import pytest

from bench.asking import SUMMARY, TILES, Connection, Person, RequestLog, ServedLayer
from bench.load import Load, Usage, generated, serving
from bench.result import Row, result
from bench.table import table
from tests.bench.test_bench import MACHINE

BOUNDS = (4.90, 52.30, 4.95, 52.35)
REQUESTS = 100


@pytest.mark.slow
def test_a_small_load(tmp_path: Path) -> None:
    rows: list[Row] = []
    place = generated(tmp_path, 300.0)
    with serving(place, tmp_path / "state") as (address, pid):
        load = Load(address, pid, place, rows)
        asyncio.run(load.measure(clients=4, requests=REQUESTS, pause=0.5, jobs=1))
    named = {row["name"]: row for row in rows}
    one = "one after another without a pause, while a job runs"
    for when in ("while a job runs", one, "without a pause, no job"):
        assert named[f"errors, {when}"]["errors"] == 0
        kinds = [named[f"{kind}, {when}"] for kind in ("tiles", "summaries")]
        assert sum(row["asked"] for row in kinds) == REQUESTS
        assert all(0 < row["p50_ms"] <= row["p99_ms"] <= row["max_ms"] for row in kinds)
        assert f"memory of the service, {when}" in named
    said = table(result("load", None, MACHINE, rows, []))
    assert said.count(": met") + said.count(": missed") == sum("target" in row for row in rows) > 3


def test_a_view_is_of_tiles_that_there_are() -> None:
    pictures = ServedLayer("/p/{z}/{x}/{y}", (5, 18), BOUNDS)
    outlines = ServedLayer("/o/{z}", (14, 16), BOUNDS)
    person = Person("http://127.0.0.1:9", [pictures, outlines], [], 1)
    views = [person._view() for _ in range(200)]
    assert {len(view) for view in views} == {TILES}
    paths = {path for view in views for path in view}
    assert {path for path in paths if path.startswith("/o/")} == {"/o/14", "/o/15", "/o/16"}
    assert len(paths) > 500


def test_what_breaks_off_or_is_refused_is_an_error() -> None:
    async def ask() -> RequestLog:
        async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            if b"/gone" not in head:
                writer.write(b"HTTP/1.1 429 Too Many\r\ncontent-length: 2\r\n\r\nno")
            writer.close()
            await writer.wait_closed()

        server = await asyncio.start_server(refuse, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        asked = RequestLog(3)
        here = Connection(f"http://127.0.0.1:{port}")
        await asked.time("tiles", here, "/tile")
        await here.close()
        await asked.time("tiles", here, "/gone")
        server.close()
        await server.wait_closed()
        await asked.time("summaries", here, SUMMARY, {})
        return asked

    asked = asyncio.run(ask())
    assert (asked.errors, asked.answered) == (3, 3)


@pytest.mark.parametrize(("grown", "flat"), [(0.0, True), (30e3, False)])
def test_memory_that_grows_is_seen(grown: float, flat: bool) -> None:
    usage, draw = Usage(0), random.Random(2)
    for answered in range(0, 10_000, 50):
        full = min(answered / 500, 1.0) * 100e6  # what is kept fills at first
        size = 300e6 + full + grown * answered + draw.uniform(-1e6, 1e6)
        usage.samples.append((answered, 0.0, round(size)))
    first, last, slope = usage.memory()
    assert first == pytest.approx(400 + 2400 * grown / 1e6, abs=1)
    assert slope == pytest.approx(grown / 1e3, abs=0.2)
    assert (last / first <= 1.05) == flat
