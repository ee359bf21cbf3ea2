"""Footprints made ready once: sorted in space, so that a block reads only what it can feel."""

import shutil
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray

from pipeline.engine.engine import Progress, Stop, never_stop, no_progress
from pipeline.errors import MendableError
from pipeline.footprints.footprints import Footprints, numbered
from pipeline.footprints.prepared_make import (
    CARD,
    REST,
    SORTED,
    becoming,
    check_unchanged,
    fill,
    stamps_of,
    tools,
)
from pipeline.footprints.prepared_sort import BOX, SCHEMA
from pipeline.messages import Text
from pipeline.storage.cache import cached_files, key_of, log, read_manifest
from pipeline.storage.checksums import CheckedFiles
from pipeline.storage.files import find
from pipeline.storage.geoparquet import Rows
from pipeline.vectors.files import ENDINGS

VERSION = 3  # of the prepared files
EDGES = tuple(edge.name for edge in BOX)
GROUPS = np.dtype([("first", np.int64), ("count", np.int64), *((e, np.float64) for e in EDGES)])
LIGHT = ["row", "centre_x", "centre_y", "bbox"]
SEEKERS = 4  # threads that look for ids at once
Box = tuple[float, float, float, float]


class Light(NamedTuple):
    """Footprints without their polygons. place, row: int64, as in Footprints; centre: (n, 2) [m];
    bounds: (n, 4) [m]."""

    place: NDArray[np.int64]
    row: NDArray[np.int64]
    centre: NDArray[np.float64]
    bounds: NDArray[np.float64]

    @classmethod
    def of(cls, rows: Rows) -> "Light":
        """Of some rows, with the columns of LIGHT, those that have a polygon."""
        there = ~np.isnan(rows.bounds).any(axis=1)
        position, columns, bounds = rows if there.all() else rows.take(np.flatnonzero(there))
        return cls(position, columns["row"].to_numpy(), _centre(columns), bounds)


class Few(NamedTuple):
    """A few footprints beside those of a file, in memory, with the columns of that. usable, rest:
    those with a polygon and those without; again: ids that both bear."""

    usable: pa.Table
    rest: pa.Table
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
    bounds: Box
    few: Few | None = None

    def __len__(self) -> int:
        return self.count

    def groups(self) -> NDArray[Any]:
        """The row groups, in order: first (place), count, and xmin, ymin, xmax, ymax [m] of the
        polygons."""
        every = _opened(self.path).groups
        if self.few is None or not len(self.few.usable):
            return every
        west, south, east, north = _edges(self.few.usable)
        box = west.min(), south.min(), east.max(), north.max()
        last = (every["count"].sum(), len(self.few.usable), *box)
        return np.append(every, np.array([last], GROUPS))

    @property
    def group_bounds(self) -> NDArray[np.float64]:
        """(row groups, 4) xmin, ymin, xmax, ymax of the polygons [m]."""
        groups = self.groups()
        return np.column_stack([groups[edge] for edge in EDGES])

    def touching(self, bounds: Box) -> NDArray[np.int64]:
        """The row groups with a polygon whose bounding box may touch a closed rectangle [m]."""
        every = self.groups()
        return np.flatnonzero(_touch([every[edge] for edge in EDGES], bounds))

    def read(self, bounds: Box | None = None, groups: Iterable[int] | None = None) -> Footprints:
        """Those with a polygon whose bounding box touches a closed rectangle [m], of some row
        groups or of all, in order."""
        every = self.groups()
        wanted = np.arange(len(every)) if groups is None else np.array(sorted({*groups}), np.int64)
        if bounds is not None:
            wanted = np.intersect1d(wanted, self.touching(bounds))
        place, tables = [np.zeros(0, np.int64)], [SCHEMA.empty_table()]
        for group in wanted.tolist():
            table = self._table(group)
            chosen = np.arange(len(table))
            if bounds is not None:
                chosen = np.flatnonzero(_touch(_edges(table), bounds))
                table = table.take(chosen)
            place.append(every["first"][group] + chosen)
            tables.append(table)
        return self._footprints(np.concatenate(place), pa.concat_tables(tables))

    def light(self, group: int) -> Light:
        """All of one row group."""
        table = _read(self.path, group, LIGHT) if self._in_file(group) else self._table(group)
        place = self.groups()["first"][group] + np.arange(len(table))
        return Light(place, table["row"].to_numpy(), _centre(table), np.column_stack(_edges(table)))

    def unusable(self) -> Footprints:
        """Those without a polygon, by row."""
        with _opened(self.path).files.reading(REST) as stream:
            table = pq.read_table(stream).replace_schema_metadata()
        if self.few is not None:
            table = pa.concat_tables([table, self.few.rest])
        return self._footprints(np.full(len(table), -1), table)

    def bearers(self, ids: Collection[str]) -> dict[int, set[str]]:
        """The row groups of the file in which some of these ids are, and which: all ids are read
        for it, of a nation in half a second."""
        wanted = pa.array(sorted(ids), pa.string())

        def found(group: int) -> set[str]:
            table = _read(self.path, group, ["id"])
            return set(table["id"].filter(pc.is_in(table["id"], wanted)).to_pylist())

        with ThreadPoolExecutor(SEEKERS) as pool:
            every = pool.map(found, range(_opened(self.path).footer.num_row_groups if ids else 0))
            return {group: there for group, there in enumerate(every) if there}

    def _in_file(self, group: int) -> bool:
        return group < len(_opened(self.path).groups)

    def _table(self, group: int) -> pa.Table:
        if self.few is None or self._in_file(group):
            return _group(self.path, group)
        return self.few.usable

    def _repeated(self, table: pa.Table) -> NDArray[np.bool_]:
        """Whose id is there more than once."""
        found: NDArray[np.bool_] = table["repeated"].to_numpy()
        if self.few is None:
            return found
        return found | pc.is_in(table["id"], pa.array(self.few.again, pa.string())).to_numpy()

    def _footprints(self, place: NDArray[np.int64], table: pa.Table) -> Footprints:
        wkb = table["geometry"].to_numpy(zero_copy_only=False)
        return Footprints(
            place=place,
            row=table["row"].to_numpy(),
            id=_objects(table["id"]),
            built=table["built"].to_numpy().astype(np.float64),
            status=_objects(table["status"]),
            has_status=table["has_status"].to_numpy(),
            geometry=shapely.from_wkb(wkb),
            reason=_objects(table["reason"]),
            repaired=table["repaired"].to_numpy(),
            repeated=self._repeated(table),
            area=table["area"].to_numpy().astype(np.float64),
            centre=_centre(table),
            bounds=np.column_stack(_edges(table)),
            group=numbered(pd.Series(_objects(table["group"]), dtype=object)),
            sources=self.sources,
        )


