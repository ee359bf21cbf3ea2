"""The commands: what they ask, print and leave."""

import csv
import io
import json
import re
from functools import partial
from pathlib import Path
from typing import Any

import geopandas as gpd
import openpyxl
import pyarrow.parquet as pq
import pytest
import rasterio
import shapely
import zarr
from click.testing import Result
from matplotlib.image import imread

from pipeline import quarter
from pipeline.methods import METHODS
from pipeline.methods.parameters import parameters_of
from pipeline.quarter import roofscape
from service.cli.main import main
from tests.support.commands import FINAL, arguments, call, contents
from tests.support.runs import Files

OPTIONS = """--dsm --dtm --buildings --layer --id --group --out --method --set --layers
    --restrictions --around --nodata --attribution --block --workers --scheduler --allow
    --overwrite --lang --relief --add-building --boundaries --quiet --verbose
    --help""".split()  # noqa: SIM905
COMMANDS = {
    "demo": ["--out", "--method", "--layers"],
    "fetch": [
        "--into",
        "--resolution",
        "--ahn",
        "--what",
        "--boundaries",
        "--margin",
        "--connections",
        "--relief",
        "--no-relief",
        "--base-url",
    ],
    "run": [*OPTIONS, "--update", "--by", "--log-json"],
    "plan": OPTIONS,
    "check": ["--lang"],
    "report": ["--by", "--format", "--lang"],
    "export": ["--to", "--layer"],
    "methods": ["--format"],
    "bench": ["--json", "--size", "--compare"],
    "serve": ["--data", "--host", "--port", "--state", "--config", "--public-url", "--no-open"],
    "keys": [],
    "marks": [],
}


