"""Roofs set aside: by a polygon, a point or an id; excluded or flagged; counted by kind."""

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
import shapely

from pipeline.errors import InputError
from pipeline.footprints.footprints import Footprints
from pipeline.footprints.prepared_make import prepare_footprints
from pipeline.footprints.restrictions import Restricted, check_ids, read_restrictions
from tests.support import outlines
from tests.support.outlines import BOXES, X, Y
from tests.support.runs import World

EXCLUDE = {"what": "both", "effect": "exclude", "kind": "monument"}


def rows(*geometry: Any, **columns: Any) -> gpd.GeoDataFrame:
    """Restrictions, all alike where not told otherwise."""
    usual = {name: [value] * len(geometry) for name, value in EXCLUDE.items()}
    return gpd.GeoDataFrame(usual | columns, geometry=[*geometry], crs=28992)


@pytest.fixture(scope="module")
def footprints(tmp_path_factory: pytest.TempPathFactory) -> Footprints:
    """Four houses in a row; the third bears the id of the first, the fourth has none."""
    ids = ["0363100012345678", "7", "0363100012345678", None]
    path = tmp_path_factory.mktemp("houses") / "pand.parquet"
    return outlines.read(outlines.write(path, outlines.table(BOXES, id=ids)))


def read(path: Path, table: pd.DataFrame | str, footprints: Footprints) -> Restricted:
    if isinstance(table, str):
        path.write_text(table, encoding="utf-8")
    elif path.suffix == ".parquet":
        table.to_parquet(path)
    elif isinstance(table, gpd.GeoDataFrame):
        table.to_file(path)
    else:
        pyogrio.write_dataframe(table, path)
    return read_restrictions(path).on(footprints)


def excluded(path: Path, table: Any, footprints: Footprints) -> list[str | None]:
    return read(path, table, footprints).excluded.tolist()


PLACES: dict[str, tuple[Any, list[int]]] = {
    "a polygon around centres": (shapely.box(X + 4, Y + 3, X + 26, Y + 5), [0, 1]),
    "a polygon beside the centre": (shapely.box(X, Y, X + 4.9, Y + 8), []),
    "a centre on the border": (shapely.box(X, Y, X + 5, Y + 8), [0]),
    "polygons in one": (shapely.MultiPolygon([b.buffer(1) for b in BOXES[2:]]), [2, 3]),
    "a polygon that crosses itself": (
        shapely.Polygon([(X, Y), (X + 60, Y + 8), (X + 60, Y), (X, Y + 8)]), [0, 1, 2]
    ),
    "a point in the footprint": (shapely.Point(X + 21, Y + 1), [1]),
    "a point on its border": (shapely.Point(X + 20, Y + 1), [1]),
    "a point between them": (shapely.Point(X + 15, Y + 1), []),
    "points in one": (shapely.MultiPoint([(X + 1, Y + 1), (X + 41, Y + 1)]), [0, 2]),
}  # fmt: skip


@pytest.mark.parametrize(
    ("place", "crs"),
    [(p, c) for p in PLACES for c in (28992, 4326) if c == 28992 or "border" not in p],
)
def test_a_place(tmp_path: Path, footprints: Footprints, place: str, crs: int) -> None:
    geometry, targets = PLACES[place]
    found = excluded(tmp_path / "r.gpkg", rows(geometry).to_crs(crs), footprints)
    assert [i for i, what in enumerate(found) if what == "both"] == targets
    assert found.count(None) == 4 - len(targets)


HEAD = "id,what,effect,kind"
IDS: dict[str, tuple[str, Any]] = {
    "csv": ("r.csv", f"{HEAD}\n0363100012345678,both,exclude,monument\n"),
    "csv of a spreadsheet": (
        "r.CSV", f"\ufeff{HEAD}\r\n0363100012345678,both,exclude,monument\r\n"
    ),
    "csv with more columns": (
        "r.csv",
        "reason,KIND,What,effect,Identificatie\n"
        '"listed, as a whole",monument,both,exclude,NL.IMBAG.Pand.0363100012345678\n',
    ),
    "a table": ("r.gpkg", pd.DataFrame({"id": ["0363100012345678"]} | {
        name: [value] for name, value in EXCLUDE.items()})),
    "a table of parquet": ("r.parquet", pd.DataFrame({"id": ["0363100012345678"]} | {
        name: [value] for name, value in EXCLUDE.items()})),
    "rows without a place": ("r.geojson", rows(None, id=["0363100012345678"])),
    "empty places": ("r.parquet", rows(shapely.Polygon(), identificatie=["0363100012345678"])),
}  # fmt: skip


@pytest.mark.parametrize("form", IDS)
def test_an_id_holds_for_all_that_bear_it(
    tmp_path: Path, footprints: Footprints, form: str
) -> None:
    name, table = IDS[form]
    assert excluded(tmp_path / name, table, footprints) == ["both", None, "both", None]


