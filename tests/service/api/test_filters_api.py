"""Filters through the service: in CQL2 text, and by what GDAL and QGIS find in /api; with schemas
that say what there is to filter by."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jsonschema_rs
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from fastapi import FastAPI
from fastapi.testclient import TestClient

from pipeline.grid.crs import lonlat
from pipeline.results import report
from service.api import cql
from service.api.app import create_app
from service.api.query import CRS84, MOST, RD_CRS, USUAL
from service.core.settings import Settings
from tests.support.clocks import using_at_most
from tests.support.finished import seal
from tests.support.roofs import CORNER
from tests.support.services import COOKIES, MANY, app_of, browser, finish, listening, local, runs

ITEMS = "/collections/many/items"


def asked(client: TestClient, **given: Any) -> list[int]:
    """The rows of all pages, of which each says how many there are."""
    where, found, matched = ITEMS, [], set()
    while where:
        answer = client.get(where, params=given or None)
        assert answer.status_code == 200, answer.text
        page, given = answer.json(), {}
        found += [each["id"] for each in page["features"]]
        matched.add(page["numberMatched"])
        where = next((link["href"] for link in page["links"] if link["rel"] == "next"), "")
    assert matched == {len(found)}
    return found


def test_a_filter_passes_what_it_says(client: TestClient, table: pa.Table) -> None:
    text = "class IN ('solar', 'none') AND NOT (area_m2 < 100 OR built IS NULL)"
    expected = [
        row["row"]
        for row in table.to_pylist()
        if row["class"] in ("solar", "none") and row["area_m2"] >= 100 and row["built"] is not None
    ]
    assert 100 < len(expected) < MANY / 2
    assert asked(client, filter=text, limit=60) == expected
    assert asked(client, filter=text, **{"filter-lang": "cql2-text"}, limit=MOST) == expected


def test_a_filter_goes_with_the_other_parameters(client: TestClient, table: pa.Table) -> None:
    box = ",".join(map(str, CORNER))
    given = {"bbox": box, "bbox-crs": RD_CRS, "class": "none", "filter": "area_m2 > 100"}
    expected = [
        row["row"]
        for row in table.to_pylist()
        if row["class"] == "none" and row["area_m2"] > 100 and row["geometry"]
        and shapely.from_wkb(row["geometry"]).intersects(shapely.box(*CORNER))
    ]  # fmt: skip
    assert asked(client, **given) == expected != []


def test_geometries_of_a_filter_are_in_its_crs(client: TestClient) -> None:
    box = ",".join(map(str, CORNER))
    expected = asked(client, bbox=box, **{"bbox-crs": RD_CRS}, limit=MOST)
    rd = f"S_INTERSECTS(geometry, {shapely.box(*CORNER).wkt})"
    for text in (rd, f"S_INTERSECTS(geometry, BBOX({box}))"):
        assert asked(client, filter=text, **{"filter-crs": RD_CRS}, limit=MOST) == expected
    degrees = ",".join(map(str, lonlat(CORNER)))
    expected = asked(client, bbox=degrees, limit=MOST)
    polygon = shapely.box(*lonlat(CORNER)).wkt
    for text in (f"BBOX({degrees})", polygon):
        given = {"filter": f"S_INTERSECTS(geometry, {text})"}
        assert asked(client, **given, limit=MOST) == expected != []
        assert asked(client, **given, **{"filter-crs": CRS84}, limit=MOST) == expected
    assert asked(client, filter="S_INTERSECTS(geometry, POINT(100 10))") == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"filter": "S_WITHIN(geometry, POINT(5 52))"}, "S_WITHIN is not supported"),
        ({"filter": "class = "}, "not CQL2 text, from character 9"),
        ({"filter": "height = 3"}, "no column height"),
        ({"filter": "class = 3"}, "cannot be compared"),
        ({"filter": "a" * (cql.LONGEST + 1)}, "filter"),
        ({"filter": ""}, "filter"),
        ({"filter": "class = 'solar'", "filter-lang": "cql2-json"}, "filter-lang"),
        ({"filter": "class = 'solar'", "filter-crs": "EPSG:28992"}, "filter-crs"),
        (
            {"filter": "S_INTERSECTS(geometry, POLYGON((4 52, 5 53, 5 52, 4 53, 4 52)))"},
            "not valid",
        ),
    ],
)
def test_faulty_filters_are_refused(client: TestClient, given: dict[str, str], said: str) -> None:
    answer = client.get(ITEMS, params=given)
    assert answer.status_code == 400
    assert said in answer.json()["detail"]


def test_a_column_of_later_runs_is_not_known_to_an_earlier_one(base: Path, tmp_path: Path) -> None:
    shutil.copytree(runs(base) / "many", tmp_path / "early")
    file = tmp_path / "early" / "buildings.parquet"
    pq.write_table(pq.read_table(file).drop_columns(["built"]), file)
    seal(tmp_path / "early", report.read(tmp_path / "early"))
    settings = Settings(data=(str(tmp_path / "early"),), state=tmp_path / "state")
    client = local(create_app(settings, work=False))
    assert "built" not in client.get("/collections/early/queryables").json()["properties"]
    answer = client.get("/collections/early/items", params={"filter": "built = 1970"})
    assert answer.status_code == 400 and "no column built" in answer.json()["detail"]


@pytest.mark.parametrize("text", ["(" * 60 + "class", "row = " + "-" * 3990 + "1"])
def test_a_filter_that_the_parser_cannot_bear_is_refused(client: TestClient, text: str) -> None:
    """It takes the library hours, or the process that reads it; not the service's."""
    with using_at_most(20):
        answer = client.get(ITEMS, params={"filter": text})
    assert answer.status_code == 400 and "takes too long to read" in answer.json()["detail"]
    assert asked(client, filter="row = 5") == [5]


