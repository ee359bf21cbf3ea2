"""DSM and DTM of the generated nation on the cells of a window."""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from bench.nation.chance import between, uniform
from bench.nation.houses import houses
from bench.nation.land import SOUTH, SQUARE, WEST, Land, elevation, in_canal, squares_touching
from bench.nation.roofs import Roofs
from kernels.rings import footprint_spans
from kernels.spans import Spans, cells_of, raise_to
from pipeline.footprints.footprints import to_rings
from pipeline.grid.windows import Window
from pipeline.quarter.ground import scatter

NOISE, ROUGHNESS = 0.03, 10  # of ground and roofs [m]; leaves scatter so much more
PLANTED = 10.0  # at most one tree on a square of this size [m]
WOOD, ELSEWHERE = 0.6, 0.03  # the share of those that have one
Height = NDArray[np.float32]


class Surface:
    """The heights of some ground, to be had in windows. pitched: whether terraces and houses have
    gables and hips; else all roofs are flat."""

    def __init__(
        self, land: Land, ground: Window, resolution: float, pitched: bool = False
    ) -> None:
        found = houses(land, *squares_touching(ground.bounds(resolution)))
        self._land, self._resolution = land, resolution
        self._rings, self._top = to_rings(shapely.to_wkb(found.geometry), resolution), found.top
        self._roofs = found.roofs if pitched else None

    def heights(self, window: Window) -> tuple[Height, Height]:
        """DSM and DTM, (rows, columns) float32 [m NAP] to the centimetre, NaN where there are no
        data: on water, and in the DTM under buildings. Where both see the ground they are equal.

        ValueError for a window whose lines are not lines of PLANTED.
        """
        column, row = _centres(window)
        x, y = column * self._resolution, row * self._resolution
        ground = elevation(x, y).astype(np.float32)
        cells = np.floor(column).astype(np.int64), np.floor(row).astype(np.int64)
        error = (NOISE * scatter(*cells, self._land.seed)).astype(np.float32)
        surface = self._crowns(window, ground)
        rough = surface > ground
        covered = self._build(window, surface)
        rough &= ~covered
        ground += error
        surface += np.where(rough, ROUGHNESS * error, error)
        wet = in_canal(x, y) | self._by_square(self._land.wet, x, y)
        surface[wet] = np.nan
        ground[wet | covered] = np.nan
        return np.round(surface, 2), np.round(ground, 2)

    def _build(self, window: Window, surface: Height) -> NDArray[np.bool_]:
        """Put the roofs on a surface. Returns which cells have one."""
        spans = footprint_spans(self._rings, window.box)
        covered = np.zeros(surface.shape, np.uint8)
        raise_to(covered, spans, np.ones(len(self._top), np.uint8))
        built = covered.view(np.bool_)
        surface[built] = -np.inf
        if self._roofs is None:
            raise_to(surface, spans, self._top)
        else:
            self._raise_to_roofs(window, surface, spans, self._roofs)
        return built

    def _raise_to_roofs(self, window: Window, surface: Height, spans: Spans, roofs: Roofs) -> None:
        own = cells_of(spans)
        x = np.multiply(own.column + window.left + 0.5, self._resolution)
        y = np.multiply(own.row + window.top + 0.5, -self._resolution)
        height = self._top[own.footprint] - roofs.below_ridge(own.footprint, x, y)
        np.maximum.at(surface, (own.row, own.column), height.astype(np.float32))

    def _by_square(
        self, known: NDArray[np.bool_], x: NDArray[Any], y: NDArray[Any]
    ) -> NDArray[np.bool_]:
        """The values of the squares that hold RD points, by columns x and rows y."""
        column = ((x.ravel() - WEST) // SQUARE).astype(np.int64)
        row = ((y.ravel() - SOUTH) // SQUARE).astype(np.int64)
        return known[np.ix_(row, column)]

    def _crowns(self, window: Window, ground: Height) -> Height:
        """The ground with trees on it, each a dome within a square of PLANTED."""
        n = round(PLANTED / self._resolution)
        if any(value % n for value in window):
            raise ValueError(f"{window} is not cut along whole multiples of {PLANTED:g} m")
        column = np.arange(window.left // n, window.right // n)
        row = -np.arange(window.top // n, window.bottom // n)[:, None] - 1
        wooded = self._by_square(self._land.wooded, (column + 0.5) * PLANTED, (row + 0.5) * PLANTED)
        there, thick, high, *at = (
            uniform(self._land.seed, 20 + i, column, row)[:, None, :, None] for i in range(5)
        )
        radius = between(2.0, PLANTED / 2, thick)
        top = between(2.5, 4.0, high) * radius
        top[there >= np.where(wooded, WOOD, ELSEWHERE)[:, None, :, None]] = 0.0
        x, y = (between(radius, PLANTED - radius, share) for share in at)
        along = (np.arange(n) + 0.5) * self._resolution
        across = along[:, None, None]
        dome = top.astype(np.float32) - (top / radius**2).astype(np.float32) * (
            ((along - x) ** 2).astype(np.float32) + ((across - y) ** 2).astype(np.float32)
        )
        return ground + np.maximum(dome, 0, out=dome).reshape(ground.shape)


def _centres(window: Window) -> tuple[NDArray[Any], NDArray[Any]]:
    """Centres of the columns, (1, columns), and of the rows northward, (rows, 1) [cells from RD
    0]."""
    return (
        np.arange(window.left, window.right)[None, :] + 0.5,
        -np.arange(window.top, window.bottom)[:, None] - 0.5,
    )
