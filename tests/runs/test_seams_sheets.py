"""The seam law over sheets: of the generated nation, and real ones of 5, 1 and 0.5 m."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bench import nation
from tests.runs.test_real_input import FOUR, achterhoek, footprints, written
from tests.support.outcomes import (
    Outcome,
    assert_agrees,
    assert_equal,
    middle,
    outcome,
    run_interrupted,
    run_without_map,
    shuffle_tasks,
)
from tests.support.places import Place, amsterdam, delft
from tests.support.runs import Files, recut

pytestmark = pytest.mark.slow

ALL: dict[str, Any] = {"min_height_m": 0.0, "wind_min_height_m": 0.0, "wind_radius_m": 30.0}


def province(request: pytest.FixtureRequest, folder: Path) -> Place:
    """The four sheets around a corner in the capital, at 5 m, with one building in ten."""
    names = ["25GN1", "25GN2", "25GZ1", "25GZ2"]
    made = nation.generate(folder / "nation", names=names, footprints=nation.FOOTPRINTS // 10)
    sheets = (tuple(sorted(home.iterdir())) for home in (made.dsm, made.dtm))
    return Files(*sheets, made.buildings), {}


def of_delft(request: pytest.FixtureRequest, folder: Path) -> Place:
    return delft(request.getfixturevalue("data_file"))


def of_amsterdam(request: pytest.FixtureRequest, folder: Path) -> Place:
    return amsterdam(request.getfixturevalue("data_file"), 3)


def of_the_achterhoek(request: pytest.FixtureRequest, folder: Path) -> Place:
    """Its DTM as DSM too; whatever relief there is counts."""
    sheets = achterhoek(request.getfixturevalue("data_file"), FOUR)
    return Files(sheets, sheets, written(footprints(sheets, 500, 22), folder)), {"settings": ALL}


def of_the_westland(request: pytest.FixtureRequest, folder: Path) -> Place:
    """Greenhouses and ponds at 0.5 m; its DSM as DTM too."""
    sheets = (request.getfixturevalue("data_file")("westland-05m/westland_ahn_dsm_05m.tif"),)
    return Files(sheets, sheets, written(footprints(sheets, 16, 7), folder)), {"settings": ALL}


PLACES = {
    "province": province,
    "delft": of_delft,
    "amsterdam": of_amsterdam,
    "achterhoek": of_the_achterhoek,
    "westland": of_the_westland,
}
WAYS: dict[str, tuple[str, tuple[str, ...]]] = {
    "extruded": ("extruded", ()),
    "measured": ("dsm", ("hillshade", "shadow")),
}


@dataclass(frozen=True)
class Case:
    """A place, a surface and layers, and the result in as few blocks as there can be; patience: in
    polls, such that it is stopped and that a shard is finished."""

    files: Files
    options: dict[str, Any]
    whole: Outcome
    patience: int


CASES = (
    ("province", "extruded"), ("province", "measured"), ("delft", "extruded"),
    ("amsterdam", "measured"), ("achterhoek", "extruded"), ("westland", "measured"),
)  # fmt: skip


@pytest.fixture(scope="module", params=CASES, ids="-".join)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    name, way = request.param
    files, options = PLACES[name](request, tmp_path_factory.mktemp(name))
    surface, layers = WAYS[way]
    settings = options.get("settings", {}) | {"surface": surface}
    options = options | {"settings": settings, "layers": layers}
    out = tmp_path_factory.mktemp("whole") / "out"
    whole = run_without_map(files, out, block=4096, workers=1, **options)
    small = "delft" in str(files.buildings) or "amsterdam" in str(files.buildings)
    return Case(files, options, whole, 40 if small else 150)


def test_shuffled_and_stopped_time_and_again(
    tmp_path: Path, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On two workers, in blocks that no shard is a multiple of."""
    shuffle_tasks(monkeypatch, seed=5)
    out = tmp_path / "out"
    assert run_interrupted(case.files, out, case.patience, block=200, workers=2, **case.options) > 0
    assert_equal(outcome(out), case.whole)


def test_other_sheets(tmp_path: Path, case: Case) -> None:
    """Of the same ground, cut where neither tile, block, shard nor coarse cell is; a third of it
    is asked for."""
    area = middle(case.whole, 0.55) if case.options["layers"] else None
    sheets = (
        recut(paths, tmp_path, [211, 333], [107, 401]) for paths in (case.files.dsm, case.files.dtm)
    )
    files = Files(*sheets, case.files.buildings)
    found = run_without_map(files, tmp_path / "out", area=area, block=200, **case.options)
    assert_agrees(found, case.whole)
    if area is None:
        assert found.rows.keys() == case.whole.rows.keys()
        assert found.buildings == case.whole.buildings
