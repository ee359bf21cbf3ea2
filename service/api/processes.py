"""OGC API - Processes: list, descriptions and execution of processes."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from fastapi import Depends, Header, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from service.api import results
from service.api.access import ClientDep
from service.api.answers import Link, Router, address, check_parameters, faults, nothing_else
from service.api.jobs import StatusInfo
from service.api.limits import Turns, address_of
from service.api.service import Service, ServiceDep
from service.core.keys import Client
from service.core.links import JSON, REL, link
from service.core.problem import OGC, no_such
from service.jobs.callback import checked
from service.jobs.job import Job, status_info
from service.processes import summary
from service.processes.descriptions import DESCRIPTIONS, OFFERED, SYNCHRONOUS, describe, summaries
from service.processes.dispatch import job_request
from service.processes.results import RAW, check_format, read_outputs

router = Router(tags=["processes"])
router.include_router(results.router)

NO_SUCH_PROCESS = f"{OGC}no-such-process"
AT_ONCE = 2  # that are added up, or looked at, at a time; more would only wait for each other
SUMMARIES, ORDERS = Turns(AT_ONCE), Turns(AT_ONCE)
ANSWERS = {
    400: "An input that is unknown or not accepted, and what to give instead",
    404: "There is no such process, or no such collection",
    409: "There is nothing to answer this from",
    413: "The area is larger than is allowed, or the request is",
    429: "Too many jobs, or too many requests from this address",
    503: "Not ready",
    507: "No room for results",
}
ProcessId = Annotated[str, Path(description="of the process")]


class Format(BaseModel):
    """The format of an output: of each there is the one that the process's description tells."""

    mediaType: str | None = None


class Output(BaseModel):
    """How an output is to be given."""

    format: Format | None = None
    transmissionMode: Literal["value", "reference"] | None = None


class Execution(BaseModel):
    """What is asked of a process: `execute` of the standard."""

    inputs: dict[str, Any] = Field({}, description="as the description of the process has them")
    outputs: Annotated[dict[str, Output], Field(max_length=50)] | None = Field(
        None, description="those that are wanted; without it, all"
    )
    response: Literal["raw", "document"] | None = Field(
        None, description="raw: the outputs themselves; default: so if there is one"
    )
    subscriber: dict[str, Any] | None = Field(
        None, description="who is told: successUri, and may be inProgressUri, failedUri"
    )


class ProcessSummary(BaseModel):
    """A process in few words."""

    id: str
    version: str
    title: str
    description: str
    keywords: list[str]
    jobControlOptions: list[str]
    outputTransmission: list[str]
    links: list[Link]


class Process(ProcessSummary):
    """A process whole."""

    inputs: dict[str, Any]
    outputs: dict[str, Any]


class ProcessList(BaseModel):
    """The processes that there are."""

    processes: list[ProcessSummary]
    links: list[Link]


@router.get(
    "/processes",
    summary="The processes",
    response_model=ProcessList,
    response_model_exclude_none=True,
    responses=faults(400, meanings=ANSWERS),
)
def processes(
    request: Request, service: ServiceDep, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> dict[str, Any]:
    """What can be computed, in few words each."""
    check_parameters(request, "limit")
    every = [
        described | {"links": _links(request, service, described["id"])}
        for described in summaries(service.sources.can_compute)
    ]
    self = link(address(request, service.settings, "processes"), "self")
    return {"processes": every[:limit], "links": [self]}


@router.get(
    "/processes/{process_id}",
    summary="A process",
    response_model=Process,
    response_model_exclude_none=True,
    responses=faults(400, 404, meanings=ANSWERS),
    dependencies=[Depends(nothing_else)],
)
def process(request: Request, service: ServiceDep, process_id: ProcessId) -> dict[str, Any]:
    """What a process takes and gives."""
    _check_known(process_id, OFFERED[service.sources.can_compute])
    return describe(process_id, service.sources.can_compute) | {
        "links": _links(request, service, process_id)
    }


def _links(request: Request, service: Service, name: str) -> list[dict[str, str]]:
    root = address(request, service.settings, f"processes/{name}")
    return [
        link(root, "self", title="what it takes and gives"),
        link(f"{root}/execution", f"{REL}execute", title="ask it"),
        link(address(request, service.settings, "jobs"), f"{REL}job-list", title="your jobs"),
    ]


@router.post(
    "/processes/{process_id}/execution",
    summary="Ask a process",
    response_class=Response,
    responses={
        **faults(400, 404, 409, 413, 507, meanings=ANSWERS),
        200: {
            "description": "The results, of a process that answers at once",
            "content": {JSON: {"schema": {"type": "object", "additionalProperties": True}}},
        },
        201: {"description": "A job, which `Location` names", "model": StatusInfo},
    },
    dependencies=[Depends(nothing_else)],
)
async def execution(
    request: Request,
    service: ServiceDep,
    client: ClientDep,
    process_id: ProcessId,
    body: Execution,
    prefer: Annotated[str | None, Header(max_length=500)] = None,
) -> Response:
    """Answer at once, or with a job, as the process's jobControlOptions say; `Prefer` is a wish."""
    _check_known(process_id)
    for name, output in (body.outputs or {}).items():
        if output.format and output.format.mediaType:
            check_format(process_id, name, output.format.mediaType)
    sent = {name: output.transmissionMode for name, output in (body.outputs or {}).items()}
    wanted = read_outputs(process_id, sent, body.response)
    sender = address_of(request.scope)
    if process_id in SYNCHRONOUS:
        answer = await SUMMARIES.run(client, sender, _summarise, service, client, body.inputs)
        if wanted["response"] != RAW:
            answer = f'{{"{summary.ID}":{{"mediaType":"{JSON}","value":{answer}}}}}'
        return Response(answer, media_type=JSON)
    base = address(request, service.settings, "")
    job = await ORDERS.run(client, sender, _submit, service, client, process_id, body, wanted, base)
    headers = {"Location": f"{base}jobs/{job.id}"}
    if "respond-async" in _preferences(prefer):
        headers["Preference-Applied"] = "respond-async"
    return JSONResponse(status_info(job, base), 201, headers)


def _check_known(process_id: str, offered: Iterable[str] = DESCRIPTIONS) -> None:
    if process_id not in offered:
        raise no_such(f"process {process_id} (there is {', '.join(offered)})", NO_SUCH_PROCESS)


def _preferences(header: str | None) -> set[str]:
    """The names in `Prefer` (RFC 7240)."""
    parts = (header or "").replace(";", ",").split(",")
    return {part.partition("=")[0].strip().lower() for part in parts}


def _summarise(service: Service, client: Client, inputs: dict[str, Any]) -> str:
    return summary.summarise(inputs, service.backend, lambda name: service.collection(name, client))


def _submit(
    service: Service,
    client: Client,
    process_id: str,
    body: Execution,
    wanted: dict[str, Any],
    base: str,
) -> Job:
    callback = checked(body.subscriber, service.settings, base)
    return service.jobs.submit(
        job_request(process_id, body.inputs, service.backend, wanted), client, callback
    )
