"""Preparation of footprints: files in, files sorted in space out."""

import fcntl
import os
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import sleep
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyogrio
import pyproj
import shapely

from pipeline.engine.engine import Progress, Stop, never_stop, no_progress
from pipeline.errors import InputError, MendableError, Stopped
from pipeline.footprints.footprints import Columns, geometry_columns, pick_columns, rows_of
from pipeline.footprints.prepared import (
    CARD,
    COLUMNS,
    SORTED,
    TABLES,
    Extra,
    Prepared,
    files_in,
    forget,
)
from pipeline.footprints.prepared_sort import (
    SIZES,
    Sizes,
    SortedRun,
    Sorter,
    sorted_run,
    write_sorted,
)
from pipeline.messages import Text
from pipeline.storage.cache import fingerprint, key_of, log, read_manifest, write_manifest
from pipeline.storage.checksums import ChecksumWriter
from pipeline.storage.files import find, identity, on_disk
from pipeline.storage.geoparquet import GeoParquet, Rows
from pipeline.storage.places import Folder
from pipeline.storage.slices import Rectangle
from pipeline.terms import File, Location
from pipeline.vectors.files import ENDINGS, Vector, open_vector

WAIT_S = 0.1  # before a look whether another process is ready
VERSION = 3  # of the prepared files
Options = tuple[str | None, str | None, str | None, str]  # layer, id, group, centre


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
    sizes: Sizes = SIZES,
) -> Prepared:
    """Footprints of one or more files, one after another, sorted into a file below `cache`; if it
    is there already, nothing is read.

    centre: as of footprints_of. progress: called with `prepare`, the rows read and all rows, 0
    where their number is not known. Raises InputError for a file or a column that is not there and
    for a cache that cannot be written, Stopped when the flag is up.
    """
    files = find(sources, ENDINGS, "buildings")
    options = (layer, id_column, group_column, centre)
    prints = fingerprints_of(files)
    home = cache / "footprints" / key_of(VERSION, library_versions(), files, prints, options)
    card = _card(home)
    if card is None:
        shutil.rmtree(home, ignore_errors=True)  # a cleaner of caches may leave parts
        forget()
        with new_folder(home, stop) as folder:
            if folder is not None:
                write_prepared(folder, files, options, workers, progress, stop, sizes)
                check_unchanged(files, prints)
                folder.rename(home)
        card = _card(home)
    if card is None:
        raise MendableError(Location(home), "was removed meanwhile", "run again")
    xmin, ymin, xmax, ymax = (float(edge) for edge in card["bounds"])
    return Prepared(home / SORTED, tuple(card["sources"]), card["count"], (xmin, ymin, xmax, ymax))


def with_extra(prepared: Prepared, sources: Iterable[str], **options: Any) -> Prepared:
    """The prepared footprints and, after them, those of a few small files, which are kept in
    memory: as if all had been prepared together.

    options: as of prepare_footprints. Raises the same.
    """
    with TemporaryDirectory() as folder:
        more = prepare_footprints(sources, **options, cache=Path(folder))
        tables = (GeoParquet(more.path.with_name(name)) for name in TABLES)
        usable, rest = (_after(prepared, table.within(None, COLUMNS)) for table in tables)
    ids = {*usable.columns["id"].to_pylist(), *rest.columns["id"].to_pylist()} - {""}
    present = {*prepared.unusable().id}.union(*prepared.table.holding(ids).values())
    return replace(
        prepared,
        sources=prepared.sources + more.sources,
        count=prepared.count + more.count,
        bounds=_around(prepared.bounds, more.bounds),
        extra=Extra(usable, rest, tuple(sorted(ids & present))),
    )


def _after(prepared: Prepared, more: Rows) -> Rows:
    """Rows numbered after those of prepared footprints."""
    columns = more.columns
    rows = pc.add(columns["row"], prepared.count)
    columns = columns.set_column(columns.column_names.index("row"), "row", rows)
    return Rows(more.position + len(prepared.table), columns, more.bounds)


def _around(a: Rectangle, b: Rectangle) -> Rectangle:
    """The rectangle around two, each of which may be NaN."""
    low, high = np.fmin(a[:2], b[:2]).tolist(), np.fmax(a[2:], b[2:]).tolist()
    return low[0], low[1], high[0], high[1]


def _card(home: Path) -> dict[str, Any] | None:
    """The manifest of prepared footprints, if they are present and undamaged."""
    card: dict[str, Any] | None = read_manifest(home / CARD)
    if card is not None and files_in(home).missing():
        log.warning(Text("{folder} is damaged; the footprints are prepared anew", folder=home))
        return None
    return card


