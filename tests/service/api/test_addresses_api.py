"""Addresses by text and by building, and that a service without them says so."""

from pathlib import Path

import numpy as np
import pyproj
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from pipeline.errors import InputError
from service.api.app import create_app
from service.core.settings import Settings
from tests.addresses.test_addresses import ONE, ROWS, TWO, written
from tests.support.services import local

TO_RD = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:28992", always_xy=True)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    folder = tmp_path_factory.mktemp("addresses")
    file = written(folder / "addresses.csv", ROWS)
    return create_app(Settings(addresses=(str(file),), state=folder / "state"), work=False)


def test_an_address_tells_its_buildings_and_where_it_is(client: TestClient) -> None:
    answer = client.get("/addresses", params={"q": "Oude Delft 12", "limit": 2})
    assert answer.headers["content-type"] == "application/geo+json"
    plain, both = answer.json()["features"]
    assert plain["properties"] == {
        "kind": "address", "name": "Oude Delft 12", "place": "Delft", "postcode": "2611 AB",
        "match": "exact", "buildings": [ONE],
    }  # fmt: skip
    assert both["properties"]["buildings"] == [ONE, TWO]
    x, y = TO_RD.transform(*plain["geometry"]["coordinates"])
    assert np.allclose([x, y], [84_500.5, 447_500], atol=0.5)


def test_a_street_and_what_is_similar(client: TestClient) -> None:
    (street,) = client.get("/addresses", params={"q": "dorpsstraat delft"}).json()["features"]
    assert street["geometry"] is None and len(street["bbox"]) == 4
    (similar,) = client.get("/addresses", params={"q": "Nijmgen"}).json()["features"]
    assert similar["properties"]["match"] == "similar"


def test_the_nearest_first(client: TestClient) -> None:
    for near, place in (("4.36,52.01", "Delft"), ("4.31,52.07", "'s-Gravenhage")):
        asked = {"q": "Dorpsstraat", "near": near}
        first, *_ = client.get("/addresses", params=asked).json()["features"]
        assert first["properties"]["place"] == place
    beyond = {"q": "Dorpsstraat", "near": "999,99"}
    assert len(client.get("/addresses", params=beyond).json()["features"]) == 2
    assert client.get("/addresses", params={"q": "a", "near": "x"}).status_code == 400


def test_the_addresses_of_a_building(client: TestClient) -> None:
    for id_ in (ONE, ONE[1:]):
        told = client.get(f"/addresses/{id_}").json()["features"]
        assert [each["properties"]["name"] for each in told] == ["Oude Delft 12", "Oude Delft 12A"]
    assert client.get("/addresses/12").status_code == 400


def test_without_addresses_there_is_a_hint(tmp_path: Path) -> None:
    client = local(create_app(Settings(state=tmp_path), work=False))
    for told in (client.get("/addresses", params={"q": "Delft"}), client.get(f"/addresses/{ONE}")):
        assert told.json()["features"] == [] and "`addresses`" in told.json()["hint"]


def test_a_service_with_addresses_that_lack_a_column_does_not_start(tmp_path: Path) -> None:
    file = written(tmp_path / "addresses.csv", [("a", "1")], ("straat", "huisnummer"))
    with pytest.raises(InputError, match=r"^addresses\.csv: addresses without postcode"):
        create_app(Settings(data=(str(tmp_path),), state=tmp_path / "state"), work=False)
    assert file.is_file()
