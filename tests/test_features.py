"""Pages of features: every one once, in the order of the table, and few row groups for each."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from pipeline import features, report
from pipeline.errors import InputError
from pipeline.features import ANY, Features, Wanted, find
from pipeline.kept import Kept
from tests.roofs import SOUTH, WEST, WIDTH
from tests.served import GROUP, MANY, many

CORNER = shapely.box(WEST, SOUTH, WEST + 900, SOUTH + 700)
SLANTED = shapely.Polygon([(WEST, SOUTH), (WEST + WIDTH, SOUTH), (WEST, SOUTH + WIDTH)])
WANTED = {
    "all": Wanted(),
    "corner": Wanted(CORNER),
    "slanted": Wanted(SLANTED),
    "elsewhere": Wanted(shapely.box(0, 0, 10, 10)),
    "class": Wanted(None, {"class": "wind_or_solar"}),
    "rejected": Wanted(None, {"rejected": ANY}),
    "judged": Wanted(None, {"rejected": None, "selected": True}),
    "by id": Wanted(None, {"id": f"{42:016d}"}),
    "truths": Wanted(CORNER, {"solar_suitable": True, "wind_suitable": False}),
    "no such": Wanted(None, {"rejected": "empty"}),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("many") / "run"


@pytest.fixture(scope="module")
def table(folder: Path) -> pa.Table:
    return many(folder)


def expected(table: pa.Table, wanted: Wanted) -> list[int]:
    """Their rows, by a look at every one."""
    shapes = shapely.from_wkb(table["geometry"].to_numpy())
    fits = (
        np.ones(len(table), bool)
        if wanted.area is None
        else shapely.intersects(shapes, wanted.area)
    )
    for name, value in wanted.values.items():
        found = table[name].to_pylist()
        fits &= [each is not None if value == ANY else each == value for each in found]
    return list(np.array(table["row"])[fits])


def pages(of: Features, wanted: Wanted, limit: int) -> Iterator[features.Page]:
    """All pages, one after another."""
    position: int | None = 0
    while position is not None:
        page = of.page(wanted, position, limit)
        yield page
        position = page.next


@pytest.mark.parametrize("limit", [1, 100, 10_000])
@pytest.mark.parametrize("name", WANTED)
def test_every_one_once_and_in_order(folder: Path, table: pa.Table, name: str, limit: int) -> None:
    rows = expected(table, WANTED[name])
    if limit == 1 and len(rows) > 100:
        limit = 7
    found = list(pages(Features.of(folder), WANTED[name], limit))
    assert [row for page in found for row in page.rows["row"].to_pylist()] == rows
    assert all(len(page.rows) <= limit for page in found)


def test_the_number_of_all_is_said_where_it_is_known(folder: Path, table: pa.Table) -> None:
    of = Features.of(folder)
    assert of.page(Wanted(), 400, 10).matched == MANY
    rare = WANTED["truths"]
    assert of.page(rare, 0, 10_000).matched == len(expected(table, rare)) > 1
    assert of.page(rare, 0, 1).matched is None


def test_a_page_has_the_columns_of_the_flat_export(folder: Path, table: pa.Table) -> None:
    page = Features.of(folder).page(Wanted(), 7, 5)
    assert page.rows.equals(report.flatten(table.slice(7, 5).replace_schema_metadata(None), 3))


def test_a_page_reads_what_it_needs(
    folder: Path, table: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Any] = []
    real = features.row_groups

    def counted(file: Any, groups: Any, columns: Any, footer: Any) -> pa.Table:
        read.append((list(groups), columns))
        return real(file, groups, columns, footer)

    monkeypatch.setattr(features, "row_groups", counted)
    monkeypatch.setattr(features, "_kept", Kept(features.KEPT_BYTES, lambda rows: rows.nbytes))
    of = Features.of(folder)
    last = of.page(Wanted(), MANY - GROUP // 2, 10)
    assert [groups for groups, _ in read] == [[(MANY - 1) // GROUP]] and len(last.rows) == 10
    read.clear()
    list(pages(of, WANTED["corner"], 10_000))
    assert 0 < len({groups[0] for groups, _ in read}) < MANY // GROUP / 2
    read.clear()
    assert not len(of.page(WANTED["no such"], 0, 10).rows) and not read


def test_a_page_reads_few_row_groups_whole(
    folder: Path, table: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "MOST_ROWS", 2 * GROUP)
    found = list(pages(Features.of(folder), WANTED["rejected"], 10_000))
    assert len(found) == MANY // GROUP / 2
    assert [r for page in found for r in page.rows["row"].to_pylist()] == expected(
        table, WANTED["rejected"]
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


def test_what_is_no_run_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no report.json"):
        Features.of(tmp_path)


def test_an_empty_table_has_an_empty_page(tmp_path: Path) -> None:
    run = tmp_path / "run"
    many(run, 20)
    table = pq.read_table(run / "buildings.parquet")
    pq.write_table(table.slice(0, 0), run / "buildings.parquet")
    features._opened.cache_clear()
    of = Features.of(run)
    page = of.page(Wanted(), 0, 10)
    assert (len(page.rows), page.next, page.matched, of.bounds) == (0, None, 0, None)
    of.index(tmp_path / "rows.npy")
    assert list(find(tmp_path / "rows.npy", np.array([0]))) == [-1]
