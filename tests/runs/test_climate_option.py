"""Another climate and other turbines: what a run says of them, which runs answer with them, and
what is refused; each fault of their files is proven in tests/methods."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipeline.methods.climate import files as climate_files
from pipeline.methods.climate import shipped_climate, shipped_turbines
from pipeline.results import report
from pipeline.runs.answers import why_not
from tests.support.commands import arguments, call
from tests.support.damage import replace_once
from tests.support.outcomes import compute
from tests.support.runs import Files, World, table_of

ANNUAL = ("--method", "annual", "--workers", "1", "--layers", "none")
SHIPPED = Path(climate_files.__file__).parent


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """A building that is high enough for a turbine."""
    w = World(60, 60)
    w.block(20, 20, 40, 40, 25.0)
    return w.write(tmp_path_factory.mktemp("world"))


@pytest.fixture
def climate(tmp_path: Path) -> Path:
    """A copy of the shipped climate, to be changed."""
    folder = tmp_path / "climate"
    folder.mkdir()
    for name in climate_files.FILES:
        shutil.copy(SHIPPED / name, folder / name)
    return folder


@pytest.fixture
def turbines(tmp_path: Path) -> Path:
    """The shipped turbines, one of them under another name."""
    path = Path(shutil.copy(SHIPPED / "turbines.csv", tmp_path / "mine.csv"))
    replace_once(path, "\nturby,", "\nmill,")
    return path


def annual(files: Files, out: Path, **options: Any) -> dict[str, Any]:
    """The report of a run."""
    compute(files, out, method="annual", layers=(), **options)
    return report.read(out)


def test_the_report_has_their_sums_and_finished_runs_answer_only_with_their_own(
    files: Files, climate: Path, turbines: Path, tmp_path: Path
) -> None:
    shipped = annual(files, tmp_path / "shipped")
    assert shipped["inputs"]["climate"]["sha256"] == shipped_climate().digest
    assert shipped["inputs"]["turbines"] == {
        "name": "daklaag", "sha256": shipped_turbines().digest
    }  # fmt: skip
    assert "KNMI (the climate of 2011-2020)" in report.format_totals(shipped, "table")
    asked = files.request(
        tmp_path / "answer", method="annual", layers=(), dsm=(), dtm=(), buildings=()
    )
    copied = asked.replace(climate=str(climate))
    assert why_not(tmp_path / "shipped", asked) is why_not(tmp_path / "shipped", copied) is None
    (climate / "months.csv").write_text((climate / "months.csv").read_text() + "\n")
    assert why_not(tmp_path / "shipped", copied) == "its climate is another"
    reason = why_not(tmp_path / "shipped", asked.replace(turbines=str(turbines)))
    assert reason == "its turbines are others"
    mine = {"turbines": str(turbines), "settings": {"turbine": "mill"}}
    other = annual(files, tmp_path / "other", climate=str(climate), **mine)
    digests = {"climate": shipped_climate().digest, "turbines": shipped_turbines().digest}
    for name, file in (("climate", "climate"), ("turbines", "mine.csv")):
        assert other["inputs"][name]["name"] == file
        assert other["inputs"][name]["sha256"] != digests[name]
    assert other["method"]["parameters"]["turbine"] == "mill"
    assert why_not(tmp_path / "other", copied.replace(**mine)) is None
    assert why_not(tmp_path / "other", copied.replace(settings=mine["settings"])) is None
    compute(files, tmp_path / "plain", layers=())
    assert not {"climate", "turbines"} & {*report.read(tmp_path / "plain")["inputs"]}


def test_a_candidate_has_the_yield_of_the_turbine_that_is_chosen(
    files: Files, turbines: Path, tmp_path: Path
) -> None:
    """In proportion to what they take of the wind, but for the hours at rated power."""
    rows = []
    for name in ("study", "montana"):
        annual(files, tmp_path / name, turbines=str(turbines), settings={"turbine": name})
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
    ("options", "message"),
    [
        (("--turbines", "mine.csv", "--set", "turbine=mil"), "'mil' is not in mine.csv; did you"),
        (("--turbines", "climate/sun.csv"), "sun.csv: no column 'name'"),
        (("--climate", "mine.csv"), "mine.csv: is not a folder; a climate has stations.csv, sun"),
        (("--set", "turbine=studi", "--lang", "nl"),
         "'studi' staat niet in turbines.csv; bedoelt u study?; daarin staan"),
        (("--climate", "climate", "--method", "powermapping"),
         "the method powermapping uses none; leave it out"),
        (("--turbines", "mine.csv", "--method", "powermapping"),
         "the method powermapping uses none; leave it out"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", ["run", "plan"])
@pytest.mark.usefixtures("climate", "turbines")
def test_each_fault_is_one_line(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str,
    options: tuple[str, ...], message: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    result = call(*arguments(files, tmp_path / "out", *ANNUAL, *options, command=command))
    assert result.exit_code == 2 and result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith(("error: ", "fout: ")) and message in line
    assert not (tmp_path / "out").exists()


def test_a_warning_has_the_distance_of_stations_that_are_far(
    files: Files, climate: Path, tmp_path: Path
) -> None:
    rows = (climate / "stations.csv").read_text().splitlines()
    head, *stations = [row.split(",") for row in rows]
    east = [[s[0], f"{float(s[1]) + 8:.3f}", *s[2:]] for s in stations]
    (climate / "stations.csv").write_text("\n".join(",".join(row) for row in [head, *east]) + "\n")
    far = annual(files, tmp_path / "far", climate=str(climate))["accounting"]["warnings"]
    near = annual(files, tmp_path / "near")["accounting"]["warnings"]
    (warning,) = [each for each in far if each not in near]
    assert re.search(r"the nearest station of the climate is [345]\d\d km away", warning)
