"""Added buildings: flat blocks on the measured surface that are not in the sheets."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kernels.spans import raise_to
from pipeline.errors import InputError
from pipeline.footprints.footprints import footprints_of, read_files
from pipeline.footprints.outlines import Outlines, touches
from pipeline.grid.tile_masks import HeightBounds
from pipeline.grid.windows import Window
from pipeline.heights.pair import HeightPair
from pipeline.heights.relief import HIGHEST_M, LOWEST_M
from pipeline.messages import Text
from pipeline.methods.buildings import NOT_KNOWN, to_cm
from pipeline.methods.measure import measure
from pipeline.terms import File
from pipeline.vectors.files import column

ROOF, HEIGHT = ("roof_m",), ("height_m", "height", "hoogte")


@dataclass(frozen=True)
class Added:
    """Added buildings. roof: their tops [cm]; file: position of their file; id: as in it."""

    outlines: Outlines
    roof: NDArray[np.int64]
    file: NDArray[np.int64]
    id: NDArray[Any]

    @property
    def windows(self) -> NDArray[np.int64]:
        """(n, 4) top, left, bottom, right, half open: cells that can be theirs."""
        return self.outlines.windows()

    def part(self, window: Window) -> "Added":
        """The added buildings that touch a window."""
        inside = touches(self.windows, window)
        outlines = self.outlines.take(inside)
        return Added(outlines, self.roof[inside], self.file[inside], self.id[inside])

    def provenance(self, file: int) -> dict[str, Any]:
        """Provenance of one of the files: bounds [m], highest roof [m] and ids of its buildings."""
        rows = self.file == file
        bounds = self.outlines.bounds[rows]
        return {
            "bounds": [*bounds[:, :2].min(axis=0).tolist(), *bounds[:, 2:].max(axis=0).tolist()],
            "highest_m": int(self.roof[rows].max()) / 100,
            "ids": sorted(set(self.id[rows])),
        }

    def under(self, surface: HeightBounds) -> HeightBounds:
        """Bounds of the surface, with them on it."""
        roof = self.roof.astype(np.int32)
        return surface.raised(self.windows, roof, roof)

    def stand_on(self, dsm: NDArray[np.float32], window: Window) -> NDArray[np.float32]:
        """The surface of a window with them on it, where they are higher, or it has no data."""
        inside = self.part(window)
        if not len(inside.roof):
            return dsm
        top = np.full(dsm.shape, -np.inf, np.float32)
        raise_to(top, inside.outlines.spans(window), (inside.roof / 100.0).astype(np.float32))
        return np.where(top > -np.inf, np.fmax(dsm, top), dsm)


def read_added(
    sources: Sequence[str],
    terrain: HeightPair,
    p: Any,
    *,
    layer: str | None = None,
    id_column: str | None = None,
    group_column: str | None = None,
) -> Added:
    """Buildings of files of polygons with a column `roof_m` [m above NAP] or `height_m` [m above
    the ground around them, as the method measures that].

    layer, id_column, group_column: as in footprints_of. Raises InputError for a file without
    such a column, a height that is no number, or a building where the DTM has no ground.
    """
    tables = read_files(sources, layer)
    f = footprints_of(tables, id_column, group_column, p.centre)
    files, file = [*tables], np.repeat(np.arange(len(tables)), [*map(len, tables.values())])

    def check(bad: NDArray[np.bool_], why: Text) -> None:
        for i in np.flatnonzero(bad)[:1]:
            row, (x, y) = i - np.searchsorted(file, file[i]), f.centre[i]
            at = "" if np.isnan(x) else Text(" at {x:.0f},{y:.0f}", x=x, y=y)
            raise InputError(File(files[file[i]]), "row {row}{at} {why}", row=row, at=at, why=why)

    check(~f.usable, Text("is no polygon; give the building's outline"))
    check(~terrain.contains(f.centre), Text("lies beside the sheets; give those of that place"))
    outlines = Outlines(f.row, f.wkb, f.centre, f.bounds, terrain.resolution)
    roofs, heights = (_numbers(tables.values(), names) for names in (ROOF, HEIGHT))
    check(
        np.isnan(roofs) & np.isnan(heights),
        Text(
            "has no height that is a number; give `roof_m` [m above NAP], or `height_m` above"
            " ground"
        ),
    )
    with terrain.heights() as open_:
        ground = measure(f, open_, p).ground
    check(
        np.isnan(roofs) & (ground == NOT_KNOWN),
        Text("stands where the DTM has no ground; give `roof_m`"),
    )
    roof = np.where(np.isnan(roofs), ground / 100.0 + heights, roofs)
    check(np.isnan(roofs) & (heights <= 0), Text("does not stand above the ground"))
    check((roof < LOWEST_M) | (roof > HIGHEST_M), Text("has an impossible height; give metres"))
    return Added(outlines, np.array([to_cm(value) for value in roof], np.int64), file, f.id)


def _numbers(tables: Iterable[pd.DataFrame], names: tuple[str, ...]) -> NDArray[np.float64]:
    """The first column with one of some names, of all tables; NaN where there is no number."""
    numbers = [np.zeros(0)]
    for table in tables:
        values = table.get(column(table, *names), pd.Series(np.nan, table.index))
        numbers.append(pd.to_numeric(values, errors="coerce").to_numpy(np.float64))
    return np.concatenate(numbers)
