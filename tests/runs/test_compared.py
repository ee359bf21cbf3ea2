"""What a what-if changes, printed: beside the run that it updates, or the area without it."""

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import pyarrow.parquet as pq
import pytest
from shapely import box

from pipeline.engine.engine import never_stop, no_progress
from pipeline.engine.events import no_log
from pipeline.runs.compared import run_compared
from pipeline.runs.printed_changes import SHOWN, WORDS, changes_text
from tests.support.commands import FINAL, arguments, call, small_world
from tests.support.runs import Files, undrawn

PLAIN = ("--layers", "none")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return small_world().write(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def house(files: Files) -> dict[str, Any]:
    """The house in the sun."""
    rows = pq.read_table(_base(files) / "buildings.parquet").to_pylist()
    return next(row for row in rows if row["class"] == "solar")


@pytest.fixture(scope="module")
def tower(files: Files, house: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of a tower south of that house, which puts it in the shade."""
    path = tmp_path_factory.mktemp("tower") / "tower.geojson"
    x, y = house["centre_x"], house["centre_y"]
    shape = box(x - 40, y - 30, x + 40, y - 15)
    gpd.GeoDataFrame({"id": ["T"], "height_m": [19.0]}, geometry=[shape], crs=28992).to_file(path)
    return path


def _base(files: Files) -> Path:
    out = files.buildings.parent / "base"
    if not out.exists():
        with undrawn():
            assert call(*arguments(files, out, *PLAIN)).exit_code == 0
    return out


def printed(*words: Any) -> list[str]:
    """What a command prints of what changes, from the title to the last roof."""
    with undrawn():
        result = call(*words)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    titles = [words["title"] for words in WORDS.values()]
    begin = next((i for i, line in enumerate(lines) if line.startswith(tuple(titles))), None)
    return [] if begin is None else lines[begin:]


def test_an_added_building_is_compared_with_the_area_without_it(
    files: Files, tower: Path, house: dict[str, Any], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    command = arguments(files, out, *PLAIN, "--add-building", tower)
    found = printed(*command)
    assert found[0].split() == ["What", "changes", "before", "after", "difference"]
    assert found[1].split()[-3:] == ["1", "1", "0"]  # suitable for sun only: the tower instead
    assert found[3].split()[-3:] == ["1", "2", "+1"]  # for neither
    assert "Roofs: 1 changed, 1 added, 0 gone" in found
    (changed,) = (line for line in found if line.startswith(f"  {house['id']} "))
    assert f"changed: sun > neither; -{house['solar_kwh']:,.0f} kWh a year" in changed
    assert any(line.startswith("  T  added: ") for line in found)
    assert {path.name for path in out.iterdir()} == FINAL
    assert printed(*command)[: len(found) - 2] == found[:-2]  # once more, of the finished run


def test_an_update_is_compared_with_what_it_updates(
    files: Files, tower: Path, tmp_path: Path
) -> None:
    out, fresh = tmp_path / "updated", tmp_path / "fresh"
    assert printed(*arguments(files, out, *PLAIN)) == []
    given = arguments(files, out, *PLAIN, "--add-building", tower)
    given[given.index("--out")] = "--update"
    found = printed(*given)
    of_its_own = printed(*arguments(files, fresh, *PLAIN, "--add-building", tower))
    assert found[:-1] == of_its_own[:-1] and len(found) > 10
    assert {path.name for path in out.iterdir()} == FINAL
    assert printed(*given) == []  # it is finished, so nothing changes
    back = arguments(files, out, *PLAIN)
    back[back.index("--out")] = "--update"
    assert "Roofs: 1 changed, 0 added, 1 gone" in printed(*back)


def test_a_removed_building_in_dutch(files: Files, house: dict[str, Any], tmp_path: Path) -> None:
    more = ("--remove-building", house["id"], "--lang", "nl")
    found = printed(*arguments(files, tmp_path / "out", *PLAIN, *more))
    assert found[0].split() == ["Wat", "er", "verandert", "ervoor", "erna", "verschil"]
    assert "Daken: 1 veranderd, 0 erbij, 0 weg" in found
    kwh = f"{house['solar_kwh']:,.0f}".replace(",", ".")
    said = f"veranderd: zon > staat er niet, volgens zijn status; -{kwh} kWh per jaar"
    assert f"  {house['id']}  {said}" in found


def test_nothing_is_judged_twice_where_nothing_is_printed(
    files: Files, tower: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError

    monkeypatch.setattr("pipeline.runs.compared.run_compared", refuse)
    with undrawn():
        given = arguments(files, tmp_path / "out", *PLAIN, "--add-building", tower)
        assert call(*given, "-q").output == ""


def test_the_figures_are_those_of_the_reports(files: Files, tower: Path, tmp_path: Path) -> None:
    request = files.request(tmp_path / "out", layers=(), add_building=(str(tower),))
    with undrawn():
        result, changes = run_compared(request, no_progress, never_stop, no_log)
    assert changes is not None
    base = json.loads((_base(files) / "report.json").read_text())
    assert changes.totals["before"]["kwh"] == base["kwh"]
    assert changes.totals["after"]["kwh"] == result.report["kwh"]


def test_both_languages_have_the_same_words() -> None:
    assert WORDS["en"].keys() == WORDS["nl"].keys()


def test_few_roofs_are_named(files: Files, tower: Path, tmp_path: Path) -> None:
    request = files.request(tmp_path / "out", layers=(), add_building=(str(tower),))
    with undrawn():
        _, changes = run_compared(request, no_progress, never_stop, no_log)
    assert changes is not None
    many = changes._replace(rows=changes.rows.take([0, 1] * SHOWN))
    assert changes_text(many).splitlines()[-1] == f"  and {SHOWN} more"
