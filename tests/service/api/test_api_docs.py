"""Every example of docs/api.md runs, in order, against the service that it says to start."""

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas
import pyogrio
import pytest

from service.api.query import Query
from service.core.settings import Settings
from service.processes.descriptions import DESCRIPTIONS
from service.processes.results import outputs_of
from tests.support.commands import ROOT
from tests.support.pages import add_programs, bash, examples, run_examples
from tests.support.quarters import World
from tests.support.servers import serving

PAGE = ROOT / "docs" / "api.md"
ADDRESS = "http://127.0.0.1:8000"
START = re.compile(r"^    daklaag serve (.*)$", re.MULTILINE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, w: World) -> Path:
    """Where an analyst works: with what `daklaag demo` leaves, though smaller."""
    made = tmp_path_factory.mktemp("analyst")
    shutil.copytree(w.run, made / "demo")
    shutil.copytree(w.inputs, made / "demo-inputs")
    add_programs(made)
    return made


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    """Of the service, started by the words of the page."""
    (words,) = START.findall(PAGE.read_text("utf-8"))
    with serving(folder, *shlex.split(words)) as url:
        yield url


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_every_example_runs(
    folder: Path, address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    found = examples(PAGE.read_text("utf-8").replace(ADDRESS, address))
    assert {each.language for each in found} == {"bash", "python"}
    names = run_examples(found, PAGE, folder)
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
        bash(broken, PAGE, tmp_path)


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
