"""The card of a roof that annual judged: what it says first, its planes, its months, its wind, the
study's test of the same building, and why a number may be wrong."""

from collections.abc import Iterator
from typing import Any

import pytest

from pipeline.methods.annual.columns import PLANES
from pipeline.methods.annual.sums import MONTH_LABELS
from tests.support import browsers
from tests.support.browsers import Window, bring, roofs, told
from tests.support.roofcards import (
    LISTED,
    NAME,
    STUDY,
    chips,
    click_on,
    gable,
    head,
    judged,
    lines,
    months_of,
    more,
    plain,
    planes_of,
    shadiest,
    short,
    table,
    written,
)
from tests.support.servers import serving

pytestmark = pytest.mark.slow

CHOSEN = f"{PLANES.name}-chosen"
SCROLL = "() => document.getElementById('roof').scrollTop"
DOWN = "() => { document.getElementById('roof').scrollTop = 400; }"
TURBINES = """() => daklaag.map.queryRenderedFeatures({layers: ["roofs-wind"]}).map(({id}) => id)"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service of two runs of the same buildings, and of their addresses."""
    folder, state = tmp_path_factory.mktemp("cards"), tmp_path_factory.mktemp("state")
    runs = judged(folder, {NAME: "annual", STUDY: "powermapping"})
    data = [word for place in runs.values() for word in ("--data", place)]
    known = ("--addresses", folder / "in" / "addresses.csv")
    with serving(state, *data, *known, "--state", state, "--workers", 1) as address:
        yield address


def opened(window: Window, roof: dict[str, Any], **changes: Any) -> None:
    """Open a roof by a click; changes: of what the service answers of it."""
    asked = f"**/collections/{NAME}/items/{roof['id']}"
    if changes:
        changed = roof | {"properties": roof["properties"] | changes}
        window.page.route(asked, lambda one: one.fulfill(json=changed))
    with window.page.expect_response(asked):
        bring(window, roof).click()
    window.page.wait_for_selector(LISTED)
    window.idle()


def test_what_a_roof_gives_comes_first(window: Window, host: str) -> None:
    """An interval, then the panels; whichever roof is chosen next begins at its top."""
    for roof in (gable(host), shadiest(host)):
        window.page.evaluate(DOWN)
        opened(window, roof)
        lead, line = head(roof["properties"], planes_of(host, roof["id"]))
        assert plain(window.text("headline")) == lead
        assert plain(window.text("headline-line")) == line
        (address, *_) = told(host, f"addresses/{roof['properties']['id']}")["features"]
        here = "{name}, {place}".format(**address["properties"])
        window.page.wait_for_selector(f"#roof-title:text('{here}')")
        assert roof["properties"]["id"] in window.text("roof-numbers")
        assert window.page.evaluate(SCROLL) == 0
    card, rest = (window.at(name).bounding_box() for name in ("roof-card", "roof-list-go"))
    assert card["y"] < rest["y"]


def test_planes_are_chips_the_best_first(window: Window, host: str) -> None:
    """With a plan each, on which an arrow goes the way that it falls."""
    roof = gable(host)
    planes = planes_of(host, roof["id"])
    opened(window, roof)
    assert chips(window) == [short(plane, "en") for plane in planes]
    assert f"{PLANES.en.title} ({len(planes)})" in window.text("roof-card")
    arrows = window.page.locator(f"{LISTED} .plan[aria-hidden=true] path.falls")
    turns = arrows.evaluate_all("(all) => all.map((one) => one.getAttribute('transform'))")
    facing = [plane["azimuth_deg"] for plane in planes if plane["kind"] == "pitched"]
    assert [float(t.split("rotate(")[1][:-1]) for t in turns] == pytest.approx(facing, abs=0.06)
    assert window.page.locator(f"{LISTED} .plan").count() == len(planes)
    window.speak("nl")
    assert chips(window) == [short(plane, "nl") for plane in planes]
    assert f"{PLANES.nl.title} ({len(planes)})" in window.text("roof-card")
    window.at("tab-about").click()
    about = window.page.locator("#about").inner_text()
    assert "dakvlak" in about and "trials" not in about  # a text of powermapping only
    assert not window.violations()


