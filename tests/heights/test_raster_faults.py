"""What is wrong with a raster: one line that names the file, the place and the remedy."""

import struct
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from rasterio import Affine

from pipeline.errors import InputError
from pipeline.heights.mosaics import open_mosaic
from pipeline.heights.pair import check_pair
from pipeline.heights.relief import check_any_data
from tests.support.runs import World
from tests.support.sheets import FLOAT32_MAX, PLACE, east_of, heights, surveyed, write, write_vrt

Paths = Path | list[Path]
GROUND = heights()


def check(
    dsm: Paths, dtm: Paths, *, allow: Iterable[str] = (), nodata: float | None = None
) -> None:
    """All that a run looks at in its rasters, without one."""
    mosaics = [
        open_mosaic([str(s) for s in ([paths] if isinstance(paths, Path) else paths)], kind, nodata,
                    frozenset(allow))
        for paths, kind in ((dsm, "DSM"), (dtm, "DTM"))
    ]  # fmt: skip
    check_pair(*mosaics, frozenset(allow))
    for mosaic in mosaics:
        check_any_data(mosaic, [surveyed(sheet) for sheet in mosaic.sheets])


def refused(dsm: Paths, dtm: Paths, *, names: Iterable[str], **options: Any) -> None:
    with pytest.raises(InputError) as fault:
        check(dsm, dtm, **options)
    said = str(fault.value)
    assert "\n" not in said
    assert not [name for name in names if name not in said], said


@pytest.fixture
def dtm(tmp_path: Path) -> Path:
    return write(tmp_path / "M_1.tif", GROUND)


def broken(content: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / "R_1.tif").write_bytes(content)
        return folder / "R_1.tif"

    return make


def cut(folder: Path, **profile: Any) -> Path:
    path = write(folder / "R_1.tif", heights(1, 300, 300), **profile)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def archive(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "R_1.zip", "w") as packed:
        packed.writestr("readme.txt", "nothing here")
    return folder / "R_1.zip"


def damaged_zip(folder: Path) -> Path:
    (folder / "R_1.zip").write_bytes(b"PK\3\4 and no more")
    return folder / "R_1.zip"


def vrt_of_nothing(folder: Path) -> Path:
    return write_vrt(folder / "all.vrt", ["gone.tif"])


def half_a_vrt(folder: Path) -> Path:
    (folder / "half.vrt").write_text("<VRTDataset")
    return folder / "half.vrt"


def index(column: str, *locations: Any) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        boxes = [shapely.box(0, 0, 1, 1)] * len(locations)
        table = gpd.GeoDataFrame({column: list(locations)}, geometry=boxes, crs=28992)
        table.to_file(folder / "index.gpkg")
        return folder / "index.gpkg"

    return make


def no_index(folder: Path) -> Path:
    (folder / "index.gpkg").write_bytes(b"SQLite format 3\0")
    return folder / "index.gpkg"


FILES: dict[str, tuple[Callable[[Path], Path], list[str]]] = {
    "missing": (lambda f: f / "R_9.tif", ["R_9.tif", "does not exist", "check the path"]),
    "empty": (broken(b""), ["R_1.tif", "not a raster", "give a GeoTIFF"]),
    "text": (broken(b"hello"), ["R_1.tif", "not a raster", "give a GeoTIFF"]),
    "only a head": (broken(b"II*\0\x08\0\0\0"), ["R_1.tif", "not a raster", "give a GeoTIFF"]),
    "cut off": (cut, ["R_1.tif", "rows 0 to", "cut off?", "Fetch it again"]),
    "cut off before its head": (
        lambda f: cut(f, tags={"a": "b"}), ["R_1.tif", "not a raster", "fetch it again"]
    ),
    "an empty folder": (lambda f: f.mkdir(exist_ok=True) or f, ["DSM: no .tif", "check the path"]),
    "a glob of nothing": (lambda f: f / "*.nothing", ["DSM: no .tif", "*.nothing", "check"]),
    "a zip of nothing": (archive, ["DSM: no .tif", "R_1.zip", "check the path"]),
    "a damaged zip": (damaged_zip, ["R_1.zip", "not a zip", "fetch it again"]),
    "a vrt of nothing": (vrt_of_nothing, ["all.vrt", "gone.tif", "Fetch it again"]),
    "half a vrt": (half_a_vrt, ["half.vrt", "not a raster", "give a GeoTIFF"]),
    "an index of nothing": (index("location", "gone.tif"), ["index.gpkg", "gone.tif", "make"]),
    "an index with a null": (index("location", None), ["index.gpkg", "gdaltindex"]),
    "an index without locations": (index("name", "x"), ["index.gpkg", "`location`", "gdaltindex"]),
    "an index that is none": (no_index, ["index.gpkg", "tile index", "gdaltindex"]),
}  # fmt: skip


@pytest.mark.parametrize("fault", FILES)
def test_a_file(tmp_path: Path, fault: str, dtm: Path) -> None:
    make, names = FILES[fault]
    own = tmp_path / "own"
    own.mkdir()
    refused(make(own), dtm, names=names)


