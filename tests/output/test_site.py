"""A run as a folder for a plain web host: the same tiles, totals and places as the service has."""

import csv
import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pyproj
import pytest
import shapely
from pmtiles.reader import MemorySource, Reader

from pipeline.areas.regions import find_region
from pipeline.engine.engine import never_stop, no_progress
from pipeline.errors import InputError, Stopped
from pipeline.grid.crs import RD
from pipeline.output.site import archives, places, rows
from pipeline.output.tiles.roofs import LAYER, RoofTiles, vector_layers
from pipeline.output.tiles.scheme import MapTile
from pipeline.results import report
from pipeline.results.printed import sun_times
from pipeline.results.summary import summary
from pipeline.storage.geoparquet import GeoParquet
from pipeline.storage.ledger import BUILDINGS
from service.api.opened import Opened
from service.core.catalogue import Collection
from service.page import site
from tests.support import browsers, finished, sites
from tests.support.commands import call, contents

KINDS = ("solar", "wind_or_solar", "none")
PLACES = {"PV99", "GM9999", "GM9998", "0999", *(f"BU9999000{i}" for i in range(1, 5))}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run, its regions, a page, and the site that they make."""
    folder = tmp_path_factory.mktemp("site")
    sites.exported(folder, page=sites.page(folder / "page"))
    return folder


@pytest.fixture(scope="module")
def run(base: Path) -> Path:
    """The finished run."""
    return base / sites.NAME


@pytest.fixture(scope="module")
def made(base: Path) -> Path:
    """The site."""
    return base / "site"


def config(made: Path) -> dict[str, Any]:
    """What the page is told."""
    told: dict[str, Any] = json.loads((made / "config.json").read_text("utf-8"))
    return told


def of_run(made: Path) -> Path:
    """The folder of its run."""
    return made / "runs" / sites.NAME


def regions(made: Path) -> list[dict[str, Any]]:
    """The places of a site."""
    said = json.loads((made / "data" / "places.geojson").read_text("utf-8"))
    return list(said["features"])


def again(base: Path, to: Path, overwrite: bool = False, **more: Any) -> None:
    """The same site in another place."""
    given = (str(base / "regions.gpkg"),)
    site.export((base / sites.NAME,), to, given, overwrite, more.pop("progress", no_progress),
                more.pop("stop", never_stop), page=more.pop("page", base / "page"))  # fmt: skip


def reader(file: Path) -> Reader:
    """The tiles of a file."""
    return Reader(MemorySource(file.read_bytes()))


@pytest.mark.parametrize(
    "key", ["buildings", "roofs", "hillshade", "shadow", "shadow@10:00", "shadow@14:00"]
)
def test_every_tile_is_the_one_of_the_service(
    run: Path, made: Path, tmp_path: Path, key: str
) -> None:
    """Those of all squares around the quarter, and a ring beyond, at every zoom of the layer; roofs
    with all that a service would say of them."""
    layer, _, time = key.partition("@")
    served = Opened(Collection("quarter", run), tmp_path)
    roofs = RoofTiles(GeoParquet(run / BUILDINGS), finished.METHOD, alone=True)
    sun = sun_times(report.read(run)).index(time) if time else None
    packed = reader(made / config(made)["collections"][0]["tiles"][key])
    header = packed.header()
    west, south, east, north = (
        header[f"{edge}_e7"] / 1e7 for edge in ("min_lon", "min_lat", "max_lon", "max_lat")
    )
    lowest, highest = served.zooms(layer)
    assert lowest <= header["min_zoom"] <= 14  # farther off there may be nothing to show
    assert header["max_zoom"] == highest
    assert header["center_zoom"] == header["min_zoom"]
    found = 0
    for z in range(lowest, highest + 1):
        first, last = MapTile.at(west, north, z), MapTile.at(east, south, z)
        for x in range(first.x - 1, last.x + 2):
            for y in range(first.y - 1, last.y + 2):
                square, outlines = MapTile(z, x, y), layer == LAYER
                expected = roofs.tile(square) if outlines else served.tile(layer, square, sun)
                tile = packed.get(z, x, y)
                if outlines and tile:
                    tile = gzip.decompress(tile)
                assert tile == (expected or None), (z, x, y)
                found += tile is not None
    assert found == header["addressed_tiles_count"] >= header["max_zoom"] - header["min_zoom"] + 1


def test_a_file_of_tiles_says_what_is_in_it(made: Path) -> None:
    packed = reader(of_run(made) / "buildings.pmtiles")
    told = packed.metadata()
    assert told["vector_layers"][0]["id"] == "buildings"
    assert (
        told["vector_layers"][0]["fields"]
        == vector_layers(finished.METHOD, alone=True)[LAYER].fields
    )
    assert "AHN" in told["attribution"]
    assert packed.header()["clustered"]
    west, south, east, north = config(made)["collections"][0]["bbox"]
    header = packed.header()
    assert header["min_lon_e7"] / 1e7 < (west + east) / 2 < header["max_lon_e7"] / 1e7
    assert header["min_lat_e7"] / 1e7 < (south + north) / 2 < header["max_lat_e7"] / 1e7


def test_pictures_are_no_deeper_than_their_number_allows(run: Path, tmp_path: Path) -> None:
    deep = {one.key: one.layer.last for one in archives.archives(run, tmp_path)}
    for one in archives.archives(run, tmp_path, most=4):
        shallow = one.key in ("hillshade", "shadow") or "@" in one.key
        assert (one.layer.last < deep[one.key]) == shallow
        if shallow:
            squares = [tile for _, tile in archives.map_tiles(one) if tile.z == one.layer.last]
            assert 1 <= len(squares) <= 4


def sums(rows_: list[list[Any]]) -> dict[str, Any]:
    """What rows add up to, by the names in the first of them."""
    table = dict(zip(rows_[0], np.array(rows_[1:], object).T, strict=True))
    kind, excluded = table["class"], table["excluded"]
    judged = kind != None  # noqa: E711
    solar, wind = (
        judged & (table[f"{use}_suitable"] == 1) & ~np.isin(excluded, [use, "both"])
        for use in ("solar", "wind")
    )
    return {
        "selected": len(kind), "judged": judged.sum(), "rejected": (~judged).sum(),
        "solar_suitable": solar.sum(), "wind_suitable": wind.sum(),
        "wind_candidates": (judged & (table["wind_candidate"] == 1)).sum(),
        "wind_shadowed": (judged & (table["wind_shadowed"] == 1)).sum(),
        "class": {name: (kind == i).sum() for i, name in enumerate(KINDS)},
        "excluded": {use: (excluded == use).sum() for use in ("solar", "wind", "both")},
        "legend": legend(kind, solar, wind),
        "one_cell": legend(kind, solar, wind, table["one_cell"] == 1),
        "lit_roof": table["lit_area_m2"][judged].sum(),
        "solar": table["solar_kwh"][solar].sum(), "wind": table["wind_kwh"][wind].sum(),
        "roof": table["area_m2"][judged].sum(), "panel": table["panel_area_m2"][solar].sum(),
    }  # fmt: skip


def legend(kind: Any, solar: Any, wind: Any, among: Any = True) -> dict[str, int]:
    """How many rows stand in each line of the legend; kind: a number, None where not judged."""
    lines = {"solar": solar & ~wind, "wind_or_solar": wind, "none": kind == 2}
    lines["set_aside"] = (kind != None) & ~solar & ~wind & (kind != 2)  # noqa: E711
    return {name: int((rows_ & among).sum()) for name, rows_ in lines.items()}


def assert_adds_up(rows_: list[list[Any]], told: dict[str, Any]) -> None:
    """Counts are equal, and sums to the rounding of each row."""
    found = sums(rows_)
    assert {name: told["counts"][name] for name in found if name in told["counts"]} == {
        name: value for name, value in found.items() if name in told["counts"]
    }
    rounding = 0.005 * len(rows_)
    for kind in ("solar", "wind"):
        assert abs(found[kind] - told["kwh"][kind]) <= rounding
    for kind in ("roof", "panel", "lit_roof"):
        assert abs(found[kind] - told["area_ha"][kind] * 10_000) <= rounding


def test_the_rows_add_up_to_the_report(run: Path, made: Path) -> None:
    said, told = json.loads((of_run(made) / "totals.json").read_text("utf-8")), report.read(run)
    assert told["counts"]["solar_suitable"] > 0 < told["counts"]["rejected"]
    assert_adds_up(said, told)


def test_the_rows_of_a_place_are_those_of_the_service(base: Path, run: Path, made: Path) -> None:
    """By the outline that the site has, in degrees."""
    said = json.loads((of_run(made) / "totals.json").read_text("utf-8"))
    outlines = {one["id"]: one["geometry"] for one in regions(made)}
    for code in ("BU99990001", "GM9998"):
        # One roof's centre lies on the border, which in degrees runs a centimetre beside it.
        outline = shapely.buffer(shapely.geometry.shape(outlines[code]), 2e-7)
        inside = [row for row in said[1:] if shapely.intersects_xy(outline, row[0], row[1])]
        expected = summary(run, find_region(code, [base / "regions.gpkg"]))
        assert 0 < len(inside) < len(said) - 1
        assert_adds_up([said[0], *inside], expected["totals"])
        told = next(one for one in regions(made) if one["id"] == code)["properties"]["coverage"]
        assert told == {sites.NAME: expected["coverage"] | {"footprints": None}}


def test_rows_of_every_kind_add_up(tmp_path: Path) -> None:
    """Exclusions, rejections, one without a place, one that is not selected."""
    place = finished.finished(tmp_path)
    rows.write(place, tmp_path / "totals.json", no_progress, never_stop)
    said = json.loads((tmp_path / "totals.json").read_text("utf-8"))
    told = report.read(place)
    assert len(said) - 1 == told["counts"]["selected"] == 11
    assert_adds_up(said, told)
    assert [row[:2] for row in said].count([None, None]) == 1
    x, y = pyproj.Transformer.from_crs("OGC:CRS84", RD, always_xy=True).transform(*said[1][:2])
    assert (x, y) == pytest.approx((finished.WEST + 25, finished.NORTH - 160 + 25), abs=0.02)


def test_no_roofs_are_no_rows(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    place = finished.finished(tmp_path)
    pq.write_table(finished.buildings().slice(0, 0), place / "buildings.parquet")
    finished.seal(place, report.read(place))
    rows.write(place, tmp_path / "totals.json", no_progress, never_stop)
    (header,) = json.loads((tmp_path / "totals.json").read_text("utf-8"))
    assert header[:3] == ["lon", "lat", "class"]


def test_places_are_those_with_roofs(made: Path) -> None:
    found = regions(made)
    assert {one["id"] for one in found} == PLACES
    kinds = [one["properties"]["kind"] for one in found]
    order = ["province", "municipality", "postcode", "neighbourhood"]
    assert kinds == sorted(kinds, key=order.index)
    complete = {one["id"] for one in found if one["properties"]["complete"][sites.NAME]}
    assert complete == PLACES - {"GM9998"}


def test_the_ground_is_that_of_the_run(base: Path, run: Path, made: Path, tmp_path: Path) -> None:
    """The sheets where it was asked for all, else the area."""
    told = shapely.geometry.shape(config(made)["collections"][0]["ground"])
    to_degrees = pyproj.Transformer.from_crs(RD, "OGC:CRS84", always_xy=True).transform
    outline = find_region("GM9999", [base / "regions.gpkg"]).geometry
    outline = shapely.transform(shapely.buffer(outline, -0.1), to_degrees, interleaved=False)
    assert told.covers(outline)
    copy = shutil.copytree(run, tmp_path / "copy")
    said = report.read(copy)
    for area, expected in (([0.0, 4e5, 10.0, 4e5 + 10], "Polygon"), ({"file": "drawn.gpkg"}, None)):
        said["inputs"]["area"] = area
        finished.amend(copy, said)
        ground = places.ground(copy, [])
        assert (ground and ground["type"]) == expected


def test_the_page_knows_what_it_is(made: Path) -> None:
    told = config(made)
    assert told["static"] is True
    assert (told["can_compute"], told["marks"], told["basemap"]) == (False, False, None)
    (collection,) = told["collections"]
    assert collection["name"] == "quarter"
    for name in (collection["totals"], told["places"], *collection["tiles"].values()):
        assert (made / name).is_file()
    assert {"index.html", "main.js", "still.js", "texts", "vendor"} <= {
        p.name for p in made.iterdir()
    }
    assert not (made / "licences").exists()


def test_sources_and_licences_go_along(run: Path, made: Path) -> None:
    said, told = json.loads((made / "sources.json").read_text("utf-8")), report.read(run)
    assert [file["name"] for file in said.pop("boundaries")] == ["regions.gpkg"]
    parts = {name: told[name] for name in ("method", "inputs", "program")}
    assert said == {"runs": {sites.NAME: parts}}
    text = (made / "LICENCES.txt").read_text("utf-8")
    for word in ("AHN", "BAG", "CC0", "EUPL-1.2", "regions.gpkg", "vendor/maplibre-gl.LICENCE.txt"):
        assert word in text


def test_nothing_says_where_it_was_made(base: Path, made: Path) -> None:
    for name, content in contents(made).items():
        assert str(base).encode() not in content, name


def test_a_run_without_rasters_has_roofs(base: Path, tmp_path: Path) -> None:
    place = sites.finished(tmp_path, layers=())
    site.export((place,), tmp_path / "site", (), False, no_progress, never_stop, page=base / "page")
    told = config(tmp_path / "site")
    assert set(told["collections"][0]["tiles"]) == {"buildings", "roofs"}
    assert told["places"] is None


def test_addresses_lead_to_the_rows_of_their_roofs(base: Path, run: Path, tmp_path: Path) -> None:
    """By the number of a building, else by the point in a footprint; the others are counted."""
    file = base / "in" / "addresses.csv"
    (tmp_path / "copy").symlink_to(run)
    made = site.export((run, tmp_path / "copy"), tmp_path / "site", (str(base / "regions.gpkg"),),
                       False, no_progress, never_stop, page=base / "page",
                       addresses=(str(file),))  # fmt: skip
    folder = tmp_path / "site" / "data" / "addresses"
    index = json.loads((folder / "places.json").read_text("utf-8"))
    (place,) = index["places"]
    assert index["runs"] == [sites.NAME, "copy"]
    assert place["name"] == "Daklaag" and place["postcodes"] == ["0999"]
    listed = json.loads((folder / place["file"]).read_text("utf-8"))
    assert place["streets"] == sorted({row[0] for row in listed})
    given = list(csv.DictReader(file.read_text("utf-8").splitlines()))
    table = pq.read_table(run / "buildings.parquet", columns=["row", "id", "geometry"]).to_pydict()
    ids = dict(zip(table["row"], table["id"], strict=True))
    shapes = shapely.from_wkb(table["geometry"])
    by_name = {(row[0], row[1], row[2]): row for row in listed}
    for row in given:
        key = (row["openbare_ruimte_naam"], int(row["huisnummer"]), row["huisletter"])
        point = shapely.Point(float(row["x"]), float(row["y"]))
        if row["pand_identificatie"]:
            expected = {n for n, id_ in ids.items() if id_ in row["pand_identificatie"].split(",")}
        else:
            expected = {n for n, shape in zip(ids, shapes, strict=True) if shape.covers(point)}
        if expected:
            assert set(by_name[key][6]) == set(by_name[key][7]) == expected, key
        else:
            assert key not in by_name
    assert made.addresses == (len(listed), 0)
    assert sum(not row["pand_identificatie"] for row in given) > 1
    assert len(given) == len(listed) + 1  # that of no building lies beside the run
    told = config(tmp_path / "site")
    assert told["addresses"] == "data/addresses/places.json"
    assert config(base / "site")["addresses"] is None
    assert [one["name"] for one in told["collections"]] == index["runs"]
    for one in told["collections"]:
        for name in (one["totals"], *one["tiles"].values()):
            assert (tmp_path / "site" / name).read_bytes() == (
                of_run(base / "site") / Path(name).name
            ).read_bytes()
    (region, *_) = regions(tmp_path / "site")
    assert (
        [*region["properties"]["complete"]] == [*region["properties"]["coverage"]] == index["runs"]
    )


# The folder


@pytest.mark.parametrize("overwrite", [False, True])
def test_other_files_are_not_replaced_by_a_site(
    base: Path, tmp_path: Path, overwrite: bool
) -> None:
    (tmp_path / "thesis.txt").write_text("ten years")
    with pytest.raises(InputError, match="something else"):
        again(base, tmp_path, overwrite)
    with pytest.raises(InputError, match="a file"):
        again(base, tmp_path / "thesis.txt", overwrite)
    with pytest.raises(InputError, match="folder that exists"):
        again(base, tmp_path / "gone" / "site", overwrite)
    assert contents(tmp_path) == {"thesis.txt": b"ten years"}


def test_a_site_of_another_program_stays(base: Path, tmp_path: Path) -> None:
    (tmp_path / "site.json").write_text('{"files": ["index.html"]}')
    (tmp_path / "index.html").write_text("mine")
    before = contents(tmp_path)
    with pytest.raises(InputError, match="something else"):
        again(base, tmp_path, True)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("polls", [0, 1, 2, 5, 8])
def test_stopped_it_leaves_nothing(base: Path, tmp_path: Path, polls: int) -> None:
    """Or what was there before."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "site.json").write_text(
        '{"made_by": "daklaag export", "files": ["site.json"]}'
    )
    before = contents(tmp_path)
    with pytest.raises(Stopped, match="as it was"):
        again(base, tmp_path / "site", True, stop=after(polls))
    assert contents(tmp_path) == before


