"""Marks: who sees one, how many are taken, how long they are kept, that deleted is deleted."""

import json
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import shapely

from pipeline.errors import InputError
from service.core.catalogue import Collection
from service.core.database import Database
from service.core.problem import Problem
from service.marks.geojson import clean_text, feature, ground, restrictions, roof
from service.marks.table import Mark, MarkQuery, Marks, MarkStatus
from tests.support import finished
from tests.support.mark_tables import POINT, X, Y, square, table, target

ALL = MarkQuery(all=True)


@pytest.fixture
def marks(tmp_path: Path) -> Marks:
    return table(tmp_path)


def add(marks: Marks, client: str = "ann", reason: str = "sunny", **other: Any) -> Mark:
    usual: dict[str, Any] = {"kind": "chance", "what": "panels", "target": target()}
    return marks.add(client, reason=reason, **(usual | other))


def ids(marks: Marks, wanted: MarkQuery) -> list[str]:
    found = marks.list(wanted)
    assert len(found) == marks.count(wanted)
    assert all(marks.find(mark.id, wanted) == mark for mark in found)
    return [mark.id for mark in found]


def age(marks: Marks, days: float, column: str = "created") -> None:
    """Make all marks older."""
    then = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="seconds")
    marks.database.execute(f"UPDATE marks SET {column} = ?", then)


def test_before_moderation_only_its_maker_sees_it(marks: Marks) -> None:
    mine, other = add(marks), add(marks, "bob")
    assert ids(marks, MarkQuery("ann")) == [mine.id]
    assert ids(marks, MarkQuery("cy")) == ids(marks, MarkQuery()) == []
    assert marks.moderate(other.id, MarkStatus.APPROVED)
    assert ids(marks, MarkQuery("cy")) == [other.id]
    assert ids(marks, MarkQuery("ann", mine=True)) == [mine.id]
    assert ids(marks, MarkQuery("ann", status="approved")) == [other.id]
    assert marks.moderate(other.id, MarkStatus.REJECTED)
    assert ids(marks, MarkQuery("cy")) == []
    assert ids(marks, MarkQuery("bob")) == [other.id]
    assert ids(marks, ALL) == [mine.id, other.id]


def test_a_text_is_published_only_if_that_is_decided(marks: Marks) -> None:
    mark = add(marks, reason="my neighbour")

    def reason(client: str = "cy", operator: bool = False) -> str | None:
        said: str | None = feature(marks.list(ALL)[0], client, operator)["properties"]["reason"]
        return said

    assert (reason(), reason("ann"), reason(operator=True)) == (None, *["my neighbour"] * 2)
    marks.moderate(mark.id, MarkStatus.APPROVED)
    assert reason() is None
    marks.moderate(mark.id, MarkStatus.APPROVED, text_shown=True)
    assert reason() == "my neighbour"
    marks.moderate(mark.id, MarkStatus.REJECTED, text_shown=True)
    assert reason() is None


def test_ids_are_long_and_nothing_names_the_maker(marks: Marks) -> None:
    made = [add(marks, client="the-cookie-of-ann") for _ in range(5)]
    assert len({mark.id for mark in made}) == 5
    assert all(len(mark.id) == 32 for mark in made)
    assert "the-cookie" not in json.dumps([feature(mark, "x", True) for mark in made])
    assert not feature(made[0], "")["properties"]["mine"]


def test_so_many_a_day_and_deleted_ones_count(tmp_path: Path) -> None:
    marks = table(tmp_path, marks_a_day=2)
    for _ in range(2):
        marks.delete(add(marks).id)
    with pytest.raises(Problem, match=r"2 marks a day.*minutes") as caught:
        add(marks)
    assert caught.value.status == 429
    assert 0 < int(caught.value.headers["Retry-After"]) <= 86_401
    add(marks, "bob")
    add(marks, limited=False)
    then = (datetime.now(UTC) - timedelta(days=1)).isoformat(timespec="seconds")
    marks.database.execute("UPDATE marks_made SET at = ?", then)
    add(marks)
    marks.sweep()
    assert len(marks.database.rows("SELECT * FROM marks_made")) == 1


