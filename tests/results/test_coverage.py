"""What part of an area's footprints and of its ground the inputs cover, and that it is said."""

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely
import shapely.affinity

from pipeline.heights.ahn_index import sheets_by_name
from pipeline.results import coverage, report
from pipeline.results.printed import to_text
from tests.support.commands import arguments, call
from tests.support.places import DataFile, delft
from tests.support.runs import Files, World, recut

WEST, SOUTH, SIDE = 121_000.0, 487_000.0, 100.0
SHEET, AT_SEA = sheets_by_name()["25GN1"], sheets_by_name()["01AZ1"]


def world(*corners: tuple[float, float]) -> World:
    """A sheet of 100 x 100 m; a block of 8 m a side at each of these corners, on it or beside."""
    made = World(SIDE, SIDE, 1.0, WEST, SOUTH)
    for x, y in corners:
        if 0 <= x < SIDE:
            made.block(x, y, x + 8, y + 8, 9.0)
        else:
            made.footprint(shapely.box(x, y, x + 8, y + 8))
    return made


def told(files: Files, out: Path, *words: Any) -> Any:
    answer = call(*arguments(files, out, *words))
    assert answer.exit_code == 0, answer.stderr
    return report.read(out)["coverage"], answer


def area(*metres: float) -> str:
    corner = (WEST, SOUTH) * 2
    return ",".join(f"{a + b:g}" for a, b in zip(corner, metres, strict=True))


def test_a_whole_area_is_covered_and_nothing_is_warned_of(tmp_path: Path) -> None:
    files = world((20, 20), (60, 60)).write(tmp_path / "in")
    found, answer = told(files, tmp_path / "out", area(0, 0, 100, 100))
    assert found == {"footprints": 1.0, "ground": 1.0}
    assert "The inputs cover 100 % of the footprints and 100 % of the ground." in answer.stdout
    assert "inputs cover" not in answer.stderr


def test_a_part_is_told_and_less_than_half_is_the_last_line(tmp_path: Path) -> None:
    files = world((20, 20), (70, 70), (110, 20)).write(tmp_path / "in")
    found, answer = told(files, tmp_path / "half", area(0, 0, 150, 100))
    assert found["footprints"] == pytest.approx(2 / 3) and found["ground"] == 0.666667
    assert "cover 66.6 % of the footprints and 66.6 % of the ground." in answer.stdout
    found, answer = told(files, tmp_path / "little", area(50, 0, 250, 100), "--lang", "nl")
    assert found == {"footprints": 0.5, "ground": 0.25}
    assert "beslaat 50 % van de panden en 25 % van de grond." in answer.stdout
    last = answer.output.splitlines()[-1]
    assert last.startswith("waarschuwing: de invoer beslaat 50,0 % van de panden en 25,0 % van de")
    again = call(*arguments(files, tmp_path / "little", area(50, 0, 250, 100), "--lang", "nl"))
    assert "al klaar" in again.output and again.output.splitlines()[-1] == last


def test_of_a_region_the_ground_is_its_polygon(tmp_path: Path) -> None:
    half = shapely.Polygon([(0, 0), (200, 0), (0, 200)])  # of which three quarters lie beyond
    polygon = shapely.affinity.translate(half, WEST, SOUTH)
    columns = {"statcode": ["GM0001"], "statnaam": ["Driehoek"]}
    regions = gpd.GeoDataFrame(columns, geometry=[polygon], crs=28992)
    regions.to_file(tmp_path / "gemeenten.geojson")
    files = world((20, 20)).write(tmp_path / "in")
    words = ("GM0001", "--boundaries", tmp_path / "gemeenten.geojson")
    found, _ = told(files, tmp_path / "out", *words)
    assert found == {"footprints": 1.0, "ground": pytest.approx(0.5, abs=1e-4)}


def test_without_an_area_the_ground_is_that_of_the_footprints(tmp_path: Path) -> None:
    """As far as they reach; of one that lies far off a square of 250 m, not all that is between."""
    files = world(*[(x, 40) for x in range(0, 90, 10)]).write(tmp_path / "in")
    found, _ = told(files, tmp_path / "near")
    assert found == {"footprints": 1.0, "ground": 1.0}
    files = world(*[(x, 40) for x in range(0, 90, 10)], (5000, 80)).write(tmp_path / "far")
    found, _ = told(files, tmp_path / "out")
    strip = 48.0  # from 40 m north of the corner to 88
    asked = 250 * strip + (5008 - 5000) * strip  # the second square begins at 5,000 m
    assert found == {"footprints": 0.9, "ground": pytest.approx(100 * strip / asked, abs=1e-6)}


def test_ground_that_is_asked_is_not_covered_where_no_footprints_were_given(tmp_path: Path) -> None:
    """A town's footprints beside a province's sheets."""
    made = World(400, 100, 1.0, WEST, SOUTH)
    made.block(20, 20, 28, 28, 9.0)
    files = made.write(tmp_path / "in")
    cut = {kind: tmp_path / kind for kind in ("dsm", "dtm")}
    for folder in cut.values():
        folder.mkdir()
    parts = Files(
        recut(files.dsm, cut["dsm"], [], [100, 200, 300]),
        recut(files.dtm, cut["dtm"], [], [100, 200, 300]),
        files.buildings,
    )
    found, _ = told(parts, tmp_path / "out", area(0, 0, 400, 100))
    assert found == {"footprints": 1.0, "ground": 0.25}


def test_the_sea_and_abroad_are_no_ground() -> None:
    west, south, east, north = SHEET.bounds
    land, sea = shapely.box(*SHEET.bounds), shapely.box(*AT_SEA.bounds)
    abroad = shapely.box(400_000, 400_000, 500_000, 500_000)
    half = shapely.box(west, south, (west + east) / 2, north)
    assert SHEET.land and not AT_SEA.land
    assert coverage.of_ground(shapely.union_all([land, sea, abroad]), half) == 0.5
    assert coverage.of_ground(sea, half) == 0.0
    assert coverage.of_ground(sea, sea) == 1.0
    assert coverage.of_ground(shapely.Polygon(), sea) is None


def test_nearly_all_is_not_printed_as_all() -> None:
    said = {"coverage": {"footprints": 0.9996, "ground": 0.00049}}
    text = coverage.warning(said)
    assert text is not None and text.startswith("the inputs cover 99.9 % of the footprints and 0.0")
    assert coverage.warning({"coverage": {"footprints": None, "ground": 0.5}}) is None
    assert coverage.warning({}) is None


def test_a_report_of_before_is_printed_without_it(tmp_path: Path) -> None:
    files = world((20, 20)).write(tmp_path / "in")
    told(files, tmp_path / "out")
    said = report.read(tmp_path / "out")
    whole = to_text(said)
    del said["coverage"]
    old = to_text(json.loads(json.dumps(said)))
    assert [line for line in whole.splitlines() if line not in old.splitlines()] == [
        "The inputs cover 100 % of the footprints and 100 % of the ground."
    ]


def test_the_country_on_a_few_sheets(tmp_path: Path, data_file: DataFile) -> None:
    files, _ = delft(data_file)
    provinces = data_file("boundaries/cbs_provinces_2025.geojson")
    words = ("NL", "--boundaries", provinces, "--nodata", "0", "--layers", "none")
    found, answer = told(files, tmp_path / "out", *words)
    ground = 722 * 386 * 25 / 35.0878e9
    assert found == {"footprints": 1.0, "ground": pytest.approx(ground, abs=1e-6)}
    assert "warning: the inputs cover 100.0 % of the footprints and 0.0 %" in answer.output
