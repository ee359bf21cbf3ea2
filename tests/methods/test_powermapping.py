"""The whole run against the method written a second time: every column of every row is equal.

Thirty messy worlds, each with its own seed; `DAKLAAG_WORLDS=3000` draws three thousand.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline import quarter
from pipeline.errors import InputError
from pipeline.methods.method import names
from pipeline.methods.powermapping.declaration import POWERMAPPING
from tests.support.runs import COLUMNS, Files, assert_equal, differences, expect, judge
from tests.support.worlds import write_world

PARAMETERS: tuple[dict[str, Any], ...] = (
    {},
    {"surface": "dsm"},
    {"roof_percentile": 95.0, "ground_percentile": 20.0},
    {"roof_percentile": 50.0, "ground_ring_m": 0.0},
    {"min_height_m": 3.0, "heights_year": 2000},
    {"statuses": ("Pand in gebruik", "Pand gesloopt", "Pand in bezit")},
    {"times": ("11:00",), "elevation": "apparent"},
    {"times": ("09:30", "10:15", "11:00", "12:38:36", "13:00", "14:00", "15:30")},
    {"centre": "point_on_surface", "surface": "dsm"},
    {"wind_radius_m": 30.0, "wind_compare": "height"},
    {"wind_radius_m": 150.0, "wind_tie": "at_least_as_high", "panel_share": 0.25},
    {"wind_compare": "height", "wind_tie": "at_least_as_high", "wind_min_height_m": 3.0,
     "reach_height_m": 0.0},
    {"reach_height_m": 2.0, "wind_min_height_m": 5.0, "wind_radius_m": 7.3},
    {"date": "2026-03-21", "times": ("08:00", "12:00", "17:30"), "solar_kwh_m2": 171.3},
    {"ground_ring_m": 33.3, "surface": "dsm", "reach_height_m": 5.0, "wind_radius_m": 12.0},
)  # fmt: skip
SEEDS = range(1000, 1000 + int(os.environ.get("DAKLAAG_WORLDS", "30")))
GAP = 1001  # of a world with a sheet missing in the middle


def run_both(files: Files, out: Path, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The product's rows and the reference's, with the parameters, group and block of a seed."""
    parameters = PARAMETERS[seed % len(PARAMETERS)]
    group = "blok" if seed % 2 else None
    found = judge(
        files,
        out,
        settings=parameters,
        group=group,
        allow=frozenset({"gaps"}),
        block=(16, 37, 100, 2048)[seed % 4],
    )
    return found, expect(files, group=group, **parameters)


@pytest.mark.parametrize(
    ("seed", "size", "resolution", "surface"),
    [
        (2008, (300, 300), 1, "extruded"),
        (1, (450, 350), 1, "dsm"),
        (7, (240, 220), 0.5, "dsm"),
        (3, (800, 700), 5, "extruded"),
    ],
    ids=str,
)
def test_a_quarter(
    tmp_path: Path, seed: int, size: tuple[int, int], resolution: float, surface: str
) -> None:
    q = quarter.generate(tmp_path / "in", size=size, resolution=resolution, seed=seed)
    files = Files(q.dsm, q.dtm, q.buildings)
    parameters = {"surface": surface, "heights_year": quarter.HEIGHTS_YEAR}
    found = judge(files, tmp_path / "out", settings=parameters, block=100)
    assert len(found) == len(q.truth)
    assert_equal(found, expect(files, **parameters))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_messy_world(tmp_path: Path, seed: int) -> None:
    found, expected = run_both(write_world(tmp_path / "in", seed), tmp_path / "out", seed)
    assert len(found) == len(expected)
    assert_equal(found, expected)


@pytest.mark.parametrize("seed", range(40, 48))
def test_a_row_does_not_depend_on_the_area(tmp_path: Path, seed: int) -> None:
    files = write_world(tmp_path / "in", seed)
    parameters = PARAMETERS[seed % len(PARAMETERS)]
    expected = expect(files, **parameters)
    x, y = expected["centre_x"], expected["centre_y"]
    west, south, east, north = x.quantile(0.3), y.quantile(0.25), x.quantile(0.9), y.quantile(0.8)
    allow = frozenset({"gaps"})
    area = f"{west},{south},{east},{north}"
    found = judge(files, tmp_path / "out", area=area, settings=parameters, allow=allow)
    inside = x.between(west, east) & y.between(south, north)
    assert 8 < inside.sum() < 30
    assert found["row"].tolist() == expected["row"][inside | x.isna()].tolist()
    assert_equal(found, expected)


def test_dsm_and_dtm_of_different_ground_count_where_both_are(tmp_path: Path) -> None:
    one = quarter.generate(tmp_path / "one", size=(300, 300), resolution=1, sheets=(3, 3))
    east, south = [i for i in range(9) if i % 3 < 2], range(3, 9)
    files = Files(tuple(one.dsm[i] for i in east), tuple(one.dtm[i] for i in south), one.buildings)
    found, expected = judge(files, tmp_path / "out"), expect(files)
    assert (expected["rejected"] == "off_rasters").sum() > 20
    assert_equal(found, expected)


def test_the_messy_worlds_hold_every_reason_flag_and_verdict(tmp_path: Path) -> None:
    worlds = [
        (write_world(tmp_path / str(s), s), PARAMETERS[s % len(PARAMETERS)]) for s in SEEDS[:15]
    ]
    rows = pd.concat([expect(files, **parameters) for files, parameters in worlds])
    flags = set(names(POWERMAPPING.flags)) - {"restricted"}
    counted = [
        rows["rejected"].value_counts().reindex(names(POWERMAPPING.reasons), fill_value=0),
        rows["flags"].explode().value_counts().reindex(flags, fill_value=0),
        rows["class"].value_counts().reindex(("solar", "wind_or_solar", "none"), fill_value=0),
        rows["wind_shadowed"].value_counts().reindex((True, False), fill_value=0),
    ]
    assert min(counts.min() for counts in counted) >= 5, counted


def test_the_comparison_sees_every_column(tmp_path: Path) -> None:
    expected = expect(write_world(tmp_path, 1001), **PARAMETERS[1])
    found = expected.astype(object).set_index("row", drop=False)
    assert not differences(found, expected)
    row = int(np.flatnonzero(expected["lit"].notna())[0])
    found = found.loc[[row]]
    others = {"lit": (None, [True]), "flags": ([], ["uneven", "x"]), "row": ()}
    for column in COLUMNS:
        for value in others.get(column, ("other", -1.0)):
            changed = found.copy()
            changed.at[row, column] = value
            assert differences(changed, expected), (column, value)


def test_a_sheet_missing_in_the_middle_must_be_allowed(tmp_path: Path) -> None:
    files = write_world(tmp_path / "in", GAP)
    assert len(files.dsm) == 8
    with pytest.raises(InputError, match="allow gaps"):
        judge(files, tmp_path / "out")
