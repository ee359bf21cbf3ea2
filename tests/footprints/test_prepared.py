"""Prepared footprints are those that are read whole, sorted in space, whatever befalls."""

import json
import os
import pickle
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import fields
from itertools import product
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from pipeline.errors import InputError, MendableError, Stopped
from pipeline.footprints import prepared
from pipeline.footprints.footprints import Footprints
from pipeline.footprints.prepared import Prepared
from pipeline.footprints.prepared_make import prepare_footprints
from pipeline.footprints.prepared_sort import BITS, CELL_M, NOWHERE, Sizes, hilbert
from tests.footprints.test_footprints import FAULTS, FILES, LINE
from tests.support.commands import ROOT
from tests.support.damage import flip
from tests.support.outlines import HOUSES, TWINS, X, Y, box, read_footprints, table, write

SMALL = Sizes(batch=5, group=16, stretch=64, piece=4)  # so that a few rows fill many
SEED = 20261125


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    """What a process remembers of files, it forgets."""
    yield
    prepared.forget()


def town(n: int, spread: float = 3000, seed: int = SEED) -> gpd.GeoDataFrame:
    """n houses, some of them on top of each other, some without a geometry, some ids repeated."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(0, spread, (2, n)).round(2)
    width, height = rng.uniform(4, 30, (2, n)).round(2)
    x[n // 2 : n // 2 + n // 10], y[n // 2 : n // 2 + n // 10] = 100, 100
    houses: list[Any] = [box(*corners) for corners in zip(x, y, width, height, strict=True)]
    for i in range(7, n, 13):
        houses[i] = None
    return table(
        houses,
        identificatie=[f"NL.IMBAG.Pand.{i:016d}" for i in rng.integers(0, 2 * n, n)],
        bouwjaar=rng.integers(1000, 1010, n),
        status=[None if i % 3 else "Pand in gebruik" for i in range(n)],
        blok=[None if i % 4 else i // 8 for i in range(n)],
    )


def ready(tmp_path: Path, *paths: Path | str, **options: Any) -> Prepared:
    """Prepared in small parts."""
    files, options = [str(path) for path in paths], {"sizes": SMALL} | options
    return prepare_footprints(files, cache=tmp_path / "cache", **options)


def all_of(found: Prepared) -> Footprints:
    """All footprints by row, their groups without numbers."""
    parts = (found.read(), found.unusable())
    order = np.argsort(np.concatenate([part.row for part in parts]))
    columns = {
        f.name: np.concatenate([getattr(part, f.name) for part in parts])[order]
        for f in fields(Footprints)
        if f.name != "sources"
    }
    return Footprints(**columns, sources=found.sources)


def check_same(found: Prepared, expected: Footprints) -> None:
    """Every column of both is equal, bit for bit."""
    here = all_of(found)
    assert len(found) == len(here) == len(expected)
    assert here.sources == expected.sources
    assert here.row.tolist() == list(range(len(expected)))
    for name in ("id", "status", "has_status", "reason", "repaired", "repeated"):
        assert getattr(here, name).tolist() == getattr(expected, name).tolist(), name
    for name in ("built", "area", "centre", "bounds"):
        assert np.array_equal(getattr(here, name), getattr(expected, name), equal_nan=True), name
    assert shapely.to_wkb(here.geometry).tolist() == shapely.to_wkb(expected.geometry).tolist()
    assert (here.place == -1).tolist() == (~expected.usable).tolist()
    read = found.read()
    assert read.place.tolist() == list(range(expected.usable.sum()))
    assert same_parts(read.group) == same_parts(expected.group[read.row])


def same_parts(group: Any) -> list[int]:
    """Groups by the position of the first of each."""
    return pd.Series(group).groupby(group).transform(lambda part: part.index[0]).tolist()


ROWS: dict[str, dict[str, Any]] = {
    "texts": {"id": ["a", "NL.IMBAG.Pand.b", "", None, "a", "", None, " c "]},
    "whole numbers beside null": {"id": [1, None, 1, 4, 5, 6, 7, 8]},
    "floats": {"id": [1.0, 2.5, np.nan, np.inf, 1e300, 1.0, -0.0, 7]},
    "truths": {"id": [True, False] * 4, "status": [True, None] * 4},
    "years as texts": {"id": list("abcdefgh"), "bouwjaar": ["1900", "1005", None, "x"] * 2},
    "odd years": {"id": list("abcdefgh"), "bouwjaar": [1900.5, np.inf, np.nan, -5] * 2},
    "days": {"id": list("abcdefgh"), "bouwjaar": pd.to_datetime(["1985-01-01", None] * 4)},
    "one for all": {"id": list("aabbccdd"), "blok": [1, 1, None, None, 2, 2, 1, 3]},
}
SHAPES = [*HOUSES, TWINS, None, HOUSES[0], box(90, 0), box(120, 0)]


IN_GEOJSON = ("texts", "years as texts", "one for all")  # GDAL warns of the others


@pytest.mark.parametrize(
    ("ending", "rows"), [*product((".gpkg", ".parquet"), ROWS), *product((".geojson",), IN_GEOJSON)]
)
def test_columns(tmp_path: Path, ending: str, rows: str) -> None:
    path = write(tmp_path / f"pand{ending}", table(SHAPES, **ROWS[rows]))
    group = "blok" if "blok" in ROWS[rows] else None
    expected = read_footprints([str(path)], group_column=group)
    check_same(ready(tmp_path, path, group_column=group), expected)


@pytest.mark.parametrize("centre", ["centroid", "point_on_surface"])
@pytest.mark.parametrize("crs", [28992, 4326])
def test_faults(tmp_path: Path, centre: str, crs: int) -> None:
    """In a CRS that is transformed only those that it can hold."""
    usual = [g for g, reason, _ in FAULTS.values() if crs == 28992 or reason != "invalid"]
    there = table([*usual, box(0, 0, 30, 30) - box(2, 2, 26, 26), *usual]).to_crs(crs)
    path = write(tmp_path / "pand.parquet", there)
    check_same(ready(tmp_path, path, centre=centre), read_footprints([str(path)], centre=centre))


def test_coordinates_that_have_no_place_at_the_end_of_a_file(tmp_path: Path) -> None:
    """Are the fault of their footprints, though nothing else is in their batch."""
    there = table([*HOUSES, *HOUSES[:2]]).to_crs(4326)
    nowhere = gpd.GeoDataFrame(geometry=[shapely.box(1e9, 1e9, 2e9, 2e9)], crs=4326)
    path = write(tmp_path / "pand.parquet", pd.concat([there, nowhere], ignore_index=True))
    found = ready(tmp_path, path)
    check_same(found, read_footprints([str(path)]))
    assert found.unusable().row.tolist() == [5]


def test_several_files(tmp_path: Path) -> None:
    """Ids repeat across files and batches; each has columns of its own."""
    a = write(tmp_path / "a.gpkg", town(23))
    b = write(tmp_path / "b.parquet", town(23).drop(columns=["status"]).to_crs(4326))
    none = write(tmp_path / "none.gpkg", table(HOUSES[:0], naam=[]))
    c = write(tmp_path / "c.shp", table(HOUSES, id=["Ä", "ß", "3"]), encoding="ISO-8859-1")
    paths = [b, none, c, a]
    expected = read_footprints(map(str, paths))
    assert expected.repeated.sum() >= 46
    check_same(ready(tmp_path, *paths), expected)


@pytest.mark.parametrize("encoding", ["WKB", "geoarrow"])
def test_encodings_of_geoparquet(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "pand.parquet"
    rows = town(40).dropna(subset="geometry")
    rows.to_parquet(
        path, geometry_encoding=encoding, write_covering_bbox=True, schema_version="1.1.0"
    )
    check_same(ready(tmp_path, path), read_footprints([str(path)]))


def test_curves_become_lines(tmp_path: Path) -> None:
    path = write(tmp_path / "pand.gpkg", town(23))
    with closing(sqlite3.connect(path)) as base, base:
        ((name,),) = base.execute("select column_name from gpkg_geometry_columns").fetchall()
        ((blob,),) = base.execute(f"select {name} from pand where fid = 12").fetchall()
        for (trigger,) in base.execute("select name from sqlite_master where type = 'trigger'"):
            base.execute(f'drop trigger "{trigger}"')
        head = blob[: 8 + 32] if blob[3] & 0x0E else blob[:8]
        arc = np.array([[X, Y], [X + 5, Y + 5], [X + 10, Y], [X + 5, Y - 5], [X, Y]])
        ring = b"\1" + np.uint32([8, len(arc)]).tobytes() + arc.tobytes()
        curve = b"\1" + np.uint32([10, 1]).tobytes() + ring
        base.execute(f"update pand set {name} = ? where fid = 12", [head + curve])
    base.close()
    found = ready(tmp_path, path)
    check_same(found, read_footprints([str(path)]))
    assert all_of(found).area[11] == pytest.approx(25 * np.pi, rel=0.01)


def said(call: Any) -> str:
    with pytest.raises(InputError) as fault:
        call()
    return str(fault.value)


@pytest.mark.parametrize("name", [*FILES, "gone.gpkg", "plain.parquet", "crs.parquet", "id.gpkg"])
def test_unreadable_files_give_the_same_error(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name in FILES:
        path.write_bytes(FILES[name][0])
    elif name == "plain.parquet":
        pd.DataFrame({"id": [1]}).to_parquet(path)
    elif name == "crs.parquet":
        table(HOUSES, crs=None, id=["a", "b", "c"]).to_parquet(path)
    elif name == "id.gpkg":
        write(path, table(HOUSES, naam=["a", "b", "c"]))
    expected = said(lambda: read_footprints([str(path)]))
    assert said(lambda: ready(tmp_path, path)) == expected
    assert not [*(tmp_path / "cache").rglob("*.parquet")]


def test_options_that_name_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "pand.gpkg", town(5))
    for options in ({"layer": "een"}, {"id_column": "een"}, {"group_column": "een"}):
        expected = said(lambda options=options: read_footprints([str(path)], **options))
        assert said(lambda options=options: ready(tmp_path, path, **options)) == expected


def test_rd_in_geojson_that_does_not_say_so(tmp_path: Path) -> None:
    collection = json.loads(table(HOUSES).to_json())
    collection.pop("crs", None)
    (tmp_path / "pand.geojson").write_text(json.dumps(collection))
    fault = said(lambda: ready(tmp_path, tmp_path / "pand.geojson"))
    assert fault.startswith("pand.geojson: its coordinates are none of WGS 84")


def test_ids_beyond_what_a_float_holds(tmp_path: Path) -> None:
    """Also beside null, where pandas makes floats of them."""
    there = table(HOUSES, id=pd.array([2**53 + 1, None, 2**53], "Int64"))
    assert all_of(ready(tmp_path, write(tmp_path / "pand.gpkg", there))).id.tolist() == [
        "9007199254740993",
        "",
        "9007199254740992",
    ]


def test_nothing_usable(tmp_path: Path) -> None:
    found = ready(tmp_path, write(tmp_path / "pand.parquet", table([None, LINE, None])))
    assert len(found) == 3
    assert np.isnan(found.bounds).all()
    assert len(found.group_bounds) == len(found.read()) == len(found.read((0, 0, 1e6, 1e6))) == 0
    assert found.unusable().reason.tolist() == ["empty", "invalid", "empty"]


def test_the_curve_goes_from_neighbour_to_neighbour() -> None:
    cells = np.stack(np.meshgrid(np.arange(64), np.arange(64)), axis=-1).reshape(-1, 2)
    along = hilbert((cells + 0.5) * CELL_M)
    assert sorted(along) == list(range(64 * 64))
    steps = np.diff(cells[np.argsort(along)], axis=0)
    assert (np.abs(steps).sum(axis=1) == 1).all()


def test_the_curve_has_an_end() -> None:
    far = CELL_M * 2**BITS
    there = hilbert(np.array([[-1, -1], [0, 0], [far, 0], [2 * far, -5], [np.nan, 1]]))
    assert there[0] == there[1] == 0
    assert there[2] == there[3] == 4**BITS - 1
    assert there[4] == NOWHERE


def test_the_order(tmp_path: Path) -> None:
    """Along the curve, those of one cell by row, whatever the file held besides."""
    there = town(300)
    found = ready(tmp_path, write(tmp_path / "pand.parquet", there)).read()
    keys = list(zip(hilbert(found.centre).tolist(), found.row.tolist(), strict=True))
    assert keys == sorted(keys)
    half = ready(tmp_path, write(tmp_path / "half.parquet", there.iloc[:150])).read()
    assert half.row.tolist() == [row for row in found.row.tolist() if row < 150]


def files_of(found: Prepared) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in found.path.parent.iterdir()}


def test_batches_and_workers_leave_no_trace(tmp_path: Path) -> None:
    path = write(tmp_path / "pand.gpkg", town(300))
    made = []
    for batch, workers in ((1000, 1), (7, 1), (64, 3), (7, 4)):
        options: dict[str, Any] = {"workers": workers, "sizes": SMALL._replace(batch=batch)}
        made.append(files_of(ready(tmp_path / f"{batch} {workers}", path, **options)))
    assert all(files == made[0] for files in made[1:])
    assert sorted(made[0]) == ["card.json", "footprints.parquet", "unusable.parquet"]


@pytest.fixture
def houses(tmp_path: Path) -> Prepared:
    return ready(tmp_path, write(tmp_path / "pand.parquet", town(500)))


def test_row_groups(houses: Prepared) -> None:
    bounds, whole, starts = houses.group_bounds, houses.read(), houses.table.starts
    assert starts[-1] == len(whole)
    assert (np.diff(starts)[:-1] == SMALL.group).all()
    for i, edges in enumerate(bounds):
        part = whole.take(np.arange(starts[i], starts[i + 1]))
        low, high = part.bounds[:, :2].min(axis=0), part.bounds[:, 2:].max(axis=0)
        assert edges.tolist() == [*low, *high]
        light = houses.boxes(i)
        for name, values in light._asdict().items():
            assert np.array_equal(values, getattr(part, name)), name
        assert houses.read(groups=[i]).row.tolist() == part.row.tolist()
    assert houses.bounds == (*bounds[:, :2].min(axis=0), *bounds[:, 2:].max(axis=0))


def test_windows_are_those_of_brute_force(houses: Prepared) -> None:
    rng = np.random.default_rng(SEED)
    whole = houses.read()
    windows = [(*rng.uniform(-200, 3000, 2), *rng.uniform(0, 800, 2)) for _ in range(60)]
    asked = [(X + x, Y + y, X + x + w, Y + y + h) for x, y, w, h in windows]
    corner = whole.bounds[17]
    asked += [(*corner[2:], *corner[2:] + 1), (*corner[:2] - 1, *corner[:2])]  # touched in a point
    for window in asked:
        west, south, east, north = whole.bounds.T
        touched = (west <= window[2]) & (east >= window[0])
        touched &= (south <= window[3]) & (north >= window[1])
        assert houses.read(window).place.tolist() == whole.place[touched].tolist()
        some = houses.read(window, groups=[3, 1, 8]).place
        inside = np.isin(whole.place // SMALL.group, [1, 3, 8])
        assert some.tolist() == whole.place[touched & inside].tolist()
    assert len(houses.read(asked[-1])) >= 1
    assert len(houses.read((0, 0, 1, 1))) == len(houses.read(groups=[])) == 0


def test_threads_read_at_once(houses: Prepared) -> None:
    whole = houses.read()
    with ThreadPoolExecutor(4) as pool:
        found = [*pool.map(lambda i: houses.read(groups=[i % 20]).row.tolist(), range(200))]
    assert found == [whole.row[whole.place // 16 == i % 20].tolist() for i in range(200)]


def test_a_pickle_is_small(houses: Prepared) -> None:
    whole = houses.read()
    sent = pickle.dumps(houses)
    assert len(sent) < 1500
    assert pickle.loads(sent).read().row.tolist() == whole.row.tolist()


def test_others_can_read_it(houses: Prepared) -> None:
    there = gpd.read_parquet(houses.path, bbox=(X, Y, X + 500, Y + 500))
    assert there.crs.to_epsg() == 28992
    assert there["row"].tolist() == houses.read((X, Y, X + 500, Y + 500)).row.tolist()


def test_a_prepared_file_is_reused(tmp_path: Path, monkeypatch: Any) -> None:
    path = write(tmp_path / "pand.parquet", town(20))
    first = ready(tmp_path, path)
    written = first.path.stat()
    assert ready(tmp_path, path) == first
    assert first.path.stat() == written
    assert ready(tmp_path, path, id_column="blok").path != first.path
    write(path, town(21))
    assert len(ready(tmp_path, path)) == 21


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


DAMAGE: dict[str, Any] = {
    "footprints.parquet": cut_short,
    "unusable.parquet": Path.unlink,
    "card.json": lambda path: path.write_text(""),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damaged_files_are_prepared_again(tmp_path: Path, name: str) -> None:
    path = tmp_path / "pand.parquet"
    town(50).to_parquet(path)
    expected = all_of(ready(tmp_path, path))
    DAMAGE[name](ready(tmp_path, path).path.with_name(name))
    check_same(ready(tmp_path, path), expected)


@pytest.mark.parametrize("name", ["footprints.parquet", "unusable.parquet"])
@pytest.mark.parametrize("share", [0.01, 0.4, 0.9, 0.999])
def test_a_flipped_bit_is_said_and_made_anew(tmp_path: Path, name: str, share: float) -> None:
    """In any column, and in what the file says of its columns."""
    path = tmp_path / "pand.parquet"
    town(500).to_parquet(path)
    expected = all_of(ready(tmp_path, path))
    file = ready(tmp_path, path).path.with_name(name)
    flip(file, round(share * 8 * file.stat().st_size))
    prepared.forget()  # as in another process
    with pytest.raises(MendableError, match=f"{name} is damaged in the cache"):
        all_of(ready(tmp_path, path))
    check_same(ready(tmp_path, path), expected)


def test_parts_of_a_shapefile_are_looked_at(tmp_path: Path) -> None:
    path = write(tmp_path / "pand.shp", table(HOUSES, id=["a", "b", "c"]))
    first = ready(tmp_path, path)
    dbf = path.with_suffix(".dbf")
    dbf.write_bytes(dbf.read_bytes().replace(b"a", b"z"))
    assert all_of(ready(tmp_path, path)).id.tolist() == ["z", "b", "c"]
    assert all_of(first).id.tolist() == ["a", "b", "c"]


def test_a_file_that_is_written_meanwhile(tmp_path: Path) -> None:
    path = write(tmp_path / "pand.parquet", town(20))

    def touch(stage: str, done: int, total: int) -> None:
        os.utime(path, ns=(1, 1))

    assert "was changed while it was read" in said(lambda: ready(tmp_path, path, progress=touch))
    assert not [*(tmp_path / "cache" / "footprints").iterdir()]


def test_progress_and_stop(tmp_path: Path) -> None:
    path = write(tmp_path / "pand.gpkg", town(23))
    heard: list[tuple[str, int, int]] = []
    ready(tmp_path, path, progress=lambda *told: heard.append(told))
    assert heard == [("prepare", done, 23) for done in (5, 10, 15, 20, 23)]
    polls = iter([False] * 3 + [True])
    with pytest.raises(Stopped):
        ready(tmp_path / "other", path, stop=lambda: next(polls))
    assert not [*(tmp_path / "other" / "cache" / "footprints").iterdir()]


KILLED = """
import os, signal, sys
from pathlib import Path
def die(stage, done, total):
    if done >= 10:
        os.kill(os.getpid(), signal.SIGKILL)