def test_a_filter_waits_for_no_more_than_two(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cql, "PATIENCE_S", 0.01)
    with cql.AT_ONCE, cql.AT_ONCE:
        answer = client.get(ITEMS, params={"filter": "row = 123"})
    assert answer.status_code == 503 and int(answer.headers["retry-after"]) > 0
    assert asked(client, filter="row = 123") == [123]


def test_items_keep_to_the_schema(client: TestClient) -> None:
    for name in ("quarter", "many"):
        told = client.get(f"/collections/{name}").json()
        links = {link["rel"]: link for link in told["links"]}
        schema = links["http://www.opengis.net/def/rel/ogc/1.0/schema"]
        assert schema["type"] == "application/schema+json"
        said = client.get(schema["href"]).json()
        validator = jsonschema_rs.Draft202012Validator(said)
        found = client.get(f"/collections/{name}/items", params={"limit": 1000}).json()["features"]
        for each in found:
            validator.validate(each["properties"])
        nulls = {
            key for each in found for key, value in each["properties"].items() if value is None
        }
        assert {"class", "rejected", "excluded"} <= nulls
        for column, wrong in (("class", "x"), ("row", None), ("area_m2", "3"), ("selected", None)):
            assert not validator.is_valid(found[0]["properties"] | {column: wrong})
        assert said["properties"]["solar_kwh"]["title"] == "Solar yield"
        assert "[kWh/year]" in said["properties"]["solar_kwh"]["description"]
        assert said["properties"]["class"]["enum"] == ["solar", "wind_or_solar", "none", None]
        assert all("title" in each for each in said["properties"].values())


