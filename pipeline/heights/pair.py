"""The two rasters of a run on their common ground."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.grid.tile_masks import HeightBounds
from pipeline.grid.windows import Window
from pipeline.heights.rasters import Mosaic, Reader


class Additions(Protocol):
    """What stands on the surface and is not in it."""

    def part(self, window: Window) -> "Additions":
        """What of it touches a window."""

    def under(self, surface: HeightBounds) -> HeightBounds:
        """Bounds of the surface, with it."""

    def stand_on(self, dsm: NDArray[np.float32], window: Window) -> NDArray[np.float32]:
        """The surface of a window with it."""


@dataclass(frozen=True)
class HeightPair:
    """DSM and DTM on one grid; what only one of them covers does not count."""

    dsm: Mosaic
    dtm: Mosaic
    added: "Additions | None" = None

    @property
    def resolution(self) -> float:
        return self.dsm.resolution

    @cached_property
    def window(self) -> Window:
        """The smallest window around the common ground."""
        return self.dsm.window.intersect(self.dtm.window)

    @property
    def rectangle(self) -> shapely.Geometry:
        """The same in RD metres."""
        return shapely.box(*self.window.bounds(self.resolution))

    @cached_property
    def ground(self) -> shapely.Geometry:
        """What both cover, in RD metres."""
        return shapely.intersection(self.dsm.ground, self.dtm.ground)

    def mask(self, window: Window) -> NDArray[np.bool_]:
        """Which cells of a window lie on both."""
        return self.dsm.mask(window) & self.dtm.mask(window)

    def covers(self, window: Window) -> bool:
        """Whether every cell of a window lies on both."""
        return self.dsm.covers(window) and self.dtm.covers(window)

    def part(self, window: Window) -> "HeightPair":
        """What a window touches, small to send: read there, it gives the same."""
        added = self.added and self.added.part(window)
        return HeightPair(self.dsm.part(window), self.dtm.part(window), added)

    def hold(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which (n, 2) points lie on a cell of both; NaN lies nowhere."""
        return self.dsm.hold(points) & self.dtm.hold(points)

    @contextmanager
    def heights(self) -> Iterator["PairReader"]:
        """The door through which one task reads."""
        with self.dsm.reader() as dsm, self.dtm.reader() as dtm:
            yield PairReader(self, dsm, dtm)


@dataclass(frozen=True)
class PairReader:
    """Open rasters; each read gives (rows, columns) float32 metres, NaN off the common ground."""

    terrain: HeightPair
    _dsm: Reader
    _dtm: Reader

    def dsm(self, window: Window, tiles: NDArray[np.bool_] | None = None) -> NDArray[np.float32]:
        """The surface with what is added to it. tiles: those of `window.coarse(TILE)` that are
        wanted; others are NaN but for that."""
        dsm = self._dsm.read(window, tiles)
        if self.terrain.added is not None:
            dsm = self.terrain.added.stand_on(dsm, window)
        return self._common(dsm, window)

    def dtm(self, window: Window, tiles: NDArray[np.bool_] | None = None) -> NDArray[np.float32]:
        """The ground, likewise."""
        return self._common(self._dtm.read(window, tiles), window)

    @property
    def cells_read(self) -> int:
        """Cells asked of files so far."""
        return self._dsm.cells_read + self._dtm.cells_read

    @property
    def cells_own(self) -> int:
        """Of those, the cells of the blocks that they were read for."""
        return self._dsm.cells_own + self._dtm.cells_own

    def take_up(self, block: Window) -> None:
        """Read for a block from now on."""
        self._dsm.block = self._dtm.block = block

    def _common(self, height: NDArray[np.float32], window: Window) -> NDArray[np.float32]:
        if not self.terrain.covers(window):
            height[~self.terrain.mask(window)] = np.nan
        return height


def check_pair(dsm: Mosaic, dtm: Mosaic, allow: frozenset[str]) -> HeightPair:
    """The two as one terrain. Raises InputError if they do not fit together."""
    a, b = dsm.sheets[0], dtm.sheets[0]
    if a.resolution != b.resolution:
        raise InputError(
            "{dsm} has cells of {one:g} m and {dtm} of {other:g} m; give DSM and DTM"
            " of one resolution",
            dsm=a.name,
            one=a.resolution,
            dtm=b.name,
            other=b.resolution,
        )
    terrain = HeightPair(dsm, dtm)
    if not terrain.window.size or terrain.ground.area == 0:
        raise InputError(
            "DSM ({dsm}) and DTM ({dtm}) have no ground in common; give sheets of one place",
            dsm=a.name,
            dtm=b.name,
        )
    versions = {s.version for s in (*dsm.sheets, *dtm.sheets) if s.version}
    if len(versions) > 1 and "versions" not in allow:
        one = {s.version: s.name for s in (*dsm.sheets, *dtm.sheets) if s.version}
        said = [f"{version} ({one[version]})" for version in sorted(versions)]
        raise InputError(
            "AHN versions are mixed: {said}; give one, or accept it with --allow versions",
            said=said,
        )
    return terrain
