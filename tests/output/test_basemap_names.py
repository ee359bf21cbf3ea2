"""Names of a base map on the map: which, where, and what is said of a file that is none."""

import re
import zlib
from io import BytesIO
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import shapely
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from shapely import LineString, Point, affinity

from pipeline.errors import InputError
from pipeline.output.map import cartography, council
from pipeline.output.map.cartography import MapScene
from pipeline.output.map.legend import axes_at
from pipeline.output.map.names import draw_names
from pipeline.output.map.palette import FRAME
from pipeline.vectors import basemap
from pipeline.vectors.basemap import named_features, zoom_of
from tests.support import basemaps
from tests.support.commands import call
from tests.support.finished import NORTH, WEST, buildings, composed

Labels = dict[str, Text]
MIDDLE = WEST + 100, NORTH - 80
X, Y = MIDDLE
PLACES = [
    (Point(X, Y), {"kind": "neighbourhood", "name": "Buurt", "min_zoom": 13}),
    (Point(X, Y + 1), {"kind": "locality", "name": "Stad", "name:nl": "Plaats", "min_zoom": 8}),
    (Point(X + 40, Y + 40), {"kind": "country", "name": "Nederland"}),
]
SLANTED = LineString([(X - 90, Y - 60), (X + 90, Y - 40)])
ROADS = [
    (LineString([(X - 50, Y), (X + 50, Y)]), {"kind": "minor_road", "name": "Lange straat"}),
    (SLANTED, {"kind": "major_road", "name": "Schuine weg"}),
    (LineString([(X - 90, Y - 50), (X + 90, Y - 50)]), {"kind": "minor_road", "name": "Kruising"}),
    (LineString([(X, Y + 20), (X + 4, Y + 20)]), {"kind": "minor_road", "name": "Te korte steeg"}),
    (LineString([(X - 60, Y + 30), (X + 60, Y + 30)]), {"kind": "rail", "name": "Spoor"}),
]
WATER = [(Point(X + 50, Y + 20).buffer(12), {"kind": "lake", "name": "Plas van $1 en $2"})]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    layers = {"places": PLACES, "roads": ROADS, "water": WATER}
    return basemaps.write(tmp_path_factory.mktemp("town") / "town.pmtiles", layers)


def scene(file: Path | None) -> MapScene:
    """The twelve buildings, with the names of a file."""
    return MapScene(buildings(), composed(buildings()), basemap=file and str(file))


def labels(axes: Axes) -> Labels:
    """The names that are written, without their halos."""
    return {text.get_text(): text for text in axes.texts if text.get_zorder() == 7}


@pytest.fixture(scope="module")
def town(file: Path) -> Axes:
    return cartography.page(scene(file), "en")[1]


def drawn_box(text: Text) -> shapely.Polygon:
    """The rectangle of a text as matplotlib draws it, in RD."""
    turn, frame = text.get_rotation(), text.axes
    assert frame is not None
    text.set_rotation(0)
    extent = text.get_window_extent()
    text.set_rotation(turn)
    corners = frame.transData.inverted().transform(extent.corners())
    flat = shapely.MultiPoint(corners).envelope
    box = affinity.rotate(flat, turn, origin=text.get_position())
    assert isinstance(box, shapely.Polygon)
    return box


def test_places_waters_and_streets_have_their_names(town: Axes) -> None:
    """Not those of a country or a railway, of a place below another, or of a lane too short for
    its own; and no sign of a name makes a formula."""
    assert set(labels(town)) == {
        "Stad", "Schuine weg", "Kruising", r"Plas van \$1 en \$2", "Lange straat",
    }  # fmt: skip


def test_no_name_lies_over_another_or_over_the_scale(town: Axes) -> None:
    boxes = [drawn_box(text) for text in labels(town).values()]
    plates = [patch.get_bbox().extents for patch in town.patches if patch.get_zorder() == 10]
    assert len(plates) == 2
    boxes += [shapely.box(*plate) for plate in plates]
    assert not any(one.intersects(other) for one, other in combinations(boxes, 2))
    view = shapely.box(*np.ravel([town.get_xlim(), town.get_ylim()], order="F"))
    assert all(view.contains(box) for box in boxes)


def test_the_more_important_name_has_the_place(town: Axes) -> None:
    """The street below the place's name moves aside along itself, as does the one that crosses."""
    every = labels(town)
    assert every["Stad"].get_position() == pytest.approx((X, Y + 1), abs=0.5)
    x, y = every["Lange straat"].get_position()
    assert y == pytest.approx(Y, abs=0.5) and 5 < abs(x - X) < 50
    assert every["Kruising"].get_position()[0] != pytest.approx(X, abs=5)


def test_a_street_has_its_name_along_itself(town: Axes) -> None:
    text = labels(town)["Schuine weg"]
    assert text.get_rotation() == pytest.approx(np.degrees(np.arctan2(20, 180)), abs=0.5)
    assert Point(text.get_position()).distance(SLANTED) < 0.5
    assert Point(text.get_position()).distance(SLANTED.centroid) < 1


@pytest.mark.parametrize("width", [700, 3_000, 12_000])
def test_a_street_through_several_tiles_has_its_name_once_in_its_middle(
    tmp_path: Path, width: float
) -> None:
    """Tiles are 750 m wide at zoom 15, 6 km at zoom 12."""
    line = LineString([(X - 0.48 * width, Y - 0.1 * width), (X + 0.48 * width, Y + 0.13 * width)])
    road = (line, {"kind": "major_road", "name": "Lange weg"})
    file = basemaps.write(tmp_path / "road.pmtiles", {"roads": [road]})
    view = (X - width / 2, Y - width / 2, X + width / 2, Y + width / 2)
    axes = axes_at(Figure(), FRAME, view)
    draw_names(axes, str(file), view, "en")
    [text] = labels(axes).values()
    assert Point(text.get_position()).distance(line.centroid) < 0.003 * width


