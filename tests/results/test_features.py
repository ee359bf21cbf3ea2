"""Pages of features: every one once, in the order of the table, and few row groups for each."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from pipeline.errors import InputError
from pipeline.results import features, finished, report
from pipeline.results.columns import flatten
from pipeline.results.features import Features, find
from pipeline.results.filters import Filter, filter_of
from pipeline.results.finished import open_finished
from pipeline.storage.geoparquet import row_cache
from tests.support.finished import METHOD, seal
from tests.support.reads import Reads
from tests.support.roofs import SOUTH, WEST, WIDTH
from tests.support.services import GROUP, MANY, many

CORNER = shapely.box(WEST, SOUTH, WEST + 900, SOUTH + 700)
SLANTED = shapely.Polygon([(WEST, SOUTH), (WEST + WIDTH, SOUTH), (WEST, SOUTH + WIDTH)])


def within(area: shapely.Geometry) -> dict[str, Any]:
    """CQL2 as JSON for what touches an area."""
    return {"op": "s_intersects", "args": [GEOMETRY, json.loads(shapely.to_geojson(area))]}


def having(column: str, value: Any, op: str = "=") -> dict[str, Any]:
    """CQL2 as JSON for a comparison."""
    return {"op": op, "args": [{"property": column}, value]}


def empty(column: str) -> dict[str, Any]:
    """CQL2 as JSON for a column that is null."""
    return {"op": "isNull", "args": [{"property": column}]}


def every(*parts: dict[str, Any]) -> dict[str, Any]:
    """CQL2 as JSON for all of them."""
    return {"op": "and", "args": list(parts)}


GEOMETRY = {"property": "geometry"}
Row = dict[str, Any]
# Filters, and the same said of a row by hand.
WANTED: dict[str, tuple[dict[str, Any] | None, Callable[[Row], bool | None]]] = {
    "all": (None, lambda r: True),
    "corner": (within(CORNER), lambda r: touching(r, CORNER)),
    "slanted": (within(SLANTED), lambda r: touching(r, SLANTED)),
    "elsewhere": (within(shapely.box(0, 0, 10, 10)), lambda r: False),
    "class": (having("class", "wind_or_solar"), lambda r: r["class"] == "wind_or_solar"),
    "rejected": (
        {"op": "not", "args": [empty("rejected")]}, lambda r: r["rejected"] is not None,
    ),
    "judged": (
        every(empty("rejected"), having("selected", True)),
        lambda r: r["rejected"] is None and r["selected"],
    ),
    "by id": (having("id", f"{42:016d}"), lambda r: r["id"] == f"{42:016d}"),
    "truths": (
        every(within(CORNER), having("solar_suitable", True), having("wind_suitable", False)),
        lambda r: touching(r, CORNER) and r["solar_suitable"] is True
        and r["wind_suitable"] is False,
    ),
    "no such": (having("rejected", "empty"), lambda r: False),
}  # fmt: skip


def touching(row: Row, area: shapely.Geometry) -> bool:
    """Whether the polygon of a row touches an area."""
    return row["geometry"] is not None and area.intersects(shapely.from_wkb(row["geometry"]))


def wanted(name: str) -> Filter | None:
    """The filter of that name."""
    said = WANTED[name][0]
    return None if said is None else filter_of(json.dumps(said), METHOD.by_name, 3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("many") / "run"


@pytest.fixture(scope="module")
def table(folder: Path) -> pa.Table:
    return many(folder)


def expected(table: pa.Table, name: str) -> list[int]:
    """Their rows, by a look at every one."""
    return [row["row"] for row in table.to_pylist() if WANTED[name][1](row)]


def pages(of: Features, wanted: Filter | None, limit: int) -> Iterator[features.FeaturePage]:
    """All pages, one after another."""
    position: int | None = 0
    while position is not None:
        page = of.page(wanted, position, limit)
        yield page
        position = page.next


@pytest.mark.parametrize("limit", [1, 100, 10_000])
@pytest.mark.parametrize("name", WANTED)
def test_every_one_once_and_in_order(folder: Path, table: pa.Table, name: str, limit: int) -> None:
    rows = expected(table, name)
    if limit == 1 and len(rows) > 100:
        limit = 7
    found = list(pages(Features.of(folder), wanted(name), limit))
    assert [row for page in found for row in page.rows["row"].to_pylist()] == rows
    assert all(len(page.rows) <= limit for page in found)
    assert {page.matched for page in found} == {len(rows)}


def test_the_number_of_all_is_not_looked_for_without_end(folder: Path, table: pa.Table) -> None:
    """Polygons are looked at only along the area's edge, and of at most so many rows."""
    of = replace(Features.of(folder), most_polygons=GROUP, _counts={})
    assert of.page(wanted("class"), 0, 1).matched == len(expected(table, "class"))
    assert of.page(
        filter_of(json.dumps(within(shapely.box(0, 0, 3e5, 7e5))), METHOD.by_name, 3), 0, 1
    ).matched == (MANY - 1)
    assert of.page(wanted("slanted"), 0, 1).matched is None


