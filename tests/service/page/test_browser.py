"""What a citizen does on the map, in a real browser, held beside what the service itself answers.

The run that is shown covers a part of its quarter."""

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.support import browsers
from tests.support.browsers import RUN, Window, about, bring, choose, counted, roofs, summed, told
from tests.support.clusters import wait

pytestmark = pytest.mark.slow

PLACE = "BU99990001"  # wholly computed
HALF = "BU99990002"  # not so
CIRCLE = {"centre": [4.91546, 52.31954], "radius_m": 55}
REFUSED = {"detail": "more than 600 requests a minute"}
# Above the ground; of roof and ground above NAP.
HEIGHTS = re.compile(r"(?:ground|NAP)\s+(-?\d+\.\d) m\b", re.IGNORECASE)
BOTTOMS = "(two) => two.map((one) => document.querySelector(one).getBoundingClientRect().bottom)"
PITCH = "() => Math.round(daklaag.map.getPitch())"
LIT, SHADED = "rgba(255,213,74,1)", "rgba(61,74,107,1)"
LIT_KEY = ["in the sun", "in shadow", "not judged: unknown"]
PAINTED = """() => daklaag.map.queryRenderedFeatures({layers: ["roofs-flat"]}).map((one) =>
  [one.id, one.layer.paint["fill-color"].toString()])"""
FOCUS = """() => {
  const one = document.activeElement;
  return one.dataset.testid || one.id || one.tagName;
}"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service on this machine."""
    base, state = tmp_path_factory.getbasetemp(), tmp_path_factory.mktemp("open")
    with browsers.service(base, state) as address:
        yield address


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
        bring(window, roof).click()
        window.page.wait_for_selector(f"#roof-card :text-is('{said['id']}')")
        numbers = window.text("roof-numbers")
        height, roof_m, ground = (round(10 * float(one)) for one in HEIGHTS.findall(numbers))
        assert height == roof_m - ground and abs(height - 10 * said["height_m"]) <= 1
        assert f"{said['area_m2']:,.0f} m²" in numbers
        lit = re.search(r"cell by cell\s+([\d,]+) m² \(([\d.]+)\s?%\)", numbers)
        assert lit and lit[1] == f"{said['lit_area_m2']:,.0f}"
        assert abs(float(lit[2]) - 100 * said["lit_share"]) <= 0.5
        for part in ("solar", "wind"):
            assert (f"{said[f'{part}_kwh']:,.0f} kWh a year" in numbers) == said[f"{part}_suitable"]
        reasons = " ".join(window.at("roof-reason").all_inner_texts())
        dark = [
            time for i, time in enumerate(("10:00", "12:00", "14:00")) if not said[f"lit_{i + 1}"]
        ]
        assert all(time in reasons for time in dark)
        assert ("potentially suitable for solar panels" in reasons) == said["solar_suitable"]
        assert ("potentially suitable for a small turbine" in reasons) == said["wind_suitable"]
    assert "21 December" in window.text("roof-sources")
    assert "AHN" in window.text("attribution")


def test_a_roof_that_was_not_judged_says_why(window: Window, host: str) -> None:
    """Found by its number, as a spreadsheet may have it: without the zero before it."""
    roof = next(one for one in roofs(host).values() if one["properties"]["rejected"])
    id_ = str(roof["properties"]["id"]).removeprefix("0")
    window.at("place").fill(f"{id_[:4]} {id_[4:8]} {id_[8:]}")
    window.at("place").press("Enter")
    window.page.wait_for_selector(f"#roof-card :text-is('{roof['properties']['id']}')")
    assert "not the same as unsuitable" in window.text("roof-reason")
    assert window.text("roof-class").lower() == "not judged: unknown"


