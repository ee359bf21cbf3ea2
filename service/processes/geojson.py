"""GeoJSON of clients: bounded, checked, and written anew as the pipeline's readers take it."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.grid.crs import RD, to_degrees
from pipeline.messages import Text
from pipeline.vectors.overlay import make_valid, union
from pipeline.vectors.rd import RdTransform

FEATURES, VERTICES, COLUMNS, TEXT = 10_000, 200_000, 100, 200
LONLAT = pyproj.CRS("OGC:CRS84")
RD_NAMES = ("urn:ogc:def:crs:EPSG::28992", "EPSG:28992")
LONLAT_NAMES = ("urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:OGC::CRS84", "OGC:CRS84")
# West, south, east, north: the country with room around it.
COUNTRY = {"lon/lat": (1.0, 49.0, 10.0, 56.0), "RD": (-50_000.0, 250_000.0, 350_000.0, 700_000.0)}
DEPTH = {"Point": 0, "MultiPoint": 1, "Polygon": 2, "MultiPolygon": 3}
AREAS, PLACES = ("Polygon", "MultiPolygon"), ("Polygon", "MultiPolygon", "Point", "MultiPoint")

Column = Callable[[Any], Any]


class Kind(NamedTuple):
    """What an input takes. geometries: their types; columns: of each property that is kept, what
    makes of a value one that is written, or raises ValueError; called: other names for them; bare:
    a feature may have no geometry; others: other short properties are kept as they are called;
    features, vertices: how many at most."""

    geometries: tuple[str, ...] = AREAS
    columns: Mapping[str, Column] = {}
    called: Mapping[str, str] = {}
    bare: bool = False
    others: bool = False
    features: int = FEATURES
    vertices: int = VERTICES


@dataclass(frozen=True)
class Shapes:
    """Features that were checked. name: of their input; document: a FeatureCollection with the
    columns that are kept and in which any has a value; geometry: valid, in RD metres, None where
    there is none."""

    name: str
    document: dict[str, Any]
    geometry: NDArray[Any]

    @property
    def whole(self) -> shapely.Geometry:
        """The union of the polygons."""
        return union(self.geometry, self.name)


def text(value: Any) -> str | None:
    """A property that is a short text, or a number as one."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int) or len(str(value)) > TEXT:
        raise ValueError(f"a text of at most {TEXT} characters")
    return str(value)


def number(value: Any) -> float | None:
    """A property that is a number, or a text of one."""
    if value is None:
        return None
    try:
        parsed = math.nan if isinstance(value, bool) else float(value)
    except (ValueError, TypeError, OverflowError):
        parsed = math.nan
    if not math.isfinite(parsed):
        raise ValueError("a number")
    return parsed


def one_of(words: Sequence[str]) -> Column:
    """A property that is one of some words."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in words:
            raise ValueError(f"one of {', '.join(words)}")
        return value

    return check


def _is_short(name: str, value: Any) -> bool:
    plain = value is None or isinstance(value, str | int | float)
    return plain and len(name) <= TEXT and len(str(value)) <= TEXT


def read_shapes(value: Any, name: str, kind: Kind) -> Shapes:
    """What an input of GeoJSON holds: a geometry, a Feature or a FeatureCollection, in lon/lat, or
    in RD with the `crs` member that says so.

    Raises InputError, which names the input and the feature.
    """
    crs = _crs(value, name)
    features = _features(value, name, kind.features)
    seen = _Reader(name, kind, "RD" if crs else "lon/lat")
    document: dict[str, Any] = {
        "type": "FeatureCollection",
        "features": _filled([*map(seen.feature, features)]),
    }
    if crs:
        document["crs"] = {"type": "name", "properties": {"name": RD_NAMES[0]}}
    geometry = _in_rd([f["geometry"] for f in document["features"]], name, crs)
    return Shapes(name, document, geometry)


def dumps(document: dict[str, Any]) -> bytes:
    """A document as bytes of a file; equal documents give equal bytes."""
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def polygon_of(box: Sequence[float]) -> dict[str, Any]:
    """A rectangle by west, south, east, north, as a geometry."""
    west, south, east, north = box
    ring = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    return {"type": "Polygon", "coordinates": [[list(corner) for corner in ring]]}


def in_degrees(shapes: Sequence[shapely.Geometry | None]) -> list[dict[str, Any] | None]:
    """Geometries [RD m] as those of GeoJSON, to 1 cm; None for none."""
    moved = to_degrees(np.array([*shapes, None], object)[:-1])
    texts = shapely.to_geojson(shapely.set_precision(moved, 1e-7, mode="pointwise"))
    return [None if text is None else json.loads(text) for text in texts]


def _crs(value: Any, name: str) -> bool:
    """Whether the coordinates are RD metres."""
    given = value.get("crs") if isinstance(value, dict) else None
    if given is None:
        return False
    properties = given.get("properties") if isinstance(given, dict) else None
    crs_name = properties.get("name") if isinstance(properties, dict) else None
    if crs_name in RD_NAMES:
        return True
    if crs_name in LONLAT_NAMES:
        return False
    raise InputError(
        name,
        "its crs is not known",
        "give lon/lat without `crs`, or RD metres with the crs {rd}",
        rd=RD_NAMES[0],
    )


def _features(value: Any, name: str, most: int) -> list[Any]:
    kind = value.get("type") if isinstance(value, dict) else None
    if kind == "FeatureCollection" and isinstance(value.get("features"), list):
        features: list[Any] = value["features"]
    elif kind == "Feature":
        features = [value]
    elif isinstance(kind, str) and kind in DEPTH:
        features = [{"geometry": value}]
    else:
        raise InputError(
            name,
            "no GeoJSON",
            "give a geometry ({types}), a Feature or a FeatureCollection",
            types=list(DEPTH),
        )
    if not 0 < len(features) <= most:
        raise InputError(name, "{n:,} features", "give 1 to {most:,}", n=len(features), most=most)
    return features


def _filled(features: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without the columns in which none has a value: a status that nobody knows is no column."""
    rows = [feature["properties"] for feature in features]
    known = {name for row in rows for name, value in row.items() if value is not None}
    return [
        feature | {"properties": {name: row[name] for name in row if name in known}}
        for feature, row in zip(features, rows, strict=True)
    ]


