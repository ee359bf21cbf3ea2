"""What of a run is finished: a folder with a table for each finished shard, held by one run.

A table is written under another name and renamed, so that it is either whole or not there;
`kill -9` at any moment loses at most the shards in hand.
"""

import fcntl
import json
import os
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import InputError

RASTERS, BUILDINGS, MAP, REPORT = "rasters.zarr", "buildings.parquet", "map.png", "report.json"
FINAL = (RASTERS, BUILDINGS, MAP, REPORT)  # in the order in which they are published
WORK, ASKED = "work.partial", "request.json"
STAGES = SURVEY, MEASURE, SHADE = "survey", "measure", "shade"


@contextmanager
def held(directory: Path) -> Iterator[None]:
    """Hold a folder, so that no second run writes into it. Raises InputError if one does, or if
    the folder cannot be made or written."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        handle = os.open(directory, os.O_RDONLY)
    except OSError as error:
        raise _unwritable(directory, error) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise InputError(
            f"{directory}: another run holds this folder; wait for it, or give another --out"
        ) from None
    try:
        if not os.access(directory, os.W_OK | os.X_OK):
            raise _unwritable(directory, PermissionError(13, "Permission denied"))
        yield
    finally:
        os.close(handle)


def _unwritable(directory: Path, error: OSError) -> InputError:
    return InputError(f"{directory}: cannot be written ({error.strerror}); give another --out")


@dataclass(frozen=True)
class Ledger:
    """The unfinished work of a run, below its output folder."""

    directory: Path

    @property
    def work(self) -> Path:
        return self.directory / WORK

    @property
    def rasters(self) -> Path:
        """Where the store is written until it is published."""
        return self.work / RASTERS

    def table(self, stage: str, name: str) -> Path:
        return self.work / stage / f"{name}.npz"

    def has(self, stage: str, name: str) -> bool:
        """Whether a shard is finished: its table is there, and whole."""
        return zipfile.is_zipfile(self.table(stage, name))

    def record(self, stage: str, name: str, columns: dict[str, Any]) -> None:
        """Keep a finished shard's table."""
        path = self.table(stage, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{name}.partial")
        with partial.open("wb") as stream:
            np.savez(stream, **columns)
            stream.flush()
            os.fsync(stream.fileno())
        partial.rename(path)

    def read(self, stage: str, name: str) -> dict[str, Any]:
        with np.load(self.table(stage, name)) as stored:
            return dict(stored)

    def write(self, name: str, data: bytes) -> None:
        """Keep a finished output until it is published."""
        partial = self.work / f"{name}.partial"
        partial.write_bytes(data)
        partial.rename(self.work / name)

    def publish(self) -> None:
        """Give the outputs their final names; the report comes last and says that all is there."""
        for left in self.rasters.rglob("*.partial"):  # chunks that a kill left half written
            left.unlink()
        for name in FINAL:
            if (self.work / name).exists():
                (self.work / name).rename(self.directory / name)
        self.discard()

    def discard(self) -> None:
        """Remove the work; first what says whose it is, so that no half of it is taken up."""
        _remove(self.work / ASKED)
        _remove(self.work)


def open_ledger(directory: Path, provenance: dict[str, Any], overwrite: bool) -> Ledger | None:
    """The ledger of a new or an unfinished run; None if the same run is finished.

    Raises InputError if the folder holds anything else. `overwrite` removes what the program wrote,
    but for unfinished work of the same run.
    """
    ledger, here = Ledger(directory), json.loads(json.dumps(provenance))
    started = _known(ledger.work / ASKED)
    if overwrite and started != here:
        _clear(ledger)
        started = None
    finished = _known(directory / REPORT)
    if finished is None and started is None:
        _check_empty(directory, overwrite)
        ledger.discard()
        ledger.work.mkdir()
        ledger.write(ASKED, json.dumps(here, indent=1).encode())
        return ledger
    _same(directory, finished or started, here)
    if finished is not None:
        ledger.discard()
        return None
    if (ledger.work / REPORT).exists():
        ledger.publish()  # a kill came between two renames
        return None
    return ledger


def _clear(ledger: Ledger) -> None:
    """Remove a run, if there is one: its report first, what else tells whose it was last."""
    home = ledger.directory
    if any(map(_known, (ledger.work / ASKED, home / REPORT, home / RASTERS / "zarr.json"))):
        ledger.discard()
        ledger.work.mkdir()
        for name in reversed(FINAL):
            if (home / name).exists():
                (home / name).rename(ledger.work / name)
        ledger.discard()


def _check_empty(directory: Path, overwrite: bool) -> None:
    """Refuse a folder with files of others; with `overwrite`, only if they bear our names."""
    there = sorted({*os.listdir(directory)} - {WORK})
    if foreign := sorted(_foreign(directory / WORK)):
        raise InputError(
            f"{directory}: {WORK} holds {foreign[0]}, which is no run's; move it away, or give"
            " another --out"
        )
    if overwrite and (ours := [name for name in FINAL if name in there]):
        raise InputError(
            f"{directory}: holds {', '.join(ours)}, but of no run of this program; move that"
            " away, or give another --out"
        )
    if there and not overwrite:
        raise InputError(
            f"{directory}: not empty (it holds {', '.join(there[:3])}) and not a run's;"
            " give another --out, or --overwrite"
        )


def _foreign(work: Path) -> set[str]:
    """What lies in a folder of unfinished work that no run puts there."""
    names = set(os.listdir(work)) if work.is_dir() else set()
    return {n for n in names - {*FINAL, *STAGES, ASKED} if not n.endswith(".partial")}


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _known(path: Path) -> dict[str, Any] | None:
    """The provenance that a file of the program tells, if it can be read."""
    try:
        told = json.loads(path.read_bytes())
        told = told.get("attributes", told)  # a store's are below that name
        return {key: told[key] for key in ("method", "inputs", "program")}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _same(directory: Path, there: Any, here: Any) -> None:
    difference = differ(there, here)
    if difference:
        raise InputError(
            f"{directory}: holds a run with another {difference}; give another --out,"
            " or --overwrite"
        )


def differ(there: Any, here: Any, name: str = "") -> str | None:
    """The first place where two values of JSON differ, in words; None if they are equal."""
    if isinstance(there, dict) and isinstance(here, dict):
        for key in [*there, *(key for key in here if key not in there)]:
            found = differ(there.get(key), here.get(key), f"{name}.{key}" if name else key)
            if found:
                return found
        return None
    if isinstance(there, list) and isinstance(here, list) and len(there) == len(here):
        pairs = enumerate(zip(there, here, strict=True))
        return next((d for i, (a, b) in pairs if (d := differ(a, b, f"{name}[{i}]"))), None)
    return None if there == here else f"{name} ({_short(there)} there, {_short(here)} here)"


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
