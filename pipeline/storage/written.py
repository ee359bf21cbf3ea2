"""Overwrite protection: the program replaces only files that it wrote and nobody changed since.

It records in the cache the path and the SHA-256 of what it wrote. That works for formats without
room for metadata (CSV, PNG), and an edited file counts as the user's. Without the cache a file is
refused that could have been replaced: the safe side.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.errors import InputError
from pipeline.storage.cache import cache_dir, key_of, write_atomic
from pipeline.terms import Field, Location

FOLDER = "written"  # of the cache


@contextmanager
def replacing(to: Path, overwrite: bool = False) -> Iterator[Path]:
    """A file to write in a temporary folder beside `to`; on success it and all other files of that
    folder are moved beside `to`.

    overwrite: over whatever files stand there; else only over what the program wrote. Raises
    InputError where a file stands that is not to be replaced.
    """
    check(to, overwrite)
    with TemporaryDirectory(prefix=".daklaag-", dir=to.absolute().parent) as folder:
        partial = Path(folder) / to.name
        yield partial
        made = sorted(Path(folder).iterdir(), key=lambda file: file == partial)  # it comes last
        for file in made:
            check(to.with_name(file.name), overwrite)
        for file in made:
            os.replace(file, to.with_name(file.name))
            note(to.with_name(file.name))


def check(file: Path, overwrite: bool = False) -> None:
    """Raises InputError where something stands that is not the program's own, unless `overwrite`;
    for what is no file in a folder in any case."""
    if (file.exists() and not file.is_file()) or not file.absolute().parent.is_dir():
        raise InputError(Location(file), "not a file in a folder that exists", "name another")
    if not os.path.lexists(file):
        return
    if not overwrite and not _is_ours(file):
        raise InputError(
            Location(file),
            "exists, and is not as this program wrote it",
            "give another name, or {overwrite} to replace it",
            overwrite=Field("overwrite"),
        )  # fmt: skip


def note(file: Path) -> None:
    """Record that the program wrote a file. Where the cache cannot be written the file is refused
    the next time."""
    with suppress(OSError):
        write_atomic(_record_of(file), _digest(file))


def _is_ours(file: Path) -> bool:
    try:
        return _record_of(file).read_bytes() == _digest(file)
    except OSError:
        return False


def _record_of(file: Path) -> Path:
    return cache_dir() / FOLDER / key_of(str(file.absolute().parent.resolve() / file.name))


def _digest(file: Path) -> bytes:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest().encode()
