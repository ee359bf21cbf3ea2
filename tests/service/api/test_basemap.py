"""The base map of an operator: its parts, what the page is told of it, and what is refused."""

from pathlib import Path

import pytest

from pipeline.errors import InputError
from service.api.app import create_app
from service.core.settings import Settings
from tests.support.basemaps import streets
from tests.support.services import local


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return streets(tmp_path_factory.mktemp("basemap") / "delft.pmtiles", 84_000, 447_000)


def test_its_parts_come_from_here(file: Path, tmp_path: Path) -> None:
    settings = Settings(basemap=str(file), basemap_attribution="ours", state=tmp_path)
    client = local(create_app(settings, work=False))
    told = client.get("/map/config.json").json()["basemap"]
    assert (told["pmtiles"], told["attribution"], told["maxzoom"]) == (
        "basemap.pmtiles",
        "ours",
        15,
    )
    assert told["bounds"] == pytest.approx([4.36, 52.01, 4.37, 52.01], abs=0.02)
    part = client.get(f"/map/{told['pmtiles']}", headers={"Range": "bytes=0-6"})
    assert (part.status_code, part.content) == (206, b"PMTiles")
    assert part.headers["content-range"] == f"bytes 0-6/{file.stat().st_size}"
    known = {"If-None-Match": part.headers["etag"]}
    assert client.get(f"/map/{told['pmtiles']}", headers=known).status_code == 304


def test_without_one_there_is_none(tmp_path: Path) -> None:
    client = local(create_app(Settings(state=tmp_path), work=False))
    assert client.get("/map/config.json").json()["basemap"] is None
    assert client.get("/map/basemap.pmtiles").status_code == 404


@pytest.mark.parametrize("content", [b"", b"PMTiles", b"SQLite format 3\0" * 20])
def test_what_is_no_base_map_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "town.pmtiles"
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"^town\.pmtiles: not a PMTiles file of vector tiles; "):
        create_app(Settings(basemap=str(file), state=tmp_path / "state"), work=False)
    with pytest.raises(InputError, match=r"none\.pmtiles cannot be read"):
        create_app(Settings(basemap="none.pmtiles", state=tmp_path / "state"), work=False)
