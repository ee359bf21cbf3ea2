"""A headless browser for the tests of the page: what goes wrong in it, and what axe finds."""

import json
import os
import shutil
import sqlite3
import urllib.request
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import cache
from pathlib import Path
from typing import Any

import psutil
import pytest
import shapely
from PIL import Image

from bench import page
from pipeline import quarter
from pipeline.runs.request import Outputs, Request, Selection
from pipeline.runs.run import run
from service.core.database import DATABASE
from tests.support.clusters import wait
from tests.support.runs import inputs_of
from tests.support.servers import serving

RUN = "quarter"
SIZE, PART = (300, 300), (180, 150)  # of the quarter, and of what was computed of it [m]
VARIABLE = "DAKLAAG_BROWSER"
DESKTOP = {"width": 1240, "height": 660}  # room for the legend; fewer pixels are drawn sooner
PHONE = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "is_mobile": True}
PATIENCE_MS = 60_000.0  # the graphics are computed by cores that others use as well
AXE = Path(__file__).parents[1] / "vendor" / "axe.min.js"
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
LOOK = """(tags) => axe.run(document, {runOnly: {type: "tag", values: tags}}).then(
  ({violations}) => violations.map(({id, nodes}) => `${id}: ${nodes[0].html}`))"""
SCREENS = [(1440, 900), (768, 1024), (390, 800), (320, 640)]
UNFOLD = """() => {
  for (const one of document.querySelectorAll("#panel details")) one.open = true;
}"""
WITHOUT_WEBGL = """() => {
  const real = HTMLCanvasElement.prototype.getContext;
  HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
    return kind.startsWith("webgl") ? null : real.call(this, kind, ...more);
  };
}"""
LISTEN = """() => {
  const pen = CanvasRenderingContext2D.prototype, write = pen.fillText;
  window.written = [];
  pen.fillText = function (...words) { window.written.push(words[0]); write.apply(this, words); };
}"""
WORKER = "service.jobs.work"
CANCELLED = "net::ERR_ABORTED"  # tiles of a view that was left


@dataclass
class Window:
    """A page of a browser. wrong: errors of its console and of what it asked; outside: what it
    asked of other hosts; asked: all addresses."""

    page: Any
    host: str
    wrong: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Listen."""
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("console", lambda said: said.type == "error" and self.wrong.append(said.text))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("requestfailed", self._failed)
        self.page.on("request", self._request)

    def _failed(self, request: Any) -> None:
        if request.failure != CANCELLED:
            self.wrong.append(f"{request.url}: {request.failure}")

    def _request(self, request: Any) -> None:
        self.asked.append(request.url)
        if not request.url.startswith((f"{self.host}/", "blob:", "data:")):
            self.outside.append(request.url)

    def answered(self, status: int) -> None:
        """What went wrong was an answer of that status, which a browser calls an error."""
        assert self.wrong and all(str(status) in said for said in self.wrong)
        self.wrong.clear()

    def go(self, link: str = "") -> None:
        """Open the map, with what a link says behind #, anew, and wait until it is shown."""
        self.page.goto("about:blank")
        self.page.goto(f"{self.host}/map/{link}")
        self.ready()

    def fresh(self) -> None:
        """The same as somebody who was never there sees it, with the browser's cache."""
        self.page.emulate_media(media="screen")
        self.page.unroute_all()
        self.page.evaluate("() => window.daklaag && localStorage.clear()")
        for seen in (self.wrong, self.outside, self.asked):
            seen.clear()
        self.go()

    def ready(self) -> None:
        """Wait until all of the page is shown."""
        self.page.wait_for_function("() => window.daklaag")
        self.page.evaluate("() => window.daklaag.ready")

    def idle(self) -> None:
        """Wait until the map has drawn what it shows."""
        self.page.wait_for_function("() => daklaag.map.loaded() && !daklaag.map.isMoving()")

    @property
    def link(self) -> str:
        """The address as the page writes it now; the browser tells of it a moment later."""
        address: str = self.page.evaluate("() => location.href")
        return address

    def speak(self, lang: str) -> None:
        """Choose a language, and wait until the page is written in it."""
        self.at(f"lang-{lang}").click()
        self.page.wait_for_selector(f"html[lang={lang}]")

    def at(self, testid: str) -> Any:
        """The element that is known to tests by this name."""
        return self.page.get_by_test_id(testid)

    def text(self, testid: str) -> str:
        """What such an element says."""
        text_shown: str = self.at(testid).inner_text()
        return text_shown

    def shown(self, layer: str) -> int:
        """How many features of a layer are drawn."""
        asked = "(id) => daklaag.map.queryRenderedFeatures({layers: [id]}).length"
        found: int = self.page.evaluate(asked, layer)
        return found

    def violations(self) -> list[str]:
        """What axe finds wrong: a rule, and the first element that breaks it."""
        if not self.page.evaluate("() => 'axe' in window"):
            self.page.evaluate(AXE.read_text("utf-8"))
        found: list[str] = self.page.evaluate(LOOK, list(RULES))
        return found

    def suits_everybody(self) -> None:
        """Axe finds nothing at any width in either language, with all of the panel unfolded."""
        before = self.page.viewport_size
        for lang in ("nl", "en"):
            self.speak(lang)
            self.page.evaluate(UNFOLD)
            for width, height in SCREENS:
                self.page.set_viewport_size({"width": width, "height": height})
                assert not self.violations(), (lang, width)
        self.page.set_viewport_size(before)

    def fine(self) -> None:
        """Nothing went wrong, and nobody else was asked."""
        assert not self.wrong, self.wrong
        assert not self.outside, self.outside


