"""What a sheet costs: the arithmetic of its rows, by answers of processes that were not started."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench import runner, sheets
from bench.result import Row, read, result
from bench.rounds import GeneratedGround, Rounds
from bench.table import table
from bench.watch import watched
from tests.bench.test_bench import MACHINE
from tests.support.commands import call

ONE, MB = "25DN2", 1 << 20
FIXED_S, SHEET_S, DECODE_S = 2.0, 3.0, 2.0
PER_SHEET, FOOTPRINTS = 250_000_000, {"city": 30_000, "country": 4600}
YEAR = 1.5  # times as long as other runs a year of sun takes


class Answers(Rounds):
    """Runs that take FIXED_S and SHEET_S a sheet, on a machine that is slower by `drift` each
    round, and of which the first `cold` prepare something."""

    def __init__(self, folder: Path, rounds: int = 1, drift: float = 1.0, cold: int = 0) -> None:
        super().__init__(folder, rounds, tell=self._next_round)
        self.asked: list[dict[str, Any]] = []
        self.drift, self.cold, self.slow = drift, cold, 1.0

    def _next_round(self, text: str) -> None:
        if sheets.PLAIN.name in text:
            self.slow *= self.drift

    def make(self, part: str, resolution: float, workers: int) -> GeneratedGround:
        assert resolution == 0.5
        cells, four = 4 * PER_SHEET // 2, 4 * FOOTPRINTS[part.split()[-1]]
        (self.folder / part).mkdir(exist_ok=True)
        made: dict[str, Any] = dict.fromkeys(("dsm", "dtm"), self.folder / part)
        made |= {"buildings": "pand", "one": ONE, "cells": cells, "footprints": four}
        return GeneratedGround(part, made)

    def relief(self, ground: GeneratedGround, workers: int) -> Row:
        return self.add(ground.part, "relief", decodings=0.9, spread_of_decodings=[0.9, 0.9])

    def prepared(self) -> int:
        return min(self.cold, sum("out" in asked for asked in self.asked))

    def call(self, task: str, part: str, **asked: Any) -> dict[str, Any]:
        self.asked.append(asked)
        if task == "decode":
            return {"seconds": DECODE_S * self.slow}
        count = 1 if "area" in asked else 4
        work = count * SHEET_S * (1.8 if asked["workers"] == 1 else 1)
        work *= YEAR if asked.get("method") == "annual" else 1
        took = (FIXED_S + work) * self.slow + 100 * (len(self.asked) <= self.cold + 1)
        answer = {"process_s": took, "peak": 1500 * MB, "peak_of_child": 600 * MB}
        return answer | {"decoded": 1.1 * count * PER_SHEET}


def rows(at: Answers) -> dict[str, Row]:
    sheets.measure(at, 2)
    judged = result("sheet", None, MACHINE, at.rows, [])["rows"]
    return {row["name"]: row for row in judged}


def test_a_sheet_more_is_told_from_the_fixed_part(tmp_path: Path) -> None:
    found = rows(Answers(tmp_path))
    for part in sheets.PARTS:
        more = found[f"{part}: measured, no layers, a sheet more"]
        assert more["median_s"] == pytest.approx(SHEET_S)
        assert more["decodings"] == pytest.approx(SHEET_S / DECODE_S) and more["met"]
        fixed = found[f"{part}: measured, no layers, the fixed part of a run"]
        assert fixed["median_s"] == pytest.approx(FIXED_S) and fixed["met"]
    one, four = (found[f"city: measured, no layers, {n}"] for n in ("one sheet", "four sheets"))
    assert one["decodings"] == pytest.approx((FIXED_S + SHEET_S) / DECODE_S)
    assert four["decodings"] == pytest.approx((FIXED_S + 4 * SHEET_S) / 4 / DECODE_S)
    assert four["cells"] == 4 * one["cells"] == 4 * PER_SHEET


def test_figures_in_decodings_do_not_drift_with_the_machine(tmp_path: Path) -> None:
    steady, drifting = (rows(Answers(tmp_path, rounds=3, drift=drift)) for drift in (1.0, 1.5))
    name = "city: extruded, default layers, a sheet more"
    assert drifting[name]["median_s"] > 1.5 * steady[name]["median_s"]
    assert drifting[name]["decodings"] == pytest.approx(steady[name]["decodings"])
    low, high = drifting[name]["spread_of_decodings"]
    assert low <= drifting[name]["decodings"] <= high and drifting[name]["rounds"] == 3


def test_workers_repeats_memory_and_the_nation(tmp_path: Path) -> None:
    found = rows(Answers(tmp_path))
    times = (FIXED_S + 4 * 1.8 * SHEET_S) / (FIXED_S + 4 * SHEET_S)
    scaling = found["city: measured, no layers, four sheets, 2 workers over one"]
    assert scaling["ratio"] == pytest.approx(times) and not scaling["met"]
    repeats = found["city: measured, no layers, tiles decoded over tiles of the area"]
    assert repeats["ratio"] == pytest.approx(1.1) and repeats["met"]
    assert found["city: most memory, a worker"]["peak_gib"] == pytest.approx(600 / 1024)
    assert found["city: most memory, in all"]["peak_gib"] == pytest.approx(1500 / 1024)
    nation = found["projection: the nation at 0.5 m, measured, no layers"]
    assert nation["hours"] == pytest.approx(1.5 * 343e9 / (PER_SHEET / DECODE_S) / 3600)
    assert not nation["met"] and "target" in nation


def test_a_year_of_sun_is_held_against_powermapping_on_pitched_roofs(tmp_path: Path) -> None:
    found = rows(Answers(tmp_path, rounds=3))
    for part, most in (("pitched city", 4), ("pitched country", 2)):
        times = found[f"{part}: annual, no layers, a sheet more, over powermapping's"]
        assert times["ratio"] == pytest.approx(YEAR) and times["target"]["most"] == most
        assert found[f"{part}: most memory, a worker"]["peak_gib"] == pytest.approx(600 / 1024)
    year = found["projection: the pitched nation at 0.5 m, annual, no layers"]
    plain = found["projection: the pitched nation at 0.5 m, measured, no layers"]
    assert year["hours"] == pytest.approx(YEAR * plain["hours"]) and "target" not in plain
    assert year["target"]["most"] == 3.5


def test_each_case_is_a_row_and_each_target_judged(tmp_path: Path) -> None:
    at = Answers(tmp_path)
    rows(at)
    said = table(result("sheet", None, MACHINE, at.rows, []))
    targets = [row for row in at.rows if "target" in row]
    assert said.count(": met |") + said.count(": missed |") == len(targets)
    for case in sheets.CASES:
        parts = len(sheets.PARTS) + len(sheets.PITCHED) * (case is sheets.PLAIN)
        assert said.count(f"{case.name}, a sheet more | ") == parts


def test_every_second_round_is_the_other_way_round(tmp_path: Path) -> None:
    at = Answers(tmp_path, rounds=2)
    rows(at)
    runs = [asked for asked in at.asked if "out" in asked]
    first, second = runs[:3], runs[9:12]
    assert first == second[::-1] and first != second


def test_a_run_that_prepares_something_is_done_again(tmp_path: Path) -> None:
    warm, cold = Answers(tmp_path), Answers(tmp_path, cold=1)
    expected, found = rows(warm), rows(cold)
    assert len(cold.asked) == len(warm.asked) + 1
    assert {name: row["median_s"] for name, row in found.items()} == pytest.approx(
        {name: row["median_s"] for name, row in expected.items()}
    )


@pytest.mark.slow
@pytest.mark.usefixtures("compiled_before")
def test_runs_on_generated_sheets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "RESOLUTION", 5.0)
    part, at = sheets.PARTS[1], Rounds(tmp_path, 1)
    monkeypatch.setattr(sheets, "PARTS", (part,))  # of which the relief is measured too
    sheets._part(at, part, (sheets.PLAIN,), 2)
    found = {row["name"]: row for row in at.rows}
    one, four = (found[f"{part}: measured, no layers, {n}"] for n in ("one sheet", "four sheets"))
    assert four["cells"] == 4 * one["cells"] == 4 * 2_500_000
    assert one["median_s"] > 0 and one["decodings"] > 1
    assert 0.05 < found[f"{part}: most memory, a worker"]["peak_gib"] < 1
    assert found[f"{part}: write the DSM's relief store, 2 workers"]["decodings"] > 0
    made = list(tmp_path.rglob("*.tif"))
    assert len(made) == 8 and not list(tmp_path.rglob("*.partial"))


# A process


@pytest.mark.skipif(sys.platform != "linux", reason="the system does not tell of children")
def test_memory_and_time_are_of_a_process_and_its_children() -> None:
    child = "import time; a = b'x' * (60 << 20); time.sleep(1)"
    run = f"subprocess.run([sys.executable, '-c', {child!r}])"
    own = f"import subprocess, sys; a = b'x' * (90 << 20); {run}"
    process = subprocess.Popen([sys.executable, "-c", own], text=True)
    with watched(process) as took:
        process.wait()
    assert 60 * MB < took["peak_of_child"] < 90 * MB
    assert took["peak_of_child"] + 90 * MB < took["peak"] < 250 * MB
    assert took["process_s"] > 1 > took["cpu_s"] > 0


# The command


def test_the_command_keeps_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(at: Rounds, workers: int) -> None:
        at.tell("measuring")
        at.add("city", f"{at.rounds} rounds in {at.folder.name}", [1.0] * at.rounds)

    monkeypatch.setattr(sheets, "measure", measure)
    path = tmp_path / "a.json"
    words = ("--folder", tmp_path / "ground", "--rounds", "3", "--json", path)
    said = call("bench", "sheet", *words)
    assert said.exit_code == 0 and said.stderr == "measuring\n"
    assert read(path)["kind"] == "sheet" and "| city: 3 rounds in ground | 1 |" in said.stdout
    assert call("bench", "sheet", "-q", *words).stderr == ""


def test_a_stop_is_no_fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def measure(at: Rounds, workers: int) -> None:
        raise RuntimeError("run ended with status -2")

    monkeypatch.setattr(sheets, "measure", measure)
    with pytest.raises(runner.Stopped):
        runner.run_sheets(tmp_path, 1, True, stop=lambda: True)
    with pytest.raises(RuntimeError):
        runner.run_sheets(tmp_path, 1, True)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("sheet", "--size", "512"), "sheet takes no --size"),
        (("kernels", "--rounds", "2"), "only sheet takes"),
        (("--folder", "x"), "only sheet takes"),
        (("sheet", "--rounds", "0"), "--rounds"),
        (("--rounds", "2", "--compare", "a.json", "b.json"), "nothing else"),
    ],
)
def test_an_option_of_another_kind_is_refused(words: tuple[str, ...], problem: str) -> None:
    said = call("bench", *words)
    assert said.exit_code == 2 and problem in said.stderr