@pytest.mark.parametrize("lang", ["en", "nl"])
def test_a_chip_and_a_plane_choose_each_other(window: Window, host: str, lang: str) -> None:
    """From the click that opens the roof on, and the link says which; once more, and none is."""
    roof = gable(host)
    planes = planes_of(host, roof["id"])
    window.speak(lang)
    bring(window, roof)
    click_on(window, roof, planes[0]["n"])
    assert lines(window) == more(planes[0], lang) and window.shown(CHOSEN)
    assert window.page.evaluate(SCROLL) == 0
    window.at("chip").nth(1).click()
    window.idle()
    assert lines(window) == more(planes[1], lang)
    drawn = "(id) => daklaag.map.queryRenderedFeatures({layers: [id]}).map((f) => f.properties.n)"
    assert {*window.page.evaluate(drawn, CHOSEN)} == {planes[1]["n"]}
    assert window.at("chip").nth(1).get_attribute("aria-expanded") == "true"
    assert not window.violations()
    click_on(window, roof, planes[0]["n"])
    assert lines(window) == more(planes[0], lang)
    window.page.wait_for_function("(n) => location.hash.includes(`part=${n}&`)", arg=planes[0]["n"])
    window.go(f"#{window.link.partition('#')[2]}")
    window.page.wait_for_selector(LISTED)
    window.idle()
    assert lines(window) == more(planes[0], lang)
    assert {*window.page.evaluate(drawn, CHOSEN)} == {planes[0]["n"]}
    window.at("chip").first.click()
    assert not lines(window)


def test_months_are_bars_with_what_shade_takes(window: Window, host: str) -> None:
    """And the same as a table; a printed page has all that is folded."""
    roof = shadiest(host)
    opened(window, roof)
    assert table(window, "months", 5) == months_of(roof)
    shapes = window.at("months").locator("svg[aria-hidden=true]")
    assert shapes.locator("rect").count() == 2 * len(MONTH_LABELS)
    tall = shapes.locator("rect").evaluate_all("(all) => all.map((r) => +r.getAttribute('height'))")
    of = roof["properties"]
    for n, (full, pale) in enumerate(zip(tall[::2], tall[1::2], strict=True), 1):
        kwh, most = (of[f"{name}_month_kwh_{n}"] for name in ("solar", "unshaded"))
        assert pale / full == pytest.approx(most / kwh - 1, abs=1e-6)
    window.at("months").locator("summary").click()
    assert not window.violations()
    window.page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    printed = window.page.locator("#paper .paper-roof")
    months = printed.locator(".bars tbody th").all_text_contents()
    assert months == [month.en for month in MONTH_LABELS]
    assert printed.locator("button, summary, [hidden], [id]").count() == 0
    assert printed.locator(".plan").count() == len(planes_of(host, roof["id"]))
    said = plain(printed.inner_text() or printed.text_content())
    assert "kWh/m² of sun a year" in said and "The study's test" in said


def test_the_wind_of_a_roof_is_folded(window: Window, host: str) -> None:
    """The interval first, the field beside the brochure, a rose with a table; on the map a symbol,
    which can be switched off. Everybody can read all of the card."""
    known = roofs(host, NAME)
    high = [roof for roof in known.values() if roof["properties"]["wind_candidate"]]
    roof = min(high, key=lambda one: one["properties"]["wind_kwh"])
    of = roof["properties"]
    opened(window, roof)
    wind = window.at("roof-wind")
    assert not wind.evaluate("(one) => one.open")
    low, up, likely = (written(of[f"wind_{end}kwh"]) for end in ("low_", "high_", ""))
    assert low != up
    assert plain(wind.locator("summary").first.inner_text()) == f"Wind: {low} to {up} kWh a year"
    wind.locator("summary").first.click()
    said = plain(wind.inner_text())
    for text in (
        f"{low} to {up} kWh a year, likely {likely}", f"{written(of['wind_brochure_kwh'])} kWh",
        f"{of['wind_mean_ms']:.1f} m/s", f"{of['wind_unsheltered_ms']:.1f} m/s",
        f"{of['hub_m']:.1f} m", "73 to 393 kWh a year", "2,691", "78", "From 500 kWh",
    ):  # fmt: skip
        assert text in said, text
    sectors = [of[f"wind_sector_kwh_{n}"] for n in range(1, 13)]
    assert window.at("rose").locator("svg[aria-hidden=true] path").count() == len(sectors)
    shares = [float(row[1].removesuffix(" %")) for row in table(window, "rose", 2)]
    due = [100 * kwh / sum(sectors) for kwh in sectors]
    assert shares == pytest.approx(due, abs=0.51) and len({*shares}) > 6
    assert "kWh" not in window.at("rose").text_content()  # a sector has no interval
    window.page.evaluate("() => daklaag.map.jumpTo({zoom: 16})")
    window.idle()
    assert {*window.page.evaluate(TURBINES)} == {one["id"] for one in high}
    window.at("wind").uncheck()
    window.page.wait_for_function(f"() => !({TURBINES})().length")
    window.suits_everybody()


