"""The commands of the operator: what citizens marked is listed, published, deleted, exported."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from pipeline.footprints.restrictions import read_restrictions
from service.core.database import DATABASE, Database
from service.core.settings import Settings
from service.marks.geojson import ground
from service.marks.table import Mark, MarkQuery, Marks
from tests.support.commands import call
from tests.support.mark_tables import POINT, square


@pytest.fixture
def marks(tmp_path: Path) -> Marks:
    """Of a service that goes on running."""
    return Marks(Database(tmp_path / "state" / DATABASE), Settings(state=tmp_path / "state"))


def add(marks: Marks, client: str = "visitor-ann", **other: Any) -> Mark:
    usual = {"kind": "not_wanted", "what": "panels", "reason": "old tiles"}
    return marks.add(client, **(usual | other), target=ground(POINT), limited=False)


def command(marks: Marks, *words: Any) -> Result:
    return call("marks", *words, "--state", marks.settings.state)


def done(marks: Marks, *words: Any) -> str:
    result = command(marks, *words)
    assert result.exit_code == 0, result.output
    assert "visitor-" not in result.output
    return result.stdout


def test_a_list(marks: Marks) -> None:
    first, second = add(marks), add(marks, reason="a reason " * 50)
    marks.add("visitor-bob", "correction", "tree", "", ground(square()))
    lines = done(marks, "list").splitlines()
    assert [line.split()[0] for line in lines[:2]] == [first.id, second.id]
    assert "pending" in lines[0]
    assert "not_wanted  panels" in lines[0]
    assert lines[0].endswith("old tiles")
    assert all(len(line) < 160 for line in lines)
    done(marks, "approve", first.id)
    assert done(marks, "list", "--status", "approved").split()[0] == first.id
    found = json.loads(done(marks, "list", "--status", "pending", "--format", "json"))
    assert found["features"][0]["id"] == second.id
    assert found["features"][0]["properties"]["reason"].startswith("a reason a")


def test_no_id_is_taken_for_an_option(marks: Marks) -> None:
    """One in 64 was, when they were in base 64."""
    assert all(add(marks).id.isalnum() for _ in range(500))


def test_a_text_is_published_if_one_says_so(marks: Marks) -> None:
    mark = add(marks)
    for words, status, shown in (
        (("approve", mark.id), "approved", False),
        (("approve", mark.id, "--with-text"), "approved", True),
        (("reject", mark.id), "rejected", False),
    ):
        assert done(marks, *words) == f"1 marks {status}\n"
        found = marks.find(mark.id, MarkQuery(all=True))
        assert found is not None
        assert (found.status.value, found.text_shown) == (status, shown)
        assert json.loads(done(marks, "show", mark.id))["properties"]["text_shown"] is shown


def test_delete(marks: Marks) -> None:
    made = [add(marks) for _ in range(3)]
    other = add(marks, "visitor-bob")
    assert done(marks, "delete", made[0].id, made[0].id) == "1 marks deleted\n"
    assert done(marks, "delete", made[1].id, "--all-of-maker") == "2 marks deleted\n"
    assert [mark.id for mark in marks.list(MarkQuery(all=True))] == [other.id]


@pytest.mark.parametrize("word", ["show", "approve", "reject", "delete"])
def test_a_mark_that_is_not_there(marks: Marks, word: str) -> None:
    mark = add(marks)
    ids = [mark.id, "nothing"] if word != "show" else ["nothing"]
    result = command(marks, word, *ids)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: mark nothing: there is none")
    assert marks.list(MarkQuery(all=True)) == [mark]


def test_export(marks: Marks, tmp_path: Path) -> None:
    public, told, secret = add(marks), add(marks), add(marks)
    chance = add(marks, kind="chance")
    done(marks, "approve", public.id, chance.id)
    done(marks, "approve", told.id, "--with-text")

    def export(*more: str) -> dict[str, str | None]:
        said = done(marks, "export", tmp_path / "f.geojson", *more)
        features = json.loads((tmp_path / "f.geojson").read_text("utf-8"))["features"]
        assert said.endswith(f": {len(features)} marks\n")
        key = "mark" if "--restrictions" in more else "id"
        return {
            each["properties"].get(key, each.get("id")): each["properties"]["reason"]
            for each in features
        }

    assert export() == {public.id: None, told.id: "old tiles", chance.id: None}
    everything = dict.fromkeys((public.id, told.id, secret.id, chance.id), "old tiles")
    assert export("--whole") == everything
    assert export("--restrictions") == {public.id: "", told.id: "old tiles"}
    assert export("--restrictions", "--whole") == {
        public.id: "old tiles", told.id: "old tiles"
    }  # fmt: skip


def test_no_marks_restrict_nothing(marks: Marks, tmp_path: Path) -> None:
    add(marks)
    file = tmp_path / "f.geojson"
    done(marks, "export", file, "--restrictions")
    assert len(read_restrictions(file)) == 0


def test_other_settings_delete_nothing(marks: Marks, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = add(marks)
    marks.database.execute("UPDATE marks SET created = '2020-01-01T00:00:00+00:00'")
    monkeypatch.setenv("DAKLAAG_SERVE_MARKS_PENDING_DAYS", "1")
    assert done(marks, "list").split()[0] == mark.id
    assert marks.database.rows("SELECT id FROM marks")


def test_the_folder_by_a_file(marks: Marks, tmp_path: Path) -> None:
    mark = add(marks)
    (tmp_path / "serve.toml").write_text(f"state = '{marks.settings.state}'", "utf-8")
    result = call("marks", "list", "--config", tmp_path / "serve.toml")
    assert result.stdout.split()[0] == mark.id


def test_a_folder_without_a_service(tmp_path: Path) -> None:
    result = call("marks", "list", "--state", tmp_path / "none")
    assert result.exit_code == 2
    assert "no service has run" in result.stderr
    assert not (tmp_path / "none").exists()
