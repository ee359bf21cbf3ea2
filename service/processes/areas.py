"""Areas and circles as clients give them, never as paths; and regions by code or name."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.areas.polygons import own_copy
from pipeline.areas.regions import (
    KINDS,
    POSTCODE,
    Area,
    Region,
    boundary_files,
    codes_of,
    find_region,
    kind_of,
    regions_of,
)
from pipeline.areas.selection import check_extent
from pipeline.errors import InputError
from pipeline.heights.ahn_index import land
from pipeline.messages import Text
from pipeline.storage.cache import fingerprints
from pipeline.terms import File
from pipeline.vectors.files import read_vector
from pipeline.vectors.overlay import make_valid, union
from service.processes.geojson import COUNTRY as BOUNDS
from service.processes.geojson import RD_NAMES, Kind, polygon_of, read_shapes

LONGEST = 100  # characters of a name
RADIUS_M = 100_000.0
BY = (*KINDS.values(), POSTCODE)  # kinds of parts

AreaValue = str | dict[str, Any]


@dataclass(frozen=True)
class Ground:
    """The area of a request. value: as the pipeline takes it, once a file is made of GeoJSON:
    a region's code, `xmin,ymin,xmax,ymax`, or a FeatureCollection; geometry: in RD metres;
    label: kind, and of a region its code and name."""

    value: AreaValue
    geometry: shapely.Geometry
    label: dict[str, Any]


def ground_of(value: Any, boundaries: Sequence[str]) -> Ground:
    """The area that an input says. Raises InputError for one that is none."""
    if isinstance(value, str):
        return _ground_of_text(value.strip(), boundaries)
    if isinstance(value, dict) and "bbox" in value and "type" not in value:
        return ground_of(_bbox(value), boundaries)
    shapes = read_shapes(value, "input area", Kind())
    return Ground(shapes.document, shapes.whole, {"kind": "drawn"})


def _ground_of_text(text: str, boundaries: Sequence[str]) -> Ground:
    check_extent(text, land())
    numbers = _numbers(text)
    if numbers is not None and len(numbers) == 4:
        xmin, ymin, xmax, ymax = numbers
        _check_inside(xmin, ymin, "area")
        _check_inside(xmax, ymax, "area")
        if not (xmin < xmax and ymin < ymax):
            raise InputError("input area", "{text} is upside down or empty", TAKES, text=text)
        return Ground(joined(numbers), shapely.box(*numbers), {"kind": "box"})
    if not text or len(text) > LONGEST or (numbers is not None and len(numbers) > 1):
        raise InputError("input area", "{text!r} is no area", TAKES, text=text[:LONGEST])
    area = region_of(text, boundaries)
    label = {"kind": kind_of(area.source["region"]), "code": area.source["region"]}
    return Ground(label["code"], area.geometry, label | {"name": area.source["name"]})


TAKES = (
    "give a municipality, province, neighbourhood or postcode by code or name, xmin,ymin,xmax,ymax"
    " in RD metres, or GeoJSON"
)


def _bbox(value: dict[str, Any]) -> dict[str, Any]:
    """The standard's bounding box as a Feature."""
    box, crs = value["bbox"], value.get("crs")
    if not isinstance(box, list) or len(box) not in (4, 6) or not all(map(_is_number, box)):
        raise InputError("input area", "its bbox is not four numbers, or six with heights")
    if len(box) == 6:
        box = [*box[:2], *box[3:5]]
    if not (box[0] < box[2] and box[1] < box[3]):
        raise InputError("input area", "its bbox is upside down or empty")
    feature = {"type": "Feature", "geometry": polygon_of(box)}
    if isinstance(crs, str) and crs.endswith("28992"):
        return feature | {"crs": {"properties": {"name": RD_NAMES[0]}}}
    if crs is None or (isinstance(crs, str) and crs.endswith(("CRS84", "CRS84h"))):
        return feature
    raise InputError("input area", "the crs of its bbox is not known", "give CRS84 or EPSG:28992")


def circle_of(value: Any) -> tuple[float, float, float]:
    """x, y, radius [RD m] of the input `around`. Raises InputError for what is none."""
    numbers = _numbers(value) if isinstance(value, str) else _circle_of_degrees(value)
    if numbers is None or len(numbers) != 3:
        raise InputError(
            "input around",
            "is no circle",
            'give x,y,radius in RD metres, or {"centre": [longitude, latitude], "radius_m": 2000}',
        )
    x, y, radius = numbers
    _check_inside(x, y, "around")
    if not 0 < radius <= RADIUS_M:
        raise InputError(
            "input around", "the radius is not within 0 and {most:,.0f} m", most=RADIUS_M
        )
    return x, y, radius