def test_a_number_as_id(tmp_path: Path, footprints: Footprints) -> None:
    found = excluded(tmp_path / "r.parquet", rows(None, id=[7.0]), footprints)
    assert found == [None, "both", None, None]


def test_places_and_ids_in_one_file(tmp_path: Path, footprints: Footprints) -> None:
    table = rows(BOXES[3], shapely.Point(X + 1, Y + 1), None, id=["x", "y", "7"])
    assert excluded(tmp_path / "r.gpkg", table, footprints) == ["both", "both", None, "both"]


@pytest.mark.parametrize(
    ("whats", "effects", "expected", "flagged"),
    [
        (["solar"], ["exclude"], "solar", False),
        (["wind", "wind"], ["exclude", "exclude"], "wind", False),
        (["solar", "wind"], ["exclude", "exclude"], "both", False),
        (["both", "solar"], ["exclude", "exclude"], "both", False),
        (["solar", "wind"], ["exclude", "flag"], "solar", True),
        (["both"], ["flag"], None, True),
    ],
)
def test_restrictions_of_one_footprint_combine(
    tmp_path: Path, footprints: Footprints, whats: Any, effects: Any, expected: Any, flagged: bool
) -> None:
    table = rows(*[BOXES[1]] * len(whats), what=whats, effect=effects)
    found = read(tmp_path / "r.gpkg", table, footprints)
    assert found.excluded.tolist() == [None, expected, None, None]
    assert found.flagged.tolist() == [False, flagged, False, False]


def test_each_kind_counts_a_building_once(tmp_path: Path, footprints: Footprints) -> None:
    kinds = ["monument", "monument", "other", "asbestos", "structure"]
    effects = ["exclude"] * 4 + ["flag"]
    places = [BOXES[0], BOXES[0], BOXES[0], BOXES[1], BOXES[2]]
    found = read(tmp_path / "r.gpkg", rows(*places, kind=kinds, effect=effects), footprints)
    assert found.hits == {(0, "monument"), (0, "other"), (1, "asbestos")}


def test_restrictions_that_match_no_footprint_are_counted(
    tmp_path: Path, footprints: Footprints
) -> None:
    """Whatever holds for a footprint of any part of the input holds for one."""
    path = tmp_path / "r.gpkg"
    rows(BOXES[0], shapely.Point(X, Y - 50), None, id=["x", "y", "99"]).to_file(path)
    found = read_restrictions(path)
    held = [found.on(footprints.take([i])).rows for i in range(4)]
    assert held == [{0}, set(), set(), set()]
    assert found.idle(set().union(*held)) == ["r.gpkg: 2 of 3 rows hold for none of the footprints"]
    assert not found.idle({0, 1, 2})


