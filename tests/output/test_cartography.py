"""The map: the right colours in the right places, for every eye, the same bytes every time."""

from collections.abc import Callable
from io import BytesIO
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import shapely
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.image import imread

from pipeline.output.map import cartography
from pipeline.output.map.cartography import MapScene
from pipeline.output.map.legend import Shown, axes_at, panel, round_length
from pipeline.output.map.marked import count_marks
from pipeline.output.map.palette import DPI, FRAME, PANEL, SHADED, WATER, styles
from pipeline.results import report, totals
from pipeline.results.printed import heights, place
from pipeline.runs.provenance import machine
from tests.support.finished import (
    COURT,
    METHOD,
    NORTH,
    ROWS,
    TIMES,
    TWINS,
    WEST,
    box,
    building,
    buildings,
    composed,
    finished,
    rasters,
    rejected,
)

SOUTH = NORTH - 2 * ROWS
STYLES = styles(METHOD)
COLOURS = {each.name: each.colour for each in METHOD.classes}
GROUND = (WEST, SOUTH, WEST + 200, NORTH)
Pixels = Callable[..., np.ndarray]

# Machado, Oliveira and Fernandes (2009), severity 1, in linear RGB.
EYES = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
         [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
         [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
         [0.004733, 0.691367, 0.303900]]
    ),
}  # fmt: skip


def scene(table: pa.Table | None = None, **other: Any) -> MapScene:
    """inputs: what the report says of these besides; a layer's name: its picture, None without."""
    table = buildings() if table is None else table
    told = composed(buildings())
    told["inputs"] |= other.pop("inputs", {})
    bounds = other.pop("bounds", GROUND)
    layers = {name: rasters()[name] for name in ("hillshade", "shadow")} | other
    pictures = {name: cells for name, cells in layers.items() if cells is not None}
    return MapScene(table, told, pictures, bounds)


def only(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=buildings().schema)


def share(pixels: np.ndarray, colour: str) -> float:
    """The part of the pixels that has a colour."""
    return float((pixels == [round(255 * part) for part in to_rgb(colour)]).all(axis=-1).mean())


@pytest.fixture(scope="module")
def draw(tmp_path_factory: pytest.TempPathFactory) -> Pixels:
    """Draws a scene; gives the pixels of its map, without the panel, as integers."""
    path = tmp_path_factory.mktemp("map") / "map.png"

    def pixels(of: MapScene, lang: str = "en") -> np.ndarray:
        cartography.draw(of, path, lang)
        page = np.rint(255 * imread(path)[..., :3]).astype(int)
        left, bottom, width, height = (round(part * DPI) for part in FRAME)
        return page[len(page) - bottom - height : len(page) - bottom, left : left + width]

    return pixels


@pytest.fixture(scope="module")
def usual(draw: Pixels) -> np.ndarray:
    """The map of the twelve buildings."""
    return draw(scene())


def at(of: MapScene, picture: np.ndarray, x: float, y: float, reach: int = 3) -> np.ndarray:
    """The pixels around a place in metres from the lower left."""
    west, south, east, north = cartography.view(of)
    i = round((north - SOUTH - y) / (north - south) * picture.shape[0])
    j = round((WEST + x - west) / (east - west) * picture.shape[1])
    assert reach <= i < picture.shape[0] - reach and reach <= j < picture.shape[1] - reach
    return picture[i - reach : i + reach + 1, j - reach : j + reach + 1]


@pytest.mark.parametrize(
    ("x", "y", "colour"),
    [
        (25, 25, COLOURS["solar"]),
        (30, 130, COLOURS["wind_or_solar"]),
        (67, 125, COLOURS["wind_or_solar"]),
        (97, 135, COLOURS["none"]),
        (25, 80, COLOURS["wind_or_solar"]),  # set aside, and still in its class
        (102.5, 22.5, COLOURS["solar"]),  # one part of the twins
        (112.5, 22.5, COLOURS["solar"]),  # the other
        (155, 45, STYLES["unselected"]["facecolor"]),
        (150, 155, WATER),  # no height data
    ],
)
def test_every_roof_has_the_colour_of_its_class(
    usual: np.ndarray, x: float, y: float, colour: str
) -> None:
    assert share(at(scene(), usual, x, y), colour) == 1


@pytest.mark.parametrize("turn", [1, -1])
def test_courts_stay_open(draw: Pixels, turn: int) -> None:
    rings = COURT.exterior.coords, COURT.interiors[0].coords
    alike = shapely.Polygon(rings[0], [rings[1][::turn]])  # rings may run either way
    of = scene(only(building(0, alike, area=800, sunny=True), *buildings().to_pylist()[:4]))
    picture = draw(of)
    assert share(at(of, picture, 155, 35), COLOURS["solar"]) == 1
    assert share(at(of, picture, 165, 35), COLOURS["solar"]) == 0


