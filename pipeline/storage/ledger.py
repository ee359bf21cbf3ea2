"""The ledger of a run: a table for each finished shard of each pass.

A table is written atomically and ends with its checksum; `kill -9` at any moment loses at most the
shards in progress.
"""

import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.errors import InputError, MendableError
from pipeline.messages import Text
from pipeline.storage import lock
from pipeline.storage.checksums import Checksums, ChecksumWriter
from pipeline.storage.lock import HOLDER, LOCK
from pipeline.storage.places import PARTIAL, Place, Storage, below, is_remote, storage_of
from pipeline.terms import Field, Location

RASTERS, BUILDINGS, MAP, REPORT = "rasters.zarr", "buildings.parquet", "map.png", "report.json"
FINAL = (RASTERS, BUILDINGS, MAP, REPORT)  # in the order in which they are published
WORK, ASKED, REPLACED = "work.partial", "request.json", "replaced"
RECORDS = "records"  # of finished shards, a folder a pass
CHUNKS = "chunks"  # of raster layers of shards, a folder a layer: checksums of the files
# numpy parses headers by `ast`, which before Python 3.11.8 may fail in two threads at once with a
# SystemError (cpython#106905).
_PARSING = Lock()
ENDS = (".npz", ".arrow")
MARK = b"whole"  # the end of a record, followed by its CRC-32 in hexadecimal digits
MARK_BYTES = len(MARK) + 8
ELSEWHERE = Text(
    "give another {out}, or {overwrite}", out=Field("out"), overwrite=Field("overwrite")
)


def locked(directory: Place) -> AbstractContextManager[Callable[[], bool]]:
    """Lock a run's place; yields a flag that is up when the lock was lost. Raises InputError if
    another run has the lock, or the place cannot be made or written."""
    return lock.locked(directory, f"{WORK}/{HOLDER}")


