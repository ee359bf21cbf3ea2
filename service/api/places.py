"""Places by name: provinces, municipalities, districts, neighbourhoods and postcodes."""

import json
from pathlib import Path
from typing import Annotated, Any

import shapely
from fastapi import Path as InPath
from fastapi import Query, Request
from fastapi.responses import Response

from pipeline.areas.gazetteer import KnownRegion, Matches, gazetteer
from pipeline.areas.regions import boundary_files, kind_of
from pipeline.errors import InputError
from pipeline.grid.crs import lonlat, to_degrees
from service.api.answers import (
    LINKS,
    TEXT,
    Router,
    address,
    answers,
    array_schema,
    faults,
    object_schema,
)
from service.api.geojson import rounded
from service.api.query import CRS84, WRITTEN
from service.api.service import Service, ServiceDep
from service.core.links import GEOJSON, link
from service.core.problem import no_such
from service.processes.areas import region_of

MOST, USUAL = 50, 10
MOST_POINTS = 5_000  # of an outline for a map; a larger one is made simpler
SIMPLER_M = 10.0  # of the ground; doubled until the outline is small enough
NOBODY = (
    "this service has no boundaries, so it knows no places by name; its operator gives it some with"
    " the setting `boundaries`, or fetches them with `daklaag fetch`"
)
PROPERTIES = object_schema("code name kind", code=TEXT, name=TEXT, kind=TEXT)
BBOX = array_schema({"type": "number"}) | {"minItems": 4, "maxItems": 4}
PLACE = object_schema(
    "type id properties geometry",
    type={"const": "Feature"},
    id=TEXT,
    bbox=BBOX,
    geometry={"type": ["object", "null"]},
    properties=PROPERTIES,
    links=LINKS,
)
PLACES = object_schema(
    "type features",
    type={"const": "FeatureCollection"},
    features=array_schema(PLACE),
    exact={"type": "integer", "description": "how many of the first have that very name or code"},
    similar={"type": "boolean", "description": "whether they are only similar to the text"},
    hint=TEXT,
)
KEPT = {"Cache-Control": "public, max-age=3600"}

router = Router(tags=["places"])
Text = Annotated[
    str,
    Query(min_length=1, max_length=100, pattern=WRITTEN, description="a part of a name, or a code"),
]
Limit = Annotated[int, Query(ge=1, le=MOST)]
Code = Annotated[str, InPath(pattern=r"^[A-Za-z0-9]{1,20}$", description="GM0363, PV27, 1012 ...")]


@router.get("/places", responses=answers(GEOJSON, PLACES, "The likeliest first") | faults())
def places(request: Request, service: ServiceDep, q: Text, limit: Limit = USUAL) -> Response:
    """Places that a text may mean, with the rectangle around each and without outlines."""
    files = _files(service)
    matches = gazetteer(files).search(q, limit) if files else Matches([], 0, False)
    values = {
        "type": "FeatureCollection",
        "features": [_feature(request, service, known) for known in matches.regions],
        "exact": matches.exact,
        "similar": matches.similar,
    } | ({} if files else {"hint": NOBODY})
    return Response(json.dumps(values), media_type=GEOJSON, headers=KEPT if files else None)


@router.get("/places/{code}", responses=answers(GEOJSON, PLACE, "With its outline") | faults(404))
def place(request: Request, service: ServiceDep, code: Code) -> Response:
    """A place by its code, with its outline; a large one is made simpler (`simplified_m`)."""
    files = _files(service)
    of = code.upper()
    likeliest = gazetteer(files).search(of, 1).regions
    known = next((one for one in likeliest if one.region.code == of), None)
    if known is None:
        raise no_such(f"place {code}" if files else f"place {code} ({NOBODY})")
    outline, tolerance = simpler(region_of(of, [str(file) for file in files]).geometry)
    feature = _feature(request, service, known)
    feature["geometry"] = json.loads(shapely.to_geojson(rounded(to_degrees(outline), CRS84)))
    if tolerance:
        feature["properties"]["simplified_m"] = tolerance
    return Response(json.dumps(feature), media_type=GEOJSON, headers=KEPT)


def simpler(outline: shapely.Geometry) -> tuple[shapely.Geometry, float]:
    """An outline of at most MOST_POINTS or so, and by how much it was made simpler [m]."""
    tolerance, simplified = 0.0, outline
    while shapely.get_num_coordinates(simplified) > MOST_POINTS and tolerance < 1000:
        tolerance = 2 * tolerance or SIMPLER_M
        simplified = shapely.simplify(outline, tolerance)
    return simplified, tolerance


def warm(service: Service) -> None:
    """Read the boundaries, so that the first search does not wait."""
    gazetteer(_files(service))


def _files(service: Service) -> list[Path]:
    """The files of boundaries; none where there are none, or where they are gone."""
    try:
        return boundary_files(service.sources.boundaries)
    except InputError:
        return []


def _feature(request: Request, service: Service, known: KnownRegion) -> dict[str, Any]:
    region = known.region
    here = address(request, service.settings, f"places/{region.code}")
    box = {"bbox": [round(edge, 6) for edge in lonlat(known.bounds)]} if known.bounds else {}
    return {
        "type": "Feature",
        "id": region.code,
        **box,
        "geometry": None,
        "properties": {"code": region.code, "name": region.name, "kind": kind_of(region.code)},
        "links": [link(here, "self", GEOJSON)],
    }
