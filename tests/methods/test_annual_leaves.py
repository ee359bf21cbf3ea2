"""What leaves a run of `annual`: its planes as a layer of exports, and as features of a service."""

import contextlib
import sqlite3
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import geopandas
import numpy as np
import pyarrow.parquet as pq
import pytest
import shapely
from fastapi.testclient import TestClient

from pipeline.errors import InputError
from pipeline.methods.annual.columns import PLANES
from pipeline.methods.annual.declaration import ANNUAL
from pipeline.output.export import export
from pipeline.results import area_rows, report
from pipeline.results.parts import OVERHANG_M
from service.api.app import create_app
from service.core.settings import Settings
from tests.support.outcomes import compute
from tests.support.runs import Files, generated

FIELDS = [
    name
    for field in PLANES.fields
    for name in ([f"{field.name}_{n}" for n in range(1, 13)] if field.items else [field.name])
    if name != PLANES.geometry
]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return generated(tmp_path_factory.mktemp("in"), size=(200, 200))


@pytest.fixture(scope="module")
def run(files: Files, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("annual") / "run"
    compute(files, out, method="annual", layers=(), workers=1)
    return out


def planes(run: Path) -> list[dict[str, Any]]:
    """The planes of all rows with id, row and geometry of their building, in order."""
    table = pq.read_table(run / "buildings.parquet").to_pylist()
    return [
        {f"of_{name}": row[name] for name in ("id", "row", "geometry")}
        | plane
        | {f"month_kwh_{n}": kwh for n, kwh in enumerate(plane["month_kwh"], 1)}
        for row in table
        for plane in row["planes"] or ()
    ]


def test_a_raster_that_was_not_made_is_named_with_the_remedy(run: Path, tmp_path: Path) -> None:
    for name, layer in (("roofs.tif", "solar_kwh_m2"), ("plane.tif", "plane")):
        again = "run again with layers plane,sky_view,solar_kwh_m2 overwrite"
        with pytest.raises(InputError, match=f"'{layer}'.*{again}"):
            export(run, tmp_path / name)


def test_rows_by_area_have_what_annual_adds_up(run: Path, tmp_path: Path) -> None:
    table = pq.read_table(run / "buildings.parquet").to_pylist()
    middle = float(np.median([one["centre_y"] for one in table if one["centre_y"]]))
    halves = [shapely.box(0, 0, 3e5, middle), shapely.box(0, middle, 3e5, 7e5)]
    names = {"naam": ["zuid", "noord"], "huishoudens": [10, 20]}
    geopandas.GeoDataFrame(names, geometry=halves, crs=28992).to_file(tmp_path / "areas.gpkg")
    rows = area_rows.readable(report.by_area(run, tmp_path / "areas.gpkg"), ANNUAL)
    declared = {column.name for column in area_rows.columns_of(ANNUAL)}
    for row, south in zip(rows, (True, False), strict=False):
        inside = [one for one in table if one["centre_y"] and (one["centre_y"] <= middle) == south]
        judged = [one for one in inside if one["rejected"] is None]
        assert row["footprints"] == len(inside) > 5
        assert row["planes_number"] == sum(len(one["planes"]) for one in judged)
        assert isinstance(row["planes_number"], int)
        assert row["panel_kwp"] == round(sum(one["kwp"] for one in judged), 1)
        assert {*row} - {*names} <= declared


def test_planes_are_a_layer_of_a_geopackage(run: Path, tmp_path: Path) -> None:
    export(run, tmp_path / "b.gpkg")
    frame = geopandas.read_file(tmp_path / "b.gpkg", layer="planes")
    expected = planes(run)
    assert len(expected) > 50 and list(frame.columns) == ["id", "row", *FIELDS, "geometry"]
    for row, plane in zip(frame.to_dict("records"), expected, strict=True):
        assert (row["id"], row["row"]) == (plane["of_id"], plane["of_row"])
        for name in FIELDS:
            missing = plane[name] is None
            assert np.isnan(row[name]) if missing else row[name] == plane[name], name
        assert row["geometry"].equals(shapely.from_wkb(plane["outline"]))
    assert frame["azimuth_deg"].isna().equals(frame["kind"] == "flat")


def test_each_plane_has_one_line_of_the_style(run: Path, tmp_path: Path) -> None:
    export(run, tmp_path / "b.gpkg", lang="nl")
    with contextlib.closing(sqlite3.connect(tmp_path / "b.gpkg")) as database:
        (qml,) = database.execute(
            "SELECT styleQML FROM layer_styles WHERE f_table_name = 'planes'"
        ).fetchone()
        rules = [*ElementTree.fromstring(qml).iter("rule")]
        taken = {
            str(rule.get("label")): {
                n for (n,) in database.execute(f"SELECT fid FROM planes WHERE {rule.get('filter')}")
            }
            for rule in rules
        }
    assert list(taken)[:3] == ["plat", "noord", "noordoost"] and len(taken) == 9
    every = sorted(n for numbers in taken.values() for n in numbers)
    assert every == list(range(1, 1 + len(planes(run)))) and taken["plat"] and taken["zuid"]


def test_outlines_reach_no_further_than_row_groups_are_left_out_by(run: Path) -> None:
    for plane in planes(run):
        around = shapely.box(*shapely.from_wkb(plane["of_geometry"]).bounds).buffer(OVERHANG_M)
        assert shapely.covers(around, shapely.from_wkb(plane["outline"]))


def test_months_are_properties_of_their_own(run: Path, tmp_path: Path) -> None:
    app = create_app(Settings(data=(str(run),), state=tmp_path / "state"), work=False)
    client = TestClient(app, "http://localhost")
    table = pq.read_table(run / "buildings.parquet").to_pylist()
    june = {row["row"]: row["solar_month_kwh"][5] for row in table if row["solar_month_kwh"]}
    least = float(np.median([*june.values()]))
    asked = {"filter": f"solar_month_kwh_6 > {least}", "limit": 10_000}
    page = client.get("/collections/run/items", params=asked).json()
    found = {each["id"]: each["properties"]["solar_month_kwh_6"] for each in page["features"]}
    assert found == {row: kwh for row, kwh in june.items() if kwh > least} and found
    schema = client.get("/collections/run/queryables").json()["properties"]
    assert schema["solar_month_kwh_6"]["title"] == "Solar yield by month, June"
    assert "solar_month_kwh_13" not in schema


def test_months_have_titles_in_a_workbook(run: Path, tmp_path: Path) -> None:
    export(run, tmp_path / "planes.gpkg", lang="nl")
    with contextlib.closing(sqlite3.connect(tmp_path / "planes.gpkg")) as database:
        named = dict(database.execute("SELECT column_name, name FROM gpkg_data_columns").fetchall())
    assert named["month_kwh_12"] == "Opbrengst per maand, december"
