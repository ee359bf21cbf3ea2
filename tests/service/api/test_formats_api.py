"""Formats through the service: those that there are, by `f` or `Accept`; others are refused, not
ignored. And what collections, jobs and processes say of their parts."""

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.support.finished import amend
from tests.support.services import COOKIES, app_of, browser, finish, runs

PATHS = (
    "/", "/api", "/conformance", "/collections", "/collections/many", "/collections/many/items",
    "/collections/many/items/3", "/collections/many/schema", "/collections/many/queryables",
    "/collections/many/tiles/buildings", "/processes", "/processes/summary", "/jobs", "/marks",
    "/places?q=a",
)  # fmt: skip


def with_format(path: str, name: str) -> str:
    """An address with `f`."""
    return f"{path}{'&' if '?' in path else '?'}f={name}"


@pytest.mark.parametrize("path", PATHS)
def test_json_is_to_be_had_everywhere(client: TestClient, path: str) -> None:
    plain, formed = client.get(path), client.get(with_format(path, "json"))
    assert plain.status_code == formed.status_code == 200, formed.text
    assert "json" in formed.headers["content-type"]
    for accept in ("application/json", "text/html;q=0.9, application/*;q=0.1", "*/*", ""):
        if path != "/" or not accept.startswith("text"):
            assert client.get(path, headers={"Accept": accept}).status_code == 200, accept


@pytest.mark.parametrize("path", PATHS)
def test_another_format_is_refused(client: TestClient, path: str) -> None:
    for name in ("xml", "gml", "csv", "", *(["html"] if path != "/" else [])):
        answer = client.get(with_format(path, name))
        assert answer.status_code == 400, answer.text
        assert "f" in answer.json()["detail"] and "json" in answer.json()["detail"]
    for accept in ("application/gml+xml", "image/png", "application/json;q=0, text/csv"):
        answer = client.get(path, headers={"Accept": accept})
        assert answer.status_code == 406, accept
        assert answer.headers["content-type"] == "application/problem+json"
        assert "json" in answer.json()["detail"]


def test_a_browser_gets_the_map_unless_it_asks_for_json(client: TestClient) -> None:
    html = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}
    there = client.get("/?f=html", follow_redirects=False)
    assert there.status_code == 307 and there.headers["location"].endswith("/map/")
    assert client.get("/", headers=html, follow_redirects=False).status_code == 307
    assert client.get("/?f=json", headers=html, follow_redirects=False).status_code == 200
    assert client.get("/map/", headers=html).headers["content-type"].startswith("text/html")
    assert client.get("/collections", headers={"Accept": "text/html"}).status_code == 406


def test_tiles_and_figures_are_no_json(client: TestClient) -> None:
    tile = "/collections/many/tiles/roofs/10/526/337"
    assert client.get(tile).status_code == 200
    assert client.get(f"{tile}?f=json").status_code == 400
    assert client.get(tile, headers={"Accept": "application/json"}).status_code == 406
    assert client.get(tile, headers={"Accept": "image/*"}).status_code == 200
    openmetrics = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2"
    assert client.get("/metrics", headers={"Accept": openmetrics}).status_code != 406


def execution(client: TestClient, process: str, **body: Any) -> Any:
    """The answer to an order."""
    return client.post(f"/processes/{process}/execution", json=body)


def test_a_format_of_an_output_that_is_not_to_be_had_is_refused(client: TestClient) -> None:
    inputs = {"collection": "quarter"}
    for kind, status in (("application/json", 200), ("APPLICATION/JSON; x=1", 200),
                         ("text/csv", 400), ("application/xml", 400)):  # fmt: skip
        outputs = {"summary": {"format": {"mediaType": kind}}}
        answer = execution(client, "summary", inputs=inputs, outputs=outputs)
        assert answer.status_code == status, answer.text
    outputs = {"geopackage": {"format": {"mediaType": "application/x-shapefile"}}}
    answer = execution(client, "suitability", inputs={"area": "Daklaag"}, outputs=outputs)
    assert answer.status_code == 400
    assert "comes as application/geopackage+sqlite3" in answer.json()["detail"]


def test_collections_link_all_their_parts(client: TestClient) -> None:
    links = client.get("/collections/quarter").json()["links"]
    by_path = {link["href"].partition("/collections/quarter")[2]: link for link in links}
    for path in ("/files/shadow.tif", "/files/hillshade.tif", "/files/rasters.zarr/0",
                 "/files/map.png", "/files/buildings.parquet"):  # fmt: skip
        assert by_path[path]["rel"] == "enclosure"
    for layer in ("hillshade", "shadow", "sun_hillshade", "roofs", "buildings"):
        told = client.get(by_path[f"/tiles/{layer}"]["href"]).json()
        assert told["tilejson"] == "3.0.0" and "TileJSON" in by_path[f"/tiles/{layer}"]["title"]
    (page,) = (link for link in links if link["type"] == "text/html")
    assert page["href"].endswith("/map/#c=quarter") and page["rel"] == "alternate"
    many = client.get("/collections/many").json()["links"]
    assert not any("rasters" in link["href"] or "shadow" in link["href"] for link in many)


@pytest.mark.parametrize(
    ("area", "around", "title"),
    [
        ({"region": "GM9999", "name": "Daklaag"}, None, "Daklaag, 2031-02-03"),
        ([121000.0, 487000.6, 122000.0, 488000.0], None,
         "box 121000,487001,122000,488000, 2031-02-03"),
        (None, [121000.0, 487000.0, 500.0], "circle 121000,487000,500, 2031-02-03"),
        ({"name": "", "sha256": "x"}, None, "drawn area, 2031-02-03"),
    ],
)  # fmt: skip
def test_the_collection_of_a_job_is_titled_by_its_area_and_date(
    base: Path, tmp_path: Path, area: Any, around: Any, title: str
) -> None:
    app = app_of(base, tmp_path / "state", open=False)
    name = finish(app, runs(base) / "quarter", COOKIES[0])
    file = app.state.service.settings.state / "results" / ("k" * 16) / "report.json"
    said = json.loads(file.read_text("utf-8"))
    said["inputs"] |= {"area": area, "around": around}
    said["machine"]["finished"] = "2031-02-03T04:05:06+0000"
    amend(file.parent, said)
    client = browser(app, COOKIES[0])
    assert client.get(f"/collections/{name}").json()["title"] == title
    assert client.get(f"/collections/{name}/schema").json()["title"] == title
    assert client.get("/collections/quarter").json()["title"] == "quarter"


def test_processes_say_that_they_refuse_references(client: TestClient) -> None:
    for told in client.get("/processes").json()["processes"]:
        assert "by reference (`href`) is refused" in told["description"]
    inputs: Any = {"area": {"href": "http://example.com/area.geojson"}}
    answer = execution(client, "suitability", inputs=inputs)
    assert answer.status_code == 400 and "refers to another place" in answer.json()["detail"]
    for value in ({"href": "http://example.com/"}, {"a": 1}, 5, True):
        inputs = {"area": "120000,487000,120100,487100", "parameters": {"statuses": value}}
        answer = execution(client, "suitability", inputs=inputs)
        assert answer.status_code == 400
        assert "parameter statuses" in answer.json()["detail"]


def test_the_document_says_what_metrics_refuse(client: TestClient) -> None:
    told = client.get("/api").json()["paths"]["/metrics"]["get"]["responses"]
    assert {"200", "401", "403"} <= told.keys()
    assert "application/problem+json" in told["403"]["content"]
