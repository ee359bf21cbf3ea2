"""OGC API - Features: by its rules, and by two clients that others wrote."""

import json
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyproj
import pytest
import shapely
from fastapi import FastAPI
from fastapi.testclient import TestClient
from owslib.ogcapi.features import Features

from pipeline.results import report
from service.api.app import create_app
from service.api.query import CRS84, RD_CRS
from service.core.settings import Settings
from tests.support.finished import seal
from tests.support.roofs import CORNER
from tests.support.services import COOKIES, MANY, app_of, browser, finish, listening, local, runs

TO_RD = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:28992", always_xy=True)


def features(client: TestClient, path: str, **given: Any) -> list[dict[str, Any]]:
    """Of all pages, by their `next` links."""
    found, where = [], path
    while where:
        answer = client.get(where, params=given or None)
        assert answer.status_code == 200, answer.text
        page, given = answer.json(), {}
        assert page["numberReturned"] == len(page["features"])
        found += page["features"]
        links = {link["rel"]: link["href"] for link in page["links"]}
        where = links.get("next", "")
    return found


def touching(table: pa.Table, area: shapely.Geometry) -> set[int]:
    """The rows whose polygon touches an area."""
    shapes = shapely.from_wkb(table["geometry"].to_numpy())
    return set(np.array(table["row"])[shapely.intersects(shapes, area)].tolist())


@pytest.mark.usefixtures("page_libraries")
def test_the_collections_are_told(client: TestClient) -> None:
    told = client.get("/collections").json()["collections"]
    assert [each["id"] for each in told] == ["quarter", "many"]
    for each in told:
        assert each["crs"] == [CRS84, RD_CRS] and each["storageCrs"] == RD_CRS
        west, south, east, north = each["extent"]["spatial"]["bbox"][0]
        assert 4 < west < east < 6 and 52 < south < north < 53
        assert client.get(f"/collections/{each['id']}").json() == each
        links = {link["rel"]: link for link in each["links"]}
        assert links["items"]["type"] == "application/geo+json"
        for link in each["links"]:
            answer = client.head(link["href"])
            assert answer.status_code == 200, link
            assert (
                answer.headers["content-type"].partition(";")[0] == link["type"].partition(";")[0]
            )


def test_all_features_a_page_at_a_time(client: TestClient, table: pa.Table) -> None:
    found = features(client, "/collections/many/items", limit=999)
    assert [each["id"] for each in found] == table["row"].to_pylist()
    assert client.get("/collections/many/items").json()["numberReturned"] == 100
    assert client.get("/collections/many/items").json()["numberMatched"] == MANY


@pytest.mark.parametrize(
    ("given", "column", "value"),
    [
        ({"class": "wind_or_solar"}, "class", "wind_or_solar"),
        ({"rejected": "no_ground"}, "rejected", "no_ground"),
        ({"rejected": "no"}, "rejected", None),
        ({"excluded": "any"}, "excluded", "both"),
        ({"selected": "false"}, "selected", False),
        ({"wind_suitable": "true"}, "wind_suitable", True),
        ({"solar_suitable": "true"}, "solar_suitable", True),
        ({"id": f"{17:016d}"}, "id", f"{17:016d}"),
    ],
)
def test_features_by_a_property(
    client: TestClient, table: pa.Table, given: dict[str, str], column: str, value: Any
) -> None:
    found = features(client, "/collections/many/items", limit=700, **given)
    rows = [
        r
        for r, v in zip(table["row"].to_pylist(), table[column].to_pylist(), strict=True)
        if v == value
    ]
    assert [each["id"] for each in found] == rows and rows
    assert all(each["properties"][column] == value for each in found)


def test_features_in_a_rectangle_of_rd(client: TestClient, table: pa.Table) -> None:
    given = {"bbox": ",".join(map(str, CORNER)), "bbox-crs": RD_CRS, "crs": RD_CRS}
    answer = client.get("/collections/many/items", params=given)
    assert answer.headers["content-crs"] == f"<{RD_CRS}>"
    found = features(client, "/collections/many/items", limit=50, **given)
    assert {each["id"] for each in found} == touching(table, shapely.box(*CORNER))
    shapes = dict(
        zip(table["row"].to_pylist(), shapely.from_wkb(table["geometry"].to_numpy()), strict=True)
    )
    for each in found:
        one = shapely.from_geojson(json.dumps(each["geometry"]))
        assert shapely.hausdorff_distance(one, shapes[each["id"]]) < 0.001


def test_features_in_a_rectangle_of_degrees(client: TestClient, table: pa.Table) -> None:
    box = 4.905, 52.375, 4.93, 52.385
    area = shapely.segmentize(shapely.box(*box), 0.0001)
    area = shapely.transform(area, TO_RD.transform, interleaved=False)
    expected = touching(table, area)
    found = features(
        client, "/collections/many/items", limit=500, bbox="4.905,52.375,0,4.93,52.385,99"
    )
    assert {each["id"] for each in found} == expected and 50 < len(expected) < MANY / 2
    shapes = dict(
        zip(table["row"].to_pylist(), shapely.from_wkb(table["geometry"].to_numpy()), strict=True)
    )
    for each in found:
        one = shapely.from_geojson(json.dumps(each["geometry"]))
        assert np.abs(shapely.get_coordinates(one)[:, 0] - 4.9).max() < 0.1
        back = shapely.transform(one, TO_RD.transform, interleaved=False)
        assert shapely.hausdorff_distance(back, shapes[each["id"]]) < 0.02


