"""How columns add up over an area, as a method declares it, and stand in flat formats."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pipeline.methods.method import BOOLEAN, NUMBER, TEXT, Derived, Method, Total
from pipeline.results import totals
from pipeline.results.columns import as_text, flatten, item_of
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
