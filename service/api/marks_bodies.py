"""JSON bodies of requests and answers about marks."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from service.marks import geojson as marks_geojson
from service.marks.table import MarkStatus

Longitude = Annotated[float, Field(ge=marks_geojson.LONGITUDES[0], le=marks_geojson.LONGITUDES[1])]
Latitude = Annotated[float, Field(ge=marks_geojson.LATITUDES[0], le=marks_geojson.LATITUDES[1])]
Position = tuple[Longitude, Latitude]
Ring = Annotated[list[Position], Field(min_length=4, max_length=500)]


class Strict(BaseModel):
    """What a client sends: no other members, such as a name or an address."""

    model_config = ConfigDict(extra="forbid")


class PointOf(Strict):
    """A place, in longitude and latitude."""

    type: Literal["Point"]
    coordinates: Position


class PolygonOf(Strict):
    """An area of at most 1 km2, in longitude and latitude; its rings do not cross."""

    type: Literal["Polygon"]
    coordinates: Annotated[list[Ring], Field(min_length=1, max_length=10)]


# What JSON Schema says of where a mark is put: on a roof or on the ground, never on both.
ROOF, GROUND = ("collection", "row"), ("geometry",)
TARGET: dict[str, Any] = {
    "oneOf": [
        {"required": list(ROOF), "not": {"required": list(GROUND)}},
        {"required": list(GROUND), "not": {"anyOf": [{"required": [each]} for each in ROOF]}},
    ]
}


ABSENT: Any = None  # which may be left out, but not be null


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default")


class Placed(Strict):
    """Where a mark is put: on `row` of `collection`, or on `geometry`; and why."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=TARGET)

    reason: str = Field(
        "",
        max_length=marks_geojson.MOST_TEXT,
        description="plain text, not shown before it is moderated; give no names or addresses",
    )
    collection: str = Field(
        ABSENT, min_length=1, max_length=100, json_schema_extra=_without_default
    )
    row: int = Field(ABSENT, ge=0, le=2**31, json_schema_extra=_without_default)
    geometry: PointOf | PolygonOf = Field(
        ABSENT, discriminator="type", json_schema_extra=_without_default
    )


class Wish(Placed):
    """A chance that somebody sees, or what they do not want there."""

    kind: Literal["chance", "not_wanted"]
    what: Literal["panels", "turbines", "both"]


class Correction(Placed):
    """What is not as the map says."""

    kind: Literal["correction"]
    what: Literal["existing_panels", "terrace", "demolished", "tree"]


class Moderation(Strict):
    """What an operator decides. with_text: publish the reason as well."""

    status: MarkStatus
    with_text: bool = False


class Said(BaseModel):
    """What is said of a mark. reason: null unless it is yours or published; mine: whether you
    made it; building: id of a marked roof."""

    kind: Literal["chance", "not_wanted", "correction"]
    what: str
    reason: str | None
    status: MarkStatus
    text_shown: bool
    created: date
    expires: date
    mine: bool
    collection: str | None
    row: int | None
    building: str | None


class Feature(BaseModel):
    """A mark as a GeoJSON feature."""

    type: Literal["Feature"]
    id: str
    geometry: dict[str, Any]
    properties: Said


class Retention(BaseModel):
    """How long marks are kept, and how one deletes one's own."""

    approved_days: float
    other_days: float
    deletion: str


class Features(BaseModel):
    """A page of marks as a GeoJSON feature collection."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    features: list[Feature]
    numberMatched: int
    numberReturned: int
    links: list[dict[str, str]]
    retention: Retention


class Restriction(BaseModel):
    """A mark as a run reads it; properties: what, effect, kind, reason, mark."""

    type: Literal["Feature"]
    geometry: dict[str, Any]
    properties: dict[str, str]


class Restrictions(BaseModel):
    """Marks as a run reads them."""

    type: Literal["FeatureCollection"]
    features: list[Restriction]


class Forgotten(BaseModel):
    """How many marks were deleted."""

    deleted: int
