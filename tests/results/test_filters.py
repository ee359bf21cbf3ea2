"""Filters of buildings: a row passes or not as a look at it by hand says, nulls and all; row groups
are only left out where nothing in them can pass; what is not supported is named."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cql2
import pytest
import shapely

from pipeline.errors import InputError
from pipeline.results.features import Features
from pipeline.results.filters import MOST_PARTS, Filter, filter_of
from tests.support.finished import METHOD
from tests.support.reads import Reads
from tests.support.roofs import SOUTH, WEST
from tests.support.services import GROUP, MANY, many

SUNS = 3
CORNER = (WEST + 100.5, SOUTH + 50.25, WEST + 900.75, SOUTH + 800.0)
BOX = shapely.box(*CORNER)
LINE = shapely.LineString([(WEST, SOUTH), (WEST + 4000, SOUTH + 4000)])
Row = dict[str, Any]


def touches(row: Row, area: shapely.Geometry) -> bool | None:
    """Whether a row's polygon touches an area; not known of one that has none."""
    return None if row["geometry"] is None else area.intersects(shapely.from_wkb(row["geometry"]))


def no(said: bool | None) -> bool | None:
    """NOT of SQL."""
    return None if said is None else not said


def less(one: Any, two: Any) -> bool | None:
    """< of SQL."""
    return None if one is None or two is None else one < two


