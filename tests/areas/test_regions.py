"""AREA as a name: of the country, a province, a municipality, a neighbourhood, a postcode."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely

from pipeline.areas.selection import is_region, parse_area
from pipeline.errors import InputError
from tests.support.runs import World

REGIONS = {
    "provincie_gegeneraliseerd": [("PV26", "Utrecht"), ("PV29", "Zeeland"), ("PV20", "Groningen")],
    "gemeente_gegeneraliseerd": [("GM0344", "Utrecht"), ("GM0363", "Amsterdam"),
                                 ("GM0373", "Bergen (NH.)"), ("GM0893", "Bergen (L.)"),
                                 ("GM1900", "Súdwest-Fryslân"), ("GM0014", "Groningen")],
    "wijk_2025_gegeneraliseerd": [("WK036300", "Centrum"), ("WK034400", "Centrum")],
    "buurt_2025_gegeneraliseerd": [("BU03630000", "Zeeland")],
    "gemeente_labelpoint": [("GM0363", "elsewhere")],
}  # fmt: skip


def squares(rows: list[tuple[str, str]], row: int) -> gpd.GeoDataFrame:
    """A square of 1 km for each of them; a row of squares a layer."""
    places = [shapely.box(1000 * n, 1000 * row, 1000 * n + 1000, 1000 * row + 1000)
              for n in range(len(rows))]  # fmt: skip
    codes, names = zip(*rows, strict=True)
    columns = {"statcode": codes, "statnaam": names}
    return gpd.GeoDataFrame(columns, geometry=places, crs=28992)


@pytest.fixture(scope="module")
def cbs(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("cbs") / "cbsgebiedsindelingen2025.gpkg"
    for n, (layer, rows) in enumerate(REGIONS.items()):
        squares(rows, n).to_file(file, layer=layer)
    return str(file)


FOUND = {
    "GM0363": ("GM0363", (1000, 1000)), "gm0363": ("GM0363", (1000, 1000)),
    "Amsterdam": ("GM0363", (1000, 1000)), " amsterdam ": ("GM0363", (1000, 1000)),
    "PV29": ("PV29", (1000, 0)),
    "Zeeland": ("PV29", (1000, 0)),  # a province goes before a neighbourhood of that name
    "sudwest fryslan": ("GM1900", (4000, 1000)), "Bergen (NH.)": ("GM0373", (2000, 1000)),
    "BU03630000": ("BU03630000", (0, 3000)),
}  # fmt: skip


@pytest.mark.parametrize("text", FOUND)
def test_a_code_or_a_name(cbs: str, text: str) -> None:
    code, corner = FOUND[text]
    area = parse_area(text, [cbs])
    assert area.geometry.bounds == (*corner, corner[0] + 1000, corner[1] + 1000)
    assert area.source["region"] == code
    assert area.source["file"]["name"] == "cbsgebiedsindelingen2025.gpkg"
    assert len(area.source["file"]["sha256"]) == 64


def test_the_country_is_all_provinces(cbs: str) -> None:
    for text in ("NL", "nl"):
        area = parse_area(text, [cbs])
        assert area.geometry.equals(shapely.box(0, 0, 3000, 1000))
        assert (area.source["region"], area.source["name"]) == ("NL", "Nederland")


REFUSED = {
    "Utrecht": "means GM0344 (municipality Utrecht), PV26 (province Utrecht); give the code",
    "Groningen": "means GM0014 (municipality Groningen), PV20 (province Groningen); give the",
    "Bergen": "means GM0373 (municipality Bergen (NH.)), GM0893 (municipality Bergen (L.)); give",
    "Centrum": "means WK034400 (district Centrum), WK036300 (district Centrum); give the code",
    "Amsterdm": "no region of cbsgebiedsindelingen2025.gpkg; did you mean GM0363 (municipality Ams",
    "GM9999": "no such file, and no region of cbsgebiedsindelingen2025.gpkg",
    "1011": "no region of",
    "()": "no region of",
}


@pytest.mark.parametrize("text", REFUSED)
def test_a_name_that_is_not_one_region(cbs: str, text: str) -> None:
    with pytest.raises(InputError) as fault:
        parse_area(text, [cbs])
    said = str(fault.value)
    assert said.startswith(f"area {text}: ")
    assert REFUSED[text] in said
    assert "\n" not in said


def test_several_files(cbs: str, tmp_path: Path) -> None:
    """Of files that both know a code the first counts; a postcode is a name, not a number."""
    own = squares([("GM0363", "Amsterdam")], 7)
    own.to_file(tmp_path / "own.geojson")
    postcodes = squares([("x", "x")], 8).rename(columns={"statcode": "PC4CODE"})
    postcodes["PC4CODE"] = [1011]
    postcodes.drop(columns="statnaam").to_file(tmp_path / "pc4.geojson")
    files = [str(tmp_path / "own.geojson"), cbs, str(tmp_path / "pc4.geojson")]
    assert parse_area("Amsterdam", files).geometry.bounds[1] == 7000
    assert parse_area("Zeeland", files).geometry.bounds[1] == 0
    assert parse_area("1011", files).geometry.bounds[1] == 8000


def test_boundaries_of_the_cache(cbs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two years the newer; without any it is said how to get one."""
    monkeypatch.setenv("DAKLAAG_CACHE", str(tmp_path))
    with pytest.raises(InputError, match="fetch boundaries"):
        parse_area("Zeeland")
    folder = tmp_path / "boundaries"
    folder.mkdir()
    (folder / "cbs2024.gpkg").write_bytes(Path(cbs).read_bytes())
    assert parse_area("Zeeland").source["file"]["name"] == "cbs2024.gpkg"
    squares([("PV29", "Zeeland")], 9).to_file(folder / "cbs2025.gpkg", layer="provincie")
    assert parse_area("Zeeland").geometry.bounds[1] == 9000


