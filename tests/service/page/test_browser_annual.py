"""Roofs in their planes and their year on the map, in a card and in a site: what the method annual
found, as the service says it."""

import csv
from collections import defaultdict
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from PIL import Image
from scipy.ndimage import binary_erosion

from pipeline.engine.engine import never_stop, no_progress
from pipeline.grid.crs import lonlat
from pipeline.methods.annual.columns import PLANES
from pipeline.methods.annual.declaration import CLASSES
from pipeline.methods.annual.painting import SOLAR
from pipeline.methods.annual.sums import MONTH_LABELS
from pipeline.methods.shades import Quantity, Scale, Spread
from service.page import site
from tests.support import browsers, sites
from tests.support.browsers import RUN, Spot, Window, about, bring, roofs, saved_picture, told
from tests.support.clusters import wait
from tests.support.roofcards import (
    FLAT,
    NAME,
    STUDY,
    Plane,
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
    shade_of,
    short,
    table,
)
from tests.support.servers import serving

pytestmark = pytest.mark.slow

FILL = f"{PLANES.name}-fill"
CHOICE, KEY, UNKNOWN = "colour", "legend-key", "not judged: unknown"
PALER = 0.5  # of the way to white, where an interval is wide
PALE, SHARE, LOW, HIGH = "#f4f2ec", 0.45, 10.0, 40.0  # of what is paler the less steep it is
PAINTED = """(layer) => daklaag.map.queryRenderedFeatures({layers: [layer]}).map((one) =>
  [one.properties, one.layer.paint["fill-color"].toString()])"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Runs of every kind of roof once, by both methods."""
    return judged(tmp_path_factory.mktemp("roofs"), {NAME: "annual", STUDY: "powermapping"})


