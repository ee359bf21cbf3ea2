"""Jobs: a client's list of them, how one is, its events as they come, and an end to it."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import Depends, Header, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field
from sse_starlette import EventSourceResponse
from starlette.types import Receive, Scope, Send

from service.api.access import ClientDep
from service.api.answers import TEXT, Link, Router, address, faults, nothing_else, object_schema
from service.api.formats import FORMAT
from service.api.limits import address_of, network_of
from service.api.query import TIMES, WRITTEN, moment
from service.api.service import ServiceDep
from service.core.links import link
from service.core.problem import OGC, no_such
from service.jobs.job import Job, Status, status_info
from service.jobs.watch import LOOK_S, Shares, Watch, shares_of

router = Router(tags=["jobs"])
NO_SUCH_JOB = f"{OGC}no-such-job"
MOST, USUAL = 1000, 100  # jobs a page
TOLD = timedelta(microseconds=999)  # less than which two moments look the same
PING_S = 15  # between comments that keep a stream open
STATUSES = "accepted|running|successful|failed|dismissed"
# Of each event, as clients parse them.
EVENT = object_schema(
    "event id data",
    event={"type": "string", "enum": ["status"]},
    id=TEXT | {"description": "when the job changed; Last-Event-ID takes it"},
    data=TEXT | {"description": "a statusInfo as JSON"},
)


class StatusInfo(BaseModel):
    """How a job is."""

    processID: str
    type: Literal["process"]
    jobID: str
    id: str
    status: Status
    message: str
    progress: int = Field(ge=0, le=100, description="per cent; never goes backwards")
    created: str = Field(json_schema_extra={"format": "date-time"})
    started: str | None = Field(None, json_schema_extra={"format": "date-time"})
    finished: str | None = Field(None, json_schema_extra={"format": "date-time"})
    updated: str = Field(json_schema_extra={"format": "date-time"})
    blocks_done: int = Field(ge=0, description="shards finished, over both passes")
    blocks_planned: int = Field(ge=0, description="shards in all; 0 as long as it is not known")
    seconds_left: float | None = Field(description="null as long as it is not known")
    links: list[Link]


class JobList(BaseModel):
    """A page of a client's jobs, the newest first."""

    jobs: list[StatusInfo]
    links: list[Link]


class JobQuery(BaseModel):
    """What is asked of the list."""

    model_config = ConfigDict(extra="forbid")

    type: list[Literal["process"]] = []
    processID: list[Annotated[str, Field(max_length=500, pattern=WRITTEN)]] = Field(
        [], max_length=20
    )
    status: list[Annotated[str, Field(pattern=rf"^({STATUSES})(,({STATUSES})){{0,4}}$")]] = Field(
        [], max_length=20
    )
    datetime: str | None = Field(
        None, pattern=TIMES, max_length=100, description="created then: an instant or an interval"
    )
    minDuration: int | None = Field(None, ge=0, le=10**9, description="seconds")
    maxDuration: int | None = Field(None, ge=0, le=10**9, description="seconds")
    limit: int = Field(USUAL, ge=1, le=MOST)
    f: Literal["json"] | None = Field(None, description=FORMAT)
    before: int | None = Field(None, ge=0, le=2**53, description="from a `next` link")


JobId = Annotated[str, Path(description="of the job")]


def own_job(job_id: JobId, service: ServiceDep, client: ClientDep) -> Job:
    """The client's job of an id. Raises Problem 404 for none, and for another's."""
    return _known(service.jobs.find(job_id, client.name), job_id)


def glanced_at(job_id: JobId, service: ServiceDep, client: ClientDep) -> Job:
    """A client's job without the inputs of its request, which may be large."""
    return _known(service.jobs.find_without_inputs(job_id, client.name), job_id)


def _known(job: Job | None, job_id: str) -> Job:
    if job is None:
        raise no_such(f"job {job_id}", NO_SUCH_JOB)
    return job


JobDep = Annotated[Job, Depends(own_job)]
JobSummaryDep = Annotated[Job, Depends(glanced_at)]


