"""Buildings that are taken away: a run without them is one in which they are said to be gone."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipeline.errors import InputError
from pipeline.runs.run import run
from tests.support.commands import arguments, call
from tests.support.outcomes import assert_agrees, outcome, run_without_map
from tests.support.runs import Files, World

GONE = "Pand gesloopt"


def street(gone: tuple[int, ...] = ()) -> World:
    """A tower between houses, which lie in its shadow and its lee, and two of one id."""
    w = World(260, 200, 1.0, ground=1.0)
    w.frame()
    tower = w.block(120, 60, 132, 72, 61.0)
    for x in range(20, 240, 24):
        for y in range(20, 180, 26):
            if abs(x - 120) > 20 or abs(y - 60) > 20:
                w.block(x, y, x + 10, y + 9, 24.0 if (x + y) % 5 == 0 else 8.0)
    w.rows[-1]["identificatie"] = w.rows[-2]["identificatie"]
    for row in w.rows:
        row["status"] = "Pand in gebruik"
    for row in gone:
        w.rows[row]["status"] = GONE
    assert tower == 1
    return w


def without(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "status"}


@pytest.mark.parametrize("ids", [("1",), ("1", "9", "30")])
def test_as_if_they_were_said_to_be_gone(tmp_path: Path, ids: tuple[str, ...]) -> None:
    """Rows and rasters, in any blocks; the shadow is gone, and the lee."""
    w, names = street(), tuple(f"{int(i):016d}" for i in ids)
    said = run_without_map(
        street(tuple(map(int, ids))).write(tmp_path / "said"), tmp_path / "b", block=40
    )
    for row in said.rows.values():
        row["status"] = "Pand in gebruik"
    files = w.write(tmp_path / "in")
    before = run_without_map(files, tmp_path / "before")
    found = run_without_map(files, tmp_path / "a", remove_building=names)
    assert assert_agrees(found, said) > 4 * 260 * 200
    changed = {i for i in found.rows if found.rows[i] != before.rows[i]} - set(map(int, ids))
    assert len(changed) > 3
    assert any(before.rows[i]["wind_shadowed"] and not found.rows[i]["wind_shadowed"]
               for i in changed)  # fmt: skip
    assert all(found.rows[int(i)]["rejected"] == "not_standing" for i in ids)
    assert [one["id"] for one in found.report["inputs"]["removed"]] == sorted(names)
    assert before.report["inputs"]["removed"] == []


def test_all_that_bear_the_id_and_the_prefix_of_the_register(tmp_path: Path) -> None:
    w = street()
    files, name = w.write(tmp_path / "in"), w.rows[-1]["identificatie"]
    found = run_without_map(
        files, tmp_path / "a", layers=(), remove_building=(f"NL.IMBAG.Pand.{name}", name)
    )
    assert [i for i, row in found.rows.items() if row["rejected"] == "not_standing"] == [
        len(w.rows) - 2, len(w.rows) - 1,
    ]  # fmt: skip
    (told,) = found.report["inputs"]["removed"]
    assert len(told["places"]) == 2


def refused(files: Files, out: Path, *more: Any) -> str:
    result = call(*arguments(files, out, "--layers", "none", *more))
    assert (result.exit_code, result.stdout) == (2, "")
    (said,) = result.stderr.splitlines()
    return str(said)


def test_faulty_removals_are_refused(tmp_path: Path) -> None:
    files, out = street().write(tmp_path / "in"), tmp_path / "out"
    one = ("--remove-building", f"{1:016d}")
    assert "give surface=extruded, or a DSM without it" in refused(
        files, out, *one, "--set", "surface=dsm"
    )
    assert f"{1:016d}: stands in the measured surface; give a DSM without it" in refused(
        files, out, *one, "--method", "annual"
    )
    said = refused(files, out, *one, "--remove-building", "4711")
    assert said.startswith("error: --remove-building 4711: none of the ")
    assert f"did you mean {2:016d}?" in refused(files, out, "--remove-building", "2")


def test_one_is_not_added_and_removed(tmp_path: Path) -> None:
    w = street()
    files = w.write(tmp_path / "in")
    table = w.footprints.iloc[[1]].assign(roof_m=30.0)
    table.to_parquet(tmp_path / "added.parquet")
    request = files.request(
        tmp_path / "out", add_building=(str(tmp_path / "added.parquet"),),
        remove_building=(f"{1:016d}",),
    )  # fmt: skip
    with pytest.raises(InputError, match="added as well"):
        run(request)


def test_one_is_replaced_by_another(tmp_path: Path) -> None:
    """A lower block under another id stands where the tower stood."""
    w = street()
    files = w.write(tmp_path / "in")
    table = w.footprints.iloc[[1]].assign(roof_m=62.0, identificatie="nieuw")
    table.to_parquet(tmp_path / "added.parquet")
    compared = run_without_map(
        files, tmp_path / "a", add_building=(str(tmp_path / "added.parquet"),),
        remove_building=(f"{1:016d}",), layers=(),
    )  # fmt: skip
    rows = pd.DataFrame(compared.rows.values()).set_index("id")
    assert rows.loc["nieuw", "roof_m"] == 62.0
    assert rows.loc[f"{1:016d}", "rejected"] == "not_standing"
    assert outcome(tmp_path / "a").report["counts"]["footprints"] == len(w.rows) + 1
