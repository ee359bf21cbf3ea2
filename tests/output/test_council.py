"""The page for a council: one A4 page, every yield with its interval, the same bytes every time."""

import re
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from pipeline.methods import METHODS
from pipeline.output.map import cartography, council
from pipeline.output.map.cartography import MapScene
from pipeline.output.map.legend import axes_at
from pipeline.results import report
from pipeline.wording import about
from tests.support.commands import call
from tests.support.finished import buildings, composed, rasters
from tests.support.runs import World

LANGUAGES = ("en", "nl")
TO = {"en": "to", "nl": "tot"}
GROUND = (0.0, 0.0, 200.0, 160.0)


def studied() -> MapScene:
    """The twelve buildings, by the method powermapping."""
    told = composed(buildings())
    told["inputs"]["dsm"][0]["ahn_version"] = "AHN4"
    told["machine"]["finished"] = "2026-11-29T23:59:59+0100"
    return MapScene(buildings(), told, {"shadow": rasters()["shadow"]}, GROUND)


@pytest.fixture(scope="module")
def annual(tmp_path_factory: pytest.TempPathFactory) -> MapScene:
    """A tower that suits a turbine and a house, by the method annual."""
    folder = tmp_path_factory.mktemp("council")
    world = World(120, 100, 1.0)
    world.block(40, 40, 60, 60, 50.0)
    world.block(10, 10, 20, 20, 8.0)
    world.judge(folder, method="annual", settings={"outlines": "no", "wind_min_kwh": 1.0})
    out = folder / "out"
    return cartography.scene(out / "buildings.parquet", report.read(out), out / "rasters.zarr")


def written(figure: Figure) -> str:
    """All texts of a page, as one."""
    texts = (text.get_text() for axes in figure.axes for text in axes.texts)
    return " ".join(" ".join(texts).split())


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_of_the_study_has_all_that_a_council_asks(lang: str) -> None:
    scene = studied()
    told, text = scene.report, written(council.page(scene, lang))
    lit, place, flown, shade, assumed = {
        "en": ("lit at 10:00, 12:00 and 14:00", "Made on 29 November 2026",
               "AHN4 (flown 2020-2022)", "in shadow (darker: at more of these times)",
               "Assumptions of this run: panels on 10 %"),
        "nl": ("in de zon om 10:00, 12:00 en 14:00", "Gemaakt op 29 november 2026",
               "AHN4 (gevlogen 2020-2022)", "in de schaduw (donkerder: op meer van deze tijden)",
               "Aannamen van deze run: panelen op 10 %"),
    }[lang]  # fmt: skip
    assert all(each in text for each in (lit, place, flown, shade, assumed))
    low, high = (told["yields"][name]["solar_kwh"] for name in ("study", "2024"))
    assert f"{about(low, lang)} {TO[lang]} {about(high, lang)}" in text
    turbines = told["counts"]["wind_suitable"]
    assert f"{15 * turbines} {TO[lang]} {about(870 * turbines, lang)}" in text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_of_a_year_has_each_yield_with_its_interval(annual: MapScene, lang: str) -> None:
    kwh, text = annual.report["kwh"], written(council.page(annual, lang))
    assert annual.report["counts"]["wind_suitable"] == 1
    for name in ("solar", "wind"):
        interval = [about(kwh[f"{name}_{end}"], lang) for end in ("low", "high")]
        assert f" {interval[0]} {TO[lang]} {interval[1]} " in text
    assert "zonatlas" in text and " 5 m." in text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_picture_of_a_year_has_its_yield_as_an_interval(annual: MapScene, lang: str) -> None:
    kwh, text = annual.report["kwh"], written(cartography.page(annual, lang)[0])
    for name in ("solar", "wind"):
        low, high = (about(kwh[f"{name}_{end}"], lang) for end in ("low", "high"))
        assert f"{low} {TO[lang]} {high} kWh" in text
    assert text.count("kWh") == 2


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_sums_of_a_nation_have_room_below_the_map(annual: MapScene, lang: str) -> None:
    """Of either method, with part of the ground covered."""
    for told in (studied().report, annual.report):
        large = _times(told, 1_000_000) | {"coverage": {"footprints": 0.731, "ground": 0.488}}
        axes = axes_at(Figure(), council.BAND, (0, 0, *council.BAND[2:]))
        assert council.band(axes, large, lang) >= 0
        longest = max(len(line) for text in axes.texts for line in text.get_text().split("\n"))
        assert longest <= council.WIDE


def test_where_no_roof_suits_there_is_no_yield_to_tell(annual: MapScene) -> None:
    for suited in (0, 1):
        told = _times({"counts": annual.report["counts"]}, suited)
        axes = axes_at(Figure(), council.BAND, (0, 0, *council.BAND[2:]))
        council.band(axes, annual.report | told, "en")
        text = " ".join(each.get_text() for each in axes.texts)
        assert ("Sun, kWh a year" in text) == ("households" in text) == bool(suited)


def _times(told: Any, factor: int) -> Any:
    """A report with its counts and sums so many times as large."""
    sums = ("counts", "kwh", "kwp", "area_ha", "yields")

    def larger(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: larger(part) for name, part in value.items()}
        return value * factor if isinstance(value, int | float) else value

    return told | {name: larger(told[name]) for name in sums if name in told}


def test_it_is_one_page_of_a4_with_the_same_bytes_every_time() -> None:
    pages = [BytesIO(), BytesIO()]
    for each in pages:
        council.draw(studied(), each)
    pdf = pages[0].getvalue()
    assert pdf == pages[1].getvalue() and pdf.startswith(b"%PDF-") and b"CreationDate" not in pdf
    [box] = re.findall(rb"/MediaBox \[ ([\d. ]+) \]", pdf)
    width, height = (float(each) * 25.4 / 72 for each in box.split()[2:])
    assert (width, height) == (pytest.approx(297, abs=0.3), pytest.approx(210, abs=0.3))


def test_its_map_is_a_picture_of_200_dots_an_inch_and_its_text_is_text() -> None:
    to = BytesIO()
    council.draw(studied(), to)
    pdf = to.getvalue()
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    content = b"".join(zlib.decompress(each) for each in streams if each[:1] == b"\x78")
    assert content.count(b"BT") > 20  # texts
    widths = [int(each) for each in re.findall(rb"/Width (\d+)", pdf)]
    assert max(widths) == pytest.approx(200 * council.MAP[2], abs=5)


def test_each_method_says_what_its_page_adds_up() -> None:
    assert all(method.words(lang).sums for method in METHODS.values() for lang in LANGUAGES)


def test_dots_keep_their_size_on_a_lower_map(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cartography, "MOST", 0)
    frames = [
        cartography.page(studied(), "en", place)[1] for place in (cartography.FRAME, council.MAP)
    ]
    shapes = [frame.get_images()[-1].get_array().shape for frame in frames]
    assert shapes[0][1] == shapes[1][1] and shapes[0][0] > shapes[1][0]
    assert shapes[1][0] == pytest.approx(200 * council.MAP[3], abs=1)


def test_the_command_writes_it(directory: Path, tmp_path: Path) -> None:
    to = tmp_path / "council.pdf"
    result = call("export", directory, "--to", to, "--lang", "nl")
    assert "de kaart van de daken met hun totalen, op één pagina" in result.output
    assert to.read_bytes().startswith(b"%PDF-")
