"""Presets of yields: the study's, and those of 2024, side by side."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import InputError
from pipeline.methods.parameters import as_json, parse, schema
from pipeline.methods.powermapping.rules import YIELDS, Powermapping
from pipeline.results import report
from tests.support.commands import call
from tests.support.finished import buildings, composed
from tests.support.runs import World


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, (0.1, 70.8, 3400)),
        ({"yields": "study"}, (0.1, 70.8, 3400)),
        ({"yields": "2024"}, (0.3, 190, 2550)),
        ({"yields": 2024, "household_kwh": "1890"}, (0.3, 190, 1890)),
        ({"panel_share": "0.2", "yields": "2024"}, (0.2, 190, 2550)),
        ({"yields": "2024", "panel_share": 0.1, "solar_kwh_m2": 70.8}, (0.1, 70.8, 2550)),
        ({"solar_kwh_m2": 150}, (0.1, 150, 3400)),
    ],
)
def test_settings_override_the_preset(settings: Any, expected: Any) -> None:
    p = parse(Powermapping, settings)
    assert (p.panel_share, p.solar_kwh_m2, p.household_kwh) == expected
    assert parse(Powermapping, as_json(p)) == p


def test_another_name_is_refused() -> None:
    with pytest.raises(InputError, match="yields: '2030' is not accepted; it takes study, 2024"):
        parse(Powermapping, {"yields": "2030"})
    assert schema(Powermapping)["properties"]["yields"]["enum"] == ["study", "2024"]


def test_the_study_is_the_default() -> None:
    p = Powermapping()
    assert {name: getattr(p, name) for name in YIELDS["study"]} == YIELDS["study"]


def test_the_report_has_both_side_by_side() -> None:
    told = composed(buildings())
    study, later = told["yields"]["study"], told["yields"]["2024"]
    assert study["solar_kwh"] == pytest.approx(told["kwh"]["solar"])
    assert study["households"] == pytest.approx(told["households"]["solar"])
    assert later == pytest.approx({
        "panel_share": 0.3, "solar_kwh_m2": 190, "household_kwh": 2550, "panel_ha": 0.0225,
        "solar_kwh": 0.3 * 750 * 190, "households": 0.3 * 750 * 190 / 2550,
    })  # fmt: skip
    english, dutch = (report.to_text(told, lang) for lang in ("en", "nl"))
    assert "study          2024\n" in english and "this run" not in english
    assert "5,310        42,750\n" in english and "5.310        42.750\n" in dutch
    assert "Of 2024 the share and the kWh of a m2 are assumptions" in english
    assert "Van 2024 zijn aandeel en kWh van een m2 aannamen" in dutch


def test_a_run_with_yields_of_its_own_stands_beside_them() -> None:
    told = composed(buildings())
    told["method"]["parameters"]["panel_share"] = 0.2
    assert "this run         study          2024\n" in report.to_text(told)
    assert "20 %          10 %          30 %\n" in report.to_text(told)


def test_a_run_by_name(tmp_path: Path) -> None:
    world = World(120, 120, 1.0)
    world.block(40, 40, 60, 60, 9.0)
    world.frame()
    files = world.write(tmp_path / "in")
    out = tmp_path / "out"
    given = ["--dsm", files.dsm[0], "--dtm", files.dtm[0], "--buildings", files.buildings]
    given += ["--out", out, "--layers", "none", "--set", "yields=2024"]
    done = call("run", *map(str, given), "--set", "household_kwh=2000")
    assert done.exit_code == 0, done.output
    told = report.read(out)
    assert told["kwh"]["solar"] == pytest.approx(0.3 * 400 * 190)
    assert told["households"]["solar"] == pytest.approx(0.3 * 400 * 190 / 2000)
    assert told["yields"]["study"]["solar_kwh"] == pytest.approx(0.1 * 400 * 70.8)
    assert told["method"]["parameters"]["yields"] == "2024"
