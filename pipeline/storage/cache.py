"""The cache: intermediate results in the user's cache folder, by a key of their inputs.

Each entry has a manifest: a JSON file that ends with its own checksum and holds those of the
entry's files. A damaged entry is made anew, with a warning.
"""

import hashlib
import json
import logging
import os
import shutil
import zlib
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from pipeline.errors import MendableError
from pipeline.messages import Text
from pipeline.storage.checksums import CheckedFiles, Checksums
from pipeline.storage.files import on_disk
from pipeline.storage.places import Folder
from pipeline.storage.vsis3 import is_vsis3, object_fingerprint
from pipeline.terms import Location

MOST_REMADE = 5  # damaged entries that one command makes anew; more mean a failing disk
log = logging.getLogger("daklaag.cache")
T = TypeVar("T")


def cache_dir() -> Path:
    """`$DAKLAAG_CACHE`, else `daklaag` in the user's cache folder. On a cluster, all workers must
    see it."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("DAKLAAG_CACHE") or home / "daklaag").absolute()


def key_of(*parts: Any) -> str:
    """The key of an entry that is made from these values of JSON: 32 hexadecimal digits."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def fingerprint(path: str) -> dict[str, Any]:
    """Path, size and time of a file: they differ when it was replaced. The file is not read."""
    if is_vsis3(path):
        return object_fingerprint(path)
    file = on_disk(path)
    status = file.stat()
    return {"path": str(file.resolve()), "size": status.st_size, "mtime_ns": status.st_mtime_ns}


def fingerprints(files: Iterable[str | Path]) -> str:
    """The fingerprints of files as one text."""
    return str([fingerprint(str(file)) for file in files])


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file by a rename: it is whole or not there, also with several writers."""
    Folder(path.parent).write(path.name, data)


def write_manifest(file: Path, values: Any) -> None:
    """Write a manifest atomically: values of JSON and, in the last line, their checksum."""
    text = json.dumps(values).encode()
    write_atomic(file, text + _last_line(text))


def read_manifest(file: Path) -> Any:
    """The values of a manifest; None if it is missing, or damaged, with a warning in the log."""
    try:
        content = file.read_bytes()
    except OSError:
        return None
    text = content.partition(b"\n")[0]
    if content != text + _last_line(text):
        log.warning(Text("{file} is damaged; it is made anew", file=file))
        return None
    return json.loads(text)


def _last_line(text: bytes) -> bytes:
    return f"\n{zlib.crc32(text):08x}\n".encode()


def cached_files(folder: Path, sums: Mapping[str, str], *manifests: Path) -> CheckedFiles:
    """The files of a cache folder, checked by the sums of its manifest. If one is damaged or
    missing, the folder and its manifests are removed, and MendableError is raised."""

    def remove(name: str, damage: str) -> MendableError:
        for manifest in manifests:
            manifest.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        return MendableError(
            Location(folder / name),
            "{source} {damage} in the cache and was removed",
            "the same command makes it anew",
            damage=damage,
        )

    return CheckedFiles(folder, {name: Checksums.parse(sums[name]) for name in sums}, remove)


def record_checksums(file: Path) -> None:
    """Record the checksums of a file that can be made anew, for `is_intact`."""
    write_manifest(_manifest_of(file), str(Checksums.read(file)))


def is_intact(file: Path) -> bool:
    """Whether a file exists and equals its recorded checksums, if there are any; a damaged one is
    logged. It is read once until it is replaced."""
    try:
        status = file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return _is_intact(file, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=256)
def _is_intact(file: Path, *mark: int) -> bool:
    recorded = read_manifest(_manifest_of(file))
    intact = recorded is None or Checksums.parse(recorded) == Checksums.read(file)
    if not intact:
        log.warning(Text("{file} is damaged; it is made anew", file=file))
    return intact


def _manifest_of(file: Path) -> Path:
    return cache_dir() / "seals" / f"{key_of(str(file.absolute()))}.json"


def retry_damaged(work: Callable[[], T]) -> T:
    """The result of `work`, which is repeated when it meets a damaged cache entry, with a warning.
    Raises MendableError after MOST_REMADE repetitions."""
    for _ in range(MOST_REMADE):
        try:
            return work()
        except MendableError as error:
            log.warning(error.text)
    return work()
