"""How far a building that comes or goes can change what is judged of others."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import ArrayLike, NDArray

from pipeline.errors import InputError
from pipeline.grid.sun import suns
from pipeline.grid.windows import LATTICE_M, LatticeCell
from pipeline.heights.relief import HIGHEST_M, LOWEST_M
from pipeline.methods import METHODS
from pipeline.methods import parameters as parameters_
from pipeline.methods.powermapping.rules import Powermapping
from pipeline.results import report
from pipeline.results.finished import Finished, centres, open_finished, rectangles
from pipeline.storage.places import Place
from pipeline.storage.slices import Rectangle, where

MARGIN_M = 200.0  # half the diagonal of a hall of 280 m: so far its centre lies from its corners
CELLS_M = 10.0  # a wall may stand in the next cell, and those of AHN have 5 m at most
Bounds = NDArray[np.float64]


def reach_of_change(
    geometry: shapely.Geometry, above: float, p: Powermapping, margin: float = MARGIN_M
) -> Rectangle:
    """The rectangle that holds the centres of all buildings that can be judged otherwise when a
    building comes or goes: xmin, ymin, xmax, ymax [RD m].

    above: its top over the lowest roof or ground that its shadow may fall on [m]; margin: how far
    the centre of a building may lie from its walls [m]. It must not overlap another building.
    """
    bounds = shapely.bounds(geometry)
    shadows = [bounds + np.array(shift * 2) for shift in _shadow_ends(bounds, above, p)]
    sheltered = bounds + p.wind_radius_m * np.array([-1, -1, 1, 1])
    return _hull([bounds, *shadows, sheltered], margin + CELLS_M)


def _shadow_ends(bounds: Bounds, above: float, p: Powermapping) -> Iterator[tuple[float, float]]:
    """How far the end of a shadow lies eastward and northward [m], by the suns of all squares of
    the lattice that it may fall on."""
    squares = np.floor((bounds + LATTICE_M * np.array([-1, -1, 1, 1])) / LATTICE_M).astype(int)
    for column in range(squares[0], squares[2] + 1):
        for row in range(squares[1], squares[3] + 1):
            for sun in suns(LatticeCell(column, row), p.date, p.times, p.elevation):
                length = max(above, 0.0) / math.tan(sun.elevation)
                yield -math.sin(sun.azimuth) * length, -math.cos(sun.azimuth) * length


def _hull(rectangles: ArrayLike, margin: float) -> Rectangle:
    """The rectangle around some, and so much more on all sides [m]."""
    every = np.asarray(rectangles, np.float64)
    west, south = every[:, :2].min(axis=0) - margin
    east, north = every[:, 2:].max(axis=0) + margin
    return float(west), float(south), float(east), float(north)


def reach_in(
    directory: Place,
    roofs: Sequence[tuple[shapely.Geometry, float | None, float | None]] = (),
    remove: Sequence[str] = (),
) -> Rectangle:
    """The same around several buildings, among those of a finished run: its rows tell how wide the
    buildings are and which overlap, its sheets how high the ground.

    roofs: of those that come the outline [RD m], and the top above NAP or else above ground [m];
    remove: ids of those that go. Raises InputError for an id that the run does not have, and where
    nothing changes.
    """
    finished = open_finished(directory)
    method = finished.said["method"]
    p = parameters_.parse(METHODS[method["name"]].parameters, method["parameters"])
    found = [_coming(finished, p, *roof) for roof in roofs] + _going(finished, remove)
    if not found:
        raise InputError("no building comes or goes; give one")
    reached = [np.array(_reach(finished, p, bounds, top)) for bounds, top in found]
    near = [_touching(finished, rectangle) for rectangle in reached]
    middles = [np.tile(centres(rows), 2) for rows in near]
    return _hull(np.concatenate([reached, *middles]), CELLS_M)


def _reach(finished: Finished, p: Powermapping, bounds: Bounds, top: float) -> Rectangle:
    """What one building of that top [m above NAP] can reach, without the width of others."""
    place = shapely.box(*bounds)
    farthest = reach_of_change(place, top - LOWEST_M, p, 0.0)
    lowest, _ = _extremes(finished, "dsm" if p.surface == "dsm" else "dtm", farthest)
    return reach_of_change(place, top - lowest, p, 0.0)


def _coming(
    finished: Finished,
    p: Powermapping,
    geometry: shapely.Geometry,
    roof: float | None,
    height: float | None,
) -> tuple[Bounds, float]:
    """Where it stands, with all that it overlaps, whose roofs may rise with it; and its top."""
    own = shapely.bounds(geometry)
    rows = _touching(finished, np.array(_hull([own], CELLS_M)))
    bounds: Bounds = np.array(_hull(np.vstack([own, rectangles(rows)]), 0.0))
    if roof is None:
        ring = _hull([own], p.ground_ring_m + CELLS_M)
        roof = _extremes(finished, "dtm", ring)[1] + (height or 0.0)
    return bounds, roof


def _going(finished: Finished, ids: Sequence[str]) -> list[tuple[Bounds, float]]:
    """Where each of them stands, and its top; one that has none stands nowhere."""
    file = report.buildings_file(finished.directory)
    rows = where(file, ["id", "roof_m", "bbox"], pc.field("id").isin(pa.array(ids, pa.string())))
    for name in ids:
        if name not in rows["id"].to_pylist():
            raise InputError(
                "{name}: has no building {id}; give an id of its table",
                name=finished.name,
                id=name,
            )
    tops = pc.fill_null(rows["roof_m"], LOWEST_M).to_pylist()
    return list(zip(rectangles(rows), tops, strict=True))


def _touching(finished: Finished, bounds: Bounds) -> pa.Table:
    west, south, east, north = bounds.tolist()
    columns = ["centre_x", "centre_y", "bbox"]
    return report.read_buildings(finished.directory, columns, (west, south, east, north))


def _extremes(finished: Finished, kind: str, bounds: Rectangle) -> tuple[float, float]:
    """Lowest and highest of the sheets of one kind that touch a rectangle [m above NAP]."""
    ground, sheets = shapely.box(*bounds), finished.inputs[kind]
    there = [s for s in sheets if ground.intersects(shapely.box(*s["bounds"]))]
    lows = [s["lowest_m"] for s in there if s["lowest_m"] is not None]
    highs = [s["highest_m"] for s in there if s["highest_m"] is not None]
    return min(lows, default=LOWEST_M), max(highs, default=HIGHEST_M)
