"""A zarr store that checks each file of a finished run when it is first read."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

from zarr.storage import WrapperStore

from pipeline.storage.checksums import CheckedFiles


class CheckedStore(WrapperStore[Any]):
    """A wrapper of a store: the first read of a file compares all of it with its checksums. Raises
    what `files` raises, also for a missing file. below: the store's folder in `files`."""

    def __init__(self, store: Any, files: CheckedFiles, below: str) -> None:
        super().__init__(store)
        self._files, self._below = files, below
        self._sound: set[str] = set()

    _supports_sync_io = False  # zarr from 3.2 on would read past these methods

    def _with_store(self, store: Any) -> "CheckedStore":
        return CheckedStore(store, self._files, self._below)

    async def _check(self, key: str) -> None:
        name = f"{self._below}/{key}"
        if name in self._files.sums and name not in self._sound:
            await asyncio.to_thread(self._files.read, name)
            self._sound.add(name)

    async def get(self, key: str, *how: Any, **options: Any) -> Any:
        """The content of a file, or of a part of it."""
        await self._check(key)
        return await super().get(key, *how, **options)

    async def get_partial_values(self, prototype: Any, key_ranges: Iterable[Any]) -> list[Any]:
        """The contents of parts of files."""
        ranges = list(key_ranges)
        for key, _ in ranges:
            await self._check(key)
        return await super().get_partial_values(prototype, ranges)

    async def get_ranges(self, key: str, *how: Any, **options: Any) -> AsyncIterator[Any]:
        """The contents of parts of a file; for zarr 3.2 and later."""
        await self._check(key)
        whole: Any = super()
        async for group in whole.get_ranges(key, *how, **options):
            yield group