@pytest.fixture(scope="module")
def run(files: Files, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """A run of all layers with a map, and what it printed."""
    out = tmp_path_factory.mktemp("run") / "out"
    layers = "hillshade,shadow,sun_hillshade,surface"
    return out, call(*arguments(files, out, "--layers", layers, "--attribution", "made up"))


@pytest.fixture
def finished(run: tuple[Path, Result]) -> Path:
    return run[0]


@pytest.fixture
def areas(tmp_path: Path) -> Path:
    west, south = 121_000, 487_000
    rows = {
        "naam": ["zuid", "noord"],
        "huishoudens": [10, 20],
        "geometry": [shapely.box(west, south + y, west + 120, south + y + 60) for y in (0, 60)],
    }
    gpd.GeoDataFrame(rows, crs=28992).to_file(tmp_path / "wijken.gpkg")
    return tmp_path / "wijken.gpkg"


def test_the_commands_are_those_that_are_explained() -> None:
    assert main.commands.keys() == COMMANDS.keys()
    shown = call("--help")
    assert shown.exit_code == 0
    assert all(f"  {name} " in shown.output for name in COMMANDS)
    assert call().output == shown.output


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("word", ["--help", "-h"])
def test_help(name: str, word: str) -> None:
    shown = call(name, word)
    assert shown.exit_code == 0
    assert all(f"{option} " in shown.output or f"{option}\n" in shown.output
               for option in COMMANDS[name])  # fmt: skip
    assert main.commands[name].get_short_help_str(200) in call("--help").output


def test_every_option_says_what_it_is_for() -> None:
    for command in main.commands.values():
        for parameter in command.params:
            if parameter.param_type_name == "option" and parameter.name not in (
                "method",
                "format_",
            ):
                assert getattr(parameter, "help", None), f"{command.name} {parameter.name}"


def test_version() -> None:
    assert call("--version").output.startswith("daklaag, version 0.")


def test_run_leaves_four_names(run: tuple[Path, Result]) -> None:
    out, result = run
    assert result.exit_code == 0
    assert {path.name for path in out.iterdir()} == FINAL
    assert not [name for name in contents(out) if "partial" in name]
    assert "potentially suitable" in result.stdout
    assert result.stdout.splitlines()[-1].startswith(f"{out}: ")
    assert "survey: 0 of 2" in result.stderr
    assert "warning: M_1.tif: 100% of the cells are exactly 0 m" in result.stderr


def test_outputs_are_readable_by_their_libraries(run: tuple[Path, Result]) -> None:
    out, _ = run
    table = pq.read_table(out / "buildings.parquet").to_pylist()
    assert [row["class"] for row in table] == ["wind_or_solar", "none", "solar", None]
    group: Any = zarr.open_group(out / "rasters.zarr", mode="r")
    assert sorted(group["0"].array_keys()) == [
        "hillshade", "shadow", "spatial_ref", "sun", "sun_hillshade", "surface", "x", "y",
    ]  # fmt: skip
    assert imread(out / "map.png").ndim == 3
    report = json.loads((out / "report.json").read_text())
    assert list(report) == [
        "counts", "area_ha", "kwh", "households", "yields", "accounting", "coverage", "method",
        "inputs", "program", "machine", "files",
    ]  # fmt: skip


def test_no_output_names_a_folder_of_this_machine(files: Files, finished: Path) -> None:
    for folder in {path.parent for path in (*files.dsm, files.buildings, finished)}:
        named = [name for name, data in contents(finished).items() if str(folder).encode() in data]
        assert not named


@pytest.mark.parametrize("before", [True, False])
def test_quiet_says_nothing(files: Files, tmp_path: Path, before: bool) -> None:
    words = arguments(files, tmp_path / "out", "--layers", "none")
    result = call(*(["-q", *words] if before else [*words, "-q"]))
    assert (result.exit_code, result.output) == (0, "")
    assert {path.name for path in (tmp_path / "out").iterdir()} == FINAL
    assert not list((tmp_path / "out" / "rasters.zarr" / "0").glob("s[hu]*a[de]*"))


def test_a_finished_run_says_so(files: Files, finished: Path) -> None:
    before = contents(finished)
    layers = "hillshade,shadow,sun_hillshade,surface"
    same = arguments(files, finished, "--layers", layers, "--attribution", "made up")
    result = call(*same, "--block", 64, "--workers", 1)
    assert result.exit_code == 0
    assert result.stdout == f"{finished}: this run is finished already\n"
    assert contents(finished) == before


def test_all_options_at_once(files: Files, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("id,what,effect,kind\n0000000000000002,solar,exclude,other\n")
    area = "121000,487000,121120,487120"
    result = call(
        *arguments(files, tmp_path / "out", "--layers", "shadow, surface", "--layer", "pand"),
        *("--id", "IDENTIFICATIE", "--group", "status", "--method", "powermapping", area),
        *("--set", "wind_radius_m=50", "--set", "times=11:00,13:00", "--set", "heights_year=2000"),
        *("--restrictions", tmp_path / "r.csv", "--around", "121060,487060,500", "--nodata", "-99"),
        *("--block", "32", "--workers", "2", "--scheduler", "threads", "--allow", "gaps,versions"),
        *("--lang", "nl", "--overwrite", "-v", "--attribution", "Bron: zelf gemaakt"),
    )
    assert result.exit_code == 0, result.output
    assert "Bron: zelf gemaakt" in result.stdout
    assert "potentieel geschikt" in result.stdout
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["method"]["parameters"]["times"] == ["11:00", "13:00"]
    assert report["counts"]["restrictions"] == {"other": 1}
    assert report["accounting"]["rejected"]["not_standing"] == 1


def test_plan_writes_nothing(files: Files, tmp_path: Path) -> None:
    before = contents(files.buildings.parent)
    result = call(*arguments(files, tmp_path / "out", "--block", "64", command="plan"))
    assert result.exit_code == 0
    said = {line[:38].strip(): line[38:] for line in result.stdout.splitlines()}
    assert said["sheets"] == "2 of 1 m"
    assert said["blocks"] == "4"
    assert said["relief"] == "30.00 m"
    assert said["footprints"] == "4, of the area 4"
    assert said["working memory a worker, at most"].endswith(" MiB")
    assert not list(tmp_path.iterdir())
    assert contents(files.buildings.parent) == before


def test_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generate = quarter.generate
    monkeypatch.setattr(
        quarter, "generate", lambda path: generate(path, size=(200, 200), resolution=2)
    )
    monkeypatch.chdir(tmp_path)
    result = call("demo", "--workers", 1)
    assert result.exit_code == 0, result.output
    assert {path.name for path in (tmp_path / "demo").iterdir()} == FINAL
    assert "newer_than_heights" in result.stdout
    again = call("demo", "--out", tmp_path / "demo")
    assert (again.exit_code, again.stdout) == (
        0, f"{tmp_path / 'demo'}: this run is finished already\n",
    )  # fmt: skip


def test_demo_of_roofs_in_planes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generate = roofscape.generate_roofs
    monkeypatch.setattr(roofscape, "generate_roofs", partial(generate, repeats=1))
    out = tmp_path / "demo"
    layers = "--layers", "plane"
    words = "--method", "annual", "--workers", 1, "--out", out, "--lang", "nl"
    result = call("demo", *words, *layers)
    assert result.exit_code == 0, result.output
    assert {path.name for path in out.iterdir()} == FINAL
    assert result.stdout.startswith("Een jaar zon en wind op de daken")
    assert re.search(r"gebouwen van 20 m of hoger +2\n", result.stdout)
    assert call("export", out, "--to", tmp_path / "plane.tif").exit_code == 0
    assert "annual" in call("demo", "--method", "yearly", "--out", out).stderr


def _cog(path: Path) -> int:
    with rasterio.open(path) as file:
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert file.crs.to_epsg() == 28992
    return 4


EXPORTS = {
    ".tif": _cog,
    ".gpkg": lambda path: len(gpd.read_file(path, layer="buildings")),
    ".geojson": lambda path: len(gpd.read_file(path)),
    ".parquet": lambda path: len(gpd.read_parquet(path)),
    ".csv": lambda path: len(list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))),
    ".xlsx": lambda path: openpyxl.load_workbook(path).active.max_row - 1,
    ".png": lambda path: imread(path).ndim + 1,
}


