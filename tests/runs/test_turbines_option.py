"""Other turbines: what a run says of them, which runs answer with them, and what is refused."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.methods.climate import make_turbines, shipped_turbines
from pipeline.results import report
from pipeline.runs.answers import why_not
from tests.support.commands import arguments, call
from tests.support.outcomes import compute
from tests.support.runs import Files, World, table_of

ANNUAL = ("--method", "annual", "--workers", "1", "--layers", "none")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    w = World(60, 60)
    w.block(20, 20, 40, 40, 8.0)
    return w.write(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def tall(tmp_path_factory: pytest.TempPathFactory) -> Files:
    w = World(60, 60)
    w.block(20, 20, 40, 40, 25.0)
    return w.write(tmp_path_factory.mktemp("tall"))


@pytest.fixture
def turbines(tmp_path: Path) -> Path:
    """The shipped turbines under other names."""
    path = tmp_path / "mine.csv"
    shipped = Path(make_turbines.__file__).with_name("turbines.csv").read_text("utf-8")
    path.write_text(shipped.replace("\nturby,", "\nmill,"), "utf-8")
    return path


def annual(files: Files, out: Path, **options: Any) -> dict[str, Any]:
    """The report of a run."""
    compute(files, out, method="annual", layers=(), **options)
    return report.read(out)


def test_the_report_has_their_sum_and_finished_runs_answer_only_with_their_own(
    files: Files, turbines: Path, tmp_path: Path
) -> None:
    shipped = annual(files, tmp_path / "shipped")
    assert shipped["inputs"]["turbines"] == {
        "name": "daklaag", "sha256": shipped_turbines().digest
    }  # fmt: skip
    mine = {"turbines": str(turbines), "settings": {"turbine": "mill"}}
    other = annual(files, tmp_path / "other", **mine)
    found = other["inputs"]["turbines"]
    assert found["name"] == "mine.csv" and found["sha256"] != shipped_turbines().digest
    assert other["method"]["parameters"]["turbine"] == "mill"
    asked = files.request(
        tmp_path / "answer", method="annual", layers=(), dsm=(), dtm=(), buildings=()
    )
    assert why_not(tmp_path / "shipped", asked) is None
    reason = why_not(tmp_path / "shipped", asked.replace(turbines=str(turbines)))
    assert reason == "its turbines are others"
    assert why_not(tmp_path / "other", asked.replace(**mine)) is None
    assert why_not(tmp_path / "other", asked.replace(settings=mine["settings"])) is None
    compute(files, tmp_path / "plain", layers=())
    assert "turbines" not in report.read(tmp_path / "plain")["inputs"]


def test_a_candidate_has_the_yield_of_the_turbine_that_is_chosen(
    tall: Files, turbines: Path, tmp_path: Path
) -> None:
    """In proportion to what they take of the wind, but for the hours at rated power."""
    rows = []
    for name in ("study", "montana"):
        mine: dict[str, Any] = {"turbines": str(turbines), "settings": {"turbine": name}}
        compute(tall, tmp_path / name, method="annual", layers=(), **mine)
        rows.append(table_of(tmp_path / name).iloc[0])
    study, montana = rows
    assert study["wind_candidate"] and study["wind_kwh"] > 100
    shares = [
        each.swept * each.field_share
        for each in map(shipped_turbines().named, ("montana", "study"))
    ]
    ratio = montana["wind_kwh"] / study["wind_kwh"]
    assert 0.9 < ratio / (shares[0] / shares[1]) <= 1.0
    for name in ("wind_mean_ms", "wind_held", "hub_m"):
        assert montana[name] == study[name]
    assert montana["z0_m"] == pytest.approx(study["z0_m"], rel=0.02)  # weighted by its yield


@pytest.mark.parametrize(
    ("old", "new", "name", "message"),
    [
        ("", "", "mil", "'mil' is not in mine.csv; did you mean mill?; it has study,"),
        ("", "", "turby", "'turby' is not in mine.csv"),
        (",74.8,", ",-74.8,", "mill", "mine.csv: row 2: w08 is '-74.8'; give a number that is not"),
        (",74.8,", ",,", "mill", "mine.csv: row 2: w08 is ''; give a number"),
        (",w59", ",w60", "mill", "mine.csv: no column 'w59'"),
        ("\nmill,", "\n,", "mill", "mine.csv: row 5: name is ''; give a name, or remove the row"),
        (
            "\nmill,5.3,2500,0.0827",
            "\nmill,5.3,2500,8.27",
            "mill",
            "cp_field is '8.27'; it is at most 1",
        ),
    ],
)
@pytest.mark.parametrize("command", ["run", "plan"])
def test_each_fault_is_one_line(
    files: Files, turbines: Path, tmp_path: Path, command: str, old: str, new: str, name: str,
    message: str,
) -> None:  # fmt: skip
    turbines.write_text(turbines.read_text("utf-8").replace(old, new, 1), "utf-8")
    more = ("--turbines", turbines, "--set", f"turbine={name}")
    result = call(*arguments(files, tmp_path / "out", *ANNUAL, *more, command=command))
    assert result.exit_code == 2 and result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ") and message in line
    assert not (tmp_path / "out").exists()


def test_a_file_without_turbines_is_refused(files: Files, turbines: Path, tmp_path: Path) -> None:
    turbines.write_text(turbines.read_text("utf-8").splitlines()[0], "utf-8")
    result = call(*arguments(files, tmp_path / "out", *ANNUAL, "--turbines", turbines))
    assert result.exit_code == 2
    assert result.stderr == "error: mine.csv: has no turbine; give a row a turbine\n"


def test_faults_are_said_in_dutch(files: Files, tmp_path: Path) -> None:
    more = ("--set", "turbine=studi", "--lang", "nl")
    result = call(*arguments(files, tmp_path / "out", *ANNUAL, *more))
    assert result.exit_code == 2
    assert "'studi' staat niet in turbines.csv; bedoelt u study?; daarin staan" in result.stderr


def test_a_method_without_turbines_refuses_them(
    files: Files, turbines: Path, tmp_path: Path
) -> None:
    result = call(*arguments(files, tmp_path / "out", "--turbines", turbines))
    assert result.exit_code == 2
    assert "the method powermapping uses none; leave it out" in result.stderr
