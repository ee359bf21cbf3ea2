"""Every example of docs/api.md runs, in order, against the service that it says to start."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import geopandas
import pyogrio
import pytest

from service.api.query import Query
from service.core.settings import Settings
from service.processes.descriptions import DESCRIPTIONS
from service.processes.results import outputs_of
from tests.support.commands import ROOT
from tests.support.quarters import World
from tests.support.servers import serving

PAGE = ROOT / "docs" / "api.md"
ADDRESS = "http://127.0.0.1:8000"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
START = re.compile(r"^    daklaag serve (.*)$", re.MULTILINE)
# What stands on the path beside the system's own: a program of the page, and what it does here.
PROGRAMS = {
    "daklaag": "from service.cli.main import main; main(prog_name='daklaag')",
    "qgis": "import sys, pyogrio; assert pyogrio.read_info(sys.argv[1])['features'] > 10",
}


class Example(NamedTuple):
    """A block of the page, and the line it begins at."""

    language: str
    text: str
    line: int


def examples(page: str) -> list[Example]:
    """All of a page, in order."""
    return [
        Example(found[1], found[2], page.count("\n", 0, found.start()) + 2)
        for found in BLOCK.finditer(page)
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, w: World) -> Path:
    """Where an analyst works: with what `daklaag demo` leaves, though smaller."""
    made = tmp_path_factory.mktemp("analyst")
    shutil.copytree(w.run, made / "demo")
    shutil.copytree(w.inputs, made / "demo-inputs")
    (made / "bin").mkdir()
    for name, code in PROGRAMS.items():
        program = made / "bin" / name
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{code}" "$@"\n')
        program.chmod(0o755)
    return made


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    """Of the service, started by the words of the page."""
    (words,) = START.findall(PAGE.read_text("utf-8"))
    with serving(folder, *shlex.split(words)) as url:
        yield url


def bash(example: Example, folder: Path) -> str:
    """Run as it is typed."""
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", example.text],
        cwd=folder, capture_output=True, text=True,
        env=os.environ | {"PATH": path, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, f"{PAGE.name}, line {example.line}: {done.stderr}"
    return done.stdout


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_every_example_runs(
    folder: Path, address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {}
    found = examples(PAGE.read_text("utf-8").replace(ADDRESS, address))
    assert {each.language for each in found} == {"bash", "python"}
    for each in found:
        if each.language == "bash":
            print(bash(each, folder))
        else:
            # at its line, so that a traceback says where
            code = compile("\n" * (each.line - 1) + each.text, str(PAGE), "exec")
            exec(code, names)
    said = capsys.readouterr().out
    assert_results(folder, names)
    assert '"Noordwest"' in said
    assert "400 input area: Atlantis" in said
    changed = re.search(r"successful (\d+) buildings change", said)
    assert changed and int(changed[1]) > 0
    assert "{'solar': 1, 'wind': 0, 'both': 0}" in said


def test_a_broken_example_fails(tmp_path: Path) -> None:
    (broken,) = examples("# A page\n\n```bash\ncurl -sf http://127.0.0.1:9/\necho on\n```\n")
    assert broken.line == 4
    (tmp_path / "bin").mkdir()
    with pytest.raises(AssertionError, match="line 4"):
        bash(broken, tmp_path)


def test_inputs_results_filters_and_limits_are_those_of_the_service() -> None:
    page = PAGE.read_text("utf-8")
    inputs = {name for each in DESCRIPTIONS.values() for name in each["inputs"]} - {"method"}
    results = {name for process in DESCRIPTIONS for name in outputs_of(process)}
    filters = {field.alias or name for name, field in Query.model_fields.items()}
    named = inputs | results | filters - {"bbox_crs", "cursor", "datetime"}
    assert {name for name in named if f"`{name}`" not in page} == set()
    limit = {name: f"{field.default:,g}" for name, field in Settings.model_fields.items()
             if isinstance(field.default, int | float)}  # fmt: skip
    for row in (
        "| {jobs_a_client} | {jobs_a_visitor} |",
        "| {area_km2} km2 | {visitor_area_km2} km2 |",
        "| {storage_gb} GB, {result_days} days |",
        "| {visitor_storage_gb} GB, {visitor_result_days} days |",
        "| {body_mb} MB | {visitor_body_mb} MB |",
        "| | {requests_a_minute} |",
    ):
        assert row.format(**limit) in page, row


def assert_results(folder: Path, names: dict[str, Any]) -> None:
    """What the examples brought is what they say."""
    assert len(geopandas.read_file(folder / "daklaag.gpkg", layer="buildings")) > 50
    assert {"lit", "class"} <= {*names["roofs"].columns}
    for name in ("gpkg", "geojson", "csv"):
        read = pyogrio.read_dataframe(folder / f"buildings.{name}", layer="buildings")
        assert len(read) == len(names["roofs"])
    assert names["shadow"].ndim == 2 and set(names["windy"]["class"]) == {"wind_or_solar"}
