"""Many protocol buffer messages at once: rows of bytes in numpy, without a loop over rows."""

from functools import reduce
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

VARINT, DOUBLE, BYTES = 0, 1, 2  # wire types


class ByteRows(NamedTuple):
    """ByteRows of bytes, one after another, and the length of each."""

    data: NDArray[np.uint8]
    length: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.length)

    def grouped(self, number: NDArray[Any]) -> "ByteRows":
        """ByteRows joined in groups of the given numbers of consecutive rows."""
        ends = np.concatenate([[0], np.cumsum(self.length)])[np.cumsum(number)]
        return ByteRows(self.data, np.diff(ends, prepend=0))


def varints(values: NDArray[Any]) -> ByteRows:
    """Each whole number, not below 0, as a row."""
    left = np.asarray(values)
    width = max(1, -(-int(left.max(initial=0)).bit_length() // 7))
    left = left.astype(np.uint64 if width > 4 else np.uint32)
    data = np.empty((len(left), width), np.uint8)
    used = np.ones(data.shape, np.bool_)
    length = np.ones(len(left), np.int64)
    for i in range(width):
        data[:, i] = left & 0x7F
        left >>= 7
        if i + 1 < width:
            used[:, i + 1] = left != 0
            data[:, i] |= used[:, i + 1].view(np.uint8) << 7
            length += used[:, i + 1]
    return ByteRows(data[used], length)


def zigzag(values: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Whole numbers of either sign as ones that are not below 0."""
    return ((values << 1) ^ (values >> 63)).astype(np.uint64)


def same(row: bytes, number: int) -> ByteRows:
    """A row repeated `number` times."""
    return ByteRows(
        np.tile(np.frombuffer(row, np.uint8), number), np.full(number, len(row), np.int64)
    )


def doubles(values: NDArray[np.float64]) -> ByteRows:
    """Each as eight bytes."""
    data = np.ascontiguousarray(values, "<f8").view(np.uint8)
    return ByteRows(data, np.full(len(values), 8, np.int64))


def beside(*parts: ByteRows) -> ByteRows:
    """The rows of several, each beside those of the others."""
    length = reduce(np.add, (part.length for part in parts))
    data = np.empty(int(length.sum()), np.uint8)
    start = np.cumsum(length) - length
    for part in parts:
        shift = start - (np.cumsum(part.length) - part.length)
        data[np.arange(len(part.data)) + np.repeat(shift, part.length)] = part.data
        start = start + part.length
    return ByteRows(data, length)


def field(number: int, rows: ByteRows) -> ByteRows:
    """Each row as a field that tells its length."""
    return beside(same(_tag(number, BYTES), len(rows)), varints(rows.length), rows)


def message(number: int, content: bytes) -> bytes:
    """One field alone."""
    return _tag(number, BYTES) + varints(np.array([len(content)])).data.tobytes() + content


def numbers(number: int, values: NDArray[Any]) -> ByteRows:
    """Each number as a field."""
    return beside(same(_tag(number, VARINT), len(values)), varints(values))


def reals(number: int, values: NDArray[np.float64]) -> ByteRows:
    """Each double as a field."""
    return beside(same(_tag(number, DOUBLE), len(values)), doubles(values))


def texts(values: list[str]) -> ByteRows:
    """Each text as a row."""
    coded = [value.encode() for value in values]
    length = np.array([len(value) for value in coded], np.int64)
    return ByteRows(np.frombuffer(b"".join(coded), np.uint8), length)


def after(*parts: ByteRows) -> bytes:
    """The bytes of several, one after another."""
    return b"".join(part.data.tobytes() for part in parts)


def _tag(number: int, kind: int) -> bytes:
    return bytes([number << 3 | kind])