def test_a_rectangle_may_go_round_the_world(client: TestClient) -> None:
    everything = client.get("/collections/many/items", params={"bbox": "-180,-90,180,90"}).json()
    west = client.get("/collections/many/items", params={"bbox": "100,50,6,54"}).json()
    assert west["features"] == everything["features"] != []
    for nowhere in ("5.5,50,4.5,54", "100,50,110,54"):
        assert not features(client, "/collections/many/items", bbox=nowhere)


REFUSED = [
    {"foo": "1"}, {"limit": "0"}, {"limit": "x"}, {"bbox": "4,53,5,52"},
    {"bbox": "200,52,300,53"}, {"bbox": "1,2,3"}, {"cursor": "-1"},
    {"bbox": "a,b,c,d"}, {"bbox": "nan,1,2,3"}, {"bbox": "1,2,3,4,5"},
    {"bbox-crs": "EPSG:28992"}, {"crs": "http://www.opengis.net/def/crs/EPSG/0/4326"},
    {"datetime": "yesterday"}, {"datetime": "2021-02-30"}, {"datetime": "2021-01-02/2020-01-02"},
    {"datetime": "2021-01-02T25:00:00Z/.."}, {"class": "x"},
    {"selected": "perhaps"}, {"bbox_crs": CRS84},
]  # fmt: skip


@pytest.mark.parametrize("given", REFUSED, ids=str)
def test_faulty_parameters_are_refused(client: TestClient, given: dict[str, str]) -> None:
    answer = client.get("/collections/many/items", params=given)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert next(iter(given)) in answer.json()["detail"]


