"""A job: one row of the table of jobs."""

from dataclasses import dataclass
from enum import StrEnum

from service.processes.order import Order


class Status(StrEnum):
    """Where a job is, in the words of OGC API - Processes."""

    ACCEPTED = "accepted"
    RUNNING = "running"
    SUCCESSFUL = "successful"
    FAILED = "failed"
    DISMISSED = "dismissed"

    @property
    def final(self) -> bool:
        """Whether nothing more happens to it."""
        return self not in (Status.ACCEPTED, Status.RUNNING)


@dataclass(frozen=True)
class Job:
    """What is known of a job. client: the name of whose it is; created, started, finished,
    updated: UTC as ISO 8601; blocks_*: of all stages; seconds_left: None if not known."""

    id: str
    client: str
    visitor: bool
    order: Order
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
    callback: str | None = None  # JSON: successUri, failedUri, inProgressUri

    @property
    def progress(self) -> int:
        """Per cent; 100 only when it is done."""
        if self.status is Status.SUCCESSFUL:
            return 100
        return min(99, 100 * self.blocks_done // self.blocks_planned) if self.blocks_planned else 0
