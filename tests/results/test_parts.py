"""The parts of buildings as a table: every struct once, in order, and few columns read for it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from pipeline.results.features import Features
from pipeline.results.filters import Filter, filter_of
from pipeline.results.finished import open_finished
from pipeline.results.parts import OVERHANG_M, PartTable, parts_of
from pipeline.storage.geoparquet import row_cache
from tests.support.reads import Reads
from tests.support.second import STOREYS
from tests.support.storeys import ROWS_A_GROUP, expected, storeyed

NAME = STOREYS.name
pytestmark = pytest.mark.usefixtures("second")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of buildings with storeys."""
    return storeyed(tmp_path_factory.mktemp("storeys") / "run")


@pytest.fixture
def table(folder: Path) -> Any:
    return open_finished(folder).tables[NAME]


def filtered(folder: Path, condition: dict[str, Any]) -> Filter:
    """A filter of the storeys, of CQL2 as JSON."""
    return filter_of(json.dumps(condition), open_finished(folder).columns(NAME), 0)


def compared(column: str, op: str, value: Any) -> dict[str, Any]:
    return {"op": op, "args": [{"property": column}, value]}


def test_every_struct_is_a_row_with_its_building(table: PartTable) -> None:
    names = ["id", "row", "number", "kind", "floor_m", "geometry"]
    rows = table.read(range(table.groups), names)
    assert rows.to_pylist() == [{name: part[name] for name in names} for part in expected()]
    assert len(table) == len(expected()) and table.groups > 3
    assert rows.schema.equals(pa.schema([table.schema.field(name) for name in names]))


def test_structs_of_a_slice_and_of_chunks() -> None:
    """Nulls and empty lists have no rows, wherever a list begins in its buffers."""
    kind = pa.list_(pa.struct([("n", pa.int32()), ("x", pa.float64())]))
    lists = pa.array(
        [[{"n": 1, "x": 0.5}], None, [], [{"n": 1, "x": None}, {"n": 2, "x": 1.5}]], kind
    )
    rows = pa.table({"row": [7, 8, 9, 10], "parts": pa.chunked_array([lists[:1], lists[1:]])})
    assert parts_of(rows, "parts").to_pydict() == {
        "row": [7, 10, 10], "n": [1, 1, 2], "x": [0.5, None, 1.5],
    }  # fmt: skip
    assert parts_of(rows.slice(3), "parts")["n"].to_pylist() == [1, 2]


def test_rectangles_are_those_of_the_outlines(table: PartTable) -> None:
    every = table.within(None, ["geometry"])
    outlines = shapely.from_wkb(every.columns["geometry"].to_numpy())
    np.testing.assert_array_equal(every.bounds, shapely.bounds(outlines))
    for group, (west, south, east, north) in enumerate(table.bounds):
        inside = every.bounds[table.starts[group] : table.starts[group + 1]]
        low, high = np.nanmin(inside[:, :2], axis=0), np.nanmax(inside[:, 2:], axis=0)
        assert (low >= np.add((west, south), OVERHANG_M)).all()
        assert (high <= np.subtract((east, north), OVERHANG_M)).all()


@pytest.mark.parametrize("limit", [1, 7, 1000])
@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (None, lambda p: True),
        (compared("floor_m", ">=", 6), lambda p: p["floor_m"] >= 6),
        (compared("kind", "=", "upper"), lambda p: p["kind"] == "upper"),
        (compared("row", "=", 17), lambda p: p["row"] == 17),
        (compared("number", ">", 99), lambda p: False),
        ({"op": "isNull", "args": [{"property": "geometry"}]}, lambda p: p["geometry"] is None),
    ],
)  # fmt: skip
def test_pages_hold_every_part_once_and_in_order(
    folder: Path, limit: int, condition: dict[str, Any] | None, holds: Any
) -> None:
    of, wanted = Features.of(folder, NAME), condition and filtered(folder, condition)
    found, position = [], 0
    while position is not None:
        page = of.page(wanted, position, limit)
        assert len(page.rows) <= limit
        found += zip(page.rows["row"].to_pylist(), page.rows["number"].to_pylist(), strict=True)
        position = page.next
    wanted_rows = [(part["row"], part["number"]) for part in expected() if holds(part)]
    assert found == wanted_rows and page.matched == len(wanted_rows)


def test_those_that_touch_an_area(folder: Path) -> None:
    outlines = [(p, shapely.from_wkb(p["geometry"])) for p in expected() if p["geometry"]]
    area = outlines[40][1].buffer(30)
    of = Features.of(folder, NAME)
    shape = json.loads(shapely.to_geojson(area))
    page = of.page(
        filtered(folder, {"op": "s_intersects", "args": [{"property": "geometry"}, shape]}), 0, 1000
    )
    found = list(zip(page.rows["row"].to_pylist(), page.rows["number"].to_pylist(), strict=True))
    assert found == [(p["row"], p["number"]) for p, o in outlines if o.intersects(area)]
    assert 0 < len(found) < len(outlines)


def test_a_page_at_the_end_reads_one_row_group(folder: Path, reads: Reads) -> None:
    run = open_finished(folder)
    of = Features(run.tables[NAME].caching(row_cache(1 << 20)), run.columns(NAME), 0)
    reads.clear()
    page = of.page(None, len(of) - 5, 5)
    assert reads.groups == [of.table.groups - 1] and len(page.rows) == 5
    reads.clear()
    of.count(filtered(folder, compared("floor_m", ">", 1)))
    assert all(not any("outline" in leaf for leaf in columns or ()) for columns in reads.columns)


def test_one_part_of_a_building(table: PartTable, folder: Path) -> None:
    part = expected()[-1]
    group = part["row"] // ROWS_A_GROUP
    (position,) = table.find(group, part["row"], part["number"])
    assert position == len(table) - 1
    assert not len(table.find(group, part["row"], part["number"] + 1))
    rows = pq.read_table(folder / "buildings.parquet")["row"].to_pylist()
    assert rows == sorted(rows)
