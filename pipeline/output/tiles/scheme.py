"""The tiles of a web map (WebMercatorQuad), and their place in RD.

pyproj takes 40 ms for the pixels of a tile. Within a tile its projection is a smooth function, so a
polynomial through a few exact nodes gives the same to far less than a millimetre, in under 1 ms.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.grid.crs import RD, Transformer, transformer
from pipeline.messages import Text
from pipeline.storage.slices import Rectangle

RADIUS = 6_378_137.0  # m; of the sphere of Web Mercator
HALF = math.pi * RADIUS  # of the world's side [m]
DEEPEST = 24  # zoom
SIDE = 256  # pixels of a picture
NODES = 5  # along a side; so the error is below a micrometre from zoom 12 on
FAR_NODES = 14  # for lower zooms: a tile of zoom 5 is larger than the country
FINE = 10  # from this zoom on NODES do for pixels
EDGE = np.linspace(0.0, 1.0, 9)
# Each Chebyshev polynomial as coefficients of powers, (NODES, NODES).
POWERS = np.array([np.pad(chebyshev.cheb2poly(np.eye(NODES)[i]), (0, NODES - 1 - i))
                   for i in range(NODES)])  # fmt: skip


def mercator_transformer(to_rd: bool) -> Transformer:
    """From Web Mercator to RD, or back; safe in threads."""
    return transformer("EPSG:3857", RD) if to_rd else transformer(RD, "EPSG:3857")


@dataclass(frozen=True)
class MapTile:
    """A tile of a web map: zoom, column from the west, row from the north. Raises InputError for
    one outside the scheme."""

    z: int
    x: int
    y: int

    def __post_init__(self) -> None:
        if not 0 <= self.z <= DEEPEST:
            raise InputError(
                Text("zoom {z}", z=self.z), "possible are 0 to {deepest}", deepest=DEEPEST
            )
        if not (0 <= self.x < 1 << self.z and 0 <= self.y < 1 << self.z):
            last = (1 << self.z) - 1
            raise InputError(
                Text("tile {z}/{x}/{y}", z=self.z, x=self.x, y=self.y),
                "x and y run from 0 to {last}",
                last=last,
            )

    @classmethod
    def at(cls, lon: float, lat: float, z: int) -> "MapTile":
        """The tile with a point [degrees] in it."""
        span = 1 << z
        x = (lon + 180) / 360 * span
        y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * span
        return cls(z, *(min(max(math.floor(value), 0), span - 1) for value in (x, y)))

    def units(self, points: NDArray[np.float64], extent: int) -> NDArray[np.int64]:
        """The places of points in Web Mercator [m], (n, 2), in whole units of the tile, of which
        `extent` are along its side, y southward: a point lies in exactly one tile of a zoom."""
        share = (points * (1, -1) + HALF) / (2 * HALF)
        return np.floor(share * (extent << self.z)).astype(np.int64) - np.multiply(
            extent, (self.x, self.y)
        )

    @property
    def side(self) -> float:
        """Side of the tile [m of the projection]."""
        return float(2 * HALF / (1 << self.z))

    @cached_property
    def mercator(self) -> Rectangle:
        """xmin, ymin, xmax, ymax [m of EPSG:3857]."""
        west, north = self.x * self.side - HALF, HALF - self.y * self.side
        return west, north - self.side, west + self.side, north

    @property
    def pixel_m(self) -> float:
        """Side of a pixel on the ground in the middle of the tile [m], to half a percent, since the
        Earth is no sphere."""
        _, south, _, north = self.mercator
        return self.side / SIDE / math.cosh((south + north) / 2 / RADIUS)

    def rd(self, buffer: float = 0.0) -> Rectangle:
        """The rectangle in RD around the tile, grown by a share of its side [m]."""
        west, south, east, north = grown(self.mercator, buffer * self.side)
        across, up = west + EDGE * (east - west), south + EDGE * (north - south)
        x = np.concatenate([across, across, np.full(9, west), np.full(9, east)])
        y = np.concatenate([np.full(9, south), np.full(9, north), up, up])
        x, y = mercator_transformer(True).transform(x, y)
        return float(x.min()), float(y.min()), float(x.max()), float(y.max())

    def pixels(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """x and y in RD [m] of the centres of the pixels, (SIDE, SIDE), the northern row first."""
        nodes = NODES if self.z >= FINE else FAR_NODES
        x, y = _fitted(True, self.mercator, nodes)
        centres = (2 * np.arange(SIDE) + 1) / SIDE - 1
        basis = chebyshev.chebvander(centres, nodes - 1)
        return basis[::-1] @ x @ basis.T, basis[::-1] @ y @ basis.T


@dataclass(frozen=True)
class Units:
    """From RD to units of a tile, counted from its north-western corner eastward and southward.

    middle, half: of the rectangle in RD; powers: (2, NODES, NODES), of y and x.
    """

    middle: NDArray[np.float64]
    half: NDArray[np.float64]
    powers: NDArray[np.float64]

    @classmethod
    def of(cls, tile: MapTile, extent: int, buffer: float) -> "Units":
        """extent: units along a side of the tile; buffer: beyond it, a share of its side."""
        bounds = np.array(tile.rd(buffer))
        x, y = (POWERS.T @ part @ POWERS for part in _fitted(False, tuple(bounds), NODES))
        west, _, _, north = tile.mercator
        x[0, 0], y[0, 0] = x[0, 0] - west, y[0, 0] - north
        scale = extent / tile.side
        middle, half = (bounds[2:] + bounds[:2]) / 2, (bounds[2:] - bounds[:2]) / 2
        return cls(middle, half, np.stack([x * scale, -y * scale]))

    def __call__(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, 2) units of (n, 2) points [m]."""
        x, y = ((points - self.middle) / self.half).T.copy()
        return np.column_stack([_polynomial(powers, x, y) for powers in self.powers])


def _polynomial(powers: NDArray[Any], x: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
    """By Horner, of terms up to the highest power of either: those beyond are below 1e-9 m."""
    result = np.zeros_like(x)
    for i in reversed(range(NODES)):
        along = np.full_like(x, powers[i, NODES - 1 - i])
        for j in reversed(range(NODES - 1 - i)):
            along *= x
            along += powers[i, j]
        result *= y
        result += along
    return result


def _fitted(to_rd: bool, bounds: Any, nodes: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Chebyshev coefficients (of y, of x) of both coordinates, through exact nodes."""
    at = chebyshev.chebpts1(nodes)
    west, south, east, north = bounds
    x = (west + east) / 2 + at * (east - west) / 2
    y = (south + north) / 2 + at * (north - south) / 2
    exact = mercator_transformer(to_rd).transform(*np.meshgrid(x, y))
    inverse = np.linalg.inv(chebyshev.chebvander(at, nodes - 1))
    return inverse @ exact[0] @ inverse.T, inverse @ exact[1] @ inverse.T


def grown(bounds: Rectangle, by: float) -> Rectangle:
    """A rectangle grown on all sides."""
    west, south, east, north = bounds
    return west - by, south - by, east + by, north + by