HALF = Affine(0.5, 0, 121_000, 0, -0.5, 487_100)
GRIDS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "lon/lat": ({"crs": "EPSG:4326"}, ["its CRS is WGS 84", "gdalwarp -t_srs EPSG:28992"]),
    "RD Old": ({"crs": "EPSG:28991"}, ["RD Old", "gdalwarp -t_srs EPSG:28992"]),
    "Belgian": ({"crs": "EPSG:31370"}, ["Belg", "gdalwarp -t_srs EPSG:28992"]),
    "no CRS": ({"crs": None}, ["no georeference", "give the sheet as published"]),
    "another resolution": ({"transform": HALF}, ["0.5 m", "M_1.tif", "one resolution"]),
    "no divisor": (
        {"transform": Affine(3, 0, 121_002, 0, -3, 487_101)}, ["3 m", "10240 m", "resample to 0.5"]
    ),
    "beside the grid": (
        {"transform": Affine(1, 0, 121_000.25, 0, -1, 487_099.9)},
        ["0.25 m east", "-0.1 m north", "gdalwarp -tap"],
    ),
    "rotated": ({"transform": PLACE @ Affine.rotation(10)}, ["rotated", "0.984808", "warp it"]),
    "south up": (
        {"transform": Affine(1, 0, 121_000, 0, 1, 487_080)}, ["flipped", "(1, 0, 0, 1)", "warp it"]
    ),
    "long cells": ({"transform": Affine(1, 0, 121_000, 0, -2, 487_100)}, ["unequal", "warp it"]),
    "elsewhere": ({"transform": east_of(PLACE, 9999)}, ["M_1.tif", "no ground in common", "give"]),
}  # fmt: skip


@pytest.mark.parametrize("fault", GRIDS)
def test_a_grid(tmp_path: Path, fault: str, dtm: Path) -> None:
    how, names = GRIDS[fault]
    refused(write(tmp_path / "R_1.tif", GROUND, **how), dtm, names=["R_1.tif", *names])


def at(row: int, column: int, value: float) -> np.ndarray:
    values = GROUND.copy()
    values[row, column] = value
    return values


VALUES: dict[str, tuple[np.ndarray, dict[str, Any], list[str]]] = {
    "infinite": (at(3, 4, np.inf), {}, ["infinite", "row 3, column 4", "nodata or repair"]),
    "minus infinite": (at(19, 0, -np.inf), {}, ["infinite", "row 19, column 0", "repair"]),
    "no data anywhere": (
        np.full((20, 30), np.nan, np.float32), {}, ["DSM", "no cell has data", "check"]
    ),
    "all nodata": (np.full((20, 30), -9999, np.int16), {"nodata": -9999}, ["no cell has data"]),
    "undeclared centimetres": (GROUND * 100, {}, ["from -500", "centimetres", "nodata VALUE"]),
    "undeclared nodata": (at(1, 1, -9999), {}, ["from -9999", "not of the", "nodata VALUE"]),
    "feet": (GROUND, {"unit": "foot"}, ["'foot'", "give metres or centimetres"]),
    "three bands": (np.zeros((3, 20, 30), np.uint8), {"nodata": None}, ["3 band(s)", "-b 1"]),
    "bytes": (np.full((20, 30), 7, np.uint8), {"nodata": 0}, ["8 bits", "int16 or float32"]),
    "signed bytes": (np.full((20, 30), 7, np.int8), {"nodata": 0}, ["8 bits", "int16 or float32"]),
    "complex": (GROUND.astype(np.complex64), {"nodata": None}, ["complex64", "give one band"]),
}  # fmt: skip


@pytest.mark.parametrize("fault", VALUES)
def test_a_value(tmp_path: Path, fault: str, dtm: Path) -> None:
    values, how, names = VALUES[fault]
    sheet = write(tmp_path / "R_1.tif", values, **how)
    refused(sheet, dtm, names=["R_1.tif", *names])
    if values.ndim == 2:
        refused(dtm, sheet, names=["R_1.tif", *(name.replace("DSM", "DTM") for name in names)])


def test_a_palette(tmp_path: Path, dtm: Path) -> None:
    """Its values are numbers of colours."""
    sheet = write(tmp_path / "R_1.tif", np.full((20, 30), 7, np.uint16), nodata=None)
    with rasterio.open(sheet, "r+") as file:
        file.write_colormap(1, {7: (255, 0, 0, 255)})
    refused(sheet, dtm, names=["R_1.tif", "palette", "give heights, as int16 or float32"])


