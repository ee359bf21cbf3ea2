"""Sheets, footprints and boundaries from the national services: a local server that answers as
they do, and as they do on a bad day."""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from pipeline import quarter
from pipeline.addresses import open_index
from pipeline.addresses.search import search
from pipeline.errors import InputError, Stopped
from pipeline.fetch.download import GIVE_UP, FetchRequest, fetch
from pipeline.fetch.services import BASES, Bases, features
from pipeline.fetch.web import HttpClient
from pipeline.heights.mosaics import open_mosaic
from pipeline.heights.relief import sheet_manifest
from pipeline.heights.sheets import open_sheet
from pipeline.storage.cache import cache_dir
from pipeline.storage.lock import locked
from tests.support.clusters import wait
from tests.support.commands import call, start
from tests.support.national import (
    ATOM,
    RD,
    Server,
    feed,
    houses,
    page_index,
    raster,
    sheet_index,
)  # fmt: skip
from tests.support.runs import Files, table_of

WEST, EAST = "25GN1", "25GN2"
BORDER, SOUTH = 125_000.0, 487_200.0
AREA = "124950,487250,125050,487350"
ITEMS = "/api/kadaster/bag/ogc/v2/collections/pand/items"
NARROW: dict[str, Any] = {"margin": 20.0, "pause": 0.001}
LETTERS = {"dsm": "R", "dtm": "M"}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> quarter.Quarter:
    """A generated quarter across the border of two sheets."""
    origin = (BORDER - 100, SOUTH)
    folder = tmp_path_factory.mktemp("town")
    return quarter.generate(folder, size=(200, 200), origin=origin, sheets=(2, 1))


def path_of(kind: str, name: str) -> str:
    return f"{ATOM}/downloads/{kind}_05m/{LETTERS[kind]}_{name}.tif"


def there(path: str) -> str:
    """The address that the real service would give."""
    return BASES["pdok"] + path.removeprefix("/pdok")


def publish(server: Server, sheets: dict[tuple[str, str], bytes], **more: Any) -> None:
    """Sheets by kind and name, and their indexes. more: of a sheet in the index."""
    for (kind, name), body in sheets.items():
        server.put(path_of(kind, name), body, kind="image/tiff")
    for kind in LETTERS:
        names = [name for k, name in sheets if k == kind]
        index = sheet_index({n: there(path_of(kind, n)) for n in names}, **more)
        server.put(f"{ATOM}/downloads/{kind}_05m/kaartbladindex.json", index)


def publish_town(server: Server, town: quarter.Quarter) -> None:
    """The quarter as the national services would have it, its buildings in two pages."""
    files = {"dsm": town.dsm, "dtm": town.dtm}
    sheets = {
        (kind, name): path.read_bytes()
        for kind, paths in files.items()
        for name, path in zip((WEST, EAST), paths, strict=True)
    }
    publish(server, sheets)
    buildings = json.loads(gpd.read_file(town.buildings, layer="pand").to_json(drop_id=True))
    said = {"kind": "application/geo+json", "headers": {"Content-Crs": f"<{RD}>"}}
    half = len(buildings["features"]) // 2
    for place, part in ((ITEMS, slice(half)), (f"{ITEMS}/more", slice(half, None))):
        page = {"type": "FeatureCollection", "features": buildings["features"][part]}
        page["numberReturned"] = len(page["features"])
        if place == ITEMS:
            page["links"] = [{"rel": "next", "href": BASES["api"] + ITEMS[4:] + "/more?cursor=1"}]
        server.put(place, json.dumps(page), **said)


def two(folder: Path) -> dict[tuple[str, str], bytes]:
    """A DSM and a DTM of noise for each of two sheets."""
    return {(kind, name): raster(folder, name) for name in (WEST, EAST) for kind in LETTERS}


