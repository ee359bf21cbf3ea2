"""The one field that finds all: addresses, buildings, points and places, by mouse and by keyboard,
held beside what the service itself answers."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyproj
import pytest
import shapely

from pipeline.engine.engine import never_stop, no_progress
from pipeline.quarter import LATTICE_CORNER
from service.page import site
from tests.support import browsers, sites
from tests.support.basemaps import NAMES, streets
from tests.support.browsers import Window, roofs, told

pytestmark = pytest.mark.slow

TO_RD = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:28992", always_xy=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the quarter that is shown."""
    return browsers.quarter_of(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service whose addresses are those of the quarter, which lie in the folder of its inputs."""
    base, state = tmp_path_factory.getbasetemp(), tmp_path_factory.mktemp("searched")
    west, south = LATTICE_CORNER
    streets(state / "town.pmtiles", west - 200, south - 50)
    with browsers.service(base, state, "--basemap", state / "town.pmtiles") as address:
        yield address


@pytest.fixture(scope="module")
def addresses(folder: Path) -> list[dict[str, str]]:
    """Those of the file."""
    with (folder / "in" / "addresses.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def written(row: dict[str, str]) -> str:
    """An address as it is typed."""
    return f"{row['openbare_ruimte_naam']} {row['huisnummer']}{row['huisletter']}"


def of_roof(rows: list[dict[str, str]], known: dict[int, dict[str, Any]]) -> Iterator[Any]:
    """Addresses that name one building, which was computed, with the roof of that."""
    ids = [one["properties"]["id"] for one in known.values()]
    by_id = {one["properties"]["id"]: one for one in known.values()}
    for row in rows:
        if row["pand_identificatie"] in by_id and ids.count(row["pand_identificatie"]) == 1:
            yield row, by_id[row["pand_identificatie"]]


def chosen(window: Window, text: str) -> None:
    """Type a text, and take what is meant."""
    window.at("place").fill(text)
    window.at("place").press("Enter")


def opens(window: Window, row: int) -> None:
    """Wait until the card of a roof is there."""
    window.page.wait_for_function("(row) => location.hash.includes(`roof=${row}&`)", arg=row)
    window.page.wait_for_selector("#roof-title")


def test_her_house_is_found_by_its_address(
    window: Window, host: str, addresses: list[dict[str, str]]
) -> None:
    """By street and number, by postcode and number, and by any of several homes in a building."""
    row, roof = next(of_roof(addresses, roofs(host)))
    chosen(window, written(row))
    opens(window, roof["id"])
    assert window.at("place").input_value() == written(row)
    assert window.text("roof-title") == f"{written(row)}, Daklaag"
    window.idle()
    middle = shapely.geometry.shape(roof["geometry"]).representative_point()
    centre = window.page.evaluate("() => daklaag.map.getCenter().toArray()")
    assert abs(centre[0] - middle.x) < 2e-4 and abs(centre[1] - middle.y) < 2e-4
    assert not window.violations()
    window.go()
    postcode = f"{row['postcode'][:4]} {row['postcode'][4:]}"
    window.at("place").fill(f"{postcode} {row['huisnummer']}")
    window.page.get_by_role("option", name=written(row)).first.click()
    opens(window, roof["id"])


def test_an_address_without_a_number_of_its_building_is_found_by_its_place(
    window: Window, host: str, addresses: list[dict[str, str]]
) -> None:
    shapes = {row: shapely.geometry.shape(one["geometry"]) for row, one in roofs(host).items()}
    for row in (each for each in addresses if not each["pand_identificatie"]):
        point = shapely.Point(
            TO_RD.transform(float(row["x"]), float(row["y"]), direction="INVERSE")
        )
        rows = [number for number, shape in shapes.items() if shape.covers(point)]
        if len(rows) == 1:
            break
    chosen(window, written(row))
    opens(window, rows[0])


def test_of_several_buildings_one_is_chosen(
    window: Window, host: str, addresses: list[dict[str, str]]
) -> None:
    """And of an address without any that is said."""
    row = next(each for each in addresses if "," in each["pand_identificatie"])
    known = {one["properties"]["id"]: one for one in roofs(host).values()}
    there = [id_ for id_ in row["pand_identificatie"].split(",") if id_ in known]
    chosen(window, written(row))
    if len(there) > 1:
        window.page.wait_for_selector("#roof-told:text('is in 2 buildings')")
        window.at("roof-line").nth(1).click()
        window.page.wait_for_selector("#roof-title")
    else:
        window.page.wait_for_selector("#roof-title, #place-told:text('no building')")
    chosen(window, "Zonnestraat 999")
    window.page.wait_for_selector("#place-told:text('Zonnestraat 999, Daklaag has no building')")


def test_what_is_only_similar_is_asked_for(
    window: Window, host: str, addresses: list[dict[str, str]]
) -> None:
    """Enter takes it not; an arrow does. In Dutch too."""
    row, roof = next(of_roof(addresses, roofs(host)))
    text = written(row).replace("an", "na").replace("tr", "rt").replace("ev", "ve")
    assert text != written(row)
    matches = told(host, f"addresses?q={quote(text)}")["features"]
    assert {each["properties"]["match"] for each in matches} == {"similar"}
    chosen(window, text)
    window.at("did-you-mean").wait_for()
    assert window.text("did-you-mean") == "Did you mean …?"
    assert "roof=" not in window.link and window.at("place-option").first.is_visible()
    assert not window.violations()
    window.speak("nl")
    chosen(window, text)
    window.page.wait_for_selector("#place-list .lead:text-is('Bedoelde u …?')")
    place = window.at("place")
    place.press("ArrowDown")
    assert place.get_attribute("aria-activedescendant") == "place-0"
    while written(row) not in window.page.locator("#place-list [aria-selected=true]").inner_text():
        place.press("ArrowDown")
    place.press("Enter")
    opens(window, roof["id"])


def test_a_point_leads_to_the_roof_there(window: Window, host: str) -> None:
    """In RD and in degrees, in either order and with either mark; beside the roofs that is said."""
    number, roof = next(iter(roofs(host).items()))
    point = shapely.geometry.shape(roof["geometry"]).representative_point()
    x, y = TO_RD.transform(point.x, point.y)
    comma = f"{point.y:.6f}, {point.x:.6f}".replace(".", ",")
    texts = (f"{x:.1f}, {y:.1f}", f"{x:.1f} {y:.1f}".replace(".", ","), comma,
             f"{point.y:.6f}, {point.x:.6f}", f"{point.x:.6f} {point.y:.6f}")  # fmt: skip
    for text in texts:
        window.go()
        chosen(window, text)
        opens(window, number)
    chosen(window, "155000, 463000")
    window.page.wait_for_selector("#place-told:text('No roof of these results')")
    chosen(window, "0363 0000 0000 0001")
    window.page.wait_for_selector("#place-told:text('No building 0363000000000001')")


def test_a_street_and_a_place_are_gone_to(window: Window, addresses: list[dict[str, str]]) -> None:
    """A street is no area to count; a region is, though a place has its name."""
    street = addresses[0]["openbare_ruimte_naam"]
    chosen(window, street)
    window.page.wait_for_function("() => daklaag.map.getZoom() >= 17")
    assert "area=" not in window.link
    chosen(window, "Daklaag")
    window.page.wait_for_function("() => location.hash.includes('area=place:GM9999')")
    window.at("place").fill("no such thing at all")
    window.page.wait_for_selector("#place-told:text('Nothing is called')")


def test_a_late_answer_does_not_choose_for_what_is_typed_since(
    window: Window, addresses: list[dict[str, str]]
) -> None:
    """Enter chooses what it was pressed for, or nothing."""
    street = addresses[0]["openbare_ruimte_naam"]
    asked, waiting = f"**/addresses?q={street}*", []
    window.page.route(asked, lambda route: waiting.append(route))
    before = window.page.evaluate("() => daklaag.map.getZoom()")
    chosen(window, street)
    window.at("place").fill("Daklaag")
    window.page.wait_for_selector("#place-list [data-kind=municipality]")
    (route,) = waiting
    with window.page.expect_response(asked):
        route.continue_()
    window.page.evaluate("() => new Promise((done) => setTimeout(done, 50))")
    assert window.at("place").input_value() == "Daklaag" and "area=" not in window.link
    assert window.page.evaluate("() => daklaag.map.getZoom()") == before
    window.at("place").press("Enter")
    window.page.wait_for_function("() => location.hash.includes('area=place:GM9999')")
    window.page.unroute(asked)


def test_on_a_telephone(browser: Any, host: str, addresses: list[dict[str, str]]) -> None:
    """The field stands above all tabs, wide enough for a finger."""
    row, roof = next(of_roof(addresses, roofs(host)))
    for size in ({"width": 390, "height": 800}, {"width": 320, "height": 640}):
        with browsers.window(browser, host, **browsers.PHONE | {"viewport": size}) as window:
            window.go("#lang=nl")
            box = window.at("place").bounding_box()
            assert box["height"] >= 36 and box["width"] > 0.8 * size["width"]
            window.at("tab-about").tap()
            window.at("place").fill(written(row))
            option = window.page.get_by_role("option", name=written(row)).first
            option.wait_for()
            assert not window.violations()
            option.tap()
            opens(window, roof["id"])
            assert not window.violations()
            window.fine()


def test_the_first_picture_on_a_telephone_shows_roofs(browser: Any, host: str) -> None:
    """In their outlines from far; and the names of streets of the operator's own base map, drawn
    by a font from here."""
    with browsers.window(browser, host, **browsers.PHONE) as window:
        window.go()
        window.idle()
        judged = {row for row, one in roofs(host).items() if one["properties"]["class"]}
        assert {*window.page.evaluate(OUTLINED)} == judged
        window.page.wait_for_function(NAMED)
        assert {*window.page.evaluate(NAMED)} <= {*NAMES}
        assert any(url.endswith("/vendor/names.woff2") for url in window.asked)
        assert "OpenStreetMap" in window.text("attribution")
        window.page.evaluate("() => daklaag.map.jumpTo({zoom: 12.2})")
        window.idle()
        window.page.wait_for_function(f"({OUTLINED})().length")
        assert {*window.page.evaluate(OUTLINED)} == judged
        assert not window.shown("roofs-edge")
        window.fine()


OUTLINED = """() => {
  const drawn = daklaag.map.queryRenderedFeatures({layers: ["roofs-flat"]});
  return drawn.map(({id}) => id);
}"""
NAMED = """() => {
  const names = daklaag.map.queryRenderedFeatures({layers: ["names-streets"]});
  return names.length && names.map(({properties}) => properties.name);
}"""
FOUND = """async (text) => {
  const { stillAddresses } = await import("./still-addresses.js");
  const file = async (path) => (await fetch(path)).json();
  const { find } = stillAddresses("data/addresses/places.json", file);
  const { features } = await find(text, [4.9, 52.3]);
  return features.map(({ properties }) => [properties.match, properties.kind, properties.name]);
}"""


def test_a_site_finds_what_the_service_finds(
    browser: Any, folder: Path, host: str, addresses: list[dict[str, str]], tmp_path: Path
) -> None:
    """Among the addresses of its roofs; the file of a place is fetched when it is asked for."""
    row, roof = next(of_roof(addresses, roofs(host)))
    given = (str(folder / "in" / "addresses.csv"),)
    regions = (str(folder / "in" / "boundaries.geojson"),)
    site.export((folder / "quarter",), tmp_path / "site", regions, False, no_progress, never_stop,
                addresses=given)  # fmt: skip
    with sites.hosted(tmp_path / "site") as address, browsers.window(browser, address) as window:
        window.page.goto(f"{address}/")
        window.ready()
        assert not [each for each in window.asked if "/data/addresses/" in each]
        postcode = f"{row['postcode'][:4]} {row['postcode'][4:]}"
        for text in (written(row), f"{postcode} {row['huisnummer']}", f"{postcode} daklaag",
                     f"{written(row)} daklaag",
                     row["openbare_ruimte_naam"], row["openbare_ruimte_naam"][:4], "Daklaag",
                     row["openbare_ruimte_naam"].replace("str", "srt")):  # fmt: skip
            asked = f"addresses?q={quote(text)}&limit=12&near=4.9,52.3"
            theirs = [each["properties"] for each in told(host, asked)["features"]]
            ours = window.page.evaluate(FOUND, text)
            expected = [[one["match"], one["kind"], one["name"]] for one in theirs]
            assert ours and all(each in expected for each in ours), text
            assert expected[0] == ours[0], text
        chosen(window, written(row))
        opens(window, roof["id"])
        assert window.text("place-told") == ""
        chosen(window, "Dakland")
        window.page.wait_for_function("() => location.hash.includes('area=place:PV99')")
        chosen(window, "Daklnad")
        window.at("did-you-mean").wait_for()
        window.fine()
