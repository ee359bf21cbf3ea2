"""Blocks of a GeoTIFF decoded by ourselves, where that is faster than by GDAL.

GDAL tells where each block lies; libdeflate or ZSTD unpacks it (imagecodecs), and one compiled loop
makes heights of it (kernels/decode.py).
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
from imagecodecs import deflate_decode, zstd_decode
from numpy.typing import NDArray

from kernels.decode import DIFFERENCES, NONE, PLANES, Meaning, metres
from pipeline.errors import InputError
from pipeline.grid.windows import Window
from pipeline.storage.spans import ReadSpans, Span, span_reader

UNPACK: dict[str | None, Callable[..., Any]] = {"DEFLATE": deflate_decode, "ZSTD": zstd_decode}
LEAST = {"DEFLATE": 0, "ZSTD": 2**16}  # bytes of a block: each call of ZSTD's costs 11 us
PREDICTORS = {
    "int16": (NONE, DIFFERENCES),
    "int32": (NONE, DIFFERENCES),
    "float32": (NONE, DIFFERENCES, PLANES),
}
LITTLE_ENDIAN = b"II"


class Undecodable(Exception):
    """A block is damaged, or not as its file promises."""


class Blocks:
    """The blocks of an open TIFF; for one thread.

    A tile is one or more whole blocks, one below another, counted from the file's first cell.
    """

    def __init__(self, file: Any, read: ReadSpans) -> None:
        """file: of rasterio; read: spans of its bytes."""
        self._file, self._read = file, read
        self._shape: tuple[int, int] = file.block_shapes[0]
        self._kind = np.dtype(file.dtypes[0])
        structure = file.tags(ns="IMAGE_STRUCTURE")
        self._predictor = int(structure.get("PREDICTOR", NONE))
        self._unpack = UNPACK[structure["COMPRESSION"]]
        self._room = np.empty(_bytes_of_block(file), np.uint8)

    def fetch(self, tiles: Sequence[Window]) -> dict[Window, list[bytes]]:
        """The compressed blocks of each tile, from top to bottom; tiles of which a block is left
        out, or cannot be had, are missing."""
        spans = {tile: self._spans(tile) for tile in tiles}
        whole = {tile: found for tile, found in spans.items() if all(size for _, size in found)}
        try:
            data = iter(self._read([span for found in whole.values() for span in found]))
        except (OSError, InputError):
            return {}
        return {tile: [next(data) for _ in found] for tile, found in whole.items()}

    def _spans(self, tile: Window) -> list[Span]:
        rows, columns = self._shape
        column = tile.left // columns
        return [self._span(row, column) for row in range(tile.top // rows, -(-tile.bottom // rows))]

    def _span(self, row: int, column: int) -> Span:
        """Where a block lies; of no bytes if it is left out, or of more than it could have."""
        first, size = (
            int(self._file.get_tag_item(f"BLOCK_{name}_{column}_{row}", "TIFF", bidx=1) or 0)
            for name in ("OFFSET", "SIZE")
        )
        return first, size if size <= 2 * len(self._room) else 0

    def decode(self, data: Sequence[bytes], meaning: Meaning, out: NDArray[np.float32]) -> bool:
        """Write the heights of a tile into `out`, (rows, columns) float32 [m], NaN without data.
        Returns whether all others are finite.

        data: its compressed blocks. Raises Undecodable for a damaged one.
        """
        finite, rows = True, self._shape[0]
        for i, packed in enumerate(data):
            part = out[i * rows : (i + 1) * rows]
            finite &= metres(self._stored(packed, len(part)), meaning, part, self._predictor)
        return finite

    def _stored(self, packed: bytes, rows: int) -> NDArray[Any]:
        """Values of a block as the predictor left them: at least so many rows."""
        try:
            size = len(self._unpack(packed, out=self._room))
        except RuntimeError as error:  # of which imagecodecs' errors are
            raise Undecodable from error
        if size < rows * len(self._room) // self._shape[0]:
            raise Undecodable
        return self._room.view(self._kind).reshape(self._shape)


def blocks_of(file: Any, path: str, tile: tuple[int, int], stack: ExitStack) -> Blocks | None:
    """The blocks of an open raster; None for a file that GDAL decodes as fast, or alone can read.

    tile: rows and columns of its tiles; stack: closes what is opened besides.
    """
    rows, columns = file.block_shapes[0]
    if tile[0] % rows or tile[1] != columns or not _is_ours(file):
        return None
    try:
        read = stack.enter_context(span_reader(path))
        (start,) = read([(0, len(LITTLE_ENDIAN))])
    except (OSError, InputError):
        return None
    return Blocks(file, read) if start == LITTLE_ENDIAN else None


def _is_ours(file: Any) -> bool:
    structure = file.tags(ns="IMAGE_STRUCTURE")
    packed = structure.get("COMPRESSION")
    return (
        file.driver == "GTiff"
        and packed in UNPACK
        and _bytes_of_block(file) >= LEAST[packed]
        and int(structure.get("PREDICTOR", NONE)) in PREDICTORS.get(file.dtypes[0], ())
        and "NBITS" not in file.tags(1, ns="IMAGE_STRUCTURE")
    )


def _bytes_of_block(file: Any) -> int:
    rows, columns = file.block_shapes[0]
    return int(rows * columns * np.dtype(file.dtypes[0]).itemsize)
