"""Files to download, and the manifest of a folder of downloaded files."""

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pipeline.errors import InputError
from pipeline.fetch.web import FetchError
from pipeline.storage.cache import write_atomic
from pipeline.storage.files import identity
from pipeline.terms import Field, Location

MANIFEST = "fetched.json"


@dataclass(frozen=True)
class Record:
    """A downloaded file: address, size [bytes], SHA-256, and the time of its download or
    validation (UTC)."""

    url: str
    size: int
    sha256: str
    date: str

    @classmethod
    def now(cls, url: str, identity: dict[str, str | int]) -> "Record":
        """The record of a file as it is now."""
        date = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(url, int(identity["size"]), str(identity["sha256"]), date)


@dataclass
class Manifest:
    """Records by file name below the folder; without_data: by product the sheets that no service
    has."""

    folder: Path
    records: dict[str, Record] = field(default_factory=dict)
    without_data: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path) -> "Manifest":
        """The manifest in a folder; empty if there is none or it is damaged, so that the files
        there are validated. Raises InputError for another program's file of that name."""
        try:
            values = json.loads((folder / MANIFEST).read_bytes())
        except (OSError, ValueError):
            return cls(folder)
        try:
            records = {name: Record(**record) for name, record in values["files"].items()}
            return cls(folder, records, dict(values["without_data"]))
        except (TypeError, KeyError, AttributeError, ValueError):
            raise foreign(folder, MANIFEST) from None

    def has(self, name: str) -> bool:
        """Whether a file exists with the recorded size."""
        record, file = self.records.get(name), self.folder / name
        return record is not None and file.is_file() and file.stat().st_size == record.size

    def note_without_data(self, product: str, names: Iterable[str]) -> None:
        """Record sheets that no service has."""
        known = self.without_data.get(product, ())
        self.without_data[product] = sorted({*known, *names})

    def write(self) -> None:
        """Write the manifest to the folder, atomically."""
        values = {
            "files": {name: asdict(record) for name, record in sorted(self.records.items())},
            "without_data": self.without_data,
        }
        write_atomic(self.folder / MANIFEST, json.dumps(values, indent=1).encode())


@dataclass(frozen=True)
class Download:
    """A file to download. file: name below the folder; url; save, check: download and validate it;
    survey: writes its relief and returns its identity; sheet: product and name of a sheet that may
    not exist although the index lists it."""

    file: str
    url: str
    save: Callable[[Path], None]
    check: Callable[[Path], None]
    survey: Callable[[Path], dict[str, str | int] | None] = lambda path: None
    sheet: tuple[str, str] | None = None


class OccupiedError(InputError):
    """A file with the name of a download that is not as it was downloaded."""


def foreign(folder: Path, name: str) -> InputError:
    """The fault of a folder in which another program's file has the name of one of ours."""
    return InputError(
        Location(folder), "its {name} is not of this program", "give another folder", name=name
    )


def ensure(
    item: Download, manifest: Manifest, overwrite: bool = False
) -> tuple[Record | None, bool]:
    """Ensure that a file is there and valid. Returns its record, if it is new, and whether it was
    downloaded. Raises OccupiedError for a changed file, unless `overwrite`."""
    file = manifest.folder / item.file
    if manifest.has(item.file):
        item.survey(file)
        return None, False
    # A file without a record was downloaded before a kill, or by hand.
    download = item.file in manifest.records or not (file.exists() and _is_valid(item, file))
    if download:
        if os.path.lexists(file) and not overwrite:
            raise OccupiedError(
                "",
                "exists, and is not as it was downloaded",
                "move it away, or {overwrite} to download it again",
                overwrite=Field("overwrite"),
            )
        file.parent.mkdir(parents=True, exist_ok=True)
        item.save(file)
        _validate(item, file)
    return Record.now(item.url, item.survey(file) or identity(str(file))), download


def _is_valid(item: Download, file: Path) -> bool:
    try:
        item.check(file)
    except (FetchError, InputError):
        return False
    return True


def _validate(item: Download, file: Path) -> None:
    """Raises FetchError or InputError for an invalid file, and deletes it."""
    try:
        item.check(file)
    except (FetchError, InputError):
        file.unlink()
        raise
