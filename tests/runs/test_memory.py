"""Memory is a promise: what the plan says, no worker exceeds."""

import sys
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from affine import Affine

from pipeline.heights.tiles import CACHE_MB
from pipeline.results.buildings import GROUP_ROWS
from pipeline.runs.plan import Plan
from pipeline.runs.request import Inputs, Outputs, Request
from tests.support.memory import apart, synthetic_rows
from tests.support.outcomes import counted
from tests.support.runs import World, write_sheet

MIB = 2**20
CACHE = CACHE_MB * MIB
SUNS = "10:00,10:30,11:00,12:00,13:00,14:00,14:30"
LAYERS = ("hillshade", "shadow", "sun_hillshade", "surface")
CASES: dict[str, dict[str, Any]] = {
    "extruded": {},
    "measured": {"settings": {"surface": "dsm", "times": SUNS}, "layers": LAYERS},
    "far winds": {
        "settings": {"wind_radius_m": 600},
        "layers": (),
        "block": 256,
        "area": "121600,487600,121700,487700",
    },
}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1.3 x 1.3 km at 0.5 m, as good as all of it roofs, with a mast of 180 m in the south-east."""
    world = World(1300, 1300)
    for x in range(0, 1300, 65):
        for y in range(0, 1300, 65):
            world.block(x, y, x + 64, y + 64, 21 + (x + y) % 7)
    world.dsm[world.part(1290, 0, 1300, 10)] = world.dtm[world.part(1290, 0, 1300, 10)] = 180
    folder = tmp_path_factory.mktemp("town")
    world.write(folder)
    small = World(60, 60)
    small.block(10, 10, 20, 20, 21)
    small.block(30, 10, 40, 20, 40)
    small.write(folder / "small")
    return folder


@pytest.mark.skipif(sys.platform != "linux", reason="peaks are read from /proc")
@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_a_worker_holds_no_more_than_the_plan_says(town: Path, tmp_path: Path, case: str) -> None:
    """And the promise is not idle: a good part of it is needed."""
    call = f"measure_passes({str(town)!r}, {str(tmp_path)!r}, {CASES[case]!r})"
    found = apart(call, DAKLAAG_CACHE=str(tmp_path / "cache"))  # in which nothing is surveyed yet
    promised = found.pop("promised")
    assert max(found.values()) <= promised
    assert max(found.values()) >= promised / 5


@pytest.mark.skipif(sys.platform != "linux", reason="peaks are read from /proc")
@pytest.mark.slow
def test_the_table_of_a_nation_is_never_held(tmp_path: Path) -> None:
    """Of the rows between half a million and two, the peak takes less than a tenth of their weight;
    and of two million, less than half."""
    few, many = (apart(f"measure_table({str(tmp_path / 'b')!r}, {n})") for n in (32, 128))
    group = synthetic_rows(np.arange(GROUP_ROWS)).nbytes
    assert many - few <= (128 - 32) * group / 10
    assert many <= 128 * group / 2


def corners(folder: Path, side: float, relief: float) -> Request:
    """Four small sheets at the corners of a square of the country, with a house on each."""
    rows: list[Any] = []
    for west in (140_000.0, 140_000 + side):
        for north in (600_000.0, 600_000 + side):
            heights = np.zeros((40, 40), np.float32)
            heights[20:, 20:] = relief
            where = Affine(0.5, 0, west, 0, -0.5, north)
            for kind in "RM":
                write_sheet(folder / f"{kind}_{west:.0f}_{north:.0f}.tif", heights, where)
            rows.append(shapely.box(west + 2, north - 8, west + 8, north - 2))
    table = gpd.GeoDataFrame({"id": range(4)}, geometry=rows, crs=28992)
    table.to_parquet(folder / "pand.parquet")
    sheets = (str(folder),)
    houses = (str(folder / "pand.parquet"),)
    inputs = Inputs(sheets, sheets, houses, allow=frozenset(["gaps"]))
    return Request(inputs, Outputs(folder / "out"))


def planned(request: Request, **options: Any) -> Plan:
    return counted(request.replace(**options))


def test_a_worker_stays_under_a_gibibyte_whatever_the_region(tmp_path: Path) -> None:
    """Beside Terschelling, where the sun is lowest, with all the relief that the country has."""
    found = planned(corners(tmp_path, side=9000, relief=330))
    assert found.shard == 4096
    assert found.halo.south + found.halo.east > 8000
    assert 500 * MIB < found.memory <= 1024 * MIB


def test_projected_memory_depends_on_the_request(tmp_path: Path) -> None:
    request = corners(tmp_path, side=3000, relief=60)
    usual = planned(request).memory
    assert planned(request, block=512).memory < usual
    assert planned(request, layers=("surface",)).memory > planned(request, layers=()).memory
    assert planned(request, settings={"wind_radius_m": 2000}).memory > usual
    assert planned(request, settings={"times": "09:15,12:00"}).memory > usual
    assert usual > CACHE
