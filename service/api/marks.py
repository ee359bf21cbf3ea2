"""Marks of citizens over HTTP: made, seen, moderated, deleted, and as restrictions for a run.

No name or address is asked for: a mark is tied to the random cookie of a visitor, or to a key.
"""

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Body, Depends, Path, Query, Request, Response
from fastapi.responses import JSONResponse

from pipeline.errors import InputError
from service.api.access import ClientDep
from service.api.answers import Responses, Router, address, faults
from service.api.marks_bodies import (
    Correction,
    Feature,
    Features,
    Forgotten,
    Moderation,
    Placed,
    Restrictions,
    Retention,
    Wish,
)
from service.api.query import WRITTEN
from service.api.service import Service, ServiceDep
from service.core.keys import Client
from service.core.links import GEOJSON, link
from service.core.problem import Problem, no_such
from service.marks import geojson as marks_geojson
from service.marks.table import WORLD, Box, Mark, MarkQuery, MarkStatus, Target

FAULTS = {
    400: "What was sent is not accepted",
    403: "Not allowed to this client",
    404: "There is none, or this service takes no marks",
    413: "Too large",
    415: "Not JSON",
    429: "Too many marks or requests",
}


def _faults(*statuses: int) -> Responses:
    """Answers that are no success, for the OpenAPI document."""
    return faults(400, 404, *statuses, meanings=FAULTS)


class GeoJSON(JSONResponse):
    """GeoJSON of RFC 7946."""

    media_type = GEOJSON


async def _open(service: ServiceDep, response: Response) -> None:
    """Raises Problem 404 where no marks are taken; what is deleted must stay in no cache."""
    if not service.settings.marks:
        raise Problem(404, "this service takes no marks (its setting `marks` is off)")
    response.headers["Cache-Control"] = "no-store"


router = Router(tags=["marks"], dependencies=[Depends(_open)])

NUMBER = r"-?\d{1,3}(\.\d{1,12})?"
BoxText = Annotated[
    str | None,
    Query(
        pattern=f"^{NUMBER}(,{NUMBER}){{3}}$",
        max_length=80,
        description="west,south,east,north in degrees, west at most east and south at most north; a"
        " mark counts by the rectangle around it",
    ),
]
CollectionName = Annotated[str | None, Query(min_length=1, max_length=100, pattern=WRITTEN)]
Id = Annotated[str, Path(pattern="^[A-Za-z0-9_-]+$", max_length=64)]


@router.post(
    "/marks",
    status_code=201,
    response_class=GeoJSON,
    responses=_faults(413, 415),
    summary="Mark a roof, a place or an area",
)
def make(
    new: Annotated[Wish | Correction, Body(discriminator="kind")],
    service: ServiceDep,
    client: ClientDep,
    request: Request,
    response: Response,
) -> Feature:
    """A mark of one's own. It is shown to others once an operator has approved it."""
    reason, target = marks_geojson.clean_text(new.reason), _target(new, service, client)
    mark = service.marks.add(
        client.name, new.kind, new.what, reason, target, limited=not client.operator
    )
    response.headers["Location"] = address(request, service.settings, f"marks/{mark.id}")
    return _feature(mark, service, client)


def _target(new: Placed, service: Service, client: Client) -> Target:
    given = tuple(part is not None for part in (new.collection, new.row, new.geometry))
    if given not in ((True, True, False), (False, False, True)):
        raise InputError("mark", remedy="give either `collection` and `row`, or `geometry`")
    if new.geometry is not None:
        return marks_geojson.ground(new.geometry.model_dump())
    collection = service.collection(str(new.collection), client)
    target = marks_geojson.roof(collection, int(new.row or 0), service.settings.state)
    if target is None:
        raise no_such(f"row {new.row} of collection {collection.name}")
    return target


