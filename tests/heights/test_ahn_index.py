"""The table of AHN's sheets: places and figures that are known from elsewhere."""

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from pipeline.heights.ahn_index import (
    HEIGHT_M,
    WIDTH_M,
    sheets,
    sheets_by_name,
    sheets_touching,
    tiles_touching,
)  # fmt: skip

DAM = shapely.Point(121_400, 487_370)  # in Amsterdam, by the palace


def test_the_table() -> None:
    """The counts of the national index; no two sheets at one place, all on one raster."""
    every = sheets()
    assert (len(every), sum(sheet.land for sheet in every)) == (2008, 1370)
    corners = np.array([sheet.bounds[:2] for sheet in every])
    assert len(np.unique(corners, axis=0)) == len(every) == len(sheets_by_name())
    assert not (corners % (WIDTH_M, HEIGHT_M)).any()
    assert sheets_by_name()["25GN1"].bounds == (120_000, 481_250, 125_000, 487_500)


def test_names_follow_the_topographic_map() -> None:
    """Of a sheet of the map 25 G, N lies above Z, and 1 west of 2."""
    for name, sheet in sheets_by_name().items():
        west, south = sheet.bounds[:2]
        if (east := sheets_by_name().get(name[:4] + "2")) and name[4] == "1":
            assert east.bounds[:2] == (west + WIDTH_M, south)
        if (below := sheets_by_name().get(name[:3] + "Z" + name[4])) and name[3] == "N":
            assert below.bounds[:2] == (west, south - HEIGHT_M)


def test_sheets_near_a_place() -> None:
    assert [sheet.name for sheet in sheets_touching(DAM)] == ["25GN1"]
    assert [s.name for s in sheets_touching(DAM, 150)] == ["25EZ1", "25GN1"]
    corner = shapely.Point(125_000, 487_500)
    assert [s.name for s in sheets_touching(corner)] == ["25EZ1", "25EZ2", "25GN1", "25GN2"]
    assert sheets_touching(shapely.Point(4.9, 52.4)) == []


def test_tiles_near_a_place() -> None:
    assert tiles_touching(DAM) == ["121000_487000"]
    assert tiles_touching(DAM, 380) == ["121000_486000", "121000_487000"]
    assert tiles_touching(shapely.Point(0, 5000)) == [
        "-01000_004000", "000000_004000", "-01000_005000", "000000_005000",
    ]  # fmt: skip
    block = shapely.box(121_000, 487_000, 124_000, 489_000).buffer(-1)
    assert tiles_touching(block) == [f"{x}000_{y}000" for y in (487, 488) for x in (121, 122, 123)]


def test_the_real_outlines(data_file: Callable[[str], Path]) -> None:
    """The published outlines, in lon/lat, lie where the table says, within 10 m of mapping."""
    outlines = gpd.read_file(data_file("boundaries/ahn_sheet_index.geojson")).to_crs(28992)
    assert set(outlines["AHN"]) == set(sheets_by_name())
    expected = np.array([sheets_by_name()[name].bounds for name in outlines["AHN"]])
    assert np.abs(outlines.bounds.to_numpy() - expected).max() < 10
