"""Coarse cells on disk: a zarr pyramid with an array a level, from 8 x 8 cells to tiles.

Written by hand, for it is small: of a sheet at 5 m, opening a store takes longer than decoding it.
Any reader of zarr v3 opens it. The tiles are one chunk as it is in memory, so that those of a
nation are read without opening a store at all.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numcodecs import Blosc, blosc
from numpy.typing import NDArray

from kernels.coarse import COARSE, Coarse, coarser
from pipeline.grid.windows import TILE, Window
from pipeline.storage.checksums import CheckedFiles, Checksums

STATISTICS = ("lowest", "highest", "total", "known")
LEVELS = (TILE // COARSE).bit_length()  # the last one holds the tiles; coarser ones follow from it
CHUNK = 512
blosc.use_threads = False  # they would put the parts of a chunk in another order each time
PACKED = Blosc(cname="lz4", clevel=1, shuffle=Blosc.SHUFFLE)  # 5 ns a coarse cell; zstd takes 19


def write_levels(folder: Path, coarse: Coarse) -> dict[str, Checksums]:
    """Write the pyramid of coarse cells of 8 x 8, whose totals fit in int32. Returns the checksums
    of its chunk files."""
    _describe(folder, node_type="group", attributes={"levels": LEVELS})
    sums = dict[str, Checksums]()
    for level in range(LEVELS):
        if level:
            coarse = coarser(coarse)
        values = np.stack([getattr(coarse, name) for name in STATISTICS], dtype="<i4")
        if level == LEVELS - 1:
            _describe_level(folder, coarse, level, values.shape, [])
            sums[tiles_file()] = _write(folder / tiles_file(), values.tobytes())
        else:
            chunk = (len(STATISTICS), CHUNK, CHUNK)
            _describe_level(folder, coarse, level, chunk, [_blosc()])
            for i in range(0, values.shape[1], CHUNK):
                for j in range(0, values.shape[2], CHUNK):
                    part = np.zeros(chunk, "<i4")
                    piece = values[:, i : i + CHUNK, j : j + CHUNK]
                    part[:, : piece.shape[1], : piece.shape[2]] = piece
                    name = f"{level}/c.0.{i // CHUNK}.{j // CHUNK}"
                    sums[name] = _write(folder / name, PACKED.encode(part))
    return sums


def _write(file: Path, data: bytes) -> Checksums:
    file.write_bytes(data)
    return Checksums.of(data)


def _describe(folder: Path, **metadata: Any) -> None:
    folder.mkdir()
    (folder / "zarr.json").write_text(json.dumps({"zarr_format": 3, **metadata}))


def _blosc() -> dict[str, Any]:
    how = {"cname": "lz4", "clevel": 1, "shuffle": "shuffle", "typesize": 4, "blocksize": 0}
    return {"name": "blosc", "configuration": how}


def _describe_level(
    folder: Path, coarse: Coarse, level: int, chunk: tuple[int, ...], packed: list[Any]
) -> None:
    _describe(
        folder / str(level),
        node_type="array",
        shape=[len(STATISTICS), *coarse.highest.shape],
        data_type="int32",
        chunk_grid={"name": "regular", "configuration": {"chunk_shape": chunk}},
        chunk_key_encoding={"name": "default", "configuration": {"separator": "."}},
        fill_value=0,
        codecs=[{"name": "bytes", "configuration": {"endian": "little"}}, *packed],
        dimension_names=["statistic", "y", "x"],
        attributes={
            "statistics": STATISTICS,
            "units": "cm; of known: cells",
            "cells": COARSE << level,
            "top": coarse.top,
            "left": coarse.left,
        },
    )


def tiles_file() -> str:
    """Name of the file with the coarsest level, which is written last."""
    return f"{LEVELS - 1}/c.0.0.0"


def is_whole(folder: Path, sums: Mapping[str, Checksums]) -> bool:
    """Whether a pyramid is complete: its last file has its size."""
    try:
        return (folder / tiles_file()).stat().st_size == sums[tiles_file()].size
    except OSError:
        return False


def read_tiles(files: CheckedFiles, frame: Window) -> NDArray[np.int32]:
    """Lowest and highest [cm] of the tiles of a frame: (2, rows, columns) int32."""
    values = np.frombuffer(files.read(tiles_file()), "<i4", 2 * frame.size)
    return values.reshape(2, frame.height, frame.width)


def read_level(files: CheckedFiles, level: int, frame: Window, part: Window) -> Coarse:
    """Part of a level of the pyramid. frame: all its coarse cells; part: those to read, in coarse
    cells of 8 << level cells a side."""
    rows, columns = frame.slices(part)
    out = np.empty((len(STATISTICS), part.height, part.width), np.int32)
    chunk = CHUNK if level < LEVELS - 1 else max(frame.height, frame.width)
    for i in range(rows.start // chunk, -(-rows.stop // chunk)):
        for j in range(columns.start // chunk, -(-columns.stop // chunk)):
            here = Window(frame.top + i * chunk, frame.left + j * chunk, chunk, chunk)
            both = here.intersect(part)
            values = _chunk(files.read(f"{level}/c.0.{i}.{j}"), level, frame)
            out[:, *part.slices(both)] = values[:, *here.slices(both)]
    lowest, highest, total, known = out
    wide = total.astype(np.int64), known.astype(np.int64)
    return Coarse(lowest, highest, *wide, part.top, part.left)


def _chunk(data: bytes, level: int, frame: Window) -> NDArray[np.int32]:
    if level == LEVELS - 1:
        return np.frombuffer(data, "<i4").reshape(-1, frame.height, frame.width)
    return np.frombuffer(PACKED.decode(data), "<i4").reshape(-1, CHUNK, CHUNK)
