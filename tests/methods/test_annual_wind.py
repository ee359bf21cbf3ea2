"""The year of wind of the method `annual`: every number of it against a plain reference."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.grid.windows import LatticeCell
from pipeline.methods.climate.files import read_climate
from pipeline.methods.climate.wind import wind_of
from tests.support.outcomes import compute
from tests.support.runs import Files, table_of
from tests.support.wind_scenes import (
    GROUP,
    SHIPPED,
    Judged,
    grouped_quarter,
    made_town,
    rows_of,
    write_rows,
)
from tests.support.wind_year import rose_of

NEAR = 1e-6
OPTIONS: dict[str, Any] = {"method": "annual", "layers": (), "workers": 1, "group": GROUP}
FLAG = "low_hub"


def judged(files: Files, out: Path, **settings: Any) -> Judged:
    """A run, and what the reference needs of it."""
    compute(files, out, settings={"outlines": "no"} | settings, **OPTIONS)
    return Judged.of(files, table_of(out).to_dict("records"))


@pytest.fixture(scope="module", params=[pytest.param("quarter", marks=pytest.mark.slow), "town"])
def files(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("wind")
    return grouped_quarter(folder) if request.param == "quarter" else made_town().write(folder)


def assert_wind(run: Judged, **parameters: Any) -> int:
    """Compare every row; how many are candidates."""
    candidates = 0
    least = parameters.get("wind_min_height_m", 20)
    for row in run.rows:
        is_candidate = row["rejected"] is None and row["height_m"] >= least
        assert row["wind_candidate"] == (is_candidate if row["rejected"] is None else None)
        if not is_candidate:
            assert row["wind_kwh"] is None and FLAG not in row["flags"]
            continue
        candidates += 1
        due = run.expected(row, **parameters)
        assert (FLAG in row["flags"]) == due.pop(FLAG), row["row"]
        for name, value in due.items():
            assert row[name] == pytest.approx(value, rel=NEAR, abs=1e-9), (row["row"], name)
    return candidates


SETTINGS = [{}, {"roughness_model": "kanda", "mast_m": 2.0, "porosity": 0.3, "fetch_m": 400.0,
                 "roof_speedup": 1.1, "wind_min_height_m": 30.0,
     "turbine": "montana", "wind_min_kwh": 3000.0}]  # fmt: skip


@pytest.mark.parametrize("settings", SETTINGS, ids=["defaults", "others"])
def test_every_number_is_the_reference_s(
    files: Files, tmp_path: Path, settings: dict[str, Any]
) -> None:
    assert assert_wind(judged(files, tmp_path / "out", **settings), **settings) > 6


SQUARES = [(0, 37), (1, 36), (7, 40), (11, 47), (12, 47), (13, 59), (18, 31), (22, 46), (26, 58)]


@pytest.mark.parametrize("exposed", [False, True])
def test_the_rose_of_a_square_is_the_reference_s(tmp_path: Path, exposed: bool) -> None:
    """To the last bit, since both round alike; also with exposures by station and sector."""
    folder = Path(shutil.copytree(SHIPPED, tmp_path / "climate"))
    wind = rows_of(folder / "wind.csv")
    rng = np.random.default_rng(3)
    if exposed:
        wind = [row | {"exposure": f"{rng.uniform(0.8, 1.3):.3f}"} for row in wind]
        write_rows(folder / "wind.csv", wind)
    climate = read_climate(folder)
    for column, row in SQUARES:
        due = rose_of(column, row, wind, rows_of(folder / "stations.csv"))
        found = wind_of(climate, LatticeCell(column, row))
        assert (found.frequency.tolist(), found.mean.tolist()) == (due.frequency, due.mean)
        assert found.shape == due.shape
