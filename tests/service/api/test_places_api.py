"""Places by name: the likeliest first, with the rectangle to go to."""

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from fastapi import FastAPI
from fastapi.testclient import TestClient

from pipeline.areas.gazetteer import Gazetteer, KnownRegion
from pipeline.areas.regions import Region
from service.api import places
from service.api.app import create_app
from service.core.settings import Settings
from tests.areas.test_regions import REGIONS, squares
from tests.support.clocks import using_at_most
from tests.support.services import local

TO_RD = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:28992", always_xy=True)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    folder = tmp_path_factory.mktemp("places")
    file, codes = folder / "cbs.gpkg", folder / "pc4.geojson"
    for n, (layer, rows) in enumerate(REGIONS.items()):
        frame = squares(rows, n)
        frame.geometry = frame.translate(120_000, 480_000)
        frame.to_file(file, layer=layer)
    circle = shapely.Point(121_000, 487_000).buffer(900, quad_segs=4_000)
    gpd.GeoDataFrame({"pc4code": [1012]}, geometry=[circle], crs=28992).to_file(codes)
    given = (str(file), str(codes))
    return create_app(Settings(boundaries=given, state=folder / "state"), work=False)


def found(client: TestClient, text: str, limit: int = 10) -> list[str]:
    answer = client.get("/places", params={"q": text, "limit": limit})
    assert answer.headers["content-type"] == "application/geo+json"
    return [feature["id"] for feature in answer.json()["features"]]


SEARCHES = {
    "GM0363": ["GM0363"], "gm0363": ["GM0363"], "Amsterdam": ["GM0363"], "amst": ["GM0363"],
    "amsterdm": ["GM0363"], "amstredam": ["GM0363"], "utrecht": ["PV26", "GM0344"],
    "zeeland": ["PV29", "BU03630000"], "sudwest fryslan": ["GM1900"], "fryslân": ["GM1900"],
    "berg": ["GM0893", "GM0373"], "centrum": ["WK036300", "WK034400"], "1012": ["1012"],
    "101": ["1012"], "0363": ["GM0363"], "nl": ["NL"], "nederl": ["NL"], "qqqqqq": [], "!?": [],
}  # fmt: skip


@pytest.mark.parametrize("text", SEARCHES)
def test_a_text_finds_the_likeliest_first(client: TestClient, text: str) -> None:
    some = found(client, text)
    assert some[: len(SEARCHES[text])] == SEARCHES[text] or set(some) == set(SEARCHES[text])
    assert bool(some) == bool(SEARCHES[text])


SURE = {"Amsterdam": (1, False), "utrecht": (2, False), "amst": (0, False), "amstredam": (0, True),
        "qqqqqq": (0, False)}  # fmt: skip


@pytest.mark.parametrize("text", SURE)
def test_what_is_only_similar_is_called_so(client: TestClient, text: str) -> None:
    told = client.get("/places", params={"q": text}).json()
    assert (told["exact"], told["similar"]) == SURE[text]


@pytest.mark.parametrize(
    ("name", "other"), [("'s-Gravenhage", "Den Haag"), ("Fryslân", "friesland")]
)
def test_what_people_call_a_place_is_as_good_as_its_name(name: str, other: str) -> None:
    region = KnownRegion(Region("GM0518", name, Path("x"), ""), None)
    for text, exact in ((other, 1), (other[:5], 0)):
        assert Gazetteer.of([region]).search(text, 5) == ([region], exact, False)


def test_a_place_tells_where_it_is(client: TestClient) -> None:
    (one,) = client.get("/places", params={"q": "Amsterdam"}).json()["features"]
    assert one["properties"] == {"code": "GM0363", "name": "Amsterdam", "kind": "municipality"}
    assert one["geometry"] is None
    x, y = TO_RD.transform(one["bbox"][::2], one["bbox"][1::2])
    assert np.allclose([x, y], [(121_000, 122_000), (481_000, 482_000)], atol=30)
    kinds = {"PV29": "province", "WK036300": "district", "BU03630000": "neighbourhood"}
    for code, kind in (kinds | {"1012": "postcode", "NL": "country"}).items():
        (one, *_) = client.get("/places", params={"q": code}).json()["features"]
        assert (one["id"], one["properties"]["kind"]) == (code, kind)


def test_so_many_and_no_more(client: TestClient) -> None:
    assert len(found(client, "r", 50)) > 3
    assert len(found(client, "r", 2)) == 2


def test_an_outline_by_code(client: TestClient) -> None:
    (listed,) = client.get("/places", params={"q": "GM0363"}).json()["features"]
    for link in (listed["links"][0]["href"], "/places/gm0363"):
        told = client.get(link).json()
        outline = shapely.from_geojson(json.dumps(told["geometry"]))
        moved = shapely.transform(outline, TO_RD.transform, interleaved=False)
        assert (
            shapely.hausdorff_distance(moved, shapely.box(121_000, 481_000, 122_000, 482_000)) < 0.1
        )
        assert told["properties"] == listed["properties"] and told["bbox"] == listed["bbox"]
    country = client.get("/places/NL").json()
    assert country["properties"]["kind"] == "country" and country["geometry"]["coordinates"]


def test_a_large_outline_is_made_simpler(client: TestClient) -> None:
    told = client.get("/places/1012").json()
    outline = shapely.from_geojson(json.dumps(told["geometry"]))
    assert shapely.get_num_coordinates(outline) < places.MOST_POINTS
    assert told["properties"]["simplified_m"] == places.SIMPLER_M
    moved = shapely.transform(outline, TO_RD.transform, interleaved=False)
    circle = shapely.Point(121_000, 487_000).buffer(900, quad_segs=100)
    assert shapely.hausdorff_distance(moved, circle) < 2 * places.SIMPLER_M


def test_unknown_places_are_not_found(client: TestClient) -> None:
    assert client.get("/places/GM9999").status_code == 404
    for given in ({}, {"q": ""}, {"q": "x" * 101}, {"q": "a", "limit": 0}, {"q": "a", "limit": 51}):
        assert client.get("/places", params=given).status_code == 400
    assert client.get("/places/a%2Fb").status_code == 404


def test_without_boundaries_there_is_a_hint(tmp_path: Path) -> None:
    client = local(create_app(Settings(state=tmp_path), work=False))
    told = client.get("/places", params={"q": "Delft"}).json()
    assert told["features"] == [] and "boundaries" in told["hint"]
    answer = client.get("/places/GM0503")
    assert answer.status_code == 404 and "boundaries" in answer.json()["detail"]


def test_a_nation_is_searched_at_once() -> None:
    rng = np.random.default_rng(1)
    letters = np.array(list("abcdefghijklmnoprstuvwz"))
    names = ["".join(rng.choice(letters, rng.integers(5, 15))) for _ in range(18_000)]
    known = [
        KnownRegion(Region(f"BU{i:08d}", name, Path("x"), ""), None) for i, name in enumerate(names)
    ]
    every = Gazetteer.of(known)
    for text in (names[7], names[7][:4], names[7][:3] + "x" + names[7][4:]):
        with using_at_most(1.0):  # it uses 20 ms
            some = every.search(text, 10).regions
        assert any(one.region.name == names[7] for one in some)
