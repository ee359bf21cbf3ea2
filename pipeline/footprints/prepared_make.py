"""Footprints made ready: files in, files sorted in space out."""

import fcntl
import os
import shutil
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial
from pathlib import Path
from time import sleep
from typing import Any

import pyogrio
import pyproj
import shapely

from pipeline.engine.engine import Progress, Stop
from pipeline.errors import InputError, Stopped
from pipeline.footprints.footprints import Columns, pick_columns, rows_of, shapes_of
from pipeline.footprints.prepared_input import Vector, open_vector
from pipeline.footprints.prepared_sort import Run, Sorter, run_of, write_sorted
from pipeline.storage.cache import fingerprint, write_manifest
from pipeline.storage.checksums import ChecksumWriter
from pipeline.storage.files import identity, named, on_disk
from pipeline.storage.places import Folder

BATCH = 32_768  # rows taken up at once
WAIT_S = 0.1  # before a look whether another process is ready
TABLES = SORTED, REST = "footprints.parquet", "unusable.parquet"
CARD = "card.json"
Options = tuple[str | None, str | None, str | None, str]  # layer, id, group, centre


def fill(
    folder: Path,
    files: list[str],
    options: Options,
    workers: int,
    progress: Progress,
    stop: Stop,
) -> None:
    """Write what is prepared of some files into a folder. Raises InputError for what cannot be
    read, Stopped when the flag is up."""
    layer, id_column, group_column, centre = options
    spill = folder / "spill.arrow"
    sorter = Sorter(spill)
    with ThreadPoolExecutor(workers + 1) as pool:
        known = [pool.submit(identity, file) for file in files]
        vectors = [open_vector(file, layer) for file in files]
        total = _total([vector.count for vector in vectors])
        batches = _batches(vectors, id_column, group_column)
        tasks = (partial(_run, centre, *batch) for batch in batches)
        for run in _in_order(pool, workers, tasks):
            sorter.add(run)
            if not 0 < total <= BATCH:  # else it is over as soon as it is told
                progress("prepare", sorter.count, total)
            if stop():
                raise Stopped
        for vector in vectors:
            vector.sight.check()
        sources = [future.result() for future in known]
    if not sorter.count:
        raise InputError(
            "{name}: holds no footprints; is it the right file or layer?", name=named(files[0])
        )
    usable, rest = sorter.finish()
    sums = {}
    for name, rows in zip(TABLES, (usable, rest), strict=True):
        with Folder(folder).writing(name) as stream:
            write_sorted(summing := ChecksumWriter(stream), rows, sorter.bounds, stop)
        sums[name] = str(summing.sums)
    spill.unlink()
    card = {
        "sums": sums,
        "sources": [{**s, "crs": v.crs} for s, v in zip(sources, vectors, strict=True)],
        "count": sorter.count,
        "bounds": sorter.bounds,
    }
    write_manifest(folder / CARD, card)


def _total(counts: list[int | None]) -> int:
    """0 where it is not known."""
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else 0


def _batches(
    vectors: list[Vector], id_column: str | None, group_column: str | None
) -> Iterator[tuple[Vector, Columns, Any, int]]:
    """Batches as they are in the files, with the row of the first of each."""
    row = 0
    for vector in vectors:
        if vector.count == 0:
            continue
        columns = pick_columns(vector.empty, named(vector.path), id_column, group_column)
        wanted = [name for name in columns if name is not None]
        for batch in vector.batches(wanted, BATCH):
            yield vector, columns, batch, row
            row += len(batch)


def _run(centre: str, vector: Vector, columns: Columns, batch: Any, row: int) -> Run:
    rows = rows_of(vector.decode(batch), columns)
    return run_of(rows, shapes_of(rows["geometry"].to_numpy(), centre), row)


def _in_order(
    pool: ThreadPoolExecutor, ahead: int, tasks: Iterator[Callable[[], Run]]
) -> Iterator[Run]:
    """What the tasks return, in order; no more than `ahead` are under way beside one."""
    waiting: deque[Future[Run]] = deque()
    for task in tasks:
        waiting.append(pool.submit(copy_context().run, task))
        if len(waiting) > ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


@contextmanager
def becoming(home: Path, stop: Stop) -> Iterator[Path | None]:
    """An empty folder that is to become `home`, held by nobody else; None if another made it
    meanwhile. It is removed if it does not."""
    folder = home.with_name(f"{home.name}.partial")
    try:
        handle = _held(folder, home, stop)
        if handle is None:
            yield None
            return
        try:
            for left in folder.iterdir():  # by a preparation that was killed
                left.unlink()
            yield folder
        finally:
            if not home.is_dir():
                shutil.rmtree(folder, ignore_errors=True)
            os.close(handle)
    except OSError as error:
        raise InputError(
            "{folder}: cannot be written ({error}); make room, or name another folder in"
            " DAKLAAG_CACHE",
            folder=home.parent,
            error=error.strerror or error,
        ) from None


def _held(folder: Path, home: Path, stop: Stop) -> int | None:
    """A handle that holds the folder; None if `home` is there instead."""
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


def stamps_of(files: list[str]) -> list[dict[str, Any]]:
    """Those of the files and, of shapefiles, of what belongs to them."""
    parts = [on_disk(file) for file in files]
    shapes = [p for part in parts if part.suffix.lower() == ".shp" for p in part.parent.iterdir()]
    stems = {part.with_suffix("") for part in parts}
    return [
        fingerprint(str(p))
        for p in (*parts, *sorted(p for p in shapes if p.with_suffix("") in stems))
    ]


def check_unchanged(files: list[str], stamps: list[dict[str, Any]]) -> None:
    """Raises InputError for a file that is not as it was."""
    for before, after in zip(stamps, stamps_of(files), strict=False):
        if before != after:
            raise InputError(
                "{name}: was changed while it was read; run again when it is whole",
                name=named(before["path"]),
            )


def tools() -> list[Any]:
    """What decides how a file is read: libraries, and the grid files of the transformation."""
    folders = [*pyproj.datadir.get_data_dir().split(os.pathsep), pyproj.datadir.get_user_data_dir()]
    grids = sorted({grid.name for folder in folders for grid in Path(folder).glob("nl_nsgi*")})
    return [
        shapely.geos_version_string,
        pyproj.__proj_version__,
        pyproj.network.is_network_enabled(),
        pyogrio.__gdal_version_string__,
        grids,
    ]