def write_prepared(
    folder: Path,
    files: list[str],
    options: Options,
    workers: int,
    progress: Progress,
    stop: Stop,
    sizes: Sizes,
) -> None:
    """Prepare files into a folder. Raises InputError for what cannot be read, Stopped when the flag
    is up."""
    layer, id_column, group_column, centre = options
    spill = folder / "spill.arrow"
    sorter = Sorter(spill, sizes)
    with ThreadPoolExecutor(workers + 1) as pool:
        identities = [pool.submit(identity, file) for file in files]
        vectors = [open_vector(file, layer) for file in files]
        counts = [vector.count for vector in vectors]
        total = 0 if None in counts else sum(count or 0 for count in counts)
        batches = _batches(vectors, id_column, group_column, sizes.batch)
        tasks = (partial(_run, centre, *batch) for batch in batches)
        for run in _in_order(pool, workers, tasks):
            sorter.add(run)
            if not 0 < total <= sizes.batch:  # else it is over at once
                progress("prepare", sorter.count, total)
            if stop():
                raise Stopped
        for vector in vectors:
            vector.transform.check()
        sources = [future.result() for future in identities]
    if not sorter.count:
        raise InputError(File(files[0]), "holds no footprints", "is it the right file or layer?")
    usable, rest = sorter.finish()
    sums = {}
    for name, rows in zip(TABLES, (usable, rest), strict=True):
        with Folder(folder).writing(name) as stream:
            write_sorted(summing := ChecksumWriter(stream), rows, sorter.bounds, sizes.group, stop)
        sums[name] = str(summing.sums)
    spill.unlink()
    card = {
        "sums": sums,
        "sources": [{**s, "crs": v.crs} for s, v in zip(sources, vectors, strict=True)],
        "count": sorter.count,
        "bounds": sorter.bounds,
    }
    write_manifest(folder / CARD, card)


def _batches(
    vectors: list[Vector], id_column: str | None, group_column: str | None, size: int
) -> Iterator[tuple[Vector, Columns, Any, int]]:
    """Batches as they are in the files, with the row of the first of each."""
    row = 0
    for vector in vectors:
        if vector.count == 0:
            continue
        columns = pick_columns(vector.empty, vector.path, id_column, group_column)
        wanted = [name for name in columns if name is not None]
        for batch in vector.batches(wanted, size):
            yield vector, columns, batch, row
            row += len(batch)


def _run(centre: str, vector: Vector, columns: Columns, batch: Any, row: int) -> SortedRun:
    rows = rows_of(vector.decode(batch), columns)
    return sorted_run(rows, geometry_columns(rows["geometry"].to_numpy(), centre), row)


def _in_order(
    pool: ThreadPoolExecutor, ahead: int, tasks: Iterator[Callable[[], SortedRun]]
) -> Iterator[SortedRun]:
    """The results of tasks in order; at most `ahead` run beside one."""
    waiting: deque[Future[SortedRun]] = deque()
    for task in tasks:
        waiting.append(pool.submit(copy_context().run, task))
        if len(waiting) > ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


@contextmanager
def new_folder(home: Path, stop: Stop) -> Iterator[Path | None]:
    """An empty, locked folder to be renamed to `home`, else removed; None if another process made
    `home` meanwhile."""
    folder = home.with_name(f"{home.name}.partial")
    try:
        handle = _locked(folder, home, stop)
        if handle is None:
            yield None
            return
        try:
            for file in folder.iterdir():  # of a preparation that was killed
                file.unlink()
            yield folder
        finally:
            if not home.is_dir():
                shutil.rmtree(folder, ignore_errors=True)
            os.close(handle)
    except OSError as error:
        raise InputError(
            Location(home.parent),
            "cannot be written ({error})",
            "make room, or name another folder in DAKLAAG_CACHE",
            error=error.strerror or error,
        ) from None


def _locked(folder: Path, home: Path, stop: Stop) -> int | None:
    """A handle that locks the folder; None if `home` exists."""
    while not home.is_dir():
        if stop():
            raise Stopped
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not home.is_dir() and _same(folder, handle):
                return handle
        except BlockingIOError:
            sleep(WAIT_S)
        os.close(handle)
    return None


def _same(folder: Path, handle: int) -> bool:
    """Whether an open folder still has its name."""
    return folder.is_dir() and os.path.samestat(os.fstat(handle), folder.stat())


def fingerprints_of(files: list[str]) -> list[dict[str, Any]]:
    """Fingerprints of the files and, of shapefiles, of their parts."""
    parts = [on_disk(file) for file in files]
    shapes = [p for part in parts if part.suffix.lower() == ".shp" for p in part.parent.iterdir()]
    stems = {part.with_suffix("") for part in parts}
    return [
        fingerprint(str(p))
        for p in (*parts, *sorted(p for p in shapes if p.with_suffix("") in stems))
    ]


def check_unchanged(files: list[str], fingerprints: list[dict[str, Any]]) -> None:
    """Raises InputError for a file that is not as it was."""
    for before, after in zip(fingerprints, fingerprints_of(files), strict=False):
        if before != after:
            raise InputError(
                File(before["path"]), "was changed while it was read", "run again when it is whole"
            )


def library_versions() -> list[Any]:
    """Versions of the libraries that read files, and the grid files of the transformation."""
    folders = [*pyproj.datadir.get_data_dir().split(os.pathsep), pyproj.datadir.get_user_data_dir()]
    grids = sorted({grid.name for folder in folders for grid in Path(folder).glob("nl_nsgi*")})
    return [
        shapely.geos_version_string,
        pyproj.__proj_version__,
        pyproj.network.is_network_enabled(),
        pyogrio.__gdal_version_string__,
        grids,
    ]
