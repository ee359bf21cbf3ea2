"""What all tasks of a run share, and what stands around a block."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from kernels.shadow import Sun
from pipeline.areas.polygons import own_copy
from pipeline.areas.selection import Area
from pipeline.footprints.footprints import Footprints
from pipeline.footprints.outlines import Outlines
from pipeline.footprints.prepared import Prepared
from pipeline.footprints.restrictions import Restrictions
from pipeline.grid.sun import suns
from pipeline.grid.windows import LatticeCell, Layout, Window
from pipeline.heights.pair import HeightPair
from pipeline.methods.powermapping import rules as powermapping
from pipeline.methods.powermapping.rules import Facts, Powermapping
from pipeline.methods.powermapping.shade import Blocks
from pipeline.results.store import Layer
from pipeline.runs.measured import Measured, Tables
from pipeline.storage.ledger import Ledger

Circle = tuple[float, float, float]


@dataclass(frozen=True)
class Context:
    """What all tasks of a run share. region: what is seen, in RD metres; block: cells a side;
    removed: ids of buildings that are taken away."""

    ledger: Ledger
    terrain: HeightPair
    region: shapely.Geometry
    prepared: Prepared
    p: Powermapping
    layout: Layout
    block: int
    layers: list[Layer]
    area: Area | None = None
    around: Circle | None = None
    restrictions: Restrictions = field(default_factory=Restrictions)
    removed: frozenset[str] = frozenset()

    def of_a_thread(self) -> "Context":
        """The same with geometries of its own: GEOS prepares them at their first use, which is not
        safe in two threads at once."""
        area = self.area and replace(self.area, geometry=_copy(self.area.geometry))
        return replace(self, region=_copy(self.region), area=area)

    @property
    def casts_at_once(self) -> bool:
        """Whether shadows are cast in the first pass, since no roof has to be known for them."""
        return self.p.surface == "dsm"

    def suns(self, square: LatticeCell) -> list[Sun]:
        """The suns of a square of the lattice."""
        return suns(square, self.p.date, self.p.times, self.p.elevation)

    def asked(self, footprints: Footprints) -> NDArray[np.bool_]:
        """Which footprints are of the area."""
        return self.area.holds(footprints.centre) if self.area else footprints.usable

    def owned(self, core: Window) -> Footprints:
        """The footprints whose centre's cell lies in a window, in the order of their places."""
        resolution = self.layout.resolution
        near = self.prepared.read(core.bounds(resolution))
        column, north = np.floor(near.centre / resolution).T
        row = -north - 1
        inside = (row >= core.top) & (row < core.bottom)
        return near.take(inside & (column >= core.left) & (column < core.right))

    def outlines(self, footprints: Footprints) -> Outlines:
        """Their outlines, known by position."""
        f, rows = footprints, np.arange(len(footprints))
        return Outlines(rows, f.geometry, f.centre, f.bounds, self.layout.resolution)

    def facts(
        self, footprints: Footprints, roof: NDArray[np.int64], ground: NDArray[np.int64]
    ) -> Facts:
        """What the verdicts need to know of each footprint."""
        f = footprints
        return Facts(
            reason=self._known_before(f),
            status=f.status,
            has_status=f.has_status,
            built=f.built,
            on_raster=self.terrain.hold(f.centre),
            roof=roof,
            ground=ground,
        )

    def _known_before(self, footprints: Footprints) -> NDArray[Any]:
        """Why some are not judged, whatever is measured."""
        if not self.removed:
            return footprints.reason
        gone = pd.Series(footprints.id).isin(self.removed).to_numpy() & footprints.usable
        return np.where(gone, "not_standing", footprints.reason)

    def blocks(self, window: Window, tables: Tables) -> tuple[Footprints, Blocks]:
        """The footprints that touch a window and stand, and the blocks that they are."""
        near = self.prepared.read(window.bounds(self.layout.resolution))
        at, measured = tables.known(near)
        stand = powermapping.stands(measured.reason)
        footprints, measured = near.take(at[stand]), measured.take(stand)
        measures = measured.measures
        facts = self.facts(footprints, measures.roof, measures.ground)
        return footprints, Blocks(
            outlines=self.outlines(footprints),
            roof=measures.roof,
            compared=powermapping.compared(facts, measured.reason, self.p),
            group=footprints.group,
        )


def _copy(geometry: shapely.Geometry) -> shapely.Geometry:
    copied = own_copy(geometry)
    shapely.prepare(copied)
    return copied


def judged(measured: Measured) -> NDArray[np.bool_]:
    """Which footprints get a verdict of their own."""
    kept: NDArray[np.bool_] = measured.asked & pd.isna(measured.reason)
    return kept