def saved_picture(window: Window) -> tuple[Any, str]:
    """The picture of the map that is saved, and what is written on it."""
    window.page.evaluate(LISTEN)
    with window.page.expect_download() as file:
        window.at("save-picture").click()
    with Image.open(file.value.path()) as drawn:
        drawn.load()  # which checks its sums
    written: list[str] = window.page.evaluate("() => window.written")
    return drawn, " ".join(written).replace("\N{NO-BREAK SPACE}", " ")


def choose(window: Window, place: str) -> None:
    """Count a place."""
    window.at("place").fill(place)
    window.at("place-option").first.click()


def about(value: float) -> str:
    """A sum in three digits, as the page says it."""
    if value < 1000:
        return whole(value)
    return f"{Context(prec=3, rounding=ROUND_HALF_UP).create_decimal(value):,.0f}"


def whole(value: float) -> str:
    """A number without decimals, as a browser rounds it."""
    return f"{Decimal(value).quantize(Decimal(1), ROUND_HALF_UP):,}"


def counted(window: Window, totals: dict[str, Any]) -> None:
    """Wait for the totals that are expected, and look whether all figures are theirs."""
    counts, kwh = totals["counts"], totals["kwh"]
    window.page.wait_for_selector(f'#totals[data-judged="{counts["judged"]}"][aria-busy="false"]')
    kinds = counts["class"] | {"rejected": counts["rejected"]}
    assert {name: window.text(f"count-{name}") for name in kinds} == {
        name: f"{number:,}" for name, number in kinds.items()
    }
    table = window.text("totals-table")
    panel = f"{totals['area_ha']['panel']:,.2f} ha"
    for said in (
        f"{counts['solar_suitable']:,}\t{panel}\t{about(kwh['solar'])}",
        f"{counts['wind_suitable']:,}\t\t{about(kwh['wind'])}", about(kwh["total"]),
    ):  # fmt: skip
        assert said in table


@dataclass(frozen=True)
class Spot:
    """A place on the map of a window. lon, lat [degrees]."""

    window: Window
    lon: float
    lat: float

    @property
    def pixel(self) -> tuple[float, float]:
        """Where it is now, from the left and the top of the page [px]."""
        box = self.window.at("map").bounding_box()
        asked = "(at) => { const { x, y } = daklaag.map.project(at); return [x, y]; }"
        x, y = self.window.page.evaluate(asked, [self.lon, self.lat])
        return box["x"] + x, box["y"] + y

    def click(self) -> None:
        """Click on it."""
        self.window.page.mouse.click(*self.pixel)


