"""Sheets held against each other before a run: gaps, duplicates, versions and kinds, by name."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from affine import Affine

from pipeline.errors import InputError
from pipeline.heights.ahn_index import sheets_by_name
from pipeline.heights.mosaics import check_told_apart, duplicates_warning, open_mosaic
from pipeline.heights.pair import check_pair
from pipeline.heights.rasters import Mosaic
from tests.support.runs import World, judge
from tests.support.sheets import write

CELL = 10.0  # coarse, so that a whole sheet of AHN is small
EVERYWHERE: Any = None


def sheet(folder: Path, name: str, place: str | None = None, height: float = 1.0) -> Path:
    """A whole sheet of AHN as a file."""
    west, south, _, north = sheets_by_name()[place or name[-5:]].bounds
    values = np.full((round((north - south) / CELL), 500), height, np.float32)
    folder.mkdir(exist_ok=True)
    return write(folder / f"{name}.tif", values, Affine(CELL, 0, west, 0, -CELL, north))


def tile(folder: Path, left: int, bottom: int) -> Path:
    values = np.ones((100, 100), np.float32)
    transform = Affine(CELL, 0, left, 0, -CELL, bottom + 1000)
    return write(folder / f"AHN6_2025_R_{left:06d}_{bottom:06d}.TIF", values, transform)


def opened(*paths: Path, kind: str = "DSM", allow: str = "", area: Any = EVERYWHERE) -> Mosaic:
    return open_mosaic([str(p) for p in paths], kind, None, frozenset([allow]), area)


def refusal(*paths: Path, **options: Any) -> str:
    with pytest.raises(InputError) as fault:
        opened(*paths, **options)
    said = str(fault.value)
    assert "\n" not in said
    return said


def test_a_missing_sheet_is_named(tmp_path: Path) -> None:
    """Between two of a row, of 5 km, and between two of a column, of 6.25 km."""
    west, east = sheet(tmp_path, "R_25GN1"), sheet(tmp_path, "R_25HN1")
    said = refusal(west, east)
    assert said == (
        "DSM: 1 sheet(s) missing, 25GN2 between R_25GN1.tif and R_25HN1.tif at"
        " 125000,481250,130000,487500; add them or accept it with allow gaps"
    )
    assert len(opened(west, east, allow="gaps").sheets) == 2
    north, south = sheet(tmp_path, "R_25EZ1"), sheet(tmp_path, "R_25GZ1")
    assert "missing, 25GN1 between R_25EZ1.tif and R_25GZ1.tif" in refusal(north, south)


def test_one_folder_for_both_whose_names_do_not_tell_them_apart(tmp_path: Path) -> None:
    for folder, names in (("plain", ("a", "b")), ("marked", ("R_25GN1", "M_25GN1"))):
        (tmp_path / folder).mkdir()
        for name, origin in zip(names, ("25GN1", "25GN2"), strict=True):
            made = sheet(tmp_path, f"R_{origin}")
            made.rename(tmp_path / folder / f"{name}.tif")
    plain, marked = str(tmp_path / "plain"), str(tmp_path / "marked")
    one = f"{plain}/a.tif"
    for dsm, dtm in (([plain], [f"{plain}/"]), ([f"{plain}/*.tif"],) * 2):
        with pytest.raises(InputError, match=r"names such as a\.tif do not tell them apart"):
            check_told_apart(dsm, dtm)
    check_told_apart([marked], [marked])
    check_told_apart([plain], [one])
    check_told_apart([one], [one])
    check_told_apart([f"{plain}/a.tif", one], [f"{plain}/b.tif"])


def test_a_missing_tile_is_named(tmp_path: Path) -> None:
    one, other = tile(tmp_path, 121_000, 487_000), tile(tmp_path, 123_000, 487_000)
    assert "missing, 122000_487000 between AHN6_2025_R_121000_487000.TIF" in refusal(one, other)


def test_gaps_matter_where_the_area_is(tmp_path: Path) -> None:
    """As with the sheets around a town that were never asked for."""
    sheets = [sheet(tmp_path, name) for name in ("R_25GN1", "R_25HN1", "R_25GZ1")]
    area = shapely.box(121_000, 482_000, 122_000, 483_000)
    assert len(opened(*sheets, area=area).sheets) == 3
    wide = shapely.box(121_000, 482_000, 126_000, 483_000)
    assert "25GN2" in refusal(*sheets, area=wide)


def test_the_sea_is_no_gap(tmp_path: Path) -> None:
    """A row of sheets across water that has none."""
    land = [p for p in sheets_by_name().values() if p.land]
    sea = next(
        (left, right) for left in land for right in land
        if right.bounds[:2] == (left.bounds[0] + 10_000, left.bounds[1])
        and not any(p.land and p.bounds[:2] == (left.bounds[0] + 5000, left.bounds[1])
                    for p in sheets_by_name().values())
    )  # fmt: skip
    assert len(opened(*(sheet(tmp_path, f"R_{place.name}") for place in sea)).sheets) == 2


def test_a_sheet_twice(tmp_path: Path) -> None:
    """Copies are one; of two that disagree one is to be given, or of two versions the newer
    counts, in whatever order they are given."""
    old, new = sheet(tmp_path / "AHN3", "R_25GN1"), sheet(tmp_path / "AHN4", "R_25GN1", height=2.0)
    copy = sheet(tmp_path / "copy", "R_25GN1")
    mosaic = opened(old, copy)
    assert len(mosaic.sheets) == 2
    (said,) = duplicates_warning(mosaic)
    assert said.startswith("R_25GN1.tif and R_25GN1.tif are of the same place")
    assert not duplicates_warning(opened(old))
    said = refusal(old, new)
    assert "R_25GN1.tif and R_25GN1.tif are the same sheet twice (AHN3 and AHN4)" in said
    assert said.endswith("give one of them, or accept it with allow versions: then the newer"
                         " counts")  # fmt: skip
    for order in ((old, new), (new, old)):
        mosaic = opened(*order, allow="versions")
        with mosaic.reader() as reader:
            assert (reader.read(mosaic.window) == 2.0).all()
    odd = sheet(tmp_path / "odd", "R_25GN1", height=3.0)
    assert "of unknown version), and disagree" in refusal(copy, odd, allow="versions")


def test_versions_are_known_by_the_folder(tmp_path: Path) -> None:
    """PDOK's sheets say nothing themselves; what fetch brings lies in a folder that does."""
    old = opened(sheet(tmp_path / "ahn3_dsm_05m", "R_25GN1"))
    new = opened(sheet(tmp_path / "ahn4_dtm_05m", "M_25GN1"), kind="DTM")
    with pytest.raises(InputError, match=r"mixed: AHN3 \(R_25GN1.tif\), AHN4 \(M_25GN1.tif\); giv"):
        check_pair(old, new, frozenset())
    check_pair(old, new, frozenset(["versions"]))


