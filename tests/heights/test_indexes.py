"""Indexes of sheets: lists, tile indexes, and those that the national services publish."""

import shutil
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

from pipeline.errors import InputError
from pipeline.fetch.services import Bases, features
from pipeline.fetch.web import NotFoundError
from pipeline.heights.indexes import Product, sheets_in_index
from pipeline.heights.mosaics import open_mosaic
from pipeline.heights.rasters import Mosaic
from tests.support.national import feed, page_index, raster, sheet_index

NAMES = ("25GN1", "25GN2")
WEB = "https://service.pdok.nl/x/"


def opened(*sources: Path, kind: str = "DSM", allow: str = "") -> Mosaic:
    return open_mosaic([str(s) for s in sources], kind, None, frozenset([allow]))


@pytest.fixture(scope="module")
def sheets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sheets with a gap between, one of them zipped, in lower and in upper case."""
    folder = tmp_path_factory.mktemp("sheets")
    body = {name: raster(folder, name) for name in NAMES}
    (folder / "made.tif").unlink()
    (folder / "r_25gn1.tif").write_bytes(body["25GN1"])
    with zipfile.ZipFile(folder / "R_25GN2.ZIP", "w") as archive:
        archive.writestr("R_25GN2.TIF", body["25GN2"])
    (folder / "M_25GN1.tif").write_bytes(body["25GN1"])
    return folder


def tile_index(folder: Path, file: str, locations: list[str]) -> Path:
    rows = gpd.GeoDataFrame({"location": locations}, geometry=[shapely.box(0, 0, 1, 1)] *
                            len(locations), crs=28992)  # fmt: skip
    rows.to_file(folder / file)
    return folder / file


def write_text(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def pages(folder: Path) -> Path:
    columns = {"AHN": [*NAMES, "25EZ1"], "AHN4_05M_R": [f"{WEB}R_{n}.tif" for n in NAMES] + [None],
               "AHN4_05M_M": [f"{WEB}M_25GN1.tif", None, None]}  # fmt: skip
    page_index(folder / "bladwijzer.gpkg", columns)
    return folder / "bladwijzer.gpkg"


ADDRESSES = {f"R_{name}": f"{WEB}R_{name}.tif" for name in (*NAMES, "25EZ1")}
INDEXES: dict[str, Callable[[Path], Path]] = {
    "a list": lambda f: write_text(f / "all.txt", "# ours\nr_25gn1.tif\n\nR_25GN2.ZIP\n"),
    "a list of a glob": lambda f: write_text(f / "all.lst", f"{f}/r_*.tif\nR_25GN2.ZIP\n"),
    "a tile index": lambda f: tile_index(
        f, "all.gti.gpkg", ["r_25gn1.tif", f"/vsizip/{f}/R_25GN2.ZIP/R_25GN2.TIF"]
    ),
    "kaartbladindex.json": lambda f: write_text(f / "kaartbladindex.json", sheet_index(ADDRESSES)),
    "an Atom feed": lambda f: write_text(f / "dsm_05m.xml", feed(ADDRESSES)),
    "bladwijzer.gpkg": pages,
}  # fmt: skip


@pytest.mark.parametrize("index", INDEXES)
def test_an_index_stands_for_its_sheets(sheets: Path, tmp_path: Path, index: str) -> None:
    """In whatever case and whether zipped or not; of a service's index those that are there."""
    folder = Path(shutil.copytree(sheets, tmp_path / "here"))
    file = INDEXES[index](folder)
    mosaic = opened(file, allow="gaps")
    assert [sheet.name.lower() for sheet in mosaic.sheets] == ["r_25gn1.tif", "r_25gn2.tif"]
    assert mosaic.sheets[1].window.left == 250_000


def test_the_ground_of_an_index_of_all(sheets: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(sheets, tmp_path / "here"))
    assert [s.name for s in opened(pages(folder), kind="DTM").sheets] == ["M_25GN1.tif"]


def test_tiles_of_ahn6(tmp_path: Path) -> None:
    columns = {"bladnaam": ["124000_487000", "125000_487000"], "jaar": [2025, 2026]}
    page_index(tmp_path / "bladwijzer_AHN6.gpkg", columns, "bladindeling_aoi")
    body = raster(tmp_path, "", at=(125_000.0, 487_000.0))
    (tmp_path / "made.tif").rename(tmp_path / "AHN6_2026_M_125000_487000.tif")
    assert body
    (sheet,) = opened(tmp_path / "bladwijzer_AHN6.gpkg", kind="DTM").sheets
    assert (sheet.name, sheet.version) == ("AHN6_2026_M_125000_487000.tif", "AHN6")


