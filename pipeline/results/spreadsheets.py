"""Tables for spreadsheets, as CSV and XLSX: ids stay text, and no text becomes a formula.

In CSV all text is quoted, and text that a spreadsheet would compute has an apostrophe before it. A
cell of XLSX has a type, so there text is as it was.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain
from numbers import Number
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import InputError, OutputError
from pipeline.messages import Text
from pipeline.terms import Field

FORMULA = r"^[=+\-@\t\r]"  # how text begins that Excel and LibreOffice compute
DECIMALS = ("point", "comma")
MOST_ROWS = 1_048_576  # of a sheet of XLSX, its header among them
MOST_DIGITS = 15  # of a number in a spreadsheet; of a longer one the last become zeros
CREATED = datetime(2008, 12, 21)  # the same for all, so that equal tables give equal bytes
CELLS = dict.fromkeys(("strings_to_formulas", "strings_to_urls", "strings_to_numbers"), False)

Row = Mapping[str, Any]


# CSV


def csv_text(rows: Sequence[Row], decimal: str = "point") -> str:
    """Rows with the same columns as CSV with a header; empty if there are none.

    decimal: with `comma` it is what Excel opens in countries that write 1,5: commas in numbers,
    semicolons between cells, and a byte order mark. Raises InputError for another word.
    """
    if decimal not in DECIMALS:
        raise InputError(
            Field("decimal", decimal), remedy="give one of {known}", known=list(DECIMALS)
        )
    between, point = (";", ",") if decimal == "comma" else (",", ".")
    lines = [list(rows[0]), *(row.values() for row in rows)] if rows else []
    text = "".join(between.join(_csv_cell(v, point) for v in line) + "\n" for line in lines)
    return f"\ufeff{text}" if decimal == "comma" else text


def _csv_cell(value: Any, point: str) -> str:
    if value is None:
        return ""
    if isinstance(value, Number):
        return str(value).replace(".", point)
    text = str(value)
    guarded = f"'{text}" if re.match(FORMULA, text) else text
    return '"' + guarded.replace('"', '""') + '"'


def without_formulas(table: pa.Table) -> pa.Table:
    """A table whose columns of text have an apostrophe before what a spreadsheet would compute, as
    `csv_text` has, for Arrow's quicker writer of CSV."""
    for place, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            guarded = pc.replace_substring_regex(table[place], f"({FORMULA})", r"'\1")
            table = table.set_column(place, field, guarded)
    return table


# XLSX


def check_rows(number: int, source: str) -> None:
    """Raises InputError if so many rows with their header do not fit on a sheet of XLSX."""
    if number >= MOST_ROWS:
        raise InputError(
            source,
            "{number:,} rows, and a sheet of .xlsx holds {most:,} with its header",
            "write .csv or .parquet, or a smaller area",
            number=number,
            most=MOST_ROWS,
        )


def write_xlsx(to: Path, title: str, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows of cells below a header as an XLSX workbook of one sheet, in constant memory.

    Raises InputError for more rows, columns or text in a cell than a sheet holds, and OutputError
    where there is no room; what is at `to` then is not whole.
    """
    from xlsxwriter import Workbook  # few runs need it
    from xlsxwriter.exceptions import XlsxWriterException

    with TemporaryDirectory(dir=to.parent) as scratch, to.open("wb") as stream:
        options = {"constant_memory": True, "tmpdir": scratch} | CELLS
        try:
            with Workbook(stream, options) as book:
                book.use_zip64()
                book.set_properties({"title": title, "created": CREATED})
                sheet = book.add_worksheet(re.sub(r"[\[\]:*?/\\']", "_", title)[:31])
                sheet.freeze_panes(1, 0)
                _write_cells(sheet, names, rows)
        except XlsxWriterException as error:
            raise OutputError(
                title, "cannot be written ({error})", "is the disk full?", error=error
            ) from None


def _write_cells(sheet: Any, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    for number, row in enumerate(chain([names], rows)):
        if sheet.write_row(number, 0, [_xlsx_cell(value) for value in row]):
            raise InputError(
                Text("row {row}", row=number),
                "more columns, or more text in a cell, than a sheet of .xlsx holds",
                "write .csv or .parquet",
            )  # fmt: skip


def _xlsx_cell(value: Any) -> Any:
    """What a cell can hold as it is; all else as text."""
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, int):
        return value if abs(value) < 10**MOST_DIGITS else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return None if value is None else str(value)