@pytest.fixture(scope="module")
def host(runs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service of that of annual, and of a quarter that lies beside it."""
    state, quarter = tmp_path_factory.mktemp("state"), tmp_path_factory.getbasetemp()
    folders = runs[NAME], browsers.quarter_of(quarter) / RUN
    data = [word for folder in folders for word in ("--data", folder)]
    with serving(state, *data, "--state", state, "--workers", 1) as address:
        yield address


def colour_of(plane: Plane) -> list[float]:
    """Red, green and blue of a plane, from 0 to 255."""
    shade = shade_of(plane)
    steep = min(max((plane["tilt_deg"] - LOW) / (HIGH - LOW), 0), 1)
    pale = 0.0 if shade is FLAT else SHARE * (1 - steep)
    parts = [[int(one[at : at + 2], 16) for at in (1, 3, 5)] for one in (shade.colour, PALE)]
    return [full + pale * (paper - full) for full, paper in zip(*parts, strict=True)]


def rgb_of(colour: str) -> list[float]:
    """Red, green and blue of #rrggbb."""
    return [float(int(colour[at : at + 2], 16)) for at in (1, 3, 5)]


def is_wide(scale: Scale, spread: Spread | None, row: dict[str, Any]) -> bool:
    """Whether the interval is wide from which a colour is paler."""
    return spread is not None and row[spread.high] - row[spread.low] >= scale.wide * row[spread.of]


def along(
    scale: Scale, quantity: Quantity, spread: Spread | None, row: dict[str, Any]
) -> list[float]:
    """Red, green and blue of a number of a row on a scale; white of none."""
    divisor = (row[quantity.by] if quantity.by else 1.0) * (0.795 if quantity.per else 1.0)
    if not divisor or row.get(quantity.of) is None:
        return [255.0, 255.0, 255.0]
    value = row[quantity.of] / divisor
    value = 100 * (1 - value) if quantity.lacking else value
    parts = rgb_of(scale.steps.colours[np.searchsorted(scale.steps.edges, value, side="right")])
    paler = PALER if is_wide(scale, spread, row) else 0.0
    return [part + paler * (255 - part) for part in parts]


def rgb(colour: str) -> list[float]:
    """Red, green and blue of a colour as the map writes it."""
    return [float(part) for part in colour[5:-1].split(",")][:3]


def test_planes_have_the_colour_of_what_they_suit(window: Window, host: str) -> None:
    """At first, as their roofs have below; the legend has only these colours."""
    suits, otherwise = (rgb_of(CLASSES[at].colour) for at in (0, -1))
    bring(window, gable(host))
    window.page.evaluate("() => daklaag.map.jumpTo({zoom: 16.2})")
    window.idle()
    painted = window.page.evaluate(PAINTED, FILL)
    assert {plane["suitable"] for plane, _ in painted} == {True, False}
    for plane, colour in painted:
        assert rgb(colour) == (suits if plane["suitable"] else otherwise)
    assert window.text(KEY).split("\n") == ["sun", "not for sun", UNKNOWN]
    for zoom in (15, 13):
        window.page.evaluate("(zoom) => daklaag.map.jumpTo({zoom})", zoom)
        window.idle()
        roofs_seen = window.page.evaluate(PAINTED, "roofs-flat")
        assert roofs_seen
        for roof, colour in roofs_seen:
            assert rgb(colour) == (suits if roof["solar_suitable"] else otherwise)
    window.page.evaluate("() => daklaag.map.jumpTo({zoom: 11})")
    window.idle()
    named = [one.en for one in CLASSES]  # of the picture of all classes
    assert window.text(KEY).split("\n") == [*named, UNKNOWN]


def test_planes_have_the_colour_of_their_direction_and_tilt(window: Window, host: str) -> None:
    bring(window, gable(host))
    window.page.evaluate("() => daklaag.map.jumpTo({zoom: 16.2})")
    window.at(CHOICE).select_option(PLANES.name)
    window.idle()
    painted = window.page.evaluate(PAINTED, FILL)
    assert len({shade_of(plane).name for plane, _ in painted}) == len(PLANES.shades)
    for plane, colour in painted:
        parts = [float(part) for part in colour[5:-1].split(",")]
        assert parts == pytest.approx([*colour_of(plane), 1], abs=1)
    titles = [*(shade.en for shade in PLANES.shades), "the rest of a roof", UNKNOWN]
    assert window.text(KEY).split("\n") == titles
    window.at("tall").check()
    window.idle()
    assert window.shown("roofs-tall")
    window.page.wait_for_function("() => daklaag.corners > 100")
    assert window.at("wind-key").is_visible()
    high = [one for one in roofs(host, NAME).values() if one["properties"]["wind_candidate"]]
    assert window.page.evaluate("() => daklaag.sprites") == len(high) > 0
    roofs_whole(window, host)
    chosen_in_space(window, gable(host), planes_of(host, gable(host)["id"]))
    window.suits_everybody()


PIECES = """() => daklaag.map.querySourceFeatures("buildings", {sourceLayer: "buildings"}).map(
  (one) => [one.id, one.geometry])"""
UNIT = 3e-6  # degrees: more than the unit of a tile, 9 cm


def roofs_whole(window: Window, host: str) -> None:
    """The pieces of roofs that tiles cut, of which 3D is made, leave no gap."""
    known, pieces = roofs(host, NAME), defaultdict(list)
    for row, geometry in window.page.evaluate(PIECES):
        pieces[row].append(shapely.geometry.shape(geometry))
    cut = {row: of for row, of in pieces.items() if len(of) > 1}
    for row, of in cut.items():
        whole = shapely.geometry.shape(known[row]["geometry"])
        assert shapely.union_all(of).buffer(UNIT).covers(whole)
    assert cut


def chosen_in_space(window: Window, roof: dict[str, Any], planes: list[Plane]) -> None:
    """In 3D, in the colours of directions, a click on a plane of a roof chooses it."""
    spot = bring(window, roof)
    window.page.evaluate("() => daklaag.map.jumpTo({zoom: 19, pitch: 55, bearing: -20})")
    window.idle()
    for plane in reversed(planes):
        wait(lambda: seen(window, spot, colour_of(plane)) is not None)  # noqa: B023
        window.page.mouse.click(*seen(window, spot, colour_of(plane)))
        wait(lambda: lines(window) == more(plane, "en"))  # noqa: B023
        assert window.text("roof-title")


def seen(window: Window, spot: Spot, colour: list[float]) -> tuple[float, float] | None:
    """The place on the screen nearest to a spot that lies well within a colour [px]."""
    box = window.at("map").bounding_box()
    with Image.open(BytesIO(window.at("map").screenshot())) as image:
        like = np.abs(np.asarray(image.convert("RGB")) - np.round(colour)).max(axis=2) <= 2
    places = np.argwhere(binary_erosion(like, iterations=3))[:, ::-1] + (box["x"], box["y"])
    if not len(places):
        return None
    x, y = places[np.hypot(*(places - spot.pixel).T).argmin()]
    return float(x), float(y)


@pytest.mark.parametrize("scale", PLANES.scales, ids=lambda scale: scale.name)
def test_roofs_and_planes_have_the_colour_of_a_scale(
    window: Window, host: str, scale: Scale
) -> None:
    bring(window, gable(host))
    window.page.evaluate("() => daklaag.map.jumpTo({zoom: 16.2})")
    window.at(CHOICE).select_option(scale.name)
    window.idle()
    seen = window.page.evaluate(PAINTED, FILL)
    for plane, colour in seen:
        expected = along(scale, scale.of_part, scale.spread_of_part, plane)
        assert rgb(colour) == pytest.approx(expected, abs=1)
    paler = [plane for plane, _ in seen if is_wide(scale, scale.spread_of_part, plane)]
    assert bool(paler) == bool(scale.spread_of_part)
    key = window.text(KEY).split("\n")
    lowest, *_, highest = scale.steps.edges
    unit = scale.unit.replace("m2", "m²")
    assert key[0] == f"below {lowest:,.0f} {unit}" and key[4] == f"{highest:,.0f} {unit} and more"
    assert any("paler" in line for line in key) == bool(paler) and key[-1] == UNKNOWN
    window.page.evaluate("() => daklaag.map.jumpTo({zoom: 15})")
    window.idle()
    painted = window.page.evaluate(PAINTED, "roofs-flat")
    assert painted and not window.shown("roofs-class")
    for roof, colour in painted:
        expected = along(scale, scale.of_building, scale.spread_of_building, roof)
        assert rgb(colour) == pytest.approx(expected, abs=1)
    assert not window.violations()
    window.page.wait_for_function(
        "(name) => location.hash.includes(`colour=${name}`)", arg=scale.name
    )
    window.go(f"#{window.link.partition('#')[2]}")
    assert window.at(CHOICE).input_value() == scale.name


AREA = """async () => {
  const { triangles } = await import("./solid.js");
  const corners = triangles([
    [[0, 0], [4, 1], [5, 5], [1, 4], [0, 0]], [[1, 1], [2, 1.5], [2, 2.5], [1, 1]]]);
  let area = 0;
  for (let at = 0; at < corners.length; at += 3) {
    const [[ax, ay], [bx, by], [cx, cy]] = corners.slice(at, at + 3);
    area += Math.abs((bx - ax) * (cy - ay) - (cx - ax) * (by - ay)) / 2;
  }
  return area;
}"""
HEIGHT = """async ([tilt, azimuth, east, north]) => {
  const { heightOf } = await import("./solid.js");
  return heightOf({ x: 10, y: 20, z: 7, tilt, azimuth })([10 + east, 20 - north]);
}"""
WAY = """async (point) => (await import("./rd.js")).degreesOf(point)"""


def test_planes_lie_in_space_as_the_table_says(window: Window, host: str) -> None:
    """Their slopes, their places, and how much their triangles fill; within the convergence."""
    square, hole = 15.0, 0.5
    assert window.page.evaluate(AREA) == pytest.approx(square - hole)
    for plane in planes_of(host, gable(host)["id"]):
        if plane["kind"] == "pitched":
            east, north = 3.0, -2.0
            asked = [plane["tilt_deg"], plane["azimuth_deg"], east, north]
            rise = plane["slope_east"] * east + plane["slope_north"] * north
            assert window.page.evaluate(HEIGHT, asked) == pytest.approx(7 + rise, abs=0.1)
        place = [plane["centre_x"], plane["centre_y"]]
        lon, lat = lonlat((*place, *place))[:2]
        assert window.page.evaluate(WAY, place) == pytest.approx([lon, lat], abs=2e-6)


def test_the_picture_of_the_sun_lies_over_the_planes(window: Window, host: str) -> None:
    bring(window, gable(host))
    window.at(SOLAR).check()
    window.idle()
    assert window.text(f"scale-{SOLAR}") == "400 to 1,200 kWh/m²"
    assert any(f"/tiles/{SOLAR}/" in url for url in window.asked)
    order = window.page.evaluate("() => daklaag.map.getStyle().layers.map(({id}) => id)")
    places = [order.index(layer) for layer in (FILL, SOLAR, "roofs-aside", "roofs-chosen")]
    assert places == sorted(places)
    assert not window.violations()


def year_of(window: Window) -> str:
    """What the totals say of the year, on one line."""
    return " ".join(window.text("totals-table").split())


def expected(host: str) -> list[str]:
    """What totals must say of yields and of what shade takes."""
    inputs = {"inputs": {"collection": NAME}}
    kwh = told(host, "processes/summary/execution", inputs)["totals"]["kwh"]
    names = ("solar", "shade", "wind")
    assert all(kwh[name] > 0 for name in names)
    ends = ([kwh[f"{name}{end}"] for end in ("_low", "_high", "")] for name in names)
    return ["{} to {}, likely {}".format(*map(about, each)) for each in ends]


def test_totals_have_the_year_with_its_interval(window: Window, host: str) -> None:
    """So has the picture that is saved, but for what shade takes."""
    solar, shade, wind = expected(host)
    for text in (solar, shade, wind):
        assert text in year_of(window)
    _, written = saved_picture(window)
    assert f"kWh of sun in a year: {solar}" in written
    assert f"kWh of wind in a year: {wind} · in 80 of 100 cases" in written
    assert "kWh/year" not in year_of(window)  # no yield without its interval
    assert not window.violations()


CENTRE = "() => { const { lng, lat } = daklaag.map.getCenter(); return [lng, lat]; }"


def within(window: Window, name: str) -> bool:
    """Whether the middle of the map lies in the results of that name."""
    settings = told(window.host, "map/config.json")
    box = next(one["bbox"] for one in settings["collections"] if one["name"] == name)
    lon, lat = window.page.evaluate(CENTRE)
    return bool(box[0] < lon < box[2] and box[1] < lat < box[3])


def test_other_results_are_gone_to(window: Window) -> None:
    """An area elsewhere is left; whoever leaves the results is led back."""
    window.go(f"#c={NAME}&area=circle:4.9103,52.3151,60")
    window.page.wait_for_selector("#totals h2:text('Circle')")
    assert within(window, NAME) and window.at("back").is_hidden()
    window.at("collection").select_option(RUN)
    window.page.wait_for_selector("#totals h2:text('All roofs')")
    window.page.wait_for_function("(name) => location.hash.includes(`c=${name}&`)", arg=RUN)
    window.idle()
    assert within(window, RUN) and "area=" not in window.link
    window.page.evaluate("() => daklaag.map.jumpTo({center: [4.8, 52.3]})")
    assert not within(window, RUN) and not window.violations()
    window.at("back").click()
    window.idle()
    assert within(window, RUN) and window.at("back").is_hidden()
    window.page.go_back()
    window.page.wait_for_selector("#totals h2:text('Circle')")


def tiled(plane: Plane) -> Plane:
    """A plane as tiles have it: numbers with two decimals."""
    return {name: round(v, 2) if isinstance(v, float) else v for name, v in plane.items()}


def months_of_all(host: str) -> list[list[str]]:
    """What the table below the months of all roofs must say: intervals, then what is likely."""
    inputs = {"inputs": {"collection": NAME}}
    months = told(host, "processes/summary/execution", inputs)["totals"]["month_kwh"]
    names = [name for name in months if not name.endswith(("_low", "_high"))]
    ends = ("_low", "_high", "")
    return [[month.en, *(about(months[f"{name}{end}"]) for end in ends)]
            for month, name in zip(MONTH_LABELS, names, strict=True)]  # fmt: skip


def test_totals_have_the_months_with_their_interval(window: Window, host: str) -> None:
    """Beside what a household uses, and of which year that is."""
    assert table(window, "totals-months", 4) == months_of_all(host)
    said = window.text("totals").replace("\N{NO-BREAK SPACE}", " ")
    assert "2,550 kWh a year" in said and "2024 (CBS)" in said
    window.suits_everybody()
    window.page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    assert window.page.locator("#paper .bars tbody tr").count() == 12
    assert not window.page.locator("#paper summary").count()


def test_numbers_of_a_nation_fit_beside_their_bars(window: Window) -> None:
    """None begins left of the picture, which would cut its first digits off."""
    drawn = """async (kwh) => {
      const { bars } = await import("./bars.js");
      const item = { label: "May", short: "M", low: 0.8 * kwh, value: kwh, high: 1.2 * kwh };
      const section = bars("", "kWh", [item], { hint: "" });
      document.getElementById("totals").append(section);
      return [...section.querySelectorAll("text")].map((one) => one.getBBox().x);
    }"""
    for kwh in (80, 1.2e5, 8e9):
        edges = window.page.evaluate(drawn, kwh)
        assert len(edges) == 5 and min(edges) >= 0


def addresses_of(file: Path, building: str) -> set[str]:
    """The addresses of a building, as a card has them."""
    rows = csv.DictReader(file.read_text("utf-8").splitlines())
    names = ("openbare_ruimte_naam", "huisnummer", "huisletter", "woonplaats_naam")
    return {"{} {}{}, {}".format(*(row[name] for name in names))
            for row in rows if building in row["pand_identificatie"]}  # fmt: skip


def test_a_site_has_what_the_service_has(
    browser: Any, runs: dict[str, Path], host: str, tmp_path: Path
) -> None:
    """The planes of a roof, its address, the study's test of it, the months of all, 3D, and another
    run with its times."""
    known = runs[NAME].parent / "in" / "addresses.csv"
    site.export([*runs.values()], tmp_path / "site", (), False, no_progress, never_stop,
                addresses=(str(known),))  # fmt: skip
    roof = gable(host)
    planes = planes_of(host, roof["id"])
    with sites.hosted(tmp_path / "site") as web, browsers.window(browser, web) as window:
        window.page.goto(f"{web}/")
        window.ready()
        spot = bring(window, roof)
        window.page.evaluate("() => daklaag.map.jumpTo({zoom: 15})")
        window.idle()
        spot.click()
        assert window.text("headline")
        bring(window, roof)
        window.at("months").wait_for()  # which only near tiles have
        click_on(window, roof, planes[0]["n"])
        assert chips(window) == [short(tiled(plane), "en") for plane in planes]
        lead, line = head(roof["properties"], planes)
        assert plain(window.text("headline")) == lead
        assert plain(window.text("headline-line")) == line
        assert table(window, "months", 5) == months_of(roof)
        assert lines(window) == more(tiled(planes[0]), "en")
        window.page.wait_for_selector("#roof-title:not(:text('Building'))")
        assert window.text("roof-title") in addresses_of(known, roof["properties"]["id"])
        window.at("beside-powermapping").wait_for()
        assert "study's test" in window.text("beside-powermapping")
        window.at("tab-area").click()
        for text in expected(host):
            assert text in year_of(window)
        assert table(window, "totals-months", 4) == months_of_all(host)
        assert any(f"{PLANES.name}.pmtiles" in url for url in window.asked)
        assert not window.violations()
        window.at(CHOICE).select_option(PLANES.name)
        window.at("tall").check()
        chosen_in_space(window, roof, [tiled(plane) for plane in planes])
        window.at("collection").select_option(STUDY)
        window.page.wait_for_selector("#legend-classes :text('wind')")
        window.page.evaluate("() => daklaag.map.jumpTo({zoom: 13})")
        window.at("sun").fill("1")
        window.idle()
        painted = {colour for _, colour in window.page.evaluate(PAINTED, "roofs-flat")}
        assert painted and painted <= {"rgba(255,213,74,1)", "rgba(61,74,107,1)"}
        window.fine()
