"""The benchmark: what is made of the times, what the command asks and tells."""

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from matplotlib.image import imread

from bench import chart, pairs, peers, result, runner, table, targets
from bench.compare import compare, verdict
from pipeline.errors import InputError
from tests.support.commands import call

ROOT = Path(__file__).parents[2]
MACHINE = {"cpu": "A processor", "llvm_cpu": "cpu1", "cores": 2, "memory_gib": 8.0, "load": 0.1}
VERSIONS = {"python": "3.11.0", "numba": "0.61.0", "gdal": "3.10.0"}


def timed(name: str, seconds: list[float], copies: list[float], **said: Any) -> dict[str, Any]:
    """As pytest-benchmark tells of a measurement."""
    more = {key: said.pop(key) for key in ("beside",) if key in said}
    row = {"name": name, "group": "kernel", "cells": 1000} | said
    info = {"row": row, "copied": 1000, "copies": copies} | more
    return {"extra_info": info, "stats": {"data": seconds}}


def made(kind: str, rows: list[dict[str, Any]], **more: Any) -> result.Result:
    found = result.result(kind, 4000, MACHINE, rows, [])
    return found | {"versions": VERSIONS, "date": "2026-11-24T12:00:00+00:00"} | more


def row(name: str, copies: float, spread: tuple[float, float] | None = None) -> dict[str, Any]:
    return {
        "name": name,
        "group": "kernel",
        "cells": 1000,
        "median_s": copies,
        "mcells_s": 1000 / copies,
        "copies": copies,
        "spread": list(spread) if spread else None,
        "rounds": 3,
    }


# Times


def test_a_ratio_is_of_pairs_so_that_a_drift_does_not_matter() -> None:
    copies = [1.0, 2.0, 4.0, 8.0, 16.0]
    calls = [3.0, 6.0, 12.0, 24.0, 160.0]
    assert pairs.ratio(calls, copies) == (3.0, 3.0, 3.0)
    assert pairs.ratio([1, 2, 3, 4, 5], [1] * 5, 0.5) == (1.5, 1.0, 2.0)


