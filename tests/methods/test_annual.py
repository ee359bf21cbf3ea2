"""The method `annual`: its bookkeeping against a plain reference, odd footprints, bad input."""

import math
import re
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyarrow.parquet as pq
import pytest
import shapely

from pipeline import quarter
from pipeline.errors import InputError
from pipeline.quarter.roofscape import generate_roofs
from pipeline.results import report
from pipeline.results.summary import summary
from pipeline.wording import MONTHS
from tests.support.annual import Finished, convergence, expected, finished
from tests.support.commands import arguments, call
from tests.support.outcomes import compute, counted
from tests.support.runs import Files, World

NAME = "annual"
OWN_FLAGS = {"poor_data", "rough_roof", "overgrown", "many_planes"}
WIND = (
    "hub_m", "wind_candidate", "wind_suitable", "wind_kwh", "wind_low_kwh", "wind_high_kwh",
    "wind_brochure_kwh", "wind_sector_kwh", "wind_mean_ms", "wind_unsheltered_ms", "z0_m",
    "displacement_m", "wind_held",
)  # fmt: skip
EXACT = {"n", "kind", "cells", "suitable", "very_suitable", "azimuth_deg", "tilt_deg", "class"}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Every kind of roof once."""
    made = generate_roofs(tmp_path_factory.mktemp("scene"), repeats=1)
    return Files(made.dsm, made.dtm, made.buildings)


@pytest.fixture(scope="module", params=["quarter", "scene"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder = tmp_path_factory.mktemp("annual")
    if request.param == "scene":
        return finished(request.getfixturevalue("scene"), folder / "out")
    made = quarter.generate(folder / "in", size=(200, 200))
    return finished(Files(made.dsm, made.dtm, made.buildings), folder / "out")


def assert_bookkeeping(run: Finished, **parameters: Any) -> None:
    for row in run.alone():
        due = expected(row, run.ground, **parameters)
        assert {*row["flags"]} & OWN_FLAGS == due.pop("flags")
        pairs = [*zip(row["planes"], due.pop("planes"), strict=True), (row, due)]
        for found, values in pairs:
            for name, value in values.items():
                same = value if name in EXACT else pytest.approx(value, rel=1e-9, abs=1e-9)
                assert found[name] == same, (row["row"], name)


def test_its_bookkeeping(run: Finished) -> None:
    kinds = {plane["kind"] for row in run.rows.values() for plane in row["planes"]}
    assert kinds == {"flat", "pitched"}
    assert_bookkeeping(run)


def test_its_bookkeeping_by_other_parameters(scene: Files, tmp_path: Path) -> None:
    other = {
        "flat_below_deg": 20.0, "min_plane_m2": 15.0, "steep_above_deg": 40.0, "setback_m": 0.5,
        "pitched_cover": 0.6, "south_cover": 0.4, "flat_layout": "south", "module_kwp_m2": 0.22,
    }  # fmt: skip
    run = finished(scene, tmp_path / "out", outlines="no", **other)
    assert_bookkeeping(run, **other)
    assert {p["outline"] for row in run.rows.values() for p in row["planes"]} == {None}


@pytest.mark.parametrize("scheme", ["nrel", "deloitte", "orientation"])
def test_its_bookkeeping_by_other_schemes(scene: Files, tmp_path: Path, scheme: str) -> None:
    run = finished(scene, tmp_path / "out", scheme=scheme, outlines="no")
    assert_bookkeeping(run, scheme=scheme)
    suited = [p["suitable"] for row in run.rows.values() for p in row["planes"] if p["kwp"]]
    assert {*suited} == {True, False}


def test_months_add_up_to_the_year(run: Finished) -> None:
    for row in run.rows.values():
        assert sum(row["solar_month_kwh"]) == pytest.approx(row["solar_kwh"], rel=1e-6)
        assert sum(row["unshaded_month_kwh"]) == pytest.approx(row["unshaded_kwh"], rel=1e-6)
        assert len(row["solar_month_kwh"]) == len(row["unshaded_month_kwh"]) == 12
        for plane in row["planes"]:
            assert sum(plane["month_kwh"]) == pytest.approx(plane["kwh"], rel=1e-6)


def test_the_layouts_of_flat_planes_have_their_own_cover(scene: Files, tmp_path: Path) -> None:
    """The one that counts gives the planes' kWh; the other does so in a run in which it counts."""
    layouts = ("eastwest", "south")
    runs = [finished(scene, tmp_path / each, flat_layout=each).rows for each in layouts]
    flat = 0.0
    for first, second in zip(*(run.values() for run in runs), strict=True):
        for name in ("solar_flat_eastwest_kwh", "solar_flat_south_kwh"):
            assert first[name] == pytest.approx(second[name], rel=1e-12)
        flat += first["solar_flat_south_kwh"]
    assert flat > 0


