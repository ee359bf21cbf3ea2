"""Roofs that two methods judged, beside each other on the map and as a site: what a method declares
is all that the page needs."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.methods import METHODS
from pipeline.results import report
from pipeline.runs.request import Inputs, Outputs, Request
from pipeline.runs.run import run
from tests.support import browsers, sites
from tests.support.browsers import RUN, Window, bring, roofs, summed
from tests.support.commands import ROOT
from tests.support.second import (
    ABOVE,
    CLASSES,
    IS_TALL,
    PROFILE,
    RISE,
    SECOND,
    SHADES,
    SLANTED,
    STOREYS,
)
from tests.support.servers import serving

pytestmark = pytest.mark.slow

NAME = SECOND.name
DASH = "\N{EN DASH}"  # for what is not there
PROGRAM = [sys.executable, "-m", "tests.support.second"]
VISIBLE = """(layer) => daklaag.map.getLayer(layer)
  && daklaag.map.getLayoutProperty(layer, "visibility") !== "none"
"""
LIST = "#legend-classes li"
FILL = f"{STOREYS.name}-fill"
WHITE = "rgba(255,255,255,1)"
PAINTED = """(layer) => daklaag.map.queryRenderedFeatures({layers: [layer]}).map((one) =>
  [one.properties.kind, one.properties.floor_m, one.layer.paint["fill-color"].toString()])"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A quarter's inputs, a run of it by powermapping, and one by the second method."""
    made = browsers.quarter_of(tmp_path_factory.getbasetemp())
    sheets, place = str(made / "in"), tmp_path_factory.mktemp("methods") / NAME
    inputs = Inputs((sheets,), (sheets,), (str(made / "in" / "pand.gpkg"),))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(METHODS, NAME, SECOND)
        run(Request(inputs, Outputs(place)).replace(method=NAME))
    (place.parent / RUN).symlink_to(made / RUN)
    return place.parent


