"""A service's database that is damaged: said as it is, at the command line and over HTTP."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from fastapi import FastAPI

from service.core.database import DATABASE, Database
from service.core.keys import Keys
from service.core.problem import MEDIA_TYPE
from tests.support.clients import application, asks
from tests.support.commands import call
from tests.support.mark_tables import table, target

PAGE = 4096


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A folder of state with a key and marks on many pages."""
    marks = table(tmp_path, marks_a_day=1000)
    for n in range(60):
        marks.add("ann", "chance", "panels", f"{n} " * 200, target())
    Keys(marks.database).add("zeeland")
    return tmp_path


def damage(state: Path, first: int = 1) -> None:
    """Overwrite all pages from one on, once the log is in the file."""
    file = state / DATABASE
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = file.stat().st_size
    with file.open("r+b") as stream:
        stream.seek(first * PAGE)
        stream.write(b"\xa5" * (size - first * PAGE))


@pytest.fixture
def damaged(state: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FastAPI]:
    """A service whose database is damaged while it runs."""
    app = application(state, open=False, public_url="https://roofs.example.nl")
    damage(state)
    yield app


@pytest.mark.parametrize("words", [
    ("keys", "list"), ("keys", "add", "me"), ("keys", "remove", "zeeland"),
    ("marks", "list"), ("marks", "delete", "x"), ("serve", "--port", "0"),
])  # fmt: skip
@pytest.mark.parametrize("first", [0, 1])
def test_commands_say_it_in_a_line(state: Path, words: tuple[str, ...], first: int) -> None:
    damage(state, first)
    found = call(*words, "--state", state)
    assert (found.exit_code, found.stdout) == (2, "")
    (line,) = found.stderr.splitlines()
    assert line.startswith(f"error: {state / DATABASE}: the service's database is damaged (")
    assert "put a backup in its place, or move it away" in line


def test_a_service_is_not_ready(damaged: FastAPI) -> None:
    told = asks(damaged).get("/ready")
    assert told.status_code == 503 and told.json()["checks"]["database"] is False
    assert asks(damaged).get("/health").status_code == 200


def test_one_damaged_page_is_found_by_a_look_at_all(state: Path) -> None:
    """Though nobody asks for what is on it, and as often as once a minute."""
    app = application(state)
    assert asks(app).get("/ready").status_code == 200
    damage(state, (state / DATABASE).stat().st_size // PAGE - 1)
    database = app.state.service.database
    database._mine = type(database._mine)()
    assert asks(app).get("/ready").status_code == 200
    database.checked_s = 0.0
    assert asks(app).get("/ready").json()["checks"]["database"] is False


def test_requests_get_a_503(damaged: FastAPI) -> None:
    key = {"X-API-Key": "dlk_" + "a" * 43}
    asked = asks(damaged, "https://roofs.example.nl")
    for answer in (
        asked.get("/marks"),
        asked.get("/jobs"),
        asked.get("/jobs/x"),
        asked.get("/processes", headers=key),
        asked.delete("/marks/x"),
    ):
        assert answer.status_code == 503, answer.text
        assert answer.headers["Content-Type"] == MEDIA_TYPE
        said = answer.json()
        assert said["detail"] == "the service's memory is damaged; its operator must mend it"
    assert asked.get("/processes").status_code == 200


def test_what_is_wrong_with_a_statement_is_no_damage(tmp_path: Path) -> None:
    here = Database(tmp_path / DATABASE)
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        here.rows("SELECT * FROM nowhere")
