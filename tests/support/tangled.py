"""Polygons that cost GEOS much for their size: what a user may send by mistake, and an attacker."""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

CORNER = np.array([121_000.0, 487_000.0])


def at_random(corners: int, side: float = 1000.0) -> shapely.Polygon:
    """Corners at random in a square [RD m]: a third of the pairs of sides cross."""
    points = np.random.default_rng(0).random((corners, 2)) * side
    return shapely.Polygon(points + CORNER)


def chain(crossings: int) -> shapely.Polygon:
    """Two lines that change sides so often."""
    x = np.arange(crossings + 1.0)
    y = np.where(x % 2, 0.5, -0.5)
    ends = np.vstack([np.stack([x, y], 1), np.stack([x, -y], 1)[::-1]])
    return shapely.Polygon(ends + CORNER)


def slanting(teeth: int) -> shapely.Polygon:
    """A valid comb with long teeth on the slant, all of whose rectangles meet."""
    at = np.arange(teeth)
    low = np.stack([at, -at], axis=1) + 0.0
    tips = np.where((at % 2 == 0)[:, None, None], np.stack([low, low + 1e5], 1),
                    np.stack([low + 1e5, low], 1))  # fmt: skip
    back = [[teeth - 1, -teeth - 10.0], [-10, -teeth - 10.0]]
    return shapely.Polygon(np.vstack([tips.reshape(-1, 2), back]) + CORNER)


def frames(n: int) -> list[shapely.Polygon]:
    """Square frames within each other, with room between."""
    place = shapely.Point(CORNER)
    squares = [place.buffer(r, cap_style="square") for r in range(1, 2 * n + 1)]
    return [squares[i + 1] - squares[i] for i in range(0, 2 * n, 2)]


def upright(teeth: int) -> shapely.Polygon:
    """A valid comb with a tooth every 4 mm."""
    at = np.arange(2 * teeth)
    tips = np.stack([at * 0.002, np.where(np.isin(at % 4, (1, 2)), 1000.0, 0.0)], axis=1)
    return shapely.Polygon(np.vstack([tips, [[at[-1] * 0.002, -10], [0, -10]]]) + CORNER)


def bent(rows: int) -> dict[str, Any]:
    """A comb across the country as GeoJSON. In degrees it is valid. In RD its long sides bend, but
    for those with a corner in the middle, and so they cross: 30 kB have 190,000 crossings."""
    west, east, south, height = 3.5, 7.0, 50.9, 0.05
    ring: list[list[float]] = []
    for row in range(rows):
        y = round(south + row * height / rows, 6)
        middle = [[(west + east) / 2, y]] if row % 4 in (0, 3) else []
        side = [[west, y], *middle, [east, y]]
        ring += side if row % 2 == 0 else side[::-1]
    ring += [[west - 0.1, south + height], [west - 0.1, south - 0.01], ring[0]]
    return {"type": "Polygon", "coordinates": [ring]}


def many(polygons: list[shapely.Polygon]) -> NDArray[np.object_]:
    return np.array(polygons, object)
