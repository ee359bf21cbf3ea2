"""The reach of a what-if: where added or removed buildings can change the verdicts of others."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.footprints.prepared import centres_of
from pipeline.heights.relief import HIGHEST_M, LOWEST_M
from pipeline.messages import Text
from pipeline.methods import METHODS
from pipeline.methods import parameters as parameters_
from pipeline.methods.method import Method
from pipeline.methods.reach import hull
from pipeline.results.buildings import marked_rows
from pipeline.results.finished import Finished, open_finished
from pipeline.storage.geoparquet import Rows
from pipeline.storage.places import Place
from pipeline.storage.slices import Rectangle
from pipeline.terms import File

CELLS_M = 10.0  # margin: a wall may stand in the next cell, of 5 m at most in AHN
Bounds = NDArray[np.float64]


def reach_in(
    directory: Place,
    roofs: Sequence[tuple[shapely.Geometry, float | None, float | None]] = (),
    remove: Sequence[str] = (),
) -> Rectangle:
    """The rectangle around the centres of all buildings whose verdict can change when some are
    added or removed: xmin, ymin, xmax, ymax [RD m]. The rows of the finished run give the width and
    the overlaps of the buildings, its sheets the height of the ground.

    roofs: of added buildings the outline [RD m], and the top above NAP or else above ground [m];
    remove: ids. Raises InputError for an id that the run does not have, and for no building at all.
    """
    finished = open_finished(directory)
    stated = finished.report["method"]
    method = METHODS[stated["name"]]
    p = parameters_.parse(method.parameters, stated["parameters"])
    buildings = [_added(finished, p, *roof) for roof in roofs] + _removed(finished, remove)
    if not buildings:
        raise InputError(Text("no building comes or goes"), remedy="give one")
    rectangles = [_reach(finished, method, p, *building) for building in buildings]
    neighbours = [_touching(finished, rectangle) for rectangle in rectangles]
    centres = [np.tile(centres_of(rows.columns), 2) for rows in neighbours]
    return hull(np.concatenate([rectangles, *centres]), CELLS_M)


def _reach(finished: Finished, method: Method, p: Any, bounds: Bounds, top: float) -> Bounds:
    """The rectangle that one building can reach, without the width of others. top: [m NAP]."""

    def lowest(kind: str, rectangle: Rectangle) -> float:
        return _extremes(finished, kind, hull([rectangle], CELLS_M))[0]

    rectangles = [bounds, *method.reach.of_change(p, bounds, top, lowest)]
    for name, radius in method.reach.marked.items():
        around = hull([bounds], radius(p) + CELLS_M)
        rectangles += [*marked_rows(finished.table, name, around).bounds]
    return np.array(hull(rectangles, CELLS_M))


def _added(
    finished: Finished,
    p: Any,
    geometry: shapely.Geometry,
    roof: float | None,
    height: float | None,
) -> tuple[Bounds, float]:
    """Bounds of an added building with all that it overlaps, whose roofs may rise; and its top."""
    own = shapely.bounds(geometry)
    rows = _touching(finished, np.array(hull([own], CELLS_M)))
    bounds: Bounds = np.array(hull(np.vstack([own, rows.bounds]), 0.0))
    if roof is None:
        ring = hull([own], p.ground_ring_m + CELLS_M)
        roof = _extremes(finished, "dtm", ring)[1] + (height or 0.0)
    return bounds, roof


def _removed(finished: Finished, ids: Sequence[str]) -> list[tuple[Bounds, float]]:
    """Bounds and top of each removed building; one without a top reaches nothing."""
    rows = finished.table.with_ids(ids, ["id", "roof_m"])
    for name in ids:
        if name not in rows.columns["id"].to_pylist():
            raise InputError(
                File(finished.directory), "has no building {id}", "give an id of its table", id=name
            )
    tops = pc.fill_null(rows.columns["roof_m"], LOWEST_M).to_pylist()
    return list(zip(rows.bounds, tops, strict=True))


def _touching(finished: Finished, bounds: Bounds) -> Rows:
    west, south, east, north = bounds.tolist()
    return finished.table.within((west, south, east, north), ["centre_x", "centre_y"])


def _extremes(finished: Finished, kind: str, bounds: Rectangle) -> tuple[float, float]:
    """Lowest and highest of the sheets of one kind that touch a rectangle [m above NAP]."""
    ground, sheets = shapely.box(*bounds), finished.inputs[kind]
    touching = [s for s in sheets if ground.intersects(shapely.box(*s["bounds"]))]
    lows = [s["lowest_m"] for s in touching if s["lowest_m"] is not None]
    highs = [s["highest_m"] for s in touching if s["highest_m"] is not None]
    return min(lows, default=LOWEST_M), max(highs, default=HIGHEST_M)
