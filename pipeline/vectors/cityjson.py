"""The ground of the buildings of a CityJSON file, as footprints."""

import json
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pyproj
import shapely

from pipeline.errors import InputError
from pipeline.terms import File, Reason
from pipeline.vectors.overlay import make_valid, union


def is_cityjson(path: Path) -> bool:
    """Whether a JSON file calls itself CityJSON, by its beginning."""
    if path.suffix.lower() not in (".json", ".jsonl"):
        return False
    with path.open("rb") as stream:
        return b'"CityJSON"' in stream.read(4096)


def read_cityjson(path: Path) -> geopandas.GeoDataFrame:
    """One row a building: its attributes, its key as `id`, and its ground as a polygon.

    The ground is its surface of LoD 0, else the GroundSurfaces of the solids of its own and of its
    parts, at the highest level of detail. Raises InputError for a file that is no CityJSON.
    """
    try:
        city = json.loads(path.read_text(encoding="utf-8"))
        vertices = _vertices(city)
        objects = city["CityObjects"]
        buildings = {k: o for k, o in objects.items() if o["type"] == "Building"}
        rows = [
            {
                **(o.get("attributes") or {}),
                "id": key,
                "geometry": _ground(o, objects, vertices, File(path)),
            }
            for key, o in buildings.items()
        ]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise InputError(
            File(path),
            "not a CityJSON file that can be read ({error})",
            "fetch it again",
            error=Reason(repr(error)),
        ) from None
    if not rows:
        raise InputError(File(path), "holds no object of type Building", "give another file")
    return geopandas.GeoDataFrame(rows, geometry="geometry", crs=_crs(city, path))


def _vertices(city: dict[str, Any]) -> np.ndarray:
    vertices = np.array(city["vertices"], float).reshape(-1, 3)
    if transform := city.get("transform"):
        vertices = vertices * transform["scale"] + transform["translate"]
    return vertices[:, :2]


def _crs(city: dict[str, Any], path: Path) -> pyproj.CRS:
    name = city.get("metadata", {}).get("referenceSystem")
    try:
        return pyproj.CRS.from_epsg(int(str(name).rsplit("/", 1)[-1].rsplit(":", 1)[-1]))
    except (ValueError, pyproj.exceptions.CRSError):
        raise InputError(
            File(path),
            "states no reference system that is known",
            "state one in metadata.referenceSystem",
        ) from None


def _ground(
    building: dict[str, Any], objects: dict[str, Any], vertices: np.ndarray, source: File
) -> shapely.Geometry:
    whole = [building, *(objects[child] for child in building.get("children", []))]
    geometries = [[g for g in o.get("geometry", []) if "lod" in g] for o in whole]
    flat = [g for own in geometries for g in own if str(g["lod"]).startswith("0")]
    if flat:
        surfaces = [s for g in flat for s in g["boundaries"]]
    else:
        surfaces = [s for own in geometries for g in _finest(own) for s in _ground_surfaces(g)]
    rings = ([ring for ring in surface if len(ring) > 2] for surface in surfaces)
    polygons = [shapely.Polygon(vertices[r[0]], [vertices[h] for h in r[1:]]) for r in rings if r]
    if not polygons:
        return shapely.Polygon()
    return union(make_valid(np.array(polygons, object), source), source)


def _finest(geometries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The geometries of the highest level of detail."""
    best = max((str(g["lod"]) for g in geometries), default="")
    return [g for g in geometries if str(g["lod"]) == best]


def _ground_surfaces(geometry: dict[str, Any]) -> list[list[list[int]]]:
    """The surfaces whose semantics say that they are the ground."""
    semantics = geometry.get("semantics") or {"surfaces": [], "values": []}
    ground = {i for i, s in enumerate(semantics["surfaces"]) if s["type"] == "GroundSurface"}
    shells, values = geometry["boundaries"], semantics["values"]
    if geometry["type"] in ("MultiSurface", "CompositeSurface"):
        shells, values = [shells], [values]
    elif geometry["type"] in ("MultiSolid", "CompositeSolid"):
        shells, values = ([s for solid in of for s in solid or [None]] for of in (shells, values))
    pairs = [
        pair
        for shell, of in zip(shells, values, strict=True)
        for pair in zip(shell, of or [], strict=False)
    ]
    return [surface for surface, kind in pairs if kind in ground]
