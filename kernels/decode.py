"""Heights from the values that a raster file stores: the predictor of TIFF undone, nodata to NaN,
scale and offset, in one pass over a block.

Predictors: TIFF 6.0, section 14, and Adobe Photoshop TIFF Technical Note 3 for floating point.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.check import INFINITE, UNKNOWN, clear_row
from kernels.compile import kernel

NONE, DIFFERENCES, PLANES = 1, 2, 3  # the predictors, as TIFF numbers them


class Meaning(NamedTuple):
    """How stored values become metres: value x scale + offset, computed in double. nodata: the
    stored value of cells without data; NaN if there is none."""

    scale: float
    offset: float
    nodata: float


@kernel
def _metres_row(values, meaning, out):  # type: ignore[no-untyped-def]
    infinite = False
    for j in range(len(out)):
        stored = np.float64(values[j])
        height = np.float32(stored * meaning.scale + meaning.offset)
        out[j] = height if stored != meaning.nodata else UNKNOWN
        infinite |= np.abs(out[j]) == INFINITE
    return infinite


@kernel
def _metres(values, meaning, out):  # type: ignore[no-untyped-def]
    infinite = False
    for i in range(len(out)):
        infinite |= _metres_row(values[i], meaning, out[i])
    return infinite


@kernel
def _finish_row(row, meaning, plain):  # type: ignore[no-untyped-def]
    """A row of stored float32 becomes metres in place; plain: they are metres already."""
    if plain:
        return clear_row(row, np.float32(meaning.nodata))
    return _metres_row(row, meaning, row)


@kernel
def _floats(values, meaning, plain, out):  # type: ignore[no-untyped-def]
    infinite = False
    for i in range(len(out)):
        out[i] = values[i, : out.shape[1]]
        infinite |= _finish_row(out[i], meaning, plain)
    return infinite


@kernel
def _sum_row(differences, out):  # type: ignore[no-untyped-def]
    value = differences[0]
    out[0] = value
    for j in range(1, len(out)):
        value = out.dtype.type(value + differences[j])
        out[j] = value


@kernel
def _integers_of_differences(values, line, meaning, out):  # type: ignore[no-untyped-def]
    infinite = False
    for i in range(len(out)):
        _sum_row(values[i], line)
        infinite |= _metres_row(line, meaning, out[i])
    return infinite


@kernel
def _floats_of_differences(words, meaning, plain, out_words, out):  # type: ignore[no-untyped-def]
    infinite = False
    for i in range(len(out)):
        _sum_row(words[i], out_words[i])
        infinite |= _finish_row(out[i], meaning, plain)
    return infinite


@kernel
def _join_row(planes, out):  # type: ignore[no-untyped-def]
    """The bytes of one significance lie together, the highest first, each as its difference from
    the byte before: one sum along the row. As four sums side by side, the later ones from where
    the planes before end, no chain of additions bounds it."""
    width = len(planes) // 4
    first, second = planes[:width], planes[width : 2 * width]
    third, fourth = planes[2 * width : 3 * width], planes[3 * width :]
    a, b, c, d = np.uint8(0), np.uint8(0), np.uint8(0), np.uint8(0)
    for j in range(width):
        b, c, d = np.uint8(b + first[j]), np.uint8(c + second[j]), np.uint8(d + third[j])
    c = np.uint8(b + c)
    d = np.uint8(c + d)
    for j in range(len(out)):
        a, b = np.uint8(a + first[j]), np.uint8(b + second[j])
        c, d = np.uint8(c + third[j]), np.uint8(d + fourth[j])
        high = np.uint32(a) << np.uint32(24) | np.uint32(b) << np.uint32(16)
        out[j] = high | np.uint32(c) << np.uint32(8) | np.uint32(d)


@kernel
def _floats_of_planes(planes, meaning, plain, out_words, out):  # type: ignore[no-untyped-def]
    infinite = False
    for i in range(len(out)):
        _join_row(planes[i], out_words[i])
        infinite |= _finish_row(out[i], meaning, plain)
    return infinite


def metres(
    values: NDArray[Any], meaning: Meaning, out: NDArray[np.float32], predictor: int = NONE
) -> bool:
    """Write stored values as heights [m], NaN without data. Returns whether all others are finite.

    values: (rows, columns) of any real type; with DIFFERENCES int16, int32 or float32, with PLANES
    float32 too, whose bytes the predictor has moved. out: (rows, columns) float32, C-contiguous,
    which may have fewer of both.
    """
    plain = meaning[:2] == (1.0, 0.0)
    if values.dtype != np.float32:
        if predictor == DIFFERENCES:
            line = np.empty(out.shape[1], values.dtype)
            return not _integers_of_differences(values, line, meaning, out)
        return not _metres(values, meaning, out)
    words = out.view(np.uint32)
    if predictor == DIFFERENCES:
        return not _floats_of_differences(values.view(np.uint32), meaning, plain, words, out)
    if predictor == PLANES:
        return not _floats_of_planes(values.view(np.uint8), meaning, plain, words, out)
    return not _floats(values, meaning, plain, out)
