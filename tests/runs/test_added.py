"""Buildings that are added to the heights: a run with them is the run on a surface in which they
stand, raised on their own cells, and on footprints that they are among."""

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from rasterio.features import rasterize
from shapely.affinity import rotate

from pipeline.errors import InputError
from pipeline.runs.run import run
from tests.support.commands import arguments, call
from tests.support.outcomes import assert_agrees, run_without_map
from tests.support.runs import Files, World

BY: dict[str, dict[str, Any]] = {
    "extruded": {"settings": {"surface": "extruded"}},
    "dsm": {"settings": {"surface": "dsm"}},
    "annual": {"method": "annual", "layers": ("plane",)},
}
CELLS = 260 * 220


def town(seed: int = 3) -> World:
    """Houses on a gentle slope, a pond without data, a tower, room between them; two lattice
    squares."""
    w, rng = World(260, 220, 1.0, west=122_750.0, south=481_170.0), np.random.default_rng(seed)
    rows, columns = np.indices(w.dtm.shape)
    w.dtm[:] = np.round(0.01 * rows - 0.02 * columns, 2)
    w.dsm[:] = w.dtm
    w.frame()
    for x in range(10, 240, 30):
        for y in range(10, 200, 30):
            w.block(x, y, x + 10, y + 8, float(rng.choice([5, 7, 9, 24])))
    w.dsm[w.part(120, 60, 160, 100)] = np.nan
    return w


def drawn(w: World, seed: int, n: int = 6) -> gpd.GeoDataFrame:
    """Towers and sheds anywhere, over houses, water and one another; smaller than a cell too."""
    rng = np.random.default_rng(seed)
    shapes = [
        rotate(shapely.box(x, y, x + a, y + b), turn)
        for x, y, a, b, turn in zip(
            *rng.uniform(20, 190, (2, n)), *rng.uniform(0.4, 30, (2, n)), rng.uniform(0, 90, n),
            strict=True,
        )
    ]  # fmt: skip
    placed = [shapely.transform(s, lambda xy: xy + np.array([w.west, w.south])) for s in shapes]
    ids = [f"nieuw {i}" for i in range(n)]
    roofs = np.round(rng.uniform(1, 60, n), 2)
    return gpd.GeoDataFrame({"identificatie": ids, "roof_m": roofs}, geometry=placed, crs=28992)


def with_them(w: World, added: gpd.GeoDataFrame) -> World:
    """The same ground on which they stand."""
    other = town()
    other.rows = [*w.rows, *added.drop(columns="roof_m").to_dict("records")]
    other.dsm[:] = w.dsm
    for shape, roof in zip(added.geometry, added["roof_m"], strict=True):
        own = rasterize([shape], other.dsm.shape, transform=other.transform).astype(bool)
        if not own.any():  # it takes the cell that holds its centre
            x, y = shape.centroid.x - w.west, shape.centroid.y - w.south
            own[len(own) - 1 - int(y), int(x)] = True
        other.dsm[own] = np.fmax(other.dsm[own], np.float32(roof))
    return other


@pytest.mark.parametrize("by", BY)
@pytest.mark.parametrize(("seed", "block"), [(1, 40), (2, 4096)])
def test_as_if_they_stood_in_the_heights(tmp_path: Path, by: str, seed: int, block: int) -> None:
    """Rows and rasters, in any blocks; also where they are seen from far away."""
    w = town()
    added = drawn(w, seed)
    added.to_parquet(tmp_path / "added.parquet")
    options = BY[by]
    standing = run_without_map(with_them(w, added).write(tmp_path / "b"), tmp_path / "y", **options)
    found = run_without_map(
        w.write(tmp_path / "a"), tmp_path / "x", block=block,
        add_building=(str(tmp_path / "added.parquet"),), **options,
    )  # fmt: skip
    assert found.rows.keys() == standing.rows.keys()
    assert assert_agrees(found, standing) > (1 if by == "annual" else 4) * CELLS * 0.9
    assert {row["id"] for row in found.rows.values()} >= set(added["identificatie"])