def test_an_area_is_drawn(window: Window, host: str) -> None:
    """By mouse; lines that cross are refused; Escape leaves it."""
    window.at("draw-polygon").click()
    box = window.at("map").bounding_box()
    corners = [(400, 230), (600, 230), (600, 360), (380, 400)]
    places = [(box["x"] + x, box["y"] + y) for x, y in corners]
    for x, y in (places[0], places[2], places[1]):
        window.page.mouse.click(x, y)
    window.page.mouse.click(places[3][0], places[3][1] - 100)
    assert "cross" in window.text("drawing")
    window.page.keyboard.press("Escape")
    assert window.at("drawing").is_hidden()
    assert window.text("totals-title") == "All roofs on this map"
    window.at("draw-polygon").click()
    window.page.evaluate("() => new Promise((done) => setTimeout(done, 300))")
    assert not window.page.evaluate("() => daklaag.map.doubleClickZoom.isEnabled()")
    for x, y in (*places, places[0]):
        window.page.mouse.click(x, y)
    window.page.wait_for_function("() => location.hash.includes('area=polygon')")
    text = re.search("area=polygon:([0-9.,;]+)", window.link)
    ring = [[float(part) for part in point.split(",")] for point in text[1].split(";")]
    assert len(ring) == len(corners) + 1
    expected = summed(host, area={"type": "Polygon", "coordinates": [ring]})
    assert expected["counts"]["judged"] > 0
    counted(window, expected)


@pytest.mark.parametrize("way", ["Enter", "double"])
def test_a_drawing_is_finished(window: Window, way: str) -> None:
    """By a key, or the last corner twice; not before it has three, and beside the map's buttons."""
    window.at("draw-polygon").click()
    box = window.at("map").bounding_box()
    bar = window.at("drawing").bounding_box()
    buttons = window.page.locator(".maplibregl-ctrl-top-right").bounding_box()
    assert bar["x"] + bar["width"] < buttons["x"]
    places = [(box["x"] + x, box["y"] + y) for x, y in ((400, 150), (600, 150), (600, 300))]
    for x, y in places[:2]:
        window.page.mouse.click(x, y)
    window.page.keyboard.press("Enter")
    assert window.at("drawing").is_visible()
    if way == "double":
        window.page.mouse.dblclick(*places[2])
    else:
        window.page.mouse.click(*places[2])
        window.page.keyboard.press("Enter")
    assert window.at("drawing").is_hidden()
    window.page.wait_for_function("() => location.hash.includes('area=polygon')")
    assert window.link.count(";") == 3


def test_results_that_are_gone_are_missed(window: Window) -> None:
    """In words over the map, in the reader's language, until they are closed."""
    window.go("#c=gone&lang=nl")
    said = window.text("notice")
    assert "bestaan niet meer, of zijn niet van u. U ziet nu: quarter." in said
    assert window.at("notice").get_attribute("role") == "alert"
    window.speak("en")
    window.page.wait_for_selector("#notice :text('no longer exist')")
    assert not window.violations()
    window.at("notice-close").click()
    assert window.at("notice").is_hidden()
    assert window.wrong and all("404" in text for text in window.wrong)
    window.wrong.clear()


def test_a_link_to_no_place(window: Window, host: str) -> None:
    """Is missed where its totals would be, as what is refused is, and all else goes on; a place
    that is known is called as the service calls it."""
    window.go("#area=place:GM0000:Atlantis")
    assert window.text("totals").split("\n")[0] == "GM0000"
    assert "No such place" in window.text("totals") and not window.at("compute").count()
    assert window.at("notice").is_hidden()
    window.page.route("**/places/*", lambda asked: asked.fulfill(status=429, json=REFUSED))
    window.go(f"#area=place:{PLACE}&lang=nl")
    assert "Te veel tegelijk" in window.text("totals")
    assert REFUSED["detail"] not in window.text("totals")
    window.speak("en")
    window.page.wait_for_selector(f"#totals :text('{REFUSED['detail']}')")
    window.page.unroute("**/places/*")
    window.go(f"#area=place:{PLACE}:Atlantis")
    assert window.text("totals-title") == "Noordwest"
    counted(window, summed(host, area=PLACE))
    assert all("404" in said or "429" in said for said in window.wrong)
    window.wrong.clear()


