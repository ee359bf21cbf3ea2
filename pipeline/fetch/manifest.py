"""A file that is to be fetched, and the book of a folder of them: what is there, what nowhere."""

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

MANIFEST = "fetched.json"


@dataclass(frozen=True)
class Record:
    """A file that is there: whence, bytes, and when it was brought or first seen (UTC)."""

    url: str
    size: int
    sha256: str
    date: str

    @classmethod
    def now(cls, url: str, identity: dict[str, str | int]) -> "Record":
        """Of a file that was looked at just now."""
        date = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(url, int(identity["size"]), str(identity["sha256"]), date)


@dataclass
class Manifest:
    """Records by the files' names below the folder; without_data: by product the sheets that no
    service has."""

    folder: Path
    records: dict[str, Record] = field(default_factory=dict)
    without_data: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path) -> "Manifest":
        """As it was written; empty where there is none or it is damaged, so that what is there is
        looked at. Raises InputError for a file of that name with anything else."""
        try:
            said = json.loads((folder / MANIFEST).read_bytes())
        except (OSError, ValueError):
            return cls(folder)
        try:
            records = {name: Record(**record) for name, record in said["files"].items()}
            return cls(folder, records, dict(said["without_data"]))
        except (TypeError, KeyError, AttributeError, ValueError):
            raise foreign(folder, MANIFEST) from None

    def has(self, name: str) -> bool:
        """Whether a file is there as it was written down."""
        record, file = self.records.get(name), self.folder / name
        return record is not None and file.is_file() and file.stat().st_size == record.size

    def note_nowhere(self, product: str, names: Iterable[str]) -> None:
        """Sheets that no service has."""
        known = self.without_data.get(product, ())
        self.without_data[product] = sorted({*known, *names})

    def write(self) -> None:
        """To the folder, whole."""
        said = {
            "files": {name: asdict(record) for name, record in sorted(self.records.items())},
            "without_data": self.without_data,
        }
        write_atomic(self.folder / MANIFEST, json.dumps(said, indent=1).encode())


@dataclass(frozen=True)
class Download:
    """A file to be there: its name below the folder, its address, how it is brought and checked;
    survey: what is kept of it beside, with its identity; sheet: product and name of one that may
    not exist although the index lists it."""

    file: str
    url: str
    save: Callable[[Path], None]
    check: Callable[[Path], None]
    survey: Callable[[Path], dict[str, str | int] | None] = lambda path: None
    sheet: tuple[str, str] | None = None


class OccupiedError(InputError):
    """A file that stands where another is to be brought, and is not as it was brought."""


def foreign(folder: Path, name: str) -> InputError:
    """What is wrong with a folder where a file of others has the name of one of the program's."""
    return InputError(
        "{folder}: its {name} is not of this program; give another folder", folder=folder, name=name
    )


def ensure(item: Download, book: Manifest, overwrite: bool = False) -> tuple[Record | None, bool]:
    """See that a file is there and sound; its record, if it was not known before, and whether it
    was brought. Raises Standing where that would replace a file that is not as it was brought,
    unless `overwrite`."""
    file = book.folder / item.file
    if book.has(item.file):
        item.survey(file)
        return None, False
    # A file that is in no book was brought before a kill, or by hand.
    came = item.file in book.records or not (file.exists() and _is_valid(item, file))
    if came:
        if os.path.lexists(file) and not overwrite:
            raise OccupiedError(
                "stands there, and is not as it was brought; move it away, or --overwrite brings it"
                " anew"
            )
        file.parent.mkdir(parents=True, exist_ok=True)
        item.save(file)
        _validate(item, file)
    return Record.now(item.url, item.survey(file) or identity(str(file))), came


def _is_valid(item: Download, file: Path) -> bool:
    try:
        item.check(file)
    except (FetchError, InputError):
        return False
    return True


def _validate(item: Download, file: Path) -> None:
    """Raises Failed or InputError for a file that is not what it should be, and deletes it."""
    try:
        item.check(file)
    except (FetchError, InputError):
        file.unlink()
        raise
