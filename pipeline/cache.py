"""What is worth keeping between runs: below the user's cache, by what it was made from."""

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipeline.files import on_disk
from pipeline.storage import Folder
from pipeline.vsis3 import is_vsis3, object_stamp


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


def stamp(path: str) -> dict[str, Any]:
    """What tells whether a file is still the same, without reading it: where, how large, when
    written."""
    if is_vsis3(path):
        return object_stamp(path)
    file = on_disk(path)
    found = file.stat()
    return {"path": str(file.resolve()), "size": found.st_size, "mtime_ns": found.st_mtime_ns}


def stamps(files: Iterable[str | Path]) -> str:
    """What tells whether any of some files was replaced, likewise."""
    return str([stamp(str(file)) for file in files])


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that is either whole or not there; two that write the same do not meet."""
    Folder(path.parent).write(path.name, data)
