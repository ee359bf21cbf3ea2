"""The table of jobs for clients: submission within limits, and a client's own jobs."""

import shutil
import time
import uuid
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from service.core.keys import Client
from service.core.problem import Problem
from service.jobs.claims import SMALL_COLUMNS, Claims, as_text, job_of
from service.jobs.expiry import DAY_S
from service.jobs.job import Job, Status
from service.processes.job_request import JobRequest

VISITORS = "*"  # the share of all of them; no key has such a name
MOST_VISITORS = 100  # jobs of all visitors that wait
MOST_KEPT = 1000  # jobs a client that are done and listed
RETRY_S = 30  # after which to try again, if nothing better is known
NEWEST = 100  # jobs that are listed if nothing is said
ADD = """
INSERT INTO jobs (id, client, visitor, share, process, key, asked, status, message, created,
    updated, started, finished, bytes, callback, to_tell)
VALUES (:id, :client, :visitor, :share, :process, :key, :asked, :status, :message, :now, :now,
    :done, :done, :bytes, :callback, CASE WHEN :callback IS NULL THEN NULL ELSE :done END)
"""
KEPT = """
SELECT COALESCE(SUM(bytes), 0) AS bytes FROM (SELECT MAX(bytes) AS bytes FROM jobs
    WHERE client = ? AND status = 'successful' AND NOT expired GROUP BY key)
"""
# Of all visitors together, and since when there is the oldest.
KEPT_BY_VISITORS = """
SELECT COALESCE(SUM(bytes), 0) AS bytes, MIN(finished) AS oldest FROM (
    SELECT MAX(bytes) AS bytes, MIN(finished) AS finished FROM jobs
    WHERE visitor AND status = 'successful' AND NOT expired GROUP BY key)
"""
SECONDS = "COALESCE(finished, :now) - started"


