"""The parts of buildings as a collection of OGC API - Features beside the buildings."""

import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import geopandas
import pytest
import shapely
from fastapi import FastAPI
from fastapi.testclient import TestClient
from owslib.ogcapi.features import Features

from pipeline.methods import DEFAULT
from service.api import files
from service.api.app import create_app
from service.api.query import RD_CRS
from service.core.settings import Settings
from service.processes.results import available, outputs_of
from tests.support.second import SECOND, STOREYS
from tests.support.services import listening, local
from tests.support.storeys import ROWS, WITHOUT, expected, storeyed

RUN, PARTS = "run", f"run.{STOREYS.name}"
ITEMS = f"/collections/{PARTS}/items"
NAMES = ["id", "row", "number", "kind", "floor_m"]
IDS = [f"{part['row']}-{part['number']}" for part in expected()]
pytestmark = pytest.mark.usefixtures("second")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of buildings with storeys."""
    return storeyed(tmp_path_factory.mktemp("storeys") / RUN)


@pytest.fixture
def app(folder: Path, tmp_path: Path) -> FastAPI:
    return create_app(Settings(data=(str(folder),), state=tmp_path), work=False)


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    return local(app)


def pages(client: TestClient, **given: Any) -> list[dict[str, Any]]:
    """The features of all pages, by their `next` links."""
    found, where = [], ITEMS
    while where:
        answer = client.get(where, params=given or None)
        assert answer.status_code == 200, answer.text
        page, given = answer.json(), {}
        found += page["features"]
        where = {link["rel"]: link["href"] for link in page["links"]}.get("next", "")
    return found


@pytest.mark.usefixtures("page_libraries")
def test_they_are_a_collection_beside_the_buildings(client: TestClient) -> None:
    listed = client.get("/collections").json()["collections"]
    assert [each["id"] for each in listed] == [RUN, PARTS]
    buildings, parts = listed
    assert parts["title"] == f"{RUN}: {STOREYS.en.title}" and parts["storageCrs"] == RD_CRS
    assert client.get(f"/collections/{PARTS}").json() == parts
    for each, other in ((buildings, parts), (parts, buildings)):
        links = {link["rel"]: link["href"] for link in each["links"]}
        assert links["related"].endswith(f"/collections/{other['id']}")
        assert all(client.head(link["href"]).status_code == 200 for link in each["links"])
    west, south, east, north = parts["extent"]["spatial"]["bbox"][0]
    outline = client.get(ITEMS).json()["features"][0]["geometry"]["coordinates"][0]
    assert all(west < x < east and south < y < north for x, y in outline)


@pytest.mark.parametrize("limit", [37, 10_000])
def test_every_one_a_page_at_a_time(client: TestClient, limit: int) -> None:
    found = pages(client, limit=limit, crs=RD_CRS)
    assert [each["id"] for each in found] == IDS
    for each, part in zip(found, expected(), strict=True):
        assert each["properties"] == {name: part[name] for name in NAMES}
        if part["geometry"] is None:
            assert each["geometry"] is None and part["row"] == WITHOUT
        else:
            shape = shapely.from_geojson(json.dumps(each["geometry"]))
            assert shapely.hausdorff_distance(shape, shapely.from_wkb(part["geometry"])) < 1e-3
    assert client.get(ITEMS).json()["numberMatched"] == len(IDS)


@pytest.mark.parametrize(
    ("given", "holds"),
    [
        ({"row": "17"}, lambda p: p["row"] == 17),
        ({"id": f"{17:016d}"}, lambda p: p["row"] == 17),
        ({"kind": "upper"}, lambda p: p["kind"] == "upper"),
        ({"filter": "floor_m >= 6 AND number < 4"}, lambda p: p["number"] == 3),
        ({"filter": "geometry IS NULL"}, lambda p: p["geometry"] is None),
        ({"datetime": "2020-01-01/.."}, lambda p: True),
    ],
)  # fmt: skip
def test_those_that_hold_a_value(client: TestClient, given: dict[str, str], holds: Any) -> None:
    found = [each["id"] for each in pages(client, limit=50, **given)]
    assert found == [i for i, part in zip(IDS, expected(), strict=True) if holds(part)] and found


def test_those_in_a_rectangle(client: TestClient) -> None:
    outlines = [shapely.from_wkb(part["geometry"]) for part in expected()]
    area = shapely.box(*outlines[100].buffer(45).bounds)
    box = ",".join(map(str, shapely.bounds(area)))
    found = [each["id"] for each in pages(client, limit=5, bbox=box, **{"bbox-crs": RD_CRS})]
    assert found == [i for i, shape in zip(IDS, outlines, strict=True)
                     if shape is not None and shape.intersects(area)]  # fmt: skip
    assert 5 < len(found) < len(IDS) / 2


def test_one_by_its_id(client: TestClient) -> None:
    for feature in client.get(ITEMS, params={"cursor": 123, "limit": 3}).json()["features"]:
        answer = client.get(f"{ITEMS}/{feature['id']}").json()
        assert {link["rel"] for link in answer.pop("links")} == {"self", "collection"}
        assert answer == feature
    known = client.get(f"{ITEMS}/{IDS[-1]}", params={"crs": RD_CRS})
    assert known.headers["content-crs"] == f"<{RD_CRS}>"
    assert known.json()["geometry"]["coordinates"][0][0][0] > 100_000


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{ITEMS}/4-9", 404), (f"{ITEMS}/{ROWS}-1", 404), (f"{ITEMS}/4", 404),
        (f"{ITEMS}/9-1", 404), (f"{ITEMS}/x", 400),
        (f"{ITEMS}?selected=true", 400), (f"{ITEMS}?kind=roof", 400),
        (f"{ITEMS}?class=tall", 400), (f"{ITEMS}?filter=height_m>3", 400), (f"{ITEMS}?row=x", 400),
        (f"{ITEMS}?datetime=yesterday", 400), (f"{ITEMS}?f=html", 400),
        (f"/collections/{RUN}/items/4-1", 404), (f"/collections/{RUN}/items?row=4", 400),
        (f"/collections/{RUN}.planes", 404), (f"/collections/{RUN}.planes/items", 404),
        (f"/collections/other.{STOREYS.name}", 404), (f"/collections/{PARTS}/files/map.png", 404),
    ],
)  # fmt: skip
def test_faults_say_what_there_is(client: TestClient, path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status_code == status and answer.json()["detail"]
    if path.endswith("planes"):
        assert answer.json()["detail"].endswith(f"(there are {RUN}, {PARTS})")


def test_items_keep_to_the_schema_and_filters_to_the_queryables(client: TestClient) -> None:
    schema = client.get(f"/collections/{PARTS}/schema").json()
    assert list(schema["properties"]) == [*NAMES, "geometry"]
    assert schema["properties"]["number"]["type"] == ["integer", "null"]
    assert schema["properties"]["kind"]["enum"] == ["ground", "upper", None]
    assert "[m]" in schema["properties"]["floor_m"]["description"]
    queryables = client.get(f"/collections/{PARTS}/queryables").json()["properties"]
    assert list(queryables) == [*NAMES, "geometry"]
    buildings = client.get(f"/collections/{RUN}/schema").json()["properties"]
    assert STOREYS.name not in buildings
    (feature,) = client.get(f"/collections/{RUN}/items?limit=1").json()["features"]
    assert STOREYS.name not in feature["properties"]


def test_the_document_has_the_parameters_of_each(client: TestClient) -> None:
    document = client.get("/api").json()
    taken = {
        name: {each["$ref"].rpartition("/")[2]
               for each in document["paths"][f"/collections/{name}/items"]["get"]["parameters"]}
        for name in (RUN, PARTS)
    }  # fmt: skip
    both = {"bbox", "bbox-crs", "crs", "datetime", "limit", "cursor", "id", "filter"}
    assert both <= taken[RUN] & taken[PARTS]
    assert {"class", "selected"} <= taken[RUN] - taken[PARTS]
    assert taken[RUN] | taken[PARTS] <= document["components"]["parameters"].keys()


@pytest.mark.parametrize("ending", files.OF_PARTS)
def test_their_files(client: TestClient, tmp_path: Path, ending: str) -> None:
    path = f"/collections/{RUN}/files/{STOREYS.name}.{ending}"
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == files.OF_PARTS[ending]
    links = client.get(f"/collections/{RUN}").json()["links"]
    assert any(link["href"].endswith(path) for link in links)
    file = tmp_path / f"p.{ending}"
    file.write_bytes(answer.content)
    if ending == "csv":
        assert len(file.read_text("utf-8").splitlines()) == 1 + len(IDS)
    else:
        read = geopandas.read_parquet if ending == "parquet" else geopandas.read_file
        placed = [part for part in expected() if part["geometry"]]
        assert len(read(file)) == len(placed if ending == "fgb" else IDS)


def test_files_of_too_many_parts_are_not_made(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MOST_ROWS", len(IDS) - 1)
    for name, status in (("storeys.csv", 413), ("buildings.gpkg", 413), ("buildings.csv", 200)):
        assert client.get(f"/collections/{RUN}/files/{name}").status_code == status


def test_they_are_results_of_jobs_by_their_method() -> None:
    results = outputs_of("suitability")
    assert results[STOREYS.name].file == f"{STOREYS.name}.parquet"
    by_it = {"layers": [], "method": SECOND.name}
    assert STOREYS.name in available(results, by_it)
    assert STOREYS.name not in available(results, by_it | {"method": DEFAULT})


# In a process of its own: GDAL waits for an answer without letting go of the interpreter.
GDAL = """
import json, sys
import pyogrio
where, layer, west, south, east, north = *sys.argv[1:3], *map(float, sys.argv[3:])
about = pyogrio.read_info(where, layer=layer)
near = pyogrio.read_dataframe(where, layer=layer, bbox=(west, south, east, north))
whole = pyogrio.read_dataframe(where, layer=layer, PAGE_SIZE=100)
print(json.dumps({
    "layers": pyogrio.list_layers(where)[:, 0].tolist(), "features": about["features"],
    "crs": about["crs"], "near": near["row"].tolist(), "rows": whole["row"].tolist(),
    "numbers": whole["number"].tolist(),
}))
"""


def test_gdal_and_owslib_open_them_as_a_layer(app: FastAPI) -> None:
    part = expected()[100]
    box = shapely.bounds(shapely.from_wkb(part["geometry"]).buffer(-1))
    with listening(app) as address, warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        words = [sys.executable, "-c", GDAL, f"OAPIF:{address}", PARTS, *map(str, box)]
        made = json.loads(subprocess.run(words, check=True, capture_output=True).stdout)
        there = Features(f"{address}/")
        assert there.feature_collections() == [RUN, PARTS]
        page = there.collection_items(PARTS, limit=5)
        assert [each["id"] for each in page["features"]] == IDS[:5]
        assert (
            there.collection_item(PARTS, IDS[7])["properties"]["number"] == expected()[7]["number"]
        )
    assert made["layers"] == [RUN, PARTS]
    assert (made["features"], made["crs"]) == (len(IDS), "EPSG:28992")
    assert set(made["near"]) == {part["row"]}
    assert [f"{r}-{n}" for r, n in zip(made["rows"], made["numbers"], strict=True)] == IDS