def test_a_building_too_low_for_wind_says_so(window: Window, host: str) -> None:
    opened(window, gable(host))
    window.at("roof-wind").locator("summary").click()
    assert "of at least 20 m; this one is lower" in window.text("roof-wind")


def test_the_test_of_the_study_is_folded(window: Window, host: str) -> None:
    """By what it rests on, and as carefully where it says no."""
    known, study = roofs(host, NAME), roofs(host, STUDY)
    for kind, verdict in (("solar", "potentially suitable for sun"), ("none", "by this test")):
        roof = next(known[row] for row, one in study.items() if one["properties"]["class"] == kind)
        opened(window, roof)
        beside = window.at("beside-powermapping")
        beside.locator("summary").wait_for()
        assert verdict in beside.locator("summary").inner_text()
        beside.locator("summary").click()
        said = plain(beside.inner_text())
        assert ("cover 10 % of the roof's area" in said) == (kind == "solar")
        assert ("to give 70.8 kWh a year" in said) == (kind == "solar")
        assert ("so by this test it is not suitable for solar panels" in said) == (kind == "none")
        assert not window.violations()
    window.at("collection").select_option(STUDY)
    window.page.wait_for_selector("#legend-classes :text('wind')")
    bring(window, study[roof["id"]]).click()
    window.page.wait_for_selector("[data-testid=roof-class]:text('not suitable by this test')")
    assert not window.at("beside-powermapping").count()


def test_why_a_number_may_be_wrong(window: Window, host: str) -> None:
    """In whole sentences, in both languages; a roof too new for the heights has no number."""
    flags = "poor_data,rough_roof,overgrown,reach_cut,many_planes,low_hub,restricted"
    opened(window, gable(host), flags=flags)
    for lang, words in (("en", "take light all year"), ("nl", "het hele jaar licht")):
        window.speak(lang)
        items = window.at("roof-flags").locator("li").all_inner_texts()
        assert len(items) == len(flags.split(","))
        assert all(text[0].isupper() and text.endswith(".") for text in items)
        assert any(words in text for text in items)
    window.speak("en")
    rejected = {"rejected": "newer_than_heights", "class": None, "solar_suitable": None}
    other = shadiest(host)
    opened(window, other, **rejected)
    window.page.wait_for_selector("[data-testid=roof-reason]:text('built after the heights')")
    assert not window.at("headline").count() and not window.at("months").count()


def test_it_fits_every_screen(window: Window, host: str) -> None:
    """On half a telephone with what it gives and the first plane in sight."""
    roof = shadiest(host)
    for lang in ("en", "nl"):
        window.go(f"#c={NAME}&lang={lang}&roof={roof['id']}&tab=roof")
        window.page.wait_for_selector(LISTED)
        for width, height in browsers.SCREENS:
            window.page.set_viewport_size({"width": width, "height": height})
            box = window.at("headline-line" if width < 390 else "chip").first.bounding_box()
            assert box["y"] + box["height"] <= height
        window.page.evaluate(browsers.UNFOLD)
        wide = "() => document.getElementById('roof').scrollWidth"
        assert window.page.evaluate(wide) <= width
        window.page.set_viewport_size(browsers.DESKTOP)


def test_without_a_map_by_keys(browser: Any, host: str) -> None:
    """The card is whole, and a chip opens under the focus that it keeps."""
    roof = gable(host)
    planes = planes_of(host, roof["id"])
    with browsers.window(browser, host) as window:
        window.page.add_init_script(f"({browsers.WITHOUT_WEBGL})()")
        window.go(f"#c={NAME}&roof={roof['id']}&tab=roof")
        window.page.wait_for_selector(LISTED)
        window.at("beside-powermapping").wait_for()
        assert chips(window) == [short(plane, "en") for plane in planes]
        window.at("chip").first.focus()
        for keys, expected in (("Enter", more(planes[0], "en")), ("Enter", [])):
            window.page.keyboard.press(keys)
            assert lines(window) == expected
            assert window.page.evaluate("() => document.activeElement.className") == "chip"
        assert window.page.locator(f"{LISTED} .plan path.falls").count() == len(planes)
        assert not window.violations()
        window.fine()


def test_a_roof_that_does_not_suit(window: Window, host: str) -> None:
    """Is said not to by the scheme alone, with what its planes would give."""
    opened(window, gable(host), solar_suitable=False, **{"class": "none"})
    assert "Not suitable for solar panels, by the scheme" in window.text("headline")
    assert "what its planes would give" in window.text("headline-line")
    assert window.text("roof-class").lower() == "not suitable by this scheme, for sun or wind"
    assert not window.at("months").count()
    parameters = told(host, "map/config.json")["collections"][0]["method"]["parameters"]
    assert parameters["panel_m2"] == 1.95
