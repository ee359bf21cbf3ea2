"""Addresses: found by a text, nearest to a place first, each leading to its building."""

import json
from typing import Annotated, Any

import numpy as np
from fastapi import Path as InPath
from fastapi import Query
from fastapi.responses import Response

from pipeline.addresses.matches import AddressMatch, Point
from pipeline.addresses.search import addresses_of, search
from pipeline.grid.crs import DEGREES, RD, lonlat, transformer
from service.api.answers import TEXT, Router, answers, array_schema, faults, object_schema
from service.api.places import BBOX, KEPT, USUAL, Limit, Text
from service.api.service import ServiceDep
from service.core.links import GEOJSON

POINT = r"^\d{1,3}(\.\d{1,15})?,\d{1,2}(\.\d{1,15})?$"
NONE = (
    "this service has no addresses; its operator gives it some with the setting `addresses`, or"
    " fetches them with `daklaag fetch`"
)
PROPERTIES = object_schema(
    "kind name place postcode match buildings",
    kind={"enum": ["address", "street", "postcode", "town"]},
    name=TEXT,
    place=TEXT,
    postcode=TEXT,
    match={"enum": ["exact", "start", "similar"], "description": "of the name with the text"},
    buildings=array_schema(TEXT) | {"description": "ids of BAG, of an address"},
)
ADDRESS = object_schema(
    "type properties geometry",
    type={"const": "Feature"},
    bbox=BBOX,
    geometry={"type": ["object", "null"]},
    properties=PROPERTIES,
)
ADDRESSES = object_schema(
    "type features", type={"const": "FeatureCollection"}, features=array_schema(ADDRESS), hint=TEXT
)
Near = Annotated[
    str | None,
    Query(pattern=POINT, max_length=40, description="lon,lat: of many, the nearest come first"),
]
Building = Annotated[str, InPath(pattern=r"^\d{15,16}$", description="id of BAG")]

router = Router(tags=["places"])


@router.get("/addresses", responses=answers(GEOJSON, ADDRESSES, "The likeliest first") | faults())
def find(service: ServiceDep, q: Text, limit: Limit = USUAL, near: Near = None) -> Response:
    """Addresses, streets, postcodes and places that a text may mean: what has the very name, what
    begins as typed, and only without either what is similar."""
    index = service.addresses
    return _answer(search(index, q, limit, _in_rd(near)) if index else [], known=bool(index))


@router.get(
    "/addresses/{building}",
    responses=answers(GEOJSON, ADDRESSES, "By street and number") | faults(),
)
def of_building(service: ServiceDep, building: Building) -> Response:
    """The addresses of a building; its id may lack the zero before it."""
    index = service.addresses
    return _answer(addresses_of(index, building) if index else [], known=bool(index))


def _in_rd(near: str | None) -> Point | None:
    """A point in RD [m]; None without one that is near enough to the country."""
    if near is None:
        return None
    x, y = transformer(DEGREES, RD).transform(*map(float, near.split(",")))
    return (x, y) if np.isfinite([x, y]).all() else None


def _answer(matches: list[AddressMatch], known: bool) -> Response:
    values: dict[str, Any] = {
        "type": "FeatureCollection",
        "features": [_feature(match) for match in matches],
    } | ({} if known else {"hint": NONE})
    return Response(json.dumps(values), media_type=GEOJSON, headers=KEPT if known else None)


def _feature(match: AddressMatch) -> dict[str, Any]:
    geometry, box = None, {}
    if match.bounds is not None:
        west, south, east, north = (round(edge, 7) for edge in lonlat(match.bounds))
        box = {"bbox": [west, south, east, north]}
        if match.kind == "address":
            geometry = {"type": "Point", "coordinates": [west, south]}
    properties = {name: getattr(match, name) for name in PROPERTIES["required"]}
    return {"type": "Feature", **box, "geometry": geometry, "properties": properties}
