"""Planes found on roofs whose planes are known: which plane was found for which, and how well."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from kernels.planes import REST, Planes, roof_planes
from kernels.rings import Box, footprint_spans
from kernels.spans import Spans, cells_of
from kernels.zonal import centimetres
from pipeline.footprints.footprints import to_rings
from pipeline.quarter.roofscape import Roofscape, Survey, TruePlane
from pipeline.quarter.scene import Cells

LEAST = 8.0  # planes that are large enough to be asked for [m2]
HALF, PART = 0.5, 0.2  # of a plane's cells: less is missed; so much in another plane is split


class Roofs(NamedTuple):
    """Roofs on a raster, and their true planes. cm: heights [cm]; spans: own cells; x, y: (cells,)
    centres of those, in the coordinates of `truth`; area: of each footprint [m2]; kinds: a word for
    each; truth: the true planes of each."""

    cm: NDArray[np.int32]
    spans: Spans
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    area: NDArray[np.float64]
    kinds: Sequence[str]
    truth: Sequence[Sequence[TruePlane]]


def of_scene(scene: Roofscape, survey: Survey, resolution: float = 0.5) -> Roofs:
    """The roofs of a generated scene, as a survey would have them."""
    cells = Cells.of(scene.bounds, resolution)
    geometry = np.array([roof.footprint for roof in scene.roofs])
    box = Box(-(cells.row + cells.height), cells.column, cells.height, cells.width)
    spans = footprint_spans(to_rings(shapely.to_wkb(geometry), resolution), box)
    own = cells_of(spans)
    x = (own.column + box.left + 0.5) * resolution
    y = -(own.row + box.top + 0.5) * resolution
    cm = centimetres(scene.surfaces(cells, survey)[0])
    kinds = [roof.kind for roof in scene.roofs]
    area = shapely.area(geometry)
    return Roofs(cm, spans, np.asarray(x, float), np.asarray(y, float), area, kinds, scene.planes)


def compare(roofs: Roofs, resolution: float = 0.5) -> tuple[Planes, pd.DataFrame]:
    """The planes that are found, and a row for each true plane.

    The row has the footprint's position and kind; the plane's area [m2] and tilt [degrees]; of what
    was found for it its area and the differences of tilt and azimuth, NaN if nothing was; and
    whether it was missed, split or joined with another.
    """
    planes = roof_planes(roofs.cm, roofs.spans, resolution)
    footprint = cells_of(roofs.spans).footprint
    first = np.searchsorted(footprint, np.arange(len(roofs.truth) + 1))
    rows: list[dict[str, Any]] = []
    for f, truth in enumerate(roofs.truth):
        here = slice(first[f], first[f + 1])
        of = np.full(here.stop - here.start, -1)
        for k, plane in enumerate(truth):
            of[shapely.contains_xy(plane.polygon, roofs.x[here], roofs.y[here])] = k
        counts = _counts(of, planes.number[here], len(truth))
        for k, plane in enumerate(truth):
            if plane.role == "plane":
                row = {"footprint": f, "kind": roofs.kinds[f], **_one(truth, counts, k)}
                rows.append(row | _match(planes, f, counts[k], plane, roofs.area[f]))
    return planes, pd.DataFrame(rows)


def _counts(of: NDArray[np.int64], number: NDArray[np.uint8], truths: int) -> NDArray[np.int64]:
    """How many cells each true plane shares with each found one: (truths, 256)."""
    counts = np.zeros((truths + 1, 256), np.int64)
    np.add.at(counts, (of, number), 1)
    return counts[:truths]


def _one(truth: Sequence[TruePlane], counts: NDArray[np.int64], k: int) -> dict[str, Any]:
    plane, cells, found = truth[k], counts[k].sum(), counts[:, :REST]
    best = int(found[k].argmax())
    others = [
        i for i, other in enumerate(truth)
        if i != k and other.area >= LEAST and other.role == "plane"
    ]  # fmt: skip
    second = np.sort(found[k])[-2]
    missed = found[k, best] < HALF * cells or cells == 0
    return {
        "area": plane.area,
        "tilt": np.degrees(plane.tilt),
        "missed": bool(missed),
        "split": bool(second >= max(8, PART * cells)),
        "joined": any(found[i, best] >= HALF * max(counts[i].sum(), 1) for i in others)
        and not missed,
    }


def _match(
    planes: Planes, f: int, counts: NDArray[np.int64], plane: TruePlane, area: float
) -> dict[str, float]:
    best = int(counts[:REST].argmax())
    if not best or not counts[best]:
        return {"found": 0.0, "off_tilt": np.nan, "off_azimuth": np.nan}
    p = planes.start[f] + best - 1
    east, north = planes.slope_east[p], planes.slope_north[p]
    tilt, azimuth = np.arctan(np.hypot(east, north)), np.arctan2(-east, -north)
    turned = (azimuth - plane.azimuth + np.pi) % (2 * np.pi) - np.pi
    return {
        "found": area * planes.cells[p] / planes.own[f] / np.cos(tilt),
        "off_tilt": np.degrees(tilt - plane.tilt),
        "off_azimuth": np.degrees(turned),
    }
