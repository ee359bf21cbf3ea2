"""What somebody without a key does on the map of a service that asks for keys: areas compared and
taken along, a job, marks; each in a real browser, held beside what the service itself answers."""

import csv
import json
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from tests.support import browsers
from tests.support.browsers import (
    RUN,
    Window,
    about,
    bring,
    choose,
    counted,
    roofs,
    saved_picture,
    summed,
    told,
)
from tests.support.clusters import wait
from tests.support.commands import call

pytestmark = pytest.mark.slow

WHOLE = "GM9999"  # more than was computed
PLACES = {"Noordwest": "BU99990001", "Noordoost": "BU99990002"}
BEYOND = "#area=circle:4.91760,52.31900,90"  # a corner of the inputs, and what is not there
PAGES = re.compile(rb"/Type\s*/Page\b")
FAILED = {"status": "failed", "message": "a sheet cannot be read"}
REASON = "Vleermuizen onder de dakrand"
HALF_WAY = """() => {
  const {value} = document.getElementById("job-bar");
  return value > 0 && value < 100;
}"""
SEEN = """(id) => {
  const box = (one) => document.getElementById(one).getBoundingClientRect();
  const [it, panel] = [box(id), box("panel")];
  return it.height > 0 && it.top >= panel.top && it.bottom <= panel.bottom;
}"""
FITS = (
    "(id) => { const it = document.getElementById(id); return it.scrollWidth <= it.clientWidth; }"
)
VISIBLE = """(those) => [...document.querySelectorAll(those)]
  .filter((one) => one.checkVisibility({visibilityProperty: true}))
  .filter((one) => one.getBoundingClientRect().width)
  .map((one) => one.innerText.trim()).filter(Boolean)"""
