"""Blocks decoded by ourselves hold what GDAL reads, for every kind of TIFF, and where they are
damaged GDAL's word counts."""

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray

from kernels.decode import DIFFERENCES, NONE, PLANES
from pipeline.errors import InputError
from pipeline.grid.windows import Window
from pipeline.heights import blocks, sheets
from pipeline.heights.rasters import gdal
from pipeline.heights.sheets import OpenSheet, Sheet, open_sheet
from pipeline.heights.tiles import tile_cache
from tests.support.s3 import Server, serving
from tests.support.sheets import FLOAT32_MAX, heights, write

ROWS, COLUMNS = 300, 270
METRES = heights(7, ROWS, COLUMNS)
METRES[20:200, 100:140] = np.nan
LAYOUTS: dict[str, dict[str, Any]] = {
    "tiles": {"tiled": True, "blockxsize": 128, "blockysize": 96},
    "one tile across": {"tiled": True, "blockxsize": 288, "blockysize": 16},
    "strips": {"tiled": False, "blockysize": 7},
    "rows": {"tiled": False, "blockysize": 1},
}
OURS = {"deflate", "zstd"}
KINDS = [
    (packed, predictor, kind)
    for packed in ("deflate", "zstd", "lzw", None)
    for kind in ("int16", "int32", "float32", "uint16", "float64")
    for predictor in (NONE, DIFFERENCES, PLANES)
    if (predictor < PLANES or kind.startswith("float")) and (packed or predictor == NONE)
]


def sheet_of(path: Path, kind: str, **profile: Any) -> Sheet:
    """The heights as a file of a kind: whole numbers are centimetres above -10 m."""
    how: dict[str, Any] = {"nodata": FLOAT32_MAX} | profile
    values, nodata = METRES, how["nodata"]
    if not kind.startswith("float"):
        nodata = 9999
        how |= {"nodata": nodata, "scale": 0.01, "offset": -10.0}
        values = np.rint(METRES * 100 + 1000)
    filled = np.where(np.isnan(METRES), np.float32(nodata), values).astype(kind)
    return open_sheet(str(write(path, filled, **how)), "DSM", None)


def read(sheet: Sheet, window: Window | None = None) -> NDArray[np.float32]:
    with gdal(), OpenSheet(sheet, tile_cache(0)) as opened:
        return opened.metres(window or sheet.window)


def is_ours(sheet: Sheet) -> bool:
    with gdal(), OpenSheet(sheet) as opened:
        return opened._blocks is not None


@pytest.fixture
def by_gdal(monkeypatch: pytest.MonkeyPatch) -> Callable[..., NDArray[np.float32]]:
    def read_so(*what: Any) -> NDArray[np.float32]:
        with monkeypatch.context() as patch:
            patch.setattr(sheets, "blocks_of", lambda *_: None)
            return read(*what)

    return read_so


@pytest.fixture
def small_blocks_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "LEAST", dict.fromkeys(blocks.LEAST, 0))