def test_so_many_wait_at_once(marks: Marks) -> None:
    marks = Marks(marks.database, marks.settings, most_pending=2)
    first = add(marks)
    add(marks, "bob")
    with pytest.raises(Problem, match="wait to be looked at"):
        add(marks, "cy", limited=False)
    marks.moderate(first.id, MarkStatus.REJECTED)
    add(marks, "cy")


@pytest.mark.parametrize(
    ("status", "days"),
    [(MarkStatus.PENDING, 3), (MarkStatus.REJECTED, 3), (MarkStatus.APPROVED, 9)],
)
def test_old_marks_are_removed(tmp_path: Path, status: MarkStatus, days: int) -> None:
    marks = table(tmp_path, marks_days=9, marks_pending_days=3)
    mark = add(marks)
    column = "created" if status is MarkStatus.PENDING else "moderated"
    marks.moderate(mark.id, status)
    age(marks, 20)
    age(marks, days - 0.01, column)
    (kept,) = marks.list(ALL)
    assert abs(marks.expires(kept) - datetime.now(UTC)) < timedelta(minutes=15)
    assert marks.sweep() == 0
    age(marks, days + 0.01, column)
    assert marks.list(ALL) == []  # even before the sweep
    assert marks.find(mark.id, ALL) is None
    beside = Marks(marks.database, marks.settings, expire=False)
    assert beside.sweep() == 0
    assert len(beside.list(ALL)) == 1
    assert marks.sweep() == 1
    assert beside.list(ALL) == []


def test_a_very_long_time_is_no_fault(tmp_path: Path) -> None:
    marks = table(tmp_path, marks_days=1e12, marks_pending_days=1e12)
    mark = add(marks)
    assert ids(marks, ALL) == [mark.id]
    assert marks.expires(mark).year > 2900


def test_a_sweep_comes_by_itself(tmp_path: Path) -> None:
    marks = table(tmp_path)
    add(marks)
    age(marks, 5000)
    again = Marks(Database(marks.database.file), marks.settings)
    again.list(ALL)
    assert marks.database.rows("SELECT * FROM marks") == []


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.glob("service.sqlite*")))


@pytest.mark.parametrize("way", ["one", "all", "sweep"])
def test_deleted_is_deleted(tmp_path: Path, way: str) -> None:
    marks = table(tmp_path)
    texts = [f"a text that is to go {n} " + "x" * 400 for n in range(20)]
    made = [add(marks, reason=text, limited=False) for text in texts]
    kept = add(marks, "bob", "another one's")
    assert all(text.encode() in everything(tmp_path) for text in texts)
    if way == "one":
        assert all(marks.delete(mark.id) for mark in made)
        assert not marks.delete(made[0].id)
    elif way == "all":
        assert marks.forget("ann") == 20
    else:
        age(marks, 5000)
        marks.database.execute("UPDATE marks SET created = ? WHERE id = ?", kept.created, kept.id)
        assert marks.sweep() == 20
    left = everything(tmp_path)
    assert b"a text that is to go" not in left
    assert all(mark.id.encode() not in left for mark in made)
    assert ids(marks, ALL) == [kept.id]


def test_no_copy_of_what_is_deleted_stays_as_pages_are_split(tmp_path: Path) -> None:
    """SQLite moves rows between pages, and leaves copies there that no deletion overwrites."""
    marks, lengths = table(tmp_path), random.Random(1)
    kept: list[str] = []
    gone: list[str] = []
    for i in range(300):
        kept.append(add(marks, reason="sunny " * lengths.randint(1, 150), limited=False).id)
        if i % 2:
            gone.append(kept.pop(lengths.randrange(len(kept))))
            assert marks.delete(gone[-1])
    assert not [id for id in gone if id.encode() in everything(tmp_path)]
    assert ids(marks, ALL) == kept