LINE = shapely.LineString([(X, Y), (X + 9, Y)])
FAULTS: dict[str, tuple[str, Any, str]] = {
    "a word": ("r.gpkg", rows(BOXES[0], what=["sun"]), "row 0: what is 'sun'; it takes solar"),
    "a capital": ("r.gpkg", rows(BOXES[0], effect=["Flag"]), "effect is 'Flag'; it takes exclude"),
    "no word": ("r.gpkg", rows(BOXES[0], kind=[None]), "row 0: kind is None; it takes not_wanted"),
    "the second": ("r.gpkg", rows(*BOXES[:2], kind=["other", "x"]), "row 1: kind is 'x'"),
    "no column": ("r.gpkg", rows(BOXES[0])[["what", "geometry"]], "no column 'effect' (it has"),
    "a line": ("r.gpkg", rows(LINE), "row 0: is a LineString; give polygons, points or ids"),
    "nothing": ("r.csv", "what,effect,kind\nsolar,flag,other\n", "row 2: has neither a geom"),
    "no id": ("r.csv", f"{HEAD}\n7,solar,flag,other\n,solar,flag,other\n", "row 3: has neither"),
    "empty": ("r.csv", "", "cannot be read (No columns to parse from file); give"),
    "semicolons": (
        "r.csv", HEAD.replace(",", ";"),
        "(it has id;what;effect;kind): its columns are separated by semicolons, as a Dutch"
        " spreadsheet writes CSV; save it with commas",
    ),
    "after blank lines": (
        "r.csv", f"\n{HEAD}\n7,solar,flag,other\n\n  \n,,,\n8,solar,flag,x\n", "row 7: kind is 'x'"
    ),
    "after a cell of two lines": (
        "r.csv", f'{HEAD},why\n7,solar,flag,other,"a\nb"\n8,solar,flag,x,\n', "row 3: kind is 'x'"
    ),
    "a rounded id": (
        "r.csv", f"{HEAD}\n3.63100012345E+14,solar,flag,other\n",
        "row 2: a spreadsheet rounded the id to 3.63100012345E+14; export it anew with that column"
    ),
    "no text": ("r.csv", "id,wh\0\ud800", "cannot be read"),
    "no vectors": ("r.gpkg", "hello", "cannot be read as a vector file"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault(tmp_path: Path, fault: str) -> None:
    name, table, expected = FAULTS[fault]
    path = tmp_path / name
    if fault == "no text":
        path.write_bytes(b"\xff\xfe\0id,what")
    elif isinstance(table, str):
        path.write_text(table)
    else:
        table.to_file(path)
    with pytest.raises(InputError) as told:
        read_restrictions(path)
    said = str(told.value)
    assert said.startswith(f"{name}: ")
    assert expected in said
    assert "\n" not in said


@pytest.mark.parametrize("side", ["restrictions", "footprints"])
def test_ids_that_lost_their_leading_zeros(tmp_path: Path, side: str) -> None:
    """A spreadsheet takes an id for a number. A row that fits without zeros is left alone."""
    whole, other = "0363100012345678", "0000000000000007"
    ids = [whole, "8", other, "x"] if side == "restrictions" else [whole[1:], "8", "7", "x"]
    path = outlines.write(tmp_path / "pand.parquet", outlines.table(BOXES, id=ids))
    footprints = prepare_footprints([str(path)], cache=tmp_path)
    wanted = [whole[1:], "8", "7", "99"] if side == "restrictions" else [whole, "8", other, "99"]
    rows_ = "".join(f"{key},both,exclude,monument\n" for key in wanted)
    (tmp_path / "r.csv").write_text(f"{HEAD}\n{rows_}")
    with pytest.raises(InputError) as fault:
        check_ids(read_restrictions(tmp_path / "r.csv"), footprints)
    if side == "restrictions":
        assert str(fault.value) == (
            "r.csv: row 2, 4: a spreadsheet took the leading zeros off the ids (363100012345678 is"
            " 0363100012345678); make that column text, and give the ids with their 16 digits"
        )
    else:
        assert "row 2, 4: the footprints' ids lost their leading zeros" in str(fault.value)
    right = ["0363100012345678", "8", other, "99"] if side == "restrictions" else ids
    (tmp_path / "r.csv").write_text(
        f"{HEAD}\n" + "".join(f"{key},both,exclude,monument\n" for key in right)
    )
    check_ids(read_restrictions(tmp_path / "r.csv"), footprints)


@pytest.mark.parametrize("name", ["gone.csv", "gone.gpkg"])
def test_a_file_that_is_missing(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=f"{name}: does not exist; check the path"):
        read_restrictions(tmp_path / name)


def test_an_excluded_building_keeps_its_class_and_its_shadow(tmp_path: Path) -> None:
    """A flat of 30 m to the south of a house; excluded, it still shades it and still stands."""
    world = World(160, 160, 1.0)
    flat = world.block(60, 30, 100, 45, 30)
    shaded = world.block(70, 60, 80, 70, 6)
    sunny = world.block(70, 140, 80, 150, 6)
    files = world.write(tmp_path)
    first = world.judge(tmp_path / "free")
    path = tmp_path / "wishes.csv"
    wishes = [(flat, "both", "exclude", "not_wanted"), (sunny, "solar", "exclude", "monument"),
              (sunny, "both", "flag", "other"), (99, "both", "exclude", "other")]  # fmt: skip
    path.write_text("\n".join([HEAD, *(f"{i:016d},{a},{b},{c}" for i, a, b, c in wishes)]))
    found = world.judge(tmp_path / "bound", restrictions=str(path))

    ours = ["excluded", "flags"]
    assert found.drop(columns=ours).equals(first.drop(columns=ours))
    assert found["excluded"].tolist() == ["both", None, "solar"]
    assert found["class"].tolist() == ["wind_or_solar", "none", "solar"]
    assert not found.loc[shaded, "solar_suitable"]
    assert found.loc[sunny, "flags"] == [*first.loc[sunny, "flags"], "restricted"]
    assert files.buildings.exists()

    before, after = (json.loads((tmp_path / d / "out" / "report.json").read_text())
                     for d in ("free", "bound"))  # fmt: skip
    assert after["counts"]["restrictions"] == {"not_wanted": 1, "monument": 1}
    assert after["counts"]["excluded"] == {"solar": 1, "wind": 0, "both": 1}
    assert after["counts"]["class"] == before["counts"]["class"]
    assert (before["counts"]["solar_suitable"], after["counts"]["solar_suitable"]) == (2, 0)
    assert (before["counts"]["wind_suitable"], after["counts"]["wind_suitable"]) == (1, 0)
    assert before["kwh"]["total"] > 0 == after["kwh"]["total"]
    assert after["area_ha"]["roof"] == before["area_ha"]["roof"]
    assert after["accounting"]["flags"]["restricted"] == 1
    said = "wishes.csv: 1 of 4 rows hold for none of the footprints"
    assert said in after["accounting"]["warnings"]
    assert after["inputs"]["restrictions"]["name"] == "wishes.csv"