@pytest.mark.parametrize("large", [False, True], ids=["TIFF", "BigTIFF"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("packed", "predictor", "kind"), KINDS)
@pytest.mark.usefixtures("small_blocks_too")
def test_a_kind(
    tmp_path: Path, by_gdal: Any, packed: str, predictor: int, kind: str, layout: str, large: bool
) -> None:
    profile = LAYOUTS[layout] | {"compress": packed, "bigtiff": "YES" if large else "NO"}
    if predictor != NONE:
        profile["predictor"] = predictor
    sheet = sheet_of(tmp_path / "sheet.tif", kind, **profile)
    assert is_ours(sheet) == (packed in OURS and kind in blocks.PREDICTORS)
    assert np.allclose(read(sheet), METRES, atol=1e-6, equal_nan=True)
    whole = sheet.window
    for part in (whole, Window(whole.top + 60, whole.left + 120, 200, 149)):
        assert np.array_equal(read(sheet, part), by_gdal(sheet, part), equal_nan=True)


@pytest.mark.parametrize(
    ("how", "ours"),
    [
        ({"compress": "deflate"}, True),
        ({"compress": "deflate", "endianness": "big"}, False),
        ({"compress": "deflate", "nbits": 16, "nodata": np.nan}, False),
        ({"compress": "lerc_deflate"}, False),
        ({"compress": "zstd", "blockysize": 4}, False),
        ({"compress": "zstd", "blockysize": 150}, True),
        ({"compress": "deflate", "tiled": True, "blockxsize": 32, "blockysize": 16}, False),
    ],
)
def test_what_gdal_reads_as_fast_or_alone_is_left_to_it(
    tmp_path: Path, by_gdal: Any, how: dict[str, Any], ours: bool
) -> None:
    sheet = sheet_of(tmp_path / "sheet.tif", "float32", **how)
    assert is_ours(sheet) == ours
    assert np.array_equal(read(sheet), by_gdal(sheet), equal_nan=True)
    assert np.isnan(read(sheet)).sum() == np.isnan(METRES).sum()


def test_a_tile_that_was_left_out_has_no_data(tmp_path: Path, by_gdal: Any) -> None:
    values = np.full((256, 256), FLOAT32_MAX, np.float32)
    values[:64, :64] = METRES[200:264, :64]
    layout = {"tiled": True, "blockxsize": 64, "blockysize": 64, "sparse_ok": True}
    path = write(tmp_path / "sheet.tif", values, compress="deflate", **layout)
    sheet = open_sheet(str(path), "DSM", None)
    assert is_ours(sheet)
    found = read(sheet)
    assert np.isnan(found).sum() == 256**2 - 64**2
    assert np.array_equal(found, by_gdal(sheet), equal_nan=True)


def spans_of(path: Path) -> list[tuple[int, int]]:
    """Where the tiles of a file lie."""
    with rasterio.open(path) as file:
        rows, columns = file.block_shapes[0]
        places = [
            f"{j}_{i}"
            for i in range(-(-file.height // rows))
            for j in range(-(-file.width // columns))
        ]
        return [
            (
                int(file.get_tag_item(f"BLOCK_OFFSET_{place}", "TIFF", bidx=1)),
                int(file.get_tag_item(f"BLOCK_SIZE_{place}", "TIFF", bidx=1)),
            )
            for place in places
        ]


def scratched(path: Path) -> None:
    """A block that does not begin as a stream of deflate does."""
    first, _ = spans_of(path)[3]
    content = bytearray(path.read_bytes())
    content[first : first + 2] = bytes(2)
    path.write_bytes(content)


def shortened(path: Path) -> None:
    """A block whose bytes are few by the file's own table."""
    _, size = spans_of(path)[3]
    content = path.read_bytes()
    assert content.count(size.to_bytes(4, "little")) == 1
    path.write_bytes(content.replace(struct.pack("<I", size), struct.pack("<I", size // 3)))


def moved(path: Path) -> None:
    """A block that lies elsewhere, beyond the end."""
    first, _ = spans_of(path)[3]
    content = path.read_bytes()
    path.write_bytes(content.replace(struct.pack("<I", first), struct.pack("<I", 2**31)))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: spans_of(path)[3][0] + 10])


@pytest.mark.parametrize("damage", [scratched, shortened, moved, cut])
@pytest.mark.parametrize("predictor", [NONE, PLANES])
def test_damage_is_refused_in_the_words_of_gdal(
    tmp_path: Path, by_gdal: Any, damage: Callable[[Path], None], predictor: int
) -> None:
    layout = LAYOUTS["tiles"] | {"compress": "deflate", "predictor": predictor}
    sheet = sheet_of(tmp_path / "sheet.tif", "float32", **layout)
    damage(tmp_path / "sheet.tif")
    assert is_ours(sheet)
    with pytest.raises(InputError) as found:
        read(sheet)
    with pytest.raises(InputError) as expected:
        by_gdal(sheet)
    assert str(found.value) == str(expected.value)
    assert str(found.value).startswith("sheet.tif: rows 96 to 192 cannot be read (")
    assert "Fetch it again" in str(found.value)
    untouched = sheet.window._replace(height=96)
    assert np.array_equal(read(sheet, untouched), METRES[:96], equal_nan=True)


def test_only_an_infinite_value_that_is_read_is_refused(tmp_path: Path) -> None:
    values = METRES.copy()
    values[100, 200] = np.inf
    path = write(tmp_path / "sheet.tif", values, nodata=np.nan, compress="deflate", blockysize=50)
    sheet = open_sheet(str(path), "DSM", None)
    top, left = sheet.window[:2]
    beside = Window(top + 90, left + 201, 20, 20)
    assert np.array_equal(read(sheet, beside), METRES[90:110, 201:221], equal_nan=True)
    with pytest.raises(InputError, match="infinite value at row 100, column 200;"):
        read(sheet, Window(top + 90, left + 190, 20, 20))


def test_a_tile_is_decoded_once_while_its_file_stays(tmp_path: Path) -> None:
    sheet = sheet_of(tmp_path / "sheet.tif", "float32", compress="deflate", **LAYOUTS["tiles"])
    kept = tile_cache(4)

    def decoded() -> int:
        with gdal(), OpenSheet(sheet, kept) as opened:
            assert np.array_equal(opened.metres(sheet.window), METRES, equal_nan=True)
            opened.metres(sheet.window)
            return opened.decoded

    assert decoded() == sheet.window.size
    assert decoded() == 0
    sheet_of(tmp_path / "sheet.tif", "float32", compress="zstd", **LAYOUTS["tiles"])
    assert decoded() == sheet.window.size
    assert kept.nbytes == 2 * METRES.nbytes


@pytest.fixture
def s3() -> Iterator[Server]:
    with serving() as server:
        yield server


def test_of_an_object_the_ranges_of_the_tiles_are_asked_for(tmp_path: Path, s3: Server) -> None:
    layout = {"tiled": True, "blockxsize": 64, "blockysize": 64, "compress": "deflate"}
    values = np.random.default_rng(1).random((1024, 1024)).astype(np.float32)
    data = write(tmp_path / "sheet.tif", values, **layout).read_bytes()
    s3.objects["ahn/R_1.tif"] = data, s3.now()
    sheet = open_sheet("/vsis3/bucket/ahn/R_1.tif", "DSM", None)
    top, left = sheet.window[:2]
    s3.asked.clear()
    with gdal(), OpenSheet(sheet, tile_cache(0)) as opened:
        found = opened.metres(Window(top + 512, left + 512, 64, 128))
    assert opened._blocks is not None
    assert np.array_equal(found, values[512:576, 512:640])
    asked = [span.removeprefix("bytes=") for method, _, span in s3.asked if method == "GET"]
    spans = [(int(a), int(b) + 1) for a, _, b in (span.partition("-") for span in asked)]
    assert sum(end - first for first, end in spans) < len(data) / 8


def test_an_object_that_is_damaged_is_refused_as_a_file_is(tmp_path: Path, s3: Server) -> None:
    path = tmp_path / "sheet.tif"
    sheet_of(path, "float32", compress="deflate", **LAYOUTS["tiles"])
    scratched(path)
    s3.objects["ahn/R_1.tif"] = path.read_bytes(), s3.now()
    sheet = open_sheet("/vsis3/bucket/ahn/R_1.tif", "DSM", None)
    with pytest.raises(InputError, match=r"R_1.tif: rows 96 to 192 cannot be read \("):
        read(sheet)