def test_the_outlines_lie_along_the_cells(run: Finished) -> None:
    r = run.ground.resolution
    for row in run.alone():
        own = run.own(row)
        for plane in row["planes"]:
            i, j = np.nonzero(own & (run.ground.planes == plane["n"]))
            x, y = run.ground.transform @ (j, i)
            cells = shapely.union_all(shapely.box(x, y - r, x + r, y))
            outline = shapely.from_wkb(plane["outline"])
            assert outline.is_valid and outline.geom_type in ("Polygon", "MultiPolygon")
            away = shapely.hausdorff_distance(outline.boundary, cells.boundary, densify=0.25)
            assert away <= 0.75 * r + 1e-6
            rings = [len(shapely.get_parts(g)) for g in (outline, cells)]
            assert rings[0] == rings[1]


def test_rejected_rows_have_nothing_of_it(run: Finished) -> None:
    table = pq.read_table(run.out / "buildings.parquet").to_pylist()
    for row in table:
        assert (row["planes"] is None) == (row["rejected"] is not None)
        if row["rejected"] is not None:
            assert {row[name] for name in WIND} == {None}


def test_the_report_adds_up_the_planes(run: Finished) -> None:
    document = report.read(run.out)
    planes = [plane for row in run.rows.values() for plane in row["planes"]]
    area = document["area_ha"]
    assert document["number"]["planes"] == len(planes)
    assert isinstance(document["number"]["planes"], int)
    assert area["roof"] == pytest.approx(sum(plane["area_m2"] for plane in planes) / 1e4)
    assert area["flat"] + area["pitched"] == pytest.approx(area["roof"])
    sectors = [area[f"facing_{name}"] for name in ("n", "ne", "e", "se", "s", "sw", "w", "nw")]
    assert sum(sectors) == pytest.approx(area["pitched"])
    for sector, found in enumerate(sectors):
        due = [
            plane["area_m2"] for plane in planes
            if plane["kind"] == "pitched" and (plane["azimuth_deg"] + 22.5) % 360 // 45 == sector
        ]  # fmt: skip
        assert found == pytest.approx(sum(due) / 1e4)
    assert document["kwp"]["panel"] == pytest.approx(sum(p["kwp"] for p in planes if p["suitable"]))


def test_the_report_adds_up_the_year(run: Finished) -> None:
    document = report.read(run.out)
    rows, kwh = [row for row in run.rows.values() if row["solar_suitable"]], document["kwh"]
    planes = [plane for row in rows for plane in row["planes"] if plane["suitable"]]
    assert kwh["solar"] == pytest.approx(sum(plane["kwh"] for plane in planes))
    assert kwh["shade"] == pytest.approx(kwh["unshaded"] - kwh["solar"])
    own = [
        row["solar_kwh"]
        * math.hypot(0.02, 0.03, 0.25 * (1 - row["solar_kwh"] / row["unshaded_kwh"]))
        for row in rows
    ]
    sigma = math.hypot(0.125, math.hypot(*own) / kwh["solar"])
    for end, sign in (("low", -1), ("high", 1)):
        due = kwh["solar"] * math.exp(sign * 1.28 * sigma)
        assert kwh[f"solar_{end}"] == pytest.approx(due)
    months, facing = document["month_kwh"], document["facing_kwh"]
    assert [*months][::3] == MONTHS["en"].lower().split()
    assert [*months.values()][::3] == pytest.approx(
        [sum(each) for each in zip(*(row["solar_month_kwh"] for row in rows), strict=True)]
    )
    assert sum([*facing.values()][::3]) == pytest.approx(kwh["solar"])
    assert facing["flat"] == pytest.approx(sum(p["kwh"] for p in planes if p["kind"] == "flat"))
    assert sum(document["facing_kwp"].values()) == pytest.approx(document["kwp"]["panel"])
    for of in (months, facing):
        for value, low, high in batched([*of.values()], 3):
            assert low < value < high or value == low == high == 0
    assert document["households"]["solar"] == pytest.approx(kwh["solar"] / 2550)


