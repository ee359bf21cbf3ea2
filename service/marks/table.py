"""The table of marks that citizens make on the map: limits, moderation, retention."""

import math
import secrets
import sqlite3
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import shapely

from service.core.database import Database
from service.core.problem import Problem
from service.core.settings import Settings

MOST_PENDING = 10_000  # marks that wait for moderation, of all together: at most 50 MB
SWEEP_S = 600.0
DAY_S = 86_400
MOST_DAYS = 365_000  # a date has four digits for the year
TABLES = """
CREATE TABLE IF NOT EXISTS marks (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    client TEXT NOT NULL,
    created TEXT NOT NULL,
    kind TEXT NOT NULL,
    what TEXT NOT NULL,
    reason TEXT NOT NULL,
    status TEXT NOT NULL,
    moderated TEXT,
    text_shown INTEGER NOT NULL DEFAULT 0,
    collection TEXT,
    row INTEGER,
    building TEXT,
    shape BLOB NOT NULL,
    on_roof INTEGER NOT NULL,
    west REAL NOT NULL, south REAL NOT NULL, east REAL NOT NULL, north REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS marks_client ON marks (client);
CREATE INDEX IF NOT EXISTS marks_status ON marks (status);
CREATE TABLE IF NOT EXISTS marks_made (client TEXT NOT NULL, at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS marks_made_client ON marks_made (client, at);
"""
# Marks that have not expired, whether or not the sweep has deleted them.
KEPT = "coalesce(moderated, created) > CASE status WHEN 'approved' THEN :public ELSE :other END"
VISIBLE = "(:all OR status = 'approved' OR client = :client)"
MATCHES = (
    f"{KEPT} AND {VISIBLE} AND (:status IS NULL OR status = :status)"
    " AND (:collection IS NULL OR collection = :collection)"
    " AND (NOT :mine OR client = :client)"
    " AND west <= :to_east AND east >= :to_west AND south <= :to_north AND north >= :to_south"
)
WORLD = (-180.0, -90.0, 180.0, 90.0)
Box = tuple[float, float, float, float]


