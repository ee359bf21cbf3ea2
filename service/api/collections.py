"""Finished runs as OGC API - Features: collections, pages of buildings, a building."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlencode

import numpy as np
from fastapi import APIRouter, Depends, Request
from fastapi import Path as InPath
from fastapi.responses import JSONResponse, Response

from pipeline.crs import lonlat
from pipeline.features import Features
from pipeline.printed import attributions, sun_times
from service.api import files
from service.api.access import Asking
from service.api.answers import (
    Asked,
    address,
    answers,
    check_parameters,
    faults,
    keeping,
    nothing_else,
)
from service.api.geojson import COLLECTION, COLLECTIONS, FEATURE, PAGE, features_of
from service.api.query import CRS84, MOST, RD_CRS, parameters, query_of
from service.api.state import Here
from service.catalogue import Collection
from service.clients import Client
from service.exports import building_of
from service.jobs.job import Status
from service.links import GEOJSON, JSON, SCHEMA_JSON, link
from service.mapconfig import title_of
from service.problem import Problem, no_such
from service.service import Service

CONFORMS = (
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-common-2/1.0/conf/collections",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
    "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/crs",
)
CRSS = [CRS84, RD_CRS]
ROW = Annotated[int, InPath(ge=0, le=2**40, description="of the building, as in the input")]
TYPES = {"int64": "integer", "double": "number", "bool": "boolean"}

router = APIRouter(tags=["collections"])
router.include_router(files.router)


@router.get(
    "/collections",
    responses=answers(JSON, COLLECTIONS, "The runs that are shown, and the client's own results")
    | faults(400),
    dependencies=[Depends(nothing_else)],
)
def collections(request: Request, service: Here, client: Asking) -> JSONResponse:
    """The finished runs that there are."""
    found = [*service.shown.values(), *_own(service, client)]
    here = address(request, service.settings, "collections")
    told = [_told(request, service, each) for each in found]
    headers = {"Cache-Control": "no-cache", "Vary": "Authorization, Cookie"}
    return JSONResponse({"collections": told, "links": [link(here, "self")]}, headers=headers)


@router.get(
    "/collections/{name}",
    responses=answers(JSON, COLLECTION, "What it is and where it lies") | faults(400, 404),
    dependencies=[Depends(nothing_else)],
)
def collection(request: Request, service: Here, asked: Asked) -> JSONResponse:
    """A finished run."""
    return JSONResponse(_told(request, service, asked), headers=keeping(asked))


@router.get(
    "/collections/{name}/schema",
    responses=answers(SCHEMA_JSON, {"type": "object"}, "JSON Schema of a building")
    | faults(400, 404),
    dependencies=[Depends(nothing_else)],
)
def schema(request: Request, service: Here, asked: Asked) -> Response:
    """What a building of the run has, as JSON Schema."""
    flat = Features.of(asked.place).at(np.empty(0, np.int64)).schema
    declared: dict[str, Any] = {
        field.name: {"type": TYPES.get(str(field.type), "string")}
        for field in flat
        if field.name != "geometry"
    }
    declared["row"] |= {"x-ogc-role": "id"}
    declared["geometry"] = {"x-ogc-role": "primary-geometry", "format": "geometry-any"}
    said = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": _below(request, service, asked, "schema"),
        "type": "object",
        "title": asked.name,
        "properties": declared,
    }
    return Response(json.dumps(said), media_type=SCHEMA_JSON, headers=keeping(asked))


@router.get(
    "/collections/{name}/items",
    responses=answers(GEOJSON, PAGE, "A page of buildings") | faults(400, 404),
    openapi_extra={"parameters": parameters()},
)
def items(request: Request, service: Here, asked: Asked) -> Response:
    """Buildings, a page at a time: those that touch a rectangle, or whose columns hold a value.

    A page may hold fewer than `limit` although there is a `next` link. `numberMatched` is said
    where nothing is left out, or all stand on the first page.
    """
    query = query_of(request)
    page = Features.of(asked.place).page(query.wanted, query.cursor, min(query.limit, MOST))
    here = _below(request, service, asked, "items")
    given = dict(request.query_params)
    links = [link(_with(here, given), "self", GEOJSON)]
    links.append(link(_below(request, service, asked), "collection"))
    if page.next is not None:
        links.append(link(_with(here, given | {"cursor": str(page.next)}), "next", GEOJSON))
    said: dict[str, Any] = {"type": "FeatureCollection", "numberReturned": len(page.rows)}
    if page.matched is not None:
        said["numberMatched"] = page.matched
    said |= {"timeStamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "links": links}
    features = ",".join(features_of(page.rows, query.crs))
    return _geojson(f'{json.dumps(said)[:-1]}, "features": [{features}]}}', query.crs, asked)


@router.get(
    "/collections/{name}/items/{row}",
    responses=answers(GEOJSON, FEATURE, "A building") | faults(400, 404, 507),
    openapi_extra={"parameters": [one for one in parameters() if one["name"] == "crs"]},
)
def item(request: Request, service: Here, asked: Asked, row: ROW) -> Response:
    """The building of a row."""
    check_parameters(request, "crs")
    crs = query_of(request).crs
    found = building_of(service.settings.state, asked, row)
    if found is None:
        raise no_such(f"building {row}")
    (text,) = features_of(found, crs)
    here = _below(request, service, asked, f"items/{row}")
    here += f"?{request.url.query}" if request.url.query else ""
    links = [link(here, "self", GEOJSON), link(_below(request, service, asked), "collection")]
    return _geojson(f'{text[:-1]}, "links": {json.dumps(links)}}}', crs, asked)


def _geojson(text: str, crs: str, asked: Collection) -> Response:
    headers = {"Content-Crs": f"<{crs}>", **keeping(asked)}
    return Response(text, media_type=GEOJSON, headers=headers)


def _own(service: Service, client: Client) -> list[Collection]:
    """The results of the client's own jobs, as long as they are kept."""
    found = []
    for job in service.jobs.list(client.name):
        if job.status is Status.SUCCESSFUL:
            try:
                found.append(service.collection(job.id, client))
            except Problem:  # expired, or none that is a run
                continue
    return found


