"""How columns add up over an area, as a method declares it, and stand in flat formats."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from pipeline.methods.method import (
    BOOLEAN,
    NUMBER,
    TEXT,
    Column,
    Derived,
    Field,
    Label,
    Method,
    Total,
    Words,
    lists_of,
)
from pipeline.results import totals
from pipeline.results.columns import as_text, flatten, item_of
from pipeline.storage.slices import slices
from tests.support.finished import METHOD, buildings


def declaring(name: str, total: Total, use: str = "") -> Method:
    """The method with one column that adds up, and nothing that follows from that."""
    columns = [replace(column, totals=()) for column in METHOD.columns]
    at = METHOD.schema.get_field_index(name)
    columns[at] = replace(columns[at], totals=(total,), use=use)
    return replace(METHOD, columns=tuple(columns), derived=Derived())


def sections(table: pa.Table, method: Method) -> dict[str, Any]:
    """The sections of a report of a table."""
    sums = totals.Totals(method)
    sums.add(table)
    return totals.sections(sums.sums(), method, {})


def judged() -> list[dict[str, Any]]:
    """The rows that count."""
    rows = buildings().to_pylist()
    return [row for row in rows if row["selected"] and row["rejected"] is None]


def test_a_mean_is_weighted() -> None:
    method = declaring("lit_share", Total("lit_share", "shares", weight="area_m2"))
    share, area = ([row[name] for row in judged()] for name in ("lit_share", "area_m2"))
    assert len(set(share)) > 1
    found = sections(buildings(), method)["shares"]
    assert found == {"lit_share": pytest.approx(np.average(share, weights=area))}


def test_a_mean_of_nothing_is_not_known() -> None:
    method = declaring("lit_share", Total("lit_share", "shares", weight="area_m2"))
    rejected = buildings().slice(7, 3)
    assert sections(rejected, method)["shares"] == {"lit_share": None}


@pytest.mark.parametrize(("use", "aside"), [("", ()), ("solar", ("solar", "both")),
                                            ("wind", ("wind", "both"))])  # fmt: skip
def test_what_is_set_aside_from_a_use_does_not_count_for_it(
    use: str, aside: tuple[str, ...]
) -> None:
    counts = sections(buildings(), declaring("solar_suitable", Total("sunny"), use))["counts"]
    sunny = [row for row in judged() if row["solar_suitable"]]
    assert counts["sunny"] == len([row for row in sunny if row["excluded"] not in aside])
    assert len(sunny) > len([row for row in sunny if row["excluded"] is None]) > 0


def test_a_total_is_of_rows_that_count_for_another_column() -> None:
    total = Total("tall_ha", "area_ha", "ha", per=10_000, where="wind_suitable")
    tall = [row["area_m2"] for row in judged()
            if row["wind_suitable"] and row["excluded"] not in ("wind", "both")]  # fmt: skip
    found = sections(buildings(), declaring("area_m2", total))["area_ha"]
    assert found == {"tall": pytest.approx(sum(tall) / 10_000)} and tall


PLANES = pa.list_(pa.struct([("tilt", NUMBER), ("cells", pa.int64())]))


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        (pa.list_(BOOLEAN), [[True, False], None, [True, True]], ["10", None, "11"]),
        (pa.list_(pa.int64()), [[1, 20], [], None], ["1,20", "", None]),
        (pa.list_(TEXT), [["a", "b"], [], None], ["a,b", "", None]),
        (PLANES, [[{"tilt": 1.5, "cells": 2}], None], ['[{"tilt": 1.5, "cells": 2}]', None]),
        (PLANES.value_type, [{"tilt": 1.5, "cells": None}], ['{"tilt": 1.5, "cells": null}']),
    ],
)
def test_lists_and_structs_as_texts(
    kind: pa.DataType, values: list[object], expected: list[str]
) -> None:
    whole = pa.chunked_array([pa.array([values[0], *values], kind)])
    assert as_text(whole.slice(1)).to_pylist() == expected


def test_flat_formats_have_no_lists_and_no_structs() -> None:
    table = buildings().append_column(
        "planes", pa.array([[{"tilt": 1.0, "cells": 2}]] * 12, PLANES)
    )
    flat = flatten(table, 3)
    assert not [field for field in flat.schema if pa.types.is_nested(field.type)]
    assert flat["planes"][0].as_py() == '[{"tilt": 1.0, "cells": 2}]'


def test_the_items_of_lists_are_found_by_their_names() -> None:
    found = item_of(METHOD.by_name, "lit_2")
    assert found is not None and (found[0].name, found[1]) == ("lit", 2)
    for name in ("lit", "lit_0", "flags_1", "bbox_1", "height_m", "unknown_1"):
        assert item_of(METHOD.by_name, name) is None


KIND, TILT, AREA = (
    Field(name, type, "", Words(name, f"{name} of a plane"), Words(name, f"{name} van een vlak"))
    for name, type in (("kind", TEXT), ("tilt", NUMBER), ("area", NUMBER))
)


def with_planes(totals_of: dict[str, tuple[Total, ...]]) -> Method:
    """The method with a column of planes besides, of which some fields add up."""
    fields = tuple(replace(f, totals=totals_of.get(f.name, ())) for f in (KIND, TILT, AREA))
    planes = Column("planes", lists_of(fields), "", AREA.en, AREA.nl, fields=fields)
    return replace(METHOD, columns=(*METHOD.columns, planes), derived=Derived())


def tilted(parts: pa.StructArray) -> NDArray[np.bool_]:
    return np.asarray(parts.field("tilt")) > 10


def test_the_fields_of_structs_add_up_over_those_that_count(tmp_path: Path) -> None:
    steep_ha = Total("steep_ha", "plane_ha", per=100, parts=tilted)
    area = (Total("plane_ha", "plane_ha", per=100), steep_ha)
    method = with_planes({"kind": (Total("plane_number", "number"),), "area": area})
    rng = np.random.default_rng(1)
    planes = [
        None if rng.random() < 0.2 else
        [{"kind": "flat", "tilt": t, "area": a} for t, a in rng.uniform(0, 20, (n, 2)).tolist()]
        for n in rng.integers(0, 4, 12)
    ]  # fmt: skip
    table = buildings().append_column("planes", pa.array(planes, method.by_name["planes"].type))
    rows = table.to_pylist()
    every = [p for r in rows if r["selected"] and r["rejected"] is None for p in r["planes"] or []]
    found = sections(table, method)
    assert found["number"] == {"plane": len(every)} and every
    steep = [plane["area"] for plane in every if plane["tilt"] > 10]
    assert found["plane_ha"] == {
        "plane": pytest.approx(sum(plane["area"] for plane in every) / 100),
        "steep": pytest.approx(sum(steep) / 100),
    }
    assert len(steep) < len(every)
    pq.write_table(table, tmp_path / "buildings.parquet")
    sums = totals.Totals(method)
    for part in slices(tmp_path / "buildings.parquet", totals.columns_of(method)):
        sums.add(part)
    assert totals.sections(sums.sums(), method, {})["plane_ha"] == found["plane_ha"]
    turned = totals.Totals(method)
    for start in (7, 0):
        turned.add(table.slice(start, 7 if start == 0 else 5))
    assert totals.sections(turned.sums(), method, {})["plane_ha"] == found["plane_ha"]


def half(rows: pa.Table) -> NDArray[np.float64]:
    """An error of half of each row's part, or of a quarter where it suits wind."""
    return np.where(np.asarray(rows["wind_suitable"].fill_null(False)), 0.25, 0.5)


