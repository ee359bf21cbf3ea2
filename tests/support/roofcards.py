"""Generated roofs judged by annual and by powermapping, and what the card of one must say of it."""

import json
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.methods.annual import interval
from pipeline.methods.annual.columns import PLANES
from pipeline.methods.annual.interval import MONTHS, apart, of_sum
from pipeline.methods.annual.painting import SOLAR
from pipeline.methods.annual.sums import MONTH_LABELS
from pipeline.methods.shades import Shade
from pipeline.quarter.roofscape import generate_roofs
from pipeline.runs.request import Inputs, Outputs, Request
from pipeline.runs.run import run
from tests.support.browsers import Window, about, roofs, whole

NAME, STUDY = "annual", "study"
LISTED = f"#roof-{PLANES.name} .part"
PANEL_M2 = 1.95
FLAT, *DIRECTIONS = PLANES.shades
Plane = dict[str, Any]


def judged(folder: Path, methods: dict[str, str], repeats: int = 1) -> dict[str, Path]:
    """Runs of every kind of roof, two of them high enough for a turbine, by their names.
    methods: of each run."""
    generate_roofs(folder / "in", repeats=repeats, sheets=(1, 1), tall=True)
    sheets = (str(folder / "in"),)
    inputs = Inputs(sheets, sheets, (str(folder / "in" / "pand.gpkg"),))
    for name, method in methods.items():
        layers = (SOLAR,) if method == "annual" else ()
        run(Request(inputs, Outputs(folder / name)).replace(method=method, layers=layers))
    return {name: folder / name for name in methods}


def planes_of(host: str, row: int) -> list[Plane]:
    """The planes of a roof as the service lists them, the best first."""
    address = f"{host}/collections/{NAME}.{PLANES.name}/items?row={row}&limit=300"
    with urllib.request.urlopen(address) as answer:
        planes = [one["properties"] for one in json.load(answer)["features"]]
    return sorted(planes, key=lambda plane: (not plane["suitable"], -plane["kwh"]))


def gable(host: str) -> dict[str, Any]:
    """A roof of pitched planes, some suitable and some not."""
    for roof in roofs(host, NAME).values():
        planes = planes_of(host, roof["id"])
        kinds = {(each["kind"], each["suitable"]) for each in planes}
        if len(planes) <= 8 and {("pitched", True), ("pitched", False)} <= kinds:
            return roof
    raise AssertionError("every scene has a gable that faces south and north")


def shadiest(host: str) -> dict[str, Any]:
    """The suitable roof of a few planes of which shade takes most."""
    known = [one for one in roofs(host, NAME).values() if one["properties"]["solar_suitable"]]
    few = [one for one in known if len(planes_of(host, one["id"])) <= 8]
    return max(few, key=lambda one: shade_of_roof(one["properties"]))


def shade_of_roof(of: dict[str, Any]) -> float:
    """The share that shade takes."""
    kwh, unshaded = (np.array([of[name]]) for name in ("solar_kwh", "unshaded_kwh"))
    return float(interval.shade_of(kwh, unshaded)[0])


