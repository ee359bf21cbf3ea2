"""Landing page, conformance classes, and the OpenAPI document."""

from fastapi import Depends, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from service.api import collections
from service.api.access import ClientDep
from service.api.answers import (
    LINKS,
    TEXT,
    Responses,
    Router,
    address,
    answers,
    array_schema,
    faults,
    nothing_else,
    object_schema,
)
from service.api.formats import HTML
from service.api.openapi import TYPE, describe
from service.api.query import parameters_of
from service.api.service import ServiceDep
from service.core.links import JSON, REL, link

router = Router(tags=["service"])

PROCESSES = "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/"
CONFORMS = tuple(
    PROCESSES + name
    for name in ("core", "ogc-process-description", "json", "job-list", "callback", "dismiss")
)  # fmt: skip
LANDING = object_schema("title links", title=TEXT, description=TEXT, attribution=TEXT, links=LINKS)
CONFORMANCE = object_schema("conformsTo", conformsTo=array_schema(TEXT))
KIND = {"Content-Type": HTML}  # of where a redirection leads
TO_MAP: Responses = {307: {"description": "To the map, for a browser", "content": {HTML: {}}}}


@router.get(
    "/",
    responses=answers(JSON, LANDING, "Where everything is") | TO_MAP | faults(400),
    dependencies=[Depends(nothing_else)],
)
def landing(request: Request, service: ServiceDep) -> Response:
    """Where everything is; a browser is sent to the map."""
    vary = {"Vary": "Accept"}
    f = request.query_params.get("f")
    if f == "html" or (f is None and prefers_html(request.headers.get("accept", ""))):
        return RedirectResponse(address(request, service.settings, "map/"), headers=vary | KIND)
    values = {
        "title": "daklaag",
        "description": "What sun and wind can do on every roof of the Netherlands.",
        "links": _links(request, service),
    }
    return JSONResponse(values, headers=vary)


def _links(request: Request, service: ServiceDep) -> list[dict[str, str]]:
    links = (
        ("", "self", JSON, "this document"),
        ("api", "service-desc", TYPE, "the API as OpenAPI 3.0"),
        ("map/", "alternate", HTML, "the map"),
        ("conformance", "conformance", JSON, "what it conforms to"),
        ("conformance", REL + "conformance", JSON, "what it conforms to"),
        ("collections", "data", JSON, "the judged roofs"),
        ("processes", REL + "processes", JSON, "what can be computed"),
        ("jobs", REL + "job-list", JSON, "your jobs"),
    )
    return [link(address(request, service.settings, path), *rest) for path, *rest in links]


def prefers_html(accept: str) -> bool:
    """Whether HTML is asked for before JSON, as browsers do; `*/*` alone is a program."""
    kinds = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    first = next((kind for kind in kinds if kind in (HTML, "application/xhtml+xml", JSON)), "")
    return first.endswith("html")


@router.get(
    "/conformance",
    responses=answers(JSON, CONFORMANCE, "Classes of OGC API") | faults(400),
    dependencies=[Depends(nothing_else)],
)
def conformance() -> Response:
    """The conformance classes of OGC API that the service keeps to."""
    return JSONResponse({"conformsTo": [*CONFORMS, *collections.CONFORMS]})


@router.get(
    "/api",
    include_in_schema=False,
    responses=answers(TYPE, {}, "The document"),
    dependencies=[Depends(nothing_else)],
)
def api(request: Request, service: ServiceDep, client: ClientDep) -> Response:
    """The document that describes the service, as OpenAPI 3.0, with the client's collections."""
    seen = {each.name: parameters_of(each) for each in collections.seen(service, client)}
    root = request.scope.get("root_path") or ""
    document = describe(request.app, seen) | ({"servers": [{"url": root}]} if root else {})
    headers = {"Cache-Control": "no-cache", "Vary": "Authorization, Cookie"}
    return JSONResponse(document, media_type=TYPE, headers=headers)