def test_a_deletion_while_somebody_reads_is_finished_by_the_sweep(tmp_path: Path) -> None:
    marks = table(tmp_path)
    mark = add(marks, reason="a text that is to go")
    with closing(sqlite3.connect(tmp_path / "service.sqlite")) as reader:
        cursor = reader.execute("BEGIN").execute("SELECT * FROM marks")
        cursor.fetchone()
        marks.delete(mark.id)
        reader.rollback()
    assert marks.list(ALL) == []
    marks.sweep()
    assert b"to go" not in everything(tmp_path)


def test_pages_and_boxes(marks: Marks) -> None:
    made = [add(marks, target=ground(square(x=X + n / 100)), limited=False) for n in range(5)]
    assert [m.id for m in marks.list(ALL, 2)] == [m.id for m in made[:2]]
    after = MarkQuery(all=True, after=made[1].number)
    assert [m.id for m in marks.list(after)] == [m.id for m in made[2:]]
    box = MarkQuery(all=True, box=(X + 0.0105, Y, X + 0.0205, Y + 1))
    assert ids(marks, box) == [m.id for m in made[1:3]]


ODD_TEXTS = {
    "nothing": ("", ""),
    "spaces": (" a\n\tb\u2028 c ", "a b c"),
    "emoji": ("zon \N{SUN WITH FACE} \U0001f468\u200d\U0001f469\u200d\U0001f467", None),
    "html": ("<script>alert('x')</script>", None),
    "sql": ("'); DROP TABLE marks; --", None),
}


@pytest.mark.parametrize("name", ODD_TEXTS)
def test_a_text_is_kept_as_text(marks: Marks, name: str) -> None:
    given, expected = ODD_TEXTS[name]
    add(marks, client=given, reason=clean_text(given))
    (mark,) = marks.list(MarkQuery(given, mine=True))
    assert mark.reason == (given if expected is None else expected)
    assert mark.client == given


@pytest.mark.parametrize(
    "text", ["x" * 501, "x" * 10_000_000, "a\0b", "a\x1b[2Jb", "\ud800", "a\u202eb", "\x9b1m"]
)
def test_text_that_is_not_plain_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"^reason: has .{1,60}; give"):
        clean_text(text)


BOWTIE = {"type": "Polygon", "coordinates": [
    [[X, Y], [X + 0.001, Y + 0.001], [X + 0.001, Y], [X, Y + 0.001], [X, Y]]]}  # fmt: skip
WORLD = {"type": "Polygon", "coordinates": [
    [[-180, -90], [180, -90], [180, 90], [-180, 90], [-180, -90]]]}  # fmt: skip
ODD_SHAPES: dict[str, tuple[dict[str, Any], str]] = {
    "crosses itself": (BOWTIE, "no simple polygon"),
    "the whole world": (WORLD, "beside the Netherlands"),
    "RD metres": ({"type": "Point", "coordinates": [121_000, 487_000]}, "beside the Netherlands"),
    "exchanged": ({"type": "Point", "coordinates": [Y, X]}, "beside the Netherlands"),
    "not a number": ({"type": "Point", "coordinates": [float("nan"), Y]}, "geometry: "),
    "endless": ({"type": "Point", "coordinates": [float("inf"), Y]}, "geometry: "),
    "a province": (square(0.5), "is .* m2; give between"),
    "a grain": (square(1e-6), "is 0.0 m2; give between"),
    "a line there and back": (
        {"type": "Polygon", "coordinates": [[[X, Y], [X + 0.1, Y], [X, Y], [X, Y]]]},
        "no simple polygon",
    ),
    "a line": ({"type": "LineString", "coordinates": [[X, Y], [X, Y + 1]]}, "a Point or a Polygon"),
    "nothing": ({"type": "Polygon", "coordinates": []}, "a Point or a Polygon"),
    "no shape": ({"type": "Feature"}, "geometry: "),
    "text": ({"type": "Point", "coordinates": "Delft"}, "geometry: "),
}