def test_names_are_those_of_the_language(file: Path) -> None:
    written = labels(cartography.page(scene(file), "nl")[1])
    assert "Plaats" in written and "Stad" not in written


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (400, {"Stad", "Schuine weg", "Lange straat", "Kruising", r"Plas van \$1 en \$2"}),
        (4_000, {"Stad"}),
        (100_000, {"Stad"}),
    ],
    ids=["all", "no room for streets and waters", "no streets and waters"],
)
def test_from_farther_away_there_are_fewer(file: Path, width: float, expected: set[str]) -> None:
    view = (X - width / 2, Y - width / 2, X + width / 2, Y + width / 2)
    axes = axes_at(Figure(), FRAME, view)
    draw_names(axes, str(file), view, "en")
    assert set(labels(axes)) == expected


def test_a_tile_of_512_dots_is_as_wide_at_its_zoom() -> None:
    """A tile of zoom 14 is 2446 m of the projection, which is larger than the ground by the secant
    of the latitude."""
    wide = 2445.98 * np.cos(np.radians(52.3666))
    assert zoom_of((X - wide / 2, Y - 1, X + wide / 2, Y + 1), 512) == pytest.approx(14, abs=0.01)


def test_features_are_read_in_rd(file: Path) -> None:
    view = (X - 200, Y - 200, X + 200, Y + 200)
    places = named_features(str(file), "places", view, 99, "nl")
    at = dict(zip(places.names, places.geometry, strict=True))
    assert at["Plaats"].distance(Point(X, Y + 1)) < 0.3
    kinds = dict(zip(places.names, zip(places.kinds, places.min_zoom, strict=True), strict=True))
    assert kinds["Buurt"] == ("neighbourhood", 13) and kinds["Nederland"][1] == np.inf
    assert not len(named_features(str(file), "landuse", view, 3, "nl").names)


def panel_of(scene: MapScene) -> str:
    figure, _ = cartography.page(scene, "en")
    return " ".join(" ".join(text.get_text() for text in figure.axes[-1].texts).split())


def test_the_source_of_the_base_map_is_named_if_it_says_it(file: Path, tmp_path: Path) -> None:
    silent = basemaps.write(tmp_path / "silent.pmtiles", {"places": PLACES}, attribution="")
    assert "Protomaps © OpenStreetMap." in panel_of(scene(file))
    assert panel_of(scene(silent)) == panel_of(scene(None))


def test_names_are_text_in_the_pdf(file: Path) -> None:
    counts = []
    for each in (scene(None), scene(file)):
        council.draw(each, to := BytesIO())
        streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", to.getvalue(), re.DOTALL)
        content = b"".join(zlib.decompress(one) for one in streams if one[:1] == b"\x78")
        counts.append(content.count(b"BT"))
    assert counts[1] - counts[0] == 5


def test_the_command_writes_them(directory: Path, file: Path, tmp_path: Path) -> None:
    made = []
    for name, more in (("plain.png", ()), ("named.png", ("--basemap", file))):
        assert call("export", directory, "--to", tmp_path / name, *more).exit_code == 0
        made.append((tmp_path / name).read_bytes())
    assert made[0] != made[1]


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("shadow.png", "--basemap: namen zijn voor de kaart; geef een .png of .pdf daarvan"),
        ("a.csv", "--basemap: namen zijn voor de kaart; geef een .png of .pdf daarvan"),
        ("site/", "--basemap is voor een .png of .pdf van de kaart"),
    ],
)
def test_they_are_for_the_map_only(
    directory: Path, file: Path, tmp_path: Path, to: str, said: str
) -> None:
    words = ("export", directory, "--to", f"{tmp_path}/{to}", "--basemap", file, "--lang", "nl")
    result = call(*words)
    assert result.exit_code == 2 and said in result.output
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (lambda file: b"SQLite format 3", "t.pmtiles: geen PMTiles-bestand met vectortegels; "),
        (lambda file: file.read_bytes()[:300], "t.pmtiles: geen PMTiles-bestand"),
        (lambda file: file.read_bytes()[:-10], "t.pmtiles: de tegels zijn afgekapt; kopieer"),
        (None, "t.pmtiles is niet te lezen (No such file"),
    ],
)
def test_a_file_that_is_none_is_refused_in_a_line(
    directory: Path, file: Path, tmp_path: Path, content: object, said: str
) -> None:
    bad = tmp_path / "t.pmtiles"
    if callable(content):
        bad.write_bytes(content(file))
    words = ("export", directory, "--to", tmp_path / "c.pdf", "--basemap", bad, "--lang", "nl")
    result = call(*words)
    assert result.exit_code == 2 and said in result.output
    assert len(result.output.strip().splitlines()) == 1
    assert not (tmp_path / "c.pdf").exists()


def test_tiles_that_gdal_cannot_read_are_a_fault_of_the_file(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*words: object, **more: object) -> None:
        raise basemap.pyogrio.errors.DataSourceError("no directory")

    monkeypatch.setattr(basemap.pyogrio.raw, "read", broken)
    with pytest.raises(InputError, match=r"^town\.pmtiles cannot be read \(no directory\); "):
        draw_names(Axes(Figure(), (0, 0, 1, 1)), str(file), (X, Y, X + 9, Y + 9), "en")
