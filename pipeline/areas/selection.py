"""Selection of buildings: an area or a circle, parsed from text."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.areas.polygons import read_areas
from pipeline.areas.regions import Area, boundary_files, find_region
from pipeline.errors import InputError
from pipeline.heights.ahn_index import land
from pipeline.messages import Text
from pipeline.storage.files import identity
from pipeline.terms import Command, Field, File
from pipeline.vectors.overlay import union

Circle = tuple[float, float, float]  # x, y and radius [RD m]
POSTCODE = re.compile(r"\d{4}")
QGIS_EXTENT = re.compile(r"([^\[]+)\[(EPSG:\d+)\]\s*")  # as QGIS copies it, its CRS behind it
HARDLY, MOSTLY = 0.25, 0.5  # of a box that is read wrongly at most 0.17 lies in the Netherlands


def parse_area(text: str, boundaries: Sequence[str] = ()) -> Area:
    """An area from `xmin,ymin,xmax,ymax` in RD metres, a file of polygons, or a region by code or
    name (NL, GM0363, Zeeland, 1011), as the files `boundaries` have it, else those in the cache.

    Raises InputError for one that is upside down, empty, an extent of QGIS or no area at all.
    """
    check_extent(text, land())
    if is_region(text):
        return _region(text, boundaries)
    numbers = _numbers(text)
    if numbers is None:
        return _area_of_file(Path(text))
    if len(numbers) != 4 or not np.isfinite(numbers).all():
        raise InputError(
            Field("area", text), remedy="give xmin,ymin,xmax,ymax in RD metres, or a file"
        )
    xmin, ymin, xmax, ymax = numbers
    if xmin >= xmax or ymin >= ymax:
        raise InputError(
            Field("area", text),
            "upside down or empty",
            "give xmin,ymin,xmax,ymax with xmin < xmax and ymin < ymax",
        )
    return Area(shapely.box(*numbers), list(numbers))


def check_extent(text: str, ground: shapely.Geometry) -> None:
    """Raises InputError, with the box in the right order, for an extent of QGIS
    (xmin,xmax,ymin,ymax). It is one if its CRS stands behind it, or if in that order most of it
    lies on the ground [RD m], and hardly anything when read as xmin,ymin,xmax,ymax."""
    copied = QGIS_EXTENT.fullmatch(text)
    numbers = _numbers(copied[1] if copied else text)
    if numbers is None or len(numbers) != 4 or not np.isfinite(numbers).all():
        return
    if copied and copied[2] != "EPSG:28992":
        raise InputError(
            Field("area", Text(text)),
            "an extent of QGIS in another CRS",
            "give xmin,ymin,xmax,ymax in RD metres (EPSG:28992)",
        )
    if copied or _reads_better(numbers, ground):
        raise InputError(
            Field("area", Text(text)),
            "reads as an extent of QGIS, which is xmin,xmax,ymin,ymax",
            "give {extent}",
            extent=",".join(f"{numbers[k]:.12g}" for k in (0, 2, 1, 3)),
        )


def _reads_better(numbers: Sequence[float], ground: shapely.Geometry) -> bool:
    """Whether four numbers lie on some ground when read in the order of QGIS, and not as given."""
    xmin, xmax, ymin, ymax = numbers
    if xmin >= xmax or ymin >= ymax:
        return False
    boxes = shapely.box(*np.transpose([numbers, (xmin, ymin, xmax, ymax)]))
    inside = shapely.area(shapely.intersection(boxes, ground))
    as_given, as_qgis = inside / np.maximum(shapely.area(boxes), 1e-9)  # an empty one lies nowhere
    return bool(as_given < HARDLY and as_qgis >= MOSTLY)


def is_region(text: str) -> bool:
    """Whether a text must be a region's code or name: it is neither numbers nor a file."""
    postcode = POSTCODE.fullmatch(text.strip()) is not None
    # isfile is false also for a name that is too long.
    return not os.path.isfile(text) and (postcode or _numbers(text) is None)


def _numbers(text: str) -> list[float] | None:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        return None


def _region(text: str, boundaries: Sequence[str]) -> Area:
    files = boundary_files(boundaries)
    if not files:
        raise InputError(
            Field("area", text),
            "no such file, and not xmin,ymin,xmax,ymax in RD metres either",
            "give one, or for regions by name {boundaries}, or once {fetch}",
            boundaries=Field("boundaries", Text("FILE")),
            fetch=Command("fetch boundaries"),
        )
    return find_region(text, files, or_file=True)


def _area_of_file(path: Path) -> Area:
    whole = union(read_areas(path)[1], File(path))
    if whole.area == 0:
        raise InputError(Field("area", File(path)), "holds no polygon with an area", "give another")
    return Area(whole, identity(str(path)))


def parse_around(text: str) -> Circle:
    """`X,Y,RADIUS` in RD metres. Raises InputError for anything else."""
    numbers = _numbers(text)
    if numbers is None or len(numbers) != 3 or not np.isfinite(numbers).all() or numbers[2] <= 0:
        raise InputError(
            Field("around", text), remedy="give X,Y,RADIUS in RD metres, with RADIUS > 0"
        )
    return numbers[0], numbers[1], numbers[2]


def within_circle(centre: NDArray[np.float64], around: Circle | None) -> NDArray[np.bool_]:
    """Which of (n, 2) centres lie in a circle or on it; all without a circle."""
    if around is None:
        return np.ones(len(centre), np.bool_)
    x, y, radius = around
    return (centre[:, 0] - x) ** 2 + (centre[:, 1] - y) ** 2 <= radius**2
