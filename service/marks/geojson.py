"""Marks as GeoJSON: what is taken in, what is shown, and what a run reads as restrictions."""

import json
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from pipeline.errors import InputError
from pipeline.grid.crs import to_degrees, to_rd
from pipeline.messages import Text
from service.core.catalogue import Collection
from service.core.exports import building_of
from service.marks.table import Mark, MarkStatus, Target

LONGITUDES, LATITUDES = (3.3, 7.3), (50.7, 53.6)  # of the Netherlands [degrees]
MOST_AREA_M2, LEAST_AREA_M2 = 1e6, 1.0
MOST_TEXT = 500  # characters
DIGITS = 9  # of a degree: 0.1 mm, so that a point in a roof stays in it
# They turn the direction of writing round, for the page and the terminal.
TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
WISHES = {"panels": "solar", "turbines": "wind", "both": "both"}
# Of a correction: what, effect, kind.
CORRECTIONS = {
    "existing_panels": ("solar", "exclude", "existing_panels"),
    "terrace": ("both", "exclude", "roof_in_use"),
    "demolished": ("both", "exclude", "other"),
    "tree": ("solar", "flag", "other"),
}


def clean_text(text: str) -> str:
    """A reason as it is kept: what divides words is one space.

    Raises InputError for more than 500 characters, and for those that steer a screen or terminal.
    """
    words = " ".join(text.split())
    if len(words) > MOST_TEXT:
        raise InputError(
            "reason", "has {n:,} characters", "give {most} at most", n=len(words), most=MOST_TEXT
        )
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in words) or TURNING.search(words):
        raise InputError("reason", "has control characters in it", "give plain text")
    return words


def ground(geometry: dict[str, Any]) -> Target:
    """A Point or Polygon, in degrees, as a target.

    Raises InputError for one that is none, beside the Netherlands, or too large.
    """
    try:
        shape = shapely.from_geojson(json.dumps(geometry))
    except (shapely.GEOSException, ValueError):
        raise InputError("geometry", "is no GeoJSON", "give a Point or a Polygon") from None
    if shape is None or shape.geom_type not in ("Point", "Polygon") or shape.is_empty:
        raise InputError("geometry", remedy="give a Point or a Polygon")
    shape = shapely.force_2d(shape)
    check_inside(shape.bounds)
    if not shape.is_valid:
        reason = shapely.is_valid_reason(shape).partition("[")[0].strip().lower()
        raise InputError(
            "geometry", "is no simple polygon ({said})", "draw it without crossings", said=reason
        )
    target = Target(to_rd(shape), shape.bounds, on_roof=False)
    if shape.geom_type == "Polygon":
        _check_area(target.shape.area)
    return target


def check_inside(bounds: tuple[float, ...]) -> None:
    """Raises InputError for bounds beside the Netherlands [degrees]."""
    west, south, east, north = bounds
    (least_x, most_x), (least_y, most_y) = LONGITUDES, LATITUDES
    if not (least_x <= west <= east <= most_x and least_y <= south <= north <= most_y):
        raise InputError(
            "geometry",
            "lies beside the Netherlands",
            "give longitude and latitude in degrees, as [4.9, 52.37]",
        )


def _check_area(area: float) -> None:
    if not LEAST_AREA_M2 <= area <= MOST_AREA_M2:
        raise InputError(
            "geometry",
            "is {area:,.1f} m2",
            "give between {least:.0f} and {most:,.0f} m2",
            area=area,
            least=LEAST_AREA_M2,
            most=MOST_AREA_M2,
        )


def roof(collection: Collection, row: int, state: Path) -> Target | None:
    """A building of a collection, by its row, as a target; None if it has no such row.

    Only a collection that everybody sees is named in it. Raises InputError for a building without
    an outline.
    """
    table = building_of(state, collection, row)
    if table is None:
        return None
    (building,) = table.select(["id", "geometry"]).to_pylist()
    if building["geometry"] is None:
        raise InputError(
            Text("row {row}", row=row),
            "is a building without an outline",
            "mark its place on the map",
        )
    shape = shapely.from_wkb(building["geometry"])
    box = _in_degrees(shape).bounds
    if not np.isfinite(box).all():
        raise InputError(
            Text("row {row}", row=row), "lies beside the Netherlands", "mark its place on the map"
        )
    if collection.client is not None:
        return Target(shape, box, True)
    return Target(shape, box, True, collection.name, row, building["id"])


def feature(mark: Mark, client: str = "", operator: bool = False) -> dict[str, Any]:
    """A mark as a feature, for a client: the reason only for its maker, the operator, or where
    it is published; never whose it is."""
    mine = bool(client) and mark.client == client
    public = mark.status is MarkStatus.APPROVED and mark.text_shown
    return {
        "type": "Feature",
        "id": mark.id,
        "geometry": geometry_of(mark.target.shape),
        "properties": {
            "kind": mark.kind,
            "what": mark.what,
            "reason": mark.reason if mine or operator or public else None,
            "status": mark.status.value,
            "text_shown": mark.text_shown,
            "created": mark.created[:10],
            "mine": mine,
            "collection": mark.target.collection,
            "row": mark.target.row,
            "building": mark.target.building,
        },
    }


def restrictions(marks: Iterable[Mark], whole: bool = False) -> dict[str, Any]:
    """What `daklaag run --restrictions` reads: a roof by a point in it, an area or a point as it
    is. whole: with the reasons that are not published."""
    features = [_restriction(mark, whole) for mark in marks if mark.kind != "chance"]
    return {"type": "FeatureCollection", "features": features}


def _restriction(mark: Mark, whole: bool) -> dict[str, Any]:
    wish = mark.kind == "not_wanted"
    words = (WISHES[mark.what], "exclude", "not_wanted") if wish else CORRECTIONS[mark.what]
    shape = mark.target.shape
    if mark.target.on_roof:
        shape = shapely.point_on_surface(shape)
    columns = dict(zip(("what", "effect", "kind"), words, strict=True))
    return {
        "type": "Feature",
        "geometry": geometry_of(shape),
        "properties": columns
        | {"reason": mark.reason if whole or mark.text_shown else "", "mark": mark.id},
    }


def geometry_of(shape: Any) -> dict[str, Any]:
    """A shape [RD m] as GeoJSON in degrees."""
    geometry: dict[str, Any] = json.loads(shapely.to_geojson(_in_degrees(shape)))
    return geometry


def _in_degrees(shape: Any) -> Any:
    return shapely.transform(to_degrees(shape), lambda degrees: degrees.round(DIGITS))
