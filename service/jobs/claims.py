"""Jobs as workers and their supervisor use them: claimed, released when a worker dies, finished.

A job is accepted, running, then final. While a worker uses a job's folder the row names that
worker, also after the job was dismissed; so no two workers share a folder, and no folder in use is
removed.
"""

import sqlite3
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.storage.ledger import REPORT
from service.core.database import Database
from service.core.exports import folder_of
from service.core.faults import Owner
from service.core.settings import Settings
from service.jobs.job import Job, Status
from service.processes.job_request import JobRequest

MOST_DEATHS = 3  # workers that may die of one job
MOST_RESTARTS = 10  # of the service, in a row, in which a job got no block further
REMOVED = ".gone-"  # begins the name of a folder that is to be removed
LAYOUT = """
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    client TEXT NOT NULL,
    visitor INTEGER NOT NULL,
    share TEXT NOT NULL,
    process TEXT NOT NULL,
    key TEXT NOT NULL,
    status TEXT NOT NULL,
    message TEXT NOT NULL,
    created REAL NOT NULL,
    updated REAL NOT NULL,
    started REAL,
    finished REAL,
    blocks_done INTEGER NOT NULL DEFAULT 0,
    blocks_planned INTEGER NOT NULL DEFAULT 0,
    percent INTEGER NOT NULL DEFAULT 0,
    seconds_left REAL,
    attempts INTEGER NOT NULL DEFAULT 0,
    restarts INTEGER NOT NULL DEFAULT 0,
    worker TEXT,
    heartbeat_at REAL,
    bytes INTEGER NOT NULL DEFAULT 0,
    expired INTEGER NOT NULL DEFAULT 0,
    callback TEXT,
    to_tell REAL,
    tries INTEGER NOT NULL DEFAULT 0,
    owner TEXT,
    asked TEXT NOT NULL  -- last, as it may be large: SQLite reads a row from its start
);
CREATE INDEX IF NOT EXISTS jobs_client ON jobs (client, number);
CREATE INDEX IF NOT EXISTS jobs_status ON jobs (status);
CREATE INDEX IF NOT EXISTS jobs_key ON jobs (key);
CREATE INDEX IF NOT EXISTS jobs_worker ON jobs (worker) WHERE worker IS NOT NULL;
CREATE INDEX IF NOT EXISTS jobs_to_tell ON jobs (to_tell) WHERE to_tell IS NOT NULL;
CREATE TABLE IF NOT EXISTS turns (share TEXT PRIMARY KEY, turn INTEGER NOT NULL);
"""
# All columns but the inputs of the request, which may be large.
SMALL_COLUMNS = (
    "number, id, client, visitor, process, key, status, message, created, updated, started,"
    " finished, blocks_done, blocks_planned, percent, seconds_left, attempts, expired, callback,"
    " owner, '' AS asked"
)
# A resumed one comes first; then the share that has least under way, and of those the one
# whose turn is longest ago. All visitors have one share, as cookies cost nothing.
CLAIM = """
UPDATE jobs SET status = 'running', message = 'started', worker = :worker, heartbeat_at = :now,
    started = COALESCE(started, :now), updated = :now,
    to_tell = CASE WHEN callback IS NULL THEN NULL ELSE :now END
WHERE number = (
    SELECT number FROM jobs AS waiting WHERE status = 'accepted'
        AND NOT EXISTS (SELECT 1 FROM jobs WHERE key = waiting.key AND worker IS NOT NULL)
    ORDER BY started IS NULL,
        (SELECT COUNT(*) FROM jobs WHERE status = 'running' AND share = waiting.share),
        COALESCE((SELECT turn FROM turns WHERE share = waiting.share), 0),
        number
    LIMIT 1)
RETURNING *
"""
TURN = """
INSERT INTO turns SELECT :share, COALESCE(MAX(turn), 0) + 1 FROM turns WHERE true
ON CONFLICT (share) DO UPDATE SET turn = excluded.turn
"""
PROGRESS = """
UPDATE jobs SET restarts = CASE WHEN :done > blocks_done THEN 0 ELSE restarts END,
    blocks_done = MAX(blocks_done, :done), blocks_planned = MAX(:planned, blocks_done, :done),
    percent = MAX(percent, :percent), seconds_left = :left, message = :message,
    updated = :now, heartbeat_at = :now
WHERE id = :id AND status = 'running'
"""
FINISH = """
UPDATE jobs SET status = :status, message = :message, owner = :owner, worker = NULL,
    finished = :now, updated = :now, started = COALESCE(started, :now), seconds_left = NULL,
    bytes = :bytes,
    blocks_done = CASE WHEN :status = 'successful' THEN blocks_planned ELSE blocks_done END,
    tries = 0, to_tell = CASE WHEN callback IS NULL THEN NULL ELSE :now END
"""
RELEASE = """
UPDATE jobs SET worker = NULL, updated = :now, seconds_left = NULL,
    status = CASE WHEN status = 'running' THEN 'accepted' ELSE status END,
    message = CASE WHEN status = 'running' THEN :message ELSE message END,
    attempts = attempts + :died, restarts = restarts + :restarted
WHERE worker IS NOT NULL AND (:worker IS NULL OR worker = :worker) RETURNING *
"""
# A table of before there were owners gets the column; whose fault a job of then was is not known.
OWNERS = "ALTER TABLE jobs ADD COLUMN owner TEXT"
HAS_OWNERS = "SELECT 1 FROM pragma_table_info('jobs') WHERE name = 'owner'"
NEEDED = """
SELECT 1 FROM jobs WHERE key = ? AND (worker IS NOT NULL OR status IN ('accepted', 'running')
    OR (status = 'successful' AND NOT expired))
"""


