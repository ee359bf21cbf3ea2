"""The limits of the machine: copy an array, on one core and on all; decode a sheet."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from bench.machine import ROOT, workers
from bench.scenes import RESOLUTION, city, ground
from bench.targets import seconds

CODECS = {
    "deflate": {"predictor": 3},
    "lzw": {"predictor": 3},
    "zstd": {"predictor": 3},
    "lerc": {"max_z_error": 0},
}
BAND = 1 << 24  # cells a thread copies: beyond any cache
FIRST_CALL = """
import numpy as np
from kernels.shadow import Grid, Sun, cast_shadow
from kernels.gradient import hillshade
height = np.zeros((9, 9), np.float32)
cast_shadow(height, [Sun(3.0, 0.2)], Grid(0.5, 8, 0))
hillshade(height, Sun(3.0, 0.2), 0.5)
"""


@pytest.mark.parametrize("threads", workers())
def bench_copy(paired: Callable[..., None], side: int, threads: int) -> None:
    """Every thread copies an array of its own: the memory's bandwidth."""
    source = city(side).ravel()[:BAND]
    targets = [np.zeros_like(source) for _ in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        paired(
            f"numpy copy, {threads} thread{'s' * (threads > 1)}",
            "limit",
            lambda: list(pool.map(np.copyto, targets, [source] * threads)),
            threads * source.size,
            touched=8,
        )


@pytest.mark.parametrize("kind", ["DSM", "DTM"])
@pytest.mark.parametrize("codec", CODECS)
def bench_decode(
    paired: Callable[..., None], side: int, tmp_path: Path, codec: str, kind: str
) -> None:
    """A float32 sheet in tiles of 512, lossless, to the millimetre, from the page cache."""
    height = city(side // 2) if kind == "DSM" else ground(side // 2)
    path = tmp_path / "sheet.tif"
    try:
        _write(path, np.round(height, 3), codec)
    except rasterio.errors.RasterioError:
        pytest.skip(f"this build of GDAL has no {codec}")
    paired(f"decode {kind}, {codec}", "limit", lambda: _read(path), height.size, rounds=7)


def _write(path: Path, height: np.ndarray, codec: str) -> None:
    rows, columns = height.shape
    with rasterio.open(
        path, "w", driver="GTiff", height=rows, width=columns, count=1, dtype="float32",
        crs="EPSG:28992", transform=Affine(RESOLUTION, 0, 0, 0, -RESOLUTION, 0),
        tiled=True, blockxsize=512, blockysize=512, compress=codec, **CODECS[codec],
    ) as sheet:  # fmt: skip
        sheet.write(height, 1)


def _read(path: Path) -> np.ndarray:
    with rasterio.open(path) as sheet:
        values: np.ndarray = sheet.read(1)
    return values


def bench_first_call(paired: Callable[..., None]) -> None:
    """A process of its own: Python, the imports, and a first call from a warm cache."""
    command = [sys.executable, "-c", FIRST_CALL]
    paired(
        "start, import and first call",
        "start",
        lambda: subprocess.run(command, check=True, cwd=ROOT),
        None,
        rounds=5,
        target=seconds(1)._asdict(),
    )