@pytest.mark.parametrize("ending", EXPORTS)
def test_export(finished: Path, tmp_path: Path, ending: str) -> None:
    before, to = contents(finished), tmp_path / f"city{ending}"
    result = call("export", finished, "--to", to)
    assert (result.exit_code, result.stderr) == (0, "")
    said = {".tif": "layer shadow: cast shadow", ".png": "the map of the roofs"}
    assert result.stdout.startswith(f"{to}: {said.get(ending, '4 buildings')}")
    assert list(tmp_path.iterdir()) == [to]
    assert EXPORTS[ending](to) == 4
    assert contents(finished) == before


def test_export_over_a_file(finished: Path, tmp_path: Path) -> None:
    to = tmp_path / "city.csv"
    to.write_text("mine")
    refused = call("export", finished, "--to", to)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert str(to) in refused.stderr and "--overwrite" in refused.stderr
    assert to.read_text() == "mine"
    for more in (["--overwrite"], []):  # what the command wrote is its own
        assert call("-q", "export", finished, "--to", to, *more).output == ""


@pytest.mark.parametrize("layer", ["hillshade", "shadow", "sun_hillshade", "surface"])
@pytest.mark.parametrize("ending", [".tif", ".png"])
def test_export_of_a_layer(finished: Path, tmp_path: Path, layer: str, ending: str) -> None:
    to = tmp_path / f"{layer}{ending}"
    assert call("export", finished, "--to", to, "--layer", layer).exit_code == 0
    assert to.stat().st_size > 100


@pytest.mark.parametrize("lang", ["en", "nl"])
def test_report(finished: Path, lang: str) -> None:
    result = call("report", finished, "--lang", lang)
    assert result.exit_code == 0
    words = {"en": "15-870 kWh a year", "nl": "15-870 kWh per jaar"}
    assert words[lang] in result.stdout
    told = call("report", finished, "--format", "json", "--lang", lang)
    assert json.loads(told.stdout) == json.loads((finished / "report.json").read_text())
    (row,) = csv.DictReader(io.StringIO(call("report", finished, "--format", "csv").stdout))
    assert (row["footprints"], row["class_none"]) == ("4", "1")


def test_report_by_area(finished: Path, areas: Path) -> None:
    told = json.loads(call("report", finished, "--by", areas, "--format", "json").stdout)
    assert [row["naam"] for row in told[:2]] == ["zuid", "noord"]
    assert [row["footprints"] for row in told] == [3, 1, 0]
    table = call("report", finished, "--by", areas, "--lang", "nl")
    assert table.exit_code == 0
    assert "noord" in table.stdout
    rows = csv.DictReader(
        io.StringIO(call("report", finished, "--by", areas, "--format", "csv").stdout)
    )
    assert [row["huishoudens"] for row in rows] == ["10", "20", ""]


@pytest.mark.parametrize("name", [(), ("powermapping",)])
def test_methods(name: tuple[str, ...]) -> None:
    for parameter in parameters_of(METHODS["powermapping"].parameters):
        assert f"  {parameter.name} = " in call("methods", *name).stdout
        assert f"| `{parameter.name}` |" in call("methods", *name, "--format", "markdown").stdout
    told = json.loads(call("methods", *name, "--format", "json").stdout)
    assert told["powermapping"][0].keys() == {"name", "unit", "default", "range", "reason"}
