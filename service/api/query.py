"""Query parameters of a collection's features, validated."""

import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, Final, Literal, Self

import numpy as np
import shapely
from fastapi import Request
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    create_model,
    field_validator,
    model_validator,
)

from pipeline.errors import InputError
from pipeline.grid.crs import to_rd
from pipeline.methods import METHODS
from pipeline.methods.house import EXCLUDED
from pipeline.methods.method import BOOLEAN, TEXT, Column, Method, names
from pipeline.results.features import Features
from pipeline.results.filter_parts import edges_of, rectangle, shape_of
from pipeline.results.filters import Filter, filter_of
from pipeline.results.finished import LAYER
from pipeline.storage.slices import BBOX as RECTANGLE
from service.api.cql import LONGEST, parsed
from service.api.formats import FORMAT
from service.core.catalogue import Collection
from service.core.faults import Faults
from service.core.problem import Problem

CRS84: Final = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
RD_CRS: Final = "http://www.opengis.net/def/crs/EPSG/0/28992"
CRS = Literal[
    "http://www.opengis.net/def/crs/OGC/1.3/CRS84", "http://www.opengis.net/def/crs/EPSG/0/28992"
]
MOST = 10_000  # features a page
USUAL = 100
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
WRITTEN = r"^[^\x00]*$"  # no address holds a character 0
# Days, instants and intervals (RFC 3339), each one that the calendar has.
LEAP = r"([12]\d(0[48]|[2468][048]|[13579][26])|(12|16|20|24|28)00)"
LONG, SHORT = r"(0[13578]|1[02])-(0[1-9]|[12]\d|3[01])", r"(0[469]|11)-(0[1-9]|[12]\d|30)"
DAY = rf"([12]\d{{3}}-({LONG}|{SHORT}|02-(0[1-9]|1\d|2[0-8]))|{LEAP}-02-29)"
CLOCK = r"[Tt]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?([Zz]|[+-](0\d|1[0-4]):[0-5]\d)"
INSTANT = rf"{DAY}({CLOCK})?"
TIMES = rf"^({INSTANT}|(\.\.)?/{INSTANT}|{INSTANT}/(\.\.)?|{INSTANT}/{INSTANT}|(\.\.)?/(\.\.)?)$"
# All others are columns, with the value that is asked for.
NO_COLUMNS = ("bbox", "bbox-crs", "crs", "datetime", "limit", "cursor", "filter", "filter-lang",
              "filter-crs", "f")  # fmt: skip
SEGMENTS = 32  # a side of a rectangle in degrees is bent in RD: 0.03 m off over 10 km
KNOWN = (1.0, 49.0, 10.0, 55.0)  # degrees; RD is not known further from the country
FURTHEST = 1e7  # [m], [degrees]: beyond is nothing, and PROJ says infinity
BBOX: dict[str, Any] = {
    "name": "bbox",
    "in": "query",
    "description": "west, south, east, north, its south not north of its north, and within 180 and"
    " 90 degrees unless bbox-crs is RD; with heights, which do not count, six numbers",
    "style": "form",
    "explode": False,
    "schema": {
        "type": "array",
        "oneOf": [{"minItems": 4, "maxItems": 4}, {"minItems": 6, "maxItems": 6}],
        "items": {"type": "number"},
    },
}


def moment(text: str) -> datetime:
    """A day's beginning, or an instant, of such a text; in UTC if nothing is said."""
    instant = datetime.fromisoformat(text.upper())
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _at_most(value: Any) -> Any:
    """A limit above MOST is as good as MOST (OGC API - Features, fc-limit-response-1), whatever
    its length."""
    digits = isinstance(value, str) and value.isascii() and value.isdigit()
    return MOST if digits and len(value.lstrip("0")) > len(str(MOST)) else value