@pytest.mark.parametrize("large", [False, True], ids=["TIFF", "BigTIFF"])
@pytest.mark.parametrize("squeezed", [None, "deflate"])
@pytest.mark.parametrize("tiled", [False, True])
@pytest.mark.parametrize("tag", [256, 257], ids=["width", "height"])
@pytest.mark.parametrize("side", [600, 1_000_000, 2**31 - 1])
def test_a_file_that_lies_about_its_size(
    tmp_path: Path, dtm: Path, side: int, tag: int, tiled: bool, squeezed: str | None, large: bool
) -> None:
    """GDAL reads tiles that are not there as zeros, which would be heights."""
    sheet = write(
        tmp_path / "R_1.tif", heights(1, 512, 512), compress=squeezed, tiled=tiled,
        blockxsize=256, blockysize=256 if tiled else 1, bigtiff="YES" if large else "NO",
    )  # fmt: skip
    promise(sheet, tag, side)
    refused(sheet, dtm, names=["R_1.tif", "damaged", "etch it again"])


def promise(sheet: Path, tag: int, side: int) -> None:
    """Write another width (tag 256) or height (257) into the header of a little-endian TIFF."""
    content = bytearray(sheet.read_bytes())
    large = content[2] == 43
    at, count, entry = (8, "Q", "<HHQQ") if large else (4, "H", "<HHII")
    (start,) = struct.unpack_from("<Q" if large else "<I", content, at)
    (entries,) = struct.unpack_from(f"<{count}", content, start)
    for i in range(entries):
        place = start + struct.calcsize(f"<{count}") + i * struct.calcsize(entry)
        if struct.unpack_from("<H", content, place)[0] == tag:
            struct.pack_into(entry, content, place, tag, 4, 1, side)
    sheet.write_bytes(content)


def test_a_sheet_with_tiles_that_were_left_out_is_read(tmp_path: Path, dtm: Path) -> None:
    """GDAL leaves out what has no data, and tells so in the list of tiles."""
    values = np.full((512, 512), FLOAT32_MAX, np.float32)
    values[:20, :30] = GROUND
    tiles = {"tiled": True, "blockxsize": 256, "blockysize": 256, "sparse_ok": True}
    sheet = write(tmp_path / "R_1.tif", values, **tiles)
    assert sheet.stat().st_size < values.nbytes / 2
    check(sheet, dtm)


def test_holes_in_a_mask(tmp_path: Path, dtm: Path) -> None:
    """They would be read as heights."""
    sheet = write(tmp_path / "R_1.tif", GROUND, nodata=None)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(sheet, "r+") as file:
        file.write_mask(GROUND > 0)
    refused(sheet, dtm, names=["R_1.tif", "mask", "gdalwarp -dstnodata"])


def test_the_remedy_of_an_undeclared_nodata_helps(tmp_path: Path, dtm: Path) -> None:
    check(write(tmp_path / "R_1.tif", at(1, 1, -9999), nodata=None), dtm, nodata=-9999)
    check(write(tmp_path / "R_2.tif", at(1, 1, np.inf), nodata=None), dtm, nodata=np.inf)


def test_sheets_that_overlap_and_disagree(tmp_path: Path, dtm: Path) -> None:
    a = write(tmp_path / "a.tif", GROUND)
    b = write(tmp_path / "b.tif", at(3, 2, 40.0), PLACE)
    place = ["a.tif and b.tif", "121002, 487097", "40 m", "give one of them"]
    refused([a, b], dtm, names=place)


def test_sheets_of_two_resolutions(tmp_path: Path, dtm: Path) -> None:
    coarse = write(tmp_path / "coarse.tif", GROUND, Affine(2, 0, 121_030, 0, -2, 487_100))
    refused([dtm, coarse], dtm, names=["coarse.tif", "2 m", "M_1.tif", "sheets of one"])


@pytest.mark.parametrize("down", [False, True])
def test_a_sheet_missing_in_the_middle(tmp_path: Path, dtm: Path, down: bool) -> None:
    far = PLACE @ Affine.translation(*((0, 40) if down else (60, 0)))
    sheets = [write(tmp_path / "R_1.tif", GROUND), write(tmp_path / "R_3.tif", GROUND, far)]
    place = "121000,487060,121030,487080" if down else "121030,487080,121060,487100"
    names = ["DSM: 1 sheet(s) missing", "R_1.tif", "R_3.tif", place, "allow gaps"]
    refused(sheets, dtm, names=names)
    check(sheets, dtm, allow=["gaps"])


def test_mixed_versions(tmp_path: Path) -> None:
    old, new = write(tmp_path / "AHN2_r.tif", GROUND), write(tmp_path / "AHN4_m.tif", GROUND)
    refused(old, new, names=["AHN2 (AHN2_r.tif)", "AHN4 (AHN4_m.tif)", "allow versions"])
    check(old, new, allow=["versions"])
    check(old, write(tmp_path / "unknown.tif", GROUND))


def test_what_only_reading_tells_leaves_nothing(tmp_path: Path) -> None:
    """After the repair the same command runs, as if it had not been tried."""
    world = World(60, 60, 1.0)
    world.block(20, 20, 40, 40, 10)
    world.dsm[5, 5] = np.inf
    with pytest.raises(InputError, match="infinite"):
        world.judge(tmp_path, allow=frozenset({"heights"}))
    assert not list((tmp_path / "out").iterdir())
    world.dsm[5, 5] = 0
    assert world.judge(tmp_path).loc[0, "class"] == "solar"