class _Reader:
    """Reads feature after feature, and counts."""

    def __init__(self, name: str, kind: Kind, crs: str) -> None:
        self.name, self.kind, self.crs = name, kind, crs
        self.bounds = COUNTRY[crs]
        self.vertices = self.features = 0

    def fault(self, problem: str) -> InputError:
        return InputError(
            self.name,
            "{said}",
            place=Text("feature {feature}", feature=self.features),
            said=problem,
        )

    def feature(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self.fault("is no Feature; give objects with a geometry")
        made = {
            "type": "Feature",
            "properties": self._properties(value.get("properties")),
            "geometry": self._geometry(value.get("geometry")),
        }
        self.features += 1
        return made

    def _properties(self, value: Any) -> dict[str, Any]:
        written = value if isinstance(value, dict) else {}
        if len(written) > COLUMNS:
            raise self.fault(f"has more than {COLUMNS} properties; leave some out")
        given = {str(k).lower(): v for k, v in written.items()}
        for other, name in self.kind.called.items():
            if given.get(name) is None and other in given:
                given[name] = given[other]
        made = {k: v for k, v in written.items() if self.kind.others and _is_short(k, v)}
        for name, check in self.kind.columns.items():
            try:
                made[name] = check(given.get(name))
            except ValueError as error:
                raise self.fault(f"its property {name} is not {error}") from None
        return made

    def _geometry(self, value: Any) -> dict[str, Any] | None:
        if value is None and self.kind.bare:
            return None
        kind = value.get("type") if isinstance(value, dict) else None
        if kind not in self.kind.geometries:
            raise self.fault(f"is no {' or '.join(self.kind.geometries)}")
        return {"type": kind, "coordinates": self._nested(value.get("coordinates"), DEPTH[kind])}

    def _nested(self, value: Any, depth: int) -> list[Any]:
        if not isinstance(value, list) or not value:
            raise self.fault("has coordinates that are missing, or nested wrongly")
        if depth == 0:
            return self._position(value)
        return [self._nested(part, depth - 1) for part in value]

    def _position(self, value: list[Any]) -> list[float]:
        self.vertices += 1
        if self.vertices > self.kind.vertices:
            raise InputError(
                self.name,
                "more than {vertices:,} vertices",
                "simplify it",
                vertices=self.kind.vertices,
            )
        ours = [v for v in value[:2] if isinstance(v, int | float) and not isinstance(v, bool)]
        west, south, east, north = self.bounds
        if len(ours) < 2 or len(value) > 4:
            raise self.fault("has a position that is not two numbers")
        x, y = ours
        if not (west <= x <= east and south <= y <= north):
            raise self.fault(
                f"its position {x:.10g}, {y:.10g} is not in the Netherlands; coordinates are"
                f" {'easting, northing' if self.crs == 'RD' else 'longitude, latitude'}"
            )
        return [float(x), float(y)]


def _in_rd(geometries: list[Any], name: str, crs: bool) -> NDArray[Any]:
    made = np.full(len(geometries), None, object)
    for i, given in enumerate(geometries):
        if given is not None:
            made[i] = _shape(given, f"{name}: feature {i}")
    areas = np.isin(shapely.get_type_id(made), (3, 6))
    sight = RdTransform(name, RD if crs else LONLAT)
    moved = make_valid(sight.to_rd(made), name)
    sight.check()
    empty = np.flatnonzero(areas & ~(shapely.area(moved) > 0))
    if len(empty):
        raise InputError(
            name, "has no area", "give polygons", place=Text("feature {feature}", feature=empty[0])
        )
    return moved


def _shape(given: dict[str, Any], name: str) -> shapely.Geometry:
    try:
        return shapely.from_geojson(json.dumps(given))
    except shapely.errors.GEOSException:
        raise InputError(
            name,
            "a ring has fewer than four positions, or is open",
            "end each ring with its first position",
        ) from None