def test_a_page_that_cannot_start_says_so(window: Window) -> None:
    """In Dutch to a Dutch reader; without a module in both languages, as words may lack too.
    Without the library of the map there are totals."""
    window.page.route("**/config.json", lambda asked: asked.fulfill(status=503, json=REFUSED))
    window.go("#lang=nl")
    assert "kon niet starten. De dienst is druk" in window.text("notice")
    assert window.page.locator("#panel[inert]").count() and not window.text("loading")
    window.page.unroute("**/config.json")
    window.at("notice-again").click()
    window.at("totals-title").wait_for()
    assert not window.page.locator("#panel[inert]").count()
    window.page.route("**/roof.js", lambda asked: asked.abort())
    window.page.goto("about:blank")
    window.page.goto(f"{window.host}/map/")
    window.at("no-start").wait_for()
    assert window.page.locator("#panel[inert]").count() and not window.text("loading")
    window.page.unroute("**/roof.js")
    window.page.route("**/maplibre-gl.js", lambda asked: asked.abort())
    window.go()
    assert window.page.locator("body.no-map").count() and window.at("totals-table").count()
    window.page.unroute("**/maplibre-gl.js")
    window.go()
    window.wrong.clear()


def test_another_link_begins_anew(window: Window) -> None:
    """With all that it does not name as at first, and no time that is not; but the way past the
    head is none."""
    window.go(f"#area=place:{PLACE}&layers=shadow,3d&sun=2")
    window.at("shadow").wait_for()
    window.page.evaluate("() => { location.hash = '#layers=shadow&sun=99'; }")
    window.page.wait_for_selector("#totals h2:text('All roofs')")
    assert window.text("sun-told") == "14:00 CET"
    window.page.evaluate("() => { location.hash = '#area=place:" + PLACE + "'; }")
    window.page.wait_for_selector("#totals h2:text('Noordwest')")
    assert not window.at("shadow").is_checked() and not window.at("tall").is_checked()
    for past, onto in (("search", "place"), ("map", "CANVAS")):
        window.page.locator(f".skip:text('{past}')").press("Enter")
        assert window.page.evaluate(FOCUS) == onto
    assert window.text("totals-title") == "Noordwest"


def test_a_link_is_followed_though_the_page_rewrites_its_address(window: Window) -> None:
    """A change of a moment ago is written there before the browser reports the link."""
    window.page.evaluate(
        """(place) => {
          location.hash = `#area=place:${place}`;
          history.replaceState("daklaag", "", "#layers=shadow");
        }""",
        PLACE,
    )
    window.page.wait_for_selector("#totals h2:text('Noordwest')")


def test_back_goes_to_the_area_before(window: Window, host: str) -> None:
    """And forward to the one after; in the language of now."""
    choose(window, "noordwe")
    counted(window, summed(host, area=PLACE))
    choose(window, "noordo")
    counted(window, summed(host, area=HALF))
    window.speak("nl")
    window.page.go_back()
    window.page.wait_for_selector("#totals h2:text('Noordwest')")
    assert window.page.get_attribute("html", "lang") == "nl"
    window.page.go_forward()
    window.page.wait_for_selector("#totals h2:text('Noordoost')")


def test_where_nothing_was_computed(window: Window) -> None:
    """No zeros are shown, which would say that nothing is suitable."""
    window.go("#area=polygon:4.93,52.31;4.94,52.31;4.94,52.32")  # not closed, as one may write it
    assert "No roof was computed here yet. There are no heights" in window.text("totals")
    assert not window.at("totals-table").count() and window.at("households").is_hidden()
    assert not window.at("compute").count()
    window.answered(404)
    choose(window, "zuido")  # which has heights
    window.page.wait_for_selector("#totals .lead:text-is('No roof was computed here yet.')")
    assert window.at("compute").is_visible()
    window.answered(404)


