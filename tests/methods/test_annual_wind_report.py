"""The wind of a year in what a run tells: rows, sums with their interval, print in both languages,
rows by area, restrictions, flat formats and comparisons."""

import csv
import math
import re
from pathlib import Path
from typing import Any, NamedTuple

import geopandas as gpd
import pytest
import shapely

from pipeline.errors import InputError
from pipeline.methods import METHODS, parse_settings
from pipeline.methods.parameters import schema
from pipeline.results import report
from pipeline.results.changes import changes, totals_changed
from pipeline.results.summary import summary
from tests.support.commands import call
from tests.support.runs import World, table_of

LEAST = 560.0  # between the yields of the two blocks that are high enough
WIND = (
    "hub_m", "wind_suitable", "wind_kwh", "wind_low_kwh", "wind_high_kwh", "wind_brochure_kwh",
    "wind_sector_kwh", "wind_mean_ms", "wind_unsheltered_ms", "z0_m", "displacement_m",
    "wind_held",
)  # fmt: skip


class Run(NamedTuple):
    """A finished run, its report, and its rows by what they are."""

    out: Path
    document: dict[str, Any]
    tower: dict[str, Any]
    flat: dict[str, Any]
    house: dict[str, Any]


def world() -> World:
    """A tower of 50 m, a flat of 21 m to the north-east of it, a house, and one without data."""
    w = World(200, 120, 1.0)
    w.block(60, 40, 80, 60, 50.0)
    w.block(100, 70, 130, 82, 21.0)
    w.block(20, 80, 30, 90, 8.0)
    w.block(150, 20, 160, 30, math.nan)
    return w


def finished(folder: Path, **options: Any) -> Run:
    settings = {"outlines": "no", "wind_min_kwh": LEAST} | options.pop("settings", {})
    world().judge(folder, method="annual", settings=settings, **options)
    tower, flat, house, _ = (row for _, row in table_of(folder / "out").iterrows())
    document = report.read(folder / "out")
    return Run(folder / "out", document, tower.to_dict(), flat.to_dict(), house.to_dict())


def sigma_of(row: dict[str, Any]) -> float:
    """The logarithmic error that the interval of a row stands for."""
    return math.log(row["wind_high_kwh"] / row["wind_kwh"]) / 1.28


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return finished(tmp_path_factory.mktemp("wind"))


def test_rows_have_the_wind_of_what_is_high_enough(run: Run) -> None:
    assert [row["wind_candidate"] for row in run[2:]] == [True, True, False]
    for row in (run.tower, run.flat):
        assert row["hub_m"] == pytest.approx(row["roof_m"] + 5)
        assert sum(row["wind_sector_kwh"]) == pytest.approx(row["wind_kwh"], rel=1e-6)
        assert row["wind_low_kwh"] < row["wind_kwh"] < row["wind_high_kwh"]
        ratio = row["wind_high_kwh"] / row["wind_kwh"]
        assert ratio == pytest.approx(row["wind_kwh"] / row["wind_low_kwh"])
        assert ratio > math.exp(1.28 * math.hypot(0.4, 0.9))
        assert row["wind_brochure_kwh"] > row["wind_kwh"]
        assert row["wind_suitable"] == (row["wind_kwh"] >= LEAST)
    assert run.tower["wind_mean_ms"] == pytest.approx(run.tower["wind_unsheltered_ms"])
    assert run.flat["wind_mean_ms"] < run.flat["wind_unsheltered_ms"] - 0.05
    assert {run.house[name] for name in WIND} == {None}
    classes = [row["class"] for row in run[2:]]
    assert classes == ["wind_or_solar", "solar", "solar"]


def test_what_is_not_judged_is_unknown(run: Run) -> None:
    empty = table_of(run.out).iloc[3]
    assert empty["rejected"] == "no_data"
    assert {empty[name] for name in (*WIND, "wind_candidate", "class")} == {None}


