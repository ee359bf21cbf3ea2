"""The pair of DSM and DTM of a run, on the cells that both cover."""

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
from pipeline.messages import Text
from pipeline.terms import Field, File


class Additions(Protocol):
    """Buildings added to the measured surface."""

    @property
    def windows(self) -> NDArray[np.int64]:
        """(n, 4) top, left, bottom, right, half open: cells that can be theirs."""

    def part(self, window: Window) -> "Additions":
        """The added buildings that touch a window."""

    def under(self, surface: HeightBounds) -> HeightBounds:
        """Height bounds of the surface, raised to the added buildings."""

    def stand_on(self, dsm: NDArray[np.float32], window: Window) -> NDArray[np.float32]:
        """The surface of a window, raised to the added buildings."""


@dataclass(frozen=True)
class HeightPair:
    """DSM and DTM on one grid; cells that only one of them covers have no heights."""

    dsm: Mosaic
    dtm: Mosaic
    added: "Additions | None" = None

    @property
    def resolution(self) -> float:
        return self.dsm.resolution

    @cached_property
    def window(self) -> Window:
        """The smallest window around the cells of both."""
        return self.dsm.window.intersect(self.dtm.window)

    @property
    def rectangle(self) -> shapely.Geometry:
        """The window as a polygon in RD metres."""
        return shapely.box(*self.window.bounds(self.resolution))

    @cached_property
    def ground(self) -> shapely.Geometry:
        """The area that both cover, in RD metres."""
        return shapely.intersection(self.dsm.ground, self.dtm.ground)

    def mask(self, window: Window) -> NDArray[np.bool_]:
        """Which cells of a window lie on both."""
        return self.dsm.mask(window) & self.dtm.mask(window)

    def covers(self, window: Window) -> bool:
        """Whether every cell of a window lies on both."""
        return self.dsm.covers(window) and self.dtm.covers(window)

    def part(self, window: Window) -> "HeightPair":
        """The pair of the sheets that touch a window: small to send to a worker, and equal
        there."""
        added = self.added and self.added.part(window)
        return HeightPair(self.dsm.part(window), self.dtm.part(window), added)

    def contains(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which (n, 2) points lie on a cell of both; NaN lies nowhere."""
        return self.dsm.contains(points) & self.dtm.contains(points)

    @contextmanager
    def heights(self) -> Iterator["PairReader"]:
        """Open readers of both, for one task."""
        with self.dsm.reader() as dsm, self.dtm.reader() as dtm:
            yield PairReader(self, dsm, dtm)


@dataclass(frozen=True)
class PairReader:
    """Readers of DSM and DTM. Each read gives (rows, columns) float32 metres, NaN where either has
    no sheet."""

    terrain: HeightPair
    _dsm: Reader
    _dtm: Reader

    def dsm(self, window: Window, tiles: NDArray[np.bool_] | None = None) -> NDArray[np.float32]:
        """The surface with the added buildings. tiles: mask of `window.coarse(TILE)`; other tiles
        are NaN except for added buildings."""
        dsm = self._dsm.read(window, tiles)
        if self.terrain.added is not None:
            dsm = self.terrain.added.stand_on(dsm, window)
        return self._common(dsm, window)

    def dtm(self, window: Window, tiles: NDArray[np.bool_] | None = None) -> NDArray[np.float32]:
        """The terrain. tiles: mask of `window.coarse(TILE)`; other tiles are NaN."""
        return self._common(self._dtm.read(window, tiles), window)

    @property
    def cells_read(self) -> int:
        """Cells asked for so far."""
        return self._dsm.cells_read + self._dtm.cells_read

    @property
    def cells_own(self) -> int:
        """Cells read so far that lie in the blocks they were read for; the others are halo."""
        return self._dsm.cells_own + self._dtm.cells_own

    @property
    def decoded(self) -> int:
        """Cells decoded so far, those of whole tiles: less than are asked for where tiles were kept
        from before."""
        return self._dsm.decoded + self._dtm.decoded

    def take_up(self, block: Window) -> None:
        """Set the block that is being computed, for `cells_own`."""
        self._dsm.block = self._dtm.block = block

    def _common(self, height: NDArray[np.float32], window: Window) -> NDArray[np.float32]:
        if not self.terrain.covers(window):
            height[~self.terrain.mask(window)] = np.nan
        return height


def check_pair(dsm: Mosaic, dtm: Mosaic, allow: frozenset[str]) -> HeightPair:
    """The pair of two mosaics. Raises InputError if their grids, places or versions do not
    match."""
    a, b = dsm.sheets[0], dtm.sheets[0]
    if a.resolution != b.resolution:
        raise InputError(
            File(a.path),
            "{source} has cells of {one:g} m and {dtm} of {other:g} m",
            "give DSM and DTM of one resolution",
            one=a.resolution,
            dtm=File(b.path),
            other=b.resolution,
        )
    terrain = HeightPair(dsm, dtm)
    if not terrain.window.size or terrain.ground.area == 0:
        raise InputError(
            File(a.path),
            "DSM ({source}) and DTM ({dtm}) have no ground in common",
            "give sheets of one place",
            dtm=File(b.path),
        )
    versions = {s.version for s in (*dsm.sheets, *dtm.sheets) if s.version}
    if len(versions) > 1 and "versions" not in allow:
        one = {s.version: File(s.path) for s in (*dsm.sheets, *dtm.sheets) if s.version}
        texts = [Text("{version} ({file})", version=v, file=one[v]) for v in sorted(versions)]
        raise InputError(
            Text("AHN versions are mixed"),
            "{said}",
            "give one, or accept it with {allow}",
            said=texts,
            allow=Field("allow", "versions"),
        )
    return terrain