CASES: dict[str, Callable[[Row], bool | None]] = {
    "class = 'solar'": lambda r: r["class"] == "solar",
    "class <> 'solar'": lambda r: r["class"] is not None and r["class"] != "solar",
    "NOT class = 'solar'": lambda r: r["class"] is not None and r["class"] != "solar",
    "'solar' = class": lambda r: r["class"] == "solar",
    "class IS NULL": lambda r: r["class"] is None,
    "class IS NOT NULL": lambda r: r["class"] is not None,
    "class IN ('solar', 'none')": lambda r: r["class"] in ("solar", "none"),
    "row IN (1, 2.5, 3, 5000000000)": lambda r: r["row"] in (1, 3),
    "selected IN (FALSE)": lambda r: not r["selected"],
    "lit_1 IN (TRUE)": lambda r: r["lit"] is not None and r["lit"][0],
    "10 IN (row, cells)": lambda r: 10 in (r["row"], r["cells"]),
    "class NOT IN ('solar', 'none')": lambda r: r["class"] == "wind_or_solar",
    "class LIKE 'wind%'": lambda r: r["class"] == "wind_or_solar",
    "CASEI(status) = CASEI('PAND IN GEBRUIK')": lambda r: True,
    "area_m2 > 100": lambda r: r["area_m2"] > 100,
    "100 < area_m2": lambda r: r["area_m2"] > 100,
    "area_m2 BETWEEN 50 AND 60": lambda r: 50 <= r["area_m2"] <= 60,
    "built < 1700 OR built >= 2020": lambda r: (
        r["built"] is not None and not 1700 <= r["built"] < 2020
    ),
    "built = 1970 AND class = 'none'": lambda r: r["built"] == 1970 and r["class"] == "none",
    "NOT (built < 1990 AND selected = TRUE)": lambda r: (
        not r["selected"] or (r["built"] is not None and r["built"] >= 1990)
    ),
    "solar_suitable": lambda r: r["solar_suitable"] is True,
    "NOT wind_suitable": lambda r: r["wind_suitable"] is False,
    "selected = FALSE": lambda r: not r["selected"],
    "lit_2 = TRUE AND lit_3 = FALSE": lambda r: (
        r["lit"] is not None and r["lit"][1] and not r["lit"][2]
    ),
    "lit_1 IS NULL": lambda r: r["lit"] is None,
    "flags LIKE '%restricted%'": lambda r: "restricted" in r["flags"],
    "roof_m - height_m > 2 * ground_m": lambda r: (
        r["ground_m"] is not None and r["roof_m"] - r["height_m"] > 2 * r["ground_m"]
    ),
    "solar_kwh / area_m2 < wind_kwh": lambda r: r["solar_kwh"] / r["area_m2"] < r["wind_kwh"],
    "rejected = 'empty'": lambda r: False,
    "row < 10 OR row > 2990": lambda r: r["row"] < 10 or r["row"] > 2990,
    "TRUE": lambda r: True,
    "FALSE OR row = 3": lambda r: r["row"] == 3,
    "1 = 2": lambda r: False,
    "geometry IS NULL": lambda r: r["geometry"] is None,
    f"S_INTERSECTS(geometry, BBOX{CORNER})": lambda r: touches(r, BOX),
    f"NOT S_INTERSECTS(geometry, {BOX.wkt})": lambda r: no(touches(r, BOX)),
    f"S_INTERSECTS({LINE.wkt}, geometry) AND class = 'none'": lambda r: (
        touches(r, LINE) and r["class"] == "none"
    ),
    f"S_INTERSECTS(geometry, {LINE.wkt}) OR area_m2 < 5": lambda r: (
        touches(r, LINE) or less(r["area_m2"], 5)
    ),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("many") / "run"


@pytest.fixture(scope="module")
def rows(folder: Path) -> list[Row]:
    found: list[Row] = many(folder).to_pylist()
    return found


def read(text: str) -> Filter:
    """A filter of CQL2 text."""
    return filter_of(json.dumps(cql2.parse_text(text).to_json()), METHOD.by_name, SUNS)


def test_every_row_passes_as_said_by_hand(folder: Path, rows: list[Row]) -> None:
    of = Features.of(folder)
    for text, said in CASES.items():
        page = of.page(read(text), 0, MANY)
        expected = [row["row"] for row in rows if said(row)]
        assert page.rows["row"].to_pylist() == expected, text
        assert (page.matched, page.next) == (len(expected), None), text
    sizes = {text: of.count(read(text)) for text in CASES}
    assert sum(0 < (size or 0) < MANY for size in sizes.values()) > 25


def test_row_groups_that_cannot_pass_are_not_read(
    folder: Path, rows: list[Row], reads: Reads
) -> None:
    """By the lowest, the highest and the nulls of a column, through NOT, AND and OR."""
    of = Features.of(folder)
    box = f"S_INTERSECTS(geometry, BBOX{CORNER})"
    for text, most in (
        ("area_m2 > 1e9", 0), ("NOT area_m2 <= 1e9", 0), ("rejected = 'empty'", 0),
        ("class > 'x' OR area_m2 < 0", 0), ("row IS NULL", 0), ("NOT (row IS NOT NULL)", 0),
        ("id IN ('x', 'y')", 0), ("area_m2 BETWEEN -2 AND -1", 0), ("1e9 < area_m2", 0),
        ("geometry IS NULL", 1), (box, 8), (f"{box} AND area_m2 > 1e9", 0),
        (f"NOT {box}", MANY // GROUP),
    ):  # fmt: skip
        of._counts.clear()
        reads.clear()
        of.count(read(text))
        assert len(set(reads.groups)) <= most, text
    assert len(set(reads.groups)) == MANY // GROUP


def test_only_the_columns_of_the_filter_are_read(
    folder: Path, rows: list[Row], reads: Reads
) -> None:
    of = Features.of(folder)
    of._counts.clear()
    of.count(read("class = 'solar' AND area_m2 > 20"))
    assert reads.columns == [["area_m2", "class"]] * (MANY // GROUP)
    reads.clear()
    west, south, east, north = of.bounds or ()
    of.count(read(f"S_INTERSECTS(geometry, BBOX({west},{south},{east},{north}))"))
    assert reads.columns == [["bbox"]] * (
        MANY // GROUP
    )  # all lies within, so no polygon is looked at


REFUSED = {
    "S_WITHIN(geometry, POINT(1 2))": "operator S_WITHIN is not supported; there is =",
    "S_CROSSES(geometry, POINT(1 2)) OR row = 1": "operator S_CROSSES is not supported",
    "T_AFTER(built, DATE('2020-01-01'))": "operator T_AFTER",
    "foo(row) = 1": "operator FOO",
    "row % 2 = 0": "operator % is not supported",
    "height = 3": "no column height ",
    "bbox = 3": "no column bbox",
    "lit_4 = TRUE": "no column lit_4",
    "class = 3": r"class \(a text\) and a number cannot be compared",
    "built = '1970'": r"built \(a number\) and a text cannot be compared",
    "solar_suitable = 1": r"solar_suitable \(a boolean\) and a number",
    "class + 1 = 2": r"\+ takes two numbers",
    "area_m2": "give a condition",
    "row LIKE '1%'": "LIKE takes a text and a pattern",
    "class IN (1, 2)": "cannot be compared",
    "class = DATE('2020-01-01')": "takes numbers, texts, booleans and columns",
    "S_INTERSECTS(geometry, geometry)": "S_INTERSECTS takes a geometry; give",
    "S_INTERSECTS(class, POINT(1 2))": "S_INTERSECTS takes the column geometry",
    "S_INTERSECTS(geometry, POLYGON((0 0, 1 1, 1 0, 0 1, 0 0)))": "not valid: Self-intersection",
    " OR ".join(f"row = {i}" for i in range(MOST_PARTS)): "more than 100 operators",
}


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: text[:30])
def test_unsupported_cql2_is_named(text: str) -> None:
    with pytest.raises(InputError, match=REFUSED[text]) as refused:
        read(text)
    assert "\n" not in str(refused.value)