def bring(server: Server, into: Path, stop: Callable[[], bool] = lambda: False, **more: Any) -> Any:
    """An order at that server; what came of it."""
    what = frozenset(more.pop("what", ["sheets"]))
    order = FetchRequest(
        more.pop("area", AREA), into, what, base_urls=server.bases, **NARROW | more
    )
    return fetch(order, lambda *_: None, stop)


def command(server: Server, into: Path, *more: str, area: str = AREA) -> list[str]:
    bases = [text for base in server.bases for text in ("--base-url", base)]
    return ["fetch", area, "--into", str(into), "--margin", "20", *bases, *more]


def judged(files: list[str], out: Path) -> pd.DataFrame:
    inputs = [text for pair in zip(("--dsm", "--dtm", "--buildings"), files, strict=True)
              for text in pair]  # fmt: skip
    result = call("run", AREA, *inputs, "--out", out, "--layers", "none")
    assert result.exit_code == 0, result.stderr
    return table_of(out)


BROUGHT = ["bag_124930_487230_125070_487370.geojson", "dsm_05m/R_25GN1.tif",
           "dsm_05m/R_25GN2.tif", "dtm_05m/M_25GN1.tif", "dtm_05m/M_25GN2.tif"]  # fmt: skip
INDEXES = [f"{ATOM}/downloads/{kind}_05m/kaartbladindex.json" for kind in LETTERS]


def test_from_the_services_to_the_verdicts(
    server: Server, town: quarter.Quarter, tmp_path: Path
) -> None:
    """What was fetched is judged as the files that it came from; a second call asks for nothing
    but the indexes; sheets are surveyed already."""
    publish_town(server, town)
    into = tmp_path / "data"
    result = call(*command(server, into))
    assert result.exit_code == 0, result.stderr
    count, after = result.stdout.splitlines()
    assert count == f"{into}: 5 files brought, 0 were there already"
    assert after == (
        f"next: daklaag run {AREA} --dsm {into}/dsm_05m --dtm {into}/dtm_05m"
        f" --buildings {into}/{BROUGHT[0]} --out DIR"
    )
    book = json.loads((into / "fetched.json").read_bytes())
    assert sorted(book["files"]) == BROUGHT
    for name, record in book["files"].items():
        body = (into / name).read_bytes()
        assert record["size"] == len(body)
        assert record["sha256"] == hashlib.sha256(body).hexdigest()
    for name in BROUGHT[1:]:
        kept = sheet_manifest(open_sheet(str(into / name), "DSM", None), cache_dir() / "relief")
        assert kept is not None
        assert kept.file["sha256"] == book["files"][name]["sha256"]
    server.asked.clear()
    again = call(*command(server, into))
    assert again.stdout.startswith(f"{into}: 0 files brought, 5 were there already\n")
    assert server.paths() == INDEXES

    places = [str(into / "dsm_05m"), str(into / "dtm_05m/kaartbladindex.json")]
    fetched = judged([*places, str(into / BROUGHT[0])], tmp_path / "fetched")
    original = Files(town.dsm, town.dtm, town.buildings)
    folder = str(original.dsm[0].parent)
    expected = judged([folder, folder, str(original.buildings)], tmp_path / "expected")
    assert len(fetched) > 3
    pd.testing.assert_frame_equal(*(t.set_index("id").drop(columns="row").sort_index()
                                    for t in (fetched, expected)))  # fmt: skip


def test_killed_half_way_it_goes_on_where_it_was(server: Server, tmp_path: Path) -> None:
    """No byte is asked for twice: neither of files that came, nor of the half of one."""
    publish(server, sheets := two(tmp_path))
    half = len(sheets["dtm", WEST]) // 2
    server.things[path_of("dtm", WEST)].mischief = [{"cut": half, "hold": 60}]
    into = tmp_path / "data"
    words = command(server, into, "--connections", "1", "--what", "sheets")
    process = start(*words)
    partial = into / "dtm_05m/M_25GN1.tif.partial"
    try:
        wait(lambda: partial.exists() and partial.stat().st_size == half)
    finally:
        process.kill()
        process.communicate()
    server.asked.clear()
    result = call(*words)
    assert result.exit_code == 0, result.stderr
    asked = {path: a.range for path, a in zip(server.paths(), server.asked, strict=True)}
    expected = {path_of(k, EAST): None for k in LETTERS} | dict.fromkeys(INDEXES)
    assert asked == expected | {path_of("dtm", WEST): f"bytes={half}-"}
    for (kind, name), body in sheets.items():
        assert (into / f"{kind}_05m" / f"{LETTERS[kind]}_{name}.tif").read_bytes() == body


