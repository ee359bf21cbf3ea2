"""Another climate: what it changes in a run, what is refused, and the warning where it is far."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipeline.methods.climate import files as climate_files
from pipeline.methods.climate import shipped_climate
from pipeline.results import report
from pipeline.runs.answers import why_not
from tests.support.commands import arguments, call
from tests.support.outcomes import compute
from tests.support.runs import Files, World

ANNUAL = ("--method", "annual", "--workers", "1", "--layers", "none")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    w = World(60, 60)
    w.block(20, 20, 40, 40, 8.0)
    return w.write(tmp_path_factory.mktemp("world"))


def annual(files: Files, out: Path, **options: Any) -> dict[str, Any]:
    """The report of a run."""
    compute(files, out, method="annual", layers=(), **options)
    return report.read(out)


@pytest.fixture
def climate(tmp_path: Path) -> Path:
    """A copy of the shipped climate, to be changed."""
    folder = tmp_path / "climate"
    folder.mkdir()
    for name in climate_files.FILES:
        shutil.copy(Path(climate_files.__file__).parent / name, folder / name)
    return folder


def become_another(climate: Path) -> None:
    """The same numbers in other bytes."""
    months = climate / "months.csv"
    months.write_text(months.read_text() + "\n")


def test_the_report_has_its_sum(files: Files, climate: Path, tmp_path: Path) -> None:
    shipped = annual(files, tmp_path / "shipped")
    assert shipped["inputs"]["climate"]["sha256"] == shipped_climate().digest
    become_another(climate)
    other = annual(files, tmp_path / "other", climate=str(climate))
    found = other["inputs"]["climate"]
    assert found["name"] == "climate" and found["sha256"] != shipped_climate().digest
    compute(files, tmp_path / "plain", layers=())
    assert "climate" not in report.read(tmp_path / "plain")["inputs"]


def test_a_finished_run_answers_only_with_its_own(
    files: Files, climate: Path, tmp_path: Path
) -> None:
    annual(files, tmp_path / "out")
    asked = files.request(
        tmp_path / "answer", method="annual", layers=(), dsm=(), dtm=(), buildings=()
    )
    assert why_not(tmp_path / "out", asked) is None
    assert why_not(tmp_path / "out", asked.replace(climate=str(climate))) is None
    become_another(climate)
    reason = why_not(tmp_path / "out", asked.replace(climate=str(climate)))
    assert reason == "its climate is another"


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("sun.csv", None, None, "sun.csv: is missing; a climate has stations.csv, sun.csv,"),
        ("wind.csv", None, None, "wind.csv: is missing; a climate has stations.csv, sun.csv,"),
        ("stations.csv", ",sun,wind", ",sun,storm", "stations.csv: no column 'wind'"),
        (
            "wind.csv",
            "\n240,90,0.0",
            "\n240,90,0.9",
            "wind.csv: the frequencies of station 240 add",
        ),
        ("wind.csv", "\n240,90,", "\n240,90,-", "row 41: frequency is '-0."),
        ("months.csv", "station,m01", "station,m13", "months.csv: no column 'm01'"),
        ("months.csv", "\n240,", "\n241,", "months.csv: row 3: station 241 does not belong here"),
        ("sun.csv", "\n6,12,", "\n6,12,x", "sun.csv: row 133: beam is 'x0."),
        ("sun.csv", "\n6,12,", "\n6,12,-", "give a number that is not negative"),
    ],
)
@pytest.mark.parametrize("command", ["run", "plan"])
def test_each_fault_is_one_line(
    files: Files, climate: Path, tmp_path: Path, command: str, file: str, old: str, new: str,
    said: str,
) -> None:  # fmt: skip
    path = climate / file
    if old is None:
        path.unlink()
    else:
        text = path.read_text()
        assert text.count(old) == 1
        path.write_text(text.replace(old, new))
    words = arguments(files, tmp_path / "out", *ANNUAL, "--climate", climate, command=command)
    result = call(*words)
    assert result.exit_code == 2 and result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ") and said in line
    assert not (tmp_path / "out").exists()


def test_a_method_without_a_climate_refuses_one(
    files: Files, climate: Path, tmp_path: Path
) -> None:
    result = call(*arguments(files, tmp_path / "out", "--climate", climate))
    assert result.exit_code == 2
    assert "the method powermapping uses none; leave it out" in result.stderr


def test_a_warning_has_the_distance_of_stations_that_are_far(
    files: Files, climate: Path, tmp_path: Path
) -> None:
    rows = (climate / "stations.csv").read_text().splitlines()
    head, *stations = [row.split(",") for row in rows]
    east = [[s[0], f"{float(s[1]) + 8:.3f}", *s[2:]] for s in stations]
    (climate / "stations.csv").write_text("\n".join(",".join(row) for row in [head, *east]) + "\n")
    far = annual(files, tmp_path / "far", climate=str(climate))["accounting"]["warnings"]
    near = annual(files, tmp_path / "near")["accounting"]["warnings"]
    (said,) = [warning for warning in far if warning not in near]
    assert re.search(r"the nearest station of the climate is [345]\d\d km away", said)


def test_its_source_is_printed(files: Files, tmp_path: Path) -> None:
    document = annual(files, tmp_path / "out")
    assert "KNMI (the climate of 2011-2020)" in report.format_totals(document, "table")