class MarkStatus(StrEnum):
    """Status of a mark in moderation: waiting, published, or refused."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Target:
    """Roof, place or area of a mark. shape: [RD m]; box: of it, west, south, east, north [degrees];
    on_roof: whether it is the outline of a building, or else an area or a point that was drawn;
    collection, row, building: which one, if everybody may know; building is its id."""

    shape: Any
    box: Box
    on_roof: bool
    collection: str | None = None
    row: int | None = None
    building: str | None = None


@dataclass(frozen=True)
class Mark:
    """A mark. number: rises with each; client: whose it is, never shown; created, moderated: UTC
    as ISO 8601; text_shown: whether its reason is for everybody, once it is approved."""

    number: int
    id: str
    client: str
    created: str
    kind: str
    what: str
    reason: str
    status: MarkStatus
    moderated: str | None
    text_shown: bool
    target: Target


@dataclass(frozen=True)
class MarkQuery:
    """A query of marks. client: who asks, and sees their own and approved marks; all: an operator,
    who sees all; box: [degrees]; after: the last number of the page before."""

    client: str = ""
    all: bool = False
    status: str | None = None
    collection: str | None = None
    mine: bool = False
    box: Box = WORLD
    after: int = 0


class Marks:
    """The table of marks: readable and writable by several threads and processes at once.

    expire: False for a command beside the service, whose settings may be others: nothing is too
    old for it.
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        expire: bool = True,
        most_pending: int = MOST_PENDING,
    ) -> None:
        self.database, self.settings, self.expire = database, settings, expire
        self.most_pending = most_pending
        self._swept, self._compact = -math.inf, False
        database.create_tables(TABLES)

    def add(
        self, client: str, kind: str, what: str, reason: str, target: Target, limited: bool = True
    ) -> Mark:
        """Take a mark; it waits for moderation. limited: by the number a client may make a day.

        Raises Problem 429 where that is used up, or too many wait for moderation.
        """
        self.sweep_if_due()
        identity = secrets.token_hex(16), _now()  # no word of a command begins with a dash
        with self.database.transaction():
            self._check_room(client, limited)
            self.database.execute("INSERT INTO marks_made VALUES (?, ?)", client, identity[1])
            cursor = self.database.execute(
                "INSERT INTO marks (id, created, client, kind, what, reason, status, collection,"
                " row, building, shape, on_roof, west, south, east, north)"
                " VALUES (?, ?, ?, ?, ?, ?, 'pending', ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                *identity, client, kind, what, reason,
                target.collection, target.row, target.building,
                shapely.to_wkb(target.shape), target.on_roof, *target.box,
            )  # fmt: skip
            row = self.database.row("SELECT * FROM marks WHERE number = ?", cursor.lastrowid)
        assert row is not None  # it was written just above
        return _mark(row)

    def find(self, id: str, query: MarkQuery) -> Mark | None:
        """A mark by its id, if it matches a query."""
        statement = f"SELECT * FROM marks WHERE id = :id AND {MATCHES}"
        row = self.database.row(statement, id=id, **self._values(query))
        return _mark(row) if row else None

    def list(self, query: MarkQuery, limit: int = -1) -> list[Mark]:
        """The marks that match a query, in the order in which they were made; limit -1: all."""
        self.sweep_if_due()
        statement = f"SELECT * FROM marks WHERE number > :after AND {MATCHES} ORDER BY number"
        rows = self.database.rows(f"{statement} LIMIT :limit", limit=limit, **self._values(query))
        return [_mark(row) for row in rows]

    def count(self, query: MarkQuery) -> int:
        """Number of marks that match a query, on all pages."""
        row = self.database.row(
            f"SELECT count(*) FROM marks WHERE {MATCHES}", **self._values(query)
        )
        return int(row[0]) if row else 0

    def moderate(self, id: str, status: MarkStatus, text_shown: bool = False) -> bool:
        """Set a mark's status; text_shown: publish its reason too. Returns whether the mark
        exists."""
        moderated = None if status is MarkStatus.PENDING else _now()
        shown = status is MarkStatus.APPROVED and text_shown
        cursor = self.database.execute(
            "UPDATE marks SET status = ?, moderated = ?, text_shown = ? WHERE id = ?",
            status.value, moderated, shown, id,
        )  # fmt: skip
        return cursor.rowcount > 0

    def delete(self, id: str) -> bool:
        """Delete a mark. Returns whether it existed."""
        return self._delete("id = :id", id=id) > 0

    def forget(self, client: str) -> int:
        """Delete all marks of a client. Returns how many there were."""
        return self._delete("client = :client", client=client)

    def owner(self, id: str) -> str | None:
        """The client who made a mark, for an operator who deletes all of theirs."""
        row = self.database.row("SELECT client FROM marks WHERE id = ?", id)
        return str(row["client"]) if row else None

    def sweep(self) -> int:
        """Delete expired marks. Returns how many.

        The first one, and one after a deletion that others were in the way of, compacts the files.
        """
        self._swept = time.monotonic()
        self.database.execute("DELETE FROM marks_made WHERE at <= ?", _ago(1))
        return self._delete(f"NOT ({KEPT})", **self._since())

    def sweep_if_due(self) -> None:
        """Sweep, if the last sweep was SWEEP_S ago."""
        if self.expire and time.monotonic() - self._swept > SWEEP_S:
            self.sweep()

    def days(self, status: MarkStatus) -> float:
        """How long a mark is kept: a published one from then, one that waits from when it was
        made, a refused one from when it was refused [days]."""
        public = status is MarkStatus.APPROVED
        return self.settings.marks_days if public else self.settings.marks_pending_days

    def expires(self, mark: Mark) -> datetime:
        """When a mark is deleted by itself."""
        since = datetime.fromisoformat(mark.moderated or mark.created)
        return since + timedelta(days=min(self.days(mark.status), MOST_DAYS))

    def _since(self) -> dict[str, str]:
        """Times after which a mark must be published, or made, not to have expired."""
        if not self.expire:
            return {"public": "", "other": ""}
        days = {"public": self.settings.marks_days, "other": self.settings.marks_pending_days}
        return {name: _ago(most) for name, most in days.items()}

    def _values(self, query: MarkQuery) -> dict[str, Any]:
        edges = zip(("to_west", "to_south", "to_east", "to_north"), query.box, strict=True)
        return self._since() | vars(query) | dict(edges)

    def _check_room(self, client: str, limited: bool) -> None:
        """Raises Problem 429 where a limit of marks is reached."""
        rows = self.database.rows(
            "SELECT at FROM marks_made WHERE client = ? AND at > ? ORDER BY at DESC LIMIT ?",
            client, _ago(1), self.settings.marks_a_day,
        )  # fmt: skip
        if limited and len(rows) >= self.settings.marks_a_day:
            passed = datetime.now(UTC) - datetime.fromisoformat(rows[-1]["at"])
            wait = max(1, int(DAY_S - passed.total_seconds()) + 1)
            raise Problem(
                429,
                f"{self.settings.marks_a_day} marks a day are taken of one visitor, deleted ones"
                f" counted; the next one in {-(-wait // 60)} minutes",
                headers={"Retry-After": str(wait)},
            )
        row = self.database.row("SELECT count(*) FROM marks WHERE status = 'pending'")
        if row and row[0] >= self.most_pending:
            raise Problem(
                429,
                f"{self.most_pending:,} marks wait to be looked at, more are not taken; try again"
                " in some days",
                headers={"Retry-After": str(DAY_S)},
            )

    def _delete(self, where: str, **values: Any) -> int:
        """Delete marks and compact the database, so that no copy stays; where others use it, at the
        next sweep."""
        deleted = self.database.execute(f"DELETE FROM marks WHERE {where}", **values).rowcount
        if deleted or not self._compact:
            self._compact = self.database.compact()
        return deleted


def _mark(row: sqlite3.Row) -> Mark:
    fields = dict(row)
    box = tuple(fields.pop(name) for name in ("west", "south", "east", "north"))
    shape = shapely.from_wkb(fields.pop("shape"))
    at = {name: fields.pop(name) for name in ("collection", "row", "building")}
    on_roof = bool(fields.pop("on_roof"))
    fields["status"], fields["text_shown"] = (
        MarkStatus(fields["status"]),
        bool(fields["text_shown"]),
    )
    return Mark(**fields, target=Target(shape, box, on_roof, **at))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _ago(days: float) -> str:
    """The time so many days ago."""
    then = datetime.now(UTC) - timedelta(days=min(days, MOST_DAYS))
    return then.isoformat(timespec="seconds")
