"""Prepared footprints: sorted in space in a file of our own, so that a block reads only those that
matter to it."""

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
BOX_COLUMNS = ["row", "centre_x", "centre_y"]
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
        """Those of rows with BOX_COLUMNS that have a polygon."""
        known = ~np.isnan(rows.bounds).any(axis=1)
        position, columns, bounds = rows if known.all() else rows.take(np.flatnonzero(known))
        return cls(position, columns["row"].to_numpy(), centres_of(columns), bounds)


class Extra(NamedTuple):
    """Footprints in memory, after those of a file. usable, rest: those with a polygon, with their
    positions after those of the file, and those without; repeated: ids that both have."""

    usable: Rows
    rest: Rows
    repeated: tuple[str, ...]


@dataclass(frozen=True)
class Prepared:
    """Footprints in a file of our own, along a Hilbert curve; small when it is sent elsewhere.

    path: a GeoParquet of those with a polygon; sources: the input files; count: of all, with a
    polygon or without; bounds: of all polygons [m], NaN without any; extra: more footprints, whose
    rows follow the others; those with a polygon are the last row group.
    """

    path: Path
    sources: tuple[dict[str, Any], ...]
    count: int
    bounds: Rectangle
    extra: Extra | None = None

    def __len__(self) -> int:
        return self.count

    @property
    def table(self) -> GeoParquet:
        """The file of those with a polygon, without the extra ones."""
        return _opened(self.path)

    @property
    def grouped(self) -> bool:
        """Whether some are parts of one building; also where the footer does not tell."""
        alone, rows = int(self.table.statistics("group").nulls.sum()), len(self.table)
        if self.extra is not None:
            texts = self.extra.usable.columns["group"]
            alone, rows = alone + texts.null_count, rows + len(texts)
        return alone < rows

    @property
    def group_bounds(self) -> NDArray[np.float64]:
        """(row groups, 4) xmin, ymin, xmax, ymax of the polygons [m]."""
        every = self.table.bounds
        if self.extra is None or not len(self.extra.usable.bounds):
            return every
        bounds = self.extra.usable.bounds
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
        if self.extra is not None and (groups is None or self.table.groups in groups):
            rows = joined([rows, self.extra.usable.within(rectangle)])
        return self._footprints(rows)

    def boxes(self, group: int) -> FootprintBoxes:
        """The boxes of one row group."""
        if self.extra is not None and group == self.table.groups:
            return FootprintBoxes.of(self.extra.usable)
        return FootprintBoxes.of(self.table.rows(group, BOX_COLUMNS, keep=False))

    def unusable(self) -> Footprints:
        """The footprints without a polygon, by row; their place is -1."""
        rows = _opened(self.path.with_name(REST)).within(None, COLUMNS)
        if self.extra is not None:
            rows = joined([rows, self.extra.rest])
        return self._footprints(rows._replace(position=np.full(len(rows.position), -1)))

    def _footprints(self, rows: Rows) -> Footprints:
        place, table, bounds = rows
        ids = () if self.extra is None else self.extra.repeated
        repeated = pc.is_in(table["id"], pa.array(ids, pa.string())).to_numpy()
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
    """A file opened once a process; reads are compared with the checksums of its manifest."""
    stream = partial(files_in(path.parent).reading, path.name)
    return GeoParquet(path, _cache, stream, threads=False)


def forget() -> None:
    """Close the opened files, which others replace."""
    _opened.cache_clear()


def files_in(home: Path) -> CheckedFiles:
    """The files of a folder of prepared footprints."""
    return cached_files(home, (read_manifest(home / CARD) or {}).get("sums", {}))


def centres_of(table: pa.Table) -> NDArray[np.float64]:
    """(rows, 2) x and y [m], NaN for null."""
    return np.column_stack([table[f"centre_{axis}"].to_numpy() for axis in "xy"]).astype(float)


def _objects(column: pa.ChunkedArray) -> NDArray[Any]:
    return np.asarray(column.to_numpy(zero_copy_only=False))