def _circle_of_degrees(value: Any) -> list[float] | None:
    if not isinstance(value, dict) or not _is_number(value.get("radius_m")):
        return None
    point = {"type": "Point", "coordinates": value.get("centre")}
    place = read_shapes(point, "input around", Kind(("Point",))).geometry[0]
    return [round(place.x, 3), round(place.y, 3), float(value["radius_m"])]


def box_around(circle: tuple[float, float, float]) -> str:
    """The rectangle around a circle, as the pipeline takes it."""
    x, y, radius = circle
    return joined((x - radius, y - radius, x + radius, y + radius))


def joined(numbers: Sequence[float]) -> str:
    """Numbers of a box or a circle as text, as the pipeline parses them."""
    return ",".join(repr(float(number)) for number in numbers)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < math.inf


def _numbers(text: str) -> list[float] | None:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        return None


def _check_inside(x: float, y: float, name: str) -> None:
    west, south, east, north = BOUNDS["RD"]
    if not (west <= x <= east and south <= y <= north):
        raise InputError(
            Text("input {name}", name=name),
            "{x:.10g},{y:.10g} is not in the Netherlands",
            "give RD metres",
            x=x,
            y=y,
        )


# Regions: what their files hold is read once, not at each request.


def files_of(boundaries: Sequence[str]) -> tuple[str, ...]:
    """The files of boundaries that there are. Raises InputError where there is none."""
    files = tuple(str(file) for file in boundary_files(boundaries))
    if not files:
        raise InputError(
            "this service",
            "{source} knows no regions by name, since it was given no boundaries",
            "give xmin,ymin,xmax,ymax in RD metres or GeoJSON",
        )
    return files


def region_of(text: str, boundaries: Sequence[str]) -> Area:
    """The region of a code or a name; its geometry is the caller's own.

    Raises InputError for one that is not known, or means several.
    """
    files = files_of(boundaries)
    area = _region(text, files, fingerprints(files))
    return Area(own_copy(area.geometry), area.source)


def stamp_of(code: str, boundaries: Sequence[str]) -> list[Any]:
    """Fingerprint of a region: its code, and the hash of its file."""
    source = region_of(code, boundaries).source
    return [source["region"], source["file"]["sha256"]]


@lru_cache(maxsize=256)
def _region(text: str, files: tuple[str, ...], mark: str) -> Area:
    return find_region(text, [Path(file) for file in files])


@dataclass(frozen=True)
class Parts:
    """Regions of one kind: their codes, names, and polygons in RD metres."""

    codes: tuple[str, ...]
    names: tuple[str, ...]
    geometry: NDArray[Any]


def regions_touching(kind: str, area: shapely.Geometry | None, boundaries: Sequence[str]) -> Parts:
    """The regions of a kind that share ground with an area, or all; polygons of the caller's own.

    Raises InputError for a kind that the boundaries do not have.
    """
    files = files_of(boundaries)
    every = _parts(kind, files, fingerprints(files))
    touched = np.arange(len(every.codes))
    if area is not None:
        shapely.prepare(area)
        touched = np.flatnonzero(
            shapely.intersects(area, every.geometry) & ~shapely.touches(area, every.geometry)
        )
    return Parts(
        tuple(every.codes[i] for i in touched),
        tuple(every.names[i] for i in touched),
        own_copy(every.geometry[touched]),
    )


@lru_cache(maxsize=16)
def _parts(kind: str, files: tuple[str, ...], mark: str) -> Parts:
    """All regions of a kind, of the first file that has any."""
    for file in files:
        mine = [region for region in regions_of(Path(file)) if kind_of(region.code) == kind]
        if mine:
            return _read_parts(mine)
    raise InputError(
        "input by",
        "the boundaries that this service was given have no {kind}",
        "choose another, or give a FeatureCollection",
        kind=kind,
    )


def _read_parts(regions: Sequence[Region]) -> Parts:
    file, layer = regions[0].file, regions[0].layer
    names = {region.code: region.name for region in regions if region.layer == layer}
    frame = read_vector(file, layer)
    codes, geometry = np.array(codes_of(frame, file)), frame.geometry.to_numpy()
    order = sorted(names)
    sound = make_valid(geometry, File(file))
    whole = [union(sound[codes == code], File(file)) for code in order]
    return Parts(tuple(order), tuple(names[code] for code in order), np.array(whole, object))