@router.get(
    "/jobs",
    summary="Your jobs",
    response_model=JobList,
    response_model_exclude_unset=True,
    responses=faults(400),
)
def list_jobs(
    request: Request, service: ServiceDep, client: ClientDep, query: Annotated[JobQuery, Query()]
) -> dict[str, Any]:
    """A client's own jobs, the newest first; with `next` where there are more."""
    jobs = service.jobs.list(
        client.name,
        processes=_split(query.processID),
        statuses=_split(query.status),
        created=_interval(query.datetime),
        seconds=(query.minDuration, query.maxDuration),
        before=query.before,
        limit=query.limit + 1,
    )
    page, base = jobs[: query.limit], address(request, service.settings, "")
    query_string = f"?{request.url.query}" if request.url.query else ""
    links = [link(f"{base}jobs{query_string}", "self")]
    if len(jobs) > len(page):
        given = query.model_dump(exclude_unset=True) | {"before": page[-1].number}
        links.append(link(f"{base}jobs?{urlencode(given, doseq=True)}", "next"))
    return {"jobs": [status_info(job, base) for job in page], "links": links}


def _split(words: list[str]) -> list[str]:
    """Parameters may be repeated, or be one with commas."""
    return [word for given in words for word in given.split(",")]


def _interval(text: str | None) -> tuple[float | None, float | None]:
    """From when to when [s since 1970]; a day is all of it, an instant without a fraction its
    second, unless it is the end of an interval."""
    if text is None:
        return None, None
    first, slash, last = text.partition("/")
    since, until = _moment(first), _moment(last if slash else first, bool(slash))
    return since and since[0], until and until[1]


def _moment(text: str, ends: bool = False) -> tuple[float, float] | None:
    """Where a day or an instant begins and ends [s since 1970]; None for an open end."""
    if text in ("", ".."):
        return None
    begins = moment(text)
    if len(text) == len("2026-01-31"):
        lasts = timedelta(days=1)
    else:
        lasts = TOLD if ends or begins.microsecond else timedelta(seconds=1)
    return begins.timestamp(), (begins + lasts).timestamp()


A_STATUS: dict[str, Any] = {
    "response_model": StatusInfo,
    "response_model_exclude_unset": True,
    "responses": faults(400, 404),
    "dependencies": [Depends(nothing_else)],
}


@router.get(
    "/jobs/{job_id}",
    summary="How a job is",
    **A_STATUS,
)
def job_status(request: Request, service: ServiceDep, job: JobSummaryDep) -> dict[str, Any]:
    """How a job is; its own client is told, and nobody else."""
    return status_info(job, address(request, service.settings, ""))


@router.delete(
    "/jobs/{job_id}",
    summary="Dismiss a job",
    **A_STATUS,
)
def dismiss(
    request: Request, service: ServiceDep, client: ClientDep, job_id: JobId
) -> dict[str, Any]:
    """Stop a job, or take one that has ended off the list, with its results."""
    job = _known(service.jobs.dismiss(job_id, client.name), job_id)
    return status_info(job, address(request, service.settings, ""))


class _Stream(EventSourceResponse):
    """Events of a job that is looked at; no longer when it is over, however that came."""

    def __init__(self, watch: Watch, job: Job, shares: Shares, base: str) -> None:
        super().__init__(_events(watch, job, base), ping=PING_S)
        self.headers["Cache-Control"] = "no-store"
        self._watch, self._job, self._shares = watch, job, shares

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._watch.close(self._job.id, self._shares)


@router.get(
    "/jobs/{job_id}/events",
    summary="The events of a job",
    response_class=Response,
    responses={
        **faults(400, 404),
        200: {
            "description": "Events `status` whose data are a statusInfo; the last one is final",
            "content": {"text/event-stream": {"schema": EVENT}},
        },
        204: {"description": "The last event is known already: do not ask again"},
    },
    dependencies=[Depends(nothing_else)],
)
async def job_events(
    request: Request,
    service: ServiceDep,
    client: ClientDep,
    job: JobSummaryDep,
    last_event_id: Annotated[str | None, Header(max_length=100)] = None,
) -> Response:
    """How a job is, told anew on each change, until it has ended."""
    if job.status.final and last_event_id == job.updated:
        return Response(status_code=204)
    shares = shares_of(client, network_of(address_of(request.scope)))
    service.watch.open(job.id, shares)
    return _Stream(service.watch, job, shares, address(request, service.settings, ""))


async def _events(watch: Watch, job: Job, base: str) -> AsyncIterator[dict[str, str]]:
    sent = None
    while True:
        latest = await run_in_threadpool(watch.latest, job.id)
        if latest is None:  # taken off the list meanwhile
            return
        text = json.dumps(status_info(latest, base))
        if text != sent:
            yield {"event": "status", "id": latest.updated, "data": text}
            sent = text
        if latest.status.final:
            return
        await asyncio.sleep(LOOK_S)
