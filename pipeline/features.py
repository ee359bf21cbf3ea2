"""Pages of features: the buildings of a finished run, a few at a time, from where one stopped.

A feature's position is that of its row in the table. A page reads the row groups that may hold
what is asked for, from a position on, and of those few whole; so it costs the same at the end of
a nation as at its start.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray

from pipeline import report
from pipeline.columns import EDGES
from pipeline.errors import InputError
from pipeline.kept import Kept
from pipeline.ledger import BUILDINGS, REPORT
from pipeline.printed import sun_times
from pipeline.slices import BBOX, footer_of, row_groups

ANY = "*"  # of a column that is asked for: whatever it holds, but not null
MOST_ROWS = 262_144  # of row groups that a page reads; 0.4 s
KEPT_BYTES = 60 << 20  # of row groups of all tables, as they were read
KEPT_TABLES = 16
Value = str | bool | None


class Wanted(NamedTuple):
    """Which features: those that touch an area [RD m], and whose columns hold these values."""

    area: shapely.Geometry | None = None
    values: Mapping[str, Value] = {}

    @property
    def everything(self) -> bool:
        """Whether nothing is left out."""
        return self.area is None and not self.values


class Page(NamedTuple):
    """Features as a flat table, the position at which the next page starts (None: there is none),
    and how many there are on all pages, if that is known without looking."""

    rows: pa.Table
    next: int | None
    matched: int | None


@dataclass(frozen=True, eq=False)
class Features:
    """The table of one finished run, and where its row groups begin and lie."""

    file: Path
    suns: int
    metadata: pq.FileMetaData
    starts: NDArray[np.int64]  # of each row group, and the number of rows
    _edges: dict[str, list[Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, directory: Path) -> "Features":
        """Of a finished run. Raises InputError if the folder holds none, or a damaged one."""
        return _opened(directory, mark_of(directory))

    def __len__(self) -> int:
        return int(self.starts[-1])

    @property
    def bounds(self) -> tuple[float, float, float, float] | None:
        """The rectangle of all [RD m]; None where nothing has a place."""
        boxes = self._boxes()
        known = boxes[~np.isnan(boxes).any(axis=1)]
        if not len(known):
            return None
        west, south = known[:, :2].min(axis=0).tolist()
        east, north = known[:, 2:].max(axis=0).tolist()
        return west, south, east, north

    def page(self, wanted: Wanted, start: int, limit: int) -> Page:
        """At most `limit` features from a position on, in the order of the table.

        A page may hold fewer though there is a next one: where row groups of MOST_ROWS were read.
        """
        found: list[pa.Table] = []
        read, room, following = 0, limit, None
        for group, rows in self._groups(wanted, start):
            if not room or read >= MOST_ROWS:
                following = int(self.starts[group] + rows[0])
                break
            taken = self._touching(group, rows, wanted)
            read += int(self.starts[group + 1] - self.starts[group])
            following = self._after(group, taken, room)
            found.append(self._whole(group).take(pa.array(taken[:room])))
            room -= len(found[-1])
            if following is not None:
                break
        rows_found = pa.concat_tables([self._none(), *found])
        return Page(
            self._flat(rows_found), following, self._matched(wanted, start, following, found)
        )

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

    def _groups(self, wanted: Wanted, start: int) -> Iterator[tuple[int, NDArray[np.int64]]]:
        """The row groups from a position on that may hold what is wanted, and which of their rows
        may be it: by their columns and their rectangles."""
        first = int(np.searchsorted(self.starts, start, "right")) - 1
        possible = self._possible(wanted)
        for group in range(first, len(possible)):
            if possible[group]:
                rows = self._candidates(group, wanted)
                rows = rows[rows >= start - self.starts[group]]
                if len(rows):
                    yield group, rows

    def _candidates(self, group: int, wanted: Wanted) -> NDArray[np.int64]:
        narrow = [*wanted.values, *([BBOX] if wanted.area is not None else [])]
        if not narrow:
            return np.arange(self.starts[group + 1] - self.starts[group])
        table = self._read(group, narrow)
        fits = np.ones(len(table), np.bool_)
        for name, value in wanted.values.items():
            fits &= _holds(table[name], value)
        if wanted.area is not None:
            boxes = [pc.struct_field(table[BBOX], edge).to_numpy() for edge in EDGES]
            fits &= _touches(np.column_stack(boxes), wanted.area.bounds)
        return np.flatnonzero(fits)

    def _touching(self, group: int, rows: NDArray[np.int64], wanted: Wanted) -> NDArray[np.int64]:
        """Of rows whose rectangle may touch the area those whose polygon does."""
        if wanted.area is None:
            return rows
        wkb = self._whole(group)["geometry"].take(pa.array(rows))
        shapely.prepare(wanted.area)
        touching: NDArray[np.bool_] = shapely.intersects(
            wanted.area, shapely.from_wkb(wkb.to_numpy())
        )
        return rows[touching]

    def _after(self, group: int, taken: NDArray[np.int64], room: int) -> int | None:
        return int(self.starts[group] + taken[room]) if len(taken) > room else None

    def _matched(
        self, wanted: Wanted, start: int, following: int | None, found: list[pa.Table]
    ) -> int | None:
        if wanted.everything:
            return len(self)
        return sum(map(len, found)) if start == 0 and following is None else None

    def _possible(self, wanted: Wanted) -> NDArray[np.bool_]:
        """Which row groups may hold what is wanted, by their statistics."""
        possible = np.ones(len(self.starts) - 1, np.bool_)
        if wanted.area is not None:
            if BBOX not in self.metadata.schema.to_arrow_schema().names:
                raise InputError(f"{BUILDINGS}: has no column {BBOX}; run it anew")
            possible &= _touches(self._boxes(), wanted.area.bounds)
        for name, value in wanted.values.items():
            possible &= [_may_hold(edges, value) for edges in self._statistics(name)]
        return possible

    def _boxes(self) -> NDArray[np.float64]:
        """The rectangle of each row group; NaN where nothing has a place."""
        sides = [
            [np.nan if edge is None or not edge.has_min_max else getattr(edge, side) for edge in of]
            for name, side in zip(EDGES, ("min", "min", "max", "max"), strict=True)
            for of in [self._statistics(f"{BBOX}.{name}")]
        ]
        return np.array(sides).T.reshape(-1, 4)

    def _statistics(self, path: str) -> list[Any]:
        """Of each row group, what it says of a column; None where it says nothing."""
        if path not in self._edges:
            names = [self.metadata.schema.column(i).path for i in range(self.metadata.num_columns)]
            place = names.index(path) if path in names else None
            self._edges[path] = [
                None if place is None else self.metadata.row_group(group).column(place).statistics
                for group in range(self.metadata.num_row_groups)
            ]
        return self._edges[path]

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
        raise InputError(f"{directory.name}: no {REPORT} in it, so no finished run") from None
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


_kept: Kept[pa.Table] = Kept(KEPT_BYTES, lambda table: int(table.nbytes))


def _group(features: Features, group: int) -> pa.Table:
    """One row group, whole: pages that follow each other mostly read the same."""
    return _kept.get((features, group), lambda: features._read(group).replace_schema_metadata(None))


def _touches(
    boxes: NDArray[np.float64], bounds: tuple[float, float, float, float]
) -> NDArray[np.bool_]:
    """Which rectangles touch a closed one; NaN touches nothing."""
    west, south, east, north = bounds
    touching: NDArray[np.bool_] = (
        (boxes[:, 0] <= east) & (boxes[:, 2] >= west)
        & (boxes[:, 1] <= north) & (boxes[:, 3] >= south)
    )  # fmt: skip
    return touching


def _holds(column: pa.ChunkedArray, value: Value) -> NDArray[np.bool_]:
    """Where a column has a value; None: none, ANY: whichever."""
    if value is None:
        fits = pc.is_null(column)
    elif value == ANY:
        fits = pc.is_valid(column)
    else:
        fits = pc.fill_null(pc.equal(column, value), False)
    found: NDArray[np.bool_] = fits.to_numpy()
    return found


def _may_hold(edges: Any, value: Value) -> bool:
    """Whether a row group may have a value, by its statistics."""
    if edges is None:
        return True
    if value is None:
        return not edges.has_null_count or edges.null_count > 0
    if not edges.has_min_max:
        return edges.num_values > 0
    return value == ANY or bool(edges.min <= value <= edges.max)
