"""The regions in which finished runs have roofs, and the ground that these cover, for a map that
has no server to ask."""

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.areas.gazetteer import ORDER
from pipeline.areas.other_names import other_names
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


def write(runs: Mapping[str, Place], files: Sequence[Path], to: Path, stop: Stop) -> int:
    """Write the regions that hold the centre of a roof of a run as GeoJSON, the larger kinds first;
    by the name of each run, `complete` says whether it covers the region, and `coverage` which part
    of its ground.

    Returns their number. Raises InputError for a file that cannot be read as boundaries.
    """
    finished = {name: open_finished(place) for name, place in runs.items()}
    outlines = dict(_outlines(files))
    sources = {file: identity(str(file)) for file in files}
    shapes = np.array([*outlines.values()], object)
    occupied = np.any([_holding_roofs(one, shapes, stop) for one in finished.values()], axis=0)
    regions = sorted(itertools.compress(outlines, occupied), key=_rank)
    features = [_feature(region, outlines[region], finished, sources) for region in regions]
    values = {"type": "FeatureCollection", "features": features}
    to.write_text(json.dumps(values, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
    return len(features)


def ground(directory: Place, files: Sequence[Path]) -> dict[str, Any] | None:
    """The ground of a run as a geometry of GeoJSON; None where it is unknown."""
    finished = open_finished(directory)
    if finished.inputs["area"] is None:
        area: shapely.Geometry | None = finished.sheets(finished.bounds)
    else:
        area = finished.ground([str(file) for file in files])
    return None if area is None or not area.area else _in_degrees(area)


def _outlines(files: Sequence[Path]) -> Iterator[tuple[Region, shapely.Geometry]]:
    """All regions with their outlines [RD m], each code once: of the first file that has it."""
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
                    yield regions[layer, code], union(shapes[codes == code], File(file))


def _holding_roofs(finished: Finished, outlines: NDArray[Any], stop: Stop) -> NDArray[np.bool_]:
    """Which outlines hold the centre of a roof that counts."""
    occupied, tree = np.zeros(len(outlines), bool), shapely.STRtree(outlines)
    for part in slices(finished.table.file, ["selected", "centre_x", "centre_y"]):
        if stop():
            raise Stopped
        points = centres_of(part.filter(part["selected"]))
        points = shapely.points(points[~np.isnan(points).any(axis=1)])
        occupied[tree.query(points, predicate="intersects")[1]] = True
    return occupied


def _rank(region: Region) -> tuple[int, str, str]:
    kind = region.code[:2]
    return ORDER.index(kind if kind in ORDER else ""), folded(region.name), region.code


def _feature(
    region: Region,
    outline: shapely.Geometry,
    finished: Mapping[str, Finished],
    sources: dict[Path, Any],
) -> dict[str, Any]:
    """A region as GeoJSON. sources: the identity of each file of boundaries."""
    code, name = region.code, region.name
    source = {"region": code, "name": name, "file": sources[region.file]}
    area, files = Area(outline, source), [str(file) for file in sources]
    values: dict[str, Any] = {"code": code, "name": name, "kind": kind_of(code)}
    if others := other_names().get(folded(name)):
        values["others"] = list(others)
    values["complete"] = {run: is_complete(one, area, None, files) for run, one in finished.items()}
    values["coverage"] = {  # no file of the site has the rows of footprints
        run: {"footprints": None, "ground": computed(one, area, None, files)}
        for run, one in finished.items()
    }
    return {
        "type": "Feature", "id": code, "properties": values, "geometry": _in_degrees(outline)
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
