"""What came from a service: told whole from damaged, and from what is something else."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from affine import Affine

from pipeline.errors import InputError
from pipeline.fetch.validate import check_sheet, check_vector
from pipeline.fetch.web import FetchError
from pipeline.heights.indexes import IndexedSheet, Product
from tests.support.national import PLACES, raster
from tests.support.sheets import write

OF = Product("dsm", 0.5, 3)
OFFER = IndexedSheet("25GN1", PLACES["25GN1"], "https://x/R_25GN1.ZIP")


def packed(*members: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members:
            archive.writestr(name, body)
    return out.getvalue()


def damaged(body: bytes) -> bytes:
    middle = len(body) // 2
    wrong = bytes(byte ^ 255 for byte in body[middle : middle + 8])
    return body[:middle] + wrong + body[middle + 8 :]


ZIPS: dict[str, tuple[Callable[[bytes], bytes], str | None]] = {
    "as it should be": (lambda tif: packed(("R_25GN1.TIF", tif)), None),
    "with a note": (lambda tif: packed(("r.tif", tif), ("readme.txt", b"x")), None),
    "of two": (lambda tif: packed(("a.tif", tif), ("b.tif", tif)), "2 rasters in it instead of on"),
    "of none": (lambda tif: packed(("readme.txt", b"x")), "no .tif"),
    "cut off": (lambda tif: packed(("r.tif", tif))[:-100], "not a zip that can be opened"),
    "damaged": (lambda tif: damaged(packed(("r.tif", tif))), "zip"),
    "a page": (lambda tif: b"<html>", "not a zip that can be opened"),
}


@pytest.mark.parametrize("what", ZIPS)
def test_a_zip(tmp_path: Path, what: str) -> None:
    make, why = ZIPS[what]
    file = tmp_path / "R_25GN1.ZIP"
    file.write_bytes(make(raster(tmp_path, "25GN1")))
    if why is None:
        check_sheet(OF, OFFER, file)
    else:
        with pytest.raises((FetchError, InputError), match=why):
            check_sheet(OF, OFFER, file)


def test_a_whole_sheet_lies_in_its_place(tmp_path: Path) -> None:
    """And one that is a cell wider, as some are; not one that lies half beside it."""
    west, south, east, north = PLACES["25GN1"]
    product = Product("dtm", 5.0, 4)
    for cells, offset, fits in ((1000, 0, True), (1002, -5, True), (1000, 20, False)):
        place = Affine(5, 0, west + offset, 0, -5, north)
        values = np.zeros((round((north - south) / 5), cells), np.float32)
        file = write(tmp_path / f"{cells}_{offset}.tif", values, place, compress="deflate")
        if fits:
            check_sheet(product, OFFER, file)
        else:
            with pytest.raises(FetchError, match=f"it lies at {west + 20:g},"):
                check_sheet(product, OFFER, file)
    assert east - west == 5000


def test_a_file_that_is_no_vector_file(tmp_path: Path) -> None:
    (tmp_path / "cbs.gpkg").write_text("x")
    with pytest.raises(FetchError, match="cannot be opened as a vector file"):
        check_vector(tmp_path / "cbs.gpkg")
