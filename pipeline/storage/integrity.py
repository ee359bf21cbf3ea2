"""Integrity of a finished run: its files compared with the checksums in its report.

`report.json` holds the checksums of all other files, those of the rasters by shard, and its own
under `machine`.
"""

import hashlib
import itertools
import json
import logging
import re
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any

from pipeline.errors import DamagedError, InputError, MendableError
from pipeline.messages import Text
from pipeline.storage import places as storage
from pipeline.storage.checksums import BLOCK, CheckedFiles, Checksums, Fault
from pipeline.storage.ledger import ASKED, FINAL, RASTERS, REPORT, WORK, Ledger
from pipeline.storage.places import Place, below, place_of, storage_of
from pipeline.terms import Command, Field, Location

FILES, CHECKSUM = "files", "checksum"  # keys of the report, and of its `machine`
SHARD = re.compile(r"(.+)/(\d+)/(\d+)")  # a file of rasters: its part of the pyramid, its shard
MEANING = f"size in bytes, and the CRC-32 of each block of {BLOCK} bytes"
REMEDY = Text("run it again with {overwrite}", overwrite=Field("overwrite"))
ANEW = Text("run it anew with {overwrite}", overwrite=Field("overwrite"))
log = logging.getLogger("daklaag.integrity")
Damage = dict[str, Text]  # by the name of a file: what is wrong with it


def with_checksums(report: Mapping[str, Any], sums: Mapping[str, Checksums]) -> dict[str, Any]:
    """A report with the checksums of the files beside it, and its own."""
    whole = {**report, FILES: _by_shard(sums)}
    return whole | {"machine": whole["machine"] | {CHECKSUM: _checksum(whole)}}


