"""buildings.parquet: GeoParquet 1.1 in an order in space, of which a region is a few row groups."""

import io
import itertools
import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from pipeline.grid.windows import Layout, Window
from pipeline.results import buildings
from pipeline.results.buildings import Counts, in_space, write_buildings
from pipeline.runs.passes import along_curve
from pipeline.runs.prepare import prepare
from pipeline.storage.geoparquet import EDGES, GeoParquet
from tests.support.finished import METHOD
from tests.support.outcomes import compute
from tests.support.runs import Files, generated

ROWS = 40  # of a row group here


@pytest.fixture(scope="module", autouse=True)
def small_groups() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(buildings, "GROUP_ROWS", ROWS)
        yield


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return generated(tmp_path_factory.mktemp("quarter"), size=(700, 600), resolution=2)


@pytest.fixture(scope="module")
def table(files: Files, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run") / "out"
    compute(files, out, layers=(), workers=2)
    return out / "buildings.parquet"


def geo(path: Path) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(pq.read_metadata(path).metadata[b"geo"])
    return said


def test_the_table_is_valid_geoparquet(table: Path) -> None:
    said = geo(table)
    column = said["columns"]["geometry"]
    assert (said["version"], said["primary_column"]) == ("1.1.0", "geometry")
    assert column["covering"] == {"bbox": {edge: ["bbox", edge] for edge in EDGES}}
    assert column["crs"]["id"] == {"authority": "EPSG", "code": 28992}
    read = gpd.read_parquet(table)
    assert read.crs.to_epsg() == 28992
    assert column["bbox"] == pytest.approx(read.total_bounds.tolist(), abs=0)
    assert set(column["geometry_types"]) == set(read.geometry.dropna().geom_type)


@pytest.mark.parametrize("reader", [gpd.read_parquet, pd.read_parquet])
def test_pandas_selects_rows_by_truths_that_may_be_null(table: Path, reader: Any) -> None:
    """Null selects nothing; the year is a whole number, or null."""
    roofs, rows = reader(table), pq.read_table(table).to_pylist()
    known = pq.read_table(table)["rejected"].is_null().to_pylist()
    assert any(known) and not all(known)
    truths = [field.name for field in METHOD.schema if field.type == pa.bool_()]
    assert len(truths) == 5
    for name in truths:
        expected = [row["row"] for row in rows if row[name]]
        assert expected and roofs[roofs[name]]["row"].tolist() == expected
        other = [row["row"] for row in rows if row[name] is False]
        assert roofs[~roofs[name]]["row"].tolist() == other
    years = [row["built"] for row in rows]
    assert roofs["built"].dtype == "Int64" and None in years
    assert [None if y is pd.NA else y for y in roofs["built"]] == years
    assert roofs["row"].dtype == np.int64


def test_the_rectangles_are_the_geometries_own(table: Path) -> None:
    rows = pq.read_table(table).to_pylist()
    some = 0
    for row in rows:
        shape = shapely.from_wkb(row["geometry"])
        if shape is None:
            assert row["bbox"] is None
        else:
            assert [row["bbox"][edge] for edge in EDGES] == shapely.bounds(shape).tolist()
            some += 1
    assert some > 3 * ROWS


def boxes(path: Path) -> list[tuple[float, float, float, float]]:
    """Of the row groups, by their statistics."""
    footer, found = pq.read_metadata(path), []
    names = [footer.schema.column(i).path for i in range(footer.num_columns)]
    at = [names.index(f"bbox.{edge}") for edge in EDGES]
    for i in range(footer.num_row_groups):
        statistics = [footer.row_group(i).column(k).statistics for k in at]
        assert all(s.has_min_max for s in statistics)
        found.append((*(s.min for s in statistics[:2]), *(s.max for s in statistics[2:])))
    return found


def test_the_statistics_tell_where_a_row_group_lies(table: Path) -> None:
    file, found = pq.ParquetFile(table), boxes(table)
    assert file.num_row_groups == -(-file.metadata.num_rows // ROWS) > 3
    for i, box in enumerate(found):
        bounds = shapely.total_bounds(shapely.from_wkb(file.read_row_group(i)["geometry"]))
        assert box == tuple(bounds.tolist())


def test_rows_follow_the_shards_along_the_curve(tmp_path: Path, files: Files, table: Path) -> None:
    """Shard after shard, whatever the order within a row group."""
    rows = pq.read_table(table, columns=["centre_x", "centre_y", "id", "row"]).to_pandas()
    layout = prepare(files.request(tmp_path)).context.layout
    known = rows[rows["centre_x"].notna()]
    column, north = np.floor(known[["centre_x", "centre_y"]].to_numpy() / 2.0).astype(int).T
    cells = zip((-north - 1).tolist(), column.tolist(), strict=True)
    shards = [layout.shard_of(*cell) for cell in cells]
    order = {shard: i for i, shard in enumerate(along_curve(layout, set(shards)))}
    assert len(order) > 8
    along = np.array([order[shard] for shard in shards])
    groups = [along[i : i + ROWS] for i in range(0, len(along), ROWS)]
    assert all(a.max() <= b.min() for a, b in itertools.pairwise(groups))
    for i in range(0, len(rows), ROWS):
        part = rows.iloc[i : i + ROWS]
        assert part.sort_values(["id", "row"]).index.tolist() == part.index.tolist()


def test_neighbours_on_the_curve_are_neighbours() -> None:
    layout = Layout.of(Window(-200_000, 60_000, 4096, 4096), 5.0)
    every = along_curve(layout, layout.shards())
    assert sorted(every) == sorted(layout.shards())
    steps = [abs(a.row - b.row) + abs(a.column - b.column) for a, b in itertools.pairwise(every)]
    assert np.mean(steps) < 1.6
    assert along_curve(layout, reversed(every)) == every


def test_a_small_rectangle_is_read_from_a_few_row_groups(table: Path) -> None:
    """And gives what a look at every row gives."""
    every = pq.read_table(table)
    bounds = shapely.bounds(shapely.from_wkb(every["geometry"].to_numpy(zero_copy_only=False)))
    corner = np.nanmin(bounds[:, :2], axis=0)
    for share in (0.1, 0.5, 0.9):
        west, south = corner + np.array([600, 500]) * share
        box = (west, south, west + 60, south + 60)
        touching = ((bounds[:, :2] <= box[2:]) & (bounds[:, 2:] >= box[:2])).all(axis=1)
        assert GeoParquet(table).within(box, ["row"]).columns["row"].to_pylist() == [
            row for row, is_ in zip(every["row"].to_pylist(), touching, strict=True) if is_
        ]
        few = [b for b in boxes(table) if b[0] <= box[2] and b[2] >= box[0]
               and b[1] <= box[3] and b[3] >= box[1]]  # fmt: skip
        assert len(few) <= len(boxes(table)) / 2


@pytest.mark.parametrize("workers", [1, 3])
def test_the_bytes_do_not_depend_on_the_workers(
    tmp_path: Path, files: Files, table: Path, workers: int
) -> None:
    compute(files, tmp_path / "out", layers=(), workers=workers, block=64)
    assert (tmp_path / "out" / "buildings.parquet").read_bytes() == table.read_bytes()


def rows(n: int, first: int = 0) -> pa.Table:
    """Points that lie about, as rows."""
    rng = np.random.default_rng(first)
    x, y = rng.uniform(0, 9999, (2, n))
    known: dict[str, Any] = {
        "row": np.arange(first, first + n), "centre_x": x, "centre_y": y,
        "id": [f"{i % 7}" for i in range(n)], "geometry": shapely.to_wkb(shapely.points(x, y)),
    }  # fmt: skip
    columns = {f.name: known.get(f.name, pa.nulls(n, f.type)) for f in METHOD.schema}
    return pa.table(columns, schema=METHOD.schema)


@pytest.mark.parametrize("sizes", [[], [0], [ROWS], [1, 0, ROWS - 1, 3], [5 * ROWS + 1, 2]])
def test_row_groups_are_cut_as_rows_come(sizes: list[int]) -> None:
    parts = [rows(n, 1000 * i) for i, n in enumerate(sizes)]
    stream = io.BytesIO()
    write_buildings(stream, parts, {"shards": {"0_0": sizes}}, METHOD.schema)
    file = pq.ParquetFile(stream)
    groups = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
    assert sum(groups) == sum(sizes)
    assert all(n == ROWS for n in groups[:-1])
    whole = pa.concat_tables([METHOD.schema.empty_table(), *parts])
    for i, start in enumerate(range(0, len(whole), ROWS)):
        found, part = file.read_row_group(i), whole.slice(start, ROWS)
        assert found.sort_by("row").to_pylist() == part.sort_by("row").to_pylist()
    assert json.loads(file.metadata.metadata[b"daklaag:shards"]) == {"shards": {"0_0": sizes}}


def test_counts_go_with_the_rows_and_come_back() -> None:
    counts = Counts(roofs=12, without_data=3, held={4, 2})
    counts.kinds.update(["monument", "monument", "other"])
    table = counts.with_rows([rows(5), rows(4, 100)], METHOD.schema)
    again = Counts(roofs=1, held={9})
    counted = again.add_table(table)
    assert (counted["rows"], again.roofs, again.without_data) == (9, 13, 3)
    assert (dict(again.kinds), again.held) == ({"monument": 2, "other": 1}, {2, 4, 9})
    assert in_space(table, "{}").column("row") == table.column("row")
