"""No command writes over what it did not write."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.errors import InputError
from pipeline.storage.written import check, note, replacing
from service.cli.progress import reporter
from tests.support.commands import arguments, call, contents, small_world


def test_a_file_is_ours_until_somebody_changes_it(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    with replacing(file) as partial:
        partial.write_text("one")
    with replacing(file) as partial:
        partial.write_text("two")
    file.write_text("three")
    with pytest.raises(InputError, match="or overwrite to replace"), replacing(file):
        pass
    assert file.read_text() == "three"
    with replacing(file, overwrite=True) as partial:
        partial.write_text("four")
    assert file.read_text() == "four" and [*tmp_path.iterdir()] == [file]


def test_a_copy_of_ours_elsewhere_is_not_ours(tmp_path: Path) -> None:
    with replacing(tmp_path / "a.csv") as partial:
        partial.write_text("one")
    (tmp_path / "b.csv").write_text("one")
    with pytest.raises(InputError):
        check(tmp_path / "b.csv")


def test_a_place_is_the_same_by_whatever_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "here")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here" / "a.csv").write_text("one")
    note(Path("here/a.csv"))
    check(tmp_path / "link" / "a.csv")


def test_a_file_that_came_while_it_was_made_stays(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    with pytest.raises(InputError), replacing(file) as partial:
        partial.write_text("made")
        file.write_text("mine")
    assert file.read_text() == "mine" and [*tmp_path.iterdir()] == [file]


def test_a_cache_that_cannot_be_written_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").write_text("a file")
    monkeypatch.setenv("DAKLAAG_CACHE", str(tmp_path / "cache"))
    with replacing(tmp_path / "a.csv") as partial:
        partial.write_text("one")
    with pytest.raises(InputError):
        check(tmp_path / "a.csv")


@pytest.mark.parametrize("overwrite", [False, True])
def test_an_output_that_is_no_file_is_refused(tmp_path: Path, overwrite: bool) -> None:
    os.mkfifo(tmp_path / "pipe")
    for file in (tmp_path, tmp_path / "pipe", tmp_path / "nowhere" / "a.csv"):
        with pytest.raises(InputError, match="not a file in a folder that exists"):
            check(file, overwrite)


# The commands


@pytest.mark.parametrize("name", ["pand.gpkg", "R_QUARTER_9.tif", "boundaries.geojson"])
def test_demo_keeps_inputs_of_the_users(tmp_path: Path, name: str) -> None:
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    (inputs / name).write_text("mine")
    result = call("demo", "--out", tmp_path / "demo", "--inputs", inputs)
    assert result.exit_code == 2 and name in result.stderr and "--overwrite" in result.stderr
    assert contents(tmp_path) == {f"inputs/{name}": b"mine"}


def test_demo_makes_its_own_inputs_again(tmp_path: Path) -> None:
    words = ("-q", "demo", "--out", tmp_path / "demo", "--inputs", tmp_path / "inputs")
    for _ in range(2):
        assert call(*words).exit_code == 0


def test_a_report_by_area_of_the_users_is_kept(tmp_path: Path) -> None:
    files = small_world().write(tmp_path / "in")
    out, mine = tmp_path / "out", tmp_path / "out" / "by-areas.csv"
    assert call(*arguments(files, out)).exit_code == 0
    areas = tmp_path / "areas.geojson"
    areas.write_text(
        '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"n": "a"},'
        '"geometry": {"type": "Polygon", "coordinates": [[[4.7,52.3],[5.1,52.3],[5.1,52.5],'
        "[4.7,52.5],[4.7,52.3]]]}}]}"
    )
    mine.write_text("mine")
    refused = call(*arguments(files, out, "--by", areas))
    assert refused.exit_code == 2 and "by-areas.csv: exists" in refused.stderr
    assert mine.read_text() == "mine"
    mine.unlink()
    for _ in range(2):  # what it wrote is its own
        assert call(*arguments(files, out, "--by", areas)).exit_code == 0


@pytest.mark.parametrize("text", ["mine\n", "{}\n", "[1]\n", '{"time": 1}\n'])
def test_log_json_adds_to_no_file_that_is_no_log(tmp_path: Path, text: str) -> None:
    (tmp_path / "log").write_text(text)
    with (
        pytest.raises(InputError, match=r"log_json .*log: exists, and is no log"),
        reporter(quiet=True, log_json=tmp_path / "log"),
    ):
        pass
    assert (tmp_path / "log").read_text() == text


def test_log_json_adds_to_a_log(tmp_path: Path) -> None:
    for _ in range(2):
        with reporter(quiet=True, log_json=tmp_path / "log") as report:
            report.log({"stage": "start", "dashboard": None})
    assert (tmp_path / "log").read_text().count('"stage": "start"') == 2


def test_keys_go_into_no_database_of_others(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "service.sqlite")) as database, database:
        database.execute("CREATE TABLE keys (mine TEXT)")
    before = contents(tmp_path)
    result = call("keys", "add", "town", "--state", tmp_path)
    assert result.exit_code == 2
    assert "its service.sqlite is not of this program; give a folder of its own" in result.stderr
    assert contents(tmp_path) == before


def test_keys_made_before_there_was_an_application_id_are_kept(tmp_path: Path) -> None:
    assert call("keys", "add", "town", "--state", tmp_path).exit_code == 0
    with closing(sqlite3.connect(tmp_path / "service.sqlite")) as database:
        database.execute("PRAGMA application_id = 0")
    assert "town" in call("keys", "list", "--state", tmp_path).stdout


@pytest.mark.parametrize("name", ["results", "exports"])
def test_no_state_is_made_beside_folders_of_others(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    result = call("keys", "add", "town", "--state", tmp_path)
    assert result.exit_code == 2 and f"its {name} is not of this program" in result.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_marks_are_exported_over_no_file_of_the_users(tmp_path: Path) -> None:
    assert call("keys", "add", "town", "--state", tmp_path / "state").exit_code == 0
    file = tmp_path / "marks.geojson"
    file.write_text("mine")
    words = ("marks", "export", file, "--state", tmp_path / "state")
    refused = call(*words)
    assert refused.exit_code == 2 and "--overwrite" in refused.stderr
    assert file.read_text() == "mine"
    assert call(*words, "--overwrite").exit_code == 0
    assert call(*words).exit_code == 0