def after(polls: int) -> Callable[[], bool]:
    """A flag that is up once it was looked at so often."""
    left = iter(range(polls))
    return lambda: next(left, None) is None


def test_too_many_roofs_are_refused(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "MOST", 10)
    with pytest.raises(InputError, match=r"municipality .* daklaag serve"):
        again(base, tmp_path / "site")
    assert list(tmp_path.iterdir()) == []


def test_a_page_without_libraries_is_refused(base: Path, tmp_path: Path) -> None:
    page = sites.page(tmp_path / "page")
    (page / "vendor" / "pmtiles.js").unlink()
    with pytest.raises(InputError, match=r"pmtiles\.js.*make map"):
        again(base, tmp_path / "site", page=page)
    with pytest.raises(InputError, match="on disk"):
        site.export(
            ("s3://runs/delft",), tmp_path / "site", (), False, no_progress, never_stop, page=page
        )
    with pytest.raises(InputError, match="second run with the name quarter"):
        site.export(2 * (base / sites.NAME,), tmp_path / "site", (), False, no_progress, never_stop)


@pytest.mark.parametrize(
    ("to", "expected"),
    [("site/", True), ("site", True), ("dak.example/", True), ("map.png", False),
     ("roofs.TIF", False), ("roofs.dwg", False), ("here/roofs.csv", False)],
)  # fmt: skip
def test_a_folder_is_told_from_a_file(to: str, expected: bool) -> None:
    assert site.is_site(to) == expected


