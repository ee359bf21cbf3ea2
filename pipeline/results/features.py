"""Pages of features: the buildings of a finished run or their parts, a few at a time, from where
one stopped.

A feature's position is that of its row in its table. A page reads the row groups that may hold
what is asked for, from a position on, and of those few whole; so it costs the same at the end of
a nation as at its start.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.methods.method import Column
from pipeline.results.columns import flat_names, flatten
from pipeline.results.filter_parts import GEOMETRY
from pipeline.results.filters import Filter
from pipeline.results.finished import KEPT, LAYER, Finished, mark_of, open_finished
from pipeline.results.printed import sun_times
from pipeline.storage.geoparquet import GeoParquet, row_cache
from pipeline.storage.ledger import BUILDINGS
from pipeline.storage.slices import BBOX, Rectangle

MOST_ROWS = 262_144  # of row groups that a page reads; 0.4 s
MOST_POLYGONS = 524_288  # of row groups whose polygons are looked at to count; 1 s
MOST_COUNTS = 256  # of filters that are remembered, a table
CACHE_BYTES = 60 << 20  # of decoded row groups of all tables


class FeaturePage(NamedTuple):
    """Features as a flat table, the position at which the next page starts (None: there is none),
    and how many there are on all pages (None: too many polygons would have to be looked at)."""

    rows: pa.Table
    next: int | None
    matched: int | None


class _Group:
    """The columns of a row group that a filter reads, by name; polygons at their first use."""

    def __init__(self, table: GeoParquet, group: int, wanted: Filter) -> None:
        names = sorted(wanted.columns - {GEOMETRY})
        self._narrow = table.read([group], names) if names else {}
        self._table, self._group = table, group
        self.polygons = BBOX in names and not table.stores_rectangles  # whether they were read

    def __getitem__(self, name: str) -> pa.ChunkedArray:
        if name != GEOMETRY:
            return self._narrow[name]
        self.polygons = True
        return self._table.read([self._group], [GEOMETRY])[GEOMETRY]


@dataclass(frozen=True, eq=False)
class Features:
    """A table of one finished run, a page at a time. declared: its columns by name; suns: of its
    report; part: the column that it is made of, None for the buildings; most_rows: of the row
    groups that a page reads; most_polygons: whose polygons are looked at to count."""

    table: GeoParquet
    declared: Mapping[str, Column]
    suns: int
    part: Column | None = None
    most_rows: int = MOST_ROWS
    most_polygons: int = MOST_POLYGONS
    _counts: dict[str, int | None] = field(default_factory=dict)

    @classmethod
    def of(cls, directory: Path, table: str = LAYER) -> "Features":
        """The features of a table of a finished run, by its name. Raises InputError for a folder
        without one, or with a damaged one."""
        mark_of(directory)
        return _of(open_finished(directory), table)

    def __len__(self) -> int:
        return len(self.table)

    @cached_property
    def columns(self) -> frozenset[str]:
        """The names of the columns of the table."""
        return frozenset(self.table.schema.names)

    @property
    def bounds(self) -> Rectangle | None:
        """The rectangle of all [RD m]; None where nothing has a place."""
        return self.table.extent

    def page(self, wanted: Filter | None, start: int, limit: int) -> FeaturePage:
        """At most `limit` features that pass a filter, from a position on, in the order of the
        table.

        A page may hold fewer though there is a next one: where row groups of `most_rows` were read.
        """
        pieces, read, following = [np.zeros(0, np.int64)], 0, None
        for group, positions in self._passing(wanted, start):
            room = limit - sum(map(len, pieces))
            if not room or read >= self.most_rows:
                following = int(positions[0])
                break
            read += self._size(group)
            pieces.append(positions[:room])
            if len(positions) > room:
                following = int(positions[room])
                break
        return FeaturePage(self.at(np.concatenate(pieces)), following, self.count(wanted))

    def count(self, wanted: Filter | None) -> int | None:
        """How many features pass a filter; None where the polygons of more than most_polygons rows
        would have to be looked at. Nothing but the columns of the filter is read, row group by row
        group, and not of those that cannot pass."""
        if wanted is None:
            return len(self)
        if wanted.key not in self._counts:
            if len(self._counts) >= MOST_COUNTS:
                self._counts.clear()
            self._counts[wanted.key] = self._counted(wanted)
        return self._counts[wanted.key]

    def _counted(self, wanted: Filter) -> int | None:
        number = looked_at = 0
        for group in np.flatnonzero(self._possible(wanted)).tolist():
            columns = _Group(self.table, group, wanted)
            number += int(wanted.passes(columns, self._size(group)).sum())
            looked_at += columns.polygons * self._size(group)
            if looked_at > self.most_polygons:
                return None
        return number

    def at(self, positions: NDArray[np.int64]) -> pa.Table:
        """The features at positions, as a flat table in their order."""
        names = flat_names(self.table.schema.names, self.declared)
        return flatten(self.table.at(positions, names).columns, self.suns, self.declared)

    @property
    def names(self) -> list[str]:
        """The names of the columns of its features."""
        return list(self.at(np.zeros(0, np.int64)).schema.names)

    def index(self, to: Path) -> None:
        """Write the rows, sorted, and the position of each: two lines of int64 (16 bytes a row)."""
        rows = self.table.read(range(self.table.groups), ["row"])["row"].to_numpy()
        order = np.argsort(rows, kind="stable")
        np.save(to, np.stack([rows[order], order]))

    def _passing(
        self, wanted: Filter | None, start: int
    ) -> Iterator[tuple[int, NDArray[np.int64]]]:
        """The row groups from a position on that have rows which pass a filter, and the positions
        of those."""
        first = int(np.searchsorted(self.table.starts, start, "right")) - 1
        for group in np.flatnonzero(self._possible(wanted)).tolist():
            if group >= first:
                rows = np.arange(self._size(group))
                if wanted is not None:
                    columns = _Group(self.table, group, wanted)
                    rows = np.flatnonzero(wanted.passes(columns, len(rows)))
                positions = rows + self.table.starts[group]
                positions = positions[positions >= start]
                if len(positions):
                    yield group, positions

    def _size(self, group: int) -> int:
        return int(self.table.starts[group + 1] - self.table.starts[group])

    def _possible(self, wanted: Filter | None) -> NDArray[np.bool_]:
        """Which row groups may have rows that pass a filter, by their statistics."""
        if wanted is None:
            return np.ones(self.table.groups, np.bool_)
        for name in wanted.columns - self.columns:
            raise InputError(BUILDINGS, "has no column {name}", "run it anew", name=name)
        return wanted.may_pass(self.table.statistics, self.table.groups)


_cache = row_cache(CACHE_BYTES)


@lru_cache(maxsize=KEPT)
def _of(finished: Finished, table: str) -> Features:
    suns = len(sun_times(finished.report))
    return Features(
        finished.tables[table].caching(_cache), finished.columns(table), suns, finished.part(table)
    )


def find(index: Path, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The positions of rows by an index that was written; -1 for one that the table has not."""
    known, positions = np.load(index, mmap_mode="r")
    places = np.searchsorted(known, rows).clip(max=max(len(known) - 1, 0))
    if not len(known):
        return np.full(len(rows), -1)
    return np.where(known[places] == rows, positions[places], -1)
