"""Tiles over HTTP: those of pipeline.output.tiles, packed and kept, and never missing."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from pipeline.output.tiles import overview
from pipeline.output.tiles.overview import Overview
from pipeline.output.tiles.pictures import Pictures
from pipeline.output.tiles.roofs import RoofTiles
from pipeline.output.tiles.scheme import MapTile
from pipeline.storage.geoparquet import GeoParquet
from service.api import opened, tiles
from service.api.app import begin_warming
from tests.support.finished import METHOD
from tests.support.services import COOKIES, app_of, browser, finish, local, runs

TILES = "/collections/quarter/tiles"
LAYERS = ["hillshade", "shadow", "sun_hillshade", "roofs", "buildings"]
NOWHERE = MapTile.at(-40.0, 30.0, 15)


@pytest.fixture(scope="module")
def middle(client: TestClient) -> tuple[float, float]:
    """Lon and lat of the middle of the quarter."""
    west, south, east, north = client.get(f"{TILES}/buildings").json()["bounds"]
    return (west + east) / 2, (south + north) / 2


def path(layer: str, tile: MapTile, sun: str = "") -> str:
    return f"{TILES}/{layer}/{tile.z}/{tile.x}/{tile.y}{f'?sun={sun}' if sun else ''}"


def alpha(content: bytes) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGBA"))[..., 3]


@pytest.mark.parametrize("layer", LAYERS)
def test_tilejson_tells_where_the_tiles_are(client: TestClient, layer: str) -> None:
    told = client.get(f"{TILES}/{layer}").json()
    assert told["tilejson"] == "3.0.0" and 0 <= told["minzoom"] < told["maxzoom"] <= 24
    west, south, east, north = told["bounds"]
    assert 4 < west < east < 6 and 52 < south < north < 53
    tile = MapTile.at((west + east) / 2, (south + north) / 2, told["maxzoom"])
    url = told["tiles"][0].format(z=tile.z, x=tile.x, y=tile.y)
    assert client.get(url).content == client.get(path(layer, tile)).content != b""
    assert told["attribution"]
    if layer == "buildings":
        vector, points = told["vector_layers"]
        kinds = {
            "class": "String",
            "height_m": "Number",
            "solar_suitable": "Boolean",
            "lit": "String",
        }
        assert points["id"] == "turbines" and points["fields"].keys() < vector["fields"].keys()
        assert vector["id"] == "buildings" and kinds.items() <= vector["fields"].items()


def test_pictures_are_those_of_the_pyramid(
    client: TestClient, run: Path, middle: tuple[float, float]
) -> None:
    pictures = Pictures(run / "rasters.zarr", METHOD)
    for z in (13, 16, 19):
        tile = MapTile.at(*middle, z)
        assert client.get(path("hillshade", tile)).content == pictures.tile("hillshade", tile)
        assert client.get(path("shadow", tile)).content == pictures.tile("shadow", tile)
        for sun, time in enumerate(("10:00", "12:00", "14:00")):
            for layer in ("shadow", "sun_hillshade"):
                found = client.get(path(layer, tile, time))
                assert found.content == pictures.tile(layer, tile, sun)
                assert found.headers["content-type"] == "image/png"


def test_roofs_are_those_of_the_table(
    client: TestClient, run: Path, middle: tuple[float, float], tmp_path: Path
) -> None:
    counts, roofs = (
        Overview.of(run / "buildings.parquet", METHOD, tmp_path),
        RoofTiles(GeoParquet(run / "buildings.parquet"), METHOD),
    )
    low, high = MapTile.at(*middle, 12), MapTile.at(*middle, 15)
    assert client.get(path("roofs", low)).content == counts.tile(low)
    for packing in ("gzip", "identity"):
        found = client.get(path("buildings", high), headers={"Accept-Encoding": packing})
        assert found.content == roofs.tile(high) != b""
        assert found.headers.get("content-encoding", "identity") == packing
        assert found.headers["content-type"] == "application/vnd.mapbox-vector-tile"
        assert "Accept-Encoding" in found.headers["vary"]


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize(
    "tile", [NOWHERE, MapTile(0, 0, 0), MapTile(24, 0, 0), MapTile(24, 2**24 - 1, 2**24 - 1)]
)
def test_a_tile_without_data_is_an_empty_one(client: TestClient, layer: str, tile: MapTile) -> None:
    found = client.get(path(layer, tile))
    assert found.status_code == 200
    if layer == "buildings":
        assert found.content == b"" and "content-encoding" not in found.headers
    else:
        assert alpha(found.content).shape == (256, 256) and not alpha(found.content).any()


def test_an_empty_tile_counts_among_those_that_are_kept(client: TestClient) -> None:
    """So that nobody fills the memory with them."""
    held = tiles._kept.nbytes
    assert client.get(path("buildings", MapTile.at(-41.0, 31.0, 16))).content == b""
    assert tiles._kept.nbytes > held


def test_a_tile_that_is_known_is_not_sent_again(
    client: TestClient, middle: tuple[float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    where = path("shadow", MapTile.at(*middle, 14))
    found = client.get(where)
    assert found.headers["cache-control"].startswith("public")
    monkeypatch.setattr(opened.Opened, "tile", None)  # what is kept is not drawn again either
    assert client.get(where).content == found.content
    for tag in (
        found.headers["etag"],
        "W/" + found.headers["etag"],
        f'"x", {found.headers["etag"]}',
    ):
        again = client.get(where, headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == found.headers["etag"]


def test_each_tile_has_an_etag_of_its_own(client: TestClient, middle: tuple[float, float]) -> None:
    tile = MapTile.at(*middle, 14)
    paths = [path(layer, tile) for layer in LAYERS] + [path("shadow", tile, "12:00")]
    plain = {"Accept-Encoding": "identity"}
    tags = [
        client.get(each).headers["etag"]
        for each in [*paths, path("shadow", MapTile.at(*middle, 15))]
    ]
    tags.append(client.get(path("buildings", tile), headers=plain).headers["etag"])
    assert len(set(tags)) == len(tags)


@pytest.mark.parametrize(
    ("what", "status"),
    [
        ("none/14/1/1", 404), ("surface/14/1/1", 404), ("shadow/3/8/1", 404),
        ("shadow/25/1/1", 400), ("shadow/-1/1/1", 400), ("shadow/a/1/1", 400),
        ("shadow/14/1/1?sun=11:00", 404),
        ("shadow/14/1/1?sun=noon", 400), ("roofs/14/1/1?sun=10:00", 404), ("SHADOW/1/1/1", 400),
    ],
)  # fmt: skip
def test_unknown_tiles_are_not_found(client: TestClient, what: str, status: int) -> None:
    found = client.get(f"{TILES}/{what}")
    assert (found.status_code, found.headers["content-type"]) == (
        status,
        "application/problem+json",
    )


def test_a_run_without_rasters_has_roofs(client: TestClient) -> None:
    assert client.get("/collections/many/tiles/shadow").status_code == 404
    told = client.get("/collections/many/tiles/roofs").json()
    west, south, east, north = told["bounds"]
    tile = MapTile.at((west + east) / 2, (south + north) / 2, 12)
    found = client.get(f"/collections/many/tiles/roofs/{tile.z}/{tile.x}/{tile.y}")
    assert alpha(found.content).any()


def test_many_roofs_are_counted_beside(
    base: Path, tmp_path: Path, middle: tuple[float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opened, "AT_ONCE", 10)
    app = app_of(base, tmp_path / "state")
    client, where = local(app), path("roofs", MapTile.at(*middle, 11))  # kept by no other test
    waits = client.get(where)
    assert (waits.status_code, waits.headers["retry-after"]) == (503, "5")
    begin_warming(app.state.service).join()
    monkeypatch.setattr(overview, "counted", None)
    assert alpha(client.get(where).content).any()
    monkeypatch.setattr(opened, "RoofTiles", None)  # the table is open as well
    assert client.get(path("buildings", MapTile.at(*middle, 15))).content


def test_a_result_is_its_clients_own(
    base: Path, tmp_path: Path, middle: tuple[float, float]
) -> None:
    app = app_of(base, tmp_path / "state", open=False)
    name = finish(app, runs(base) / "quarter", COOKIES[0])
    mine, other = (browser(app, cookie) for cookie in COOKIES)
    tile = MapTile.at(*middle, 14)
    for layer in LAYERS:
        where = path(layer, tile).replace("quarter", name)
        found = mine.get(where)
        assert found.status_code == 200
        assert found.headers["cache-control"].startswith("private")
        assert "Cookie" in found.headers["vary"]
        for headers in ({}, {"If-None-Match": found.headers["etag"]}):
            assert other.get(where, headers=headers).status_code == 404
