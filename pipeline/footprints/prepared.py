"""Prepared footprints: sorted in space in a file of our own, so that a block reads only what it can
feel."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.footprints.footprints import Footprints, numbered
from pipeline.footprints.prepared_sort import SCHEMA
from pipeline.storage.cache import cached_files, read_manifest
from pipeline.storage.checksums import CheckedFiles
from pipeline.storage.geoparquet import GeoParquet, Rows, joined, row_cache, touches
from pipeline.storage.slices import BBOX, Rectangle

TABLES = SORTED, REST = "footprints.parquet", "unusable.parquet"
CARD = "card.json"
LIGHT = ["row", "centre_x", "centre_y"]
COLUMNS = [name for name in SCHEMA.names if name != BBOX]
_cache = row_cache(96 << 20)  # bytes: 24 row groups; neighbouring blocks and shards read the same


class FootprintBoxes(NamedTuple):
    """Footprints without their polygons. place, row: int64, as in Footprints; centre: (n, 2) [m];
    bounds: (n, 4) [m]."""

    place: NDArray[np.int64]
    row: NDArray[np.int64]
    centre: NDArray[np.float64]
    bounds: NDArray[np.float64]

    @classmethod
    def of(cls, rows: Rows) -> "FootprintBoxes":
        """Of some rows, with the columns of LIGHT, those that have a polygon."""
        there = ~np.isnan(rows.bounds).any(axis=1)
        position, columns, bounds = rows if there.all() else rows.take(np.flatnonzero(there))
        return cls(position, columns["row"].to_numpy(), centres_of(columns), bounds)


class Few(NamedTuple):
    """A few footprints beside those of a file, in memory. usable, rest: those with a polygon, with
    their positions after those of the file, and those without; again: ids that both have."""

    usable: Rows
    rest: Rows
    again: tuple[str, ...]


@dataclass(frozen=True)
class Prepared:
    """Footprints in a file of our own, along a Hilbert curve; small when it is sent elsewhere.

    path: a GeoParquet of those with a polygon; sources: the files that they come from; count: all,
    those without a polygon included; bounds: of all polygons [m], NaN if there is none; few: more
    footprints, whose rows come after the others; those with a polygon are the last row group.
    """

    path: Path
    sources: tuple[dict[str, Any], ...]
    count: int
    bounds: Rectangle
    few: Few | None = None

    def __len__(self) -> int:
        return self.count

    @property
    def table(self) -> GeoParquet:
        """The file of those with a polygon, without the few."""
        return _opened(self.path)

    @property
    def group_bounds(self) -> NDArray[np.float64]:
        """(row groups, 4) xmin, ymin, xmax, ymax of the polygons [m]."""
        every = self.table.bounds
        if self.few is None or not len(self.few.usable.bounds):
            return every
        bounds = self.few.usable.bounds
        last = [*bounds[:, :2].min(axis=0), *bounds[:, 2:].max(axis=0)]
        return np.vstack([every, last])

    def touching(self, rectangle: Rectangle) -> NDArray[np.int64]:
        """The row groups with a polygon whose bounding box may touch a closed rectangle [m]."""
        return np.flatnonzero(touches(self.group_bounds, rectangle))

    def read(
        self, rectangle: Rectangle | None = None, groups: Collection[int] | None = None
    ) -> Footprints:
        """The footprints with a polygon whose bounding box touches a closed rectangle [m], of some
        row groups or of all, in order."""
        rows = self.table.within(rectangle, COLUMNS, groups)
        if self.few is not None and (groups is None or self.table.groups in groups):
            rows = joined([rows, self.few.usable.within(rectangle)])
        return self._footprints(rows)

    def light(self, group: int) -> FootprintBoxes:
        """All of one row group."""
        if self.few is not None and group == self.table.groups:
            return FootprintBoxes.of(self.few.usable)
        return FootprintBoxes.of(self.table.rows(group, LIGHT, keep=False))

    def unusable(self) -> Footprints:
        """The footprints without a polygon, by row; their place is -1."""
        rows = _opened(self.path.with_name(REST)).within(None, COLUMNS)
        if self.few is not None:
            rows = joined([rows, self.few.rest])
        return self._footprints(rows._replace(position=np.full(len(rows.position), -1)))

    def _footprints(self, rows: Rows) -> Footprints:
        place, table, bounds = rows
        again = () if self.few is None else self.few.again
        repeated = pc.is_in(table["id"], pa.array(again, pa.string())).to_numpy()
        return Footprints(
            place=place,
            row=table["row"].to_numpy(),
            id=_objects(table["id"]),
            built=table["built"].to_numpy().astype(np.float64),
            status=_objects(table["status"]),
            has_status=table["has_status"].to_numpy(),
            wkb=_objects(table["geometry"]),
            reason=_objects(table["reason"]),
            repaired=table["repaired"].to_numpy(),
            repeated=table["repeated"].to_numpy() | repeated,
            area=table["area"].to_numpy().astype(np.float64),
            centre=centres_of(table),
            bounds=bounds,
            group=numbered(pd.Series(_objects(table["group"]), dtype=object)),
            sources=self.sources,
        )


@lru_cache(maxsize=16)
def _opened(path: Path) -> GeoParquet:
    """Opened once a process; what is read is compared with the checksums of its manifest."""
    stream = partial(files_in(path.parent).reading, path.name)
    return GeoParquet(path, _cache, stream, threads=False)


def forget() -> None:
    """Have files opened anew, since others stand in their place."""
    _opened.cache_clear()


def files_in(home: Path) -> CheckedFiles:
    """The files of a folder of prepared footprints."""
    return cached_files(home, (read_manifest(home / CARD) or {}).get("sums", {}))


def centres_of(table: pa.Table) -> NDArray[np.float64]:
    """(rows, 2) x and y [m], NaN for null."""
    return np.column_stack([table[f"centre_{axis}"].to_numpy() for axis in "xy"]).astype(float)


def _objects(column: pa.ChunkedArray) -> NDArray[Any]:
    found: NDArray[Any] = column.to_numpy(zero_copy_only=False)
    return found
