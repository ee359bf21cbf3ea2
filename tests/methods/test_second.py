"""A second method, in one file of the tests, goes all the way without a line elsewhere."""

import csv
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio
import zarr
from fastapi.testclient import TestClient

from pipeline import quarter
from pipeline.grid.windows import uniform_halo
from pipeline.methods import METHODS
from pipeline.methods.annual.columns import PLANES
from pipeline.methods.buildings import Judged, Measured
from pipeline.methods.passes import Block, Handover, Pass, Work
from pipeline.methods.reach import Reach
from pipeline.methods.shades import Verdict
from pipeline.runs.plan import plan
from pipeline.runs.run import run
from service.api.app import create_app
from service.core.catalogue import Backend
from service.core.settings import Settings
from service.page import site
from tests.support import quarters, sites
from tests.support.commands import call
from tests.support.outcomes import assert_equal, outcome, run_interrupted, run_without_map
from tests.support.runs import Files
from tests.support.second import (
    ABOVE,
    CLASSES,
    IS_TALL,
    PROFILE,
    RISE,
    SECOND,
    SLANTED,
    STOREYS,
    TOO_SMALL,
    above,
)

NAME = SECOND.name
pytestmark = pytest.mark.usefixtures("second")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated quarter (`in`) and a run of the method over it (`run`)."""
    folder = tmp_path_factory.mktemp("second")
    quarter.generate(folder / "in", size=(300, 300), resolution=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(METHODS, NAME, SECOND)
        run(files_in(folder).request(folder / "run", **OPTIONS))
    return folder


@pytest.fixture
def finished(folder: Path) -> Path:
    return folder / "run"


OPTIONS: dict[str, Any] = {"method": NAME, "layers": (RISE.name,)}


def files_in(folder: Path) -> Files:
    """The quarter's sheets and footprints."""
    inputs = folder / "in"
    dsm, dtm = (tuple(sorted(inputs.glob(f"{kind}_*.tif"))) for kind in "RM")
    return Files(dsm, dtm, inputs / "pand.gpkg")


def rows(finished: Path) -> list[dict[str, Any]]:
    """What was judged."""
    table = pq.read_table(finished / "buildings.parquet").to_pylist()
    return [row for row in table if row["rejected"] is None]


def test_its_rows_are_what_it_declares(finished: Path) -> None:
    table = pq.read_table(finished / "buildings.parquet")
    assert table.schema.equals(SECOND.schema)
    judged = rows(finished)
    assert {row["class"] for row in judged} == {each.name for each in CLASSES}
    for row in judged:
        assert row[ABOVE.name] == pytest.approx(row["roof_m"] - row["ground_m"])
        assert row[IS_TALL.name] == (row[ABOVE.name] >= 6) == (row["class"] == "tall")
        middle, top = row[PROFILE.name]
        assert (middle["percent"], top["percent"]) == (50, 95)
        assert (SLANTED.name in row["flags"]) == (top["above_m"] - middle["above_m"] > 1)
    report = json.loads((finished / "report.json").read_text())
    assert report["method"]["name"] == NAME
    assert set(report["accounting"]["rejected"]) >= {TOO_SMALL.name}


def test_its_layer_is_the_height_above_the_ground(folder: Path) -> None:
    array: Any = zarr.open_group(folder / "run" / "rasters.zarr", mode="r")["0"][RISE.name]
    assert (array.dtype, array.attrs["units"]) == ("float32", "m")
    heights = []
    for kind in "RM":
        sheets = sorted((folder / "in").glob(f"{kind}_*.tif"))
        with rasterio.open(sheets[0]) as sheet:
            values = sheet.read(1, masked=True).filled(np.nan)
            heights.append((values, sheet.bounds))
    (dsm, bounds), (dtm, _) = heights
    x, y = (zarr.open_group(folder / "run" / "rasters.zarr", mode="r")["0"][n][:] for n in "xy")
    inside = (x > bounds.left) & (x < bounds.right), (y > bounds.bottom) & (y < bounds.top)
    part = array[:][np.ix_(inside[1], inside[0])]
    row, column = int(bounds.top - y[inside[1]][0]), int(x[inside[0]][0] - bounds.left)
    expected = (dsm - dtm)[row : row + part.shape[0], column : column + part.shape[1]]
    np.testing.assert_array_equal(part, expected)
    assert (part > 2).any()


