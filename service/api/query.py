"""What is asked of the features of a collection: parameters of an address, checked."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal, Self

import numpy as np
import shapely
from fastapi import Request
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from pipeline.crs import to_rd
from pipeline.features import ANY, Value, Wanted
from service.problem import Problem

CRS84: Final = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
RD_CRS: Final = "http://www.opengis.net/def/crs/EPSG/0/28992"
CRS = Literal[
    "http://www.opengis.net/def/crs/OGC/1.3/CRS84", "http://www.opengis.net/def/crs/EPSG/0/28992"
]
MOST = 10_000  # features a page
USUAL = 100
REJECTED = Literal["any", "no", "empty", "invalid", "not_standing", "newer_than_heights",
                   "off_rasters", "no_data", "no_ground", "not_in_heights"]  # fmt: skip
EXCLUDED = Literal["any", "no", "solar", "wind", "both"]
INSTANT = r"\d{4}-\d{2}-\d{2}([Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2}))?"
TIMES = rf"^({INSTANT}|(\.\.)?/{INSTANT}|{INSTANT}/(\.\.)?|{INSTANT}/{INSTANT}|(\.\.)?/(\.\.)?)$"
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
WRITTEN = r"^[^\x00]*$"  # no address holds a character 0
SEGMENTS = 32  # a side of a rectangle in degrees is bent in RD: 0.03 m off over 10 km
FURTHEST = 1e7  # [m], [degrees]: beyond is nothing, and PROJ says infinity
BBOX: dict[str, Any] = {
    "name": "bbox",
    "in": "query",
    "description": "west, south, east, north; with heights, which do not count, six numbers",
    "style": "form",
    "explode": False,
    "schema": {
        "type": "array",
        "oneOf": [{"minItems": 4, "maxItems": 4}, {"minItems": 6, "maxItems": 6}],
        "items": {"type": "number"},
    },
}


class Query(BaseModel):
    """The parameters of a page of features."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bbox: str | None = None
    bbox_crs: CRS = Field(CRS84, alias="bbox-crs", description="the CRS of bbox")
    crs: CRS = Field(CRS84, description="the CRS of the answer")
    datetime: str | None = Field(
        None, pattern=TIMES, max_length=100,
        description="an instant or an interval; buildings have no time, so that all fit",
    )  # fmt: skip
    limit: int = Field(USUAL, ge=1, description=f"features a page; more than {MOST:,} are as many")
    cursor: int = Field(0, ge=0, le=2**40, description="where a page starts: from a `next` link")
    id: str | None = Field(
        None, min_length=1, max_length=100, pattern=WRITTEN, description="of the building"
    )
    kind: Literal["solar", "wind_or_solar", "none"] | None = Field(None, alias="class")
    rejected: REJECTED | None = Field(None, description="why it was not judged; `no`: was judged")
    excluded: EXCLUDED | None = Field(None, description="by a restriction, from what")
    selected: bool | None = Field(None, description="within the area that was asked for")
    solar_suitable: bool | None = None
    wind_suitable: bool | None = None

    @field_validator("bbox")
    @classmethod
    def _numbers(cls, text: str) -> str:
        parts = text.split(",")
        if len(parts) not in (4, 6) or not all(NUMBER.fullmatch(part.strip()) for part in parts):
            raise ValueError("give west,south,east,north")
        return text

    @field_validator("datetime")
    @classmethod
    def _moments(cls, text: str) -> str:
        ends = [moment(part) for part in text.split("/") if part not in ("", "..")]
        if ends != sorted(ends):
            raise ValueError("its end lies before its beginning")
        return text

    @model_validator(mode="after")
    def _on_earth(self) -> Self:
        if self.bbox is None:
            return self
        west, south, east, north = self._edges
        if south > north:
            raise ValueError("bbox: its south lies north of its north")
        beyond = max(abs(west), abs(east)) > 180 or max(abs(south), abs(north)) > 90
        if beyond and self.bbox_crs == CRS84:
            raise ValueError("bbox: beyond 180 or 90 degrees; or give bbox-crs")
        return self

    @property
    def _edges(self) -> list[float]:
        """West, south, east, north of `bbox`, without heights."""
        numbers = [float(part) for part in (self.bbox or "").split(",")]
        half = len(numbers) // 2
        return [*numbers[:2], *numbers[half : half + 2]]

    @property
    def wanted(self) -> Wanted:
        """As the table is asked."""
        values: dict[str, Value] = {}
        for name in ("id", "selected", "solar_suitable", "wind_suitable"):
            if (value := getattr(self, name)) is not None:
                values[name] = value
        if self.kind is not None:
            values["class"] = self.kind
        for name in ("rejected", "excluded"):
            if (value := getattr(self, name)) is not None:
                values[name] = {"any": ANY, "no": None}.get(value, value)
        return Wanted(self._area(), values)

    def _area(self) -> shapely.Geometry | None:
        if self.bbox is None:
            return None
        return area_of(self._edges, self.bbox_crs)


def moment(text: str) -> datetime:
    """A day's beginning, or an instant; in UTC if nothing is said. ValueError for a day that no
    calendar has."""
    found = datetime.fromisoformat(text.upper())
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def area_of(edges: Sequence[float], crs: str) -> shapely.Geometry:
    """A rectangle in RD [m], of west, south, east, north; in degrees, one whose west lies east of
    its east goes round the world."""
    x0, south, x1, north = np.clip(edges, -FURTHEST, FURTHEST)
    if crs == RD_CRS:
        return shapely.box(min(x0, x1), south, max(x0, x1), north)
    sides = [(x0, x1)] if x0 <= x1 else [(x0, 180.0), (-180.0, x1)]
    return shapely.union_all([_on_the_ground(west, south, east, north) for west, east in sides])


def _on_the_ground(west: float, south: float, east: float, north: float) -> shapely.Geometry:
    """A rectangle in degrees, its sides bent as RD bends them. What lies beyond the country is cut
    off first, since RD is not known there."""
    west, east = np.clip((west, east), 1.0, 10.0)
    south, north = np.clip((south, north), 49.0, 55.0)
    box = shapely.box(west, south, east, north)
    longest = max(east - west, north - south) / SEGMENTS
    return to_rd(shapely.segmentize(box, longest) if longest else box)


def query_of(request: Request) -> Query:
    """The parameters of a request. Raises Problem 400 for one that is not known or not accepted."""
    given = request.query_params
    for name in given:
        if len(given.getlist(name)) > 1:
            raise Problem(400, f"parameter {name[:50]}: given more than once")
    try:
        return Query.model_validate(dict(given))
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])[:50] if first["loc"] else "query"
        said = "not known here" if first["type"] == "extra_forbidden" else first["msg"]
        raise Problem(400, f"parameter {name}: {said}") from None


def parameters() -> list[dict[str, Any]]:
    """The parameters of a page, for the OpenAPI document."""
    declared = Query.model_json_schema(by_alias=True)["properties"]
    return [_parameter(name, schema) for name, schema in declared.items()]


def _parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    if name == "bbox":
        return BBOX
    options = [kind for kind in schema.get("anyOf", []) if kind.get("type") != "null"]
    kept = {k: v for k, v in schema.items() if k not in ("anyOf", "title", "description")}
    plain = (options[0] if options else {}) | {k: v for k, v in kept.items() if v is not None}
    said = {"description": schema["description"]} if "description" in schema else {}
    return {"name": name, "in": "query", "required": False, "schema": plain, **said}