def test_not_judged_is_hatched(usual: np.ndarray) -> None:
    roof = at(scene(), usual, 100, 70, reach=30)
    assert share(roof, STYLES["not_judged"]["facecolor"]) > 0.2
    assert share(roof, STYLES["not_judged"]["edgecolor"]) > 0.1
    assert not any(share(roof, colour) for colour in COLOURS.values())


def test_shadow_darkens_more_where_more_suns_are_shaded(draw: Pixels) -> None:
    flat = np.full((ROWS, 100), 200, np.uint8)
    mask = np.repeat(np.array([0b000, 0b010, 0b101, 0b111], np.uint8), 25)
    of = scene(hillshade=flat, shadow=np.broadcast_to(mask, flat.shape))
    picture = draw(of)
    light = [at(of, picture, x, 100).mean() for x in (45, 75, 138, 172)]
    assert light == sorted(light, reverse=True) and np.diff(light).max() < -15


def test_the_circle_is_the_view_and_outside_it_is_grey(draw: Pixels) -> None:
    circle = (WEST + 30, SOUTH + 130, 40.0)
    rows = [row | {"selected": row["row"] == 1} for row in buildings().to_pylist()]
    of = scene(only(*rows), inputs={"around": circle})
    west, south, east, north = cartography.view(of)
    assert (west + east) / 2 == pytest.approx(circle[0])
    assert (south + north) / 2 == pytest.approx(circle[1])
    assert north - south > 80 and east - west > 80
    picture = draw(of)
    assert share(at(of, picture, 30, 130), COLOURS["wind_or_solar"]) == 1
    assert share(at(of, picture, 63, 125), STYLES["unselected"]["facecolor"]) == 1
    assert share(picture, COLOURS["solar"]) == 0


def test_a_stray_footprint_shrinks_no_map() -> None:
    west, south, east, north = cartography.view(scene())
    assert west < WEST + 20 and east > WEST + 180 and east - west < 250
    assert south < SOUTH + 20 and north > SOUTH + 140
    stray = only(rejected(0, box(9000, 9000, 10, 10), "off_rasters"))
    assert cartography.view(scene(stray))[0] > WEST + 8000


@pytest.mark.parametrize(
    "table",
    [
        only(building(0, box(50, 50, 10, 10), area=100, sunny=True)),
        only(building(0, TWINS, area=50)),
        buildings().slice(7, 3),
        buildings().slice(9, 1),
        buildings().slice(0, 0),
    ],
    ids=["one", "one of two parts", "none judged", "no geometry", "no rows"],
)
@pytest.mark.parametrize("layers", [{}, {"hillshade": None, "shadow": None, "bounds": None}])
def test_a_scene_of_few_layers_or_roofs_is_drawn(
    draw: Pixels, table: pa.Table, layers: dict[str, Any]
) -> None:
    picture = draw(scene(table, **layers))
    judged = table["class"].to_pylist()
    for name, colour in COLOURS.items():
        assert (share(picture, colour) > 0) == (name in judged)


@pytest.mark.parametrize("layer", ["hillshade", "shadow"])
def test_one_raster_is_enough(draw: Pixels, layer: str) -> None:
    of = scene(**{layer: None})
    picture = draw(of)
    west, east = (at(of, picture, x, 50).mean() for x in (60, 140))
    assert (east < west) == (layer == "hillshade")  # the shadow is what is left, and it lies east


def test_tens_of_thousands_of_roofs(draw: Pixels) -> None:
    x, y = np.meshgrid(np.arange(0, 1500, 10.0), np.arange(0, 1400, 10.0))
    corners = shapely.box(WEST + x, SOUTH + y, WEST + x + 7, SOUTH + y + 7).ravel()
    alike = building(0, box(0, 0, 7, 7), area=49, sunny=True)
    table = pa.table(
        {name: [alike[name]] * len(corners) for name in totals.legend_columns(METHOD)}
        | {"rejected": pa.nulls(len(corners), pa.string()), "geometry": shapely.to_wkb(corners)}
    )
    at = table.column_names.index("excluded")
    table = table.set_column(at, "excluded", pa.nulls(len(corners), pa.string()))
    assert len(corners) == 21_000
    assert 0.2 < share(draw(scene(table, bounds=None)), COLOURS["solar"]) < 0.6