@pytest.mark.parametrize("block", [16, 2048])
def test_any_block_gives_the_same(folder: Path, tmp_path: Path, block: int) -> None:
    run(files_in(folder).request(tmp_path / "out", block=block, workers=2, **OPTIONS))
    assert_equal(outcome(tmp_path / "out"), outcome(folder / "run"))


def test_an_interrupted_run_goes_on(folder: Path, tmp_path: Path) -> None:
    assert run_interrupted(files_in(folder), tmp_path / "out", 90, block=64, **OPTIONS)
    whole = run_without_map(files_in(folder), tmp_path / "whole", **OPTIONS)
    assert_equal(outcome(tmp_path / "out"), whole)


def test_it_is_planned(folder: Path, tmp_path: Path) -> None:
    found = plan(files_in(folder).request(tmp_path / "out", **OPTIONS))
    assert found.footprints == len(pq.read_table(folder / "run" / "buildings.parquet"))


def test_it_is_printed_and_counted_by_area(folder: Path) -> None:
    printed = call("report", str(folder / "run"))
    assert printed.exit_code == 0, printed.output
    assert all(f"  {each.en} " in printed.stdout for each in CLASSES)
    areas = folder / "in" / "boundaries.geojson"
    shown = call("report", str(folder / "run"), "--by", str(areas), "--format", "csv")
    assert shown.exit_code == 0, shown.output
    table = list(csv.DictReader(shown.stdout.splitlines()))
    assert sum(int(row["class_tall"]) for row in table) > 0
    judged = rows(folder / "run")
    whole = sum(row[ABOVE.name] * row["area_m2"] for row in judged)
    area = sum(row["area_m2"] for row in judged)
    report = json.loads((folder / "run" / "report.json").read_text())
    text = json.dumps(report)
    assert f'"{IS_TALL.name}": {sum(row[IS_TALL.name] for row in judged)}' in text
    assert f'"{ABOVE.name}": {whole / area:.6f}'[:16] in text


