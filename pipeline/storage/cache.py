"""What is worth keeping between runs: below the user's cache, by what it was made from.

Of each kind there is a card, a file of JSON that ends with its own checksum and holds those of the
files that belong to it. What is damaged is made anew, with a warning.
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
from pipeline.storage.vsis3 import is_vsis3, object_stamp

MOST_REMADE = 5  # damages that one command mends; more are a disk that fails
log = logging.getLogger("daklaag.cache")
T = TypeVar("T")


def cache_dir() -> Path:
    """`$DAKLAAG_CACHE`, else `daklaag` in the user's cache folder. On a cluster, all workers must
    see it."""
    given = os.environ.get("DAKLAAG_CACHE")
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return (Path(given) if given else Path(home) / "daklaag").absolute()


def key_of(*parts: Any) -> str:
    """A name for what is made from these values of JSON: 32 hexadecimal digits."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def fingerprint(path: str) -> dict[str, Any]:
    """What tells whether a file is still the same, without reading it: where, how large, when
    written."""
    if is_vsis3(path):
        return object_stamp(path)
    file = on_disk(path)
    found = file.stat()
    return {"path": str(file.resolve()), "size": found.st_size, "mtime_ns": found.st_mtime_ns}


def fingerprints(files: Iterable[str | Path]) -> str:
    """What tells whether any of some files was replaced, likewise."""
    return str([fingerprint(str(file)) for file in files])


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file that is either whole or not there; two that write the same do not meet."""
    Folder(path.parent).write(path.name, data)


def write_manifest(file: Path, said: Any) -> None:
    """Write a card, whole: values of JSON and, in the last line, their checksum."""
    text = json.dumps(said).encode()
    write_atomic(file, text + _last_line(text))


def read_manifest(file: Path) -> Any:
    """A card's values; None if it is not there, or damaged, of which a warning is logged."""
    try:
        content = file.read_bytes()
    except OSError:
        return None
    text = content.partition(b"\n")[0]
    if content != text + _last_line(text):
        log.warning(Text("{file} is damaged; what it told is found out anew", file=file))
        return None
    return json.loads(text)


def _last_line(text: bytes) -> bytes:
    return f"\n{zlib.crc32(text):08x}\n".encode()


def cached_files(folder: Path, sums: Mapping[str, str], *cards: Path) -> CheckedFiles:
    """The files of a folder in the cache by the sums that its card tells. If one is damaged or
    missing, the folder and the cards are removed, and MendableError is raised."""

    def damaged(name: str, what: str) -> MendableError:
        for card in cards:
            card.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        return MendableError(
            "{file} {what} in the cache and was removed; the same command makes it anew",
            file=folder / name,
            what=what,
        )

    return CheckedFiles(
        folder, {name: Checksums.parse(text) for name, text in sums.items()}, damaged
    )


def record_checksums(file: Path) -> None:
    """Keep the sums of a file that is made elsewhere, and can be made anew."""
    write_manifest(_manifest_of(file), str(Checksums.read(file)))


def is_intact(file: Path) -> bool:
    """Whether such a file is there, and as it was sealed if it was; of one that is damaged a
    warning is logged. Once read through, it is taken to stay so until it is replaced."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return False
    return _is_intact(file, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=256)
def _is_intact(file: Path, *mark: int) -> bool:
    told = read_manifest(_manifest_of(file))
    sealed = told is None or Checksums.parse(told) == Checksums.read(file)
    if not sealed:
        log.warning(Text("{file} is damaged; it is made anew", file=file))
    return sealed


def _manifest_of(file: Path) -> Path:
    return cache_dir() / "seals" / f"{key_of(str(file.absolute()))}.json"


def retry_damaged(work: Callable[[], T]) -> T:
    """What the work gives, which is done again where it met damage in the cache, with a warning.
    Raises MendableError where that does not end."""
    for _ in range(MOST_REMADE):
        try:
            return work()
        except MendableError as error:
            log.warning(error.text)
    return work()
