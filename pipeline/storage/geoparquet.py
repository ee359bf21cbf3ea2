"""GeoParquet read by row groups: only those are read that can hold what is asked for.

What this program writes has its rows in an order in space, and in a column `bbox` the rectangle
around each polygon (GeoParquet 1.1). The footer of such a file holds the lowest and the highest
value of each column in each row group; by these, row groups that lie elsewhere are left out.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from copy import copy
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.storage.lru import LRUCache
from pipeline.storage.places import Place
from pipeline.storage.slices import BBOX, Rectangle, readable
from pipeline.terms import Location

EDGES = ("xmin", "ymin", "xmax", "ymax")
SEEKERS = 4  # threads that look for ids at once

Open = Callable[[], AbstractContextManager[Any]]  # gives a binary stream to read and seek


class Statistics(NamedTuple):
    """What the footer says of a column, an item a row group. lowest, highest: None where they are
    not known; values, nulls: how many there are, -1 where that is not known."""

    lowest: Sequence[Any]
    highest: Sequence[Any]
    values: NDArray[np.int64]
    nulls: NDArray[np.int64]


class Rows(NamedTuple):
    """Some rows of a file. position: (n,) in the file; columns: without the rectangles; bounds:
    (n, 4) xmin, ymin, xmax, ymax [m], NaN where a row has no polygon."""

    position: NDArray[np.int64]
    columns: pa.Table
    bounds: NDArray[np.float64]

    def take(self, chosen: NDArray[np.int64]) -> "Rows":
        """Some of these, by their number among them."""
        columns = self.columns.combine_chunks().take(pa.array(chosen))
        return Rows(self.position[chosen], columns, self.bounds[chosen])

    def within(self, rectangle: Rectangle | None) -> "Rows":
        """The rows whose rectangle touches a closed one [m]; all for None."""
        if rectangle is None:
            return self
        return self.take(np.flatnonzero(touches(self.bounds, rectangle)))


class Decoded(NamedTuple):
    """A row group in memory: its columns without the rectangles, and these, as of Rows."""

    columns: pa.Table
    bounds: NDArray[np.float64]


def row_cache(limit: int) -> LRUCache[Decoded]:
    """A cache of row groups. limit: of all together [bytes]."""
    return LRUCache(limit, lambda group: int(group.columns.nbytes) + group.bounds.nbytes)


class GeoParquet:
    """A GeoParquet file, opened once for any number of threads.

    file: its name, for messages too; cache: keeps decoded row groups, and may be shared with other
    files; stream: opens it, by default as a file of a finished run, whose checksums are compared;
    threads: whether the columns are decoded by several. Raises InputError for a file that is
    damaged, on opening and on reading.
    """

    stores_rectangles = True  # others are computed from the polygons, which costs as much as these

    def __init__(
        self,
        file: Place,
        cache: LRUCache[Decoded] | None = None,
        stream: Open | None = None,
        threads: bool = True,
    ) -> None:
        self.file, self._cache, self._threads = file, cache, threads
        self._stream = stream or partial(readable, file)
        with self._stream() as opened:
            self.footer = pq.read_metadata(opened)
        counts = [self.footer.row_group(i).num_rows for i in range(self.footer.num_row_groups)]
        self.starts: NDArray[np.int64] = np.cumsum([0, *counts])  # and the number of rows
        self.schema = self.footer.schema.to_arrow_schema().remove_metadata()
        leaves = (self.footer.schema.column(i).path for i in range(self.footer.num_columns))
        self._leaves = {path: i for i, path in enumerate(leaves)}
        self._statistics: dict[str, Statistics] = {}

    def caching(self, cache: LRUCache[Decoded]) -> "GeoParquet":
        """This file with another cache."""
        other = copy(self)
        other._cache = cache
        return other

    def __len__(self) -> int:
        return int(self.starts[-1])

    @property
    def groups(self) -> int:
        """The number of row groups."""
        return len(self.starts) - 1

    # What the footer says.

    def statistics(self, path: str) -> Statistics:
        """Statistics by row group of a column or a part of one (`bbox.xmin`); unknown for a column
        that does not exist."""
        if path not in self._statistics:
            of = [self._of_group(group, path) for group in range(self.groups)]
            lowest, highest = (
                [getattr(each, side) if each and each.has_min_max else None for each in of]
                for side in ("min", "max")
            )
            values = [each.num_values if each else -1 for each in of]
            nulls = [each.null_count if each and each.has_null_count else -1 for each in of]
            self._statistics[path] = Statistics(
                lowest, highest, np.array(values, np.int64), np.array(nulls, np.int64)
            )
        return self._statistics[path]

    def _of_group(self, group: int, path: str) -> Any:
        leaf = self._leaves.get(path)
        return None if leaf is None else self.footer.row_group(group).column(leaf).statistics

    @cached_property
    def bounds(self) -> NDArray[np.float64]:
        """(row groups, 4) the rectangle around the polygons of each [m]; NaN without any."""
        return bounds_of(self.statistics)

    @property
    def extent(self) -> Rectangle | None:
        """The rectangle around all polygons [m]; None without any."""
        known = self.bounds[~np.isnan(self.bounds).any(axis=1)]
        if not len(known):
            return None
        (west, south), (east, north) = known[:, :2].min(axis=0), known[:, 2:].max(axis=0)
        return float(west), float(south), float(east), float(north)

    def check_rectangles(self) -> None:
        """Raises InputError for a file without the rectangles by which its parts are read."""
        if BBOX not in self.schema.names:
            raise InputError(Location(self.file), "has no column {name}", "run it anew", name=BBOX)

    def touching(self, rectangle: Rectangle) -> NDArray[np.int64]:
        """The row groups with a polygon whose rectangle may touch a closed one [m]. Raises
        InputError for a file without rectangles."""
        self.check_rectangles()
        return np.flatnonzero(touches(self.bounds, rectangle))

    # What is read.

    def read(self, groups: Iterable[int], columns: Sequence[str] | None = None) -> pa.Table:
        """Columns, by default all that are not nested, of some row groups, in order."""
        with self._stream() as opened, pq.ParquetFile(opened, metadata=self.footer) as file:
            names = self._names(columns)
            table = file.read_row_groups([*groups], columns=names, use_threads=self._threads)
        return table.replace_schema_metadata(None)

    def rows(self, group: int, columns: Sequence[str] | None = None, *, keep: bool = True) -> Rows:
        """One row group. columns: as of `read`; keep: in the cache, if there is one."""
        names = self._names(columns)
        if self._cache is None or not keep:
            decoded = self._decode(group, names)
        else:
            key = (self, group, *names)
            decoded = self._cache.get(key, lambda: self._decode(group, names))
        return Rows(np.arange(*self.starts[[group, group + 1]]), *decoded)

    def _decode(self, group: int, names: list[str]) -> Decoded:
        if BBOX not in self.schema.names:
            table = self.read([group], names)
            return Decoded(table, np.full((len(table), 4), np.nan))
        table = self.read([group], [*names, BBOX])
        return Decoded(table.drop_columns([BBOX]), rectangles(table[BBOX]))

    def within(
        self,
        rectangle: Rectangle | None,
        columns: Sequence[str] | None = None,
        groups: Collection[int] | None = None,
    ) -> Rows:
        """The rows whose rectangle touches a closed one [m], or all, of some row groups or of all,
        in order. columns: as of `read`. Raises InputError for a file without rectangles."""
        every = range(self.groups) if rectangle is None else self.touching(rectangle).tolist()
        parts = [self._nothing(columns)]
        for group in every if groups is None else sorted({*every} & {*groups}):
            parts.append(self.rows(group, columns).within(rectangle))
        return joined(parts)

    def at(self, positions: NDArray[np.int64], columns: Sequence[str] | None = None) -> Rows:
        """The rows at positions, in the order of these. columns: as of `read`."""
        groups = np.searchsorted(self.starts, positions, "right") - 1
        parts = [self._nothing(columns)]
        for group in np.unique(groups).tolist():
            here = positions[groups == group] - self.starts[group]
            parts.append(self.rows(group, columns).take(here))
        found = joined(parts)
        if (np.diff(groups) >= 0).all():
            return found
        return found.take(np.argsort(np.argsort(groups, kind="stable")))

    def with_ids(self, ids: Collection[str], columns: Sequence[str]) -> Rows:
        """The rows that bear one of these ids, in order. columns: `id` among them."""
        parts, wanted = [self._nothing(columns)], pa.array(sorted(ids), pa.string())
        for group in self.holding(ids):
            rows = self.rows(group, columns)
            found = pc.is_in(rows.columns["id"], wanted).to_numpy()
            parts.append(rows.take(np.flatnonzero(found)))
        return joined(parts)

    def holding(self, ids: Collection[str]) -> dict[int, set[str]]:
        """The row groups in which some of these ids are, and which. Of all that may hold one the
        column `id` is read: of a nation in half a second."""
        if not ids:
            return {}
        wanted, known = pa.array(sorted(ids), pa.string()), self.statistics("id")
        low, high = min(ids), max(ids)
        groups = [
            group
            for group, (first, last) in enumerate(zip(known.lowest, known.highest, strict=True))
            if first is None or (first <= high and last >= low)
        ]

        def found(group: int) -> set[str]:
            column = self.read([group], ["id"])["id"]
            return set(column.filter(pc.is_in(column, wanted)).to_pylist())

        with ThreadPoolExecutor(SEEKERS) as pool:
            every = zip(groups, pool.map(found, groups), strict=True)
            return {group: there for group, there in every if there}

    def _names(self, columns: Sequence[str] | None) -> list[str]:
        if columns is not None:
            return list(columns)
        return [field.name for field in self.schema if not pa.types.is_nested(field.type)]

    def _nothing(self, columns: Sequence[str] | None) -> Rows:
        table = self.schema.empty_table().select(self._names(columns))
        return Rows(np.zeros(0, np.int64), table, np.zeros((0, 4)))


def joined(parts: Sequence[Rows]) -> Rows:
    """Rows with the same columns, one after another."""
    position, columns, bounds = zip(*parts, strict=True)
    return Rows(np.concatenate(position), pa.concat_tables(columns), np.concatenate(bounds))


def rectangles(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """(rows, 4) xmin, ymin, xmax, ymax [m] of the column `bbox`, NaN for null."""
    box = column.combine_chunks()
    edges = [pc.struct_field(box, edge).to_numpy(zero_copy_only=False) for edge in EDGES]
    return np.array(edges, np.float64).reshape(4, -1).T


def bounds_of(statistics: Callable[[str], Statistics]) -> NDArray[np.float64]:
    """(row groups, 4) xmin, ymin, xmax, ymax [m] of the column `bbox` by its statistics; NaN where
    nothing is known."""
    west, south, east, north = (statistics(f"{BBOX}.{edge}") for edge in EDGES)
    edges = west.lowest, south.lowest, east.highest, north.highest
    return np.column_stack([np.array(edge, np.float64) for edge in edges])


def touches(bounds: NDArray[np.float64], rectangle: Sequence[float]) -> NDArray[np.bool_]:
    """Which of (n, 4) rectangles touch a closed one; NaN touches nothing."""
    xmin, ymin, xmax, ymax = bounds.T
    west, south, east, north = rectangle
    found: NDArray[np.bool_] = (xmin <= east) & (xmax >= west) & (ymin <= north) & (ymax >= south)
    return found
