"""Numba's options and the cache key, in one place.

Numba's own cache watches only the file a kernel stands in and would serve an old answer after an
edit in a callee of another file. So the folder's name carries a hash of every kernel source. Nor
does numba see that a file is damaged, which ends in a crash; so ours end with a checksum.
"""

import hashlib
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.core import event
from numba.core.caching import IndexDataCacheFile

F = TypeVar("F", bound=Callable[..., Any])
_SETTINGS: Any = numba.config
COMPILED = not _SETTINGS.DISABLE_JIT


def _cache_folder() -> Path | None:
    """Folder of the compiled kernels, or None where none can be written."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    key = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    base = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    try:
        folder = Path(base) if base else Path.home() / ".cache"
        folder = folder / "daklaag" / f"kernels-{key}"
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        return None
    return folder if os.access(folder, os.W_OK) else None


_CACHE = _cache_folder()
_DIGEST = 16  # bytes
log = logging.getLogger("daklaag.kernels")


class _Checked(IndexDataCacheFile):
    """Numba's cache files of a kernel, each followed by a checksum. A damaged one counts as
    missing, so that the kernel is compiled again, with a warning."""

    def _load_index(self) -> Any:
        return super()._load_index() if _is_whole(Path(self._index_path)) else {}

    def _load_data(self, name: str) -> Any:
        path = Path(self._data_path(name))
        if not _is_whole(path):
            raise FileNotFoundError(path)
        return super()._load_data(name)

    @contextmanager
    def _open_for_write(self, filepath: str) -> Iterator[Any]:
        content = BytesIO()
        yield content
        data = content.getvalue()
        with super()._open_for_write(filepath) as stream:
            stream.write(data + _digest(data))


class _Compilations(event.Listener):
    """Counts what is compiled in this process, and so was not in the cache."""

    count = 0

    def on_start(self, event: Any) -> None:
        self.count += 1

    def on_end(self, event: Any) -> None:
        pass


_COMPILATIONS = _Compilations()
event.register("numba:compile", _COMPILATIONS)


def number_compiled() -> int:
    """How many kernels this process has compiled or is compiling."""
    return _COMPILATIONS.count


def _is_whole(path: Path) -> bool:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return False
    whole = content[-_DIGEST:] == _digest(content[:-_DIGEST])
    if not whole:
        log.warning("%s is damaged; the kernel is compiled again", path)
    return whole


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_DIGEST).digest()


def kernel(function: F) -> F:
    """Compile `function` single-threaded, without the GIL, with IEEE arithmetic, cached on disk.

    `error_model="numpy"` drops the check for a division by zero, which blocks SIMD.
    """
    return _compiled(function)


def inlined(function: F) -> F:
    """Compile `function`, which makes no array, into each caller: a call with NamedTuples of many
    arrays costs as much as the work on a tile. Nor are references to arrays counted in it, which
    took a third of the horizon's time."""
    return _compiled(function, forceinline=True, _nrt=False)


def _compiled(function: F, **options: Any) -> F:
    usual = _SETTINGS.CACHE_DIR
    if _CACHE is not None:
        _SETTINGS.CACHE_DIR = str(_CACHE)
    try:
        compiled: Any = numba.njit(
            nogil=True, error_model="numpy", cache=_CACHE is not None, **options
        )(function)
        if COMPILED and _CACHE is not None:
            cache, of = compiled._cache, compiled._cache._impl
            stamp = of.locator.get_source_stamp()
            cache._cache_file = _Checked(cache.cache_path, of.filename_base, stamp)
        return compiled
    finally:
        _SETTINGS.CACHE_DIR = usual
