"""Results of a job: by reference or by value, as one document or each alone."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi import Path as InPath
from fastapi.responses import JSONResponse, RedirectResponse, Response

from pipeline.storage.ledger import REPORT
from service.api.answers import Router, address, faults, nothing_else
from service.api.jobs import JobDep
from service.api.service import Service, ServiceDep
from service.core.faults import Owner
from service.core.links import GEOJSON, JSON
from service.core.problem import OGC, Problem, no_such
from service.jobs.job import Job, Status
from service.processes.results import RAW, VALUE, Result, available, outputs_of

router = Router(tags=["processes"])

# Status and type of a failed job's exception: the codes of OWS that the standard names.
BY_CLIENT, BY_US = (400, "InvalidParameterValue"), (500, "NoApplicableCode")
NOT_READY = f"{OGC}result-not-ready"
MEANINGS = {
    400: "The job failed, by what was asked; or a parameter is unknown",
    404: "There is no such job, or it is not done",
    410: "The results were dismissed, or have expired",
    429: "Too many requests from this address",
    500: "The job failed, by a fault of the service",
}
FAULTS = faults(*MEANINGS, meanings=MEANINGS)
DOCUMENT: dict[str, Any] = {"type": "object", "additionalProperties": True}
SOME_JSON = {JSON: {"schema": DOCUMENT}, GEOJSON: {"schema": DOCUMENT}}
MULTIPART = "multipart/related"
BOUNDARY = "next-result"  # stands in no JSON: json.dumps breaks no lines
OUTPUT = Annotated[str, InPath(pattern=r"^[a-z]{1,30}$", description="by its name")]


@router.get(
    "/jobs/{job_id}/results",
    summary="The results of a job",
    response_class=Response,
    responses={
        **FAULTS,
        200: {
            "description": "A document of all results, or the one that was asked for",
            "content": SOME_JSON | {MULTIPART: {"schema": {"type": "string", "format": "binary"}}},
        },
        204: {"description": "The results that were asked for are where `Link` says"},
    },
    dependencies=[Depends(nothing_else)],
)
def job_results(request: Request, service: ServiceDep, job: JobDep) -> Response:
    """The results in the form that the execution asked for; by reference if nothing was said."""
    folder, base = _folder(job, service), address(request, service.settings, "")
    document = results_of(job, base, folder)
    raw = job.request.wanted.get("response") == RAW
    return raw_of(document) if raw else JSONResponse(document)


@router.get(
    "/jobs/{job_id}/results/{output}",
    summary="One result of a job",
    response_class=Response,
    responses={
        **FAULTS,
        200: {"description": "The result itself, where it is JSON", "content": SOME_JSON},
        307: {"description": "To the file of the result"},
    },
    dependencies=[Depends(nothing_else)],
)
def job_result(request: Request, service: ServiceDep, job: JobDep, output: OUTPUT) -> Response:
    """One result, whatever the execution asked for."""
    folder, every = _folder(job, service), _there(job)
    if output not in every:
        raise no_such(f"result {output} of this job (it has {', '.join(every)})")
    result = every[output]
    if result.file:
        return RedirectResponse(_href(job, output, result, address(request, service.settings, "")))
    return JSONResponse(value_of(output, result, folder), media_type=result.media_type)


def results_of(job: Job, base: str, folder: Path) -> dict[str, Any]:
    """The document of a successful job's results, as the standard's results.yaml has it.

    base: the service's address, as clients know it; folder: of the job's result.
    """
    every = _there(job)
    sent: Mapping[str, str] = job.request.wanted.get("outputs") or dict.fromkeys(every, "")
    return {
        name: _by_value(name, result, folder)
        if sent[name] == VALUE
        else _by_reference(job, name, result, base)
        for name, result in every.items()
        if name in sent
    }


def raw_of(document: dict[str, Any]) -> Response:
    """The results themselves: what is given by reference as links, one value as it is, several
    results of which any is a value as parts of one body (RFC 2387)."""
    links = [
        f'<{result["href"]}>; rel="{name}"; type="{result["type"]}"'
        for name, result in document.items()
        if "href" in result
    ]
    if len(links) == len(document):
        return Response(status_code=204, headers={"Link": ", ".join(links)})
    if len(document) == 1:
        ((_, result),) = document.items()
        return JSONResponse(result["value"], media_type=result["mediaType"])
    parts = [_part(name, result) for name, result in document.items()]
    body = "".join(f"--{BOUNDARY}\r\n{part}\r\n" for part in parts) + f"--{BOUNDARY}--\r\n"
    return Response(body, media_type=f'{MULTIPART}; boundary="{BOUNDARY}"')


def _part(name: str, result: dict[str, Any]) -> str:
    head = f"Content-ID: <{name}>\r\nContent-Type: {result.get('type') or result['mediaType']}\r\n"
    if "href" in result:
        return f"{head}Content-Location: {result['href']}\r\n\r\n"
    return f"{head}\r\n{json.dumps(result['value'], allow_nan=False)}"


def value_of(name: str, result: Result, folder: Path) -> Any:
    """A result of JSON itself."""
    value: Any = json.loads((folder / (result.file or f"{name}.json")).read_bytes())
    return value


def _by_value(name: str, result: Result, folder: Path) -> dict[str, Any]:
    return {"value": value_of(name, result, folder), "mediaType": result.media_type}


def _by_reference(job: Job, name: str, result: Result, base: str) -> dict[str, str]:
    href = _href(job, name, result, base)
    return {"href": href, "type": result.media_type, "title": result.title}


def _href(job: Job, name: str, result: Result, base: str) -> str:
    root = base.rstrip("/")
    if result.file:
        return f"{root}/collections/{job.id}/files/{result.file}"
    return f"{root}/jobs/{job.id}/results/{name}"


def _there(job: Job) -> dict[str, Result]:
    """The results that there are of a job: pictures only of layers that were asked for, parts of
    buildings only by methods that have them."""
    return available(outputs_of(job.request.process), job.request.inputs)


def _folder(job: Job, service: Service) -> Path:
    """Folder of a job's result. Raises Problem with reason and remedy where there is none."""
    if not job.status.final:
        raise Problem(
            404, f"job {job.id} is {job.status}; its results are there when it is done", NOT_READY
        )
    if job.status is Status.FAILED:
        status, kind = BY_CLIENT if job.owner is Owner.CLIENT else BY_US
        raise Problem(status, job.message, kind)
    if job.status is Status.DISMISSED:
        raise Problem(410, f"job {job.id} was dismissed, so it has no results; order it again")
    folder = service.jobs.folder(job)
    if job.expired or not (folder / REPORT).is_file():
        raise Problem(410, f"the results of job {job.id} have expired; order it again")
    return folder