HIDDEN = (
    """() => !daklaag.map.queryRenderedFeatures({layers: ["marks-edge", "marks-points"]}).length"""
)
PRINTED = """() => {
  dispatchEvent(new Event("beforeprint"));
  return document.getElementById("paper").textContent;
}"""


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the service."""
    return tmp_path_factory.mktemp("closed")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory, state: Path) -> Iterator[str]:
    """A service that lets nobody do everything."""
    # A visitor's pace would be a reader's; all of these come within a minute.
    words = ("--no-open", "--requests-a-minute", 100_000)
    with browsers.service(tmp_path_factory.getbasetemp(), state, *words) as address:
        yield address


@pytest.fixture(scope="module")
def operator(host: str, state: Path) -> dict[str, str]:
    """The headers of whoever runs it."""
    key = call("keys", "add", "beheer", "--operator", "--state", state, "-q").output.strip()
    return {"Authorization": f"Bearer {key}"}


def test_areas_are_compared(window: Window, host: str) -> None:
    """In a table, and as CSV with the figures of the service."""
    expected = {name: summed(host, area=code) for name, code in PLACES.items()}
    for name, totals in expected.items():
        choose(window, name)
        counted(window, totals)
        window.at("households").fill("40")
        window.at("households-go").click()
        window.at("totals-share").wait_for()
        window.at("compare-add").click()
        window.at("tab-area").click()
    window.at("tab-compare").click()
    assert not window.violations()
    with window.page.expect_download() as file:
        window.at("compare-save").click()
    rows = list(csv.DictReader(StringIO(Path(file.value.path()).read_text("utf-8"))))
    assert [row["area"] for row in rows] == [*expected]
    for row in rows:
        totals = expected[row["area"]]
        assert int(row["roofs_judged"]) == totals["counts"]["judged"]
        assert float(row["total_kwh"]) == totals["kwh"]["total"]
        assert row["households_given"] == "40"
        assert about(totals["kwh"]["total"]) in window.text("compare-table")
        asked = {"inputs": {"collection": RUN, "area": PLACES[row["area"]]}}
        complete = told(host, "processes/summary/execution", asked)["complete"]
        assert (row["complete"], row["heights"]) == (str(complete).lower(), "")
    assert "Households entered\t40\t40" in window.text("compare-table")
    window.at("compare-clear").click()
    assert window.at("compare-table").is_hidden()


def test_a_part_is_not_compared_as_the_whole(window: Window, host: str) -> None:
    """It says so in the table and in the file; a drawn area has the name that its reader gives."""
    window.go(f"#area=place:{WHOLE}")
    window.at("compare-add").click()
    window.go(BEYOND)
    window.at("area-name").fill("Schoolplein")
    window.at("area-name-go").click()
    window.page.wait_for_selector("#totals h2:text-is('Schoolplein')")
    window.at("compare-add").click()
    window.go(f"#area=place:{PLACES['Noordwest']}")
    window.at("compare-add").click()
    assert "Computed\tonly a part\tonly a part\twhole" in window.text("compare-table")
    assert "only a part was computed" in window.text("compare-parts")
    assert window.page.evaluate(FITS, "compare-scroll")
    window.suits_everybody()
    with window.page.expect_download() as file:
        window.at("compare-save").click()
    rows = list(csv.DictReader(StringIO(Path(file.value.path()).read_text("utf-8"))))
    assert [row["complete"] for row in rows] == ["false", "false", "true"]
    assert rows[1]["area"] == "Schoolplein"


def test_totals_come_back_with_the_service(window: Window, host: str) -> None:
    """Without a click."""
    asked = "**/processes/summary/execution"
    window.page.route(asked, lambda one: one.fulfill(status=503, body=""))
    window.go()
    window.page.wait_for_selector("#totals .error")
    window.page.unroute(asked)
    window.page.wait_for_selector("#totals .counts")
    assert not window.at("totals").locator(".error").count()
    window.answered(503)


def test_a_dutch_reader_sees_no_english_meanwhile(window: Window) -> None:
    """Neither while the words come, nor of licence and regions."""
    window.speak("nl")
    held: list[Any] = []
    window.page.route("**/texts/nl.json", lambda one: held.append(one))
    window.page.goto("about:blank")
    window.page.goto(f"{window.host}/map/")
    window.page.wait_for_selector("#panel", state="attached")
    assert window.page.evaluate(VISIBLE, "h1, h2, label, summary, button") == []
    assert held
    for one in held:
        one.continue_()
    window.ready()
    window.page.unroute("**/texts/nl.json")
    assert "Zon en wind op de daken" in window.page.evaluate(VISIBLE, "h1")
    sources = window.text("attribution")
    assert "zoals de bron bepaalt" in sources and "as published" not in sources
    assert not window.at("attribution").locator("[lang=en]").count()


def test_an_empty_service_says_where_heights_are(
    browser: Any, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, host: str
) -> None:
    """In words, and with a line around them on the map."""
    inputs = browsers.quarter_of(tmp_path_factory.getbasetemp()) / "in"
    with (
        browsers.serving(tmp_path, "--data", inputs, "--state", tmp_path) as empty,
        browsers.window(browser, empty) as window,
    ):
        window.go()
        west, south, east, north = told(empty, "map/config.json")["ground"]
        for edge in (west, south, east, north):
            assert f"{edge:.3f}" in window.text("ground")
        window.idle()
        assert window.shown("area-edge")
        view = window.page.evaluate("() => daklaag.map.getBounds().toArray().flat()")
        assert view[0] < west and view[1] < south and view[2] > east and view[3] > north
        assert view[2] - view[0] < 10 * (east - west)
        window.suits_everybody()
        window.fine()


def test_roofs_and_pictures_are_saved(window: Window, host: str) -> None:
    """Roofs, a picture, a page to print."""
    with window.page.expect_download() as file:
        window.at("save-roofs").click()
    saved = json.loads(Path(file.value.path()).read_text("utf-8"))
    assert {one["id"]: one for one in saved["features"]} == roofs(host)
    window.at("shadow").check()
    window.at("sun").fill("2")
    window.page.wait_for_function("() => location.hash.includes('sun=2')")
    ratio = "() => daklaag.map.getPixelRatio()"
    before, wide = window.page.evaluate(ratio), "() => daklaag.map.getContainer().clientWidth"
    drawn, written = saved_picture(window)
    assert drawn.info["dpi"] == pytest.approx((200, 200), abs=0.5)
    legend = 265  # CSS pixels of the map that are not on it
    assert drawn.width == pytest.approx((window.page.evaluate(wide) - legend) * 200 / 96, abs=3)
    assert len(drawn.convert("RGB").getcolors(1 << 24)) > 100
    for words in ("in shadow at 12:00 CET", "AHN version unknown", "made on ", "Computed: "):
        assert words in written
    assert window.page.evaluate(ratio) == before
    printed = window.page.pdf(prefer_css_page_size=True)
    assert len(PAGES.findall(printed)) == 1
    window.page.emulate_media(media="print")
    paper = window.page.locator("#paper").inner_text()
    assert about(summed(host)["kwh"]["total"]) in paper
    assert "AHN" in paper and "potentially suitable" in paper
    assert "is counted" not in paper and "A good place" not in paper
    assert window.at("map").is_hidden()


def test_a_link_holds_the_view(window: Window, browser: Any, host: str) -> None:
    """For somebody else."""
    choose(window, "noordw")
    counted(window, summed(host, area=PLACES["Noordwest"]))
    bring(window, next(iter(roofs(host).values()))).click()
    window.at("roof-flags").wait_for()
    window.at("shadow").check()
    window.at("sun").fill("3")
    window.speak("nl")
    window.page.wait_for_function("() => location.hash.includes('lang=nl')")
    link = window.link
    with browsers.window(browser, host) as other:
        other.page.goto(link)
        other.ready()
        where = "() => [...daklaag.map.getCenter().toArray(), daklaag.map.getZoom()]"
        assert other.page.evaluate(where) == pytest.approx(window.page.evaluate(where), abs=1e-4)
        for testid in ("roof-numbers", "sun-told", "tab-area"):
            assert other.text(testid) == window.text(testid)
        assert other.link == link
        other.at("tab-area").click()
        assert other.text("totals-title") == "Noordwest"
        other.fine()


def jobs_of(window: Window) -> list[dict[str, Any]]:
    """The jobs of whoever looks, as the service says them; the last one first."""
    jobs: list[dict[str, Any]] = window.page.request.get(f"{window.host}/jobs").json()["jobs"]
    return jobs


def test_an_area_is_computed(
    window: Window, browser: Any, host: str, state: Path, operator: Any
) -> None:
    """It waits behind another's job, goes on after reloads, and is shown; to its owner only."""
    order = {"inputs": {"area": "BU99990003", "layers": []}}
    told(host, "processes/suitability/execution", order, Prefer="respond-async", **operator)
    choose(window, "daklaag")
    counted(window, summed(host, area=WHOLE))
    assert window.page.locator("#totals .warning").count() == 1
    assert "outside the circle" not in window.text("legend")
    window.at("compute").click()
    window.at("job-box").wait_for()
    wait(lambda: 0 < jobs_of(window)[0]["progress"] < 100)
    with browsers.suspended_jobs(state):
        window.page.reload()
        window.ready()
        window.page.wait_for_function(HALF_WAY)
        assert window.page.locator("#job-left[title*=blocks]").count() == 1
    window.page.reload()
    window.ready()
    assert "Daklaag" in window.at("job-done").inner_text()
    name = window.at("collection").input_value()
    report = window.page.request.get(f"{host}/collections/{name}/files/report.json").json()
    assert report["counts"]["judged"] > summed(host)["counts"]["judged"]
    counted(window, report)
    assert name != RUN
    assert not window.page.locator("#totals .warning").count() + window.at("compute").count()
    window.page.wait_for_function("(name) => location.hash.includes(name)", arg=name)
    window.page.reload()
    window.ready()
    counted(window, report)
    with browsers.window(browser, host) as stranger:
        stranger.page.goto(window.link)
        stranger.ready()
        counted(stranger, summed(host, area=WHOLE))
        assert stranger.wrong and all("404" in said for said in stranger.wrong)


