"""What the page asks of a reader's line and machine: bytes and time until the first picture and the
totals, tiles, frames in 3D.

python -m bench.page [--rounds N] [--data RUN ...] [--browser FILE] [--json FILE]

A town of rows of houses, as dense as the middle of Delft or Amsterdam, is generated, judged by
`annual` and `powermapping`, and served; --data asks a service of other runs, of which the first is
measured. A browser without a GPU draws by the processor: frames are measured of a sixteenth of the
pixels as well, where what is left is the page's own work.
"""

import argparse
import asyncio
import gzip
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from bench.asking import Connection, ask
from bench.load import Place, serving
from bench.machine import machine
from bench.result import Row, check_free, result, write
from bench.rounds import aim, tell
from bench.table import table
from bench.targets import Target
from pipeline.errors import InputError
from pipeline.output.tiles.scheme import MapTile

SIDE = 1200.0  # of the town [m]: 5,900 roofs
LINE = {  # slow 4G, as Lighthouse has it [ms, bytes a second]
    "offline": False, "latency": 150,
    "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 0.75e6 / 8,
}  # fmt: skip
SCREENS: dict[str, dict[str, Any]] = {
    "telephone": {
        "viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True,
    },
    "desktop": {"viewport": {"width": 1440, "height": 900}},
}  # fmt: skip
ARGUMENTS = (
    "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist",
)  # fmt: skip
PATIENCE_MS = 120_000
OPENED_S = 3.0  # after its start, when a service has opened what is large
TILES = (("planes", 16), ("buildings", 16), ("buildings", 15), ("buildings", 14))
SHOWN = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  while (!window.daklaag) await frame();
  let totals = null;
  const count = (async () => {
    while (!document.querySelector("#totals[data-judged][aria-busy=false]")) await frame();
    totals = performance.now();
  })();
  await Promise.all([daklaag.ready, count]);
  return [performance.now(), totals];
}"""
MOVED = """async (hash) => {
  const tasks = [], frames = [];
  new PerformanceObserver((seen) => tasks.push(...seen.getEntries().map((one) => one.duration)))
    .observe({ type: "longtask" });
  let last = null, goes = true;
  const tick = (now) => {
    if (last !== null) frames.push(now - last);
    last = now;
    if (goes) requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  location.hash = hash;
  while (!daklaag.corners) await wait(50);
  for (const step of [{ bearing: 60 }, { zoom: 17.5 }, { zoom: 16.5, bearing: 0 }]) {
    await new Promise((done) => {
      daklaag.map.once("moveend", done);
      daklaag.map.easeTo({ ...step, duration: 2000, essential: true });
    });
    await wait(1500);
  }
  goes = false;
  return [frames, tasks, daklaag.corners];
}"""
LIGHT = Target("<= 600 kB", "kb", 600)
SOON = Target("<= 4,500 ms", "median_ms", 4500)
COLD, WARM = Target("<= 100 ms", "median_ms", 100), Target("<= 50 ms", "median_ms", 50)
SMOOTH = Target("<= 200 ms", "most_ms", 200)


def town(folder: Path) -> Place:
    """A generated town, and finished runs of both methods."""
    from pipeline.quarter.roofscape import terraced_town, write_roofs
    from pipeline.runs.request import Request
    from pipeline.runs.run import run

    files = write_roofs(folder / "inputs", terraced_town(SIDE))
    inputs = {key: tuple(map(str, getattr(files, key))) for key in ("dsm", "dtm")}
    methods = ("annual", "powermapping")
    for method in methods:
        out = folder / method
        run(Request.of(**inputs, buildings=(str(files.buildings),), method=method, out=out))
    return Place((*(folder / method for method in methods), folder / "inputs"), None)


class View(NamedTuple):
    """A collection, and its middle [degrees]."""

    collection: str
    lon: float
    lat: float

    def link(self, zoom: float, pitch: int = 0, layers: str = "") -> str:
        """What stands behind # of a link to its middle."""
        return f"#c={self.collection}&at={self.lat},{self.lon},{zoom},{pitch},0&layers={layers}"


class Page:
    """The page of a service, as measured; `rows` grows."""

    def __init__(self, place: Place, state: Path, rounds: int) -> None:
        self._place, self._state, self._rounds = place, state, rounds
        self.rows: list[Row] = []

    def measure(self, file: str | None) -> None:
        """Measure all, the page in a browser."""
        tell("page: tiles")
        asyncio.run(self._tiles())
        with serving(self._place, self._state) as (host, _):
            view = asyncio.run(view_of(host))
            with started(file) as browser:
                self._browsed(browser, host, view)

    def _browsed(self, browser: Any, host: str, view: View) -> None:
        town, street = f"#c={view.collection}", view.link(17)
        for screen in SCREENS:
            for name, link in (("the town", town), ("a street", street)):
                self._opened(browser, f"{host}/map/{link}", f"{name}, {screen}", screen)
            for coding in ("gzip", "identity"):
                name = f"the town, {screen}, as {coding}"
                self._opened(browser, f"{host}/map/{town}", name, screen, coding)
        for scale in (1.0, 0.25):
            self._moved(browser, host, view, scale)

    async def _tiles(self) -> None:
        """Tiles of the middle by services that just started, or a while ago; then those around."""
        for pause in (0.0, OPENED_S):
            first: list[float] = []
            for _ in range(self._rounds):
                with serving(self._place, self._state) as (host, _):
                    view = await view_of(host)
                    await asyncio.sleep(pause)
                    first.append((await timed(host, view, "planes", 16, 0, 0))[0])
                    warm = {each: await around(host, view, *each) for each in TILES}
            when = f"{pause:g} s after its start" if pause else "at its start"
            self._add(f"tile, planes, zoom 16, first of a service, {when}", first, COLD)
        for (layer, zoom), every in warm.items():
            body = max((body for _, body in every), key=len)
            size = {"kb": len(body) / 1e3, "unpacked_kb": len(gzip.decompress(body)) / 1e3}
            goal = WARM if layer == "planes" else None
            self._add(f"tile, {layer}, zoom {zoom}, warm", [ms for ms, _ in every], goal, **size)

    def _opened(
        self, browser: Any, link: str, name: str, screen: str, coding: str | None = None
    ) -> None:
        tell(f"page: {name}")
        rounds = 1 if coding else self._rounds
        found = [opened(browser, link, SCREENS[screen], coding) for _ in range(rounds)]
        kb = median(one.bytes for one in found) / 1e3
        light, soon = (None, None) if coding else (LIGHT, SOON)
        self._add(f"{name}: first picture", [one.picture_ms for one in found], light, kb=kb)
        self._add(f"{name}: totals", [one.totals_ms for one in found], soon)

    def _moved(self, browser: Any, host: str, view: View, scale: float) -> None:
        tell(f"page: 3D at a scale of {scale:g}")
        with window(browser, SCREENS["desktop"] | {"device_scale_factor": scale}) as page:
            page.goto(f"{host}/map/{view.link(16.5, 60)}")
            page.evaluate(SHOWN)
            frames, tasks, corners = page.evaluate(MOVED, view.link(16.5, 60, "3d"))
        name = f"3D, {corners:,} corners" + (", a sixteenth of the pixels" if scale < 1 else "")
        self._add(f"{name}: frames", frames, SMOOTH)
        self._add(f"{name}: tasks of the page of 50 ms and more", tasks or [0.0])

    def _add(self, name: str, ms: list[float], target: Target | None = None, **more: float) -> None:
        row: Row = {"group": "page", "name": name, "cells": None, "copies": None, "spread": None}
        row |= {"least_ms": min(ms), "median_ms": median(ms), "most_ms": max(ms), **more}
        self.rows.append(row | {"rounds": len(ms)})
        if target:
            aim(self.rows[-1], target)


async def view_of(host: str) -> View:
    """The first collection of a service."""
    first = (await ask(host, "/collections"))["collections"][0]
    west, south, east, north = first["extent"]["spatial"]["bbox"][0]
    return View(first["id"], (west + east) / 2, (south + north) / 2)


async def timed(
    host: str, view: View, layer: str, zoom: int, right: int, down: int
) -> tuple[float, bytes]:
    """Milliseconds and body, as it is sent, of a tile that is so many beside the middle."""
    tile, connection = MapTile.at(view.lon, view.lat, zoom), Connection(host)
    path = f"/collections/{view.collection}/tiles/{layer}/{zoom}/{tile.x + right}/{tile.y + down}"
    try:
        begin = time.perf_counter()
        status, body = await connection.ask(path)
        took = time.perf_counter() - begin
    finally:
        await connection.close()
    if status != 200:
        raise RuntimeError(f"{path}: answered {status}")
    return 1000 * took, body


async def around(host: str, view: View, layer: str, zoom: int) -> list[tuple[float, bytes]]:
    """The tiles with anything around that of the middle, which were not asked for before."""
    beside = [(right, down) for right, down in product((-1, 0, 1), repeat=2) if right or down]
    found = [await timed(host, view, layer, zoom, *each) for each in beside]
    return [(ms, body) for ms, body in found if body]


class Opening(NamedTuple):
    """When the first picture and the totals of an opened page were shown [ms], and all bytes that
    came until then."""

    picture_ms: float
    totals_ms: float
    bytes: int


def opened(browser: Any, link: str, screen: dict[str, Any], coding: str | None = None) -> Opening:
    """The page at a link, as somebody sees it who was never there. coding: the only one of
    responses that the browser takes, by default all that it can."""
    headers = {"extra_http_headers": {"Accept-Encoding": coding}} if coding else {}
    asked: list[Any] = []
    with window(browser, screen | headers) as page:
        page.on("requestfinished", lambda one: asked.append(one))
        line = page.context.new_cdp_session(page)
        line.send("Network.enable")
        line.send("Network.emulateNetworkConditions", LINE)
        page.goto(link)
        shown, totals = page.evaluate(SHOWN)
        return Opening(shown, totals, sum(map(bytes_of, asked)))


def bytes_of(request: Any) -> int:
    """The bytes of a response as it is sent. Of the map's worker the browser says the head only."""
    sizes, length = request.sizes(), request.response().headers.get("content-length", "0")
    return int(sizes["responseHeadersSize"] + (sizes["responseBodySize"] or int(length)))


@contextmanager
def window(browser: Any, options: dict[str, Any]) -> Iterator[Any]:
    """A page with nothing kept from before."""
    context = browser.new_context(**options)
    try:
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        yield page
    finally:
        context.close()


@contextmanager
def started(file: str | None) -> Iterator[Any]:
    """A browser: of a file, else playwright's own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=file, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


def browser_file() -> str | None:
    """The browser that DAKLAAG_BROWSER names, else Chromium of the path, else playwright's own."""
    return os.environ.get("DAKLAAG_BROWSER") or shutil.which("chromium")


def check_playwright() -> None:
    """Raises InputError where it is not installed."""
    if find_spec("playwright") is None:
        raise InputError("playwright", "{source} is not installed", "pip install playwright")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.page", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--data", type=Path, action="append", default=[])
    parser.add_argument("--browser", default=browser_file())
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.json:
        check_free(options.json)
    check_playwright()
    host = machine()
    with tempfile.TemporaryDirectory(prefix="daklaag-page-") as name:
        folder = Path(name)
        os.environ["DAKLAAG_CACHE"] = str(folder / "cache")
        tell("page: generating and judging the town")
        place = Place(tuple(options.data), None) if options.data else town(folder)
        page = Page(place, folder / "state", options.rounds)
        page.measure(options.browser)
    measured = result("page", None, host, page.rows, [])
    if options.json:
        write(measured, options.json)
    print(table(measured))


if __name__ == "__main__":
    main()