def test_a_sum_has_the_error_of_parts_that_are_independent() -> None:
    total = Total("solar_kwh", "kwh", per=1000, where="solar_suitable", error=half)
    method = declaring("solar_kwh", total)
    rows = [r for r in judged() if r["solar_suitable"] and r["excluded"] not in ("solar", "both")]
    parts = [r["solar_kwh"] * (0.25 if r["wind_suitable"] else 0.5) for r in rows]
    found = sections(buildings(), method)
    assert found["kwh"] == {"solar": pytest.approx(sum(r["solar_kwh"] for r in rows) / 1000)}
    due = float(np.linalg.norm(parts)) / 1000
    assert found["errors"] == {"kwh": {"solar": pytest.approx(due)}} and due > 0
    turned = totals.Totals(method, 2)
    for start in (7, 0):
        part = buildings().slice(start, 7 if start == 0 else 5)
        turned.add(part, np.arange(len(part)) % 2)
    assert totals.sections(turned.whole(), method, {})["errors"] == found["errors"]
    report = {**found, "method": {"parameters": {}}}
    assert totals.sections_in(report, method)["errors"] == found["errors"]


def test_an_item_of_a_list_adds_up() -> None:
    column = Column("months", pa.list_(pa.float32()), "kWh", KIND.en, KIND.nl, totals=tuple(
        Total(f"month_{n}_kwh", "month_kwh", item=n, where="solar_suitable") for n in range(3)
    ))  # fmt: skip
    method = replace(METHOD, columns=(*METHOD.columns, column), derived=Derived())
    months = [[float(r), 10.0 * r, 100.0 * r] for r in range(12)]
    lists = pa.array([None if r % 5 == 3 else m for r, m in enumerate(months)], column.type)
    table = buildings().append_column("months", lists)
    rows = [r for r in table.to_pylist() if r["selected"] and r["rejected"] is None]
    due = [
        sum(r["months"][n] for r in rows
            if r["months"] and r["solar_suitable"] and r["excluded"] not in ("solar", "both"))
        for n in range(3)
    ]  # fmt: skip
    assert [*sections(table, method)["month_kwh"].values()] == pytest.approx(due)
    assert due[0] > 0


def test_lists_have_as_many_columns_as_they_declare_items() -> None:
    items = tuple(Label(name, name, name) for name in "abc")
    column = Column("months", pa.list_(pa.float32()), "kWh", KIND.en, KIND.nl, items=items)
    table = pa.table({"months": pa.array([None, None], column.type)})
    flat = flatten(table, 2, {"months": column})
    assert flat.column_names == ["months_1", "months_2", "months_3"]
    assert flatten(table, 2).column_names == ["months_1", "months_2"]