def test_of_several_copies_the_median_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    copies = pairs.Copies(np.zeros(10, np.float32), several=3)
    clock = iter([0.0, 0.25, 1.0, 1.5, 2.0, 2.125])  # before and after each
    monkeypatch.setattr(pairs, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    copies()
    assert copies.seconds == [0.25]


def test_measure_leaves_the_first_round_out() -> None:
    calls = []
    pairs.measure(lambda: calls.append(1), np.zeros(10, np.float32), 4)
    assert len(calls) == 5


def test_a_row_tells_speed_cost_and_spread_of_all_passes() -> None:
    first = timed("a", [0.5, 1.0, 1.5], [0.5] * 3, touched=4)
    second = timed("a", [2.0, 2.5], [0.5] * 2, touched=4)
    (found,) = result.rows([[first], [second]])
    assert found == {
        "name": "a",
        "group": "kernel",
        "cells": 1000,
        "median_s": 1.5,
        "rounds": 5,
        "mcells_s": 1000 / 1.5 / 1e6,
        "copies": 3.0,
        "spread": [2.0, 4.0],
        "share_of_bandwidth": 4 / 8 / 3.0,
    }


def test_a_cost_is_of_a_cell() -> None:
    (found,) = result.rows([[timed("a", [1.0], [1.0], cells=250)]])
    assert found["copies"] == 4.0


def test_what_has_no_cells_has_seconds_only() -> None:
    (found,) = result.rows([[timed("a", [1.0, 3.0, 2.0], [1.0] * 3, cells=None)]])
    assert (found["median_s"], found["mcells_s"], found["copies"]) == (2.0, None, None)
    assert "| a | 2 s |" in table.table(made("kernels", [found]))


def test_efficiency_is_of_one_worker() -> None:
    def by(n: int, seconds: float, cells: int, group: str) -> dict[str, Any]:
        return timed(f"{n}", [seconds], [1.0], cells=cells, group=group, workers=n)

    measured = [
        by(1, 8.0, 1000, "strong"),
        by(2, 5.0, 1000, "strong"),
        by(1, 8.0, 1000, "weak"),
        by(2, 10.0, 2000, "weak"),
    ]
    found = result.rows([measured])
    assert [one["efficiency"] for one in found] == [1.0, 0.8, 1.0, 0.8]


# Targets


@pytest.mark.parametrize(
    ("target", "at_most"),
    [(targets.share(40), 2.5), (targets.copies(3, "block"), 3.0), (targets.seconds(1), 1.0)],
)
def test_a_target_is_met_or_missed_by_the_figure(target: targets.Target, at_most: float) -> None:
    for cost, met in ((at_most, True), (at_most * 1.01, False)):
        one = row("a", cost) | {"target": target._asdict()}
        assert made("kernels", [one])["rows"][0]["met"] is met


@pytest.mark.parametrize(("slowest", "met"), [(1.6, True), (1.7, False)])
def test_a_sweep_is_judged_by_its_slowest(slowest: float, met: bool) -> None:
    measured = [
        timed(str(i), [cost] * 3, [1.0] * 3, beside=[1.0] * 3)
        for i, cost in enumerate((1.0, slowest, 1.2))
    ]
    found = result.rows([measured])
    targets.judge_even(found, targets.Even("even", 0.6))
    targets.judge(found)
    assert [one.get("met") for one in found] == [None, met, None]


@pytest.mark.parametrize(("cost", "met"), [(2.9, False), (3.1, True)])
def test_ours_is_judged_by_the_peer_that_is_named(cost: float, met: bool) -> None:
    def peer(name: str, copies: float) -> dict[str, Any]:
        return row(name, copies) | {"task": "hillshade", "peer": name}

    rows = [peer("daklaag", 1.0), peer("GDAL", cost), peer("another", 1.0)]
    targets.judge_peers(rows, "daklaag")
    targets.judge(rows)
    assert rows[0]["met"] is met
    alone = [peer("daklaag", 1.0), peer("another", 1.0)]
    targets.judge_peers(alone, "daklaag")
    assert "target" not in alone[0]


def test_ours_is_judged_by_the_fastest_peer() -> None:
    rows = [
        row(name, cost) | {"task": "cast shadow", "peer": name}
        for name, cost in (("slow", 900.0), ("daklaag", 1.0), ("fast", 90.0))
    ]
    targets.judge_peers(rows, "daklaag")
    assert rows[1]["target"]["most"] == 0.9


# Two results


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (row("a", 2.0, (1.9, 2.1)), row("a", 1.5, (1.4, 1.6)), "faster"),
        (row("a", 2.0, (1.9, 2.1)), row("a", 2.5, (2.4, 2.6)), "slower"),
        (row("a", 2.0, (1.9, 2.1)), row("a", 2.3, (2.2, 2.4)), "no difference"),
        (row("a", 2.0, (1.5, 2.1)), row("a", 1.5, (1.4, 1.6)), "no difference"),
        (row("a", 2.0), row("a", 9.0, (8.9, 9.1)), "no spread stated"),
    ],
)
def test_a_difference_is_told_if_it_exceeds_both_spreads(a: Any, b: Any, expected: str) -> None:
    assert verdict(a, b) == expected


def test_two_results_side_by_side() -> None:
    a = made("kernels", [row("same", 2.0, (1.9, 2.1)), row("gone", 1.0)])
    b = made("kernels", [row("new", 1.0), row("same", 3.0, (2.9, 3.1))], size=2000)
    said = compare(a, b)
    assert "| same | 2 (1.9 to 2.1) | 3 (2.9 to 3.1) | 1.50 | slower |" in said
    assert "Only in A: gone" in said and "Only in B: new" in said and "The sizes differ" in said
    assert "The sizes differ" not in compare(a, a)


def test_results_of_two_kinds_are_not_compared() -> None:
    with pytest.raises(InputError, match="sheet"):
        compare(made("kernels", []), made("sheet", []))


# Tables and the picture