@dataclass(frozen=True)
class Ledger:
    """The unfinished work of a run, below a folder or a URL of object storage. sums: checksums of
    the outputs written so far, by name."""

    directory: Place
    sums: dict[str, Checksums] = field(default_factory=dict, compare=False)

    @property
    def storage(self) -> Storage:
        return storage_of(self.directory)

    def anywhere(self) -> "Ledger":
        """The ledger with an absolute path, for processes with another working directory."""
        here = self.directory if is_remote(self.directory) else Path(self.directory).absolute()
        return Ledger(here, self.sums)

    def place(self, name: str) -> Place:
        """Where an output waits until it is published; objects have their final names."""
        return below(self.directory, self._unpublished(name))

    def has(self, stage: str, name: str) -> bool:
        """Whether a shard is finished: its table is there, and whole."""
        return any(
            self.storage.end(_record(stage, name, kind), MARK_BYTES).startswith(MARK)
            for kind in ENDS
        )

    def finished(self, stage: str) -> set[str]:
        """The names of all finished shards of a stage, by one listing."""
        names = self.storage.names(f"{WORK}/{RECORDS}/{stage}")
        return {Path(name).stem for name in names if name.endswith(ENDS)}

    def record(self, stage: str, name: str, columns: dict[str, Any]) -> None:
        """Write a finished shard's table."""
        content = BytesIO()
        np.savez(content, **columns)
        self._write_record(_record(stage, name, ".npz"), content.getvalue())

    def read(self, stage: str, name: str) -> dict[str, Any]:
        """A finished shard's table. Raises MendableError if it is damaged, and removes it."""
        data = self._read_record(_record(stage, name, ".npz"))
        with _PARSING:
            return dict(np.load(BytesIO(data)))

    def record_rows(self, stage: str, name: str, table: pa.Table) -> None:
        """Write a finished shard's rows."""
        options, content = pa.ipc.IpcWriteOptions(compression="lz4"), BytesIO()
        with pa.ipc.new_file(content, table.schema, options=options) as writer:
            writer.write_table(table)
        self._write_record(_record(stage, name, ".arrow"), content.getvalue())

    def read_rows(self, stage: str, name: str) -> pa.Table:
        """A finished shard's rows. Raises MendableError if they are damaged, and removes them."""
        data = self._read_record(_record(stage, name, ".arrow"))
        return pa.ipc.open_file(pa.py_buffer(data)).read_all()

    def record_chunks(self, name: str, layers: Mapping[str, Mapping[str, Checksums]]) -> None:
        """Write the checksums of a shard's files of some raster layers, by their names in the
        store."""
        for layer, sums in layers.items():
            data = json.dumps({file: str(sums[file]) for file in sums}).encode()
            self._write_record(_record(f"{CHUNKS}/{layer}", name, ".json"), data)

    def chunks(self, layer: str, name: str) -> dict[str, Checksums]:
        """The checksums of a shard's files of a raster layer. Raises MendableError if the record is
        damaged, and FileNotFoundError if there is none."""
        record = _record(f"{CHUNKS}/{layer}", name, ".json")
        values: dict[str, str] = json.loads(self._read_record(record))
        return {file: Checksums.parse(text) for file, text in values.items()}

    def _write_record(self, name: str, data: bytes) -> None:
        self.storage.write(name, data + _mark(data))

    def _read_record(self, name: str) -> bytes:
        """The content of a record. A damaged one is removed and raises MendableError."""
        content = self.storage.read(name)
        data = content[:-MARK_BYTES]
        if content != data + _mark(data):
            self.storage.remove(name)
            raise MendableError(
                Location(below(self.directory, name)),
                "damaged, and removed",
                "the same command computes it again",
            )
        return data

    def write(self, name: str, data: bytes) -> None:
        """Write a finished output, to be published later."""
        self.storage.write(self._unpublished(name), data)

    @contextmanager
    def writing(self, name: str) -> Iterator[Any]:
        """A binary stream to an output; after an exception nothing is kept."""
        with self.storage.writing(self._unpublished(name)) as stream:
            yield (writer := ChecksumWriter(stream))
        self.sums[name] = writer.sums

    def _unpublished(self, name: str) -> str:
        """The name of an output until it is published."""
        final = name in FINAL and not self.storage.renames
        return name if final else f"{WORK}/{name}"

    def publish(self) -> None:
        """Rename the outputs to their final names, the report last, as it makes the run finished.
        The report of an updated run is removed first, so that it never stands beside a mixture.

        Objects are written under their final names, so their report must be written last."""
        if self.storage.renames:
            for file in Path(self.place(RASTERS)).rglob(f"*{PARTIAL}"):  # chunks that a kill left
                file.unlink()
            if self.storage.exists(f"{WORK}/{REPORT}"):
                self._move_aside(REPORT)
            for name in FINAL:
                if self.storage.exists(f"{WORK}/{name}"):
                    self._move_aside(name)
                    self.storage.move(f"{WORK}/{name}", name)
        self.discard()

    def _move_aside(self, name: str) -> None:
        if self.storage.exists(name):
            self.storage.move(name, f"{WORK}/{REPLACED}/{name}")

    def finish_publishing(self) -> None:
        """Finish a publication that a kill interrupted between two renames."""
        begun = _provenance_of(self.storage, f"{WORK}/{ASKED}")
        if begun and self.storage.exists(f"{WORK}/{REPORT}"):
            self.publish()

    def discard(self) -> None:
        """Remove the unfinished work, its provenance first, so that no part of it is resumed."""
        self.storage.remove(f"{WORK}/{ASKED}")
        self.storage.remove(WORK)


def _record(stage: str, name: str, kind: str) -> str:
    return f"{WORK}/{RECORDS}/{stage}/{name}{kind}"


def _mark(data: bytes) -> bytes:
    return MARK + f"{zlib.crc32(data):08x}".encode()


def open_ledger(directory: Place, provenance: dict[str, Any], overwrite: bool) -> Ledger | None:
    """The ledger of a new or an unfinished run; None if the same run is finished.

    overwrite: remove what the program wrote there, but for unfinished work of the same run. Raises
    InputError if the place holds anything else.
    """
    ledger, requested = Ledger(directory), json.loads(json.dumps(provenance))
    storage = ledger.storage
    ledger.finish_publishing()
    begun = _provenance_of(storage, f"{WORK}/{ASKED}")
    if overwrite and begun != requested:
        _clear(ledger)
        begun = None
    finished = _provenance_of(storage, REPORT)
    if finished is None and begun is None:
        _check_empty(ledger, overwrite)
        _begin(ledger, requested)
    else:
        if difference := first_difference(finished or begun, requested):
            raise InputError(
                Location(directory),
                "holds a run with another {difference}",
                ELSEWHERE,
                difference=difference,
            )
        if finished is not None:
            ledger.discard()
            return None
    if storage.renames:
        ledger.write(HOLDER, lock.holder_record())
    return ledger