def batched(values: list[float], n: int) -> list[list[float]]:
    return [values[i : i + n] for i in range(0, len(values), n)]


def test_rows_by_area_and_summaries_have_the_interval(run: Finished, tmp_path: Path) -> None:
    document = report.read(run.out)
    x, y = (np.median([row[f"centre_{axis}"] for row in run.rows.values()]) for axis in "xy")
    halves = [shapely.box(0, 0, x, 700_000), shapely.box(x, 0, 300_000, 700_000)]
    areas = gpd.GeoDataFrame({"name": ["west", "east"]}, geometry=halves, crs=28992)
    areas.to_file(tmp_path / "halves.gpkg")
    *parts, outside = report.by_area(run.out, tmp_path / "halves.gpkg")
    assert outside["footprints"] == 0 and outside["solar_low_kwh"] == 0
    assert sum(row["solar_kwh"] for row in parts) == pytest.approx(document["kwh"]["solar"])
    assert not {"january_kwh", "flat_kwh"} & parts[0].keys()
    for row in parts:
        assert 0 < row["solar_low_kwh"] < row["solar_kwh"] < row["solar_high_kwh"]
        assert row["shade_kwh"] == pytest.approx(row["unshaded_kwh"] - row["solar_kwh"])
    whole = summary(run.out)["totals"]
    assert whole["kwh"] == document["kwh"] and whole["month_kwh"] == document["month_kwh"]
    around = summary(run.out, around=(x, y, 1e5))["totals"]
    assert around["kwh"] == document["kwh"] and around["errors"] == document["errors"]


@pytest.mark.parametrize(
    ("lang", "said"),
    [("en", "fleets of panels in the Netherlands gave 838-947"), ("nl", "gaven gemeten 838-947")],
)
def test_the_printed_report_has_months_and_directions(run: Finished, lang: str, said: str) -> None:
    text = report.format_totals(report.read(run.out), "table", lang)
    lines = [line.strip() for line in text.splitlines()]
    assert said in text and "{" not in text and "?" not in text
    for month in MONTHS[lang].split():
        assert len([line for line in lines if re.match(rf"{month} +[\d.,]+ kWh, ", line)]) == 1
    assert len([line for line in lines if line.endswith(" kWp") and " kWh, " in line]) == 9


def gable(w: World, x: float, y: float, tilt: float) -> int:
    """A house of 12 x 8 m whose roof falls to east and west of its middle."""
    part = w.part(x, y, x + 12, y + 8)
    columns = np.arange(part[1].start, part[1].stop) + 0.5
    away = np.abs(columns * w.resolution - x - 6)
    w.dsm[part] = (10 - math.tan(math.radians(tilt)) * away).astype(np.float32)
    return w.footprint(shapely.box(x, y, x + 12, y + 8))


def judged(w: World, folder: Path, **options: Any) -> Any:
    """The rows of a world."""
    return w.judge(folder, method=NAME, **options)