def test_an_area_beyond_the_inputs_is_not_offered_again(window: Window) -> None:
    """It is said, and not offered anew."""
    window.go(BEYOND)
    window.at("compute").click()
    window.at("job-done").wait_for()
    window.page.wait_for_selector("#totals .warning:text('there are no heights here')")
    assert not window.at("compute").count()
    window.page.wait_for_selector("#legend :text('outside the circle')")


def test_a_job_is_cancelled(window: Window, state: Path) -> None:
    """Why one failed is said to no Dutch reader in English."""
    choose(window, "noordo")
    window.at("compute").wait_for()
    with browsers.suspended_jobs(state):
        window.at("compute").click()
        window.at("job-cancel").click()
        window.page.wait_for_selector("#job :text('Cancelled')")
        assert [job["status"] for job in jobs_of(window)].count("dismissed") == 1
        window.speak("nl")
        window.page.route("**/jobs/*", lambda one: one.fulfill(json=FAILED))
        window.at("compute").click()
        window.page.wait_for_selector("#job-told:text-is('De berekening is mislukt.')")


def test_a_wish_becomes_public(window: Window, browser: Any, host: str, operator: Any) -> None:
    """Once it was read; its maker deletes it."""
    roof = next(iter(roofs(host).values()))
    bring(window, roof).click()
    window.at("roof-flags").wait_for()
    window.at("tab-marks").click()  # which takes it over
    assert roof["properties"]["id"] in window.text("mark-where")
    window.at("mark-kind-not_wanted").check()
    window.at("mark-what").select_option("turbines")
    window.at("mark-reason").fill(REASON)
    window.page.evaluate("() => { document.getElementById('marks').scrollTop = 0; }")
    window.at("mark-send").dispatch_event("click")
    window.at("mark-mine").wait_for()
    assert REASON in window.text("mark-mine") and "not read yet" in window.text("mark-mine")
    window.page.wait_for_selector("#mark-told:text('Thank you')")
    assert window.page.evaluate(SEEN, "mark-told")
    assert "kept for 730 days" in window.text("marks-kept")
    centre = window.page.evaluate("() => daklaag.map.getCenter()")
    link = f"#at={centre['lat']},{centre['lng']},18&layers=marks&tab=marks"
    with browsers.window(browser, host) as other:
        other.go(link)
        assert not other.at("mark-public").count() + other.at("mark-mine").count()
        (mark,) = told(host, "marks?status=pending", **operator)["features"]
        assert mark["properties"]["row"] == roof["id"]
        said = {"status": "approved", "with_text": True}
        told(host, f"marks/{mark['id']}", said, "PATCH", **operator)
        other.go(link)
        public = other.text("mark-public")
        assert REASON in public and roof["properties"]["id"] in public
        assert not other.at("mark-delete").count()
        other.idle()
        assert other.shown("marks-edge") == other.shown("marks-points") == 1
        assert "Not wanted here" in other.page.evaluate(PRINTED)
        other.at("marks-shown").uncheck()
        other.page.wait_for_function(HIDDEN)
        assert "Not wanted here" not in other.page.evaluate(PRINTED)
        other.fine()
    window.page.reload()
    window.ready()
    assert "public" in window.text("mark-mine")
    window.at("mark-delete").click()
    window.at("mark-mine").wait_for(state="detached")
    assert told(host, "marks")["features"] == []


