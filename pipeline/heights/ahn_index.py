"""The sheet index of AHN: names and rectangles of sheets of 5 x 6.25 km, and of AHN6's tiles of
1 km, both anchored at RD (0, 0)."""

import csv
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import shapely

WIDTH_M, HEIGHT_M = 5000.0, 6250.0
TILE_M = 1000
TABLE = Path(__file__).with_name("ahn_sheets.csv")


Bounds = tuple[float, float, float, float]  # xmin, ymin, xmax, ymax [RD m]


class AhnSheet(NamedTuple):
    """A sheet of AHN: its name (25GN1), its rectangle xmin, ymin, xmax, ymax [RD m], and whether
    it meets the land of a province."""

    name: str
    bounds: Bounds
    land: bool


@cache
def sheets() -> tuple[AhnSheet, ...]:
    """All 2,008 sheets of the index by name; 1,370 of them meet land."""
    with TABLE.open(newline="") as table:
        return tuple(_place(row) for row in csv.DictReader(table))


@cache
def sheets_by_name() -> dict[str, AhnSheet]:
    """All sheets of the index by name."""
    return {sheet.name: sheet for sheet in sheets()}


@cache
def land() -> shapely.Geometry:
    """The sheets that meet land, as one geometry in RD metres: all ground that AHN can cover."""
    return shapely.union_all([shapely.box(*sheet.bounds) for sheet in sheets() if sheet.land])


def _place(row: dict[str, str]) -> AhnSheet:
    left, bottom = float(row["left"]), float(row["bottom"])
    return AhnSheet(
        row["name"], (left, bottom, left + WIDTH_M, bottom + HEIGHT_M), row["land"] == "1"
    )


def sheets_touching(geometry: shapely.Geometry, margin: float = 0.0) -> list[AhnSheet]:
    """The sheets whose closed rectangles lie within `margin` metres of a geometry in RD metres, by
    name."""
    near = _tree().query(geometry, predicate="dwithin", distance=margin)
    return [sheets()[n] for n in sorted(near.tolist())]


@cache
def _tree() -> shapely.STRtree:
    return shapely.STRtree(shapely.box(*np.array([sheet.bounds for sheet in sheets()]).T))


def tiles_touching(geometry: shapely.Geometry, margin: float = 0.0) -> list[str]:
    """Names of AHN6's tiles of 1 km within `margin` metres of a geometry in RD metres."""
    low = np.floor((np.array(geometry.bounds[:2]) - margin) / TILE_M) - 1
    high = np.ceil((np.array(geometry.bounds[2:]) + margin) / TILE_M)
    x, y = np.meshgrid(np.arange(low[0], high[0] + 1), np.arange(low[1], high[1] + 1))
    left, bottom = x.ravel() * TILE_M, y.ravel() * TILE_M
    shapely.prepare(geometry)
    boxes = shapely.box(left, bottom, left + TILE_M, bottom + TILE_M)
    near = np.flatnonzero(shapely.dwithin(geometry, boxes, margin))
    return [tile_name(int(left[n]), int(bottom[n])) for n in near]


def tile_name(left: int, bottom: int) -> str:
    """Name of the tile of 1 km with this south-western corner [RD m]."""
    return f"{left:06d}_{bottom:06d}"
