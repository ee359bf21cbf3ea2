"""The columns of the rows by area, each declared once, and those rows as people read them."""

import math
import re
from collections.abc import Sequence
from functools import cache
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pipeline.errors import InputError
from pipeline.methods.method import NUMBER, WHOLE, Class, Column, Method, Total, Words
from pipeline.methods.method import Field as PartField
from pipeline.results.spreadsheets import write_xlsx
from pipeline.results.totals import COUNTS, is_number_of, listed_totals
from pipeline.terms import Field, File

HTML = re.compile(r"</?[A-Za-z][^<>]*>")
SHARE = "share"
# By unit: of ha square metres.
DECIMALS = {"ha": 4, "kWh/year": 0, "kWp": 1, "households": 1, SHARE: 4}

Row = dict[str, Any]


# fmt: off
HOUSE = (
    Column(
        "footprints", WHOLE, "", Words("Footprints", "whose centre lies in the area"),
        Words("Panden", "met hun middelpunt in het gebied"),
    ),
    Column(
        "selected", WHOLE, "",
        Words("Selected", "of those within --around; all without it; the next ones count these"),
        Words("Geselecteerd", "daarvan binnen --around; zonder dat alle; hierna tellen deze"),
    ),
    Column(
        "judged", WHOLE, "", Words("Judged", "for which there is a verdict"),
        Words("Beoordeeld", "waarvoor er een oordeel is"),
    ),
    Column(
        "rejected", WHOLE, "", Words("Not judged", "so unknown, which is not unsuitable"),
        Words("Niet beoordeeld", "dus onbekend, wat niet ongeschikt is"),
    ),
)
NEIGHBOURS = Column(
    "neighbours", WHOLE, "",
    Words("Neighbours", "of a whole run only: read besides, for what they do to others"),
    Words("Buren", "alleen van een hele berekening: gelezen om wat zij met andere doen"),
)
# fmt: on


@cache
def columns_of(method: Method) -> tuple[Column, ...]:
    """The columns of the rows by area of a method, in their order."""
    sections: dict[str, list[Column]] = {COUNTS: []}
    for of, total in listed_totals(method):
        sections.setdefault(total.section, []).append(_of_total(of, total))
    counts, *sums = sections.values()
    classes = map(_of_class, method.classes)
    return (*HOUSE, *counts, NEIGHBOURS, *classes, *chain(*sums), *method.derived.columns)


def _of_total(of: PartField, total: Total) -> Column:
    kind = WHOLE if is_number_of(of, total) else NUMBER
    return Column(total.name, kind, total.unit, total.en or of.en, total.nl or of.nl)


def _of_class(of: Class) -> Column:
    en = Words(f"Class {of.name}", f"roofs of this class: {of.en}")
    nl = Words(f"Klasse {of.name}", f"daken van deze klasse: {of.nl}")
    return Column(f"class_{of.name}", WHOLE, "", en, nl)


def own_columns(own: Sequence[Row], name: str | None, file: str | Path) -> list[Row]:
    """The columns of an areas' file without those that hold HTML, which no table shows; first the
    one that names the areas, if it is given. Raises InputError where that is not among them."""
    texts = {key: [row[key] for row in own if isinstance(row[key], str)] for key in own[0]}
    kept = [key for key in own[0] if not any(map(HTML.search, texts[key]))]
    if name is not None and name not in kept:
        raise InputError(
            Field("name", name),
            "no column of {file}",
            "choose one of {kept}",
            file=File(file),
            kept=kept,
        )
    if not kept:
        return [{"area": number + 1} for number in range(len(own))]
    ordered = sorted(kept, key=lambda key: key != name)
    return [{key: row[key] for key in ordered} for row in own]


def readable(rows: Sequence[Row], method: Method, every: bool = False) -> list[Row]:
    """Rows by area, the last of what lies in none, with figures rounded to what they bear; areas
    without roofs are left out unless `every`."""
    *areas, outside = rows
    kept = [row for row in areas if every or row["footprints"]]
    return [rounded(row, method) for row in (*kept, outside)]


def rounded(row: Row, method: Method) -> Row:
    """A row with our figures as they are read: whole kWh, square metres, tenths of households."""
    digits = {column.name: DECIMALS.get(column.unit) for column in columns_of(method)}
    return {name: _rounded(value, digits.get(name)) for name, value in row.items()}


def _rounded(value: Any, digits: int | None) -> Any:
    if digits is None or not isinstance(value, float) or not math.isfinite(value):
        return value
    return round(value, digits or None)


def xlsx(rows: Sequence[Row], title: str) -> bytes:
    """Rows with the same columns as an XLSX workbook of one sheet."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "rows.xlsx"
        write_xlsx(file, title, list(rows[0]), (list(row.values()) for row in rows))
        return file.read_bytes()