def test_a_drawn_wish_stays(window: Window) -> None:
    """Until it is given up; wishes that do not come are not said to be none."""
    window.page.route("**/marks?*", lambda asked: asked.fulfill(status=503, body=""))
    window.go("#tab=marks")
    window.page.wait_for_selector("#marks-mine :text('busy')")
    assert "None" not in window.text("marks-mine") + window.text("marks-public")
    window.page.unroute("**/marks?*")
    window.at("mark-draw").click()
    box = window.at("map").bounding_box()
    for x, y in ((400, 150), (500, 150), (500, 250), (400, 150)):
        window.page.mouse.click(box["x"] + x, box["y"] + y)
    window.page.wait_for_selector("#mark-where:text('An area')")
    window.idle()
    assert window.shown("draft") and not window.shown("area-edge")
    window.at("mark-drop").click()
    window.idle()
    assert not window.shown("draft") and "Choose a roof" in window.text("mark-where")
    assert window.at("mark-drop").is_hidden()
    assert all("503" in said for said in window.wrong)
    window.wrong.clear()


def test_roofs_that_do_not_come(window: Window) -> None:
    """Are missed in words, until they come."""
    window.page.route("**/tiles/buildings/*/*/*", lambda asked: asked.fulfill(status=503))
    window.go()
    window.page.wait_for_selector("#lost:text('could not be fetched')")
    window.page.wait_for_selector("#loading:empty", state="attached")
    assert not window.violations()
    window.page.unroute("**/tiles/buildings/*/*/*")
    window.at("again").click()
    for gone in ("lost", "loading"):  # in this order: it is loading from the click on
        window.page.wait_for_selector(f"#{gone}:empty", state="attached")
    window.idle()
    assert window.shown("roofs-flat") and not window.text("lost")
    window.wrong.clear()


def test_a_roof_that_was_not_judged(window: Window, host: str) -> None:
    """Was not so by one cell, and has no size that nobody knows."""
    roof = next(iter(roofs(host).values()))
    told = {"rejected": "off_rasters", "class": None, "flags": ["one_cell"], "area_m2": 0}
    roof["properties"] |= told
    window.page.route(f"**/items/{roof['id']}", lambda asked: asked.fulfill(json=roof))
    window.go(f"#roof={roof['id']}&tab=roof")
    card = window.text("roof-card")
    assert "outside the measured heights" in card
    assert "judged by" not in card and "Roof area" not in card
    window.page.unroute(f"**/items/{roof['id']}")