def test_a_gable_on_the_edge_of_the_country(tmp_path: Path) -> None:
    """Near Delfzijl grid north lies 1.2 degrees from true north."""
    w = World(40, 40, west=258_000, south=593_000)
    row = gable(w, 10, 10, 35)
    found = judged(w, tmp_path, settings={"scheme": "orientation"}).loc[row]
    planes = sorted(found["planes"], key=lambda plane: plane["azimuth_deg"])
    turned = convergence(258_000, 593_000)
    assert 1 < turned < 1.5
    assert [p["azimuth_deg"] for p in planes] == [
        pytest.approx(90 + turned, abs=0.05), pytest.approx(270 + turned, abs=0.05),
    ]  # fmt: skip
    assert [p["tilt_deg"] for p in planes] == pytest.approx([35, 35], abs=0.05)
    assert found["roof_area_m2"] == pytest.approx(96 / math.cos(math.radians(35)), rel=0.002)
    assert not found["solar_suitable"] and found["class"] == "none"


def test_odd_footprints_are_accounted_for(tmp_path: Path) -> None:
    """One of a cell, one of cells without data, one that crosses itself, one wider than a shard,
    and heights as high as the heights of a country go."""
    w = World(400, 120)
    small = w.footprint(shapely.box(10.6, 10.6, 10.7, 10.7))
    w.dsm[w.part(10, 10, 12, 12)] = 5.0
    empty = w.block(20, 10, 30, 20, np.nan)
    bow = w.footprint(shapely.Polygon([(40, 10), (60, 30), (60, 10), (40, 30)]))
    w.dsm[w.part(38, 8, 62, 32)] = 6.0
    wide = w.block(5, 60, 395, 100, 7.0)
    high = w.block(70, 10, 80, 20, 499.99)
    found = judged(w, tmp_path)
    assert found.at[small, "planes"] == [] and "one_cell" in found.at[small, "flags"]
    assert "rough_roof" in found.at[small, "flags"] and found.at[small, "class"] == "none"
    assert found.at[empty, "rejected"] == "no_data" and found.at[empty, "planes"] is None
    assert "repaired" in found.at[bow, "flags"] and len(found.at[bow, "planes"]) >= 1
    assert found.at[wide, "planes"][0]["area_m2"] == pytest.approx(390 * 40)
    assert found.at[high, "planes"][0]["z_m"] == pytest.approx(499.99, abs=0.006)


def test_a_building_of_more_planes_than_have_numbers(tmp_path: Path) -> None:
    """Strips of 1.5 x 2 m, each 2 m above or below the next: the largest 254 are kept."""
    w, strips = World(430, 20), 270
    row = w.footprint(shapely.box(10, 9, 10 + 1.5 * strips, 11))
    heights = 5 + 2.0 * (np.arange(strips) % 7)
    w.dsm[w.part(10, 9, 10 + 1.5 * strips, 11)] = np.repeat(heights, 3)
    run = finished(w.write(tmp_path / "in"), tmp_path / "out")
    found, cells = run.rows[row], np.bincount(run.ground.planes.ravel(), minlength=256)
    assert "many_planes" in found["flags"] and "overgrown" not in found["flags"]
    assert [plane["n"] for plane in found["planes"]] == [*range(1, 255)]
    assert cells[[1, 254, 255]].tolist() == [12, 12, (strips - 254) * 12]
    assert found["roof_known"] == pytest.approx(254 / strips)
    assert sum(plane["plan_m2"] for plane in found["planes"]) == pytest.approx(254 * 3)


def test_a_greenhouse_of_a_kilometre_fits_into_memory(tmp_path: Path) -> None:
    w = World(1040, 120)
    wide = w.block(20, 20, 1020, 100, 6.0)
    files = w.write(tmp_path / "in")
    asked = files.request(tmp_path / "out", method=NAME, layers=())
    found = counted(asked).memory
    assert 2000**2 * 26 < found < 2**30  # what the kernel alone holds of its window
    (plane,) = judged(w, tmp_path / "run").loc[wide]["planes"]
    assert plane["area_m2"] == pytest.approx(80_000)