from pipeline.footprints.prepared_make import prepare_footprints
from pipeline.footprints.prepared_sort import Sizes
files, sizes = [sys.argv[1]], Sizes(batch=5)
prepare_footprints(files, cache=Path(sys.argv[2]), progress=die, sizes=sizes)
"""


def test_a_kill_leaves_nothing_that_counts(tmp_path: Path) -> None:
    path = write(tmp_path / "pand.gpkg", town(100))
    done = subprocess.run(
        [sys.executable, "-c", KILLED, path, tmp_path / "cache"], cwd=ROOT, check=False
    )
    assert done.returncode == -9
    (left,) = (tmp_path / "cache" / "footprints").iterdir()
    assert left.name.endswith(".partial")
    assert [*left.iterdir()]
    found = ready(tmp_path, path)
    assert [*found.path.parent.parent.iterdir()] == [found.path.parent]
    assert files_of(found) == files_of(ready(tmp_path / "other", path))


def test_two_at_once_make_one(tmp_path: Path) -> None:
    path = write(tmp_path / "pand.gpkg", town(200))
    heard: list[int] = []
    with ThreadPoolExecutor(3) as pool:
        made = [
            pool.submit(ready, tmp_path, path, progress=lambda _, done, all: heard.append(done))
            for _ in range(3)
        ]
    assert {result.result().path for result in made} == {made[0].result().path}
    assert heard.count(200) == 1
    check_same(made[0].result(), read_footprints([str(path)]))


def test_a_cache_that_cannot_be_written(tmp_path: Path) -> None:
    path = write(tmp_path / "pand.parquet", town(20))
    (tmp_path / "cache").write_text("a file")
    fault = said(lambda: ready(tmp_path, path))
    assert "cannot be written" in fault
    assert "DAKLAAG_CACHE" in fault


def test_real_footprints(tmp_path: Path, data_file: Any) -> None:
    city = data_file("delft-5m/3dbag_5907_subset.city.json")
    for path in (city, data_file("amsterdam/bag_pandactueelbestaand.gpkg")):
        check_same(ready(tmp_path, path), read_footprints([str(path)]))


MEASURE = """
import sys, tracemalloc
from pathlib import Path
from pipeline.footprints import prepared_make, prepared_sort
from pipeline.footprints.prepared_make import prepare_footprints
from tests.support.memory import clear, resident