@router.get(
    "/marks",
    response_class=GeoJSON,
    responses=_faults(),
    summary="Marks: those that are published, and one's own",
)
def several(
    service: ServiceDep,
    client: ClientDep,
    request: Request,
    bbox: BoxText = None,
    status: MarkStatus | None = None,
    collection: CollectionName = None,
    mine: bool = False,
    limit: Annotated[int, Query(ge=1, le=5_000)] = 1000,
    after: Annotated[int, Query(ge=0, le=2**53, description="as the link `next` has it")] = 0,
) -> Features:
    """The published marks and those of the client, an operator's with all; oldest first."""
    box = _box(bbox)
    wanted = MarkQuery(client.name, client.operator, status, collection, mine, box, after)
    marks = service.marks.list(wanted, limit + 1)
    page = marks[:limit]
    query = {"bbox": bbox, "status": status, "collection": collection, "limit": limit}
    query |= {"mine": "true" if mine else None}
    here = address(request, service.settings, "marks")
    last = page[-1].number if len(marks) > limit else None
    return Features(
        features=[_feature(mark, service, client) for mark in page],
        numberMatched=service.marks.count(wanted),
        numberReturned=len(page),
        links=_links(here, query, after, last),
        retention=_retention(service),
    )


@router.delete(
    "/marks", responses=_faults(), summary="Forget me: all marks of this client are deleted"
)
def forget(service: ServiceDep, client: ClientDep) -> Forgotten:
    """Delete all marks that the client's cookie or key has made, published ones as well."""
    return Forgotten(deleted=service.marks.forget(client.name))


@router.get(
    "/marks/restrictions",
    response_class=GeoJSON,
    responses=_faults(),
    summary="Published marks as restrictions of a run",
)
def restrictions(
    service: ServiceDep, bbox: BoxText = None, collection: CollectionName = None
) -> Restrictions:
    """The published marks that are no chances, as `daklaag run --restrictions` and the input
    `restrictions` of the process `suitability` read them."""
    wanted = MarkQuery(status=MarkStatus.APPROVED, collection=collection, box=_box(bbox))
    features = marks_geojson.restrictions(service.marks.list(wanted))
    return Restrictions.model_validate(features)


@router.get("/marks/{id}", response_class=GeoJSON, responses=_faults(), summary="A mark")
def one(id: Id, service: ServiceDep, client: ClientDep) -> Feature:
    """A mark that is published or one's own."""
    return _feature(_seen(id, service, client), service, client)


@router.patch(
    "/marks/{id}",
    response_class=GeoJSON,
    responses=_faults(403, 413, 415),
    summary="Publish or refuse a mark (operators)",
)
def moderate(id: Id, decision: Moderation, service: ServiceDep, client: ClientDep) -> Feature:
    """Publish a mark, with its reason or without it, refuse it, or let it wait again."""
    if not client.operator:
        raise Problem(403, "only an operator's key moderates marks")
    if not service.marks.moderate(id, decision.status, decision.with_text):
        raise no_such(f"mark {id}")
    return _feature(_seen(id, service, client), service, client)


@router.delete("/marks/{id}", status_code=204, responses=_faults(403), summary="Delete a mark")
def delete(id: Id, service: ServiceDep, client: ClientDep) -> None:
    """Delete one's own mark, or as an operator any: nothing of it is kept."""
    mark = _seen(id, service, client)
    if mark.client != client.name and not client.operator:
        raise Problem(403, "only who made a mark deletes it, or an operator")
    service.marks.delete(id)


def _seen(id: str, service: Service, client: Client) -> Mark:
    mark = service.marks.find(id, MarkQuery(client.name, client.operator))
    if mark is None:
        raise no_such(f"mark {id}")
    return mark


def _feature(mark: Mark, service: Service, client: Client) -> Feature:
    feature = marks_geojson.feature(mark, client.name, client.operator)
    feature["properties"]["expires"] = service.marks.expires(mark).date()
    return Feature.model_validate(feature)


def _box(text: str | None) -> Box:
    if text is None:
        return WORLD
    west, south, east, north = (float(number) for number in text.split(","))
    if west > east or south > north:
        raise InputError("bbox", remedy="give west,south,east,north")
    return west, south, east, north


def _links(here: str, query_: dict[str, Any], after: int, last: int | None) -> list[dict[str, str]]:
    """To this page, and to the next if there is one."""
    starts = {"self": after or None} | ({"next": last} if last is not None else {})
    links = []
    for rel, start in starts.items():
        query = {k: v for k, v in (query_ | {"after": start}).items() if v is not None}
        links.append(link(f"{here}?{urlencode(query)}", rel, GEOJSON))
    return links


def _retention(service: Service) -> Retention:
    return Retention(
        approved_days=service.settings.marks_days,
        other_days=service.settings.marks_pending_days,
        deletion="DELETE /marks/{id} deletes a mark of yours, DELETE /marks all of them, at once",
    )
