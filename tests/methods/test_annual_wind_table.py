"""The wind of a year in the table of annual, from yields that are given: columns, class, flag, sums
with their interval."""

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pipeline.errors import InputError
from pipeline.methods import METHODS, parse_settings
from pipeline.methods.annual.table import classes_of
from pipeline.methods.annual.wind import sums
from pipeline.methods.annual.wind.columns import COLUMNS
from pipeline.methods.annual.wind.model import WindYear
from pipeline.methods.annual.wind.table import wind_columns, wind_flags
from pipeline.methods.method import names
from pipeline.methods.parameters import schema

ANNUAL = METHODS["annual"]
P = parse_settings(ANNUAL, {})
POSITION = np.array([1, 4])  # of six buildings two are candidates
KWH = np.array([620.0, 180.0])
SECTORS = np.outer(KWH, np.arange(1, 13) / 78)
SIGMA = np.hypot(math.hypot(0.40, 0.9), [0.25, 0.1])


def year(**other: Any) -> WindYear:
    """A year of two candidates, each number its own."""
    factor = np.exp(1.28 * SIGMA)
    values: dict[str, Any] = {
        "hub": np.array([31.5, 26.0]), "kwh": KWH, "brochure_kwh": 4 * KWH,
        "sector_kwh": SECTORS, "mean": np.array([4.2, 3.1]),
        "unsheltered": np.array([4.5, 3.3]), "roughness": np.array([0.8, 1.1]),
        "displacement": np.array([6.0, 7.5]), "held": np.array([0.05, 0.25]),
        "low_kwh": KWH / factor, "high_kwh": KWH * factor,
        "low_hub": np.array([False, True]),
    }  # fmt: skip
    return WindYear(**values | other)


def columns(of: WindYear | None = None, position: Any = POSITION) -> dict[str, list[Any]]:
    found = wind_columns(position, of, 6, P)
    assert {*found} == {*names(COLUMNS)}
    return {name: pa.array(values).to_pylist() for name, values in found.items()}


def test_candidates_have_their_year_and_others_null() -> None:
    found = columns(year())
    assert found.pop("wind_candidate") == [False, True, False, False, True, False]
    for name, values in found.items():
        assert [value is None for value in values] == [True, False, True, True, False, True], name
    taken = {name: [values[1], values[4]] for name, values in found.items()}
    assert taken.pop("wind_suitable") == [True, False]
    assert taken.pop("wind_sector_kwh") == SECTORS.astype(np.float32).tolist()
    given = year()
    assert taken == {
        "hub_m": [31.5, 26.0], "wind_kwh": [620.0, 180.0], "wind_brochure_kwh": [2480.0, 720.0],
        "wind_low_kwh": given.low_kwh.tolist(), "wind_high_kwh": given.high_kwh.tolist(),
        "wind_mean_ms": [4.2, 3.1], "wind_unsheltered_ms": [4.5, 3.3], "z0_m": [0.8, 1.1],
        "displacement_m": [6.0, 7.5], "wind_held": [0.05, 0.25],
    }  # fmt: skip


def test_without_a_candidate_only_that_is_known() -> None:
    found = columns(None, np.zeros(0, np.int64))
    assert found.pop("wind_candidate") == [False] * 6
    assert {value for values in found.values() for value in values} == {None}


@pytest.mark.parametrize(("least", "suits"), [(620.0, True), (620.1, False), (0.0, True)])
def test_what_suits_a_turbine_is_set_by_wind_min_kwh(least: float, suits: bool) -> None:
    p = parse_settings(ANNUAL, {"wind_min_kwh": least})
    assert wind_columns(POSITION, year(), 6, p)["wind_suitable"].to_pylist()[1] is suits


def test_types_are_those_declared() -> None:
    found = wind_columns(POSITION, year(), 6, P)
    for column in COLUMNS:
        assert pa.array(found[column.name]).type == column.type, column.name


def test_the_flag_is_that_of_candidates() -> None:
    found = wind_flags(POSITION, year(), 6)
    assert {name: mask.tolist() for name, mask in found.items()} == {
        "low_hub": [False, False, False, False, True, False]
    }
    assert not wind_flags(np.zeros(0, np.int64), None, 6)["low_hub"].any()
    assert "low_hub" in names(ANNUAL.flags)


def test_the_class_is_that_of_what_suits() -> None:
    """Wind goes before sun, and what is no candidate for wind is judged by the sun alone."""
    suits = {"solar_suitable": np.array([True, True, False, False, False, False])}
    suits |= wind_columns(POSITION, year(), 6, P)
    assert classes_of(suits).tolist() == [
        "solar", "wind_or_solar", "none", "none", "none", "none",
    ]  # fmt: skip
    assert {*classes_of(suits)} == {*names(ANNUAL.classes)}


@pytest.mark.parametrize("value", [5, True, ["study"], None, "", "  "])
def test_a_turbine_is_a_text(value: Any) -> None:
    said = schema(ANNUAL.parameters)["properties"]["turbine"]
    assert (said["type"], said["minLength"], said["default"]) == ("string", 1, "study")
    with pytest.raises(InputError, match=r"turbine: .* is not accepted; it takes a text"):
        parse_settings(ANNUAL, {"turbine": value})
    assert parse_settings(ANNUAL, {"turbine": " turby "}).turbine == "turby"


# Sums


def rows(kwh: list[float | None], high: list[float | None]) -> pa.Table:
    kind = pa.float64()
    return pa.table({"wind_kwh": pa.array(kwh, kind), "wind_high_kwh": pa.array(high, kind)})


def test_the_error_of_its_own_follows_from_the_interval() -> None:
    given = year()
    table = rows([*KWH.tolist(), 0.0, None], [*given.high_kwh.tolist(), 0.0, None])
    assert sums.apart_of(table) == pytest.approx([0.25, 0.1, 0, 0], abs=1e-12)


def test_climate_and_field_stay_however_many_turbines_there_are() -> None:
    """Of equal turbines what is their own goes with the root of their number; the rest does not."""
    common = math.sqrt(0.40**2 + 0.9**2)
    for number in (1, 100, 10_000):
        kwh, error = 500.0 * number, 500.0 * 0.5 * math.sqrt(number)
        sigma = math.sqrt(common**2 + 0.5**2 / number)
        low, high = sums.of_sum(kwh, error)
        assert low == pytest.approx(kwh / math.exp(1.28 * sigma))
        assert high == pytest.approx(kwh * math.exp(1.28 * sigma))
    assert sums.of_sum(0.0, 0.0) == (0.0, 0.0)
    assert sums.of_sum(1e6, 0.0).low > 1e6 / math.exp(1.28 * 0.985)