def test_queryables_are_what_a_filter_may_name(client: TestClient) -> None:
    (link,) = (
        link for link in client.get("/collections/many").json()["links"]
        if link["rel"] == "http://www.opengis.net/def/rel/ogc/1.0/queryables"
    )  # fmt: skip
    said = client.get(link["href"]).json()
    assert said["$id"] == link["href"] and said["additionalProperties"] is False
    (feature,) = client.get(ITEMS, params={"limit": 1}).json()["features"]
    assert {*feature["properties"], "geometry"} == set(said["properties"])
    for name, each in said["properties"].items():
        assert asked(client, filter=f'"{name}" IS NULL AND row = 1') in ([], [1])
        # QGIS takes a text for the type, and this prefix for a geometry.
        assert isinstance(each.get("type"), str) or each["$ref"].startswith("https://geojson.org/")
    classes = client.get("/conformance").json()["conformsTo"]
    for name in ("filter", "features-filter", "queryables"):
        assert f"http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/{name}" in classes
    for name in ("cql2-text", "basic-cql2"):
        assert f"http://www.opengis.net/spec/cql2/1.0/conf/{name}" in classes


def test_the_document_says_what_clients_filter_by(base: Path, tmp_path: Path) -> None:
    """A path of its own for each collection that is seen, and where QGIS looks for the limit."""
    app = app_of(base, tmp_path / "state", open=False)
    job = finish(app, runs(base) / "quarter", COOKIES[0])
    mine, other = browser(app, COOKIES[0]), browser(app, COOKIES[1])
    document = mine.get("/api").json()
    assert document["components"]["parameters"]["limit"]["schema"] == {
        "type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL,
    }  # fmt: skip
    assert "/collections/{collectionId}/items" in document["paths"]
    for name in ("quarter", "many", job):
        given = document["paths"][f"/collections/{name}/items"]["get"]["parameters"]
        shared = document["components"]["parameters"]
        found = [shared[each["$ref"].rpartition("/")[2]] for each in given]
        formed = {each["name"] for each in found if each.get("style") == "form"}
        assert formed == {"bbox", "id", "class", "rejected", "excluded", "selected",
                          "solar_suitable", "wind_suitable"}  # fmt: skip
        assert not any(each["explode"] for each in found if each["name"] in formed)
        assert {"limit", "filter", "filter-lang", "filter-crs", "f"} <= {e["name"] for e in found}
    assert f"/collections/{job}/items" not in other.get("/api").json()["paths"]
    assert job not in other.get("/api").text


@contextmanager
def heard(app: FastAPI) -> Iterator[tuple[str, list[str]]]:
    """The address of a server, and the addresses of items that it is asked for."""
    asked_for: list[str] = []

    async def listening_in(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"].endswith("/items"):
            asked_for.append(f"{scope['path']}?{scope['query_string'].decode()}")
        await app(scope, receive, send)

    listening_in.state = app.state  # type: ignore[attr-defined]
    with listening(listening_in) as address:  # type: ignore[arg-type]
        yield address, asked_for


GDAL = """
import json, sys
import pyogrio
where, *filters = sys.argv[1:]
print(json.dumps([
    pyogrio.read_dataframe(where, layer="many", where=each, PAGE_SIZE=1000)["row"].tolist()
    for each in filters
]))
"""


def test_gdal_asks_for_what_its_filter_needs(app: FastAPI, table: pa.Table) -> None:
    """By the parameters of the collection's own path; the rest it looks at itself."""
    filters = {
        "class = 'solar'": {"class": ["solar"]},
        "class = 'solar' AND area_m2 > 100": {"class": ["solar"]},
        "selected = 0 AND class = 'none'": {"class": ["none"], "selected": ["0"]},
    }
    with heard(app) as (address, asked_for):
        words = [sys.executable, "-c", GDAL, f"OAPIF:{address}", *filters]
        told = json.loads(subprocess.run(words, check=True, capture_output=True).stdout)
    sent = [parse_qs(urlsplit(each).query) for each in asked_for]
    for each in sent:
        for name in ("limit", "cursor", "crs"):
            each.pop(name, None)
    for given in filters.values():
        assert given in sent
    rows = table.to_pylist()
    assert told[0] == [r["row"] for r in rows if r["class"] == "solar"]
    assert told[1] == [r["row"] for r in rows if r["class"] == "solar" and r["area_m2"] > 100]
    assert told[2] == [r["row"] for r in rows if r["class"] == "none" and not r["selected"]]