def test_a_page_is_no_larger_than_it_may_be(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.api.collections.MOST", 7)
    page = client.get("/collections/many/items", params={"limit": 10**12}).json()
    assert page["numberReturned"] == 7


@pytest.mark.parametrize(
    "path",
    ["/", "/conformance", "/api", "/processes", "/collections", "/collections/many",
     "/collections/many/schema", "/collections/many/items/3"],
)  # fmt: skip
def test_other_parameters_are_refused(client: TestClient, path: str) -> None:
    assert client.get(path, params={"foo": "1"}).status_code == 400


WHENS = ["2025-12-21", "2018-02-12T23:20:50Z", "../2030-01-01", "2020-01-01/..", "/2030-01-01",
         "2018-02-12T00:00:00Z/2018-03-18T12:31:12Z"]  # fmt: skip


@pytest.mark.parametrize("when", WHENS)
def test_buildings_have_no_time(client: TestClient, when: str) -> None:
    page = client.get("/collections/many/items", params={"datetime": when}).json()
    assert page["numberMatched"] == MANY


def test_a_building_by_its_row(client: TestClient, table: pa.Table) -> None:
    page = client.get("/collections/many/items", params={"limit": 3, "cursor": 1234}).json()
    for feature in page["features"]:
        answer = client.get(f"/collections/many/items/{feature['id']}")
        alone = answer.json()
        assert {link["rel"] for link in alone.pop("links")} == {"self", "collection"}
        assert alone == feature
    known = client.get("/collections/many/items/7", params={"crs": RD_CRS}).json()
    assert known["geometry"]["coordinates"][0][0][0] > 100_000
    assert client.get(f"/collections/many/items/{MANY}").status_code == 404


def test_columns_are_those_of_the_flat_export(client: TestClient) -> None:
    schema = client.get("/collections/quarter/schema").json()
    (feature,) = client.get("/collections/quarter/items", params={"limit": 1}).json()["features"]
    assert {*feature["properties"], "geometry"} == set(schema["properties"])
    assert {"lit_1", "lit_3", "flags", "class"} <= set(schema["properties"])


def test_a_result_is_its_clients_own(base: Path, tmp_path: Path) -> None:
    app = app_of(base, tmp_path / "state", open=False)
    mine, other = (browser(app, cookie) for cookie in COOKIES)
    name = finish(app, runs(base) / "quarter", COOKIES[0])
    assert [each["id"] for each in mine.get("/collections").json()["collections"]][-1] == name
    assert [each["id"] for each in other.get("/collections").json()["collections"]] == [
        "quarter",
        "many",
    ]
    for path in ("", "/items", "/items/1", "/schema"):
        answer = mine.get(f"/collections/{name}{path}")
        assert answer.status_code == 200
        assert answer.headers["cache-control"].startswith("private")
        assert other.get(f"/collections/{name}{path}").status_code == 404
    assert "public" in mine.get("/collections/quarter/items").headers["cache-control"]


# In a process of its own: GDAL waits for an answer without letting go of the interpreter.
GDAL = """
import json, sys
import pyogrio
where, west, south, east, north = sys.argv[1], *map(float, sys.argv[2:])
about = pyogrio.read_info(where, layer="many")
near = pyogrio.read_dataframe(where, layer="many", bbox=(west, south, east, north))
whole = pyogrio.read_dataframe(where, layer="many", PAGE_SIZE=700)
print(json.dumps({
    "layers": pyogrio.list_layers(where)[:, 0].tolist(),
    "features": about["features"], "crs": about["crs"], "near": near["row"].tolist(),
    "whole": whole["row"].tolist(), "classes": whole["class"].fillna("").tolist(),
}))
"""


def test_gdal_opens_the_buildings_as_a_layer(app: FastAPI, table: pa.Table) -> None:
    with listening(app) as address:
        words = [sys.executable, "-c", GDAL, f"OAPIF:{address}", *map(str, CORNER)]
        told = json.loads(subprocess.run(words, check=True, capture_output=True).stdout)
    assert told["layers"] == ["quarter", "many"]
    assert (told["features"], told["crs"]) == (MANY, "EPSG:28992")
    assert set(told["near"]) == touching(table, shapely.box(*CORNER))
    assert told["whole"] == table["row"].to_pylist()
    assert told["classes"] == [each or "" for each in table["class"].to_pylist()]


def test_owslib_reads_the_buildings(app: FastAPI) -> None:
    with listening(app) as address, warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        there = Features(f"{address}/")
        assert there.feature_collections() == ["quarter", "many"]
        assert there.collection("many")["storageCrs"] == RD_CRS
        assert any("ogcapi-features-2" in each for each in there.conformance()["conformsTo"])
        page = there.collection_items("many", bbox=[4.9, 52.37, 4.92, 52.38], limit=5)
        assert page["numberReturned"] == 5
        row = page["features"][0]["id"]
        assert there.collection_item("many", str(row))["id"] == row


def test_a_run_that_was_updated_is_told_anew(base: Path, tmp_path: Path) -> None:
    shutil.copytree(runs(base) / "many", tmp_path / "many")
    data = (str(tmp_path / "many"),)
    client = local(create_app(Settings(data=data, state=tmp_path / "state"), work=False))
    said = report.read(tmp_path / "many")
    for when in (said["machine"].get("finished", ""), "2031-02-03T04:05:06+0000"):
        said["machine"]["finished"] = when
        seal(tmp_path / "many", said)
        (told,) = client.get("/map/config.json").json()["collections"]
        assert told["computed"] == when


@pytest.mark.parametrize("damaged", ["buildings.parquet", "report.json"])
def test_a_run_that_is_damaged_takes_no_other_with_it(
    base: Path, tmp_path: Path, damaged: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is no fault of who asks; the operator is told."""
    shutil.copytree(runs(base) / "many", tmp_path / "bad")
    data = (str(tmp_path / "bad"), str(runs(base) / "quarter"))
    client = local(create_app(Settings(data=data, state=tmp_path / "state"), work=False))
    assert client.get("/collections/bad/items").status_code == 200
    file = tmp_path / "bad" / damaged
    file.write_bytes(file.read_bytes()[:500])
    os.utime(tmp_path / "bad" / "report.json", (2e9, 2e9))
    listed = client.get("/collections").json()["collections"]
    shown = client.get("/map/config.json").json()["collections"]
    assert [each["id"] for each in listed] == [each["name"] for each in shown] == ["quarter"]
    answer = client.get("/collections/bad/items")
    assert answer.status_code == 500 and "bad is damaged" in answer.json()["detail"]
    # Requests are logged too, where a test before has set the level so.
    assert {record.message for record in caplog.records} - {"request"} == {"damaged"}


def test_a_run_that_is_gone_takes_no_other_with_it(base: Path, tmp_path: Path) -> None:
    """Removed below the service, or made anew: it is not there, and all else is as before."""
    shutil.copytree(runs(base) / "many", tmp_path / "gone")
    data = (str(tmp_path / "gone"), str(runs(base) / "quarter"))
    app = create_app(Settings(data=data, state=tmp_path / "state"), work=False)
    client = local(app)
    assert client.get("/collections/gone/items").status_code == 200
    shutil.rmtree(tmp_path / "gone")
    paths = ("", "/items", "/items/1", "/schema", "/tiles/roofs", "/files/report.json")
    assert {client.get(f"/collections/gone{path}").status_code for path in paths} == {404}
    summary = {"inputs": {"collection": "gone"}}
    assert client.post("/processes/summary/execution", json=summary).status_code == 404
    mark = {"kind": "chance", "what": "panels", "collection": "gone", "row": 1}
    assert client.post("/marks", json=mark).status_code == 404
    listed = client.get("/collections").json()["collections"]
    shown = client.get("/map/config.json").json()["collections"]
    assert [each["id"] for each in listed] == [each["name"] for each in shown] == ["quarter"]
    answer = client.post("/processes/summary/execution", json={"inputs": {}})
    assert answer.json()["collection"] == "quarter"
