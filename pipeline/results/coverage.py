"""Coverage: the shares of an area's footprints and of its ground that the inputs cover."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import shapely

from pipeline.areas.regions import Area
from pipeline.footprints.scope import RowGroups, boxes_of_area
from pipeline.heights.ahn_index import land
from pipeline.messages import Text
from pipeline.terms import Field
from pipeline.vectors.overlay import intersection

FEW = 0.5  # covered of the footprints or the ground: with less, figures are not those of the area
SQUARE_M = 250.0  # of which the sheets of AHN are made up
DIGITS = 6  # that count: of the country a village is 0.00001

Section = dict[str, float | None]


def section(accounting: Mapping[str, Any], ground: float | None) -> Section:
    """The section of a report: shares of 1; None for nothing to cover, or where it is not known.

    accounting: of a report, or a summary; ground: the share of `of_ground`.
    """
    return {"footprints": _of_footprints(accounting), "ground": ground}


def _of_footprints(accounting: Mapping[str, Any]) -> float | None:
    """The share of those with a place whose centre lies on a cell of DSM and DTM."""
    rejected = accounting["rejected"]
    placed = accounting["read"] - rejected["empty"] - rejected["invalid"]
    return 1 - rejected["off_rasters"] / placed if placed else None


def of_ground(requested: Any, covered: shapely.Geometry) -> float | None:
    """The covered share of a geometry, or of an array of them that do not overlap [RD m]. Ground
    without a sheet of AHN that meets land, the sea and abroad, does not count, unless it is all
    there is; None for no ground at all. Raises as `intersection` does."""
    ground = _shared(requested, land())
    if not shapely.area(ground).sum():
        ground = requested
    whole = float(shapely.area(ground).sum())
    inside = float(shapely.area(_shared(ground, covered)).sum())
    return float(f"{min(inside / whole, 1.0):.{DIGITS}g}") if whole else None


def _shared(ground: Any, other: shapely.Geometry) -> Any:
    """The intersection of a geometry, which may be a user's polygon, or of each of an array with
    another."""
    if isinstance(ground, np.ndarray):
        return shapely.intersection(ground, other)
    return intersection(ground, other, Field("area"))


def ground_asked(area: Area | None, footprints: RowGroups) -> Any:
    """The ground of an area [RD m]; without one, the squares of SQUARE_M that hold the centre of a
    footprint, as far as the rectangle around all polygons reaches, as an array."""
    if area is not None:
        return area.geometry
    places = [
        np.unique(np.floor(boxes.centre / SQUARE_M), axis=0)
        for boxes, _ in boxes_of_area(footprints, None)
    ]
    left, bottom = SQUARE_M * np.unique(np.concatenate(places), axis=0).T
    squares = shapely.box(left, bottom, left + SQUARE_M, bottom + SQUARE_M)
    return shapely.intersection(squares, shapely.box(*footprints.bounds))


def warning(report: Mapping[str, Any]) -> Text | None:
    """The warning of a run whose inputs cover less than half of what was requested."""
    shares = {k: v for k, v in (report.get("coverage") or {}).items() if v is not None}
    if min(shares.values(), default=1.0) >= FEW:
        return None
    text = (
        "the inputs cover {footprints:.1f} % of the footprints and {ground:.1f} % of the ground,"
        " and the figures are of that part only; give the other sheets and footprints, or a"
        " smaller AREA"
    )
    names = ("footprints", "ground")
    return Text(text, **{name: percent(shares.get(name, 0.0)) for name in names})


def percent(share: float) -> float:
    """A share in per cent, rounded down to a tenth: what is not all is not 100."""
    return math.floor(1000 * share + 1e-9) / 10