def _checksum(report: Mapping[str, Any]) -> str:
    machine = {key: value for key, value in report["machine"].items() if key != CHECKSUM}
    text = json.dumps({**report, "machine": machine}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _by_shard(sums: Mapping[str, Checksums]) -> dict[str, Any]:
    """Checksums as the report holds them. Those of a shard's raster files stand in one line, in the
    order of `parts`, the arrays of the pyramid; empty for an array without a file."""
    whole, shards = dict[str, str](), dict[str, dict[str, str]]()
    for name in sorted(sums):
        shard = shard_of(name)
        if shard is None:
            whole[name] = str(sums[name])
        else:
            shards.setdefault(shard, {})[name.rsplit("/", 2)[0]] = str(sums[name])
    parts = sorted({part for files in shards.values() for part in files})
    lines = {s: ", ".join(files.get(part, "") for part in parts) for s, files in shards.items()}
    return {"sums": MEANING, "whole": whole, "parts": parts, "shards": lines}


def checksums_in(report: Mapping[str, Any]) -> dict[str, Checksums]:
    """The checksums in a report, by file name."""
    files = report[FILES]
    sums = {name: Checksums.parse(text) for name, text in files["whole"].items()}
    for shard, line in files["shards"].items():
        for part, text in zip(files["parts"], line.split(", "), strict=True):
            if text:
                sums[f"{part}/{shard.replace('_', '/')}"] = Checksums.parse(text)
    return sums


def shard_of(file: str) -> str | None:
    """The name of the shard that a file of rasters holds; None for any other file."""
    match = SHARD.fullmatch(file)
    return match and f"{match[2]}_{match[3]}"


def is_unfinished(directory: Place) -> bool:
    """Whether a run was begun in a folder, or on object storage, and is not finished."""
    storage = storage_of(directory)
    return storage.exists(f"{WORK}/{ASKED}") and not storage.exists(REPORT)


def read_report(directory: Place) -> dict[str, Any]:
    """The report of a finished run. Raises InputError if there is none, or one of an older version
    of the program, DamagedError if it is not as it was written."""
    try:
        text = storage_of(directory).read(REPORT)
    except (FileNotFoundError, NotADirectoryError):
        if is_unfinished(directory):
            raise InputError(
                Location(directory),
                "its run is not finished",
                "the same {run} command continues it",
                run=Command("run"),
            ) from None
        raise InputError(
            Location(directory),
            "no {name} in it, so no finished run",
            "daklaag run makes one",
            name=REPORT,
        ) from None
    try:
        report: dict[str, Any] = json.loads(text)
        older = {"counts", "method", "inputs"} <= report.keys() and FILES not in report
        intact = older or report["machine"][CHECKSUM] == _checksum(report)
    except (ValueError, AttributeError, KeyError, TypeError):
        intact = older = False
    if older:
        raise InputError(
            Location(directory), "its run is of an older version of this program", REMEDY
        )
    if not intact:
        raise DamagedError(
            Location(below(directory, REPORT)), "not the report of a run, or damaged", ANEW
        )
    return report


def files_of(directory: Place) -> CheckedFiles:
    """The files of a finished run, which are checked as they are read. Raises InputError as
    `read_report` does, and on reading DamagedError with the name of the file and the remedy."""
    return _files(directory, storage_of(directory).mark(REPORT))


@lru_cache(maxsize=32)
def _files(directory: Place, mark: object) -> CheckedFiles:
    """As `files_of`, cached. mark: of the report, which an update writes last."""
    return CheckedFiles(directory, checksums_in(read_report(directory)), _damaged(directory))


def _damaged(directory: Place) -> Fault:
    def damaged(name: str, damage: Text) -> DamagedError:
        file = Location(below(directory, name))
        return DamagedError(file, "{source} {damage}", REMEDY, damage=damage)

    return damaged


def opened(file: Place) -> AbstractContextManager[Any]:
    """A binary stream to read and seek of a file. One of a finished run is checked as it is read,
    and DamagedError raised."""
    files, name = checked_files_with(file)
    return files.reading(name) if name in files.sums else storage.opened(file)


def checked_files_with(file: Place) -> tuple[CheckedFiles, str]:
    """The files of the finished run in whose folder a file lies, and its name there; outside one,
    files without checksums."""
    folder, _, name = str(file).rpartition("/")
    directory = place_of(folder or ".")
    if name in FINAL and (mark := storage_of(directory).mark(REPORT)):
        return _files(directory, mark), name
    return CheckedFiles(directory, {}, _damaged(directory)), name


def verify(directory: Place, name: str) -> None:
    """Raises DamagedError unless a file of a finished run is as it was written. It is not read
    again until it, or the report, is replaced."""
    place = storage_of(directory)
    if name in files_of(directory).sums:
        _verify(directory, name, place.mark(REPORT), place.mark(name))


@lru_cache(maxsize=4096)
def _verify(directory: Place, name: str, *marks: object) -> None:
    files_of(directory).verify(name, lambda: False)


def check(
    directory: Place,
    progress: Callable[[str, int, int], None],
    stop: Callable[[], bool],
    threads: int,
) -> Damage:
    """Read all files of a finished run. Returns the damage by file name. Raises InputError where
    there is no finished run, and Stopped."""
    return files_of(directory).damage(progress, stop, threads)


def check_there(directory: Place) -> None:
    """Raises DamagedError unless the files of a finished run are there, each of its size."""
    refuse(directory, files_of(directory).missing())


def is_whole(directory: Place) -> bool:
    """Whether a place holds a finished run whose files are there, each of its size."""
    try:
        check_there(directory)
    except (InputError, FileNotFoundError):
        return False
    return True


def refuse(directory: Place, damage: Damage) -> None:
    """Raises DamagedError that names the first damaged file and the remedy, if there is one."""
    if not damage:
        return
    name, kind = next(iter(damage.items()))
    if len(damage) == 1:
        raise files_of(directory).fault(name, kind)
    raise DamagedError(
        Location(below(directory, name)),
        "{source} {damage}, and so are {more:,} other files of this run",
        REMEDY,
        damage=kind,
        more=len(damage) - 1,
    )


def damaged_shards(
    ledger: Ledger,
    layers: Collection[str],
    shards: Collection[str],
    progress: Callable[[str, int, int], None],
    stop: Callable[[], bool],
    threads: int,
) -> set[str]:
    """The finished shards whose files of some raster layers are damaged or missing, with a warning
    for each file. Reads all those files; raises Stopped as soon as the flag is up."""
    damaged, sums = set[str](), dict[str, Checksums]()
    for layer, shard in itertools.product(layers, shards):
        try:
            sums |= ledger.chunks(layer, shard)
        except (FileNotFoundError, MendableError):
            damaged.add(shard)
    place = ledger.place(RASTERS)
    files = CheckedFiles(place, sums, _damaged(place))
    for name, damage in files.damage(progress, stop, threads).items() if sums else ():
        file = below(place, name)
        log.warning(Text("{file} {damage}; its shard is computed again", file=file, damage=damage))
        damaged.add(shard_of(name) or "")
    return damaged
