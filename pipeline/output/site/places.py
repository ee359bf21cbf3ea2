"""The regions in which a finished run has roofs, and the ground that it covers, for a map that has
no server to ask."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.areas.gazetteer import ORDER
from pipeline.areas.regions import Area, Region, codes_of, folded, kind_of, regions_of
from pipeline.engine.tasks import Stop
from pipeline.errors import Stopped
from pipeline.footprints.prepared import centres_of
from pipeline.grid.crs import to_degrees
from pipeline.results.finished import Finished, open_finished
from pipeline.results.summary import computed, is_complete
from pipeline.storage.files import identity
from pipeline.storage.places import Place
from pipeline.storage.slices import slices
from pipeline.terms import File
from pipeline.vectors.files import read_vector
from pipeline.vectors.overlay import make_valid, union

CELL = 1e-7  # degrees: 1 cm
STRAIGHT = 2000.0  # m: what is straight in RD so far lies within 10 cm of what is so in degrees


class Outlined(NamedTuple):
    """A region and its outline [RD m]."""

    region: Region
    outline: shapely.Geometry


def write(directory: Place, files: Sequence[Path], to: Path, stop: Stop) -> int:
    """Write the regions that hold a roof's centre as GeoJSON, the larger kinds first, each with
    `complete`, whether the run covers it, and `coverage`, which part of its ground. How many there
    are.

    Raises InputError for a file that cannot be read as boundaries.
    """
    finished, known = open_finished(directory), list(_outlined(files))
    sources = {file: identity(str(file)) for file in files}
    seen = _seen(directory, np.array([one.outline for one in known], object), stop)
    found = sorted((known[i] for i in np.flatnonzero(seen)), key=_rank)
    features = [_feature(one, finished, sources) for one in found]
    values = {"type": "FeatureCollection", "features": features}
    to.write_text(json.dumps(values, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
    return len(found)


def ground(directory: Place, files: Sequence[Path]) -> dict[str, Any] | None:
    """What a run covers as a geometry of GeoJSON; None where that cannot be told."""
    finished = open_finished(directory)
    whole = finished.inputs["area"] is None
    names = [str(file) for file in files]
    found = finished.sheets(finished.bounds) if whole else finished.ground(names)
    return None if found is None or not found.area else _in_degrees(found)


def _outlined(files: Sequence[Path]) -> Iterator[Outlined]:
    """All regions, each code once: of files that share one the first counts."""
    known: set[str] = set()
    for file in files:
        regions = {(one.layer, one.code): one for one in regions_of(file)}
        for layer in dict.fromkeys(layer for layer, _ in regions):
            frame = read_vector(file, layer)
            shapes = make_valid(frame.geometry.to_numpy(), File(file))
            codes = np.array(codes_of(frame, file))
            for code in dict.fromkeys(codes.tolist()):
                if code not in known:
                    known.add(code)
                    outline = union(shapes[codes == code], File(file))
                    yield Outlined(regions[layer, code], outline)


def _seen(directory: Place, outlines: NDArray[Any], stop: Stop) -> NDArray[np.bool_]:
    """Which outlines hold the centre of a roof that counts."""
    seen, tree = np.zeros(len(outlines), bool), shapely.STRtree(outlines)
    file = open_finished(directory).table.file
    for part in slices(file, ["selected", "centre_x", "centre_y"]):
        if stop():
            raise Stopped
        points = centres_of(part.filter(part["selected"]))
        points = shapely.points(points[~np.isnan(points).any(axis=1)])
        seen[tree.query(points, predicate="intersects")[1]] = True
    return seen


def _rank(one: Outlined) -> tuple[int, str, str]:
    kind = one.region.code[:2]
    place = ORDER.index(kind if kind in ORDER else "")
    return place, folded(one.region.name), one.region.code


def _feature(one: Outlined, finished: Finished, sources: dict[Path, Any]) -> dict[str, Any]:
    """sources: what identifies each file of boundaries."""
    code, name = one.region.code, one.region.name
    source = {"region": code, "name": name, "file": sources[one.region.file]}
    area, files = Area(one.outline, source), [str(file) for file in sources]
    complete = is_complete(finished, area, None, files)
    values = {"code": code, "name": name, "kind": kind_of(code), "complete": complete}
    values["coverage"] = {
        "footprints": None,  # whose rows no file of the site tells apart
        "ground": computed(finished, area, None, files),
    }
    return {
        "type": "Feature", "id": code, "properties": values, "geometry": _in_degrees(one.outline)
    }  # fmt: skip


def _in_degrees(outline: shapely.Geometry) -> dict[str, Any]:
    moved = to_degrees(shapely.segmentize(outline, STRAIGHT))
    values: dict[str, Any] = json.loads(shapely.to_geojson(_polygons(moved)))
    return values


def _polygons(shape: shapely.Geometry) -> shapely.Geometry:
    """The polygons of a shape, to a centimetre."""
    parts = shapely.get_parts(shapely.set_precision(shape, CELL))
    areas = [part for part in parts if part.geom_type == "Polygon"]
    return areas[0] if len(areas) == 1 else shapely.MultiPolygon(areas)
