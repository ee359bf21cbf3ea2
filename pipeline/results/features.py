"""Pages of features: the buildings of a finished run, a few at a time, from where one stopped.

A feature's position is that of its row in the table. A page reads the row groups that may hold
what is asked for, from a position on, and of those few whole; so it costs the same at the end of
a nation as at its start.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.results import report
from pipeline.results.filter_parts import GEOMETRY, Range, rectangles
from pipeline.results.filters import Filter
from pipeline.results.printed import sun_times
from pipeline.storage.ledger import BUILDINGS, REPORT
from pipeline.storage.lru import LruCache
from pipeline.storage.slices import footer_of, row_groups

MOST_ROWS = 262_144  # of row groups that a page reads; 0.4 s
MOST_POLYGONS = 524_288  # of row groups whose polygons are looked at to count; 1 s
MOST_COUNTS = 256  # of filters that are remembered, a table
KEPT_BYTES = 60 << 20  # of row groups of all tables, as they were read
KEPT_TABLES = 16


class Page(NamedTuple):
    """Features as a flat table, the position at which the next page starts (None: there is none),
    and how many there are on all pages (None: too many polygons would have to be looked at)."""

    rows: pa.Table
    next: int | None
    matched: int | None


class _Group:
    """The columns of a row group that a filter looks at, by name. The polygons are only read where
    they are asked for."""

    def __init__(self, features: "Features", group: int, wanted: Filter) -> None:
        names = sorted(wanted.columns - {GEOMETRY})
        self._narrow = features._read(group, names) if names else {}
        self._features, self._group = features, group
        self.polygons = False  # whether they were read

    def __getitem__(self, name: str) -> pa.ChunkedArray:
        if name != GEOMETRY:
            return self._narrow[name]
        self.polygons = True
        return self._features._read(self._group, [GEOMETRY])[GEOMETRY]


@dataclass(frozen=True, eq=False)
class Features:
    """The table of one finished run, and where its row groups begin and lie."""

    file: Path
    suns: int
    metadata: pq.FileMetaData
    starts: NDArray[np.int64]  # of each row group, and the number of rows
    _ranges: dict[str, Range] = field(default_factory=dict)
    _counts: dict[str, int | None] = field(default_factory=dict)

    @classmethod
    def of(cls, directory: Path) -> "Features":
        """Of a finished run. Raises InputError if the folder holds none, or a damaged one."""
        return _opened(directory, mark_of(directory))

    def __len__(self) -> int:
        return int(self.starts[-1])

    @cached_property
    def columns(self) -> frozenset[str]:
        """The names of the columns of the table."""
        return frozenset(self.metadata.schema.to_arrow_schema().names)

    @property
    def bounds(self) -> tuple[float, float, float, float] | None:
        """The rectangle of all [RD m]; None where nothing has a place."""
        boxes = rectangles(self._range)
        known = boxes[~np.isnan(boxes).any(axis=1)]
        if not len(known):
            return None
        west, south = known[:, :2].min(axis=0).tolist()
        east, north = known[:, 2:].max(axis=0).tolist()
        return west, south, east, north

    def page(self, wanted: Filter | None, start: int, limit: int) -> Page:
        """At most `limit` features that pass a filter, from a position on, in the order of the
        table.

        A page may hold fewer though there is a next one: where row groups of MOST_ROWS were read.
        """
        found: list[pa.Table] = []
        read, room, following = 0, limit, None
        for group, rows in self._groups(wanted, start):
            if not room or read >= MOST_ROWS:
                following = int(self.starts[group] + rows[0])
                break
            read += self._size(group)
            following = self._after(group, rows, room)
            found.append(self._whole(group).take(pa.array(rows[:room])))
            room -= len(found[-1])
            if following is not None:
                break
        rows_found = pa.concat_tables([self._none(), *found])
        return Page(self._flat(rows_found), following, self.count(wanted))

    def count(self, wanted: Filter | None) -> int | None:
        """How many features pass a filter; None where the polygons of more than MOST_POLYGONS rows
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
            columns = _Group(self, group, wanted)
            number += int(wanted.passes(columns, self._size(group)).sum())
            looked_at += columns.polygons * self._size(group)
            if looked_at > MOST_POLYGONS:
                return None
        return number

    def at(self, positions: NDArray[np.int64]) -> pa.Table:
        """The features at positions, as a flat table in their order."""
        groups = np.searchsorted(self.starts, positions, "right") - 1
        parts = [
            self._whole(int(group)).slice(int(position - self.starts[group]), 1)
            for group, position in zip(groups, positions, strict=True)
        ]
        return self._flat(pa.concat_tables([self._none(), *parts]))

    def index(self, to: Path) -> None:
        """Write the rows, sorted, and the position of each: two lines of int64 (16 bytes a row)."""
        groups = range(self.metadata.num_row_groups)
        rows = row_groups(self.file, groups, ["row"], self.metadata)["row"].to_numpy()
        order = np.argsort(rows, kind="stable")
        np.save(to, np.stack([rows[order], order]))

    def _groups(self, wanted: Filter | None, start: int) -> Iterator[tuple[int, NDArray[np.int64]]]:
        """The row groups from a position on that have rows which pass a filter, and which those
        are."""
        first = int(np.searchsorted(self.starts, start, "right")) - 1
        possible = self._possible(wanted)
        for group in range(first, len(possible)):
            if possible[group]:
                rows = self._passing(group, wanted)
                rows = rows[rows >= start - self.starts[group]]
                if len(rows):
                    yield group, rows

    def _passing(self, group: int, wanted: Filter | None) -> NDArray[np.int64]:
        if wanted is None:
            return np.arange(self._size(group))
        return np.flatnonzero(wanted.passes(_Group(self, group, wanted), self._size(group)))

    def _after(self, group: int, rows: NDArray[np.int64], room: int) -> int | None:
        return int(self.starts[group] + rows[room]) if len(rows) > room else None

    def _size(self, group: int) -> int:
        return int(self.starts[group + 1] - self.starts[group])

    def _possible(self, wanted: Filter | None) -> NDArray[np.bool_]:
        """Which row groups may hold what is wanted, by their statistics."""
        groups = len(self.starts) - 1
        if wanted is None:
            return np.ones(groups, np.bool_)
        for name in wanted.columns - self.columns:
            raise InputError("{file}: has no column {name}; run it anew", file=BUILDINGS, name=name)
        return wanted.may_pass(self._range, groups)

    def _range(self, path: str) -> Range:
        """What the file says of a column, or of a part of one."""
        if path not in self._ranges:
            of = [self._statistics(group, path) for group in range(self.metadata.num_row_groups)]
            lowest, highest = (
                [getattr(each, side) if each and each.has_min_max else None for each in of]
                for side in ("min", "max")
            )
            values = [each.num_values if each else -1 for each in of]
            nulls = [each.null_count if each and each.has_null_count else -1 for each in of]
            self._ranges[path] = Range(lowest, highest, np.array(values), np.array(nulls))
        return self._ranges[path]

    def _statistics(self, group: int, path: str) -> Any:
        place = self._places.get(path)
        return None if place is None else self.metadata.row_group(group).column(place).statistics

    @cached_property
    def _places(self) -> dict[str, int]:
        of = self.metadata
        return {of.schema.column(i).path: i for i in range(of.num_columns)}

    def _read(self, group: int, columns: Sequence[str] | None = None) -> pa.Table:
        return row_groups(self.file, [group], columns, self.metadata)

    def _whole(self, group: int) -> pa.Table:
        return _group(self, group)

    def _none(self) -> pa.Table:
        return self.metadata.schema.to_arrow_schema().empty_table().replace_schema_metadata(None)

    def _flat(self, table: pa.Table) -> pa.Table:
        return report.flatten(table, self.suns)


