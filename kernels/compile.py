"""Numba's options and the cache key, in one place.

Numba's own cache watches only the file a kernel stands in and would serve an old answer after an
edit in a callee of another file. So the folder's name carries a hash of every kernel source.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba

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


def kernel(function: F) -> F:
    """Compile `function` single-threaded, without the GIL, with IEEE arithmetic, cached on disk.

    `error_model="numpy"` drops the check for a division by zero, which blocks SIMD.
    """
    return _compiled(function)


def inlined(function: F) -> F:
    """A kernel that is always compiled into its caller: a call that hands on nouns of many arrays
    costs as much as the work on a tile."""
    return _compiled(function, forceinline=True)


def _compiled(function: F, **options: Any) -> F:
    usual = _SETTINGS.CACHE_DIR
    if _CACHE is not None:
        _SETTINGS.CACHE_DIR = str(_CACHE)
    try:
        compiled: Any = numba.njit(
            nogil=True, error_model="numpy", cache=_CACHE is not None, **options
        )(function)
        return compiled
    finally:
        _SETTINGS.CACHE_DIR = usual