class Claims:
    """The table of jobs as workers and their supervisor use it: what a worker claims and ends."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database, self.settings = database, settings
        self.results = settings.state / "results"
        database.create_tables(LAYOUT)
        if database.row(HAS_OWNERS) is None:
            database.execute(OWNERS)

    def folder_of(self, key: str) -> Path:
        """Folder of the result of requests with this key."""
        return self.results / key

    def is_finished(self, key: str) -> bool:
        """Whether there is a finished result of requests with a key."""
        return (self.folder_of(key) / REPORT).is_file()

    def claim(self, worker: str) -> Job | None:
        """Claim the next job for a worker; None if there is none."""
        if self.database.row("SELECT 1 FROM jobs WHERE status = 'accepted' LIMIT 1") is None:
            return None
        with self.database.transaction():
            row = self.database.row(CLAIM, worker=worker, now=time.time())
            if row is not None:
                self.database.execute(TURN, share=row["share"])
        return None if row is None else job_of(row)

    def heartbeat(self, worker: str) -> None:
        """Record that a worker is alive."""
        now = time.time()
        self.database.execute("UPDATE jobs SET heartbeat_at = ? WHERE worker = ?", now, worker)

    def progress(self, id: str, done: int, planned: int, left: float | None, message: str) -> None:
        """Record a job's progress, which never goes backwards. left: seconds, or None."""
        self.database.execute(
            PROGRESS, id=id, done=done, planned=planned, message=message,
            left=None if left is None else round(left, 1),
            percent=min(99, 100 * done // planned) if planned else 0, now=time.time(),
        )  # fmt: skip

    def is_dismissed(self, id: str) -> bool:
        """Whether a job was dismissed or deleted."""
        row = self.database.row("SELECT status FROM jobs WHERE id = ?", id)
        return row is None or row["status"] == Status.DISMISSED

    def finish(
        self, id: str, status: Status, message: str, size: int = 0, owner: Owner | None = None
    ) -> None:
        """Record that a worker ended a job, whose result takes `size` bytes. owner: of its fault.

        Accepted jobs of the same key end with it. A dismissed job is only released.
        """
        values = {
            "status": status, "message": message, "now": time.time(), "bytes": size, "owner": owner,
        }  # fmt: skip
        with self.database.transaction():
            row = self.database.row("SELECT key, status FROM jobs WHERE id = ?", id)
            if row is None:
                return
            if row["status"] == Status.RUNNING:
                self.database.execute(f"{FINISH} WHERE id = :id", id=id, **values)
            else:
                self.database.execute("UPDATE jobs SET worker = NULL WHERE id = ?", id)
            if status is Status.SUCCESSFUL:
                others = f"{FINISH} WHERE key = :key AND status = 'accepted'"
                self.database.execute(others, key=row["key"], **values)
            self.discard_result(row["key"])

    def worker_died(self, worker: str) -> list[Job]:
        """Requeue the jobs of a worker that died, or fail those that MOST_DEATHS workers died of.
        Returns these jobs."""
        return self._release(worker, "a worker died; taken up again", died=1)

    def requeue_all(self) -> list[Job]:
        """Requeue all running jobs, at a start without workers. Returns these jobs."""
        return self._release(None, "waits to be taken up again", restarted=1)

    def _release(
        self, worker: str | None, message: str, died: int = 0, restarted: int = 0
    ) -> list[Job]:
        counts = {"died": died, "restarted": restarted}
        with self.database.transaction():
            rows = self.database.rows(
                RELEASE, worker=worker, message=message, now=time.time(), **counts
            )
            for row in rows:
                if row["status"] == Status.ACCEPTED:
                    self._fail_if_hopeless(row)
                self.discard_result(row["key"])
        return [job_of(row) for row in rows]

    def _fail_if_hopeless(self, row: sqlite3.Row) -> None:
        """Fail a job that too many workers or restarts died of."""
        reason = None
        if row["attempts"] >= MOST_DEATHS:
            reason = f"gave up: {row['attempts']} workers died of it"
        elif row["restarts"] >= MOST_RESTARTS:
            reason = (
                f"gave up: the service ended {row['restarts']} times without it getting further"
            )
        if reason is not None:
            message = f"{reason}, perhaps for want of memory; ask for a smaller area"
            values = {"status": Status.FAILED, "message": message, "now": time.time(), "bytes": 0}
            finish = f"{FINISH} WHERE id = :id"
            self.database.execute(finish, id=row["id"], owner=Owner.SERVICE, **values)

    def discard_result(self, key: str) -> None:
        """Mark a result and its exports for removal, within a transaction, if no job needs it;
        `clear` removes them."""
        folder = self.folder_of(key)
        if self.database.row(NEEDED, key) is None and folder.exists():
            exports = folder_of(self.settings.state, folder) if self.is_finished(key) else None
            for each in filter(None, (folder, exports)):
                if each.exists():
                    each.rename(each.with_name(f"{REMOVED}{uuid.uuid4().hex}"))

    def overdue(self, seconds: float) -> set[str]:
        """Workers that still have a job that was dismissed more than `seconds` ago."""
        return self._workers("status = 'dismissed' AND finished < ?", time.time() - seconds)

    def unresponsive(self, seconds: float) -> set[str]:
        """Workers with a job and without a heartbeat for `seconds`."""
        return self._workers("heartbeat_at < ?", time.time() - seconds)

    def _workers(self, clause: str, value: float) -> set[str]:
        statement = f"SELECT worker FROM jobs WHERE worker IS NOT NULL AND {clause}"
        return {row["worker"] for row in self.database.rows(statement, value)}


AS_STORED = ("id", "client", "message", "blocks_done", "blocks_planned", "seconds_left", "attempts",
             "callback", "percent", "number")  # fmt: skip
TIMES = ("created", "updated", "started", "finished")


def job_of(row: sqlite3.Row) -> Job:
    """The job of a row; with a request without inputs where the column `asked` was not read."""
    text, nothing = row["asked"], JobRequest(row["process"], {}, row["key"], 0.0)
    fields: dict[str, Any] = {name: row[name] for name in AS_STORED}
    fields |= {name: None if row[name] is None else as_text(row[name]) for name in TIMES}
    return Job(
        **fields,
        request=JobRequest.loads(text) if text else nothing,
        status=Status(row["status"]),
        visitor=bool(row["visitor"]),
        expired=bool(row["expired"]),
        owner=row["owner"] and Owner(row["owner"]),
    )


def as_text(seconds: float) -> str:
    """A moment [s since 1970] as UTC in ISO 8601."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