def test_a_stop_leaves_what_came(server: Server, tmp_path: Path) -> None:
    publish(server, two(tmp_path))
    first = path_of("dsm", WEST)
    with pytest.raises(Stopped):
        bring(server, tmp_path / "data", lambda: first in server.paths(), connections=1)
    result = bring(server, tmp_path / "data")
    assert len(result.downloaded) + len(result.present) == 4
    assert not result.failed


BAD: dict[str, tuple[list[dict[str, Any]], str]] = {
    "a web page": ([{"page": "text/html"}], "a web page instead of the file"),
    "a web page as a tiff": ([{"page": "image/tiff"}], "a web page instead of the file"),
    "not allowed": ([{"status": 403}], "403 Forbidden"),
    "down": ([{"status": 503}] * 8, "503 Service Unavailable, 8 times"),
    "always cut": ([{"cut": 0}] * 8, "8 times"),
    "gone": ([{"status": 404}], "not at http"),
}


@pytest.mark.parametrize("day", BAD)
def test_one_sheet_on_a_bad_day(server: Server, tmp_path: Path, day: str) -> None:
    """The others come; the next call, on a better day, brings it."""
    mischief, why = BAD[day]
    publish(server, two(tmp_path))
    server.things[path_of("dsm", EAST)].mischief = list(mischief)
    result = bring(server, tmp_path / "data")
    (name, said), = result.failed.items()  # fmt: skip
    assert (name, why in said) == ("dsm_05m/R_25GN2.tif", True), said
    assert len(result.downloaded) == 3
    assert not result.without_data["dsm_05m"]
    assert not (tmp_path / "data" / name).exists()
    better = bring(server, tmp_path / "data")
    assert (better.downloaded, len(better.present), better.failed) == ([name], 3, {})


def test_the_command_names_what_failed(server: Server, tmp_path: Path) -> None:
    publish(server, two(tmp_path))
    server.things[path_of("dsm", EAST)].mischief = [{"page": "text/html"}]
    result = call(*command(server, tmp_path / "data", "--what", "sheets"))
    assert result.exit_code == 2
    assert "dsm_05m/R_25GN2.tif: the server answers with a web page" in result.stderr
    assert result.stderr.endswith("error: 1 files could not be had; the same command tries them"
                                  " again\n")  # fmt: skip


def test_passing_trouble_is_sat_out(server: Server, tmp_path: Path) -> None:
    publish(server, sheets := two(tmp_path))
    moved = server.put("/elsewhere.tif", sheets["dtm", EAST])
    for kind, name, mischief in (
        ("dsm", WEST, [{"status": 503, "headers": {"Retry-After": "0"}}, {"cut": 500}]),
        ("dsm", EAST, [{"length": 10**6}]),
        ("dtm", EAST, [{"status": 302, "headers": {"Location": "/elsewhere.tif"}}]),
    ):
        server.things[path_of(kind, name)].mischief = mischief
    server.things[path_of("dtm", WEST)].ranges = moved.ranges = False
    server.things[path_of("dtm", WEST)].mischief = [{"cut": 700}]
    result = bring(server, tmp_path / "data")
    assert (len(result.downloaded), result.failed) == (4, {})
    assert (tmp_path / "data/dtm_05m/M_25GN2.tif").read_bytes() == sheets["dtm", EAST]