@pytest.mark.parametrize("ending", ["gpkg", "geojson", "parquet", "csv", "xlsx", "png", "tif"])
def test_it_is_exported(finished: Path, tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"out.{ending}"
    made = call("export", str(finished), "--to", str(file))
    assert made.exit_code == 0, made.output
    if ending == "tif":
        with rasterio.open(file) as raster:
            assert raster.dtypes[0] == "float32"
    elif ending == "csv":
        first = next(csv.DictReader(file.read_text("utf-8-sig").splitlines()))
        assert {ABOVE.name, IS_TALL.name, PROFILE.name} <= first.keys()
    elif ending == "xlsx":
        header = next(openpyxl.load_workbook(file).worksheets[0].values)
        assert PROFILE.en.title in header or PROFILE.name in header
    elif ending != "png":
        layer = {"layer": "buildings"} if ending == "gpkg" else {}
        table = gpd.read_parquet(file) if ending == "parquet" else gpd.read_file(file, **layer)
        assert {ABOVE.name, IS_TALL.name, PROFILE.name} <= set(table.columns)
        profile = table[PROFILE.name].dropna().iloc[0]
        assert [
            p["percent"] for p in (json.loads(profile) if isinstance(profile, str) else profile)
        ] == [50, 95]


@pytest.fixture
def client(folder: Path, tmp_path: Path) -> Iterator[TestClient]:
    """Of a service that has the run and the inputs."""
    data = tuple(str(folder / name) for name in ("run", "in"))
    with TestClient(
        create_app(Settings(data=data, state=tmp_path), work=False), "http://localhost"
    ) as one:
        yield one


def test_its_features_are_filtered_by_its_column(client: TestClient, finished: Path) -> None:
    found = client.get(
        "/collections/run/items", params={"filter": f"{ABOVE.name} > 6", "limit": 1000}
    ).json()
    high = {row["row"] for row in rows(finished) if row[ABOVE.name] > 6}
    assert {each["id"] for each in found["features"]} == high and high
    assert json.loads(found["features"][0]["properties"][PROFILE.name])[0]["percent"] == 50
    queryables = client.get("/collections/run/queryables").json()["properties"]
    assert ABOVE.name in queryables and PROFILE.name not in queryables


def test_its_tiles(client: TestClient) -> None:
    described = client.get("/collections/run/tiles/buildings")
    assert described.status_code == 200, described.text
    fields = described.json()["vector_layers"][0]["fields"]
    assert fields[ABOVE.name] == "Number" and PROFILE.name not in fields
    picture = client.get(f"/collections/run/tiles/{RISE.name}")
    assert picture.status_code == 200, picture.text


def test_it_is_a_job(folder: Path, tmp_path: Path) -> None:
    settings = Settings(data=(str(folder / "in"),), state=tmp_path, workers=1)
    place = quarters.carried_out(
        "suitability",
        {"area": "GM9999", "method": NAME, "parameters": {"tall_m": 4}},
        Backend.of(settings),
    )
    assert all(row[IS_TALL.name] == (row[ABOVE.name] >= 4) for row in rows(place))


def test_it_is_a_static_site(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site, "PAGE", sites.page(tmp_path / "page"))
    made = call("export", str(finished), "--to", str(tmp_path / "site"))
    assert made.exit_code == 0, made.output
    config = json.loads((tmp_path / "site" / "config.json").read_text("utf-8"))
    assert ABOVE.name in json.dumps(config) and config["collections"][0]["method"]["name"] == NAME


def measure(work: Work, block: Block) -> Handover:
    """Hand on the heights of buildings, neighbours' too."""
    return Handover(work.measured(block.footprints).columns())


def highest_nearby(work: Work, block: Block) -> Judged:
    """Whether a building with a height within 60 m of the centre is higher."""
    resolution = work.context.resolution
    _, own = work.handover("measure", block.footprints)
    measured = Measured.of(block.footprints, resolution, own)
    ground = block.core.grow(uniform_halo(math.ceil(60 / resolution)))
    near = work.context.prepared.read(ground.bounds(resolution))
    at, handover = work.handover("measure", near)
    others = Measured.of(near.take(at), resolution, handover)
    away = np.linalg.norm(
        measured.footprints.centre[:, None] - others.footprints.centre[None], axis=2
    )
    higher = (others.roof[None] > measured.roof[:, None]) & (away <= 60)
    columns = {ABOVE.name: measured.height / 100, IS_TALL.name: ~higher.any(axis=1)}
    for column in (PROFILE, STOREYS):
        columns[column.name] = pa.nulls(len(measured), column.type)
    return Judged(measured, np.full(len(measured), "low", object), columns, {})


def test_neighbours_beyond_an_area_are_measured(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the plain reach too, in shards that own no building of the area."""
    passes = (Pass("measure", measure, neighbours=True), Pass("above", highest_nearby))
    method = replace(SECOND, passes=passes, reach=Reach(lambda p: 60.0))
    monkeypatch.setitem(METHODS, NAME, method)
    files, options = files_in(folder), {**OPTIONS, "layers": ()}
    run(files.request(tmp_path / "whole", **options))
    whole = {row["row"]: row[IS_TALL.name] for row in rows(tmp_path / "whole")}
    bounds = pq.read_table(tmp_path / "whole" / "buildings.parquet").to_pandas()
    west, south = bounds["centre_x"].min(), bounds["centre_y"].min()
    middle = ",".join(f"{edge + by:.0f}" for by in (110, 190) for edge in (west, south))
    run(files.request(tmp_path / "part", area=middle, **options))
    part = {row["row"]: row[IS_TALL.name] for row in rows(tmp_path / "part")}
    assert 5 < len(part) < len(whole) / 2
    assert part == {row: whole[row] for row in part} and False in part.values()


ODD = replace(STOREYS, name="floors", verdict=Verdict("kind", IS_TALL.name, "high", "low"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"columns": (*SECOND.columns, ABOVE)}, "two columns have one name"),
        ({"classes": (replace(CLASSES[0], suits="nothing"),)}, "suit unknown columns"),
        ({"columns": (*SECOND.columns, PLANES)}, "coloured by unknown columns {'.*kw"),
        ({"columns": (*SECOND.columns, ODD)}, "coloured as unknown classes {'high'}"),
        ({"passes": ()}, "the last pass"),
        ({"passes": (Pass("above", above, neighbours=True),)}, "the last pass"),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        replace(SECOND, **changes)


@pytest.mark.parametrize("odd", [{"columns": {IS_TALL.name: None}}, {"flags": {"sloped": None}}])
def test_what_is_judged_is_what_was_declared(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, odd: dict[str, Any]
) -> None:
    def judge(work: Work, block: Block) -> Judged:
        return replace(above(work, block), **odd)

    monkeypatch.setitem(METHODS, NAME, replace(SECOND, passes=(Pass("above", judge),)))
    with pytest.raises(ValueError, match="not as it declares"):
        run(files_in(folder).request(tmp_path / "out", **OPTIONS))