finish = prepared_sort.Sorter.finish

def traced(sorter):
    tracemalloc.reset_peak()
    stretches = finish(sorter)
    print(tracemalloc.get_traced_memory()[1])
    return stretches

small, large, cache = sys.argv[1:]
prepare_footprints([small], cache=Path(cache))
held = clear()
prepare_footprints([large], cache=Path(cache))
print(resident("VmHWM") - held)
prepared_sort.Sorter.finish = traced
tracemalloc.start()
prepare_footprints([large], cache=Path(cache) / "again")
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peaks are read from /proc")
def test_the_nation_needs_little_memory(tmp_path: Path) -> None:
    """What 400,000 rows need at most, and what the sort of 10 million holds of every row."""
    n, nation = 400_000, 10_000_000
    rng = np.random.default_rng(SEED)
    corner = rng.uniform([10e3, 300e3], [280e3, 620e3], (n, 2)).round(3)
    rows = gpd.GeoDataFrame(
        {"identificatie": [f"NL.IMBAG.Pand.{i:016d}" for i in range(n)], "bouwjaar": 1990},
        geometry=shapely.box(*corner.T, *(corner + rng.uniform(4, 12, (n, 2))).T),
        crs=28992,
    )
    rows.to_file(tmp_path / "large.gpkg", SPATIAL_INDEX="NO")
    rows.iloc[:1000].to_parquet(tmp_path / "small.parquet")
    del rows
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, tmp_path / "small.parquet", tmp_path / "large.gpkg",
         tmp_path / "cache"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    peak, sorting = map(int, done.stdout.split())
    assert peak + sorting / n * nation < 600e6
    assert sorting / n < 40
