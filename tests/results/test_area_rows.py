"""Rows by area as people read them, in spreadsheets too, and what explains their columns."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import Result

from pipeline.errors import InputError
from pipeline.methods import METHODS
from pipeline.methods.method import NUMBER, WHOLE, Method
from pipeline.results import area_rows, columns, report
from tests.results.test_report import EAST_HALF, WEST_HALF, areas
from tests.support.commands import ROOT, call
from tests.support.finished import METHOD, box, finished

EMPTY = box(400, 400, 10, 10)  # holds no roof
OWN = {
    "code": ["0007", "0008", "0009"],
    "popup": ["<b>West</b>", "", "none"],
    "naam": ["=West", "Oost", "Leeg"],
    "huishoudens": [10, 0, 5],
}
Reported = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    return finished(folder, layers={})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return areas(tmp_path / "wijken.gpkg", [WEST_HALF, EAST_HALF, EMPTY], **OWN)


@pytest.fixture
def reported(run: Path, file: Path) -> Reported:
    """The command with the areas and more options."""
    return lambda *more: call("report", run, "--by", file, *more)


def rows(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


def test_areas_without_roofs_only_where_all_are_asked_for(reported: Reported) -> None:
    found, every = (rows(reported("--format", "json", *more)) for more in ((), ("--all",)))
    assert [row["code"] for row in every] == ["0007", "0008", "0009", "(outside)"]
    assert [row["footprints"] for row in every] == [6, 4, 0, 2]
    assert found == [row for row in every if row["code"] != "0009"]


def test_the_column_that_names_the_areas(reported: Reported) -> None:
    by_code = rows(reported("--format", "json", "--name", "code"))
    assert [next(iter(row.items())) for row in by_code] == [
        ("code", "0007"), ("code", "0008"), ("code", "(outside)"),
    ]  # fmt: skip
    assert [row["naam"] for row in by_code] == ["=West", "Oost", None]
    numbers = rows(reported("--format", "json", "--name", "huishoudens", "--lang", "nl"))
    assert [row["huishoudens"] for row in numbers] == [10, 0, "(buiten)"]
    unknown = reported("--name", "wijk")
    assert (unknown.exit_code, unknown.stdout) == (2, "")
    assert "--name wijk: no column of wijken.gpkg; choose one of code, naam, huishoudens" in (
        unknown.stderr
    )


def test_columns_that_hold_html_are_left_out(tmp_path: Path, reported: Reported) -> None:
    assert "popup" not in rows(reported("--format", "json"))[0]
    told = [{"a": "x < y and y > z", "b": "5 <6", "c": None}, {"a": "", "b": "", "c": "<br/>"}]
    assert area_rows.own_columns(told, None, "f") == [{k: r[k] for k in "ab"} for r in told]
    assert area_rows.own_columns([{"c": "<i>x</i>"}] * 2, None, "f") == [{"area": 1}, {"area": 2}]
    with pytest.raises(InputError, match="name c: no column of f"):
        area_rows.own_columns(told, "c", tmp_path / "f")


def test_figures_are_rounded_to_what_they_bear(run: Path, file: Path) -> None:
    exact = report.by_area(run, file)
    found = area_rows.readable(exact, METHOD, every=True)
    for row, source in zip(found, exact, strict=True):
        for column in area_rows.columns_of(METHOD):
            if source.get(column.name) is None or column.type != NUMBER:
                continue
            value, digits = row[column.name], area_rows.DECIMALS[column.unit]
            assert value == pytest.approx(source[column.name], abs=0.5 * 10**-digits)
            assert value == round(value, digits) and isinstance(value, int) == (digits == 0)
    assert found[0]["solar_kwh"] == 4956 and found[0]["households_total"] == 3.3


def test_a_table_groups_what_people_read(reported: Reported) -> None:
    west = reported("--lang", "nl").stdout.splitlines()[1]
    assert west.startswith("0007") and " 4.956 " in west and " 11.076 " in west


def test_an_xlsx_keeps_ids_and_numbers(reported: Reported, tmp_path: Path) -> None:
    to = tmp_path / "by.xlsx"
    assert reported("--format", "xlsx", "--to", to).exit_code == 0
    header, *cells = openpyxl.load_workbook(to).active.iter_rows(values_only=True)
    read = [dict(zip(header, line, strict=True)) for line in cells]
    assert read == rows(reported("--format", "json"))
    assert read[0]["code"] == "0007" and read[0]["naam"] == "=West"
    printed = reported("--format", "xlsx")
    assert printed.stdout_bytes == to.read_bytes()


def test_a_csv_for_dutch_excel(reported: Reported) -> None:
    text = reported("--format", "csv", "--decimal", "comma").stdout_bytes.decode()
    assert text.startswith("\ufeff")
    read = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), delimiter=";"))
    expected = rows(reported("--format", "json"))
    assert [row["code"] for row in read] == ["0007", "0008", "(outside)"]
    assert [row["naam"] for row in read] == ["'=West", "Oost", ""]
    for name in ("panel_ha", "households_total"):
        assert [float(row[name].replace(",", ".")) for row in read] == [r[name] for r in expected]
        assert any("," in row[name] for row in read)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--format", "xlsx", "--decimal", "comma"), "--decimal is for --format csv"),
        (("--format", "pdf"), "--format"),
        (("--decimal", "punt"), "--decimal"),
    ],
)
def test_options_that_exclude_each_other(
    reported: Reported, more: tuple[str, ...], said: str
) -> None:
    result = reported(*more)
    assert (result.exit_code, result.stdout) == (2, "") and said in result.stderr


def test_a_report_of_no_areas(run: Path, tmp_path: Path) -> None:
    for more in (("--name", "x"), ("--all",)):
        result = call("report", run, *more)
        assert result.exit_code == 2 and "give --by FILE" in result.stderr
    to = tmp_path / "totals.xlsx"
    assert call("report", run, "--format", "xlsx", "--to", to).exit_code == 0
    header, line = openpyxl.load_workbook(to).active.iter_rows(values_only=True)
    assert dict(zip(header, line, strict=True))["solar_kwh"] == 5310


def test_a_file_of_the_users_is_kept(reported: Reported, tmp_path: Path) -> None:
    to = tmp_path / "mine.csv"
    to.write_text("mine")
    refused = reported("--format", "csv", "--to", to)
    assert refused.exit_code == 2 and to.read_text() == "mine"
    assert reported("--format", "csv", "--to", to, "--overwrite").exit_code == 0
    assert to.read_text() == reported("--format", "csv").stdout
    assert reported("--format", "csv", "--decimal", "comma", "--to", to).exit_code == 0  # ours now


def test_a_warning_where_all_lies_outside(run: Path, tmp_path: Path) -> None:
    file = areas(tmp_path / "far.gpkg", [EMPTY], naam=["ver"])
    result = call("report", run, "--by", file, "--format", "json")
    assert "far.gpkg: none of the run's buildings lies in its areas" in result.stderr
    assert [row["naam"] for row in json.loads(result.stdout)] == ["(outside)"]


def test_every_column_is_declared(run: Path, file: Path) -> None:
    own = {"code", "naam", "huishoudens"}
    declared = [column.name for column in area_rows.columns_of(METHOD)]
    ours = [name for name in report.by_area(run, file)[0] if name not in own]
    assert [name for name in declared if name in ours] == sorted(ours, key=declared.index)
    assert set(report.totals_row(report.read(run), METHOD)) <= set(declared)


@pytest.mark.parametrize("method", METHODS.values(), ids=list(METHODS))
def test_every_column_of_a_method_is_explained(method: Method) -> None:
    listing = columns.listing("en", area_rows.columns_of(method))
    assert listing in (ROOT / "docs/outputs.md").read_text()
    for column in area_rows.columns_of(method):
        for words in (column.en, column.nl):
            assert 0 < len(words.title) <= 30 and len(words.meaning) > 10, column.name
        assert column.en.meaning != column.nl.meaning
        assert column.unit in area_rows.DECIMALS or column.type == WHOLE
