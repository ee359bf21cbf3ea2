"""Tables for spreadsheets: ids are text, numbers are numbers, and nothing is a formula."""

import csv
import io
import math
import tracemalloc
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest
from openpyxl.utils.escape import unescape

from pipeline.errors import InputError
from pipeline.results.spreadsheets import check_rows, csv_text, without_formulas, write_xlsx

FORMULAS = ["=1+1", "+31 20 1234567", "-2+3", "@SUM(A1)", "\t=1", "\r=1"]
ROW = {
    "code": "0363",
    "=name": "=HYPERLINK(0)",
    "low_m": -1.5,
    "roofs": 12,
    "share": None,
    "said": 'a "b", c',
}


def sheet_of(file: Any) -> Any:
    (sheet,) = openpyxl.load_workbook(file).worksheets
    return sheet


def written(tmp_path: Path, values: list[Any]) -> list[Any]:
    """The cells below the header of one column."""
    write_xlsx(tmp_path / "t.xlsx", "t", ["value"], ([value] for value in values))
    assert [path.name for path in tmp_path.iterdir()] == ["t.xlsx"]
    return [cell for (cell,) in sheet_of(tmp_path / "t.xlsx").iter_rows(min_row=2)]


def test_csv_quotes_text_and_nothing_else() -> None:
    header, line = csv_text([ROW]).splitlines()
    assert header == '"code","\'=name","low_m","roofs","share","said"'
    assert line == '"0363","\'=HYPERLINK(0)",-1.5,12,,"a ""b"", c"'


def test_csv_of_no_rows_is_empty() -> None:
    assert csv_text([]) == ""


def test_csv_for_excel_with_decimal_commas() -> None:
    text = csv_text([ROW], "comma")
    assert text.startswith("\ufeff")
    (read,) = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), delimiter=";")
    assert (read["low_m"], read["roofs"], read["said"]) == ("-1,5", "12", ROW["said"])


def test_decimals_that_there_are_not() -> None:
    with pytest.raises(InputError, match="decimal dot: give one of point, comma"):
        csv_text([ROW], "dot")


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_begins_a_formula(tmp_path: Path, text: str) -> None:
    assert list(csv.reader(io.StringIO(csv_text([{"a": text}]), newline="")))[1] == [f"'{text}"]
    table = without_formulas(pa.table({"a": [text, None, "a=1"], "n": [-1, 0, 1]}))
    assert table.to_pydict() == {"a": [f"'{text}", None, "a=1"], "n": [-1, 0, 1]}
    (cell,) = written(tmp_path, [text])
    assert cell.data_type == "s" and unescape(cell.value) == text


def test_xlsx_keeps_types(tmp_path: Path) -> None:
    values = ["0363100012345678", "https://a.nl", 1.5, -3, True, None, 363100012345678901, math.nan]
    cells = written(tmp_path, values)
    assert [cell.value for cell in cells] == [*values[:6], "363100012345678901", "nan"]
    assert [cell.data_type for cell in cells] == ["s", "s", "n", "n", "b", "n", "s", "s"]


def test_equal_tables_give_equal_bytes(tmp_path: Path) -> None:
    files = [tmp_path / "a.xlsx", tmp_path / "b.xlsx"]
    for file in files:
        write_xlsx(file, "t", list(ROW), [list(ROW.values())])
    assert files[0].read_bytes() == files[1].read_bytes()
    assert sheet_of(files[0]).title == "t"


def test_a_name_that_no_sheet_may_have(tmp_path: Path) -> None:
    write_xlsx(tmp_path / "t.xlsx", f"by [a/b]: {'c' * 40}", ["a"], [])
    assert sheet_of(tmp_path / "t.xlsx").title == f"by _a_b__ {'c' * 21}"


def test_more_rows_than_a_sheet_holds() -> None:
    check_rows(1_048_575, "buildings")
    with pytest.raises(InputError, match=r"1,048,576 rows, .* \.csv or \.parquet"):
        check_rows(1_048_576, "buildings")


def test_a_text_that_no_cell_holds(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="row 2: more"):
        written(tmp_path, ["a", "b" * 32_768])


def test_rows_stand_in_memory_one_at_a_time(tmp_path: Path) -> None:
    tracemalloc.start()
    rows = ([f"{row}-{column}" for column in range(10)] for row in range(5_000))
    write_xlsx(tmp_path / "t.xlsx", "t", list("abcdefghij"), rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000  # with all cells in memory 12 MB