def mark_of(directory: Path) -> tuple[int, int]:
    """What tells a finished run from the one it is updated to: when its report was written [ns],
    and its size [bytes]. Raises InputError if the folder holds none."""
    try:
        found = (directory / REPORT).stat()
    except OSError:
        raise InputError(
            "{name}: no {file} in it, so no finished run", name=directory.name, file=REPORT
        ) from None
    return found.st_mtime_ns, found.st_size


def find(index: Path, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The positions of rows by an index that was written; -1 for one that the table has not."""
    known, positions = np.load(index, mmap_mode="r")
    places = np.searchsorted(known, rows).clip(max=max(len(known) - 1, 0))
    if not len(known):
        return np.full(len(rows), -1)
    return np.where(known[places] == rows, positions[places], -1)


@lru_cache(maxsize=KEPT_TABLES)
def _opened(directory: Path, mark: tuple[int, int]) -> Features:
    """mark: of the report, which an update writes last."""
    suns = len(sun_times(report.read(directory)))
    file = Path(report.buildings_file(directory))
    metadata = footer_of(file)
    counts = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
    return Features(file, suns, metadata, np.cumsum([0, *counts]))


_kept: LruCache[pa.Table] = LruCache(KEPT_BYTES, lambda table: int(table.nbytes))


def _group(features: Features, group: int) -> pa.Table:
    """One row group, whole: pages that follow each other mostly read the same."""
    return _kept.get((features, group), lambda: features._read(group).replace_schema_metadata(None))
