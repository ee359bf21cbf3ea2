"""Areas of a vector file, and point-in-area lookup."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import shapely

from pipeline.errors import InputError
from pipeline.terms import File
from pipeline.vectors.files import read_vector
from pipeline.vectors.overlay import make_valid

POLYGONS = {shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON}


def read_areas(
    file: str | Path, layer: str | None = None
) -> tuple[list[dict[str, Any]], np.ndarray]:
    """The columns of each area of a vector file, and its polygon in RD metres.

    An area without a geometry holds nothing; a file without columns gets `area`, counted from 1.
    Raises InputError where the file cannot be read or holds no polygons.
    """
    frame, source = read_vector(file, layer), File(file)
    polygons = frame.geometry.to_numpy()
    present = polygons[~(shapely.is_missing(polygons) | shapely.is_empty(polygons))]
    if not len(present) or not set(shapely.get_type_id(present)) <= POLYGONS:
        raise InputError(source, "not (only) polygons in it", "give a file of areas")
    if not np.isfinite(shapely.bounds(present)).all():
        raise InputError(
            source, "its coordinates are none of the CRS it states", "state the true one"
        )
    table = pa.Table.from_pandas(frame.drop(columns=frame.geometry.name), preserve_index=False)
    rows = table.to_pylist() if table.num_columns else [{"area": n + 1} for n in range(len(frame))]
    return rows, make_valid(polygons, source)


def own_copy(geometry: Any) -> Any:
    """A copy of geometries for one thread: GEOS prepares a geometry at its first use, which is not
    safe in two threads at once."""
    return shapely.from_wkb(shapely.to_wkb(geometry))


def locate(polygons: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """For each point [m] the first polygon that it lies in or on the border of, by position.

    It is len(polygons) for a point in none of them, or without coordinates (NaN).
    """
    first = np.full(len(x), len(polygons))
    order = np.argsort(x)  # what has no coordinate comes last and is in no rectangle
    east, north = x[order], y[order]
    shapely.prepare(polygons)
    boxes = shapely.bounds(polygons)
    for area in _touching(boxes, x, y).tolist():
        west, south, *corner = boxes[area]
        start, end = np.searchsorted(east, west), np.searchsorted(east, corner[0], "right")
        candidates = start + np.flatnonzero(
            (north[start:end] >= south) & (north[start:end] <= corner[1])
        )
        candidates = candidates[first[order[candidates]] == len(polygons)]
        inside = candidates[
            shapely.intersects_xy(polygons[area], east[candidates], north[candidates])
        ]
        first[order[inside]] = area
    return first


def _touching(boxes: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Positions of the rectangles that touch the one around all points: few of a country's
    areas."""
    (west, south), (east, north) = (
        [pick.reduce(v, initial=most) for v in (x, y)]
        for pick, most in ((np.fmin, np.inf), (np.fmax, -np.inf))
    )
    xmin, ymin, xmax, ymax = boxes.T
    return np.flatnonzero((xmin <= east) & (xmax >= west) & (ymin <= north) & (ymax >= south))
