"""What the map leaves to be seen and how it is worked: beside legend and sheet, on every screen, by
keys."""

import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest

from tests.support import browsers
from tests.support.browsers import Window, bring, counted, roofs, summed

pytestmark = pytest.mark.slow

SEEN = """() => {
  const [box, sheet, legend] = ["map", "attribution", "legend"].map((id) =>
    document.getElementById(id).getBoundingClientRect());
  const left = document.getElementById("legend").open && box.width > 800 ? legend.right : box.left;
  return [(left + box.right) / 2, (box.top + sheet.top) / 2];
}"""
FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
SIZES = [(1440, 900), (1024, 600), (768, 1024), (844, 390), (390, 800), (320, 640)]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    base, state = tmp_path_factory.getbasetemp(), tmp_path_factory.mktemp("map")
    with browsers.service(base, state) as address:
        yield address


def near(one: tuple[float, ...], other: tuple[float, ...], pixels: float = 3.0) -> bool:
    """Whether two places on the screen are as good as one."""
    return max(abs(a - b) for a, b in zip(one, other, strict=True)) <= pixels


@pytest.mark.parametrize("context", [{}, browsers.PHONE], ids=["desk", "phone"])
def test_the_middle_of_what_is_seen_stays(browser: Any, host: str, context: Any) -> None:
    """When the map is zoomed and turned, and again when the sheet or the legend goes."""
    with browsers.window(browser, host, **context) as window:
        window.go()
        spot = bring(window, next(iter(roofs(host).values())))
        assert near(spot.pixel, tuple(window.page.evaluate(SEEN)))
        window.page.locator(".maplibregl-ctrl-zoom-in").click()
        window.page.wait_for_function("() => daklaag.map.getZoom() > 18.9")
        assert near(spot.pixel, tuple(window.page.evaluate(SEEN)))
        window.page.evaluate("() => daklaag.map.jumpTo({pitch: 55, bearing: 40})")
        assert near(spot.pixel, tuple(window.page.evaluate(SEEN)))
        before = spot.pixel
        cover = window.at("sheet") if context else window.at("legend").locator("summary")
        cover.click()
        window.page.evaluate(FRAMES)  # sizes are observed after the next frame
        window.idle()
        assert near(spot.pixel, tuple(window.page.evaluate(SEEN)))
        assert not near(spot.pixel, before, 50)
        window.fine()


def boxes(window: Window) -> dict[str, Any]:
    """The rectangles of what lies on the map, as far as it is shown."""
    found = {
        "legend": window.at("legend"), "sources": window.at("attribution"),
        "scale": window.page.locator(".maplibregl-ctrl-scale"),
        "buttons": window.page.locator(".maplibregl-ctrl-top-right"),
    }  # fmt: skip
    return {name: one.bounding_box() for name, one in found.items() if one.is_visible()}


def overlap(one: dict[str, float], other: dict[str, float]) -> bool:
    """Whether two rectangles have more in common than an edge."""
    return all(
        one[at] < other[at] + other[size] - 1 and other[at] < one[at] + one[size] - 1
        for at, size in (("x", "width"), ("y", "height"))
    )


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_nothing_on_the_map_covers_another(browser: Any, host: str, size: Any) -> None:
    """Also not with the legend open, which then scrolls; axe finds nothing in either language."""
    phone = size[0] < 500
    with browsers.window(
        browser, host, viewport={"width": size[0], "height": size[1]}, has_touch=phone,
        is_mobile=phone,
    ) as window:  # fmt: skip
        for lang in ("nl", "en"):
            window.go(f"#lang={lang}")
            if window.at("legend").get_attribute("open") is None:
                window.at("legend").locator("summary").click()
            for one, other in combinations(boxes(window).values(), 2):
                assert not overlap(one, other), boxes(window)
            assert not window.violations()
        window.fine()


def test_totals_are_scrolled_by_keys(browser: Any, host: str) -> None:
    """Where the table is wider than the panel."""
    small = {"viewport": {"width": 320, "height": 640}, "has_touch": True, "is_mobile": True}
    with browsers.window(browser, host, **small) as window:
        window.go()
        table = window.page.locator("#totals .scroll")
        table.focus()
        assert table.evaluate("(one) => one.scrollWidth > one.clientWidth")
        for _ in range(4):
            window.page.keyboard.press("ArrowRight")
        window.page.wait_for_function(
            "() => document.querySelector('#totals .scroll').scrollLeft > 20"
        )
        window.fine()


def test_an_area_is_drawn_by_keys(browser: Any, host: str) -> None:
    """A crosshair marks the middle of what is seen, where the space bar sets a corner; a mouse
    needs none."""
    with browsers.window(browser, host) as window:
        window.go()
        window.at("draw-polygon").focus()
        keys = window.page.keyboard
        keys.press("Enter")
        cross = window.at("crosshair")
        assert cross.is_visible()
        box = cross.bounding_box()
        middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        assert near(middle, tuple(window.page.evaluate(SEEN)))
        for key in (None, "ArrowRight", "ArrowDown"):
            if key:
                keys.press(key)
                window.idle()
            keys.press("Space")
        assert "Corners: 3" in window.text("drawing") and not window.violations()
        keys.press("Enter")
        window.page.wait_for_function("() => location.hash.includes('area=polygon')")
        assert cross.is_hidden()
        text = re.search("area=polygon:([0-9.,;]+)", window.link)
        ring = [[float(part) for part in point.split(",")] for point in text[1].split(";")]
        (west, north), (east, _), (_, south), _ = ring
        assert west < east and south < north
        counted(window, summed(host, area={"type": "Polygon", "coordinates": [ring]}))
        window.at("draw-polygon").click()
        window.page.mouse.move(900, 300)
        assert cross.is_hidden()
        window.fine()