def test_sums_are_of_what_suits_and_have_an_interval(run: Run) -> None:
    document, row = run.document, run.tower
    assert [document["counts"][f"wind_{name}"] for name in ("candidates", "suitable")] == [2, 1]
    assert document["counts"]["legend"] == {
        "solar": 2, "wind_or_solar": 1, "none": 0, "set_aside": 0,
    }  # fmt: skip
    kwh = document["kwh"]
    for name in ("wind", "wind_low", "wind_high", "wind_brochure"):
        assert kwh[name] == pytest.approx(row[f"{name}_kwh"]), name
    own = math.sqrt(sigma_of(row) ** 2 - 0.4**2 - 0.9**2)
    assert document["errors"]["kwh"]["wind"] == pytest.approx(own * row["wind_kwh"])
    assert document["households"]["wind"] == pytest.approx(row["wind_kwh"] / 2550)


def test_of_two_turbines_only_what_is_their_own_averages_out(tmp_path: Path) -> None:
    both = finished(tmp_path, settings={"wind_min_kwh": 0.0})
    rows, kwh = (both.tower, both.flat), both.document["kwh"]
    total = sum(row["wind_kwh"] for row in rows)
    own = sum(row["wind_kwh"] ** 2 * (sigma_of(row) ** 2 - 0.4**2 - 0.9**2) for row in rows)
    factor = math.exp(1.28 * math.sqrt(0.4**2 + 0.9**2 + own / total**2))
    assert kwh["wind"] == pytest.approx(total)
    assert (kwh["wind_low"], kwh["wind_high"]) == pytest.approx((total / factor, total * factor))


SAID = {
    "en": ("buildings of 20 m or higher", "yield in a year, as in the field", "in 80 of 100 cases",
           "by the maker's brochure", "by the study, 3,060 kWh a turbine", "trials measured 15-870",
           "Yields of wind cannot be checked"),
    "nl": ("gebouwen van 20 m of hoger", "opbrengst in een jaar, in de praktijk",
           "in 80 van de 100 gevallen", "volgens de folder van de fabrikant",
           "volgens de studie, 3.060 kWh per stuk", "praktijkproeven gaven 15-870",
           "De opbrengst van wind is niet te toetsen"),
}  # fmt: skip


@pytest.mark.parametrize("lang", SAID)
def test_the_printed_report_has_the_wind_beside_brochure_and_study(run: Run, lang: str) -> None:
    text = report.format_totals(run.document, "table", lang)
    assert "{" not in text and "?" not in text
    for part in SAID[lang]:
        assert part in text
    kwh = run.document["kwh"]
    shown = [f"{kwh[name]:,.0f}" for name in ("wind", "wind_low", "wind_high")]
    value, low, high = (each.replace(",", ".") if lang == "nl" else each for each in shown)
    line = next(line for line in text.splitlines() if SAID[lang][1] in line)
    assert re.search(rf" {value} kWh, {SAID[lang][2]} {low} (to|tot) {high}$", line)


def test_no_yield_is_printed_where_nothing_suits(tmp_path: Path) -> None:
    none = finished(tmp_path, settings={"wind_min_kwh": 100_000.0})
    text = report.format_totals(none.document, "table")
    assert "high" in text and re.search(r"suitable: 100,000 kWh a year or more +0\n", text)
    assert "by the study" not in text and none.document["kwh"]["wind_high"] == 0
    assert none.tower["class"] == "solar" and none.tower["wind_kwh"] > 0


def test_a_roof_set_aside_for_wind_counts_for_sun(tmp_path: Path) -> None:
    wishes = tmp_path / "wishes.csv"
    wishes.write_text("id,what,effect,kind\n0000000000000000,wind,exclude,not_wanted\n")
    bound = finished(tmp_path, restrictions=str(wishes))
    counts = bound.document["counts"]
    assert bound.tower["class"] == "wind_or_solar" and bound.tower["wind_kwh"] > LEAST
    assert (counts["wind_candidates"], counts["wind_suitable"]) == (2, 0)
    assert counts["legend"]["solar"] == 3 and bound.document["kwh"]["wind"] == 0