@pytest.fixture(scope="module")
def host(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service that shows both."""
    state = tmp_path_factory.mktemp("state")
    data = [word for name in (RUN, NAME) for word in ("--data", folder / name)]
    with serving(state, *data, "--state", state, "--workers", 1, program=PROGRAM) as address:
        yield address


@pytest.fixture
def window(host: str) -> Iterator[Window]:
    with browsers.window_of(host, NAME) as one:
        yield one


def legend(window: Window) -> list[str]:
    """The words of the classes."""
    said: list[str] = window.page.locator(LIST).all_inner_texts()
    return said


def test_classes_card_and_totals_are_those_declared(window: Window, host: str) -> None:
    totals = summed(host, collection=NAME)
    known = {each.en: totals["counts"]["legend"][each.name] for each in CLASSES}
    assert legend(window)[: len(CLASSES)] == [*known]
    assert {each.en: int(window.text(f"count-{each.name}")) for each in CLASSES} == known
    assert min(known.values()) > 0
    assert ABOVE.en.title in window.text("totals-table")
    every = roofs(host, NAME).values()
    for each in CLASSES:
        roof = next(one for one in every if one["properties"]["class"] == each.name)
        said = roof["properties"]
        bring(window, roof).click()
        window.page.wait_for_selector(f"#roof-title:text('{said['id']}')")
        window.page.wait_for_selector(f"[data-testid=roof-numbers] :text-is('{PROFILE.en.title}')")
        numbers = window.text("roof-numbers")
        assert window.text("roof-class").lower() == each.en
        assert f"{IS_TALL.en.title}\n{'yes' if said[IS_TALL.name] else 'no'}" in numbers
        assert f"{said[ABOVE.name]:.1f} m" in numbers and "percent 50, above_m" in numbers
    slanted = next(one for one in every if SLANTED.name in str(one["properties"]["flags"]))
    window.go(f"#c={NAME}&roof={slanted['id']}&tab=roof")
    assert SLANTED.en in window.text("roof-flags")
    assert not window.violations()


def test_its_layer_is_drawn_with_its_scale(window: Window) -> None:
    assert window.at("scale-rise").is_hidden() and not window.page.evaluate(VISIBLE, RISE.name)
    window.at(RISE.name).check()
    window.idle()
    assert window.page.evaluate(VISIBLE, RISE.name)
    assert window.text("scale-rise") == "0 to 20 m"
    assert any(f"/collections/{NAME}/tiles/{RISE.name}/" in url for url in window.asked)
    window.page.wait_for_function("(layer) => location.hash.includes(layer)", arg=RISE.name)
    window.go(f"#c={NAME}&layers={RISE.name}")
    assert window.at(RISE.name).is_checked() and window.at("scale-rise").is_visible()
    assert not window.violations()


def highest(host: str) -> dict[str, Any]:
    """The roof with most storeys."""
    return max(roofs(host, NAME).values(), key=lambda one: one["properties"][ABOVE.name] or 0)


def storeys(window: Window) -> int:
    """How many the card lists."""
    window.page.wait_for_selector(f"#roof-{STOREYS.name} .part")
    listed: int = window.page.locator(f"#roof-{STOREYS.name} .part").count()
    return listed


def roof_colours(window: Window) -> set[str]:
    """The colours in which judged roofs are filled now."""
    return {colour for *_, colour in window.page.evaluate(PAINTED, "roofs-flat")}


def test_parts_of_roofs_are_drawn_listed_and_switched(window: Window, host: str) -> None:
    roof = highest(host)
    bring(window, roof).click()
    known = 1 + int(roof["properties"][ABOVE.name] // 3)
    assert storeys(window) == known >= 3
    assert f"{STOREYS.en.title} ({known})" in window.text("roof-card")
    titles = [*(one.en for one in SHADES), "the rest of a roof"]
    assert window.text(f"shades-{STOREYS.name}").split("\n") == titles
    assert roof_colours(window) == {WHITE} and window.shown("roofs-class")
    ground, upper = ([int(one.colour[at : at + 2], 16) for at in (1, 3, 5)] for one in SHADES)
    painted = window.page.evaluate(PAINTED, FILL)
    assert {kind for kind, _, _ in painted} == {"ground", "upper"}
    for kind, floor, colour in painted:
        red, green, blue = ground if kind == "ground" else upper
        assert floor == 0 if kind == "ground" else floor >= 3
        assert colour == f"rgba({red},{green},{blue},1)"
    assert not window.violations()
    window.at(STOREYS.name).uncheck()
    window.idle()
    assert not window.shown(FILL) and window.at(f"shades-{STOREYS.name}").is_hidden()
    assert WHITE not in roof_colours(window) and not window.shown("roofs-class")
    window.page.wait_for_function("(name) => location.hash.includes(`-${name}`)", arg=STOREYS.name)
    window.go(f"#{window.link.partition('#')[2]}")
    assert not window.at(STOREYS.name).is_checked() and not window.shown(FILL)
    window.speak("nl")
    window.at(STOREYS.name).check()
    window.idle()
    assert window.shown(FILL)
    titles = [*(one.nl for one in SHADES), "de rest van een dak"]
    assert window.text(f"shades-{STOREYS.name}").split("\n") == titles
    window.page.evaluate("() => daklaag.map.jumpTo({zoom: 15.5})")
    window.idle()
    assert not window.shown(FILL) and not window.shown("roofs-class")
    assert WHITE not in roof_colours(window) and window.shown("roofs-flat")


def test_another_method_is_chosen(window: Window) -> None:
    """Each has its own words, layers and sums; areas of both are compared."""
    window.at("compare-add").click()
    window.at("collection").select_option(RUN)
    window.page.wait_for_selector("#legend-classes :text('wind')")
    assert not window.at(RISE.name).count() and window.at("shadow").count() == 1
    window.at("tab-area").click()
    window.page.wait_for_selector("#totals :text('Turbines')")
    window.at("compare-add").click()
    rows = window.text("compare-table").split("\n")
    assert any(row.startswith(ABOVE.en.title) and row.endswith(DASH) for row in rows)
    assert any(row.startswith(f"Sun, about kWh a year\t{DASH}") for row in rows)
    window.speak("nl")
    window.at("collection").select_option(NAME)
    window.page.wait_for_selector("#legend-classes :text('hoog')")
    switch = window.page.locator(f"#legend label:has([data-layer={RISE.name}])")
    assert switch.inner_text().strip() == RISE.nl


def test_it_is_a_site(folder: Path, tmp_path: Path, host: str) -> None:
    """Without a server: the same classes, sums, layer and parts of roofs."""
    roof = highest(host)
    command = [*PROGRAM, "export", str(folder / NAME), "--to", f"{tmp_path}/site/"]
    subprocess.run(command, cwd=ROOT, check=True)
    told = report.read(folder / NAME)
    with sites.hosted(tmp_path) as web, sites.looked_at(f"{web}/site/") as window:
        for each in CLASSES:
            assert int(window.text(f"count-{each.name}")) == told["counts"]["legend"][each.name]
        window.at(RISE.name).check()
        window.idle()
        assert window.page.evaluate(VISIBLE, RISE.name)
        assert any("rise.pmtiles" in url for url in window.asked)
        bring(window, roof).click()
        assert storeys(window) == 1 + int(roof["properties"][ABOVE.name] // 3)
        assert any(f"{STOREYS.name}.pmtiles" in url for url in window.asked)
        assert not window.violations()
        window.fine()