def test_the_legend_leaves_the_map(window: Window, browser: Any, host: str) -> None:
    """It is closed on a small one, and with large letters no wider than it; the page is printed
    with what it shows."""
    legend = window.at("legend")
    assert legend.get_attribute("open") is not None
    choose(window, "noordw")
    window.page.wait_for_selector("#totals h2:text('Noordwest')")
    assert "is counted" in window.page.evaluate(PRINTED)
    window.page.evaluate("() => { document.documentElement.style.fontSize = '32px'; }")
    inside, box = window.at("map").bounding_box(), legend.bounding_box()
    assert box["x"] + box["width"] <= inside["x"] + inside["width"]
    with browsers.window(browser, host, viewport={"width": 1024, "height": 700}) as small:
        small.go()
        assert small.at("legend").get_attribute("open") is None
        small.fine()


def test_everybody_can_use_it(window: Window) -> None:
    """No rule of accessibility is broken in any tab, nor while an area is drawn."""
    window.at("numbers").click()
    choose(window, "noordo")
    window.at("compute").wait_for()
    assert not window.violations()
    for tab in ("roof", "marks", "about"):
        window.at(f"tab-{tab}").click()
        if tab == "roof":
            window.idle()
            window.at("roof-list-go").click()
            window.at("roof-line").first.click()
            window.at("roof-flags").wait_for()
        assert not window.violations(), tab
    window.at("tab-area").click()
    window.at("draw-circle").click()
    assert not window.violations()


def test_on_a_telephone(browser: Any, host: str) -> None:
    """The sheet goes down and comes up; a touch finds a roof, which is not left under it."""
    with browsers.window(browser, host, **browsers.PHONE) as window:
        window.go()
        assert not window.violations()
        panel, sheet = window.page.locator("#panel"), window.at("sheet")
        high = panel.bounding_box()["height"]
        sheet.tap()
        assert panel.bounding_box()["height"] < high / 3 and window.at("place").is_hidden()
        assert sheet.get_attribute("aria-expanded") == "false"
        sheet.tap()
        window.at("legend").locator("summary").tap()  # which has the room of the sheet
        window.page.wait_for_selector(".panel.closed")
        assert window.at("legend").evaluate("(one) => one.scrollHeight <= one.clientHeight")
        window.at("legend").locator("summary").tap()
        roof = next(iter(roofs(host).values()))
        spot, box = bring(window, roof), window.at("map").bounding_box()
        lower = "(y) => { daklaag.map.panBy([0, -y], {duration: 0}); }"
        window.page.evaluate(lower, 0.3 * box["height"])
        window.idle()
        window.page.touchscreen.tap(*spot.pixel)
        window.at("roof-title").wait_for()
        assert roof["properties"]["id"] in window.text("roof-numbers")
        assert panel.bounding_box()["height"] == high
        window.idle()
        assert box["y"] < spot.pixel[1] < window.at("attribution").bounding_box()["y"]
        assert not window.violations()
        window.at("tab-area").tap()
        window.at("draw-circle").tap()
        assert "Tap the centre" in window.text("drawing")
        window.fine()


def test_without_webgl(browser: Any, host: str) -> None:
    """The map is missed, and no more than that; nothing is said of what is seen on it."""
    with browsers.window(browser, host) as window:
        window.page.add_init_script(f"({browsers.WITHOUT_WEBGL})()")
        window.go()
        assert "no WebGL" in window.page.locator("#notice").inner_text()
        window.page.set_viewport_size(browsers.PHONE["viewport"])
        notice = window.at("notice").bounding_box()
        assert notice["y"] + notice["height"] <= window.at("place").bounding_box()["y"]
        window.page.set_viewport_size(browsers.DESKTOP)
        choose(window, "noordw")
        counted(window, summed(host, area=PLACES["Noordwest"]))
        window.at("tab-roof").click()
        window.at("roof-list-go").click()
        window.at("roof-line").first.wait_for()
        assert window.at("roof-line").count() == len(roofs(host))
        window.at("roof-line").first.click()
        window.at("roof-flags").wait_for()
        assert window.at("roof-line").count() == len(roofs(host))
        said = window.page.locator("#panel-body").text_content()
        for word in ("in view", "map's middle", "middle of the map", "on this map"):
            assert word not in said, word
        window.suits_everybody()
        window.fine()
