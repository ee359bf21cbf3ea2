"""Which buildings are asked for: an area, a circle."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.areas import read_areas
from pipeline.errors import InputError
from pipeline.files import identity


@dataclass(frozen=True)
class Area:
    """A region in RD metres; `source` says where it comes from."""

    geometry: shapely.Geometry
    source: Any

    def holds(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which (n, 2) points lie in it, its border included; NaN lies nowhere."""
        known = ~np.isnan(points).any(axis=1)
        inside = np.zeros(len(points), np.bool_)
        shapely.prepare(self.geometry)
        inside[known] = shapely.intersects_xy(self.geometry, points[known])
        return inside


def parse_area(text: str) -> Area:
    """An area from `xmin,ymin,xmax,ymax` in RD metres or a file of polygons.

    Raises InputError for one that is upside down, empty or no area at all.
    """
    numbers = _numbers(text)
    if numbers is None:
        return _area_of_file(Path(text))
    if len(numbers) != 4 or not np.isfinite(numbers).all():
        raise InputError(f"AREA {text}: give xmin,ymin,xmax,ymax in RD metres, or a file")
    xmin, ymin, xmax, ymax = numbers
    if xmin >= xmax or ymin >= ymax:
        raise InputError(
            f"AREA {text}: upside down or empty; give xmin,ymin,xmax,ymax with"
            " xmin < xmax and ymin < ymax"
        )
    return Area(shapely.box(*numbers), list(numbers))


def _numbers(text: str) -> list[float] | None:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        return None


def _area_of_file(path: Path) -> Area:
    if not os.path.isfile(path):  # false also for a name that is too long
        raise InputError(
            f"AREA {path}: no such file, and not xmin,ymin,xmax,ymax in RD metres either; give one"
        )
    whole = shapely.union_all(read_areas(path)[1])
    if whole.area == 0:
        raise InputError(f"AREA {path.name}: holds no polygon with an area; give another")
    return Area(whole, identity(str(path)))


def parse_around(text: str) -> tuple[float, float, float]:
    """`X,Y,RADIUS` in RD metres. Raises InputError for anything else."""
    numbers = _numbers(text)
    if numbers is None or len(numbers) != 3 or not np.isfinite(numbers).all() or numbers[2] <= 0:
        raise InputError(f"--around {text}: give X,Y,RADIUS in RD metres, with RADIUS > 0")
    return numbers[0], numbers[1], numbers[2]


def within_circle(
    centre: NDArray[np.float64], around: tuple[float, float, float] | None
) -> NDArray[np.bool_]:
    """Which (n, 2) centres lie in the circle, its border included; without one, all."""
    if around is None:
        return np.ones(len(centre), np.bool_)
    x, y, radius = around
    return (centre[:, 0] - x) ** 2 + (centre[:, 1] - y) ** 2 <= radius**2