FAULTS: dict[str, tuple[Callable[[Path], Path], list[str]]] = {
    "a list of nothing": (lambda f: write_text(f / "a.txt", "gone.tif"), ["a.txt: lists gone.tif"]),
    "an empty list": (lambda f: write_text(f / "a.txt", "#\n"), ["no files given"]),
    "a zip that is gone": (
        lambda f: tile_index(f, "a.gpkg", [f"/vsizip/{f}/gone.zip/R.tif"]), ["a.gpkg: lists /vsi"],
    ),
    "none of it here": (
        lambda f: write_text(f / "k.json", sheet_index(ADDRESSES)),
        ["k.json: none of the 3 sheets", "daklaag fetch"],
    ),
    "a page": (lambda f: write_text(f / "k.xml", "<html>"), ["k.xml", "nor an index of AHN"]),
    "other JSON": (lambda f: write_text(f / "k.json", "{}"), ["k.json", "gdaltindex"]),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_an_index_that_does_not_help(tmp_path: Path, fault: str) -> None:
    make, names = FAULTS[fault]
    with pytest.raises(InputError) as said:
        opened(make(tmp_path))
    assert not [name for name in names if name not in str(said.value)], said.value
    assert "\n" not in str(said.value)


OFFERS: dict[str, tuple[bytes, Any]] = {
    "plain": (sheet_index({"25GN1": WEB + "R_25GN1.tif"}).encode(), ("25GN1", None, None)),
    "named by its file": (feed({"?": WEB + "r25gn1.tif.zip"}).encode(), ("25GN1", None, None)),
    "a length": (feed({"25GN1": WEB + "x.tif"}, length="12").encode(), ("25GN1", 12, None)),
    "a hash": (
        feed({"25GN1": WEB + "x.tif"}, hash="SHA-256:AB").encode(), ("25GN1", None, "ab"),
    ),
    "another hash": (feed({"25GN1": WEB + "x.tif"}, hash="md5:AB").encode(),
                     ("25GN1", None, None)),
    "with a mark": (b"\xef\xbb\xbf" + feed({"25GN1": WEB + "x.tif"}).encode(),
                    ("25GN1", None, None)),
}  # fmt: skip


@pytest.mark.parametrize("form", OFFERS)
def test_what_an_index_tells(form: str) -> None:
    body, expected = OFFERS[form]
    (offer,) = sheets_in_index(body, Product("dsm", 0.5, None))
    assert (offer.name, offer.size, offer.sha256) == expected
    assert offer.bounds == (120_000, 481_250, 125_000, 487_500)


def test_what_is_no_sheet_is_passed_over() -> None:
    body = sheet_index({"25GN1": ""}).replace('"url": ""', '"url": null')
    assert sheets_in_index(body.encode(), Product("dsm", 0.5, None)) == []
    nowhere = feed({"99ZZ9": WEB + "R_99ZZ9.tif", "125GN15": WEB + "x.tif"})
    assert sheets_in_index(nowhere.encode(), Product("dsm", 0.5, None)) == []


def test_the_real_feed(data_file: Callable[[str], Path]) -> None:
    """A feed of point clouds, in the grammar of that of the sheets."""
    body = data_file("service-answers/pdok_ahn_atom.xml").read_bytes()
    found = sheets_in_index(body, Product("dsm", 0.5, None))
    assert [(o.name, o.file, o.size) for o in found] == [
        ("37EN1", "C_37EN1.LAZ", 256_000_000),
        ("37EN2", "C_37EN2.LAZ", 312_000_000),
        ("02DN1", "C_02DN1.LAZ", 198_000_000),
    ]


class Told:
    """Answers that were written down, one after the other."""

    def __init__(self, *answers: bytes) -> None:
        self.answers, self.asked = list(answers), list[str]()

    def read(self, url: str) -> tuple[bytes, Mapping[str, str]]:
        self.asked.append(url)
        if not self.answers:
            raise NotFoundError("404 Not Found")
        return self.answers.pop(0), {}


def test_real_pages_of_features(data_file: Callable[[str], Path]) -> None:
    """They follow each other by their links, and lie in lon/lat where no header says another."""
    first, after = (data_file(f"service-answers/features_{which}_page.json").read_bytes()
                    for which in ("first", "next"))  # fmt: skip
    last = after.replace(b'"rel": "next"', b'"rel": "other"')
    told: Any = Told(first, last)
    found, crs = features("pand", (0.0, 0.0, 9.0, 9.0), told, Bases({}))
    assert [feature["id"] for feature in found] == ["3542", "3837", "3838", "3839"]
    assert crs == "OGC:CRS84"
    assert told.asked[1].endswith("/collections/foo/items?cursor=Dv4%7CNwyr1Q&f=json&limit=2")
    assert np.array(found[0]["geometry"]["coordinates"]).tolist() == [4.88656, 52.39067]