def test_a_table_goes_between_its_marks() -> None:
    kernels = made("kernels", [row("a", 2.0, (1.9, 2.1)), row("b", 1.0) | {"group": "limit"}])
    page = (
        "x\n<!-- benchmark kernels: limit, start -->\nold\n<!-- end of benchmark -->\ny\n"
        "<!-- benchmark sheet -->\nstays\n<!-- end of benchmark -->\nz\n"
    )
    done = table.insert(page, {"kernels": kernels})
    assert "old" not in done and "| b |" in done and "| a |" not in done
    assert done.startswith("x\n<!-- benchmark kernels: limit, start -->\n| what |")
    assert done.endswith("y\n<!-- benchmark sheet -->\nstays\n<!-- end of benchmark -->\nz\n")
    assert table.insert(done, {"kernels": kernels}) == done


def test_a_figure_goes_between_its_marks() -> None:
    kernels = made("kernels", [row("a", 2.0), row("b", 1.0) | {"group": "limit"}])
    page = "x <!-- figure kernels copies: {} -->old<!-- end of figure --> y"
    for name, figure in (("a", "2"), ("limit", "1"), ("c", "old")):
        done = table.insert(page.format(name), {"kernels": kernels})
        assert done == page.format(name).replace("old", figure)


def test_a_table_may_be_of_what_has_a_target() -> None:
    one, two = row("a", 2.0) | {"target": targets.share(40)._asdict()}, row("b", 1.0)
    kernels = made("kernels", [one, two, row("c", 1.0) | {"group": "limit"}])
    said = table.table(kernels, ["targets", "limit"])
    assert "| a |" in said and "| b |" not in said and "| c |" in said


def test_a_table_tells_the_share_the_target_and_whether_it_is_met() -> None:
    one = row("a", 2.0, (1.9, 2.1)) | {"target": targets.share(40)._asdict()}
    two = row("b", 4.0) | {"target": targets.share(40)._asdict()}
    said = table.table(made("kernels", [one, two]))
    assert "| a | 500 | 2 (1.9-2.1) | 50 % |  | >= 40 % of a copy: met |" in said
    assert ">= 40 % of a copy: missed |" in said and "A processor (cpu1), 2 cores" in said


def test_the_page_has_its_marks() -> None:
    text = (ROOT / "docs/benchmarks.md").read_text("utf-8")
    assert table.insert(text, {}) == text
    assert len(table.BEGIN.findall(text)) == text.count(table.END) > 0


def test_the_figures_of_the_readme_stand_in_the_tables() -> None:
    readme, page = (
        (ROOT / name).read_text("utf-8") for name in ("README.md", "docs/benchmarks.md")
    )
    assert table.insert(readme, {}) == readme
    figures = table.FIGURE.findall(readme)
    assert len(figures) == readme.count("<!-- end of figure -->") == 5
    for _, _, _, name, figure, _ in figures:
        rows = [line for line in page.splitlines() if f"| {name} |" in line]
        assert any(f"| {figure} |" in line for line in rows), name


@pytest.mark.parametrize("with_peers", [True, False])
def test_the_picture(tmp_path: Path, with_peers: bool) -> None:
    swept = [
        row(f"{group} {x}", x, (x, x)) | {"group": group, "x": x, "what": "cast shadow"}
        for group in ("altitude", "size")
        for x in (1, 2, 4)
    ]
    found = {"kernels": made("kernels", swept)}
    if with_peers:
        ours = row("ours", 1.0) | {"task": "hillshade", "peer": "daklaag"}
        found["peers"] = made("peers", [ours, row("slow", 90.0) | ours])
    chart.draw(found, tmp_path / "a.png")
    assert imread(tmp_path / "a.png").shape[0] > (480 if with_peers else 300)


# The command


