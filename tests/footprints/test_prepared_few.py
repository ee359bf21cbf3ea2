"""A few footprints beside many: what both are together is what they are when prepared as one."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline.footprints import prepared_sort
from pipeline.footprints.prepared import Prepared
from pipeline.footprints.prepared_make import with_extra
from pipeline.runs.prepare import prepare as prepare_run
from pipeline.runs.request import Request
from tests.footprints.test_prepared import SMALL, check_same, forgetful, ready, town
from tests.runs.test_added import drawn
from tests.runs.test_added import town as world
from tests.support.outlines import read_footprints, write

__all__ = ["forgetful"]  # a fixture


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str, str]:
    """Many, and two files of a few: some without a polygon, ids and groups that others have too."""
    a, b, c = town(300), town(23, seed=1), town(9, seed=2)
    b.loc[[0, 7], "identificatie"] = a["identificatie"].iloc[[3, 20]].to_numpy()  # 7, 20: no shape
    c.loc[1, "identificatie"] = a["identificatie"].iloc[5]
    c.loc[2, "identificatie"], a.loc[2, "identificatie"] = "", ""
    return tuple(
        str(write(tmp_path / name, rows))
        for name, rows in (("a.parquet", a), ("b.gpkg", b), ("c.geojson", c.to_crs(4326)))
    )


def joined(tmp_path: Path, files: tuple[str, str, str], **options: Any) -> Prepared:
    return with_extra(ready(tmp_path, files[0], **options), files[1:], **options)


@pytest.mark.parametrize("group", [None, "blok"])
def test_the_same_as_all_together(
    tmp_path: Path, files: tuple[str, str, str], group: str | None
) -> None:
    found = joined(tmp_path, files, group_column=group)
    expected = read_footprints(files, group_column=group)
    check_same(found, expected)
    once = read_footprints(files[:1])
    assert (expected.repeated[:300] & ~once.repeated).any()  # by what came beside
    together = ready(tmp_path, *files, group_column=group)
    assert (found.count, found.sources) == (together.count, together.sources)
    assert found.bounds == together.bounds
    assert found.grouped == together.grouped == (group is not None)


def test_windows_and_row_groups(tmp_path: Path, files: tuple[str, str, str]) -> None:
    found = joined(tmp_path, files)
    together = ready(tmp_path, *files)
    parts = [found.read(groups=[i]) for i in range(len(found.group_bounds))]
    assert np.concatenate([part.place for part in parts]).tolist() == [*range(len(found.read()))]
    for i, (part, edges) in enumerate(zip(parts, found.group_bounds, strict=True)):
        light = found.boxes(i)
        assert (*part.bounds[:, :2].min(axis=0), *part.bounds[:, 2:].max(axis=0)) == (*edges,)
        for name, values in light._asdict().items():
            assert np.array_equal(values, getattr(part, name)), name
    rng = np.random.default_rng(4)
    for x, y, width, height in rng.uniform(0, 3000, (40, 4)):
        xmin, ymin = found.bounds[0] + x, found.bounds[1] + y
        window = (xmin, ymin, xmin + width / 3, ymin + height / 3)
        assert sorted(found.read(window).row) == sorted(together.read(window).row)
        held = {i for i in range(len(found.group_bounds)) if len(found.read(window, groups=[i]))}
        assert held <= {*found.touching(window).tolist()}


def test_nothing_usable_beside(tmp_path: Path, files: tuple[str, str, str]) -> None:
    none = town(9).assign(geometry=None)
    file = str(write(tmp_path / "none.parquet", none))
    many = ready(tmp_path, files[0])
    found = with_extra(many, [file])
    check_same(found, read_footprints([files[0], file]))
    assert found.bounds == many.bounds and len(found.group_bounds) == len(many.group_bounds)


def test_where_ids_are(tmp_path: Path, files: tuple[str, str, str]) -> None:
    many = ready(tmp_path, files[0])
    whole = many.read()
    ids = {str(whole.id[3]), str(whole.id[100])}
    at = pd.Series(whole.id).isin(ids).to_numpy()
    expected: dict[int, set[str]] = {}
    for place in whole.place[at].tolist():
        expected.setdefault(place // SMALL.group, set()).add(whole.id[place])
    assert many.table.holding(ids) == expected
    assert many.table.holding({"nobody"}) == many.table.holding(()) == {}


def test_a_run_does_not_prepare_the_many_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor keeps it what it makes of the few."""
    files, cache = world().write(tmp_path / "in"), tmp_path / "cache"
    drawn(world(), 1).to_parquet(tmp_path / "few.parquet")
    request: Request = files.request(tmp_path / "out", layers=(), prepared=cache)
    many = prepare_run(request).context.prepared
    kept = sorted(cache.rglob("*"))
    sorted_: list[int] = []
    usual = prepared_sort.Sorter.finish
    monkeypatch.setattr(
        prepared_sort.Sorter, "finish", lambda self: sorted_.append(self.count) or usual(self)
    )
    found = prepare_run(
        request.replace(add_building=(str(tmp_path / "few.parquet"),))
    ).context.prepared
    assert (found.path, found.count - many.count, sorted_) == (many.path, 6, [6])
    assert sorted(cache.rglob("*")) == kept