def _told(request: Request, service: Service, asked: Collection) -> dict[str, Any]:
    """What is said of a collection."""
    report = asked.report
    method = report["method"]
    said: dict[str, Any] = {
        "id": asked.name,
        "title": title_of(asked),
        "description": f"Roofs judged for sun and wind by {method['name']}, on"
        f" {method['parameters'].get('date', '')} at {', '.join(sun_times(report))}",
        "attribution": "; ".join(attributions(report["inputs"])),
        "itemType": "feature",
        "crs": CRSS,
        "storageCrs": RD_CRS,
        "links": _links(request, service, asked),
    }
    bounds = Features.of(asked.place).bounds
    if bounds is not None:
        said["extent"] = {"spatial": {"bbox": [lonlat(bounds)], "crs": CRS84}}
    return said


def _links(request: Request, service: Service, asked: Collection) -> list[dict[str, str]]:
    """Where its parts are."""
    columns = _below(request, service, asked, "schema")
    parts = [
        link(_below(request, service, asked), "self"),
        link(_below(request, service, asked, "items"), "items", GEOJSON, "the buildings"),
        link(columns, "describedby", SCHEMA_JSON, "their columns"),
    ]
    stored = [
        link(_below(request, service, asked, f"files/{name}"), "enclosure", media_type, name)
        for name, media_type in files.offered(asked).items()
    ]
    return [*parts, *stored]


def _below(request: Request, service: Service, asked: Collection, path: str = "") -> str:
    parts = ["collections", asked.name, *([path] if path else [])]
    return address(request, service.settings, "/".join(parts))


def _with(here: str, given: Mapping[str, str]) -> str:
    return f"{here}?{urlencode(given, safe=':/,')}" if given else here
