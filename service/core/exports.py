"""Cache of files made from finished runs on demand, bounded by size (LRU)."""

import hashlib
import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.results.features import Features, find
from pipeline.results.finished import mark_of
from pipeline.results.parts import PartTable
from pipeline.storage.cache import is_intact, record_checksums
from service.core.catalogue import Collection

FOLDER = "exports"
MOST_BYTES = 20_000_000_000  # of all files; the least recently used are removed first
_making: dict[Path, Lock] = {}
_lock = Lock()


def cached_export(
    state: Path, collection: Collection, name: str, make: Callable[[Path], Any]
) -> Path:
    """A file made from a finished run, by `make` if the cache has none. It is written atomically,
    and once for concurrent callers; a run that was updated has another."""
    file = folder_of(state, collection.place) / name
    with _lock:
        making = _making.setdefault(file, Lock())
    with making:
        if not is_intact(file):
            _make(file, make)
            _make_room(state / FOLDER, file)
        os.utime(file, ns=(time.time_ns(), file.stat().st_mtime_ns))
    with _lock:
        _making.pop(file, None)
    return file


def index_of(state: Path, collection: Collection) -> Path:
    """The index of the rows of a run: 2 s for that of the nation, once."""
    return cached_export(state, collection, "rows.npy", Features.of(collection.place).index)


def building_of(state: Path, collection: Collection, row: int) -> pa.Table | None:
    """The building of a row as a flat table of one, with its outline; None if there is none."""
    position = find(index_of(state, collection), np.array([row]))
    return Features.of(collection.place).at(position) if position[0] >= 0 else None


def feature_of(state: Path, collection: Collection, feature: str) -> pa.Table | None:
    """A feature of a collection as a flat table of one, by its id; None if there is none. feature:
    the row of a building, or of a part that, a hyphen, and the part's own number."""
    row, _, number = feature.partition("-")
    table = collection.features.table
    if not isinstance(table, PartTable):
        return None if number else building_of(state, collection, int(row))
    (position,) = find(index_of(state, collection), np.array([int(row)]))
    if not number or position < 0:
        return None
    starts = Features.of(collection.place).table.starts
    group = int(np.searchsorted(starts, position, "right")) - 1
    found = table.find(group, int(row), int(number))
    return collection.features.at(found) if len(found) else None


def folder_of(state: Path, place: Path) -> Path:
    """Cache folder of the run in `place`; another after an update. Raises InputError if there is no
    run."""
    key = f"{place}|{mark_of(place)}"
    return state / FOLDER / hashlib.sha256(key.encode()).hexdigest()[:32]


def _make(file: Path, make: Callable[[Path], Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = file.with_name(f"partial-{secrets.token_hex(4)}-{file.name}")
    try:
        make(partial)
        os.replace(partial, file)
        record_checksums(file)
    finally:
        partial.unlink(missing_ok=True)


def _make_room(folder: Path, kept: Path) -> None:
    """Remove the least recently used files, except `kept`."""
    files = [(path.stat(), path) for path in folder.glob("*/*") if path.is_file()]
    held = sum(status.st_size for status, _ in files)
    for status, path in sorted(files, key=lambda each: each[0].st_atime_ns):
        if held <= MOST_BYTES:
            break
        if path != kept:
            path.unlink(missing_ok=True)
            held -= status.st_size
