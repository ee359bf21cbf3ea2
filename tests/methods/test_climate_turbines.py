"""Turbines: those that are shipped give what the trial measured; faults of a file are one line."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import InputError
from pipeline.methods.climate import make_turbines, read_turbines, shipped_turbines
from pipeline.methods.climate.make_turbines import TRIAL, TRIAL_MS, TRIAL_SHAPE
from pipeline.methods.climate.turbines import COLUMNS, MIDDLES
from tests.support import wind_year
from tests.support.commands import ROOT
from tests.support.damage import replace_once

SHIPPED = Path(make_turbines.__file__).with_name("turbines.csv")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A copy of the shipped turbines, to be spoiled."""
    path = tmp_path / "mine.csv"
    path.write_bytes(SHIPPED.read_bytes())
    return path


def test_the_shipped_file_is_what_the_program_makes(tmp_path: Path) -> None:
    made = tmp_path / "made.csv"
    make_turbines.make(made)
    assert made.read_bytes() == SHIPPED.read_bytes()


def test_the_docs_name_them_all() -> None:
    text = (ROOT / "docs" / "inputs.md").read_text("utf-8")
    _, _, listed = text.partition("`--set turbine=NAME` chooses one: ")
    names = re.findall(r"`(\w+)`", listed.partition(". ")[0])
    assert names == [*shipped_turbines().by_name]


def test_the_study_s_turbine_is_as_published() -> None:
    study = shipped_turbines().named("study")
    assert (study.swept, study.rated, study.field_share) == (5.3, 2500.0, 0.083)
    speeds = np.arange(60) * 0.5 + 0.25
    expected = np.where(speeds < 4, 0, np.minimum(2500, 0.30 * 3.25 * speeds**3))
    assert np.abs(study.curve - expected).max() <= 0.05
    plain = wind_year.Turbine(study.swept, study.rated, study.field_share, [*study.curve])
    assert study.field_curve.tolist() == pytest.approx(wind_year.field_power(plain), rel=1e-15)
    assert "assumption" in study.source


def trial_kwh(name: str) -> float:
    turbine = shipped_turbines().named(name)
    plain = wind_year.Turbine(turbine.swept, turbine.rated, turbine.field_share, [])
    return wind_year.energy(TRIAL_MS, TRIAL_SHAPE, wind_year.field_power(plain))


@pytest.mark.parametrize(
    ("name", "kwh"),
    [("energy_ball_v100", 73), ("ampair_600", 245), ("turby", 247), ("airdolphin", 393),
     ("passaat", 578), ("skystream", 2109), ("montana", 2691)],
)  # fmt: skip
def test_each_gives_in_the_wind_of_the_trial_what_it_gave_there(name: str, kwh: float) -> None:
    assert trial_kwh(name) == pytest.approx(kwh, rel=5e-4)


def test_curves_promise_more_than_the_trial_gave_but_for_one_and_no_rotor_beats_betz() -> None:
    less = []
    for each in TRIAL:
        turbine = shipped_turbines().named(each.name)
        brochure = wind_year.energy(TRIAL_MS, TRIAL_SHAPE, [*turbine.curve])
        less += [each.name] if brochure < each.kwh else []
        most = 16 / 27 * 0.5 * 1.225 * turbine.swept * (np.arange(60) * 0.5 + 0.25) ** 3
        assert turbine.field_share < 16 / 27 and (turbine.curve <= most).all()
        assert 0.98 * turbine.rated < turbine.curve.max() <= turbine.rated
    assert less == ["skystream"]


def test_certified_curves_are_as_published() -> None:
    """At about 5, 10 and 14 m/s, by the certificates."""
    for name, watts in (("skystream", [203, 1745, 2425]), ("montana", [400, 2760, 4480])):
        found = np.interp([5.0, 10.0, 14.0], MIDDLES, shipped_turbines().named(name).curve)
        assert found == pytest.approx(watts, rel=0.05), name


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("rated_w", "rated_kw", "mine.csv: no column 'rated_w' (it has name, swept_m2, rated_kw,"),
        (",w59", ",w60", "mine.csv: no column 'w59'"),
        (",74.8,", ",-74.8,", "row 2: w08 is '-74.8'; give a number that is not negative"),
        (",74.8,", ",,", "mine.csv: row 2: w08 is ''; give a number"),
        ("\nturby", "\nstudy", "mine.csv: row 5: a second row of name study; remove the row"),
        ("\nturby,", "\n,", "mine.csv: row 5: name is ''; give a name, or remove the row"),
        ("\nturby,5.3,2500,0.0827", "\nturby,5.3,2500,8.27", "cp_field is '8.27'; it is at most 1"),
    ],
)
def test_faults_of_a_file_are_one_line(table: Path, old: str, new: str, message: str) -> None:
    replace_once(table, old, new)
    with pytest.raises(InputError) as error:
        read_turbines(table)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_a_row_that_is_too_short_has_a_gap(table: Path) -> None:
    table.write_text(table.read_text("utf-8").rstrip("\n").rpartition(",")[0] + "\n", "utf-8")
    with pytest.raises(InputError, match="row 9: w59 is ''; give a number"):
        read_turbines(table)


def test_a_file_without_turbines_is_refused(table: Path) -> None:
    table.write_text(table.read_text("utf-8").splitlines()[0], "utf-8")
    with pytest.raises(InputError, match=r"^mine\.csv: has no turbine; give a row a turbine$"):
        read_turbines(table)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^none\.csv: is missing; see that it is there"):
        read_turbines(tmp_path / "none.csv")


def test_an_unknown_name_has_the_nearest(table: Path) -> None:
    with pytest.raises(InputError) as error:
        read_turbines(table).named("ampair600")
    assert str(error.value).startswith(
        "parameter turbine: 'ampair600' is not in mine.csv; did you mean ampair_600?; it has study,"
    )


def test_a_file_of_one_s_own_replaces_all(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    with path.open("w", newline="") as table:
        curve = [100.0] * 60
        csv.writer(table).writerows([["name", *COLUMNS], ["mill", 9, 50, 0.5, "own", *curve]])
    turbines = read_turbines(path)
    assert [*turbines.by_name] == ["mill"] and turbines != shipped_turbines()
    mill = turbines.named("mill")
    assert mill.curve.tolist() == curve and mill.field_curve.max() == 50.0