@pytest.mark.parametrize("name", ODD_SHAPES)
def test_a_shape_that_is_none_is_refused(name: str) -> None:
    shape, said = ODD_SHAPES[name]
    with pytest.raises(InputError, match=said):
        ground(shape)


def test_a_place_in_metres() -> None:
    tower = ground({"type": "Point", "coordinates": [5.38720621, 52.15517440]}).shape
    assert (tower.x, tower.y) == pytest.approx((155_000, 463_000), abs=1)  # RD's origin


def test_a_shape_goes_in_and_out_the_same() -> None:
    found = ground(square())
    assert found.box == pytest.approx((X, Y, X + 0.001, Y + 0.001))
    assert found.shape.area == pytest.approx(68 * 111, rel=0.02)
    mark = Mark(1, "m", "c", "", "chance", "both", "", MarkStatus.PENDING, None, False, found)
    ring = feature(mark)["geometry"]["coordinates"][0]
    assert shapely.Polygon(ring).equals_exact(shapely.geometry.shape(square()), 1e-8)  # 1 mm


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collection]:
    folder = tmp_path_factory.mktemp("runs") / "delft"
    folder.mkdir()
    finished.finished(folder)
    yield Collection("delft", folder)


def test_a_roof_by_its_row(collection: Collection, tmp_path: Path) -> None:
    found = roof(collection, 4, tmp_path)
    assert found is not None
    assert found.shape.equals(finished.box(60, 20, 10, 10))
    assert (found.collection, found.row, found.building) == ("delft", 4, f"{5:016d}")
    assert roof(collection, 99, tmp_path) is None
    with pytest.raises(InputError, match=r"row 9: .*without an outline"):
        roof(collection, 9, tmp_path)


def test_a_private_run_is_not_named(collection: Collection, tmp_path: Path) -> None:
    found = roof(Collection("job-1", collection.place, "ann"), 4, tmp_path)
    assert found is not None
    assert found.on_roof
    assert (found.collection, found.row, found.building) == (None, None, None)


WORDS = {
    ("not_wanted", "panels"): ("solar", "exclude", "not_wanted"),
    ("not_wanted", "turbines"): ("wind", "exclude", "not_wanted"),
    ("not_wanted", "both"): ("both", "exclude", "not_wanted"),
    ("correction", "existing_panels"): ("solar", "exclude", "existing_panels"),
    ("correction", "terrace"): ("both", "exclude", "roof_in_use"),
    ("correction", "demolished"): ("both", "exclude", "other"),
    ("correction", "tree"): ("solar", "flag", "other"),
}


def test_marks_as_restrictions(marks: Marks, collection: Collection, tmp_path: Path) -> None:
    court = roof(collection, 10, tmp_path)
    assert court is not None
    for (kind, what), _ in WORDS.items():
        add(marks, kind=kind, what=what, target=court, limited=False)
    add(marks, target=court)
    add(marks, kind="not_wanted", what="both", target=ground(POINT), reason="secret")
    shown = add(marks, kind="not_wanted", what="both", target=ground(square()), reason="told")
    marks.moderate(shown.id, MarkStatus.APPROVED, text_shown=True)
    *roofs, place, area = restrictions(marks.list(ALL))["features"]
    told = [tuple(each["properties"][n] for n in ("what", "effect", "kind")) for each in roofs]
    assert told == list(WORDS.values())
    assert {each["geometry"]["type"] for each in (*roofs, place)} == {"Point"}
    assert area["geometry"]["type"] == "Polygon"
    assert (place["properties"]["reason"], area["properties"]["reason"]) == ("", "told")
    inside = ground(roofs[0]["geometry"]).shape
    assert finished.COURT.contains(inside)
    assert not finished.COURT.contains(finished.COURT.centroid)
    whole = restrictions(marks.list(ALL), whole=True)["features"]
    assert whole[-2]["properties"]["reason"] == "secret"
