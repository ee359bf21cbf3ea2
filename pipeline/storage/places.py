"""Places of results: a folder, or object storage (`s3://bucket/prefix`).

A place is a Path, or the URL as text. Below it are files by name, with `/` between folders. A
file is either whole or not there: on disk it is written under another name, brought to the disk
and renamed; on object storage (pipeline/storage/objects.py) a put is whole by itself.
"""

import errno
import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from typing import Any, Protocol

from pipeline.storage.objects import S3, ObjectStorage

Place = Path | str
PARTIAL = ".partial"
DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # or a quota, or what a file may hold


def place_of(text: str) -> Place:
    """A place as a person types it: a URL stays text, all else is a path."""
    return S3 + text.removeprefix(S3).rstrip("/") if is_remote(text) else Path(text)


def is_remote(place: Place) -> bool:
    """Whether a place is on object storage."""
    return isinstance(place, str) and place.startswith(S3)


def below(place: Place, name: str) -> Place:
    """A place below another."""
    return f"{place}/{name}" if is_remote(place) else Path(place) / name


@contextmanager
def opened(file: Place) -> Iterator[Any]:
    """A binary stream of one file, to read and seek."""
    folder, name = str(file).rpartition("/")[::2] if is_remote(file) else os.path.split(file)
    with storage_of(place_of(folder)).reading(name) as stream:
        yield stream


class Storage(Protocol):
    """The files below one place, by name. Raises FileNotFoundError for a name that is not there."""

    renames: bool  # whether `move` is one step

    def write(self, name: str, data: bytes) -> None:
        """Write a whole file, over an older one."""

    def writing(self, name: str) -> Any:
        """A binary stream to write, as a context; the file exists when it is left without
        exception."""

    def read(self, name: str) -> bytes:
        """A whole file."""

    def reading(self, name: str) -> Any:
        """A binary stream to read and seek, as a context."""

    def end(self, name: str, size: int) -> bytes:
        """The last bytes of a file; none if it is not there."""

    def exists(self, name: str) -> bool:
        """Whether there is such a file."""

    def sizes(self, names: Collection[str]) -> dict[str, int]:
        """Sizes of those files that exist [bytes], by name."""

    def mark(self, name: str) -> Any:
        """A value that changes when the file is replaced; None if it does not exist."""

    def names(self, folder: str = "") -> set[str]:
        """Names of the files and folders directly below a folder; none if it does not exist."""

    def remove(self, name: str) -> None:
        """Remove a file, or a folder with all in it; nothing if it is not there."""

    def move(self, name: str, target: str) -> None:
        """Rename a file or a folder."""

    def chunks(self) -> Any:
        """The place as a store of zarr."""


def storage_of(place: Place) -> Storage:
    """The files at a place. Raises InputError for a URL that names no bucket."""
    return ObjectStorage(str(place)) if is_remote(place) else Folder(Path(place))


@dataclass(frozen=True)
class Folder:
    """Files on disk."""

    root: Path
    renames = True

    def write(self, name: str, data: bytes) -> None:
        with self.writing(name) as stream:
            stream.write(data)

    @contextmanager
    def writing(self, name: str) -> Iterator[Any]:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        # A worker that was given up for lost may still write the same.
        partial = path.with_name(f"{path.name}.{os.urandom(4).hex()}{PARTIAL}")
        try:
            with partial.open("wb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            partial.rename(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise

    def read(self, name: str) -> bytes:
        return (self.root / name).read_bytes()

    @contextmanager
    def reading(self, name: str) -> Iterator[Any]:
        with (self.root / name).open("rb") as stream:
            yield stream

    def end(self, name: str, size: int) -> bytes:
        try:
            with (self.root / name).open("rb") as stream:
                stream.seek(max(stream.seek(0, os.SEEK_END) - size, 0))
                return stream.read()
        except (FileNotFoundError, NotADirectoryError):
            return b""

    def exists(self, name: str) -> bool:
        return (self.root / name).exists()

    def mark(self, name: str) -> Any:
        try:
            status = os.stat(self.root / name)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return status.st_mtime_ns, status.st_size

    def sizes(self, names: Collection[str]) -> dict[str, int]:
        sizes = {}
        for name in names:
            with suppress(FileNotFoundError, NotADirectoryError):
                status = os.stat(self.root / name)
                if S_ISREG(status.st_mode):
                    sizes[name] = status.st_size
        return sizes

    def names(self, folder: str = "") -> set[str]:
        try:
            return set(os.listdir(self.root / folder))
        except (FileNotFoundError, NotADirectoryError):
            return set()

    def remove(self, name: str) -> None:
        path = self.root / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

    def move(self, name: str, target: str) -> None:
        path = self.root / target
        path.parent.mkdir(exist_ok=True)
        (self.root / name).rename(path)

    def chunks(self) -> Any:
        from zarr.storage import LocalStore

        return LocalStore(self.root)