def test_the_command(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal runs give equal bytes; only a site is replaced, and only when told; files of others
    stay in it."""
    monkeypatch.setattr(site, "PAGE", base / "page")
    run, to, regions = base / sites.NAME, f"{tmp_path}/site/", base / "regions.gpkg"
    made, words = tmp_path / "site", ("export", run, "--to", to, "--boundaries", regions)
    made.mkdir()
    result = call(*words)
    assert result.exit_code == 0, result.output
    assert "totals.json" in result.output and "hillshade.pmtiles" in result.output
    assert contents(made) == contents(base / "site")
    again_ = call(*words)
    assert again_.exit_code == 2 and "--overwrite" in again_.output
    (made / "CNAME").write_text("dak.example")
    (of_run(made) / "shadow.pmtiles").write_text("damaged")
    assert call("-q", *words, "--overwrite").output == ""
    assert contents(made) == contents(base / "site") | {"CNAME": b"dak.example"}
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_options_that_do_not_fit_are_refused(run: Path, tmp_path: Path) -> None:
    for to, *more in (
        ("site/", "--layer", "shadow"), ("site/", "--boundaries", "gone.gpkg"),
        ("a.csv", "--boundaries", "gone.gpkg"), ("a.csv", str(run)),
    ):  # fmt: skip
        assert call("export", run, "--to", f"{tmp_path}/{to}", *more).exit_code == 2
    assert list(tmp_path.iterdir()) == []


# In a browser


@pytest.fixture(scope="module")
def whole(base: Path) -> Path:
    """The site with the libraries of its page."""
    try:
        again(base, base / "whole", page=site.PAGE)
    except InputError as error:
        pytest.skip(str(error))
    return base / "whole"


ADDED_UP = """async (rows) => {
  const [{ totals }, { methodNamed }] = [await import('./still.js'), await import('./methods.js')];
  return totals(rows, methodNamed(), { household_kwh: 3400 }, null);
}"""
SHOWN = """() => new Set(
  daklaag.map.queryRenderedFeatures({layers: ["roofs-flat", "roofs-hatch"]}).map(({id}) => id)
).size"""
RADIUS = 120  # m
COVERED = "totals-coverage"


@pytest.mark.slow
def test_a_browser_shows_it(base: Path, run: Path, whole: Path) -> None:
    """Roofs, shadows, the totals of all and of a place; nothing goes wrong, and nothing is asked of
    other hosts."""
    told = report.read(run)
    with sites.hosted(base) as host, sites.looked_at(f"{host}/whole/") as window:
        assert window.page.evaluate(SHOWN) > 0.9 * told["counts"]["footprints"]
        browsers.counted(window, told)
        buildings, ground = (int(100 * told["coverage"][k]) for k in ("footprints", "ground"))
        said = f"The data cover {buildings} % of the buildings and {ground} % of the ground."
        assert window.text(COVERED) == said and ground > 90
        window.at("shadow").check()
        window.at("sun").fill("2")
        window.idle()
        browsers.choose(window, "half")
        expected = summary(run, find_region("GM9998", [base / "regions.gpkg"]))
        browsers.counted(window, expected["totals"])
        ground = int(100 * expected["coverage"]["ground"])
        assert window.text(COVERED) == f"The data cover {ground} % of the ground."
        assert window.page.locator("#totals .warning").count() == 1
        assert not window.violations()
        window.fine()


@pytest.mark.slow
def test_a_browser_adds_up_what_is_set_aside(base: Path, whole: Path, tmp_path: Path) -> None:
    """As the report does, to the line of the legend."""
    place = finished.finished(tmp_path)
    rows.write(place, tmp_path / "totals.json", no_progress, never_stop)
    said, told = json.loads((tmp_path / "totals.json").read_text("utf-8")), report.read(place)
    with sites.hosted(base) as host, sites.looked_at(f"{host}/whole/") as window:
        found = window.page.evaluate(ADDED_UP, said)
        beside = {"footprints", "neighbours", "restrictions"}
        assert found["counts"] == {k: v for k, v in told["counts"].items() if k not in beside}
        assert found["area_ha"] == pytest.approx(told["area_ha"], abs=1e-4)
        text = window.page.evaluate(
            """async (totals) => {
                const { content } = await import('./totals.js');
                return content({ totals }).map((one) => one.textContent).join("\\n");
            }""",
            found,
        )
    assert "5 of 8 judged roofs" in text
    for line in ("sun3", "wind, with or without sun2", "neither2", "set aside by a restriction1"):
        assert line in text


@pytest.mark.slow
def test_a_browser_counts_in_a_circle(base: Path, run: Path, whole: Path) -> None:
    """As the service does, for one that is computed wholly."""
    west, south, east, north = config(whole)["collections"][0]["bbox"]
    lon, lat = round((west + east) / 2, 6), round((south + north) / 2, 6)
    x, y = pyproj.Transformer.from_crs("OGC:CRS84", RD, always_xy=True).transform(lon, lat)
    expected = summary(run, around=(x, y, RADIUS))
    link = f"#area=circle:{lon},{lat},{RADIUS}&at={lat},{lon},16"
    with sites.hosted(base) as host, sites.looked_at(f"{host}/whole/{link}") as window:
        assert expected["totals"]["counts"]["judged"] > 0
        browsers.counted(window, expected["totals"])
        assert not window.page.locator("#totals .warning").count()
        window.fine()


@pytest.mark.slow
def test_a_browser_shows_it_from_a_host_without_ranges(base: Path, run: Path, whole: Path) -> None:
    """It keeps whole files that are small, and says what larger ones need."""
    footprints = report.read(run)["counts"]["footprints"]
    script = (whole / "archive.js").read_text("utf-8")
    with sites.hosted(base, sites.Plain) as host, sites.looked_at(f"{host}/whole/") as window:
        assert window.page.evaluate(SHOWN) > 0.9 * footprints
        assert not window.text("lost")
        asked = [url for url in window.asked if url.endswith("buildings.pmtiles")]
        assert len(asked) == 1
        window.fine()
        less = script.replace("64 * 1024 * 1024", "64")
        window.page.route(
            "**/archive.js", lambda one: one.fulfill(body=less, content_type="text/javascript")
        )
        window.page.reload()
        window.ready()
        window.page.wait_for_selector("#lost:text('range requests')")