def test_a_result_is_read_as_it_was_written(tmp_path: Path) -> None:
    for copies in (2.0, 3.0):  # over the one before
        found = made("kernels", [row("a", copies, (1.9, 3.1))])
        result.write(found, tmp_path / "a.json")
        assert result.read(tmp_path / "a.json") == found
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize(
    "words",
    [
        ("kernels", "--size", "10"),
        ("kernels", "--size", "many"),
        ("--json", "no/such/folder/a.json"),
        ("--json", "."),
        ("everything",),
        ("--compare", "none.json", "none.json"),
        ("--compare", __file__, __file__),
        ("--compare", str(ROOT / "uv.lock"), "none.json"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(words: tuple[str, ...]) -> None:
    said = call("bench", *words)
    assert said.exit_code == 2
    assert re.search("rror: ", said.stderr) and "Traceback" not in said.stderr


@pytest.mark.parametrize("text", ["[]", '{"schema": 0}', '"text"'])
def test_json_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    said = call("bench", "--compare", tmp_path / "a.json", tmp_path / "a.json")
    assert said.exit_code == 2 and "is no result" in said.stderr


@pytest.mark.parametrize("more", [("kernels",), ("--size", "300"), ("--json", "b.json")])
def test_a_comparison_measures_nothing(tmp_path: Path, more: tuple[str, ...]) -> None:
    path = tmp_path / "a.json"
    result.write(made("kernels", [row("a", 2.0, (1.9, 2.1))]), path)
    assert call("bench", "--compare", path, path).exit_code == 0
    said = call("bench", *more, "--compare", path, path)
    assert said.exit_code == 2 and "nothing else" in said.stderr


def test_missing_pytest_is_told_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "find_spec", lambda name: None)
    said = call("bench", "kernels")
    assert said.exit_code == 2 and "pip install 'daklaag[bench]'" in said.stderr


def test_a_benchmark_that_fails_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bench_bad.py").write_text("def bench_bad(): raise ValueError\n")
    monkeypatch.setitem(runner.FILES, "scaling", (str(tmp_path / "bench_bad.py"),))
    said = call("bench", "scaling", "--size", "512", "-q", "--json", tmp_path / "a.json")
    assert said.exit_code == 1 and not (tmp_path / "a.json").exists()


@pytest.mark.parametrize("text", ["mine", "{}", '{"schema": 0}', ""])
def test_json_over_a_file_of_the_users_is_refused_before_measuring(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    said = call("bench", "--json", path)
    assert said.exit_code == 2 and "a.json: exists, and is no result" in said.stderr
    assert path.read_text() == text
    with pytest.raises(InputError, match="another name"):
        result.write(made("kernels", []), path)


def test_from_the_command_to_the_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(runner.FILES, "kernels", ("bench_limits.py::bench_copy",))
    monkeypatch.setitem(runner.PASSES, "kernels", 2)
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)  # under which nothing is timed
    path = tmp_path / "a.json"
    said = call("bench", "-q", "--size", "512", "--json", path)
    assert said.exit_code == 0, said.stderr
    assert "| numpy copy, 1 thread |" in said.stdout and said.stderr == ""
    found = result.read(path)
    assert (found["kind"], found["size"]) == ("kernels", 512)
    assert all(one["rounds"] % 2 == 0 for one in found["rows"])
    assert not re.search(r'"[^"]*(/|\\\\)[^"]*/', path.read_text()), "an absolute path"
    assert call("bench", "--compare", path, path).stdout.count("no difference") >= 1


def test_peers_become_rows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def measure(side: int, progress: Any) -> dict[str, Any]:
        progress("GDAL: hillshade")
        ours = {"task": "hillshade", "mcells": 2000.0, "copies": 1.0}
        gdal = {"peer": "GDAL", "version": "3.13", "mcells": 500.0, "copies": 4.0, "side": 500}
        gdal |= {"task": "hillshade", "ratio_to_ours": 4.0, "correct": "all greys are ours"}
        skipped = [{"peer": "SAGA", "reason": "not on PATH"}]
        return {"peers": [gdal], "ours": [ours], "skipped": skipped}

    monkeypatch.setattr(peers, "measure", measure)
    said = call("bench", "peers", "--size", "1000", "--json", tmp_path / "a.json")
    assert said.exit_code == 0, said.stderr
    assert "GDAL: hillshade" in said.stderr and "Skipped: SAGA: not on PATH" in said.stdout
    ours, gdal = json.loads((tmp_path / "a.json").read_text())["rows"]
    assert ours["met"] and ours["target"]["text"] == ">= 3 x GDAL"
    assert gdal["cells"] == 250_000 and gdal["median_s"] == pytest.approx(0.0005)
