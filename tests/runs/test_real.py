"""Two real places: against the reference, against another epoch, against 3DBAG.

With `-s` the figures are printed. They are facts of these inputs and of the method, bounded so
that a change of either is noticed.
"""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from tests.support.places import PLACES, DataFile, delft
from tests.support.runs import differences, expect, judge

Judged = Callable[[str, str], pd.DataFrame]


@pytest.fixture(scope="module")
def judged(data_file: DataFile, tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """What a run says of each row of a place, by its name and the surface; each runs once."""

    @cache
    def rows(name: str, surface: str) -> pd.DataFrame:
        files, options = PLACES[name](data_file)
        out = tmp_path_factory.mktemp(name)
        return judge(files, out, settings={"surface": surface}, block=100, **options)

    return rows


@pytest.fixture(scope="module")
def campus(judged: Judged) -> pd.DataFrame:
    return judged("delft", "extruded")


def counts(rows: pd.DataFrame) -> dict[str, int]:
    """Rows by class, or by why rejected."""
    return rows["class"].fillna(rows["rejected"]).value_counts().to_dict()


def spread(values: pd.Series) -> str:
    low, middle, high = values.quantile([0.25, 0.5, 0.75])
    return f"median {middle:.2f} m, quartiles {low:.2f} and {high:.2f}, n {len(values)}"


@pytest.mark.parametrize(
    ("name", "surface"), [("delft", "extruded"), ("amsterdam2", "dsm"), ("amsterdam3", "extruded")]
)
def test_every_row_equals_the_reference(
    judged: Judged, data_file: DataFile, name: str, surface: str
) -> None:
    files, options = PLACES[name](data_file)
    found = judged(name, surface)
    expected = expect(files, options.get("nodata"), surface=surface)
    assert len(found) == len(expected) > 1400
    assert not (said := differences(found, expected)), said[:10]


def test_delft(campus: pd.DataFrame) -> None:
    found = counts(campus)
    print("Delft 5 m:", found)
    assert found == {
        "solar": 788, "none": 406, "wind_or_solar": 12, "not_in_heights": 320, "not_standing": 2,
        "no_ground": 1,
    }  # fmt: skip
    assert len(campus) == 1529
    tallest = campus.loc[campus["height_m"].astype(float).idxmax()]
    assert 88 < tallest["height_m"] < 93  # the tower of EWI
    assert tallest["wind_suitable"]
    flags = campus["flags"].explode().value_counts()
    assert flags["repeated_id"] == 4
    assert flags["one_cell"] == 1529 - 1195


def test_undeclared_nodata_is_warned_of(data_file: DataFile, tmp_path: Path) -> None:
    said = []
    for name, options in (("without", {}), ("with", {"nodata": 0.0})):
        rows = judge(delft(data_file)[0], tmp_path / name, **options)
        report = json.loads((tmp_path / name / "report.json").read_text())
        said.append(report["accounting"]["warnings"])
        assert report["accounting"]["cells"]["dtm_without_data"] == (76_163 if options else 0)
        assert (rows["rejected"] == "no_ground").sum() == (1 if options else 0)
    ((warning,), nothing) = said
    assert not nothing
    assert "tud-dtm-5m.tif: 27%" in warning
    assert "nodata 0" in warning


def test_roof_heights_against_3dbag(campus: pd.DataFrame, data_file: DataFile) -> None:
    """At 5 m a ridge is smoothed: the roof comes out a third of a metre low, its ground right."""
    city = json.loads(data_file("delft-5m/3dbag_5907_subset.city.json").read_text())
    attributes = [
        {"id": key.removeprefix("NL.IMBAG.Pand.")} | thing["attributes"]
        for key, thing in city["CityObjects"].items()
        if thing["type"] == "Building"
    ]
    shared = campus.merge(pd.DataFrame(attributes), on="id", suffixes=("", "_3d"))
    assert (len(attributes), len(shared)) == (443, 168)
    judged = shared[shared["rejected"].isna()]
    roof = judged["roof_m"].astype(float) - judged["h_dak_70p"]
    ground = judged["ground_m"].astype(float) - judged["h_maaiveld"]
    print(f"3DBAG: roofs {spread(roof)}; ground {spread(ground)}")
    assert len(judged) == 159
    assert -0.4 < roof.median() < -0.1
    assert roof.quantile(0.25) > -1.0
    assert roof.quantile(0.75) < 0.1
    assert (roof.abs() < 1).mean() > 0.7
    assert 0 < ground.median() < 0.1
    assert ground.abs().max() < 0.5

    outliers = judged[roof.abs() > 2].assign(difference=roof)
    columns = ["id", "cells", "area_m2", "roof_m", "h_dak_50p", "h_dak_70p", "difference"]
    print(outliers[columns].sort_values("difference").to_string(index=False))
    assert len(outliers) == 20
    few = outliers["cells"] <= 5  # of 25 m2, half of them shared with a neighbour or a garden
    stepped = outliers["h_dak_70p"] - outliers["h_dak_50p"] > 3  # half low, half high
    assert (few | stepped).all()
    large = judged["cells"] >= 9
    assert roof[large].abs().max() < 2
    gone = shared[shared["rejected"] == "not_in_heights"]
    assert len(gone) == 9
    assert (gone["cells"] <= 2).all()


def test_amsterdam_in_two_epochs(judged: Judged) -> None:
    """By AHN2 and by AHN3."""
    epochs = [judged(name, "extruded") for name in ("amsterdam2", "amsterdam3")]
    found = [counts(rows) for rows in epochs]
    print("Amsterdam 1 m:", *found)
    assert found == [
        {"none": 860, "solar": 564, "wind_or_solar": 11, "off_rasters": 48, "not_in_heights": 1},
        {"none": 639, "solar": 437, "wind_or_solar": 9, "off_rasters": 398, "not_in_heights": 1},
    ]
    both = epochs[0]["rejected"].isna() & epochs[1]["rejected"].isna()
    then, now = (rows[both] for rows in epochs)
    roof = now["roof_m"].astype(float) - then["roof_m"].astype(float)
    ground = now["ground_m"].astype(float) - then["ground_m"].astype(float)
    lit = then["solar_suitable"] != now["solar_suitable"]
    windy = then["wind_suitable"] != now["wind_suitable"]
    changed = roof.abs() > 1
    print(f"AHN3 less AHN2: roofs {spread(roof)}, {changed.sum()} differ by more than 1 m")
    print(f"ground {spread(ground)}")
    verdicts = lit.sum(), now["solar_suitable"][lit].sum(), windy.sum()
    print(
        "verdicts changed: {} of the sun, {} of them to suitable, {} of the wind".format(*verdicts)
    )
    assert both.sum() == 1085
    assert abs(roof.median()) < 0.01
    assert roof.quantile(0.75) - roof.quantile(0.25) < 0.15
    assert abs(ground.median()) < 0.02
    assert changed.sum() == 32
    assert now["area_m2"][changed].astype(float).median() < 50  # sheds and extensions
    recent = (now["built"].astype(float) > 2010) & (now["built"].astype(float) < 2020)
    assert changed[recent].mean() > 5 * changed.mean()
    assert verdicts == (38, 17, 0)
