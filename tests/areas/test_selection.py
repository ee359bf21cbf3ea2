"""Which buildings are asked for: AREA, as numbers or as a file, and --around."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

from pipeline.areas.polygons import locate, read_areas
from pipeline.areas.selection import parse_area, parse_around, within_circle
from pipeline.errors import InputError
from pipeline.grid.sun import suns_degrees
from pipeline.grid.windows import LatticeCell
from pipeline.runs.prepare import prepare
from tests.support.runs import World

X, Y = 121_000.0, 487_000.0
SQUARE = shapely.box(X, Y, X + 100, Y + 50)


def file(path: Path, *polygons: Any, crs: Any = 28992, to: Any = None, **columns: Any) -> Path:
    rows = gpd.GeoDataFrame(columns or {"n": range(len(polygons))}, geometry=[*polygons], crs=crs)
    rows = rows if to is None else rows.to_crs(to)
    if path.suffix == ".parquet":
        rows.to_parquet(path)
    else:
        rows.to_file(path)
    return path


def refusal(text: Any) -> str:
    with pytest.raises(InputError) as fault:
        parse_area(str(text))
    said = str(fault.value)
    assert "\n" not in said
    return said


POINTS: dict[str, tuple[float, float, bool]] = {
    "inside": (X + 50, Y + 25, True),
    "on an edge": (X, Y + 25, True),
    "on a corner": (X + 100, Y + 50, True),
    "beside": (X + 100.001, Y + 25, False),
    "nowhere": (np.nan, np.nan, False),
}


@pytest.mark.parametrize("where", POINTS)
def test_the_border_belongs_to_the_area(tmp_path: Path, where: str) -> None:
    x, y, inside = POINTS[where]
    point = np.array([[x, y]])
    for text in ("121000,487000,121100,487050", str(file(tmp_path / "area.gpkg", SQUARE))):
        assert parse_area(text).contains(point).tolist() == [inside]


@pytest.mark.parametrize("name", ["area.gpkg", "area.geojson", "area.shp", "area.parquet"])
@pytest.mark.parametrize("crs", [28992, 4326])
def test_a_file_in_any_format_and_crs(tmp_path: Path, name: str, crs: int) -> None:
    area = parse_area(str(file(tmp_path / name, SQUARE, to=crs)))
    assert area.geometry.symmetric_difference(SQUARE).area < (1e-6 if crs == 28992 else 150)
    assert area.source["name"] == name
    assert len(area.source["sha256"]) == 64


def test_polygons_of_a_file_are_one_area_with_their_holes(tmp_path: Path) -> None:
    hole = SQUARE - shapely.box(X + 40, Y + 20, X + 60, Y + 30)
    far = shapely.box(X + 200, Y, X + 210, Y + 10)
    area = parse_area(str(file(tmp_path / "area.gpkg", hole, shapely.MultiPolygon([far]), None)))
    points = np.array([[X + 50, Y + 25], [X + 10, Y + 10], [X + 205, Y + 5], [X + 150, Y + 5]])
    assert area.contains(points).tolist() == [False, True, True, False]


def test_numbers_are_told_as_they_are() -> None:
    area = parse_area(" 121000, 487000,1.211e5 ,487050.5")
    assert area.source == [121_000, 487_000, 121_100, 487_050.5]
    assert area.geometry.bounds == (121_000, 487_000, 121_100, 487_050.5)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("121100,487000,121000,487050", "upside down or empty; give xmin,ymin,xmax,ymax"),
        ("121000,487050,121100,487000", "upside down or empty"),
        ("121000,487000,121000,487050", "upside down or empty"),
        ("121000,487000,121100", "give xmin,ymin,xmax,ymax in RD metres, or a file"),
        ("1,2,3,4,5", "give xmin,ymin,xmax,ymax"),
        ("nan,487000,121100,487050", "give xmin,ymin,xmax,ymax"),
        ("121000,487000,inf,487050", "give xmin,ymin,xmax,ymax"),
        ("", "no such file"),
        ("Amsterdam", "no such file, and not xmin,ymin,xmax,ymax in RD metres either"),
        ("121000 487000 121100 487050", "no such file"),
        ("x" * 5000, "no such file"),
    ],
)
def test_no_area(text: str, expected: str) -> None:
    assert refusal(text).startswith("area ")
    assert expected in refusal(text)


EXTENTS = {
    "a street": ("84000,85500,446500,448000", "84000,446500,85500,448000"),
    "South Limburg": ("180000.5,200000,306500,320000", "180000.5,306500,200000,320000"),
    "Groningen": ("225000,275000,555000,610000", "225000,555000,275000,610000"),
    "with its CRS": (
        "120000.1250,122000.0000,486000.0000,488000.0000 [EPSG:28992]",
        "120000.125,486000,122000,488000",
    ),
}


@pytest.mark.parametrize("name", EXTENTS)
def test_an_extent_of_qgis_is_refused_with_the_box_it_means(name: str) -> None:
    text, meant = EXTENTS[name]
    said = refusal(text)
    assert said.startswith(f"area {text}: reads as an extent of QGIS")
    assert said.endswith(f"; give {meant}")
    assert parse_area(meant).source == [float(edge) for edge in meant.split(",")]


@pytest.mark.parametrize(
    "text",
    ["84000,446500,85500,448000", "13000,306000,278000,620000", "0,300000,300000,700000",
     "120000,610000,125000,640000", "290000,500000,300000,510000", "0,0,9,9", "100,200,300,400"],
)  # fmt: skip
def test_other_boxes_are_taken_as_they_are(text: str) -> None:
    """A street, the country, more than that, half at sea, abroad, far away."""
    assert parse_area(text).source == [float(edge) for edge in text.split(",")]


def test_an_extent_in_another_crs_is_no_box() -> None:
    said = refusal("4.8,4.9,52.3,52.4 [EPSG:4326]")
    assert said.endswith("in another CRS; give xmin,ymin,xmax,ymax in RD metres (EPSG:28992)")


def test_an_extent_on_the_inputs_is_told_by_them(tmp_path: Path) -> None:
    """Wherever they lie."""
    w = World(100, 100, 1.0, west=1000.0, south=3000.0)
    w.block(40, 40, 60, 60, 9.0)
    files = w.write(tmp_path)
    with pytest.raises(InputError, match=r"extent of QGIS.*; give 1020,3010,1080,3090$"):
        prepare(files.request(tmp_path / "out", area="1020,1080,3010,3090"))
    prepare(files.request(tmp_path / "out", area="900,2900,1100,3200"))


def test_no_area_in_a_file(tmp_path: Path) -> None:
    line = shapely.LineString([(X, Y), (X + 9, Y)])
    flat = shapely.Polygon([(X, Y), (X + 9, Y), (X + 5, Y)])
    for polygons in ([line], [SQUARE, line], [None], [shapely.Point(X, Y)]):
        said = refusal(file(tmp_path / "area.gpkg", *polygons))
        assert said == "area.gpkg: not (only) polygons in it; give a file of areas"
    file(tmp_path / "none.gpkg", SQUARE)
    assert "no polygon with an area; give" in refusal(file(tmp_path / "flat.parquet", flat))
    assert "cannot be read" in refusal(_text(tmp_path / "area.gpkg", "hello"))
    assert refusal(tmp_path).startswith(f"area {tmp_path}: no such file")


def _text(path: Path, content: str) -> Path:
    path.unlink(missing_ok=True)
    path.write_text(content)
    return path


def test_rd_in_a_file_that_says_lon_lat(tmp_path: Path) -> None:
    features = [{"type": "Feature", "properties": {}, "geometry": shapely.geometry.mapping(SQUARE)}]
    collection = {"type": "FeatureCollection", "features": features}
    said = refusal(_text(tmp_path / "area.geojson", json.dumps(collection)))
    assert said.startswith("area.geojson: its coordinates are none of WGS 84")
    assert "ogr2ogr -a_srs" in said


def test_on_a_border_the_first_in_the_file_counts(tmp_path: Path) -> None:
    east = shapely.box(X + 100, Y, X + 200, Y + 50)
    _, polygons = read_areas(file(tmp_path / "areas.gpkg", SQUARE, east, None))
    x = np.array([X + 50, X + 100, X + 150, X + 300, np.nan])
    assert locate(polygons, x, np.full(5, Y + 25)).tolist() == [0, 0, 1, 3, 3]
    assert locate(polygons[[1, 0, 2]], x, np.full(5, Y + 25)).tolist() == [1, 0, 0, 3, 3]


@pytest.mark.parametrize(
    "text",
    ["", "121000,487000", "121000,487000,0", "121000,487000,-5", "a,b,c", "nan,1,2", "1,2,inf"],
)
def test_no_circle(text: str) -> None:
    with pytest.raises(InputError, match=r"^around .*: give X,Y,RADIUS in RD metres"):
        parse_around(text)


def test_the_circle_holds_its_border() -> None:
    centres = np.array([[X + 3, Y + 4], [X + 3, Y + 4.001], [np.nan, np.nan]])
    assert within_circle(centres, parse_around(f"{X},{Y},5")).tolist() == [True, False, False]
    assert within_circle(centres, None).all()


@pytest.fixture
def world() -> World:
    """A row of houses of which the second stands across the border of the area."""
    world = World(200, 60, 1.0)
    for west in (10, 45, 130):
        world.block(west, 20, west + 20, 40, 9)
    world.footprint(None)
    return world


AREA = "121000,487000,121055,487060"  # its eastern border runs through the second one's centre


def test_a_building_belongs_to_the_area_that_holds_its_centre(tmp_path: Path, world: World) -> None:
    """And one without a centre has a row in every run."""
    found = world.judge(tmp_path, area=AREA)
    assert found["row"].tolist() == [0, 1, 3]
    assert found.loc[3, "rejected"] == "empty"
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["accounting"]["read"] == 3
    assert report["counts"]["neighbours"] == 1


def test_a_row_does_not_depend_on_the_area(tmp_path: Path, world: World) -> None:
    part, whole = world.judge(tmp_path / "part", area=AREA), world.judge(tmp_path / "whole")
    assert whole["row"].tolist() == [0, 1, 2, 3]
    for row in part["row"]:
        assert part.loc[row].drop("row").equals(whole.loc[row].drop("row"))


def test_around_sets_the_column_and_leaves_the_rows(tmp_path: Path, world: World) -> None:
    found = world.judge(tmp_path, around=f"{X + 20},{Y + 30},35")
    assert found["selected"].tolist() == [True, True, False, False]
    counts = json.loads((tmp_path / "out" / "report.json").read_text())["counts"]
    assert (counts["footprints"], counts["selected"], counts["judged"]) == (4, 2, 2)


@pytest.mark.parametrize("area", ["121080,487000,121100,487060", "0,0,100,100", "elsewhere.gpkg"])
def test_an_area_without_footprints(tmp_path: Path, world: World, area: str) -> None:
    files = world.write(tmp_path)
    if area.endswith(".gpkg"):
        area = str(file(tmp_path / area, shapely.box(9000, 9000, 9100, 9100)))
    with pytest.raises(
        InputError, match=r"lies in area .*; they lie in [0-9,]+ .RD metres.: give one"
    ):
        prepare(files.request(tmp_path / "out", area=area))


def test_an_area_beside_the_rasters(tmp_path: Path, world: World) -> None:
    world.footprint(shapely.box(5000, 5000, 5010, 5010))
    files = world.write(tmp_path)
    area = "126000,492000,126020,492020"
    with pytest.raises(InputError, match=r"beside the rasters, which cover 121000,.*; give the sh"):
        prepare(files.request(tmp_path / "out", area=area))


def test_the_sun_must_be_up_wherever_a_building_of_the_area_stands(tmp_path: Path) -> None:
    """Also in the next square of the lattice, where the sun is a little lower."""
    border = 122_880.0
    world = World(200, 60, 1.0, west=border - 100)
    world.block(90, 20, 115, 40, 9)  # most of it, and its centre, to the east
    east, west = (LatticeCell.of(-487_020, int(border) + step, 1.0) for step in (0, -1))
    day = dt.datetime(2025, 12, 21, 8, 40)

    def heights(time: dt.time) -> list[float]:
        return [suns_degrees(q, day.date(), (time,), "true")[0][0] for q in (east, west)]

    moments = ((day + dt.timedelta(seconds=s)).time() for s in range(0, 3600, 4))
    time = next(time for time in moments if heights(time)[0] > 0 > heights(time)[1])
    request = world.write(tmp_path).request(
        tmp_path / "out", area=f"{border},487000,{border + 90},487060",
        settings={"times": time.isoformat()},
    )  # fmt: skip
    with pytest.raises(InputError, match=r"the sun stands 0\.\d\d degrees below the horizon"):
        prepare(request)