class Query(BaseModel):
    """The parameters of a page of features, but for those that follow from what these are; see
    `model_of` and `part_model`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bbox: str | None = None
    bbox_crs: CRS = Field(CRS84, alias="bbox-crs", description="the CRS of bbox")
    crs: CRS = Field(CRS84, description="the CRS of the answer")
    datetime: str | None = Field(
        None, pattern=TIMES, max_length=100,
        description="an instant or an interval that does not end before it begins; the features"
        " have no time, so that all fit",
    )  # fmt: skip
    limit: Annotated[int, BeforeValidator(_at_most)] = Field(
        USUAL, ge=1, description=f"features a page; more than {MOST:,} are as many",
        json_schema_extra={"maximum": MOST},
    )  # fmt: skip
    cursor: int = Field(0, ge=0, le=2**40, description="where a page starts: from a `next` link")
    id: str | None = Field(
        None, min_length=1, max_length=100, pattern=WRITTEN, description="of the building"
    )
    filter: str | None = Field(
        None, min_length=1, max_length=LONGEST, pattern=WRITTEN,
        description="a condition in CQL2 text on the columns that `queryables` lists, such as"
        " class = 'solar' AND area_m2 > 100",
    )  # fmt: skip
    filter_lang: Literal["cql2-text"] = Field(
        "cql2-text", alias="filter-lang", description="the language of filter"
    )
    filter_crs: CRS = Field(CRS84, alias="filter-crs", description="the CRS of filter's geometries")
    f: Literal["json"] | None = Field(None, description=FORMAT)

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
        return edges_of([float(part) for part in (self.bbox or "").split(",")])

    def wanted(self, features: Features) -> Filter | None:
        """The query as a filter of the table; None for all rows. Raises Problem 400 for an invalid
        filter, or one on an unknown column."""
        try:
            return self._wanted(features)
        except InputError as error:  # which of a collection is a fault of its files
            raise Problem(400, Faults().sentence(error)) from None

    def _wanted(self, features: Features) -> Filter | None:
        given = self.model_dump(by_alias=True, exclude_none=True)
        parts = [_equal(name, value) for name, value in given.items() if name not in NO_COLUMNS]
        if self.bbox is not None:
            parts.append(_touching(area_of(self._edges, self.bbox_crs)))
        if self.filter is not None:
            parts.append(in_rd(json.loads(parsed(self.filter)), self.filter_crs))
        if not parts:
            return None
        whole = parts[0] if len(parts) == 1 else {"op": "and", "args": parts}
        condition = filter_of(json.dumps(whole), features.declared, features.suns)
        for name in condition.columns - features.columns - {RECTANGLE}:
            raise InputError(
                "filter", "this collection has no column {name}", "see `queryables`", name=name
            )
        return condition


def _equal(name: str, value: str | bool) -> dict[str, Any]:
    """A column with a value, as CQL2: `no` is none, `any` whichever."""
    column = {"property": name}
    if name not in ("rejected", "excluded") or value not in ("no", "any"):
        return {"op": "=", "args": [column, value]}
    none = {"op": "isNull", "args": [column]}
    return none if value == "no" else {"op": "not", "args": [none]}


def _touching(area: shapely.Geometry) -> dict[str, Any]:
    """A condition of CQL2: geometries that touch an area."""
    shape = json.loads(shapely.to_geojson(area))
    return {"op": "s_intersects", "args": [{"property": "geometry"}, shape]}


def in_rd(node: Any, crs: str) -> Any:
    """CQL2 as JSON with its geometries in RD [m]."""
    if isinstance(node, list):
        return [in_rd(each, crs) for each in node]
    if not isinstance(node, dict) or crs == RD_CRS:
        return node
    if "bbox" in node:
        return json.loads(shapely.to_geojson(area_of(edges_of(node["bbox"]), crs)))
    if "type" in node:
        return json.loads(shapely.to_geojson(shape_in_rd(shape_of(node))))
    return {name: in_rd(each, crs) for name, each in node.items()}


def area_of(edges: Sequence[float], crs: str) -> shapely.Geometry:
    """A rectangle in RD [m], of west, south, east, north; in degrees, one whose west lies east of
    its east goes round the world."""
    x0, south, x1, north = np.clip(edges, -FURTHEST, FURTHEST)
    if crs == RD_CRS:
        return rectangle(x0, south, x1, north)
    sides = [(x0, x1)] if x0 <= x1 else [(x0, 180.0), (-180.0, x1)]
    return shapely.union_all([_on_the_ground(west, south, east, north) for west, east in sides])


def _on_the_ground(west: float, south: float, east: float, north: float) -> shapely.Geometry:
    """A rectangle in degrees, in RD."""
    west, east = np.clip((west, east), *KNOWN[::2])
    south, north = np.clip((south, north), *KNOWN[1::2])
    return shape_in_rd(rectangle(west, south, east, north))


def shape_in_rd(shape: shapely.Geometry) -> shapely.Geometry:
    """A valid geometry in degrees in RD [m], its sides bent as RD bends them. What lies beyond the
    country is cut off first, since RD is not known there."""
    known = shapely.box(*KNOWN)
    shape = shape if shapely.covers(known, shape) else shapely.intersection(shape, known)
    west, south, east, north = shapely.bounds(shape)
    longest = max(east - west, north - south) / SEGMENTS
    return to_rd(shapely.segmentize(shape, longest) if longest > 0 else shape)


def model_of(*methods: Method) -> type[Query]:
    """The parameters of a page of what these methods judged: also `class`, `rejected`, `excluded`,
    and the columns of booleans that tell whether a roof suits something."""
    classes = dict.fromkeys(name for method in methods for name in names(method.classes))
    reasons = dict.fromkeys(name for method in methods for name in names(method.reasons))
    suits = dict.fromkeys(each.name for method in methods for each in method.columns if each.use)
    why = Field(None, description="why it was not judged; `no`: was judged")
    what = Field(None, description="by a restriction, from what")
    more: dict[str, Any] = {
        "selected": (bool | None, Field(None, description="within the area that was asked for")),
        "kind": (_one_of(classes), Field(None, alias="class")),
        "rejected": (_one_of(["any", "no", *reasons]), why),
        "excluded": (_one_of(["any", "no", *EXCLUDED]), what),
        **dict.fromkeys(suits, (bool | None, None)),
    }
    return create_model("MethodQuery", __base__=Query, **more)


def _one_of(texts: Iterable[str]) -> Any:
    """The type of one of some texts, or None."""
    one: Any = Literal.__getitem__(tuple(texts))
    return one | None


def part_model(of: Column) -> type[Query]:
    """The parameters of a page of parts: also the row of the building, and the fields that hold one
    of a few texts, or booleans."""
    row = Field(None, ge=0, le=2**40, description="of the building, as in the input")
    few: dict[str, Any] = {
        field.name: bool | None if field.type == BOOLEAN else _one_of(field.values)
        for field in of.fields
        if field.type == BOOLEAN or (field.type == TEXT and field.values)
    }
    more: dict[str, Any] = {
        f"field_{name}": (kind, Field(None, alias=name)) for name, kind in few.items()
    }
    return create_model("PartQuery", __base__=Query, row=(int | None, row), **more)


@cache
def _model(method: str, table: str) -> type[Query]:
    of = METHODS[method]
    return model_of(of) if table == LAYER else part_model(of.by_name[table])


def parameters_of(collection: Collection) -> list[str]:
    """The names of the parameters of a page of a collection."""
    model = _model(collection.method.name, collection.table)
    return list(model.model_json_schema(by_alias=True)["properties"])


def query_of(request: Request, collection: Collection) -> Query:
    """The parameters of a request of the features of a collection. Raises Problem 400 for one that
    is not known or not accepted."""
    given = request.query_params
    for name in given:
        if len(given.getlist(name)) > 1:
            raise Problem(400, f"parameter {name[:50]}: given more than once")
    try:
        model = _model(collection.method.name, collection.table)
        return model.model_validate(dict(given))
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])[:50] if first["loc"] else "query"
        sentence = "not known here" if first["type"] == "extra_forbidden" else first["msg"]
        raise Problem(400, f"parameter {name}: {sentence}") from None


def parameters() -> dict[str, dict[str, Any]]:
    """The parameters of a page by name, for the OpenAPI document; those of buildings go before
    those of parts."""
    parts = (part_model(of) for method in METHODS.values() for of in method.parts)
    declared: dict[str, Any] = {}
    for model in (*parts, model_of(*METHODS.values())):
        declared |= model.model_json_schema(by_alias=True)["properties"]
    return {name: _parameter(name, schema) for name, schema in declared.items()}


def _parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    if name == "bbox":
        return BBOX
    options = [kind for kind in schema.get("anyOf", []) if kind.get("type") != "null"]
    kept = {k: v for k, v in schema.items() if k not in ("anyOf", "title", "description")}
    plain = (options[0] if options else {}) | {k: v for k, v in kept.items() if v is not None}
    values = {"description": schema["description"]} if "description" in schema else {}
    # QGIS filters by what is so declared, and by nothing else.
    form = {"style": "form", "explode": False} if name not in NO_COLUMNS else {}
    return {"name": name, "in": "query", "required": False, **form, "schema": plain, **values}
