"""A run as its method sees it: parameters, inputs that are open, and how the ground is divided."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.areas.polygons import own_copy
from pipeline.areas.selection import Area, Circle
from pipeline.footprints.footprints import Footprints
from pipeline.footprints.prepared import FootprintBoxes, Prepared
from pipeline.footprints.restrictions import Restrictions
from pipeline.footprints.scope import Scope, boxes_of_area
from pipeline.grid.tile_masks import TileMask
from pipeline.grid.windows import TILE, LatticeCell, Layout, Shard, Window, uniform_halo
from pipeline.heights.pair import HeightPair
from pipeline.methods.climate import Climate, Turbines, shipped_climate, shipped_turbines
from pipeline.storage.ledger import Ledger

NOTHING = Window(0, 0, 0, 0)


@dataclass(frozen=True)
class Context:
    """The inputs and the layout of a run, for its method, in the run's own process and in tasks.

    p: parameters of the method; terrain: the sheets that can matter to the area; region: that the
    inputs cover [RD m]; layout: shards; block: side of what is computed at once [cells]; layers:
    names of the raster layers; scope: the footprints of the area; squares: of the lattice, that
    they or the layers touch; relief: folder with the relief of the sheets; area, around: None for
    all; removed: ids of buildings that are taken to be demolished; climate, turbines: for methods
    that use them.
    """

    p: Any
    ledger: Ledger
    terrain: HeightPair
    region: shapely.Geometry
    prepared: Prepared
    layout: Layout
    block: int
    layers: tuple[str, ...]
    scope: Scope
    squares: tuple[LatticeCell, ...]
    relief: Path
    area: Area | None = None
    around: Circle | None = None
    restrictions: Restrictions = field(default_factory=Restrictions)
    removed: frozenset[str] = frozenset()
    climate: Climate = field(default_factory=shipped_climate)
    turbines: Turbines = field(default_factory=shipped_turbines)

    def for_thread(self) -> "Context":
        """A copy with geometries of its own: GEOS prepares geometries at their first use, which is
        not safe in two threads at once."""
        area = self.area and replace(self.area, geometry=_copy(self.area.geometry))
        return replace(self, region=_copy(self.region), area=area)

    def for_tasks(self) -> "Context":
        """A copy without the scope, which tasks do not need: small to send."""
        return replace(self, scope=Scope(0, 0, {}, 0, TileMask.none(NOTHING)))

    @property
    def resolution(self) -> float:
        """A cell's side [m]."""
        return self.layout.resolution

    # Footprints.

    def nearby(self) -> Iterator[tuple[FootprintBoxes, NDArray[np.bool_]]]:
        """Row group by row group, the footprints that can matter, and which are of the area."""
        return boxes_of_area(self.prepared, self.area, self.terrain.window, self.resolution)

    def in_area(self, footprints: Footprints) -> NDArray[np.bool_]:
        """Which footprints are of the area."""
        return self.area.contains(footprints.centre) if self.area else footprints.usable

    def demolished(self, footprints: Footprints) -> NDArray[np.bool_]:
        """Which footprints are taken to be demolished."""
        return footprints.usable & pd.Series(footprints.id).isin(self.removed).to_numpy()

    def owned(self, core: Window) -> Footprints:
        """The footprints whose centre's cell lies in a window, in the order of their places."""
        nearby = self.prepared.read(core.bounds(self.resolution))
        column, north = np.floor(nearby.centre / self.resolution).T
        row = -north - 1
        inside = (row >= core.top) & (row < core.bottom)
        return nearby.take(inside & (column >= core.left) & (column < core.right))

    # Ground.

    @property
    def shards(self) -> set[Shard]:
        """The shards of the area: with footprints of it, or with a part of its raster layers."""
        return {*self.scope.own, *self.raster_shards}

    @property
    def raster_shards(self) -> set[Shard]:
        """The shards with a part of the raster layers."""
        return set(self.layout.shards() if self.layers else ())

    @cached_property
    def frame(self) -> Window:
        """The tiles of the inputs."""
        return self.terrain.window.coarse(TILE)

    @cached_property
    def requested(self) -> TileMask:
        """The tiles with footprints of the area or a part of the raster layers."""
        if not self.layers:
            return self.scope.tiles
        rasters = TileMask.none(self.layout.extent.coarse(TILE))
        rasters.marked[:] = True
        return rasters.union(self.scope.tiles)

    def ground_of(self, shard: Shard, widest: int) -> Window:
        """A shard's cells and all that its footprints can have, of which the widest has so many."""
        return self.layout.window(shard).grow(uniform_halo(widest))


def _copy(geometry: shapely.Geometry) -> shapely.Geometry:
    copied = own_copy(geometry)
    shapely.prepare(copied)
    return copied
