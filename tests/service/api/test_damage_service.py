"""A damaged run at the service: a 5xx of its own without a path; all else is as before."""

import shutil
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from pipeline.engine.engine import never_stop, no_progress
from pipeline.errors import DamagedError
from pipeline.output.tiles.scheme import MapTile
from pipeline.storage import cache, integrity
from pipeline.storage.lru import LRUCache
from service.api import opened, tiles
from service.api.app import create_app
from service.core.settings import Settings
from tests.support.damage import HOW, flip
from tests.support.quarters import CORNER, World, carried_out
from tests.support.services import local, runs

CHUNK, TABLE = "rasters.zarr/0/shadow/c/0/0", "buildings.parquet"


@pytest.fixture
def bad(base: Path, tmp_path: Path) -> Path:
    """A copy of a run, that is to be damaged."""
    shutil.copytree(runs(base) / "quarter", tmp_path / "bad")
    return tmp_path / "bad"


@pytest.fixture
def client(base: Path, tmp_path: Path, bad: Path) -> TestClient:
    data = (str(bad), str(runs(base) / "quarter"))
    return local(create_app(Settings(data=data, state=tmp_path / "state"), work=False))


def tile(client: TestClient, layer: str) -> str:
    """One that shows all of the quarter."""
    west, south, east, north = client.get(f"/collections/quarter/tiles/{layer}").json()["bounds"]
    zoom = 14 if layer == "shadow" else 12
    middle = MapTile.at((west + east) / 2, (south + north) / 2, zoom)
    return f"tiles/{layer}/{zoom}/{middle.x}/{middle.y}"


def refused(client: TestClient, path: str, bad: Path) -> None:
    whole = client.get(path.replace("/bad", "/quarter"))
    assert whole.status_code == 200, path
    answer = client.get(path)
    assert answer.status_code == 500, path
    assert answer.json()["detail"] == "collection bad is damaged; its operator must run it anew"
    assert str(bad) not in answer.text


@pytest.mark.parametrize("how", HOW)
def test_rasters(client: TestClient, bad: Path, how: str) -> None:
    HOW[how](bad / CHUNK)
    for path in (f"files/{CHUNK}", "files/shadow.tif", tile(client, "shadow")):
        refused(client, f"/collections/bad/{path}", bad)
    for path in (
        "items",
        f"files/{TABLE}",
        "files/hillshade.tif",
        f"files/{CHUNK.replace('shadow', 'hillshade')}",
    ):
        assert client.get(f"/collections/bad/{path}").status_code == 200


@pytest.mark.parametrize("how", HOW)
def test_the_table(client: TestClient, bad: Path, how: str) -> None:
    HOW[how](bad / TABLE)
    for path in ("items", f"files/{TABLE}", "files/buildings.csv"):
        refused(client, f"/collections/bad/{path}", bad)
    assert client.get("/collections/quarter/items").status_code == 200


def test_the_map(client: TestClient, bad: Path) -> None:
    flip(bad / "map.png", 999)
    refused(client, "/collections/bad/files/map.png", bad)
    assert client.get("/collections/bad/items").status_code == 200


@pytest.mark.usefixtures("no_map")
def test_a_damaged_result_is_computed_again(tmp_path: Path, w: World) -> None:
    """By the same order. A collection that is damaged cannot be: that is told."""
    shutil.copytree(w.run, tmp_path / "quarter")
    backend = w.backend(tmp_path / "state", tmp_path / "quarter", w.inputs)
    inputs = {"area": CORNER, "layers": ["shadow"]}
    found = carried_out("suitability", inputs, backend)
    (found / TABLE).unlink()
    assert carried_out("suitability", inputs, backend) == found
    assert not integrity.check(found, no_progress, never_stop, 2)
    flip(tmp_path / "quarter" / TABLE, 9999)
    with pytest.raises(DamagedError, match=f"quarter/{TABLE} is damaged"):
        carried_out("suitability", inputs | {"layers": []}, backend)


@pytest.mark.parametrize("name", ["rows.npy", "buildings.csv", "roofs-*.counts"])
def test_damaged_derived_files_are_made_again(
    client: TestClient,
    tmp_path: Path,
    name: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As after a start: what a process has read it takes to stay so."""

    def answers() -> list[bytes]:
        cache._is_intact.cache_clear()
        opened._opened.cache_clear()
        monkeypatch.setattr(tiles, "_kept", LRUCache[bytes](1 << 20, len))
        paths = ("items/3", "files/buildings.csv", tile(client, "roofs"))
        found = [client.get(f"/collections/quarter/{path}") for path in paths]
        assert [each.status_code for each in found] == [200] * 3
        return [each.content for each in found]

    expected = answers()
    (made,) = (tmp_path / "state").rglob(name)
    flip(made, 4 * made.stat().st_size)
    assert answers() == expected
    assert f"{made} is damaged; it is made anew" in caplog.messages
