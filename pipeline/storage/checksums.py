"""Checksums of files: computed on writing, compared on reading.

The sums of a file are its size and the CRC-32 of each block, so a part of a large file is checked
without reading the rest. CRC-32 finds every flipped bit, and misses one of 4 billion other damages;
it takes 0.3 ns a byte.
"""

import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.errors import DamagedError, Stopped
from pipeline.messages import Text
from pipeline.storage.places import Place, storage_of

CHECK = "check"
LOOK_S = 0.1  # between two polls of the stop flag
MOST = 8 << 20  # bytes read at once
BLOCK = 1 << 17  # bytes; a nation's table of 2.5 GB has 20,000 blocks
MISSING, DAMAGED = Text("is missing"), Text("is damaged")

# Makes the exception for a file's name and MISSING or DAMAGED, which is its value `damage`.
Fault = Callable[[str, Text], DamagedError]


class Checksums(NamedTuple):
    """Size of a file [bytes], and the CRC-32 of each of its blocks of BLOCK bytes."""

    size: int
    blocks: tuple[int, ...]

    @classmethod
    def of(cls, data: bytes) -> "Checksums":
        """The checksums of a file's whole content."""
        return cls(len(data), _crcs(data))

    @classmethod
    def read(cls, file: Path) -> "Checksums":
        """The checksums of a file on disk, read in blocks."""
        with file.open("rb") as stream:
            blocks = [zlib.crc32(part) for part in iter(lambda: stream.read(BLOCK), b"")]
            return cls(stream.tell(), tuple(blocks))

    @classmethod
    def parse(cls, text: str) -> "Checksums":
        """Checksums from their text, as `str` gives it. Raises ValueError for any other text."""
        size, *blocks = text.split()
        return cls(int(size), tuple(int(block, 16) for block in blocks))

    def __str__(self) -> str:
        return " ".join([str(self.size), *(f"{block:08x}" for block in self.blocks)])


def _crcs(data: bytes | memoryview) -> tuple[int, ...]:
    view = memoryview(data)
    return tuple(zlib.crc32(view[i : i + BLOCK]) for i in range(0, len(view), BLOCK))


class ChecksumWriter(RawIOBase):
    """A writable stream that passes data on to another and computes their checksums."""

    def __init__(self, target: Any) -> None:
        self._target, self._size, self._crc = target, 0, 0
        self._blocks: list[int] = []

    @property
    def sums(self) -> Checksums:
        """The checksums of the data written so far."""
        last = (self._crc,) if self._size % BLOCK else ()
        return Checksums(self._size, (*self._blocks, *last))

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._size

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        self._target.write(view)
        done = 0
        while done < len(view):
            part = view[done : done + BLOCK - self._size % BLOCK]
            self._crc = zlib.crc32(part, self._crc)
            self._size += len(part)
            done += len(part)
            if self._size % BLOCK == 0:
                self._blocks.append(self._crc)
                self._crc = 0
        return len(view)


class _CheckedReader(RawIOBase):
    """A readable stream that compares every block with its checksum. damaged: called on a mismatch;
    raises."""

    def __init__(self, source: Any, sums: Checksums, damaged: Callable[[], None]) -> None:
        self._source, self._sums, self._damaged = source, sums, damaged
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = (0, self._at, self._sums.size)[whence] + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        room = memoryview(buffer).cast("B")
        end = min(self._at + len(room), self._sums.size)
        if end <= self._at:
            return 0
        first, last = self._at // BLOCK, -(-end // BLOCK)
        self._source.seek(first * BLOCK)
        data = memoryview(self._source.read(min(last * BLOCK, self._sums.size) - first * BLOCK))
        if _crcs(data) != self._sums.blocks[first:last]:
            self._damaged()
        part = data[self._at - first * BLOCK : end - first * BLOCK]
        room[: len(part)] = part
        self._at = end
        return len(part)


@dataclass(frozen=True)
class CheckedFiles:
    """Files below a place with the checksums they were written with, compared on every read. fault:
    makes the exception for a file that differs."""

    place: Place
    sums: Mapping[str, Checksums]
    fault: Fault

    def read(self, name: str) -> bytes:
        """A whole file. Raises what `fault` gives."""
        try:
            data = storage_of(self.place).read(name)
        except OSError as error:
            raise self._fault(name, error) from None
        if Checksums.of(data) != self.sums[name]:
            raise self.fault(name, DAMAGED)
        return data

    @contextmanager
    def reading(self, name: str) -> Iterator[Any]:
        """A stream of a file to read and seek, of which each block is checked as it is read. Raises
        what `fault` gives, on opening or on reading."""

        def damaged() -> None:
            raise self.fault(name, DAMAGED)

        with ExitStack() as stack:
            try:
                source = stack.enter_context(storage_of(self.place).reading(name))
            except OSError as error:
                raise self._fault(name, error) from None
            yield BufferedReader(_CheckedReader(source, self.sums[name], damaged), BLOCK)

    def missing(self) -> dict[str, Text]:
        """Files that are missing or of another size: MISSING or DAMAGED by name. Reads none."""
        sizes = storage_of(self.place).sizes(self.sums.keys())
        return {
            name: DAMAGED if name in sizes else MISSING
            for name, sums in self.sums.items()
            if sizes.get(name) != sums.size
        }

    def damage(
        self,
        progress: Callable[[str, int, int], None],
        stop: Callable[[], bool],
        threads: int,
    ) -> dict[str, Text]:
        """Read all files: MISSING or DAMAGED by name. progress: called with CHECK, files read and
        all files. Raises Stopped as soon as the flag is up."""
        damaged, names = self.missing(), list(self.sums)
        stop = _throttled(stop)
        progress(CHECK, 0, len(names))
        with ThreadPoolExecutor(threads) as pool:
            read = {pool.submit(self.verify, n, stop): n for n in names if n not in damaged}
            for done, future in enumerate(as_completed(read), len(damaged) + 1):
                try:
                    future.result()
                except DamagedError as error:
                    damaged[read[future]] = error.problem.values["damage"]
                progress(CHECK, done, len(names))
        return {name: damaged[name] for name in names if name in damaged}

    def verify(self, name: str, stop: Callable[[], bool]) -> None:
        """Read a whole file, a part at a time. Raises what `fault` gives, and Stopped."""
        with self.reading(name) as stream:
            while stream.read(MOST):
                if stop():
                    raise Stopped

    def _fault(self, name: str, error: OSError) -> DamagedError | OSError:
        absent = isinstance(error, (FileNotFoundError, NotADirectoryError, IsADirectoryError))
        return self.fault(name, MISSING) if absent else error


def _throttled(stop: Callable[[], bool]) -> Callable[[], bool]:
    """A stop flag that polls another at most every LOOK_S."""
    last = time.monotonic()

    def polled() -> bool:
        nonlocal last
        now = time.monotonic()
        if now - last < LOOK_S:
            return False
        last = now
        return stop()

    return polled