def test_rows_by_area_and_summaries_have_the_wind(run: Run, tmp_path: Path) -> None:
    x = run.tower["centre_x"] + 15
    halves = [shapely.box(0, 0, x, 700_000), shapely.box(x, 0, 300_000, 700_000)]
    areas = gpd.GeoDataFrame({"name": ["west", "east"]}, geometry=halves, crs=28992)
    areas.to_file(tmp_path / "halves.gpkg")
    west, east, _ = report.by_area(run.out, tmp_path / "halves.gpkg")
    for name in ("wind_kwh", "wind_low_kwh", "wind_high_kwh", "wind_brochure_kwh"):
        assert west[name] == pytest.approx(run.tower[name]) and east[name] == 0
    assert west["households_wind"] == pytest.approx(run.tower["wind_kwh"] / 2550)
    assert (west["wind_candidates"], east["wind_candidates"]) == (1, 1)
    assert summary(run.out)["totals"]["kwh"] == run.document["kwh"]


def test_flat_formats_have_a_column_a_sector(run: Run, tmp_path: Path) -> None:
    assert call("export", run.out, "--to", tmp_path / "roofs.csv").exit_code == 0
    with (tmp_path / "roofs.csv").open(newline="") as file:
        rows = {int(row["row"]): row for row in csv.DictReader(file)}
    sectors = [f"wind_sector_kwh_{k}" for k in range(1, 13)]
    assert [float(rows[0][name]) for name in sectors] == pytest.approx(run.tower["wind_sector_kwh"])
    assert {rows[2][name] for name in (*sectors, "wind_kwh")} == {""}


def test_two_runs_are_compared_by_the_wind(run: Run, tmp_path: Path) -> None:
    other = finished(tmp_path, settings={"turbine": "montana"})
    found = {row["row"]: row for row in changes(run.out, other.out).to_pylist()}
    assert found.keys() == {0, 1}
    assert found[1]["wind_suitable_before"] is False and found[1]["wind_suitable_after"] is True
    assert found[1]["wind_kwh_after"] == other.flat["wind_kwh"] > found[1]["wind_kwh_before"]
    difference = totals_changed(run.out, other.out)["difference"]
    assert difference["counts"]["wind_suitable"] == 1
    assert difference["kwh"]["wind_low"] > 0


def test_what_suits_a_turbine_yields_wind_min_kwh_or_more(run: Run, tmp_path: Path) -> None:
    kwh = run.flat["wind_kwh"]
    for least, suits in ((kwh, True), (math.nextafter(kwh, math.inf), False)):
        settings = {"wind_min_kwh": repr(least)}
        assert finished(tmp_path / str(suits), settings=settings).flat["wind_suitable"] == suits


@pytest.mark.parametrize("value", [5, True, ["study"], None, "", "  "])
def test_a_turbine_is_a_text(value: Any) -> None:
    turbine = schema(METHODS["annual"].parameters)["properties"]["turbine"]
    assert (turbine["type"], turbine["minLength"], turbine["default"]) == ("string", 1, "study")
    with pytest.raises(InputError, match=r"turbine: .* is not accepted; it takes a text"):
        parse_settings(METHODS["annual"], {"turbine": value})
    assert parse_settings(METHODS["annual"], {"turbine": " turby "}).turbine == "turby"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("mast_m", "0.5", "mast_m: '0.5' is not accepted; it takes 1 to 50 m (default 5)"),
        ("fetch_m", "100000", "it takes 300 to 3000 m (default 1000)"),
        ("wind_min_height_m", "-1", "it takes 0 to 400 m (default 20)"),
        ("porosity", "2", "it takes 0 to 1 (default 0)"),
        ("roughness_model", "raupach", "it takes macdonald, kanda (default macdonald)"),
        ("turbine", "", "parameter turbine: '' is not accepted; it takes a text (default study)"),
        ("turbine", "ampair", "did you mean ampair_600?"),
    ],
)
def test_bad_parameters_are_refused(tmp_path: Path, name: str, value: str, said: str) -> None:
    with pytest.raises(InputError) as error:
        finished(tmp_path, settings={name: value})
    assert said in str(error.value) and "\n" not in str(error.value)