def test_which_part_is_covered_stands_above_the_figures(window: Window, host: str) -> None:
    """Of all that was computed, of a place in it, and of one of which it has a fifth."""
    for area, ground in (("", 100), (PLACE, 100), (HALF, 20)):
        inputs = {"collection": RUN, "area": area or None}
        shares = told(host, "processes/summary/execution", {"inputs": inputs})["coverage"]
        assert shares["ground"] == ground / 100
        window.go(f"#area=place:{area}" if area else "")
        buildings = int(100 * shares["footprints"])
        assert window.text("totals-coverage") == (
            f"The data cover {buildings} % of the buildings and {ground} % of the ground."
        )
        said, figures = window.page.evaluate(BOTTOMS, ["#totals .coverage", "#totals .shares"])
        assert said < figures
        assert window.page.locator("#totals .coverage.little").count() == (ground < 50)
    window.speak("nl")
    window.page.wait_for_selector("#totals .coverage:text('en 20 % van de grond.')")


def test_numbers_are_read_as_they_are_written(window: Window) -> None:
    """With the marks of both languages; nothing is guessed of what is no number."""
    window.at("numbers").click()
    fields = [window.at(f"circle-{name}") for name in ("lat", "lon", "radius")]
    told = {"2.000": "2000", "2,000": "2000", "1.234,5": "1234.5", "12.5": "12.5"}
    for written, metres in told.items():
        for field, text in zip(fields, ("52.319", "4,915", written), strict=True):
            field.fill(text)
        window.at("circle-go").click()
        window.page.wait_for_function(
            "(end) => location.hash.includes(`circle:4.915,52.319,${end}&`)", arg=metres
        )
    fields[0].fill("52abc")
    window.at("circle-go").click()
    error = window.page.locator("#circle-error")
    assert "100,000 metres" in error.inner_text()
    window.at("draw-polygon").click()
    window.speak("nl")
    window.page.wait_for_selector("#circle-error:text('100.000 meter')")
    assert "Klik de hoeken" in window.text("drawing")
    window.suits_everybody()


def test_a_message_says_that_roofs_are_loading(window: Window) -> None:
    """Until they are drawn."""
    tiles, held = "**/tiles/buildings/*/*/*", []
    window.page.route(tiles, lambda tile: held.append(tile))
    window.page.goto("about:blank")
    with window.page.expect_request(tiles):
        window.page.goto(f"{window.host}/map/")
    assert window.text("loading") == "Loading roofs …"
    window.page.route(tiles, lambda tile: tile.continue_())  # the later one is asked first
    for tile in held:
        tile.continue_()
    window.ready()
    window.idle()
    window.page.wait_for_selector("#loading:empty", state="attached")
    window.page.unroute(tiles)
    assert held


def test_the_keyboard_suffices(window: Window, host: str) -> None:
    """From the top to the totals, and on: nothing holds the focus."""
    keys = window.page.keyboard
    keys.press("Tab")
    keys.press("Enter")  # past the head
    assert window.page.evaluate(FOCUS) == "place"
    keys.type("noord")
    window.at("place-option").first.wait_for()
    keys.press("Escape")
    assert window.at("place-list").is_hidden()
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        keys.press(key)
    chosen = window.at("place").input_value()
    counted(window, summed(host, area=PLACE if chosen == "Noordwest" else HALF))
    seen: list[str] = []
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


def test_places_that_come_late_are_not_listed(window: Window) -> None:
    """When the reader has left the list."""
    asked, held = "**/places?*", []
    window.page.route(asked, lambda one: held.append(one))
    window.at("place").fill("noord")
    wait(lambda: window.page.evaluate("() => true") and held)  # it is told of while it asks
    window.at("place").press("Escape")
    with window.page.expect_event("requestfinished"):
        held[0].continue_()
    window.page.evaluate("() => new Promise((done) => requestAnimationFrame(done))")
    assert window.at("place-list").is_hidden()
    window.page.unroute(asked)
    window.at("place").fill("noordw")
    window.at("place-option").first.wait_for()


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
    text = re.search("area=circle:([0-9.]+),([0-9.]+),(\\d+)", window.link)
    lon, lat, radius = map(float, text.groups())
    counted(window, summed(host, around={"centre": [lon, lat], "radius_m": radius}))
    assert window.page.evaluate(FOCUS) == "draw-circle"