NO_BOUNDARIES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "missing": (lambda file: None, "no such file"),
    "text": (lambda file: file.write_text("x"), "cannot be read as boundaries"),
    "without codes": (
        lambda file: squares([("a", "b")], 0).drop(columns="statcode").to_file(file),
        "no column statcode or cbscode",
    ),
    "without provinces": (
        lambda file: squares([("GM1", "b")], 0).to_file(file), "area NL: no provinces in",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", NO_BOUNDARIES)
def test_no_boundaries(tmp_path: Path, fault: str) -> None:
    make, why = NO_BOUNDARIES[fault]
    make(tmp_path / "file.gpkg")
    with pytest.raises(InputError, match=why) as said:
        parse_area("NL", [str(tmp_path / "file.gpkg")])
    assert "file.gpkg" in str(said.value)


def test_a_run_of_a_region(tmp_path: Path) -> None:
    """Its buildings, and in the report which region it was and from which file."""
    world = World(200, 60, 1.0)
    world.block(10, 20, 30, 40, 9)
    world.block(130, 20, 150, 40, 9)
    west = gpd.GeoDataFrame({"statcode": ["GM0363"], "statnaam": ["Amsterdam"]}, crs=28992,
                            geometry=[shapely.box(121_000, 487_000, 121_100, 487_060)])  # fmt: skip
    west.to_file(tmp_path / "gm.gpkg", layer="gemeente_gegeneraliseerd")
    found = world.judge(tmp_path, area="Amsterdam", boundaries=(str(tmp_path / "gm.gpkg"),))
    assert found["row"].tolist() == [0]
    said = json.loads((tmp_path / "out" / "report.json").read_text())["inputs"]["area"]
    assert (said["region"], said["name"], said["file"]["name"]) == (
        "GM0363", "Amsterdam", "gm.gpkg",
    )  # fmt: skip


def test_a_file_goes_before_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert is_region("Zeeland")
    (tmp_path / "Zeeland").write_text("")
    assert not is_region("Zeeland")
    assert not is_region("121000,487000,122000,488000")
    assert is_region("1011")


def test_the_real_boundaries(data_file: Callable[[str], Path]) -> None:
    """Areas as the statistics office tells them: the country's land about 34 to 42 thousand km2."""
    names = ("cbs_provinces_2025", "cbs_gemeenten_2022", "pc4_simplified")
    files = [str(data_file(f"boundaries/{name}.geojson")) for name in names]
    assert 33e9 < parse_area("NL", files).geometry.area < 42e9
    amsterdam = parse_area("GM0363", files)
    assert parse_area("Amsterdam", files).geometry.equals(amsterdam.geometry)
    assert amsterdam.contains(shapely.get_coordinates(shapely.Point(121_400, 487_370))).all()
    assert 150e6 < amsterdam.geometry.area < 250e6
    assert parse_area("1012", files).geometry.intersection(amsterdam.geometry).area > 1e6
    with pytest.raises(InputError, match=r"means GM0344 \(municipality Utrecht\), PV26 \(prov"):
        parse_area("Utrecht", files)
