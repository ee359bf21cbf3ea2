"""Spans of bytes of a file, or of an object by range requests."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from pipeline.storage.objects import S3, client_of, faults
from pipeline.storage.vsis3 import VSIS3, is_vsis3

Span = tuple[int, int]  # first byte, number of bytes
ReadSpans = Callable[[Sequence[Span]], list[bytes]]


@contextmanager
def span_reader(path: str) -> Iterator[ReadSpans]:
    """What reads spans of a file, or of the object behind a path of /vsis3/; those of an object are
    asked for at once. Where the file ends, so does a span.

    Raises OSError for what is not there, InputError for what the object storage refuses.
    """
    if is_vsis3(path):
        yield _of_object(path)
        return
    with open(path, "rb", buffering=0) as file:
        yield lambda spans: [os.pread(file.fileno(), size, first) for first, size in spans]


def _of_object(path: str) -> ReadSpans:
    bucket, _, key = path.removeprefix(VSIS3).partition("/")
    url = f"{S3}{bucket}"

    def read(spans: Sequence[Span]) -> list[bytes]:
        import obstore

        with faults(url, key):
            starts, ends = [first for first, _ in spans], [first + size for first, size in spans]
            return [
                bytes(part)
                for part in obstore.get_ranges(client_of(url), key, starts=starts, ends=ends)
            ]

    return read