class Jobs(Claims):
    """All jobs; a client sees only its own, by its name."""

    def submit(self, request: JobRequest, client: Client, callback: str | None = None) -> Job:
        """A new job; successful at once if there is a result of such a request.

        callback: as service.jobs.callback.checked makes it. Raises Problem 413 for too large an
        area or too many results kept, 429 for too many jobs at once or too much that all visitors
        keep, 507 for a full disk.
        """
        self._check_area(request, client)
        id = str(uuid.uuid4())
        with self.database.transaction():
            self._check_listed(client)
            done = self.is_finished(request.key)
            if not done:
                self._check_waiting(client)
                self._check_kept(client)
                self._check_room()
            self._add(id, request, client, callback, done)
        job = self.find(id, client.name)
        assert job is not None
        return job

    def _add(
        self, id: str, request: JobRequest, client: Client, callback: str | None, done: bool
    ) -> None:
        now, visits = time.time(), not client.trusted
        size = self.database.row("SELECT MAX(bytes) AS bytes FROM jobs WHERE key = ?", request.key)
        self.database.execute(
            ADD,
            id=id,
            client=client.name,
            visitor=visits,
            share=VISITORS if visits else client.name,
            process=request.process,
            key=request.key,
            asked=request.dumps(),
            status=Status.SUCCESSFUL if done else Status.ACCEPTED,
            message="was computed before" if done else "waits",
            now=now,
            done=now if done else None,
            bytes=(size and size["bytes"]) or 0 if done else 0,
            callback=callback,
        )

    def _check_area(self, request: JobRequest, client: Client) -> None:
        visits = not client.trusted
        limit = self.settings.visitor_area_km2 if visits else self.settings.area_km2
        if request.area_m2 > limit * 1e6:
            raise Problem(
                413,
                f"area: {request.area_m2 / 1e6:,.2f} km2, where {limit:,g} km2 a job are allowed;"
                f" ask for a smaller one{', or with a key' if visits else ', or for parts of it'}",
            )

    def _check_waiting(self, client: Client) -> None:
        visits = not client.trusted
        limit = self.settings.jobs_a_visitor if visits else self.settings.jobs_a_client
        rows = self.database.rows(
            "SELECT seconds_left FROM jobs WHERE client = ? AND status IN ('accepted', 'running')",
            client.name,
        )
        if len(rows) >= limit:
            left = min((row["seconds_left"] or RETRY_S for row in rows), default=RETRY_S)
            raise _too_many(
                f"you have {len(rows)} jobs that wait or run, of {limit} allowed; wait for one, or"
                " dismiss one by DELETE /jobs/{id}",
                left,
            )
        waiting = self.database.row(
            "SELECT COUNT(*) AS n FROM jobs WHERE visitor AND status = 'accepted'"
        )
        if visits and waiting and waiting["n"] >= MOST_VISITORS:
            raise _too_many("the queue of visitors is full; try later, or with a key", RETRY_S)

    def _check_listed(self, client: Client) -> None:
        row = self.database.row("SELECT COUNT(*) AS n FROM jobs WHERE client = ?", client.name)
        if row and row["n"] >= MOST_KEPT:
            raise _too_many(
                f"{row['n']:,} of your jobs are listed, and no more may be; remove some by"
                " DELETE /jobs/{id}",
                RETRY_S,
            )

    def _check_kept(self, client: Client) -> None:
        visits = not client.trusted
        limit = self.settings.visitor_storage_gb if visits else self.settings.storage_gb
        row = self.database.row(KEPT, client.name)
        if row and row["bytes"] >= limit * 1e9:
            raise Problem(
                413,
                f"your results take {row['bytes'] / 1e9:,.1f} GB, and {limit:g} GB are kept; remove"
                " some by DELETE /jobs/{id}, or wait until they expire",
            )
        if visits:
            self._check_kept_by_visitors()

    def _check_kept_by_visitors(self) -> None:
        """A new cookie costs nothing, so what one visitor may keep bounds no disk."""
        row = self.database.row(KEPT_BY_VISITORS)
        if row and row["bytes"] >= self.settings.visitors_storage_gb * 1e9:
            until = row["oldest"] + self.settings.visitor_result_days * DAY_S
            raise _too_many(
                "there is no room for more results of visitors; ask with a key, or later, when"
                " others have expired",
                max(RETRY_S, until - time.time()),
            )

    def has_room(self) -> bool:
        """Whether the disk has the room that the settings want."""
        try:
            free = shutil.disk_usage(self.settings.state).free
        except OSError:
            return False
        return free >= 1e9 * self.settings.room_gb

    def _check_room(self) -> None:
        if not self.has_room():
            raise Problem(507, "the service has no room for results; its operator must make some")

    def find(self, id: str, client_name: str) -> Job | None:
        """A client's job; None if there is none, or if it is another's."""
        row = self.database.row("SELECT * FROM jobs WHERE id = ? AND client = ?", id, client_name)
        return None if row is None else job_of(row)

    def find_without_inputs(self, id: str, client_name: str) -> Job | None:
        """A client's job without the inputs of its request, which may be large; None as `find`."""
        statement = f"SELECT {SMALL_COLUMNS} FROM jobs WHERE id = ? AND client = ?"
        row = self.database.row(statement, id, client_name)
        return None if row is None else job_of(row)

    def many(self, ids: Iterable[str]) -> dict[str, Job]:
        """Jobs by id without inputs. The caller has checked that they are the client's."""
        every = tuple(ids)
        marks = ",".join("?" * len(every))
        rows = self.database.rows(f"SELECT {SMALL_COLUMNS} FROM jobs WHERE id IN ({marks})", *every)
        return {row["id"]: job_of(row) for row in rows}

    def list(
        self,
        client_name: str,
        processes: Iterable[str] = (),
        statuses: Iterable[str] = (),
        created: tuple[float | None, float | None] = (None, None),
        seconds: tuple[float | None, float | None] = (None, None),
        before: int | None = None,
        limit: int = NEWEST,
    ) -> list[Job]:
        """A client's jobs that pass all filters, without inputs, the newest first.

        created: from when to when [s since 1970]; seconds: from how short to how long they run, or
        ran; before: whose number is smaller (`Job.number` of the last one listed).
        """
        clauses, values = ["client = :client"], {"client": client_name, "now": time.time()}
        for name, words in (("process", tuple(processes)), ("status", tuple(statuses))):
            if words:
                marks = [f":{name}{i}" for i in range(len(words))]
                clauses.append(f"{name} IN ({','.join(marks)})")
                values |= {f"{name}{i}": word for i, word in enumerate(words)}
        for clause, name, value in (
            ("created >= :since", "since", created[0]),
            ("created <= :until", "until", created[1]),
            (f"{SECONDS} >= :least", "least", seconds[0]),
            (f"{SECONDS} <= :most", "most", seconds[1]),
            ("number < :before", "before", before),
        ):
            if value is not None:
                clauses.append(clause)
                values[name] = value
        statement = f"SELECT {SMALL_COLUMNS} FROM jobs WHERE {' AND '.join(clauses)}"
        statement += " ORDER BY number DESC LIMIT :limit"
        return [job_of(row) for row in self.database.rows(statement, limit=limit, **values)]

    def dismiss(self, id: str, client_name: str) -> Job | None:
        """Stop a client's job, or remove a finished one from the list, with its results if no other
        job has them. Returns the job as it is now; None as `find`."""
        with self.database.transaction():
            job = self.find_without_inputs(id, client_name)
            if job is None:
                return None
            now = time.time()
            if not job.status.final:
                self.database.execute(
                    "UPDATE jobs SET status = 'dismissed', message = 'dismissed', finished = ?,"
                    " updated = ?, seconds_left = NULL, to_tell = NULL, asked = '' WHERE id = ?",
                    now, now, id,
                )  # fmt: skip
            else:
                self.database.execute("DELETE FROM jobs WHERE id = ? AND worker IS NULL", id)
            self.discard_result(job.request.key)
        return replace(
            job,
            status=Status.DISMISSED,
            message="dismissed",
            finished=job.finished or as_text(now),
            updated=as_text(now),
            seconds_left=None,
        )

    def folder(self, job: Job) -> Path:
        """The folder of a job's result."""
        return self.folder_of(job.request.key)

    def counts(self) -> dict[str, int]:
        """Number of jobs by status."""
        rows = self.database.rows("SELECT status, COUNT(*) AS n FROM jobs GROUP BY status")
        return {status.value: 0 for status in Status} | {row["status"]: row["n"] for row in rows}


def _too_many(detail: str, seconds: float) -> Problem:
    return Problem(429, detail, headers={"Retry-After": str(max(1, round(seconds)))})
