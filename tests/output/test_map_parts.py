"""Planes of roofs on the printed map: in their shades, with the legend that tells them."""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from pipeline.methods.annual.columns import PLANES
from pipeline.methods.annual.declaration import ANNUAL
from pipeline.methods.parameters import as_json
from pipeline.methods.shades import Shade
from pipeline.output.map import cartography
from pipeline.output.map.cartography import MapScene
from pipeline.output.map.legend import Shown
from pipeline.output.map.palette import BARE, DPI, FRAME, PANEL, styles
from pipeline.output.map.parts import shaded_parts
from tests.support.finished import box, composed

Plane = dict[str, Any]
FLAT, *DIRECTIONS = PLANES.shades
COLOURS = {each.name: each.colour for each in ANNUAL.classes}


def plane(number: int, outline: Any, azimuth: float | None = None, tilt: float = 0.0) -> Plane:
    """A plane, flat without an azimuth."""
    known = {"n": number, "tilt_deg": tilt, "azimuth_deg": azimuth}
    kind = "flat" if azimuth is None else "pitched"
    return known | {"kind": kind, "outline": None if outline is None else shapely.to_wkb(outline)}


def roof(row: int, x: float, *planes: Plane, **other: Any) -> dict[str, Any]:
    """A roof of 20 x 20 m, x metres from the west."""
    judged = {"class": "solar", "solar_suitable": True, "selected": True, "flags": []}
    place = {"row": row, "id": str(row), "area_m2": 400.0, "centre_x": 0.0, "centre_y": 0.0}
    shape = shapely.to_wkb(box(x, 20, 20, 20))
    return place | judged | {"planes": list(planes), "geometry": shape} | other


# A gable of 40 degrees with a part in no plane, one of 10, one flat, one outside the selection, and
# one of which nothing is known.
ROOFS = [
    roof(0, 0, plane(1, box(0, 20, 8, 20), 270.0, 40.0), plane(2, box(8, 20, 8, 20), 90.0, 50.0)),
    roof(1, 30, plane(1, box(30, 20, 20, 20), 359.0, 10.0),
         **{"class": "none", "solar_suitable": False}),
    roof(2, 60, plane(1, shapely.MultiPolygon([box(60, 20, 20, 5), box(60, 30, 20, 10)]))),
    roof(3, 90, plane(1, box(90, 20, 20, 20), 180.0, 45.0), selected=False),
    roof(4, 120, **{"class": None, "solar_suitable": None, "rejected": "no_ground"}),
]  # fmt: skip


def scene(rows: list[dict[str, Any]] = ROOFS) -> MapScene:
    schema = pa.schema([field for field in ANNUAL.schema if field.name != "bbox"])
    table = pa.Table.from_pylist(rows, schema=schema)
    named = {"name": ANNUAL.name, "parameters": as_json(ANNUAL.parameters())}
    return MapScene(table, composed(table, method=named))


def colour_of(shade: Shade, tilt: float) -> list[int]:
    """The rule of docs/methods/annual.md: 45 % of the way to the paper at 10 degrees and below,
    nothing from 40 degrees on."""
    share = 0.0 if shade is FLAT else 0.45 * (1 - min(max((tilt - 10) / 30, 0), 1))
    pairs = zip(to_rgb(shade.colour), to_rgb("#f4f2ec"), strict=True)
    return [round(255 * (full + share * (paper - full))) for full, paper in pairs]


def pixels(of: MapScene) -> np.ndarray:
    """The map without its panel, as integers."""
    drawn = BytesIO()
    cartography.draw(of, drawn)
    drawn.seek(0)
    page = np.rint(255 * imread(drawn)[..., :3]).astype(int)
    left, bottom, width, height = (round(part * DPI) for part in FRAME)
    return page[len(page) - bottom - height : len(page) - bottom, left : left + width]


def at(of: MapScene, picture: np.ndarray, x: float, y: float) -> list[int]:
    """The pixel at a place in metres, as `box` has it."""
    west, south, east, north = cartography.view(of)
    place = shapely.get_coordinates(box(x, y, 0, 0))[0]
    i = round((north - place[1]) / (north - south) * picture.shape[0])
    j = round((place[0] - west) / (east - west) * picture.shape[1])
    return list(picture[i, j])


def whole(colour: str) -> list[int]:
    return [round(255 * part) for part in to_rgb(colour)]