WRONG: dict[str, tuple[Callable[[Path], bytes], dict[str, Any], str]] = {
    "size": (lambda f: raster(f, EAST), {"length": 17}, "bytes, and the index says 17"),
    "hash": (lambda f: raster(f, EAST), {"sha256": "0" * 64}, "SHA-256 is not the one"),
    "place": (lambda f: raster(f, WEST), {}, "it lies at 120000,481250,"),
    "resolution": (lambda f: raster(f, EAST, 1.0), {}, "cells of 1 m instead of 0.5"),
    "no raster": (lambda f: b"%PDF-1.4", {}, "not a raster that can be read"),
    "half a raster": (lambda f: raster(f, EAST, cells=300)[:-20_000], {}, "damaged or cut off"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_faulty_download_is_not_kept(server: Server, tmp_path: Path, wrong: str) -> None:
    make, said, why = WRONG[wrong]
    sheets = two(tmp_path) | {("dsm", EAST): make(tmp_path)}
    publish(server, sheets, **{EAST: said} if wrong in ("size", "hash") else {})
    result = bring(server, tmp_path / "data", relief=None)
    assert why in result.failed["dsm_05m/R_25GN2.tif"]
    assert not (tmp_path / "data/dsm_05m/R_25GN2.tif").exists()


def test_size_and_hash_of_the_index_are_held(server: Server, tmp_path: Path) -> None:
    body = raster(tmp_path, EAST)
    said = {"length": len(body), "sha256": hashlib.sha256(body).hexdigest().upper()}
    publish(server, {("dsm", EAST): body, ("dtm", EAST): body}, **{EAST: said})
    assert not bring(server, tmp_path / "data").failed


def test_the_sea_is_no_failure(server: Server, tmp_path: Path) -> None:
    """Sheets without land that the index lacks, or lists and that are not there; one on land
    that it lacks is a warning, one that it lists and that is not there a failure."""
    sea, far = "01AN1", "01AN2"
    publish(server, {("dsm", sea): b"", ("dtm", sea): b""})
    for kind in LETTERS:
        del server.things[path_of(kind, sea)]
    result = bring(server, tmp_path / "sea", area="144990,620000,145010,620010")
    assert result.without_data == {"dsm_05m": [sea, far], "dtm_05m": [sea, far]}
    assert (result.failed, result.warnings) == ({}, [])
    book = json.loads((tmp_path / "sea/fetched.json").read_bytes())
    assert book["without_data"] == result.without_data
    publish(server, {key: body for key, body in two(tmp_path).items() if EAST not in key})
    result = bring(server, tmp_path / "land")
    assert result.without_data == {"dsm_05m": [EAST], "dtm_05m": [EAST]}
    assert result.warnings == [f"{p}: the index has no {EAST}, which meet land"
                               for p in ("dsm_05m", "dtm_05m")]  # fmt: skip


def test_abroad(server: Server, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no sheet of AHN is near it; give RD metres"):
        bring(server, tmp_path / "data", area="4.8,52.3,4.9,52.4")
    assert not server.asked


def test_a_service_that_is_down_is_left_alone(server: Server, tmp_path: Path) -> None:
    names = ["25GN1", "25GN2", "25EZ1", "25EZ2", "25DN2", "25GZ1"]
    publish(server, {(kind, name): b"" for name in names for kind in LETTERS})
    for kind in LETTERS:
        for name in names:
            server.things[path_of(kind, name)].mischief = [{"status": 403}] * 9
    result = bring(server, tmp_path / "data", margin=6000.0, connections=1)
    assert len(result.failed) == GIVE_UP
    assert result.warnings[-1] == f"{GIVE_UP} failures in a row: 2 files were not tried"


def test_few_connections(server: Server, tmp_path: Path) -> None:
    publish(server, two(tmp_path))
    for thing in server.things.values():
        thing.mischief = [{"wait": 0.1}]
    bring(server, tmp_path / "data")
    assert server.most_at_once == 2


# Indexes.


def test_the_index_lies_somewhere_else(server: Server, tmp_path: Path) -> None:
    publish(server, two(tmp_path))
    for kind, path in zip(LETTERS, INDEXES, strict=True):
        del server.things[path]
        addresses = {name: there(path_of(kind, name)) for name in (WEST, EAST)}
        length = str(len(server.things[path_of(kind, WEST)].body))
        server.put(f"{ATOM}/{kind}_05m.xml", feed(addresses, length=length))
    assert len(bring(server, tmp_path / "feed").downloaded) == 4
    for kind in LETTERS:
        del server.things[f"{ATOM}/{kind}_05m.xml"]
        addresses = {name: there(path_of(kind, name)) for name in (WEST, EAST)}
        old = f"/pdok/rws/ahn/atom/downloads/{kind}_05m/kaartbladindex.json"
        server.put(old, sheet_index(addresses))
    assert len(bring(server, tmp_path / "old").downloaded) == 4


@pytest.mark.parametrize(
    ("index", "why"),
    [(None, "no index at http"), ("{", "cannot be read as an index"), ("[]", "cannot be read"),
     (sheet_index({}), "lists no sheet of dsm_05m; choose another ahn")],
)  # fmt: skip
def test_no_index(server: Server, tmp_path: Path, index: str | None, why: str) -> None:
    if index is not None:
        server.put(INDEXES[0], index)
    with pytest.raises(InputError, match=why) as fault:
        bring(server, tmp_path / "data")
    assert "\n" not in str(fault.value)


def zipped(name: str, body: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, body)
    return out.getvalue()


VERSIONED: dict[int, tuple[str, str, str, str]] = {
    2: ("AHN2_05M_R", "r{}.tif.zip", "AHN2_05M_N", "n{}.tif.zip"),
    3: ("AHN3_05M_R", "R_{}.ZIP", "AHN3_05M_M", "M_{}.ZIP"),
    5: ("AHN5_05M_R", "2023_R_{}.TIF", "AHN5_05M_M", "2023_M_{}.TIF"),
}


@pytest.mark.parametrize("version", VERSIONED)
def test_a_version(server: Server, tmp_path: Path, version: int) -> None:
    """Named and packed as it is published; a run finds out which it is."""
    r, surface, m, ground = VERSIONED[version]
    columns: dict[str, list[Any]] = {"AHN": [WEST, EAST], r: [], m: []}
    for name in (WEST, EAST):
        for column, pattern in ((r, surface), (m, ground)):
            file = pattern.format(name.lower() if version == 2 else name)
            body = raster(tmp_path, name)
            is_zip = file.lower().endswith(".zip")
            inside = f"{Path(file.lower().removesuffix('.zip')).stem}.tif"
            server.put(f"/ahn/{file}", zipped(inside, body) if is_zip else body)
            columns[column].append(f"{BASES['ahn']}/{file}" if name == WEST else None)
    server.put("/ahn/AUX/bladwijzer.gpkg", page_index(tmp_path / "index.gpkg", columns))
    into = tmp_path / "data"
    result = bring(server, into, ahn=version)
    assert (len(result.downloaded), result.failed) == (2, {})
    assert result.without_data == {f"ahn{version}_{k}_05m": [EAST] for k in LETTERS}
    for kind in LETTERS:
        folder = into / f"ahn{version}_{kind}_05m"
        for source in (folder, folder / "bladwijzer.gpkg"):
            mosaic = open_mosaic([str(source)], kind.upper(), None)
            assert [sheet.version for sheet in mosaic.sheets] == [f"AHN{version}"]


def test_coarse_sheets_are_of_ahn4(server: Server, tmp_path: Path) -> None:
    body = raster(tmp_path, WEST, 5.0)
    columns = {"AHN": [WEST], **{f"AHN4_5M_{x}": [f"{BASES['ahn']}/{x}5.TIF"] for x in "RM"}}
    server.put("/ahn/AUX/bladwijzer.gpkg", page_index(tmp_path / "index.gpkg", columns))
    for letter in "RM":
        server.put(f"/ahn/{letter}5.TIF", body)
    result = bring(server, tmp_path / "data", resolution=5.0, area="121000,487000,121100,487100")
    assert sorted(result.downloaded) == ["ahn4_dsm_5m/R5.TIF", "ahn4_dtm_5m/M5.TIF"]


def test_tiles_of_ahn6(server: Server, tmp_path: Path) -> None:
    """One that is listed and not flown yet is none that failed."""
    columns = {"bladnaam": ["124000_487000", "125000_487000"], "jaar": [2025, 2025]}
    index = page_index(tmp_path / "index.gpkg", columns, "bladindeling_aoi")
    server.put("/ahn/AUX/bladwijzer_AHN6.gpkg", index)
    body = raster(tmp_path, "", at=(124_000.0, 487_000.0))
    for folder, letter in (("03a_DSM_50cm", "R"), ("02a_DTM_50cm", "M")):
        server.put(f"/ahn6/{folder}/AHN6_2025_{letter}_124000_487000.TIF", body)
    result = bring(server, tmp_path / "data", ahn=6)
    assert sorted(result.downloaded) == [
        f"ahn6_{k}_05m/AHN6_2025_{x}_124000_487000.TIF" for k, x in LETTERS.items()
    ]
    assert result.without_data == {f"ahn6_{k}_05m": ["125000_487000"] for k in LETTERS}
    assert not result.failed


# Footprints.


def test_pages_of_buildings(server: Server) -> None:
    """Each building once, also if it is on two pages; addresses may be relative."""
    for place, squares, after in (
        ("", [(1, 1), (30, 1)], "items/2"), ("/2", [(30, 1), (60, 1)], None)
    ):  # fmt: skip
        links = [{"rel": "next", "href": after}] if after else []
        body, headers = houses(*squares, links=links)
        server.put(ITEMS + place, body, headers=headers)
    client = HttpClient(pause=0.001)
    found, crs = features("pand", (0, 0, 100, 100), client, Bases.parse(server.bases))
    client.close()
    assert (len(found), crs) == (3, RD)
    assert "bbox=0,0,100,100" in server.asked[0].path


FAULTY: dict[str, tuple[str, dict[str, str], str]] = {
    "no json": ("{", {}, "no collection of features"),
    "an error": ('{"title": "Not Found", "status": 404}', {}, "no collection of features"),
    "a ring": (houses((1, 1), links=[{"rel": "next", "href": ""}])[0], {}, "do not end"),
    "less than it says": ('{"features": [], "numberReturned": 2}', {}, "0 of 2 features"),
}


@pytest.mark.parametrize("fault", FAULTY)
def test_a_page_that_is_none(server: Server, tmp_path: Path, fault: str) -> None:
    body, headers, why = FAULTY[fault]
    if fault == "a ring":
        body = body.replace('"href": ""', f'"href": "{BASES["api"]}{ITEMS[4:]}?again"')
        server.put(ITEMS, body)
    else:
        server.put(ITEMS, body, headers=headers)
    (said,) = bring(server, tmp_path / "data", what=["footprints"]).failed.values()
    assert why in said


def test_buildings_of_a_large_area_are_those_of_the_country(server: Server, tmp_path: Path) -> None:
    rows = gpd.GeoDataFrame({"identificatie": ["1"]}, geometry=[shapely.box(0, 0, 1, 1)], crs=28992)
    rows.to_file(tmp_path / "bag.gpkg", layer="pand")
    path = "/pdok/lv/bag/atom/downloads/bag-light.gpkg"
    server.put(path, (tmp_path / "bag.gpkg").read_bytes())
    large = "120000,480000,140000,490000"
    result = bring(server, tmp_path / "data", area=large, what=["footprints"])
    assert result.downloaded == ["bag-light.gpkg"]
    # And a town in it needs no other.
    assert bring(server, tmp_path / "data", what=["footprints"]).present == ["bag-light.gpkg"]
    rows.to_file(tmp_path / "other.gpkg", layer="roads")
    server.put(path, (tmp_path / "other.gpkg").read_bytes())
    (said,) = bring(server, tmp_path / "b", area=large, what=["footprints"]).failed.values()
    assert said == "has no layer `pand`"


def test_addresses_come_as_the_service_has_them(server: Server, tmp_path: Path) -> None:
    """Pages, which name no building; of a large area with the footprints in one file."""
    properties = {"openbare_ruimte_naam": "Oude Delft", "huisnummer": 12, "huisletter": "A",
                  "toevoeging": None, "postcode": "2611AB", "woonplaats_naam": "Delft",
                  "pand.href": ["https://api.pdok.nl/pand/1"]}  # fmt: skip
    point = {"type": "Point", "coordinates": [125_000, 487_300]}
    page = {"type": "FeatureCollection",
            "features": [{"type": "Feature", "id": "1", "properties": properties,
                          "geometry": point}]}  # fmt: skip
    server.put(ITEMS.replace("pand", "verblijfsobject"), json.dumps(page),
               headers={"Content-Crs": f"<{RD}>"})  # fmt: skip
    (name,) = bring(server, tmp_path / "data", what=["addresses"]).downloaded
    assert name == "addresses_124930_487230_125070_487370.geojson"
    (found,) = search(open_index([tmp_path / "data" / name]), "2611ab 12a", 5)
    assert (found.name, found.bounds) == ("Oude Delft 12A", (125_000, 487_300) * 2)
    rows = gpd.GeoDataFrame({"identificatie": ["1"]}, geometry=[shapely.box(0, 0, 1, 1)], crs=28992)
    for layers in (["pand"], ["pand", "verblijfsobject"]):
        for layer in layers:
            rows.to_file(tmp_path / "bag.gpkg", layer=layer)
        server.put(
            "/pdok/lv/bag/atom/downloads/bag-light.gpkg", (tmp_path / "bag.gpkg").read_bytes()
        )
        result = bring(server, tmp_path / str(len(layers)), area="120000,480000,140000,490000",
                       what=["footprints", "addresses"])  # fmt: skip
        assert len(result.downloaded) + len(result.failed) == 1
        if len(layers) == 1:
            assert [*result.failed.values()] == ["has no layer `verblijfsobject`"]
    assert result.downloaded == ["bag-light.gpkg"]


# Boundaries.


def test_an_area_by_name(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The boundaries are brought once, into the cache, where `run` and `plan` find them."""
    monkeypatch.setenv("DAKLAAG_CACHE", str(tmp_path / "cache"))
    shape = shapely.box(124_950, 487_250, 125_050, 487_350)
    town = gpd.GeoDataFrame({"statcode": ["GM0363"], "statnaam": ["Amsterdam"]}, geometry=[shape],
                            crs=28992)  # fmt: skip
    town.to_file(tmp_path / "cbs.gpkg", layer="gemeente_gegeneraliseerd")
    path = "/pdok/cbs/gebiedsindelingen/atom/v1_0/downloads/cbsgebiedsindelingen2025.gpkg"
    server.put(path, (tmp_path / "cbs.gpkg").read_bytes())
    publish(server, two(tmp_path))
    result = bring(server, tmp_path / "data", area="amsterdam")
    assert result.downloaded[0] == "boundaries/cbsgebiedsindelingen2025.gpkg"
    assert len(result.downloaded) == 5
    server.asked.clear()
    again = bring(server, tmp_path / "data", area="GM0363")
    assert (again.downloaded, len(again.present)) == ([], 4)
    assert path not in server.paths()
    with pytest.raises(InputError, match="area GM9999: no such file, and no region of cbsgebieds"):
        bring(server, tmp_path / "data", area="GM9999")


# The order.

ORDERS: dict[str, dict[str, Any]] = {
    "what trees: give some of": {"what": ["trees"]},
    "resolution 2: AHN has sheets of 0.5 and 5 m": {"resolution": 2.0},
    "ahn 9: give one of 2, 3, 4, 5, 6": {"ahn": 9},
    "connections 50: give 1 to 4": {"connections": 50},
    "margin -1: give metres": {"margin": -1.0},
    "area 1,2,3: give xmin,ymin": {"area": "1,2,3"},
}


@pytest.mark.parametrize("why", ORDERS)
def test_an_order_that_cannot_be(server: Server, tmp_path: Path, why: str) -> None:
    with pytest.raises(InputError, match=f"^{why}"):
        bring(server, tmp_path / "data", **ORDERS[why])
    assert not server.asked


def test_a_base_that_is_not_known(tmp_path: Path) -> None:
    order = FetchRequest(AREA, tmp_path, base_urls=("nasa=http://x",))
    with pytest.raises(InputError, match="base_url nasa=http://x: give NAME=URL with one of pd"):
        fetch(order, lambda *_: None, lambda: False)


def test_one_at_a_time(server: Server, tmp_path: Path) -> None:
    with locked(tmp_path, "x"), pytest.raises(InputError, match="another run holds this folder"):
        bring(server, tmp_path)


def test_a_lost_book_costs_a_look(server: Server, tmp_path: Path) -> None:
    publish(server, two(tmp_path))
    into = tmp_path / "data"
    bring(server, into)
    (into / "fetched.json").write_text("{")
    (into / "dsm_05m/R_25GN1.tif").unlink()
    server.asked.clear()
    result = bring(server, into)
    assert (result.downloaded, len(result.present)) == (["dsm_05m/R_25GN1.tif"], 3)
    assert server.paths() == [*INDEXES, path_of("dsm", WEST)]


# What is not the program's.


@pytest.mark.parametrize("name", ["dsm_05m/R_25GN1.tif", "dtm_05m/M_25GN2.tif"])
@pytest.mark.parametrize("known", [True, False])
def test_a_file_that_is_not_as_it_was_brought_stays(
    server: Server, tmp_path: Path, name: str, known: bool
) -> None:
    """Whether the book knows one of that name or not."""
    publish(server, two(tmp_path))
    into = tmp_path / "data"
    if known:
        bring(server, into)
    (into / name).parent.mkdir(parents=True, exist_ok=True)
    (into / name).write_bytes(b"mine")
    result = bring(server, into)
    assert list(result.failed) == [name] and "overwrite to download it again" in result.failed[name]
    assert (into / name).read_bytes() == b"mine"
    assert len(result.downloaded) + len(result.present) == 3
    assert bring(server, into, overwrite=True).downloaded == [name]
    assert (into / name).read_bytes() != b"mine"


@pytest.mark.parametrize("name", ["fetched.json", "fetching.json", "dsm_05m/kaartbladindex.json"])
def test_a_file_of_others_with_a_name_of_ours_stays(
    server: Server, tmp_path: Path, name: str
) -> None:
    publish(server, two(tmp_path))
    into = tmp_path / "data"
    (into / name).parent.mkdir(parents=True)
    (into / name).write_text('{"mine": 1}')
    with pytest.raises(InputError, match=f"its {name} is not of this program"):
        bring(server, into)
    assert (into / name).read_text() == '{"mine": 1}'
    assert not [*into.rglob("*.tif")]


def test_an_index_is_brought_again_over_the_older_one(server: Server, tmp_path: Path) -> None:
    sheets = two(tmp_path)
    west = {key: body for key, body in sheets.items() if key[1] == WEST}
    publish(server, west)
    bring(server, tmp_path / "data")
    publish(server, sheets)
    assert len(bring(server, tmp_path / "data").downloaded) == 2
    index = (tmp_path / "data" / "dsm_05m" / "kaartbladindex.json").read_text()
    assert EAST in index