def shade_of(plane: Plane) -> Shade:
    """The shade of a plane, by its direction in steps of 45 degrees."""
    if plane["kind"] == "flat":
        return FLAT
    return DIRECTIONS[int((plane["azimuth_deg"] + 22.5) % 360 // 45)]


def grouped(text: str, lang: str) -> str:
    """A number of English as a language writes it."""
    return text.translate(str.maketrans(",.", ".,")) if lang == "nl" else text


def written(value: float, lang: str = "en") -> str:
    """An amount in three digits, with a decimal where it is small."""
    return grouped(about(value) if value >= 10 else f"{value:.1f}", lang)


def plain(text: str) -> str:
    """A text with usual spaces."""
    return text.replace("\N{NO-BREAK SPACE}", " ")


def chips(window: Window) -> list[list[str]]:
    """What the card says of each plane in short: the way it lies, then figures."""
    window.page.wait_for_selector(LISTED)
    texts: list[str] = window.page.locator(f"{LISTED} .chip > span").all_inner_texts()
    return [plain(text).split("\n") for text in texts]


def lines(window: Window) -> list[str]:
    """What it says besides of the plane that is chosen."""
    shown: list[str] = window.page.locator(f"{LISTED} .more:visible p").all_inner_texts()
    return [plain(text) for text in shown]


def short(plane: Plane, lang: str) -> list[str]:
    """What a chip must say."""
    way, area = shade_of(plane).words(lang).capitalize(), f"{plane['area_m2']:.0f} m²"
    title = way if plane["kind"] == "flat" else f"{way}, {plane['tilt_deg']:.0f}°"
    bare, to = {"en": ("no room for panels", "to"), "nl": ("geen ruimte voor panelen", "tot")}[lang]
    low, high = (written(plane[f"{end}_kwh"], lang) for end in ("low", "high"))
    return [title, f"{area}, {low} {to} {high} kWh" if plane["usable_m2"] else f"{area}, {bare}"]


def more(plane: Plane, lang: str) -> list[str]:
    """What must be said besides of the plane that is chosen."""
    room, given, light, suits = {
        "en": ("Room for {} m² of panels, {} kWp.", "{} to {} kWh a year, likely {}",
               "{} kWh/m² of sun a year; shade takes {} %.",
               ("Not suitable by the scheme of this run.", "Suitable.", "Very suitable.")),
        "nl": ("Ruimte voor {} m² panelen, {} kWp.", "{} tot {} kWh per jaar, waarschijnlijk {}",
               "{} kWh/m² zon per jaar; schaduw neemt {} % weg.",
               ("Niet geschikt volgens de regel van deze berekening.", "Geschikt.",
                "Zeer geschikt.")),
    }[lang]  # fmt: skip
    kwp = grouped(f"{plane['kwp']:.1f}", lang)
    year = given.format(*(written(plane[f"{end}kwh"], lang) for end in ("low_", "high_", "")))
    fills = [room.format(f"{plane['usable_m2']:.0f}", kwp), year] if plane["usable_m2"] else []
    sun, most = plane["irradiation_kwh_m2"], plane["unshaded_kwh_m2"]
    lost = interval.shade_of(np.array([sun]), np.array([most]))[0]
    share = grouped(f"{100 * lost:.{1 if 0 < lost < 0.1 else 0}f}", lang)
    return [
        *fills, light.format(grouped(whole(sun), lang), share),
        suits[plane["suitable"] + plane["very_suitable"]],
    ]  # fmt: skip


def head(of: dict[str, Any], planes: list[Plane]) -> tuple[str, str]:
    """What the card of a suitable roof must say first: its year, and on which planes."""
    low, high, likely = (written(of[f"solar_{end}kwh"]) for end in ("low_", "high_", ""))
    counts = [int(plane["usable_m2"] // PANEL_M2) for plane in planes if plane["suitable"]]
    filled = [count for count in counts if count]
    best = max((plane for plane in planes if plane["suitable"]), key=lambda one: one["usable_m2"])
    flat = best["kind"] == "flat"
    way = shade_of(best).en
    where = "on the flat roof" if flat else f"on the {way} plane"
    if len(filled) > 1 and {one["kind"] for one in planes if one["suitable"]} == {"flat"}:
        where = f"on {len(filled)} flat planes"
    elif len(filled) > 1:
        where = f"on {len(filled)} planes, most on the {'flat' if flat else way} one"
    share = shade_of_roof(of)
    shade = f"{100 * share:.0f} %" if share >= 0.01 else "next to nothing"
    return (
        f"{low} to {high} kWh a year likely {likely}",
        f"{sum(filled):,} panels {where}; shade takes {shade}",
    )


def months_of(roof: dict[str, Any]) -> list[list[str]]:
    """What the table below the months of a roof must say: the interval, the number, and what it
    would be without shade."""
    of = roof["properties"]
    error = apart(np.array([shade_of_roof(of)]))[0]
    rows = []
    for number, (month, year) in enumerate(zip(MONTH_LABELS, MONTHS, strict=True), 1):
        value, unshaded = of[f"solar_month_kwh_{number}"], of[f"unshaded_month_kwh_{number}"]
        ends = of_sum(value, value * error, year)
        figures = (ends.low, ends.high, value, max(value, unshaded))
        rows.append([month.en, *map(about, figures)])
    return rows


def table(window: Window, testid: str, columns: int) -> list[list[str]]:
    """The rows of the table of a section."""
    cells = window.at(testid).locator("tbody tr > *").all_text_contents()
    return [cells[at : at + columns] for at in range(0, len(cells), columns)]


def click_on(window: Window, roof: dict[str, Any], number: int) -> None:
    """Click where a plane of a roof is drawn, and wait for its chip."""
    place: dict[str, float] = window.page.evaluate(
        """([row, n]) => {
          const box = daklaag.map.getContainer().getBoundingClientRect();
          for (let y = 0; y < box.height; y += 4) for (let x = 0; x < box.width; x += 4) {
            const corners = [[x - 3, y - 3], [x + 3, y - 3], [x + 3, y + 3], [x - 3, y + 3]];
            const layers = ["planes-fill"];
            const seen = corners.map((at) => daklaag.map.queryRenderedFeatures(at, {layers})[0]);
            const own = (f) => f && f.properties.row === row && f.properties.n === n;
            const above = document.elementFromPoint(box.x + x, box.y + y);
            if (seen.every(own) && above?.tagName === "CANVAS")
              return {x, y};
          }
        }""",
        [roof["id"], number],
    )
    box = window.at("map").bounding_box()
    window.page.mouse.click(box["x"] + place["x"], box["y"] + place["y"])
    window.page.wait_for_selector(LISTED)
    window.idle()