def test_planes_have_their_shades_and_the_rest_of_a_roof_none() -> None:
    of = scene()
    picture = pixels(of)
    by_name = {shade.name: shade for shade in DIRECTIONS}
    for (x, y), colour in {
        (4, 30): colour_of(by_name["west"], 40),
        (12, 30): colour_of(by_name["east"], 50),
        (18, 30): whole(BARE),
        (40, 30): colour_of(by_name["north"], 10),
        (70, 22): colour_of(FLAT, 0),
        (70, 27): whole(BARE),
        (70, 35): colour_of(FLAT, 0),
        (100, 30): whole(styles(ANNUAL)["unselected"]["facecolor"]),
    }.items():
        assert at(of, picture, x, y) == pytest.approx(colour, abs=1), (x, y)
    assert at(of, picture, 0, 30) == whole(COLOURS["solar"])  # its class is a line
    assert at(of, picture, 30, 30) == whole(COLOURS["none"])


def test_a_mark_lies_beside_the_line_of_the_class() -> None:
    """Of a roof near the inputs' edge both are seen, on all of its western wall."""
    of = scene([ROOFS[0], ROOFS[1] | {"flags": ["reach_cut"]}])
    picture, metres = pixels(of), np.arange(21, 39, 0.1)
    line, beside = (
        np.array([at(of, picture, 30 + away, y) for y in metres]) for away in (0.0, -0.1)
    )
    mark = whole(styles(ANNUAL)["reach_cut"]["edgecolor"])
    assert (line == whole(COLOURS["none"])).all()
    assert 0.3 < (beside == mark).all(axis=1).mean() < 0.9


def test_they_are_counted_by_shade() -> None:
    (found,) = shaded_parts(scene().buildings, ANNUAL)
    assert {name: count for name, count in found.counts.items() if count} == {
        "flat": 1, "north": 1, "east": 1, "west": 1,
    }  # fmt: skip
    assert list(found.counts) == [shade.name for shade in PLANES.shades]
    assert len(found.geometry) == len(found.colours) == 4


@pytest.mark.parametrize("azimuth", np.arange(0.0, 360.0, 7.5))
def test_each_has_one_shade(azimuth: float) -> None:
    (found,) = shaded_parts(scene([roof(0, 0, plane(1, box(0, 0, 9, 9), azimuth, 25.0))]).buildings,
                            ANNUAL)  # fmt: skip
    shade = DIRECTIONS[int((azimuth + 22.5) % 360 // 45)]
    assert [name for name, count in found.counts.items() if count] == [shade.name]
    assert found.colours.tolist() == [pytest.approx(colour_of(shade, 25.0), abs=1)]


@pytest.mark.parametrize("file", [False, True], ids=["a table", "its file"])
def test_a_file_is_read_by_its_fields(tmp_path: Path, file: bool) -> None:
    table = scene().buildings
    pq.write_table(table, tmp_path / "b.parquet", row_group_size=2)
    (found,) = shaded_parts(tmp_path / "b.parquet" if file else table, ANNUAL)
    assert found.counts["east"] == 1 and len(found.geometry) == 4


def without_outlines() -> list[dict[str, Any]]:
    bare = [[each | {"outline": None} for each in row["planes"]] for row in ROOFS]
    return [row | {"planes": planes} for row, planes in zip(ROOFS, bare, strict=True)]


@pytest.mark.parametrize("why", ["no outlines", "too small"])
def test_roofs_whose_planes_are_not_drawn_show_their_classes(
    monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    if why == "too small":
        monkeypatch.setattr(cartography, "LARGEST_PART_DOT", 0.01)
    of = scene(without_outlines() if why == "no outlines" else ROOFS)
    picture = pixels(of)
    assert at(of, picture, 4, 30) == whole(COLOURS["solar"])
    assert at(of, picture, 40, 30) == whole(COLOURS["none"])


def test_equal_scenes_give_equal_bytes() -> None:
    drawn = [BytesIO(), BytesIO()]
    for each in drawn:
        cartography.draw(scene(), each)
    assert drawn[0].getvalue() == drawn[1].getvalue()


@pytest.mark.parametrize("lang", ["en", "nl"])
def test_the_legend_tells_the_shades_in_the_room_that_there_is(
    monkeypatch: pytest.MonkeyPatch, lang: str
) -> None:
    written: list[str] = []
    panel = cartography.panel

    def noting(axes: Any, shown: Shown, lang: str) -> float:
        many = [each._replace(counts=dict.fromkeys(each.counts, 1_234_567)) for each in shown.parts]
        marks = dict.fromkeys(styles(ANNUAL), 1_234_567)
        left = panel(axes, shown._replace(counts=marks, parts=many), lang)
        written.extend(text.get_text().replace("\n", " ") for text in axes.texts)
        assert 0 <= left < PANEL[3]
        return left

    monkeypatch.setattr(cartography, "panel", noting)
    cartography.draw(scene(), BytesIO(), lang)
    assert ANNUAL.words(lang).parts in written
    assert {shade.words(lang) for shade in PLANES.shades} <= {*written}
    assert {"en": "the rest of a roof", "nl": "de rest van een dak"}[lang] in written
