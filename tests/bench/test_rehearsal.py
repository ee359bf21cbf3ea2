"""The national rehearsal, with a province in the nation's place: what it measures, and its laws."""

from pathlib import Path
from typing import Any

import pytest

from bench import rehearsal
from bench.project import Cost, project
from bench.result import Row, result
from bench.rounds import GeneratedGround, Rounds
from bench.table import table
from pipeline.heights.ahn_index import sheets
from tests.bench.test_bench import MACHINE

SANE = 60  # decodings that a run on a province may cost: several times what it costs


def ending(rows: list[Row], *ends: str) -> list[Row]:
    return [row for row in rows if row["name"].endswith(ends)]


@pytest.mark.slow
@pytest.mark.usefixtures("compiled_before")
def test_a_province(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """But for the run by one worker, which sheets of 0.5 m have too."""
    monkeypatch.setattr(rehearsal, "_one_worker", lambda *_: None)
    at = Rounds(tmp_path, rounds=1)
    rehearsal.province(at, workers=2)
    (run,) = (row for row in at.rows if "own" in row)
    ground = at.make("province", 5.0, 2)
    assert run["buildings"] == ground.made["footprints"] > 100_000
    assert 1 <= run["read"] / run["own"] <= 1.25
    assert run["decodings"] < SANE
    assert run["peak_gib"] / run["workers"] <= 1
    (again,) = ending(at.rows, "after a kill")
    assert again["repeated"] == 0
    (rows,) = ending(at.rows, "out of its table")
    assert int(rows["name"].split()[2].replace(",", "")) > 1000
    said = table(result("rehearsal", None, MACHINE, at.rows, []))
    assert said.count(": met") + said.count(": missed") == sum("target" in row for row in at.rows)
    assert "finished shards done again after a kill |  |  |  |  | 0 of" in said


# Without a measurement.


def test_a_ground_is_of_the_sheets_that_are_named(tmp_path: Path) -> None:
    places = [place for place in sheets() if place.name in ("25GN1", "25GN2")]
    for kind, letters in (("dsm", "R5"), ("dtm", "M5")):
        (tmp_path / kind).mkdir()
        for name in ("25GN1", "25GN2", "25GZ1"):
            (tmp_path / kind / f"{letters}_{name}.tif").touch()
    made: dict[str, Any] = {"dsm": tmp_path / "dsm", "dtm": tmp_path / "dtm", "buildings": "pand"}
    whole, part = GeneratedGround("a", made), GeneratedGround("a", made).of(*places)
    assert len(whole.files) == 6 and "area" not in whole.options
    assert [Path(file).name for file in part.dsm] == ["R5_25GN1.tif", "R5_25GN2.tif"]
    assert len(part.files) == 4 and part.options["area"] == "120000,481250,130000,487500"


def test_a_nation_is_projected_along_a_line_through_two_sheets() -> None:
    city, country = Cost(14_300, [4.0, 5.0, 6.0]), Cost(300, [2.0, 2.0, 2.0])
    hours = project(city, country, [100.0])  # the mean sheet lies halfway, at 7,300
    assert hours.expected == pytest.approx(3.5 * 343e9 / 100e6 / 3600, rel=1e-3)
    assert hours.least < hours.expected < hours.most
    assert hours.most == pytest.approx(hours.expected * 4 / 3.5, rel=1e-3)


def test_what_was_measured_of_other_parts_stays(tmp_path: Path) -> None:
    def found(part: str, *names: str) -> dict[str, Any]:
        at = Rounds(tmp_path, 1)
        for name in names:
            at.add(part, name, [1.0])
        return result("rehearsal", None, MACHINE, at.rows, [])

    path = tmp_path / "rehearsal.json"
    for one in (found("nation", "old"), found("province", "a"), found("nation", "new")):
        rehearsal.write(rehearsal.with_others(one, path), path)
    assert [row["name"] for row in rehearsal.read(path)["rows"]] == ["province: a", "nation: new"]