def test_overlapping_footprints_have_each_all_their_cells(tmp_path: Path) -> None:
    w = World(60, 60)
    first = w.block(10, 10, 30, 30, 6.0)
    second = w.block(20, 10, 40, 30, 6.0)
    files = w.write(tmp_path / "in")
    run = finished(files, tmp_path / "out")
    for row in (first, second):
        assert run.rows[row]["planes"][0]["plan_m2"] == pytest.approx(400)
        assert run.rows[row]["planes"][0]["cells"] == 1600
    assert (run.ground.planes == 1).sum() == 30 * 20 * 4


def test_an_added_building_has_the_flat_roof_that_it_is_given(tmp_path: Path) -> None:
    w = World(60, 60)
    w.block(5, 5, 15, 15, 4.0)
    w.frame(1.0)
    added = World(60, 60)
    added.footprint(shapely.box(30, 30, 42, 42), height_m=9.0)
    added.footprints.to_parquet(tmp_path / "added.parquet")
    found = judged(w, tmp_path, add_building=(str(tmp_path / "added.parquet"),))
    (plane,) = found[found["area_m2"] == 144].iloc[0]["planes"]
    assert plane["kind"] == "flat" and plane["z_m"] == 9 and plane["rmse_m"] == 0


@pytest.mark.parametrize("resolution", [2.0, 5.0, 0.625])
def test_cells_that_do_not_fit_are_refused(tmp_path: Path, resolution: float) -> None:
    w = World(200 * resolution, 200 * resolution, resolution, west=128_000, south=491_520)
    w.block(10 * resolution, 10 * resolution, 40 * resolution, 40 * resolution, 6.0)
    with pytest.raises(InputError, match="method annual: takes cells") as caught:
        judged(w, tmp_path)
    assert "give AHN's sheets of 0.5 m" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"scheme": "best"},
        {"flat_layout": "north"},
        {"outlines": "maybe"},
        {"directions": "70"},
        {"directions": "12"},
        {"directions": "364"},
        {"albedo": "1.1"},
        {"module_lift_m": "-1"},
    ],
)
def test_values_out_of_range_are_refused(tmp_path: Path, settings: dict[str, str]) -> None:
    w = World(40, 40)
    w.block(10, 10, 20, 20, 6.0)
    with pytest.raises(InputError, match=next(iter(settings))) as caught:
        judged(w, tmp_path, settings=settings)
    assert "\n" not in str(caught.value) and "it takes" in str(caught.value)
    if "directions" in settings:
        assert "16 to 360, a multiple of 4" in str(caught.value)


@pytest.mark.parametrize("update", [False, True])
def test_a_run_of_another_method_is_not_taken_up(tmp_path: Path, update: bool) -> None:
    w = World(40, 40)
    w.block(10, 10, 20, 20, 6.0)
    files = w.write(tmp_path / "in")
    compute(files, tmp_path / "out", layers=())
    with pytest.raises(InputError):
        compute(files, tmp_path / "out", method=NAME, layers=(), update=update)


@pytest.mark.parametrize(
    ("lang", "said"), [("en", "yield of the panels"), ("nl", "opbrengst van de panelen")]
)
def test_a_what_if_says_what_it_changes(tmp_path: Path, lang: str, said: str) -> None:
    w = World(60, 60)
    w.block(5, 5, 15, 15, 4.0)
    files = w.write(tmp_path / "in")
    added = World(60, 60)
    added.footprint(shapely.box(30, 30, 42, 42), height_m=9.0)
    added.footprints.to_parquet(tmp_path / "added.parquet")
    words = ("--method", NAME, "--layers", "none", "--lang", lang)
    result = call(
        *arguments(files, tmp_path / "out", *words, "--add-building", tmp_path / "added.parquet")
    )
    assert result.exit_code == 0, result.output
    (line,) = [each for each in result.stdout.splitlines() if each.strip().startswith(said)]
    before, after, difference = (float(re.sub("[.,]", "", n)) for n in line.split()[-3:])
    assert 0 < before < after and difference == pytest.approx(after - before, abs=1)
    assert ("kWh a year" if lang == "en" else "kWh per jaar") in result.stdout.splitlines()[-3]
