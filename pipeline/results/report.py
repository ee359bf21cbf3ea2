"""The report of a run: report.json, in print or as CSV, and in rows by area."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline import messages, wording
from pipeline.areas.polygons import locate, read_areas
from pipeline.errors import InputError
from pipeline.messages import Text
from pipeline.methods import method_of
from pipeline.methods.method import NUMBER, Column, Method, names
from pipeline.results import area_rows, coverage, texts, totals
from pipeline.results.printed import to_text
from pipeline.results.spreadsheets import csv_text
from pipeline.storage import slices, written
from pipeline.storage.checksums import MISSING
from pipeline.storage.integrity import files_of, read_report
from pipeline.storage.ledger import BUILDINGS
from pipeline.storage.places import Place, below, is_remote, storage_of
from pipeline.storage.slices import Buildings

FORMATS = ("table", "json", "csv")
HOUSEHOLD_COLUMNS = ("households", "huishoudens", "aantal_huishoudens")
HOUSEHOLDS_SHARE = "households_share"

Row = dict[str, Any]


def compose(
    buildings: Buildings,
    *,
    method: dict[str, Any],
    inputs: dict[str, Any],
    program: dict[str, Any],
    machine: dict[str, Any],
    neighbours: int | None,
    cells: dict[str, Any],
    restrictions_by_kind: dict[str, int],
    households: int | None = None,
    ground: float | None = None,
) -> dict[str, Any]:
    """The content of report.json, fit for JSON without NaN; `buildings` is read slice by slice.

    `counts` and the other sums are of the selected rows, and what a restriction sets aside from a
    use is not in the sums of that; `accounting` is of all rows. `households` is the number that
    live in the area, if known; `neighbours` is None where they are not known; `ground` is the share
    of the area's ground that the inputs cover.
    """
    declared = method_of({"method": method})
    sums, accounting = totals.Totals(declared), totals.Accounting(declared)
    for part in slices.slices(buildings, totals.columns_of(declared)):
        sums.add(part)
        accounting.add(part)
    report = totals.sections(sums.sums(), declared, method["parameters"], households)
    report["counts"] |= {"neighbours": neighbours, "restrictions": restrictions_by_kind}
    report |= declared.derived.presets(report)
    report["accounting"] = accounting.section(cells)
    report["coverage"] = coverage.section(report["accounting"], ground)
    report |= {"method": method, "inputs": inputs, "program": program, "machine": machine}
    return {name: plain(part) for name, part in report.items()}


def dumps(report: Any) -> str:
    """The text of report.json; equal reports give equal bytes. Raises ValueError for a NaN."""
    return json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def warned(warnings: Sequence[str]) -> dict[str, Any]:
    """Warnings as `accounting` holds them: as sentences, and as the values that translations of
    these are made from."""
    return {
        "warnings": [str(warning) for warning in warnings],
        "warning_values": [messages.to_json(warning) for warning in warnings],
    }


def read(directory: Place) -> dict[str, Any]:
    """The report of a finished run. Raises InputError if `directory` holds none, DamagedError if it
    is not as it was written."""
    return read_report(directory)


def read_buildings(directory: Place, columns: Sequence[str] | None = None) -> pa.Table:
    """The buildings of a finished run. Raises InputError if `directory` holds none."""
    return slices.whole(buildings_file(directory), columns)


def buildings_file(directory: Place) -> Place:
    """The file with the buildings of a finished run. Raises InputError if `directory` holds none,
    DamagedError if the file is missing."""
    if not storage_of(directory).exists(BUILDINGS):
        raise files_of(directory).fault(BUILDINGS, MISSING)
    return below(directory, BUILDINGS)


def plain(value: Any) -> Any:
    """A value as JSON can hold it; NaN and infinities as text, since null would mean unknown."""
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if value is None or isinstance(value, str | int):
        return value
    return value if isinstance(value, float) and math.isfinite(value) else str(value)


def by_area(
    directory: Place,
    file: str | Path,
    lang: str = "en",
    layer: str | None = None,
    name: str | None = None,
) -> list[Row]:
    """A row an area of `file`, its own columns first, and a last one for what lies in none.
    Columns of HTML are left out; `name` is the one that names the areas, and comes first.

    A building belongs to the first area whose closed polygon holds its centre; one without a
    centre lies in none. An own column that has the name of one of ours gets a "_" behind it.
    With a numeric column of households there is also the share of them. [ha, kWh a year]
    """
    given, polygons = read_areas(file, layer)
    own = area_rows.own_columns(given, name, file)
    document = read(directory)
    method = method_of(document)
    sums = totals.Totals(method, len(polygons) + 1)
    columns = [*totals.columns_of(method), "centre_x", "centre_y"]
    for part in slices.slices(buildings_file(directory), columns):
        sums.add(part, areas_of(part, polygons))
    return rows_by(own, _outside(own, lang, name), sums, document["method"])


def rows_by(
    own: Sequence[Row], outside: Row, sums: totals.Totals, document: Mapping[str, Any]
) -> list[Row]:
    """A row an area of its own columns and the sums of its number, and a last one for what lies in
    none; with the share of households where a column counts those and the method has it. document:
    the method as a report has it."""
    method, parameters = method_of({"method": document}), document["parameters"]
    shared = HOUSEHOLDS_SHARE in names(method.derived.columns)
    given, rows = _households_column(own) if shared else "", []
    living = [*(columns.get(given) for columns in own), None]
    for area, columns in enumerate([*own, outside]):
        row = totals_row(totals.sections(sums.sums(area), method, parameters, living[area]), method)
        share = {HOUSEHOLDS_SHARE: row.get(HOUSEHOLDS_SHARE)} if given else {}
        rows.append(_beside(columns, row | share))
    return rows


def name_by(file: str | Path) -> str:
    """The name of the rows by the areas of a file."""
    return f"by-{Path(file).stem}.csv"


def write_by(
    directory: Place, file: str | Path, lang: str = "en", overwrite: bool = False
) -> tuple[Place, list[str]]:
    """Write the rows of `by_area`, as they are read, as by-NAME.csv into the place of the run,
    where NAME is that of `file` without its ending. The file that is written, and warnings.

    overwrite: over a file of that name too that the program did not write; else InputError.
    """
    rows, method = by_area(directory, file, lang), method_of(read(directory))
    check_by(directory, [file], overwrite)
    target = below(directory, name_by(file))
    content = format_rows(area_rows.readable(rows, method), "csv", method, lang).encode()
    storage_of(directory).write(name_by(file), content)
    if not is_remote(directory):
        written.note(Path(target))
    return target, outside_all(rows, file)


def check_by(directory: Place, files: Iterable[str | Path], overwrite: bool = False) -> None:
    """Raises InputError where `write_by` would for a file that stands, before anything is
    computed. On object storage a run's place is the program's alone."""
    if not is_remote(directory) and Path(directory).is_dir():
        for file in files:
            written.check(Path(directory) / name_by(file), overwrite)


def outside_all(rows: Sequence[Row], file: str | Path) -> list[str]:
    """A warning where there are buildings, but none in any of the areas of `file`."""
    *areas, outside = (row["footprints"] for row in rows)
    if any(areas) or not outside:
        return []
    return [
        Text(
            "{name}: none of the run's buildings lies in its areas; is it of this place?",
            name=Path(file).name,
        )
    ]


def areas_of(buildings: pa.Table, polygons: np.ndarray) -> np.ndarray:
    """The area of each row; len(polygons) for those of none."""
    x, y = (pc.fill_null(buildings[f"centre_{axis}"], math.nan).to_numpy() for axis in "xy")
    return locate(polygons, x, y)


def _households_column(own: Sequence[Row]) -> str:
    """The numeric column that counts the households of an area; empty if there is none."""
    for name in own[0]:
        values = [row[name] for row in own if row[name] is not None]
        numeric = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
        if name.lower() in HOUSEHOLD_COLUMNS and values and numeric:
            return name
    return ""


def _beside(own: Row, ours: Row) -> Row:
    return {f"{name}_" if name in ours else name: value for name, value in own.items()} | ours


def totals_row(report: Mapping[str, Any], method: Method) -> Row:
    """The sums of a report as one flat row."""
    counts = {k: v for k, v in report["counts"].items() if isinstance(v, int)}
    classes = {f"class_{name}": value for name, value in report["counts"]["class"].items()}
    listed = totals.listed_totals(method)
    declared = {(total.section, total.key): total.name for _, total in listed}
    sections = dict.fromkeys(section for section, _ in declared if section != totals.COUNTS)
    sums = {
        declared.get((section, key), _flat(section, key)): value
        for section in sections
        for key, value in report[section].items()
    }
    return {**counts, **classes, **sums, **method.derived.row(report)}


def _flat(section: str, key: str) -> str:
    """The name in a row of a derived figure: `x` of `area_ha` is x_ha."""
    return f"{key}_{section.rpartition('_')[2]}"


def format_totals(report: Mapping[str, Any], fmt: str, lang: str = "en") -> str:
    """A report as the printed one (`table`), as JSON, or as one line of CSV."""
    if _known(fmt) == "table":
        return to_text(report, lang)
    if fmt == "json":
        return dumps(report)
    method = method_of(report)
    return format_rows([totals_row(report, method)], fmt, method, lang)


def format_rows(
    rows: Sequence[Row], fmt: str, method: Method, lang: str = "en", decimal: str = "point"
) -> str:
    """Rows with the same columns as a table to read, as JSON, or as CSV; decimal: of its numbers,
    `point` or `comma` (pipeline/results/spreadsheets.py)."""
    if _known(fmt) == "json":
        return dumps([plain(row) for row in rows])
    if fmt == "csv":
        return csv_text(rows, decimal)
    texts.words(lang)
    below = method.words(lang).table
    return _table(rows, method, lang) + (f"\n{below}\n" if below else "")


def _known(fmt: str) -> str:
    if fmt not in FORMATS:
        raise InputError(
            Text("format {fmt!r}", fmt=fmt), remedy="choose one of {known}", known=FORMATS
        )
    return fmt


def _table(rows: Sequence[Row], method: Method, lang: str) -> str:
    names = list(rows[0]) if rows else []
    declared = {column.name: column for column in area_rows.columns_of(method)}
    columns = [
        [name, *(_cell(declared.get(name), row[name], lang) for row in rows)] for name in names
    ]
    right = [any(isinstance(row[name], int | float) for row in rows) for name in names]
    padded: Iterable[list[str]] = (
        [cell.rjust(width) if push else cell.ljust(width) for cell in column]
        for column, push in zip(columns, right, strict=True)
        for width in [max(map(len, column))]
    )
    return "".join("  ".join(line).rstrip() + "\n" for line in zip(*padded, strict=True))


def _cell(column: Column | None, value: Any, lang: str) -> str:
    """A value as text. column: None for one of the areas' own."""
    if value is None:
        return "-"
    if column and column.unit == area_rows.SHARE:
        return wording.percent(value, lang)
    is_sum = isinstance(value, float) or (column and column.type == NUMBER)  # whole kWh too
    return wording.amount(value, lang) if is_sum else str(value)


def _outside(own: Sequence[Row], lang: str, name: str | None) -> Row:
    """The columns of the last row: its name in the one that names the areas, else in the first
    column of text, else in the first."""
    text = [key for key in own[0] if any(isinstance(row[key], str) for row in own)]
    naming = name or [*text, *own[0]][0]
    return dict.fromkeys(own[0]) | {naming: texts.words(lang)["outside"]}