def _begin(ledger: Ledger, provenance: dict[str, Any]) -> None:
    """Record the provenance of a run in an empty ledger."""
    ledger.discard()
    ledger.write(ASKED, json.dumps(provenance, indent=1).encode())


def open_update(
    directory: Place, provenance: dict[str, Any], check: Callable[[Place, Any, Any], None]
) -> tuple[Ledger | None, Any]:
    """The ledger of a run that updates a finished one, None if nothing differs; and the provenance
    of the finished run.

    check: raises InputError where the two provenances differ too much. Raises it as well if the
    place holds no finished run, or is not on disk.
    """
    ledger, requested = Ledger(directory), json.loads(json.dumps(provenance))
    ledger.finish_publishing()
    storage, finished = ledger.storage, _provenance_of(ledger.storage, REPORT)
    if finished is None or not storage.renames:
        raise InputError(
            Location(directory), "no finished run on disk, so none to update", "run it anew"
        )
    if finished == requested:
        ledger.discard()
        return None, finished
    check(directory, finished, requested)
    if _provenance_of(storage, f"{WORK}/{ASKED}") != requested:
        _begin(ledger, requested)
    ledger.write(HOLDER, lock.holder_record())
    return ledger, finished


def _clear(ledger: Ledger) -> None:
    """Remove a run, if there is one: its report first, its provenance last."""
    storage = ledger.storage
    if not any(
        _provenance_of(storage, name)
        for name in (f"{WORK}/{ASKED}", REPORT, f"{RASTERS}/zarr.json")
    ):
        return
    if storage.renames:
        ledger.discard()
    for name in reversed(FINAL):
        if not storage.renames:
            storage.remove(name)
        elif storage.exists(name):
            storage.move(name, f"{WORK}/{name}")
    ledger.discard()


def _check_empty(ledger: Ledger, overwrite: bool) -> None:
    """Raises InputError for a place with files of no run; with `overwrite` only if they have the
    names of outputs."""
    directory = ledger.directory
    names = sorted(ledger.storage.names() - {WORK, LOCK})
    if foreign := sorted(_foreign(ledger.storage)):
        raise InputError(
            Location(directory),
            "{folder} holds {foreign}, which is no run's",
            "move it away, or give another {out}",
            folder=WORK,
            foreign=foreign[0],
            out=Field("out"),
        )
    if outputs := [name for name in FINAL if name in names]:
        raise InputError(
            Location(directory),
            "holds {names}, but of no run of this program",
            "move that away, or give another {out}",
            names=outputs,
            out=Field("out"),
        )
    if names and not overwrite:
        raise InputError(
            Location(directory),
            "not empty (it holds {names}) and not a run's",
            ELSEWHERE,
            names=names[:3],
        )


def _foreign(storage: Storage) -> set[str]:
    """Names in a folder of unfinished work that no run writes."""
    names = storage.names(WORK) - {*FINAL, RECORDS, ASKED, HOLDER, REPLACED}
    return {name for name in names if not name.endswith(PARTIAL)}


def _provenance_of(storage: Storage, name: str) -> dict[str, Any] | None:
    """The provenance in a report, a request or a store; None if it cannot be read."""
    try:
        values = json.loads(storage.read(name))
        values = values.get("attributes", values)  # a store's are below that name
        return {key: values[key] for key in ("method", "inputs", "program")}
    except InputError:  # the storage cannot be reached, which says nothing of the file
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def first_difference(there: Any, here: Any, name: str = "") -> Text | None:
    """The first difference between two values of JSON, as a message; None if they are equal.
    there: of a finished run; here: of a request."""
    if isinstance(there, dict) and isinstance(here, dict):
        items = [
            (there.get(key), here.get(key), f"{name}.{key}" if name else key)
            for key in there | here
        ]
    elif isinstance(there, list) and isinstance(here, list) and len(there) == len(here):
        items = [(a, b, f"{name}[{i}]") for i, (a, b) in enumerate(zip(there, here, strict=True))]
    elif there == here:
        return None
    else:
        return Text(
            "{name} ({there} there, {here} here)", name=name, there=_short(there), here=_short(here)
        )
    return next((d for item in items if (d := first_difference(*item))), None)


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