def bring(window: Window, roof: dict[str, Any]) -> Spot:
    """Bring a roof to the middle of what is seen of the map; gives what is to be clicked on."""
    point = shapely.geometry.shape(roof["geometry"]).representative_point()
    window.page.evaluate("(at) => daklaag.map.jumpTo({center: at, zoom: 18})", [point.x, point.y])
    window.idle()
    return Spot(window, point.x, point.y)


def browser_file() -> str:
    """The browser that DAKLAAG_BROWSER names, else Chromium; without one the test is skipped."""
    found = os.environ.get(VARIABLE) or shutil.which("chromium")
    if not found:
        pytest.skip(f"no chromium on the path, and {VARIABLE} names no browser")
    return found


def started() -> AbstractContextManager[Any]:
    """A browser."""
    return page.started(browser_file())


@contextmanager
def window(browser: Any, host: str, **context: Any) -> Iterator[Window]:
    """A page of somebody who was never there before; without movement, which takes time."""
    values = {"viewport": DESKTOP, "locale": "en-GB", "reduced_motion": "reduce"} | context
    somebody = browser.new_context(**values)
    try:
        yield Window(somebody.new_page(), host)
    finally:
        somebody.close()


@contextmanager
def window_of(host: str, collection: str) -> Iterator[Window]:
    """A page of somebody who was never there before, in a browser of its own, with the roofs of a
    collection; nothing may go wrong in it."""
    with started() as browser, window(browser, host) as one:
        one.go(f"#c={collection}")
        yield one
        one.fine()


@contextmanager
def suspended_jobs(state: Path) -> Iterator[None]:
    """Meanwhile the workers of the service that this process started stand still."""
    every = psutil.Process().children(recursive=True)
    workers = [each for each in every if WORKER in each.cmdline()]
    assert workers
    wait(lambda: suspended(workers, state / DATABASE))
    try:
        yield
    finally:
        for each in workers:
            each.resume()


def suspended(workers: list[psutil.Process], database: Path) -> bool:
    """Suspend processes, unless one of them is writing in the database, which others need."""
    for each in workers:
        each.suspend()
    with closing(sqlite3.connect(database, timeout=0)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            for each in workers:
                each.resume()
            return False
    return True


@cache
def quarter_of(base: Path) -> Path:
    """A folder with the inputs of a quarter (`in`), and a run of its north-western half only
    (`quarter`); made once for all tests."""
    folder = base / "browsed"
    made = quarter.generate(folder / "in", size=SIZE, resolution=0.5)
    west, _, _, north = made.bounds
    part = ",".join(map(str, (west, north - PART[1], west + PART[0], north)))
    run(Request(inputs_of(made), Outputs(folder / "quarter"), Selection(area=part)))
    return folder


@contextmanager
def service(base: Path, state: Path, *words: object) -> Iterator[str]:
    """The address of a service over it."""
    folder = quarter_of(base)
    data = ("--data", folder / "quarter", "--data", folder / "in")
    with serving(state, *data, "--state", state, "--workers", 1, *words) as host:
        yield host


def told(host: str, path: str, body: Any = None, method: str = "", **headers: str) -> Any:
    """What the service itself answers, to hold beside what the page says."""
    sent = None if body is None else json.dumps(body).encode()
    kind = {"Content-Type": "application/json"} if sent else {}
    asked = urllib.request.Request(f"{host}/{path}", sent, kind | headers, method=method or None)
    with urllib.request.urlopen(asked, timeout=PATIENCE_MS / 1000) as answer:
        return json.loads(answer.read() or b"null")


def summed(host: str, **inputs: Any) -> dict[str, Any]:
    """The totals of an area as the service says them."""
    found = told(host, "processes/summary/execution", {"inputs": {"collection": RUN} | inputs})
    return dict(found["totals"])


def roofs(host: str, collection: str = RUN) -> dict[int, dict[str, Any]]:
    """All roofs of a run by their row."""
    found = told(host, f"collections/{collection}/items?limit=1000")
    return {feature["id"]: feature for feature in found["features"]}