class _Opened(NamedTuple):
    """A prepared file: its footer, its row groups, and what reads it and checks what is read."""

    footer: pq.FileMetaData
    groups: NDArray[Any]
    files: CheckedFiles


@lru_cache(maxsize=8)
def _opened(path: Path) -> _Opened:
    """Read once a process."""
    files = _files(path.parent)
    with files.reading(SORTED) as stream:
        footer = pq.read_metadata(stream)
    groups = np.zeros(footer.num_row_groups, GROUPS)
    names = [footer.schema.column(i).path for i in range(footer.num_columns)]
    at = [names.index(f"bbox.{edge}") for edge in EDGES]
    for i in range(len(groups)):
        group = footer.row_group(i)
        low, high = ([getattr(group.column(c).statistics, m) for c in at] for m in ("min", "max"))
        groups[i] = (0, group.num_rows, *low[:2], *high[2:])
    groups["first"] = np.cumsum(groups["count"]) - groups["count"]
    return _Opened(footer, groups, files)


def _files(home: Path) -> CheckedFiles:
    return cached_files(home, (read_manifest(home / CARD) or {}).get("sums", {}))


def _read(path: Path, group: int, columns: list[str] | None = None) -> pa.Table:
    footer, _, files = _opened(path)
    with files.reading(SORTED) as stream, pq.ParquetFile(stream, metadata=footer) as file:
        return file.read_row_group(group, columns, use_threads=False)


@lru_cache(maxsize=24)  # some 4 MB each; neighbouring blocks and shards read the same
def _group(path: Path, group: int) -> pa.Table:
    return _read(path, group).replace_schema_metadata()


def _touch(edges: list[NDArray[np.float64]], bounds: Box) -> NDArray[np.bool_]:
    west, south, east, north = edges
    xmin, ymin, xmax, ymax = bounds
    return (west <= xmax) & (east >= xmin) & (south <= ymax) & (north >= ymin)


def _edges(table: pa.Table) -> list[NDArray[np.float64]]:
    box = table["bbox"]
    return [pc.struct_field(box, edge).to_numpy().astype(np.float64) for edge in EDGES]


def _centre(table: pa.Table) -> NDArray[np.float64]:
    return np.column_stack([table[f"centre_{axis}"].to_numpy() for axis in "xy"]).astype(float)


def _objects(column: pa.ChunkedArray) -> NDArray[Any]:
    found: NDArray[Any] = column.to_numpy(zero_copy_only=False)
    return found


def prepare_footprints(
    sources: Iterable[str],
    *,
    layer: str | None = None,
    id_column: str | None = None,
    group_column: str | None = None,
    centre: str = "centroid",
    cache: Path,
    workers: int = 1,
    progress: Progress = no_progress,
    stop: Stop = never_stop,
) -> Prepared:
    """Footprints of one or more files, one after another, sorted into a file below `cache`; if it
    is there already, nothing is read.

    centre: as of read_footprints. progress: called with `prepare`, the rows read and all rows, 0
    where their number is not known. Raises InputError for a file or a column that is not there and
    for a cache that cannot be written, Stopped when the flag is up.
    """
    files = find(sources, ENDINGS, "buildings")
    options = (layer, id_column, group_column, centre)
    stamps = stamps_of(files)
    home = cache / "footprints" / key_of(VERSION, tools(), files, stamps, options)
    card = _card(home)
    if card is None:
        shutil.rmtree(home, ignore_errors=True)  # what a cleaner of caches left of it
        _opened.cache_clear()
        _group.cache_clear()
        with becoming(home, stop) as folder:
            if folder is not None:
                fill(folder, files, options, workers, progress, stop)
                check_unchanged(files, stamps)
                folder.rename(home)
        card = _card(home)
    if card is None:
        raise MendableError("{folder}: was removed meanwhile; run again", folder=home)
    xmin, ymin, xmax, ymax = (float(edge) for edge in card["bounds"])
    return Prepared(home / SORTED, tuple(card["sources"]), card["count"], (xmin, ymin, xmax, ymax))


def _card(home: Path) -> dict[str, Any] | None:
    """What is told of prepared footprints, if they are there and whole."""
    card: dict[str, Any] | None = read_manifest(home / CARD)
    if card is not None and _files(home).missing():
        log.warning(Text("{folder} is damaged; the footprints are prepared anew", folder=home))
        return None
    return card