def added_to(
    w: World, folder: Path, rows: dict[str, list[Any]], *more: str, **options: Any
) -> pd.DataFrame:
    """What a run with these buildings says, by their ids."""
    table = gpd.GeoDataFrame(rows, crs=28992)
    table.to_parquet(folder / "added.parquet")
    found = run_without_map(
        w.write(folder / "in"), folder / "out",
        add_building=(str(folder / "added.parquet"), *more), layers=(), **options,
    )  # fmt: skip
    return pd.DataFrame(found.rows.values()).set_index("id")


def plot(x: float, y: float, side: float = 12) -> Any:
    w = town()
    return shapely.box(w.west + x, w.south + y, w.west + x + side, w.south + y + side)


def test_a_height_counts_from_the_ground_as_the_method_measures_it(tmp_path: Path) -> None:
    rows = {"identificatie": ["a", "b"], "hoogte": [30.0, 30.0], "roof_m": [np.nan, 41.5],
            "geometry": [plot(22, 22), plot(200, 150)]}  # fmt: skip
    found = added_to(town(), tmp_path, rows)
    assert found["height_m"]["a"] == 30.0
    assert found["ground_m"]["a"] > 1
    assert found["roof_m"]["b"] == 41.5
    assert found["wind_candidate"][["a", "b"]].all()


def test_two_files_and_what_the_report_says(tmp_path: Path) -> None:
    other = {"id": ["c"], "height": [9.0], "geometry": [plot(85, 182, 5)]}
    gpd.GeoDataFrame(other, crs=28992).to_file(tmp_path / "second.geojson")
    rows = {"identificatie": ["a"], "roof_m": [25.0], "geometry": [plot(22, 22)]}
    more = str(tmp_path / "second.geojson")
    found = added_to(town(), tmp_path, rows, more)
    assert found["height_m"]["c"] == 9.0
    w, request = town(), (str(tmp_path / "added.parquet"), more)
    files = w.write(tmp_path / "in")
    told = run(files.request(tmp_path / "out", add_building=request, layers=())).report["inputs"]
    assert [one["name"] for one in told["buildings"]] == ["pand.parquet"]
    assert [(one["name"], one["ids"]) for one in told["added"]] == [
        ("added.parquet", ["a"]), ("second.geojson", ["c"]),
    ]  # fmt: skip
    assert told["added"][0]["highest_m"] == 25.0
    assert told["added"][0]["bounds"] == list(plot(22, 22).bounds)


POINT = shapely.Point(town().west + 30, town().south + 30)
NO_NUMBER = "has no height that is a number; give `roof_m` [m above NAP]"
FAULTS: dict[str, tuple[dict[str, list[Any]], str]] = {
    "no column": ({"geometry": [plot(22, 22)]}, NO_NUMBER),
    "no number": ({"roof_m": ["high"], "geometry": [plot(22, 22)]}, NO_NUMBER),
    "one without": (
        {"height_m": [3.0, None], "geometry": [plot(22, 22), plot(60, 60)]},
        "row 1 at",
    ),
    "beside the sheets": ({"height_m": [9.0], "geometry": [plot(900, 22)]}, "beside the sheets"),
    "far away": ({"roof_m": [9.0], "geometry": [plot(9e6, 9e6)]}, "beside the sheets"),
    "a cellar": ({"height_m": [-3.0], "geometry": [plot(22, 22)]}, "not stand above the ground"),
    "centimetres": ({"roof_m": [2500.0], "geometry": [plot(22, 22)]}, "impossible height"),
    "a point": ({"roof_m": [9.0], "geometry": [POINT]}, "is no polygon; give the building's"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faulty_additions_are_refused(tmp_path: Path, fault: str) -> None:
    rows, expected = FAULTS[fault]
    ids = {"id": [f"{i}" for i in range(len(rows["geometry"]))]}
    gpd.GeoDataFrame(ids | rows, crs=28992).to_file(tmp_path / "added.gpkg")
    files = town().write(tmp_path / "in")
    more = ("--add-building", tmp_path / "added.gpkg")
    result = call(*arguments(files, tmp_path / "out", *more))
    assert (result.exit_code, result.stdout) == (2, "")
    (said,) = result.stderr.splitlines()
    assert said.startswith("error: added.gpkg: row ") and expected in said


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    files: Files = town().write(tmp_path / "in")
    with pytest.raises(InputError, match=r"gone\.gpkg"):
        run(files.request(tmp_path / "out", add_building=(str(tmp_path / "gone.gpkg"),)))