def test_the_share_of_households(window: Window, host: str) -> None:
    window.at("households").fill("40")
    window.at("households-go").click()
    share = summed(host, households=40)["households"]["share"]
    window.at("totals-share").wait_for()
    assert f"{100 * share:.{int(share < 0.1)}f} % of the 40 households" in window.text(
        "totals-share"
    )
    for wrong in ("12,5", "1e3", "-40", "abc", "100.000.001"):
        window.at("households").fill(wrong)
        window.at("households-go").click()
        assert "whole number" in window.text("households-error")
        assert "of the 40 households" in window.text("totals-share")
    window.at("households").fill("4.000")
    window.at("households-go").click()
    window.page.wait_for_selector("#totals :text('of the 4,000 households')")
    assert not window.text("households-error")
    window.suits_everybody()
    choose(window, "noordw")
    counted(window, summed(host, area=PLACE))
    assert window.at("households").input_value() == ""
    assert not window.at("totals-share").count()


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
    assert window.page.evaluate(PITCH) == 55
    assert window.shown("roofs-tall") > 20
    window.at("tall").uncheck()
    window.idle()
    assert window.page.evaluate(PITCH) == 0
    assert window.shown("roofs-flat") > 20


def test_a_time_colours_the_roofs(window: Window, host: str) -> None:
    """By whether their centre is lit then; its slider stays as wide whatever is said above it."""
    known = roofs(host)
    wide = {window.at("sun").bounding_box()["width"]}
    for number, time in enumerate(("10:00", "12:00", "14:00"), 1):
        window.at("sun").fill(str(number))
        window.idle()
        painted = window.page.evaluate(PAINTED)
        lit = {(known[row]["properties"][f"lit_{number}"], colour) for row, colour in painted}
        assert lit == {(True, LIT), (False, SHADED)}
        assert window.text("legend-title") == f"Centre of the roof at {time} CET"
        assert window.text("legend-key").split("\n") == LIT_KEY
        for lang in ("nl", "en"):
            window.speak(lang)
            wide.add(window.at("sun").bounding_box()["width"])
    assert len(wide) == 1 and not window.violations()
    window.page.evaluate("() => daklaag.map.jumpTo({zoom: 12.5})")
    window.page.wait_for_function("() => location.hash.includes('sun=3')")
    window.go(f"#{window.link.partition('#')[2]}")
    window.idle()
    painted = window.page.evaluate(PAINTED)
    assert {(known[row]["properties"]["lit_3"], colour) for row, colour in painted} == lit
    assert window.text("legend-key").split("\n") == LIT_KEY


def test_turbines_are_symbols(window: Window, host: str) -> None:
    """One on each roof that suits one, of all in view; they can be switched off."""
    suits = {row for row, one in roofs(host).items() if one["properties"]["wind_suitable"]}
    window.page.evaluate("() => daklaag.map.jumpTo({zoom: 16})")
    window.idle()
    rows = "() => daklaag.map.queryRenderedFeatures({layers: ['roofs-wind']}).map(({id}) => id)"
    assert sorted(window.page.evaluate(rows)) == sorted(suits) and suits  # one each
    window.at("wind").uncheck()
    window.page.wait_for_function(f"() => !({rows})().length")
    window.page.wait_for_function("() => location.hash.includes('-wind')")


def picture(window: Window) -> Any:
    """The map as it is seen, by pixel."""
    drawn = window.at("map").locator("canvas").screenshot()
    return np.asarray(Image.open(BytesIO(drawn)).convert("L")).astype(int)


def test_the_page_is_in_dutch(window: Window, host: str) -> None:
    """With the numbers as Dutch writes them, and again the next time."""
    window.speak("nl")
    expected = summed(host)
    kwh = about(expected["kwh"]["total"]).replace(",", ".")
    window.page.wait_for_selector(f"#totals td:text-is('{kwh}')")
    assert window.text("tab-roof") == "Dak"
    assert window.page.title() == window.page.locator("h1").first.inner_text()
    window.go()
    assert window.page.get_attribute("html", "lang") == "nl"
    assert "daken" in window.text("totals")
    assert not window.violations()
