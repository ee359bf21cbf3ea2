"""A job: one row of the table of jobs."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from service.core.faults import Owner
from service.core.links import REL, link
from service.processes.job_request import JobRequest

# What of a job its status document has by the same name, unless it is None.
SHOWN = ("id", "status", "message", "progress", "created", "started", "finished", "updated",
         "blocks_done", "blocks_planned")  # fmt: skip


class Status(StrEnum):
    """Status of a job, as in OGC API - Processes."""

    ACCEPTED = "accepted"
    RUNNING = "running"
    SUCCESSFUL = "successful"
    FAILED = "failed"
    DISMISSED = "dismissed"

    @property
    def final(self) -> bool:
        """Whether the job has ended."""
        return self not in (Status.ACCEPTED, Status.RUNNING)


@dataclass(frozen=True)
class Job:
    """A job. client: name of its owner; created, started, finished, updated: UTC as ISO 8601;
    blocks_*: over all passes, a block being a shard in a pass; seconds_left: None if unknown;
    percent: the largest so far; owner: of a job that failed, who can mend it;
    attempts: how many workers died of it; expired: its results were removed."""

    id: str
    client: str
    visitor: bool
    request: JobRequest
    status: Status
    message: str
    created: str
    updated: str
    started: str | None = None
    finished: str | None = None
    blocks_done: int = 0
    blocks_planned: int = 0
    seconds_left: float | None = None
    attempts: int = 0
    callback: str | None = None  # JSON, as service.jobs.callback.checked makes it
    percent: int = 0
    expired: bool = False
    owner: Owner | None = None
    number: int = 0  # in the order in which jobs came

    @property
    def progress(self) -> int:
        """Per cent; 100 only when it is done."""
        return 100 if self.status is Status.SUCCESSFUL else min(99, self.percent)


def status_info(job: Job, base: str) -> dict[str, Any]:
    """A job as OGC API - Processes tells it; base: the service's address, as clients know it."""
    here = f"{base.rstrip('/')}/jobs/{job.id}"
    every = f"{base.rstrip('/')}/jobs"
    links = [link(here, "self", title="this job"), link(every, "up", title="your jobs")]
    if not job.status.final:
        links.append(link(f"{here}/events", "monitor", "text/event-stream", "its events"))
    if job.status is Status.SUCCESSFUL and not job.expired:
        links.append(link(f"{here}/results", f"{REL}results", title="its results"))
    fields = {"processID": job.request.process, "type": "process", "jobID": job.id}
    fields |= {name: getattr(job, name) for name in SHOWN}
    known = {name: value for name, value in fields.items() if value is not None}
    return known | {"seconds_left": job.seconds_left, "links": links}
