"""The files of a collection: whole and in parts, made once, and the zarr store over HTTP."""

import json
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import rasterio
import xarray
import zarr
from fastapi import FastAPI
from fastapi.testclient import TestClient
from obstore.store import HTTPStore
from pyogrio.errors import DataLayerError
from rasterio._err import CPLE_BaseError
from rasterio.errors import RasterioIOError

from pipeline.errors import InputError
from pipeline.output.export import WRITERS, write
from service.api import files
from service.core import exports
from service.core.problem import Problem
from tests.support.services import COOKIES, MANY, app_of, browser, finish, listening, local, runs

FILES = "/collections/quarter/files"
ABSOLUTE = re.compile(r'"(?:file://)?/[^"]*"')


@pytest.fixture
def app(base: Path, tmp_path: Path) -> FastAPI:
    """With nothing made yet."""
    return app_of(base, tmp_path / "state")


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    return local(app)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The names of the files that are made, each held up for others to ask."""
    names: list[str] = []

    def slow(directory: Path, to: Path, layer: str | None) -> None:
        names.append(to.name.split("-", 2)[-1])
        threading.Event().wait(0.3)
        write(directory, to, layer)

    monkeypatch.setattr(files, "write", slow)
    yield names


@pytest.mark.parametrize("name", files.STORED)
def test_outputs_of_a_run_are_sent_unchanged(client: TestClient, run: Path, name: str) -> None:
    answer = client.get(f"{FILES}/{name}")
    assert answer.content == (run / name).read_bytes()
    assert answer.headers["content-type"] == files.STORED[name]
    assert f'filename="quarter-{name}"' in answer.headers["content-disposition"]
    assert answer.headers["cache-control"].startswith("public")


def test_no_report_tells_where_things_are(client: TestClient) -> None:
    assert not ABSOLUTE.findall(client.get(f"{FILES}/report.json").text)
    assert ABSOLUTE.findall('{"name": "/srv/x"}')


def test_a_part_of_a_file(client: TestClient, run: Path) -> None:
    whole = (run / "buildings.parquet").read_bytes()
    where, size = f"{FILES}/buildings.parquet", len(whole)
    for given, part in {"0-3": whole[:4], "-8": whole[-8:], f"{size - 2}-": whole[-2:]}.items():
        answer = client.get(where, headers={"Range": f"bytes={given}"})
        assert (answer.status_code, answer.content) == (206, part)
        assert answer.headers["content-range"].endswith(f"/{size}")
    beyond = client.get(where, headers={"Range": f"bytes={size}-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{size}")
    assert beyond.headers["content-type"] == "application/problem+json"
    json_ = client.get(f"{FILES}/report.json", headers={"Range": "bytes=0-3"})
    assert (json_.status_code, json_.headers["accept-ranges"]) == (200, "none")
    for none in ("cells=0-3", "bytes=5-2", "bytes=x", "bytes="):
        assert client.get(where, headers={"Range": none}).status_code == 200


def test_a_part_of_a_file_that_is_still_the_same(client: TestClient) -> None:
    where, part = f"{FILES}/buildings.parquet", {"Range": "bytes=0-3"}
    told = client.head(where).headers
    for tag in (told["etag"], told["last-modified"]):
        assert client.get(where, headers=part | {"If-Range": tag}).status_code == 206
    beyond = {"Range": "bytes=99999999-", "If-Range": '"other"'}
    assert client.get(where, headers=beyond).status_code == 200
    assert client.get(where, headers=part | {"If-Range": '"other"'}).status_code == 200
    for same in ({"If-None-Match": told["etag"]}, {"If-Modified-Since": told["last-modified"]}):
        answer = client.get(where, headers=same)
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == told["etag"]
    assert client.get(where, headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("name", [*files.MADE, "shadow.tif"])
def test_a_part_of_what_is_made(client: TestClient, name: str) -> None:
    whole = client.get(f"{FILES}/{name}").content
    answer = client.get(f"{FILES}/{name}", headers={"Range": "bytes=10-19"})
    assert (answer.status_code, answer.content) == (206, whole[10:20])
    assert answer.headers["accept-ranges"] == "bytes"


def test_head_tells_of_a_file_without_it(client: TestClient, run: Path) -> None:
    answer = client.head(f"{FILES}/buildings.parquet")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) == (run / "buildings.parquet").stat().st_size
    assert answer.headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize("name", files.MADE)
def test_buildings_in_other_formats(
    client: TestClient, run: Path, tmp_path: Path, name: str
) -> None:
    answer = client.get(f"{FILES}/{name}")
    assert answer.headers["content-type"] == files.MADE[name]
    (tmp_path / name).write_bytes(answer.content)
    is_text, given = name.endswith(".csv"), {"layer": "buildings"} if "gpkg" in name else {}
    found = pd.read_csv(tmp_path / name) if is_text else gpd.read_file(tmp_path / name, **given)
    if name.endswith(".fgb"):  # which is ordered by place
        found = found.sort_values("row")
    assert found["row"].tolist() == pq.read_table(run / "buildings.parquet")["row"].to_pylist()
    assert client.get(f"{FILES}/{name}").headers["etag"] == answer.headers["etag"]


def test_layers_as_geotiff(client: TestClient, run: Path, tmp_path: Path) -> None:
    store = zarr.open_group(run / "rasters.zarr", mode="r")
    for layer in ("hillshade", "shadow", "sun_hillshade"):
        answer = client.get(f"{FILES}/{layer}.tif")
        assert answer.headers["content-type"] == files.COG
        (tmp_path / "x.tif").write_bytes(answer.content)
        with rasterio.open(tmp_path / "x.tif") as raster:
            cells = raster.read()
            assert raster.crs.to_epsg() == 28992
        assert np.array_equal(cells.reshape(store[f"0/{layer}"].shape), store[f"0/{layer}"][...])


def test_a_file_is_made_once_though_ten_ask(app: FastAPI, made: list[str]) -> None:
    with local(app) as client, ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: client.get(f"{FILES}/buildings.csv"), range(10)))
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.content for answer in answers}) == 1
        assert client.get(f"{FILES}/buildings.csv").content == answers[0].content
    assert made == ["buildings.csv"]


def test_so_many_files_wait_and_no_more(
    app: FastAPI, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MOST_WAITING", 1)
    names = ("buildings.csv", "buildings.geojson", "hillshade.tif")
    with local(app) as client, ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda name: client.get(f"{FILES}/{name}"), names))
    refused = [answer for answer in answers if answer.status_code == 503]
    assert len(refused) == 2 and all("retry-after" in answer.headers for answer in refused)
    assert not files._waiting


def test_a_fault_leaves_nothing_behind(
    client: TestClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(directory: Path, to: Path, layer: str | None) -> None:
        to.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "write", full)
    answer = client.get(f"{FILES}/buildings.csv")
    assert answer.status_code == 507
    folder = app.state.service.settings.state / exports.FOLDER
    assert not [file for file in folder.rglob("*") if file.is_file()]
    monkeypatch.undo()
    assert client.get(f"{FILES}/buildings.csv").status_code == 200


@pytest.mark.parametrize("error", [FileNotFoundError(2, "no"), KeyError("0"), InputError("no")])
def test_a_result_that_is_removed_while_it_is_asked_for(
    base: Path, tmp_path: Path, run: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    app = app_of(base, tmp_path / "state", open=False)
    client, id = browser(app, COOKIES[0]), finish(app, run, COOKIES[0])

    def removed(*_: Any) -> None:
        assert client.delete(f"/jobs/{id}").status_code == 200
        raise error

    monkeypatch.setattr(files, "write", removed)
    answer = client.get(f"/collections/{id}/files/buildings.csv")
    assert answer.status_code == 404 and "removed meanwhile" in answer.json()["detail"]


@pytest.mark.parametrize(
    "error",
    [
        DataLayerError("Cannot write feature"),
        RasterioIOError("Write failed"),
        CPLE_BaseError(3, 1, ""),
    ],
    ids=("a table", "a raster", "its driver"),
)
def test_a_full_disk_that_a_library_tells_of_in_its_own_words(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def full(_: Any) -> None:
        raise error

    monkeypatch.setitem(WRITERS, ".csv", full)
    answer = client.get(f"{FILES}/buildings.csv")
    assert answer.status_code == 507
    assert "no room" in answer.json()["detail"]


def test_kept_exports_are_bounded(
    client: TestClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "MOST_BYTES", 1)
    folder = app.state.service.settings.state / exports.FOLDER
    for name in ("buildings.csv", "buildings.geojson"):
        assert client.get(f"{FILES}/{name}").status_code == 200
        assert [file.name for file in folder.glob("*/*")] == [name]


def test_exports_too_large_are_refused_with_the_remedy(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MOST_ROWS", MANY - 1)
    monkeypatch.setattr(files, "MOST_CELLS", 100)
    for path in ("/collections/many/files/buildings.gpkg", f"{FILES}/shadow.tif"):
        answer = client.get(path)
        assert answer.status_code == 413
        assert "job for an area" in answer.json()["detail"]
    assert client.get("/collections/many/files/buildings.parquet").status_code == 200
    links = json.dumps(client.get("/collections/many").json()["links"])
    assert "buildings.gpkg" not in links and "buildings.parquet" in links


ELSEWHERE = [
    "x.gpkg", "surface.tif", "request.json", "buildings.gpkg.gpkg", "..%2freport.json", "%2e%2e",
    "rasters.zarr", "rasters.zarr/", "rasters.zarr/0/", "rasters.zarr/none",
    "rasters.zarr/%2e%2e/report.json", "rasters.zarr/..%2Freport.json", "rasters.zarr//zarr.json",
    "rasters.zarr/%2Fetc%2Fpasswd", "rasters.zarr/0/shadow/c/99/99", "rasters.zarr/.zmetadata",
    "rasters.zarr/0%5c..%5czarr.json",
]  # fmt: skip


@pytest.mark.parametrize("path", ELSEWHERE)
def test_there_is_nothing_else(client: TestClient, path: str) -> None:
    answer = client.get(f"{FILES}/{path}")
    assert answer.status_code in (400, 404), path
    assert answer.headers["content-type"] == "application/problem+json"
    assert str(Path.home()) not in answer.text


@pytest.mark.parametrize(
    "key", ["../report.json", "0/../../report.json", "0/./zarr.json", "..", "."]
)
def test_no_key_leads_out_of_the_store(run: Path, key: str) -> None:
    with pytest.raises(Problem, match="there is no chunk"):
        files._inside(run / "rasters.zarr", key)


def test_a_group_says_what_is_in_it(client: TestClient) -> None:
    group, said = (client.get(f"{FILES}/rasters.zarr/0{end}") for end in ("", "/zarr.json"))
    assert group.json() == said.json()
    assert "shadow" in said.json()["consolidated_metadata"]["metadata"]


def test_a_link_out_of_the_store_is_not_followed(base: Path, tmp_path: Path) -> None:
    app = app_of(base, tmp_path / "state", open=False)
    name = finish(app, runs(base) / "quarter", COOKIES[0])
    (app.state.service.settings.state / "results" / ("k" * 16) / "rasters.zarr" / "out").symlink_to(
        runs(base) / "quarter" / "report.json"
    )
    client = browser(app, COOKIES[0])
    assert client.get(f"/collections/{name}/files/rasters.zarr/zarr.json").status_code == 200
    assert client.get(f"/collections/{name}/files/rasters.zarr/out").status_code == 404


def test_a_result_is_its_clients_own(base: Path, tmp_path: Path) -> None:
    app = app_of(base, tmp_path / "state", open=False)
    name = finish(app, runs(base) / "quarter", COOKIES[0])
    mine, other = (browser(app, cookie) for cookie in COOKIES)
    for path in ("report.json", "buildings.csv", "rasters.zarr/zarr.json"):
        answer = mine.get(f"/collections/{name}/files/{path}")
        assert answer.status_code == 200
        assert answer.headers["cache-control"].startswith("private")
        assert other.get(f"/collections/{name}/files/{path}").status_code == 404


def assert_same(found: Any, run: Path, level: str) -> None:
    """Coordinates and cells of a level are those on disk."""
    expected = xarray.open_zarr(run / "rasters.zarr" / level, consolidated=False)
    assert "shadow" in found
    xarray.testing.assert_identical(found.load(), expected.load())


def test_xarray_opens_the_store(app: FastAPI, run: Path) -> None:
    with listening(app) as address:
        for level in zarr.open_group(run / "rasters.zarr", mode="r").group_keys():
            url = f"{address}{FILES}/rasters.zarr/{level}"
            web = HTTPStore.from_url(url, client_options={"allow_http": True})
            store = zarr.storage.ObjectStore(web, read_only=True)
            assert_same(xarray.open_zarr(store), run, level)


def test_xarray_opens_the_address(app: FastAPI, run: Path) -> None:
    pytest.importorskip("aiohttp")
    with listening(app) as address:
        assert_same(xarray.open_zarr(f"{address}{FILES}/rasters.zarr/0"), run, "0")