def test_a_page_has_the_columns_of_the_flat_export(folder: Path, table: pa.Table) -> None:
    page = Features.of(folder).page(None, 7, 5)
    assert page.rows.equals(flatten(table.slice(7, 5).replace_schema_metadata(None), 3))


def test_a_page_reads_what_it_needs(folder: Path, table: pa.Table, reads: Reads) -> None:
    run = open_finished(folder)
    of = Features(run.table.caching(row_cache(features.CACHE_BYTES)), METHOD.by_name, 3)
    last = of.page(None, MANY - GROUP // 2, 10)
    assert reads.groups == [(MANY - 1) // GROUP] and len(last.rows) == 10
    reads.clear()
    list(pages(of, wanted("corner"), 10_000))
    assert 0 < len({*reads.groups}) < MANY // GROUP / 2
    reads.clear()
    assert not len(of.page(wanted("no such"), 0, 10).rows) and not reads.groups


def test_a_page_reads_few_row_groups_whole(folder: Path, table: pa.Table) -> None:
    of = replace(Features.of(folder), most_rows=2 * GROUP)
    found = list(pages(of, wanted("rejected"), 10_000))
    assert len(found) == MANY // GROUP / 2
    assert [r for page in found for r in page.rows["row"].to_pylist()] == expected(
        table, "rejected"
    )


def test_a_row_is_found_by_its_number(folder: Path, table: pa.Table, tmp_path: Path) -> None:
    of, index = Features.of(folder), tmp_path / "rows.npy"
    of.index(index)
    positions = find(index, np.array([5, 2_999, MANY, -1]))
    assert list(positions[2:]) == [-1, -1]
    assert of.at(positions[:2])["row"].to_pylist() == [5, 2_999]


def test_an_updated_run_is_read_anew(tmp_path: Path) -> None:
    run = tmp_path / "run"
    many(run, 200)
    before = Features.of(run)
    assert Features.of(run) is before
    for file in run.iterdir():
        file.unlink()
    run.rmdir()
    many(run, 300)
    assert (len(before), len(Features.of(run))) == (200, 300)


def test_a_folder_that_is_no_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no report.json"):
        Features.of(tmp_path)


def test_an_empty_table_has_an_empty_page(tmp_path: Path) -> None:
    run = tmp_path / "run"
    many(run, 20)
    table = pq.read_table(run / "buildings.parquet")
    pq.write_table(table.slice(0, 0), run / "buildings.parquet")
    seal(run, report.read(run))
    finished._opened.cache_clear()
    of = Features.of(run)
    page = of.page(None, 0, 10)
    assert (len(page.rows), page.next, page.matched, of.bounds) == (0, None, 0, None)
    of.index(tmp_path / "rows.npy")
    assert list(find(tmp_path / "rows.npy", np.array([0]))) == [-1]
