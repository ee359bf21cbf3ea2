"""GeoParquet by row groups: the rows are those that a look at every row gives, and no row group or
column is read without need."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import shapely

from pipeline.errors import InputError
from pipeline.storage.geoparquet import GeoParquet, Rows, row_cache, touches
from tests.support import roofs
from tests.support.reads import Reads

ROWS, GROUP = 700, 50
SEED = 20261129
COLUMNS = ["row", "id", "lit", "geometry"]


@pytest.fixture(scope="module")
def table() -> pa.Table:
    return roofs.table(ROWS)


@pytest.fixture(scope="module")
def file(table: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return roofs.write(table, tmp_path_factory.mktemp("table") / "buildings.parquet", GROUP)


def bounds_of(table: pa.Table) -> Any:
    """The rectangle of each polygon, by shapely."""
    return shapely.bounds(shapely.from_wkb(table["geometry"].to_numpy(zero_copy_only=False)))


def check_rows(rows: Rows, table: pa.Table, positions: Any, columns: list[str]) -> None:
    """These are the rows at those positions, with these columns and their rectangles."""
    assert rows.position.tolist() == [*positions]
    expected = table.take(pa.array(positions, pa.int64())).select(columns)
    assert rows.columns.equals(expected.replace_schema_metadata(None))
    assert np.array_equal(rows.bounds, bounds_of(table)[positions], equal_nan=True)


@pytest.mark.parametrize("limit", [None, 0, 1 << 30], ids=["no cache", "nothing fits", "all fits"])
def test_a_window_is_that_of_brute_force(file: Path, table: pa.Table, limit: int | None) -> None:
    opened = GeoParquet(file, None if limit is None else row_cache(limit))
    rng, bounds = np.random.default_rng(SEED), bounds_of(table)
    corners = rng.uniform(
        (roofs.WEST, roofs.SOUTH), (roofs.WEST + 4000, roofs.SOUTH + 4000), (30, 2)
    )
    windows = [(x, y, x + w, y + h) for (x, y), (w, h) in zip(
        corners, rng.uniform(0, 900, (30, 2)), strict=True)]  # fmt: skip
    west, south, east, north = bounds[17]
    windows += [(east, north, east + 1, north + 1), (west - 1, south - 1, west, south)]
    for window in windows:
        west, south, east, north = window
        touched = (bounds[:, 0] <= east) & (bounds[:, 2] >= west)
        touched &= (bounds[:, 1] <= north) & (bounds[:, 3] >= south)
        check_rows(opened.within(window, COLUMNS), table, np.flatnonzero(touched), COLUMNS)
        some = touched & np.isin(np.arange(ROWS) // GROUP, [1, 3, 8])
        found = opened.within(window, COLUMNS, [8, 3, 1])
        check_rows(found, table, np.flatnonzero(some), COLUMNS)
    assert any(len(opened.within(window, ["row"]).position) for window in windows[-2:])
    check_rows(opened.within(None, COLUMNS), table, np.arange(ROWS), COLUMNS)


def test_rows_at_positions_in_their_order(file: Path, table: pa.Table) -> None:
    opened, rng = GeoParquet(file, row_cache(1 << 30)), np.random.default_rng(SEED)
    for positions in (rng.integers(0, ROWS, 40), np.arange(95, 105), np.zeros(0, np.int64)):
        check_rows(opened.at(positions, COLUMNS), table, positions, COLUMNS)


def test_rows_by_ids(file: Path, table: pa.Table) -> None:
    opened, ids = GeoParquet(file), table["id"].to_pylist()
    wanted = {ids[3], ids[104], ids[105], "nobody"}
    check_rows(opened.with_ids(wanted, COLUMNS), table, [3, 104, 105], COLUMNS)
    assert opened.holding(wanted) == {0: {ids[3]}, 2: {ids[104], ids[105]}}
    assert opened.holding({"nobody"}) == opened.holding(()) == {}


def test_ids_beyond_what_a_row_group_holds_are_not_looked_for(
    tmp_path: Path, table: pa.Table, reads: Reads
) -> None:
    ordered = table.sort_by("id")
    opened = GeoParquet(roofs.write(ordered, tmp_path / "ordered.parquet", GROUP))
    opened.holding({ordered["id"][120].as_py()})
    assert (reads.groups, reads.columns) == ([2], [["id"]])


def test_nested_columns_are_read_when_they_are_asked_for(file: Path, reads: Reads) -> None:
    opened = GeoParquet(file)
    flat = opened.rows(0).columns.column_names
    nested = {field.name for field in opened.schema if pa.types.is_nested(field.type)}
    assert nested >= {"lit", "flags"} and not nested & {*flat} and "geometry" in flat
    assert opened.rows(0, ["lit"]).columns.column_names == ["lit"]


def test_a_row_group_is_decoded_once_while_it_fits(file: Path, reads: Reads) -> None:
    cache = row_cache(1 << 30)
    opened = GeoParquet(file).caching(cache)
    for _ in range(3):
        opened.within(opened.extent, ["row"])
    assert reads.groups == [*range(opened.groups)]
    opened.rows(0, ["row"], keep=False), opened.rows(0, ["row", "id"])
    assert len(reads.groups) == opened.groups + 2  # others are kept by their columns
    assert GeoParquet(file, cache).rows(0, ["row"]) and len(reads.groups) == opened.groups + 3


def test_the_cache_stays_within_its_limit(file: Path) -> None:
    cache = row_cache(30_000)
    opened = GeoParquet(file, cache)
    for group in range(opened.groups):
        opened.rows(group, ["row", "geometry"])
        assert 0 < cache.nbytes <= cache.limit


def test_what_the_footer_says(file: Path, table: pa.Table) -> None:
    opened, bounds = GeoParquet(file), bounds_of(table)
    assert (len(opened), opened.groups) == (ROWS, ROWS // GROUP)
    parts = [bounds[i : i + GROUP] for i in range(0, ROWS, GROUP)]
    ends = [[*np.nanmin(p[:, :2], axis=0), *np.nanmax(p[:, 2:], axis=0)] for p in parts]
    assert np.array_equal(opened.bounds, ends)
    assert opened.extent == (*np.nanmin(bounds[:, :2], axis=0), *np.nanmax(bounds[:, 2:], axis=0))
    lowest = [pc.min(table["built"].slice(i, GROUP)).as_py() for i in range(0, ROWS, GROUP)]
    assert opened.statistics("built").lowest == lowest
    assert opened.statistics("built").nulls.sum() == table["built"].null_count
    assert opened.statistics("no such column").lowest == [None] * opened.groups


def test_a_file_without_rectangles_has_no_windows(tmp_path: Path, table: pa.Table) -> None:
    pq.write_table(table.drop_columns(["bbox"]), tmp_path / "old.parquet")
    opened = GeoParquet(tmp_path / "old.parquet")
    assert opened.extent is None and len(opened.rows(0, ["row"]).columns) == ROWS
    with pytest.raises(InputError, match=r"old.parquet: has no column bbox"):
        opened.within((0, 0, 1, 1), ["row"])


def test_a_damaged_file_is_refused(tmp_path: Path, file: Path) -> None:
    (tmp_path / "cut.parquet").write_bytes(file.read_bytes()[:-500])
    with pytest.raises(InputError, match="damaged"):
        GeoParquet(tmp_path / "cut.parquet")


def test_nothing_touches_nothing() -> None:
    assert not touches(np.full((1, 4), np.nan), (0, 0, 1, 1)).any()