def test_what_was_accepted_is_in_the_report(tmp_path: Path) -> None:
    world = World(90, 60, 1.0)
    world.block(10, 20, 30, 40, 9)
    files = world.write(tmp_path)
    (tmp_path / "AHN3").mkdir()
    surface = files.dsm[0].rename(tmp_path / "AHN3" / "R_1.tif")
    east = Affine(1, 0, 121_150, 0, -1, 487_060)
    far = write(tmp_path / "AHN3" / "R_3.tif", world.dsm, east)
    files = replace(files, dsm=(surface, far), dtm=(files.dtm[0].rename(tmp_path / "AHN4_M.tif"),))
    for allow, why in (("", "between R_1.tif and R_3.tif"), ("gaps", "AHN3 .*AHN4")):
        with pytest.raises(InputError, match=why):
            judge(files, tmp_path / "out", allow=frozenset(allow.split()))
    judge(files, tmp_path / "out", allow=frozenset(["gaps", "versions"]))
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["inputs"]["options"]["allow"] == ["gaps", "versions"]


@pytest.mark.parametrize(
    ("surface", "ground"), [("r25gn1", "n25gn1"), ("r25gn1", "i25gn1"), ("R_25GN1", "M_25GN1")]
)
def test_a_folder_with_both_kinds(tmp_path: Path, surface: str, ground: str) -> None:
    for name, height in ((surface, 2.0), (ground, 1.0)):
        sheet(tmp_path, name, "25GN1", height)
    for kind, name in (("DSM", surface), ("DTM", ground)):
        assert [s.name for s in opened(tmp_path, kind=kind).sheets] == [f"{name}.tif"]
