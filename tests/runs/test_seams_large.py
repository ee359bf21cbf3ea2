"""The seam law at length, in every way at once: a square kilometre and a polder at 0.5 m, a city at
1 m. Other places: test_seams_sheets.py."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from pipeline import quarter
from tests.runs.test_real_input import footprints, written
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
from tests.support.places import Place, amsterdam
from tests.support.runs import Files, generated, write_sheet

pytestmark = pytest.mark.slow

WHOLE = 4096


def square_kilometre(folder: Path) -> Place:
    """4 x 4 shards of 512, so that blocks of 128 and of 500 cut them."""
    q = quarter.generate(folder, sheets=(3, 2))
    return Files(q.dsm, q.dtm, q.buildings), {"settings": {"heights_year": quarter.HEIGHTS_YEAR}}


def bergermeer(data_file: Callable[[str], Path], folder: Path) -> Place:
    """A polder's relief at 0.5 m, also as DSM; every square on it is judged."""
    path = data_file("bergermeer-05m/dem_bergermeer_05m_clip2048.tif")
    buildings = written(footprints((path,), 40, 9), folder)
    return Files((path,), (path,), buildings), {
        "settings": {"min_height_m": 0.0, "wind_min_height_m": 0.0, "wind_radius_m": 30.0}
    }


@dataclass(frozen=True)
class Case:
    """One place and surface, and its result in as few blocks as there can be."""

    files: Files
    options: dict[str, Any]
    whole: Outcome


@pytest.fixture(
    scope="module",
    params=["quarter-extruded", "quarter-dsm", "amsterdam-extruded", "bergermeer-dsm"],
)
def case(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Case]:
    place, surface = request.param.split("-")
    folder = tmp_path_factory.mktemp(place)
    if place == "quarter":
        files, options = square_kilometre(folder / "in")
    elif place == "bergermeer":
        files, options = bergermeer(request.getfixturevalue("data_file"), folder)
    else:
        files, options = amsterdam(request.getfixturevalue("data_file"), 2)
    options = options | {"settings": options.get("settings", {}) | {"surface": surface}}
    yield Case(
        files, options, run_without_map(files, folder / "out", block=WHOLE, workers=1, **options)
    )


@pytest.mark.parametrize("block", [500, 1024])
def test_any_block_and_any_workers(tmp_path: Path, case: Case, block: int) -> None:
    found = run_without_map(case.files, tmp_path / "out", block=block, workers=2, **case.options)
    assert_equal(found, case.whole)


def test_interrupted_and_in_any_order(
    tmp_path: Path, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shuffle_tasks(monkeypatch, seed=1) == []
    out, patience = tmp_path / "out", 130 if case.whole.resolution == 0.5 else 40
    assert run_interrupted(case.files, out, patience, block=128, workers=2, **case.options) > 0
    assert_equal(outcome(out), case.whole)


@pytest.mark.parametrize("share", [0.2, 0.7])
def test_a_part_of_the_area(tmp_path: Path, case: Case, share: float) -> None:
    area = middle(case.whole, share)
    found = run_without_map(case.files, tmp_path / "out", area=area, block=200, **case.options)
    (_, shadow) = case.whole.arrays[0, "shadow"]
    assert assert_agrees(found, case.whole) > 3 * shadow.size * share**2
    assert len(found.rows) < len(case.whole.rows)


def test_a_sheet_more_or_less_elsewhere_changes_no_row(tmp_path: Path) -> None:
    """Relief is measured over all sheets: a hill far away makes longer halos, not other rows."""
    files = generated(tmp_path / "in", size=(390, 340), resolution=1)
    whole = run_without_map(files, tmp_path / "whole", workers=1)
    with rasterio.open(files.dsm[0]) as sheet:
        transform = sheet.transform @ rasterio.Affine.translation(-4000, 0)
    extra = tmp_path / "R_hill.tif", tmp_path / "M_hill.tif"
    for path in extra:
        write_sheet(path, np.full((40, 60), 250.0), transform)
    more = Files((*files.dsm, extra[0]), (*files.dtm, extra[1]), files.buildings)
    found = run_without_map(more, tmp_path / "out", block=64, allow=frozenset({"gaps"}))
    assert assert_agrees(found, whole) > 1e5
    assert found.rows.keys() == whole.rows.keys()