@pytest.mark.parametrize("lang", ["en", "nl"])
def test_equal_scenes_give_equal_bytes(tmp_path: Path, lang: str) -> None:
    for name in ("a.png", "b.png"):
        cartography.draw(scene(), tmp_path / name, lang)
    first, second = ((tmp_path / name).read_bytes() for name in ("a.png", "b.png"))
    assert first == second
    assert b"tEXt" not in first and b"tIME" not in first


def test_languages_differ(tmp_path: Path) -> None:
    for lang in ("en", "nl"):
        cartography.draw(scene(), tmp_path / f"{lang}.png", lang)
    assert (tmp_path / "en.png").read_bytes() != (tmp_path / "nl.png").read_bytes()


def lab(colour: str, eye: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of a colour as an eye sees it."""
    coded = np.array(to_rgb(colour))
    linear = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
         [0.0193339, 0.1191920, 0.9503041]]
    )  # fmt: skip
    xyz = to_xyz @ (eye @ linear).clip(0, 1) / [0.95047, 1.0, 1.08883]
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("eye", EYES)
def test_classes_are_told_apart_by_the_colour_blind(eye: str) -> None:
    seen = [*COLOURS.values(), SHADED, STYLES["unselected"]["facecolor"]]
    for one, other in combinations(seen, 2):
        if {one, other} & set(COLOURS.values()):
            assert np.linalg.norm(lab(one, EYES[eye]) - lab(other, EYES[eye])) > 25


def test_classes_are_told_apart_in_grey() -> None:
    lightness = sorted(lab(colour, EYES["normal"])[0] for colour in COLOURS.values())
    assert np.diff(lightness).min() > 10


@pytest.mark.parametrize(
    ("length", "expected"), [(999, 500), (1000, 1000), (19.9, 10), (5, 5), (49_000, 20_000)]
)
def test_scale_bars_are_round(length: float, expected: float) -> None:
    assert round_length(length) == expected


ADDED = {"ids": [f"{11 + 1:016d}"], "bounds": list(TWINS.bounds)}  # the twins, by id and place


def test_roofs_with_a_cut_reach_and_added_ones_are_marked(draw: Pixels) -> None:
    of = scene(inputs={"added": [ADDED]})
    picture = draw(of)
    cut, added = (STYLES[name]["edgecolor"] for name in ("reach_cut", "added"))
    assert share(at(of, picture, 90, 70), cut) > 0.1  # the western wall of row 7
    assert share(at(of, picture, 100, 22.5), added) > 0.3
    for x, y in ((97, 135), (25, 25), (155, 45)):  # others bear no mark
        assert share(at(of, picture, x, y, reach=20), cut) == 0
        assert share(at(of, picture, x, y, reach=20), added) == 0
    assert share(draw(scene()), added) == 0
    assert count_marks(of.buildings, METHOD, of.added) == {"reach_cut": 1, "added": 1}


@pytest.mark.parametrize(
    "elsewhere", [ADDED | {"ids": ["4711"]}, ADDED | {"bounds": list(COURT.bounds)}]
)
def test_a_building_is_added_by_its_id_and_where_it_stands(elsewhere: dict[str, Any]) -> None:
    assert count_marks(buildings(), METHOD, [elsewhere])["added"] == 0


def test_marks_are_counted_where_roofs_are_dots(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Shown] = []
    monkeypatch.setattr(cartography, "MOST", 0)
    monkeypatch.setattr(cartography, "panel", lambda _, told_, __: told.append(told_))
    cartography.draw(scene(), BytesIO())
    assert told[0].dot is not None and told[0].counts["reach_cut"] == 1


SHEETS = [{"ahn_version": "AHN4"}, {"ahn_version": None}]
BOX = [84500.0, 445700.0, 86500.0, 447000.0]


@pytest.mark.parametrize(
    ("area", "around", "en", "nl"),
    [
        ({"region": "GM0503", "name": "Delft", "file": {}}, None, "Delft (GM0503)",
         "Delft (GM0503)"),
        ({"name": "wijk.gpkg", "size": 1}, None, "wijk.gpkg", "wijk.gpkg"),
        (BOX, None, "RD 84500, 445700, 86500, 447000", "RD 84500, 445700, 86500, 447000"),
        (None, None, "bag.gpkg", "bag.gpkg"),
        (None, [85000.0, 446000.0, 1500.0], "bag.gpkg, within 1,500 m of RD 85000, 446000",
         "bag.gpkg, binnen 1.500 m van RD 85000, 446000"),
    ],
)  # fmt: skip
def test_the_place(area: Any, around: Any, en: str, nl: str) -> None:
    inputs = {"area": area, "around": around, "buildings": [{"name": "bag.gpkg"}]}
    assert [place(inputs, lang) for lang in ("en", "nl")] == [en, nl]


def test_the_versions_of_the_heights() -> None:
    assert heights({"dsm": SHEETS, "dtm": [{"ahn_version": "AHN3"}]}, "nl") == (
        "AHN3 (gevlogen 2014-2019), AHN4 (gevlogen 2020-2022)"
    )
    newest = [{"ahn_version": "AHN6", "name": f"AHN6_{year}_R_1.TIF"} for year in (2026, 2025)]
    assert heights({"dsm": newest}) == "AHN6 (flown 2025, 2026)"
    named = [{"ahn_version": "AHN5", "name": f"{name}.TIF"} for name in ("2023_R_25GN1", "R_25GN1")]
    assert [heights({"dsm": [each]}) for each in named] == ["AHN5 (flown 2023)", "AHN5"]
    assert heights({"dsm": [{"ahn_version": "AHN6"}]}) == "AHN6"
    assert heights({"dsm": [{}], "dtm": []}) == "AHN version unknown"
    assert heights({"dsm": [{}], "dtm": []}, "nl") == "AHN-versie onbekend"


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("en", ["Delft (GM0503)", "Made on 29 November 2026; heights: AHN4 (flown 2020-2022)",
                "near the inputs' edge: shade may be missed", "added: not in the heights"]),
        ("nl", ["Delft (GM0503)", "Gemaakt op 29 november 2026; hoogten: AHN4 (gevlogen 2020-2022)",
                "rand van de invoer: mist mogelijk schaduw", "toegevoegd: niet in de hoogten"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("marks", [0, 1_234_567])
def test_the_panel_says_all_of_it_in_the_room_that_there_is(
    lang: str, said: list[str], marks: int
) -> None:
    inputs = {"area": {"region": "GM0503", "name": "Delft"}, "around": [85000, 446000, 1500],
              "buildings": [], "dsm": SHEETS}  # fmt: skip
    inputs["attribution"] = "AHN (Actueel Hoogtebestand Nederland), BAG (Kadaster)"
    told = composed(buildings()) | {"inputs": inputs}
    told["machine"]["finished"] = "2026-11-29T23:59:59+0100"
    counts = dict.fromkeys(STYLES, 1_234_567) | dict.fromkeys(("reach_cut", "added"), marks)
    axes = axes_at(Figure(), PANEL, (0, 0, *PANEL[2:]))
    assert panel(axes, Shown(told, counts, METHOD.layers[:2], 12.0), lang) >= 0
    written = " ".join(text.get_text().replace("\n", " ") for text in axes.texts)
    assert [words in written for words in said] == [True, True, marks > 0, marks > 0]


def test_scene_of_a_folder(tmp_path: Path) -> None:
    finished(tmp_path)
    of = cartography.scene(buildings(), report.read(tmp_path), tmp_path / "rasters.zarr")
    assert [layer.name for layer in of.layers] == ["hillshade", "shadow"]
    for layer in of.layers:
        np.testing.assert_array_equal(of.pictures[layer.name], rasters()[layer.name])
    assert (of.bounds, of.around, of.added) == (GROUND, None, ())
    assert of.method.moments(of.report) == TIMES


def test_scene_without_rasters_and_with_a_circle(tmp_path: Path) -> None:
    finished(tmp_path, layers={})
    told = composed(buildings())
    told["inputs"]["around"] = [1.0, 2.0, 3.0]
    for store in (None, tmp_path / "rasters.zarr", tmp_path / "nothing.zarr"):
        of = cartography.scene(buildings(), told, store)
        assert (of.pictures, of.bounds) == ({}, None)
        assert of.around == (1.0, 2.0, 3.0)


@pytest.mark.parametrize(
    ("largest", "step"), [(100, 1), (99, 2), (50, 2), (49, 4), (25, 4), (10, 10)]
)
def test_a_picture_is_the_finest_that_fits(tmp_path: Path, largest: int, step: int) -> None:
    finished(tmp_path)
    found = cartography.layer_image(tmp_path / "rasters.zarr", "shadow", largest)
    assert found is not None and max(found.cells.shape) <= largest
    np.testing.assert_array_equal(found.cells, rasters()["shadow"][::step, ::step])
    west, south, east, north = found.bounds
    height, width = found.cells.shape
    assert (west, north) == (WEST, NORTH)
    assert (east - west, north - south) == (width * 2 * step, height * 2 * step)


def test_the_day_of_the_map_can_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1924948800")  # 31 December 2030
    assert machine(0.0)["finished"].startswith("2030-12-31T")
