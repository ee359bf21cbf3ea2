"""What a citizen does on the map, in a real browser, held beside what the service itself answers.

The run that is shown covers a part of its quarter."""

import csv
import json
import re
from collections.abc import Iterator
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from PIL import Image

from tests import browsing
from tests.browsing import Window, roofs, summed

pytestmark = pytest.mark.slow

PLACE = "BU99990001"  # wholly computed
HALF = "BU99990002"  # not so
CIRCLE = {"centre": [4.91546, 52.31954], "radius_m": 55}
PAGES = re.compile(rb"/Type\s*/Page\b")
FOCUS = """() => {
  const one = document.activeElement;
  return one.dataset.testid ?? one.id ?? one.tagName;
}"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service on this machine."""
    with browsing.service(tmp_path_factory.getbasetemp()) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One for all stories."""
    with browsing.started() as one:
        yield one


@pytest.fixture
def window(browser: Any, host: str) -> Iterator[Window]:
    """The map, of somebody who was never there; nothing may go wrong in it."""
    with browsing.window(browser, host) as one:
        one.go()
        yield one
        one.fine()


def choose(window: Window, place: str) -> None:
    """Count a place."""
    window.at("place").fill(place)
    window.at("place-option").first.click()


def counted(window: Window, expected: dict[str, Any]) -> None:
    """Wait for the totals that are expected, and look whether all figures are theirs."""
    totals = expected["totals"]
    counts, kwh = totals["counts"], totals["kwh"]
    window.page.wait_for_selector(f'#totals[data-judged="{counts["judged"]}"][aria-busy="false"]')
    for name in ("solar", "wind_or_solar", "none"):
        assert window.text(f"count-{name}") == f"{counts['class'][name]:,}"
    assert window.text("count-rejected") == f"{counts['rejected']:,}"
    table = window.text("totals-table")
    for said in (
        f"{counts['solar_suitable']:,}\t{totals['area_ha']['panel']:,.2f} ha\t{kwh['solar']:,.0f}",
        f"{counts['wind_suitable']:,}\t\t{kwh['wind']:,.0f}", f"{kwh['total']:,.0f}",
    ):  # fmt: skip
        assert said in table


def click_on(window: Window, roof: dict[str, Any]) -> None:
    """Bring a roof to the middle of the map and click on it."""
    point = shapely.geometry.shape(roof["geometry"]).representative_point()
    window.page.evaluate("(at) => daklaag.map.jumpTo({center: at, zoom: 18})", [point.x, point.y])
    window.idle()
    window.at("map").locator("canvas").click()


def test_a_building_is_found(window: Window, host: str) -> None:
    """By a place and a click; its card says what the service says of it."""
    choose(window, "noordw")
    counted(window, summed(host, area=PLACE))
    assert window.text("totals-title") == "Noordwest"
    assert not window.at("compute").count()
    known = roofs(host)
    for kind in ("solar", "wind_or_solar", "none"):
        roof = next(one for one in known.values() if one["properties"]["class"] == kind)
        said = roof["properties"]
        click_on(window, roof)
        window.page.wait_for_selector(f"text=Building {said['id']}")
        numbers = window.text("roof-numbers")
        assert f"{said['height_m']:,.1f} m" in numbers and f"{said['area_m2']:,.0f} m²" in numbers
        for part in ("solar", "wind"):
            assert (f"{said[f'{part}_kwh']:,.0f} kWh a year" in numbers) == said[f"{part}_suitable"]
        reasons = " ".join(window.at("roof-reason").all_inner_texts())
        dark = [
            time for i, time in enumerate(("10:00", "12:00", "14:00")) if not said[f"lit_{i + 1}"]
        ]
        assert all(time in reasons for time in dark)
        assert ("suits solar panels" in reasons) == said["solar_suitable"]
        assert ("suits a small turbine" in reasons) == said["wind_suitable"]
    assert "21 December" in window.text("roof-sources")
    assert "AHN" in window.text("attribution")


def test_a_roof_that_was_not_judged_says_why(window: Window, host: str) -> None:
    """Found by its number."""
    roof = next(one for one in roofs(host).values() if one["properties"]["rejected"])
    window.at("tab-roof").click()
    window.at("roof-id").fill(str(roof["properties"]["id"]))
    window.at("roof-find").click()
    window.page.wait_for_selector(f"text=Building {roof['properties']['id']}")
    assert "not the same as unsuitable" in window.text("roof-reason")
    assert window.text("roof-class").lower() == "not judged: unknown"


def test_an_area_is_drawn(window: Window, host: str) -> None:
    """By mouse; lines that cross are refused; Escape leaves it."""
    window.at("draw-polygon").click()
    box = window.at("map").bounding_box()
    corners = [(400, 130), (600, 130), (600, 260), (380, 300)]
    places = [(box["x"] + x, box["y"] + y) for x, y in corners]
    for x, y in (places[0], places[2], places[1]):
        window.page.mouse.click(x, y)
    window.page.mouse.click(places[3][0], places[3][1] - 100)
    assert "cross" in window.text("drawing")
    window.page.keyboard.press("Escape")
    assert window.at("drawing").is_hidden()
    assert window.text("totals-title") == "All roofs of these results"
    window.at("draw-polygon").click()
    for x, y in (*places, places[0]):
        window.page.mouse.click(x, y)
    window.page.wait_for_function("() => location.hash.includes('area=polygon')")
    text = re.search("area=polygon:([0-9.,;]+)", window.page.evaluate("() => location.hash"))
    ring = [[float(part) for part in point.split(",")] for point in text[1].split(";")]
    assert len(ring) == len(corners) + 1
    expected = summed(host, area={"type": "Polygon", "coordinates": [ring]})
    assert expected["totals"]["counts"]["judged"] > 0
    counted(window, expected)


def test_the_keyboard_suffices(window: Window, host: str) -> None:
    """From the top to the totals, and on: nothing holds the focus."""
    keys = window.page.keyboard
    keys.press("Tab")
    keys.press("Enter")  # past the head
    seen: list[str] = []
    while "place" not in seen:
        keys.press("Tab")
        seen.append(window.page.evaluate(FOCUS))
        assert len(seen) < 10
    assert "tab-area" in seen
    keys.type("noord")
    window.at("place-option").first.wait_for()
    keys.press("Escape")
    assert window.at("place-list").is_hidden()
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        keys.press(key)
    chosen = window.at("place").input_value()
    counted(window, summed(host, area=PLACE if chosen == "Noordwest" else HALF))
    seen = []
    while len(seen) < 60 and not {"lang-en", "skip"} & {*seen[1:]}:
        keys.press("Tab")
        seen.append(window.page.evaluate(FOCUS))
        if seen[-1] == "numbers":
            keys.press("Enter")
        if seen[-1] == "circle-lat":
            for value in (CIRCLE["centre"][1], CIRCLE["centre"][0], CIRCLE["radius_m"]):
                keys.press("Control+a")
                keys.type(str(value))
                keys.press("Tab")
            keys.press("Enter")
            counted(window, summed(host, around=CIRCLE))
    assert {"draw-polygon", "save-link", "households"} <= {*seen}
    assert len(seen) < 60


def test_a_circle_is_drawn_by_keys(window: Window, host: str) -> None:
    window.at("draw-circle").focus()
    keys = window.page.keyboard
    keys.press("Enter")
    window.at("drawing-middle").press("Enter")
    window.at("map").locator("canvas").focus()
    keys.press("ArrowRight")
    window.idle()
    window.at("drawing-middle").press("Enter")
    window.page.wait_for_function("() => location.hash.includes('area=circle')")
    text = re.search("area=circle:([0-9.]+),([0-9.]+),(\\d+)", window.page.url)
    lon, lat, radius = map(float, text.groups())
    counted(window, summed(host, around={"centre": [lon, lat], "radius_m": radius}))
    assert window.page.evaluate(FOCUS) == "draw-circle"


def test_the_share_of_households(window: Window, host: str) -> None:
    window.at("households").fill("40")
    window.at("households-go").click()
    share = summed(host, households=40)["totals"]["households"]["share"]
    window.at("totals-share").wait_for()
    assert f"{100 * share:.{int(share < 0.1)}f} % of the 40 households" in window.text(
        "totals-share"
    )


def test_shadows_and_heights_are_shown(window: Window) -> None:
    """Those of all times, then of the time of the slider; then the buildings stand up."""
    window.at("shadow").check()
    window.idle()
    flat = picture(window)
    assert any("/tiles/shadow/" in url and "sun=" not in url for url in window.asked)
    assert window.text("sun-told") == "all 3 times"
    window.at("sun").fill("2")
    window.page.wait_for_function("() => location.hash.includes('sun=2')")
    window.idle()
    assert any("/tiles/shadow/" in url and "sun=12%3A00" in url for url in window.asked)
    assert window.text("sun-told") == "12:00 CET"
    assert (picture(window) != flat).mean() > 0.01
    window.at("tall").check()
    window.idle()
    assert window.page.evaluate("() => daklaag.map.getPitch()") == 55
    assert shown(window, "roofs-tall") > 20
    window.at("tall").uncheck()
    window.idle()
    assert window.page.evaluate("() => daklaag.map.getPitch()") == 0
    assert shown(window, "roofs-flat") > 20


def shown(window: Window, layer: str) -> int:
    """How many features of a layer are drawn."""
    found: int = window.page.evaluate(
        "(id) => daklaag.map.queryRenderedFeatures({layers: [id]}).length", layer
    )
    return found


def picture(window: Window) -> Any:
    """The map as it is seen, by pixel."""
    drawn = window.at("map").locator("canvas").screenshot()
    return np.asarray(Image.open(BytesIO(drawn)).convert("L")).astype(int)


def test_it_speaks_dutch(window: Window, host: str) -> None:
    """With the numbers as Dutch writes them, and again the next time."""
    window.at("lang-nl").click()
    window.page.wait_for_selector("html[lang=nl]")
    expected = summed(host)["totals"]
    kwh = f"{expected['kwh']['total']:,.0f}".replace(",", ".")
    window.page.wait_for_selector(f"#totals td:text-is('{kwh}')")
    assert window.text("tab-roof") == "Dak"
    assert window.page.title() == window.page.locator("h1").first.inner_text()
    window.go()
    assert window.page.get_attribute("html", "lang") == "nl"
    assert "daken" in window.text("totals")
    assert not window.violations()


def test_areas_are_compared(window: Window, host: str) -> None:
    """In a table, and as CSV with the figures of the service."""
    expected = {}
    for code, name in ((PLACE, "Noordwest"), (HALF, "Noordoost")):
        choose(window, name)
        expected[name] = summed(host, area=code)
        counted(window, expected[name])
        window.at("compare-add").click()
        window.at("tab-area").click()
    window.at("tab-compare").click()
    assert not window.violations()
    with window.page.expect_download() as file:
        window.at("compare-save").click()
    rows = list(csv.DictReader(StringIO(Path(file.value.path()).read_text("utf-8"))))
    assert [row["area"] for row in rows] == [*expected]
    for row in rows:
        totals = expected[row["area"]]["totals"]
        assert int(row["roofs_judged"]) == totals["counts"]["judged"]
        assert float(row["total_kwh"]) == totals["kwh"]["total"]
        assert f"{totals['kwh']['total']:,.0f}" in window.text("compare-table")
    window.at("compare-clear").click()
    assert window.at("compare-table").is_hidden()


def test_what_is_seen_is_saved(window: Window, host: str) -> None:
    """Roofs, a picture, a page to print."""
    with window.page.expect_download() as file:
        window.at("save-roofs").click()
    saved = json.loads(Path(file.value.path()).read_text("utf-8"))
    assert {one["id"]: one for one in saved["features"]} == roofs(host)
    with window.page.expect_download() as file:
        window.at("save-picture").click()
    with Image.open(file.value.path()) as drawn:
        colours = {colour for _, colour in drawn.convert("RGB").getcolors(1 << 24)}
    assert len(colours) > 100
    printed = window.page.pdf(prefer_css_page_size=True)
    assert 1 <= len(PAGES.findall(printed)) <= 2
    window.page.emulate_media(media="print")
    total = f"{summed(host)['totals']['kwh']['total']:,.0f}"
    paper = window.page.locator("#paper").inner_text()
    assert total in paper and "AHN" in paper and "potentially suitable" in paper
    assert window.at("map").is_hidden()


def test_a_link_holds_the_view(window: Window, browser: Any, host: str) -> None:
    """For somebody else."""
    choose(window, "noordw")
    counted(window, summed(host, area=PLACE))
    click_on(window, next(iter(roofs(host).values())))
    window.at("roof-title").wait_for()
    window.at("shadow").check()
    window.at("sun").fill("3")
    window.at("lang-nl").click()
    window.page.wait_for_function("() => location.hash.includes('lang=nl')")
    link = window.page.url
    with browsing.window(browser, host) as other:
        other.page.goto(link)
        other.ready()
        where = "() => [...daklaag.map.getCenter().toArray(), daklaag.map.getZoom()]"
        assert other.page.evaluate(where) == pytest.approx(window.page.evaluate(where), abs=1e-4)
        for testid in ("roof-title", "sun-told", "tab-area"):
            assert other.text(testid) == window.text(testid)
        other.at("tab-area").click()
        assert other.text("totals-title") == "Noordwest"
        other.page.wait_for_function("() => location.hash.includes('area=')")
        assert other.page.url.replace("&tab=roof", "") == link.replace("&tab=roof", "")
        other.fine()


def test_everybody_can_use_it(window: Window) -> None:
    """No rule of accessibility is broken in any tab, nor while an area is drawn."""
    window.at("numbers").click()
    choose(window, "noordo")
    window.at("compute").wait_for()
    assert not window.violations()
    for tab in ("roof", "marks", "about"):
        window.at(f"tab-{tab}").click()
        if tab == "roof":
            window.at("roof-list-go").click()
            window.at("roof-line").first.click()
            window.at("roof-flags").wait_for()
        assert not window.violations(), tab
    window.at("tab-area").click()
    window.at("draw-circle").click()
    assert not window.violations()


def test_on_a_telephone(browser: Any, host: str) -> None:
    """The sheet goes down and comes up; a touch finds a roof."""
    with browsing.window(browser, host, **browsing.PHONE) as window:
        window.go()
        assert not window.violations()
        low, sheet = window.page.locator("#panel"), window.at("sheet")
        open_ = low.bounding_box()["height"]
        sheet.tap()
        assert low.bounding_box()["height"] < open_ / 3
        assert sheet.get_attribute("aria-expanded") == "false"
        assert window.at("place").is_hidden()
        roof = next(iter(roofs(host).values()))
        point = shapely.geometry.shape(roof["geometry"]).representative_point()
        window.page.evaluate(
            "(at) => daklaag.map.jumpTo({center: at, zoom: 18})", [point.x, point.y]
        )
        window.idle()
        window.at("map").locator("canvas").tap()
        window.at("roof-title").wait_for()
        assert roof["properties"]["id"] in window.text("roof-title")
        assert low.bounding_box()["height"] == open_
        assert not window.violations()
        window.fine()
