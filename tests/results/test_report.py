"""What is told of a run: the sums, the printed report, a row an area."""

import csv
import io
import json
import string
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pyarrow as pa
import pytest
import shapely

from pipeline.errors import InputError
from pipeline.methods.method import names
from pipeline.methods.trials import FIELD_TRIAL_KWH
from pipeline.results import report, texts
from pipeline.results.columns import flatten
from tests.support.finished import METHOD, TIMES, box, building, buildings, composed, finished

KWH_M2 = 0.1 * 70.8  # a year, of suitable roof


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    return finished(folder, layers={})


@pytest.fixture
def table() -> pa.Table:
    return buildings()


def areas(path: Path, polygons: list[Any], crs: str | None = "EPSG:28992", **columns: Any) -> Path:
    """A vector file of areas, in the format of its ending."""
    frame = geopandas.GeoDataFrame(columns, geometry=polygons, crs="EPSG:28992")
    frame = frame.to_crs(crs) if crs else frame
    frame.to_file(path)
    return path


WEST_HALF, EAST_HALF = box(0, 0, 80, 160), box(80, 0, 120, 160)


def test_sums_by_hand(table: pa.Table) -> None:
    told = composed(table)
    # rows 0, 1, 5 and 11 are suitable for sun and not set aside; 2 and 1 for wind
    assert told["area_ha"] == pytest.approx(
        {"roof": 0.1380, "suitable_roof": 0.0750, "panel": 0.0075, "lit_roof": 0.0770}
    )
    assert told["kwh"] == pytest.approx({"solar": 75 * 70.8, "wind": 6120, "total": 11430})
    assert told["households"] == pytest.approx(
        {"solar": 5310 / 3400, "wind": 1.8, "total": 11430 / 3400}
    )


def test_counts_by_hand(table: pa.Table) -> None:
    assert composed(table)["counts"] == {
        "footprints": 12,
        "selected": 11,
        "judged": 8,
        "rejected": 3,
        "class": {"solar": 3, "wind_or_solar": 3, "none": 2},
        "solar_suitable": 4,
        "wind_candidates": 4,
        "wind_shadowed": 1,
        "wind_suitable": 2,
        "excluded": {"solar": 1, "wind": 1, "both": 1},
        "legend": {"solar": 3, "wind_or_solar": 2, "none": 2, "set_aside": 1},
        "one_cell": {"solar": 0, "wind_or_solar": 0, "none": 0, "set_aside": 0},
        "neighbours": 7,
        "restrictions": {"monument": 2, "roof_in_use": 1},
    }


@pytest.mark.parametrize("rows", [slice(0, 12), slice(0, 0), slice(7, 10), slice(3, 8)])
def test_accounting_balances(table: pa.Table, rows: slice) -> None:
    part = table.slice(rows.start, rows.stop - rows.start)
    told = composed(part)
    accounting, counts = told["accounting"], told["counts"]
    assert accounting["read"] == part.num_rows == counts["footprints"]
    assert accounting["read"] == accounting["judged"] + sum(accounting["rejected"].values())
    assert tuple(accounting["rejected"]) == names(METHOD.reasons)
    assert tuple(accounting["flags"]) == names(METHOD.flags)
    assert counts["selected"] == counts["judged"] + counts["rejected"]
    assert counts["judged"] == sum(counts["class"].values())
    json.loads(report.dumps(told))


def test_accounting_by_hand(table: pa.Table) -> None:
    accounting = composed(table)["accounting"]
    assert {k: v for k, v in accounting["rejected"].items() if v} == {
        "empty": 1, "off_rasters": 1, "no_ground": 1,
    }  # fmt: skip
    assert {k: v for k, v in accounting["flags"].items() if v} == {
        "uneven": 1, "reach_cut": 1, "repaired": 1, "restricted": 3,
    }  # fmt: skip
    assert (accounting["repaired"], accounting["cells"]) == (1, {"dsm_without_data": 12})


def test_top_level_and_json(table: pa.Table) -> None:
    told = composed(table)
    assert set(told) == {
        "counts", "area_ha", "kwh", "households", "yields", "accounting", "coverage",
        "method", "inputs", "program", "machine",
    }  # fmt: skip
    assert json.loads(report.dumps(told)) == told
    assert told["inputs"]["dsm"][0]["nodata"] == "nan"


def test_equal_tables_give_equal_bytes_however_cut(table: pa.Table) -> None:
    sizes = 10.0 ** np.random.default_rng(2).uniform(-3, 6, 50)
    roofs = [building(i, box(0, 0, 1, 1), area=a, sunny=True) for i, a in enumerate(sizes.tolist())]
    whole = pa.Table.from_pylist(roofs, schema=table.schema)
    cut = pa.concat_tables([whole.slice(0, 7), whole.slice(7, 20), whole.slice(27)])
    turned = whole.take(np.argsort(sizes))
    assert report.dumps(composed(whole)) == report.dumps(composed(cut))
    assert composed(whole)["kwh"] == composed(turned)["kwh"]


def test_share_only_of_a_given_number(table: pa.Table) -> None:
    assert set(composed(table)["households"]) == {"solar", "wind", "total"}
    given = composed(table, households=20)
    assert given["households"]["share"] == pytest.approx(11430 / 3400 / 20)
    assert "16.8 % of the 20 households" in report.to_text(given)
    assert "households of the area" not in report.to_text(composed(table))


def test_flatten(table: pa.Table) -> None:
    flat = flatten(table)
    names = [name for name in table.column_names if name != "lit"]
    suns = [f"lit_{sun}" for sun in (1, 2, 3)]
    assert [name for name in flat.column_names if name not in suns] == names
    assert flat.column_names[11:14] == ["lit_1", "lit_2", "lit_3"]
    assert flat["lit_3"].to_pylist()[:3] == [True, True, False]
    assert flat["lit_1"].to_pylist()[7] is None
    assert flat["flags"].to_pylist()[4:8] == [
        "restricted", "repaired,restricted", "restricted", "uneven,reach_cut",
    ]  # fmt: skip


def test_flatten_keeps_the_suns_where_nothing_is_judged(table: pa.Table) -> None:
    flat = flatten(table.slice(7, 3), len(TIMES))
    assert flat["lit_3"].to_pylist() == [None, None, None]
    assert "lit_1" not in flatten(table.slice(7, 3)).column_names


@pytest.mark.parametrize(
    ("lang", "wanted"),
    [
        (
            "en",
            ["potentially suitable", "240 ha", "50,000 households", "12 %", "1,000 turbines",
             "2008", "11,430 kWh a year", "21 December 2025", "3-4 %", "no_ground"],
        ),
        (
            "nl",
            ["potentieel geschikt", "240 ha", "50.000 huishoudens", "12 %", "1.000 turbines",
             "2008", "11.430 kWh per jaar", "21 december 2025", "3-4 %", "no_ground"],
        ),
    ],
)  # fmt: skip
def test_printed_report(table: pa.Table, lang: str, wanted: list[str]) -> None:
    printed = report.to_text(composed(table), lang)
    assert not [words for words in wanted if words not in printed]
    assert "410" not in printed and "{" not in printed


@pytest.mark.parametrize("lang", texts.WORDS)
def test_every_turbine_yield_has_the_field_trials_beside_it(table: pa.Table, lang: str) -> None:
    lines = report.to_text(composed(table), lang).splitlines()
    yields = [i for i, line in enumerate(lines) if "6,120" in line.replace(".", ",")]
    assert len(yields) == 2
    for i in yields:
        assert "15-870 kWh" in lines[i + 1]
    low, high = FIELD_TRIAL_KWH
    assert f"{low}-{high} kWh" in METHOD.words(lang).table


@pytest.mark.parametrize(
    ("lang", "last"),
    [
        ("en", ["structure", "ownership", "permits and monuments", "noise", "grid capacity",
                "panels already there"]),
        ("nl", ["constructie", "eigendom", "vergunningen en monumenten", "geluid",
                "capaciteit van het net", "panelen die er al liggen"]),
    ],
)  # fmt: skip
def test_report_ends_with_what_it_does_not_judge(
    table: pa.Table, lang: str, last: list[str]
) -> None:
    end = " ".join(report.to_text(composed(table), lang).split("\n\n")[-1].split())
    places = [end.index(words) for words in last]
    assert places == sorted(places)
    assert end.endswith(f"{last[-1]}.")


def test_both_languages_say_the_same_things() -> None:
    def places(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    english, dutch = texts.WORDS["en"], texts.WORDS["nl"]
    assert english.keys() == dutch.keys()
    assert {k: places(v) for k, v in english.items()} == {k: places(v) for k, v in dutch.items()}
    ours, theirs = (METHOD.words(lang)._asdict() for lang in ("en", "nl"))
    assert ours.pop("changes").keys() == theirs.pop("changes").keys()
    assert {k: places(v) for k, v in ours.items()} == {k: places(v) for k, v in theirs.items()}
    assert bool(ours.pop("parts")) == bool(METHOD.parts)
    # Its yields have no interval, so its map shows none.
    assert {name for name, phrase in ours.items() if not phrase} == {"yields"}
    with pytest.raises(InputError, match="en, nl"):
        texts.words("de")


def test_by_area(directory: Path, tmp_path: Path) -> None:
    file = areas(
        tmp_path / "wijken.gpkg", [WEST_HALF, EAST_HALF],
        code=[7, 8], naam=["West", "Oost"], Huishoudens=[10, 0],
    )  # fmt: skip
    west, east, outside = report.by_area(directory, file)
    assert list(west)[:3] == ["code", "naam", "Huishoudens"]
    assert [row["naam"] for row in (west, east, outside)] == ["West", "Oost", "(outside)"]
    # west: rows 0, 1, 2, 4, 5 and 6; east: 3, 7, 10 (not selected) and 11; none: 8 and 9
    assert [row["footprints"] for row in (west, east, outside)] == [6, 4, 2]
    assert [row["selected"] for row in (west, east, outside)] == [6, 3, 2]
    assert [row["class_none"] for row in (west, east, outside)] == [1, 1, 0]
    assert west["solar_kwh"] == pytest.approx(700 * KWH_M2)
    assert east["solar_kwh"] == pytest.approx(50 * KWH_M2)
    assert (west["wind_suitable"], west["wind_kwh"]) == (2, 6120)
    assert (west["wind_field_trials_low_kwh"], west["wind_field_trials_high_kwh"]) == (30, 1740)
    assert west["households_share"] == pytest.approx((700 * KWH_M2 + 6120) / 3400 / 10)
    assert east["households_share"] is None and outside["households_share"] is None
    assert outside["rejected"] == 2 and outside["code"] is None


def test_areas_add_up_to_the_whole(directory: Path, tmp_path: Path) -> None:
    rows = report.by_area(directory, areas(tmp_path / "a.gpkg", [WEST_HALF, EAST_HALF], n=[1, 2]))
    whole = report.totals_row(report.read(directory), METHOD)
    for name in whole.keys() - {"neighbours"}:
        assert sum(row[name] for row in rows) == pytest.approx(whole[name]), name


def test_the_first_area_in_the_file_takes_the_building(directory: Path, tmp_path: Path) -> None:
    everything = box(0, 0, 200, 160)
    rows = report.by_area(
        directory, areas(tmp_path / "a.gpkg", [WEST_HALF, everything], naam=["a", "b"])
    )
    assert [row["footprints"] for row in rows] == [6, 4, 2]
    rows = report.by_area(
        directory, areas(tmp_path / "b.gpkg", [everything, WEST_HALF], naam=["b", "a"])
    )
    assert [row["footprints"] for row in rows] == [10, 0, 2]


def test_a_centre_on_the_border_belongs_to_the_first(directory: Path, tmp_path: Path) -> None:
    left, right = box(0, 0, 25, 60), box(25, 0, 25, 60)  # the centre of row 0 has x = 25
    for polygons in ([left, right], [right, left]):
        rows = report.by_area(directory, areas(tmp_path / "a.geojson", polygons, n=["a", "b"]))
        assert [row["footprints"] for row in rows] == [1, 0, 11]


@pytest.mark.parametrize(
    ("name", "crs"),
    [
        ("a.geojson", "EPSG:4326"),
        ("a.geojson", "EPSG:28992"),
        ("a.gpkg", "EPSG:4258"),
        ("a.shp", "EPSG:3857"),
        ("a.fgb", "EPSG:32631"),
    ],
)
def test_any_format_and_crs(directory: Path, tmp_path: Path, name: str, crs: str) -> None:
    rows = report.by_area(directory, areas(tmp_path / name, [WEST_HALF], crs, n=["w"]), "nl")
    assert [(row["n"], row["footprints"]) for row in rows] == [("w", 6), ("(buiten)", 6)]


def test_geojson_that_states_no_crs_is_in_degrees(directory: Path, tmp_path: Path) -> None:
    file = areas(tmp_path / "a.geojson", [WEST_HALF], "EPSG:4326", n=["w"])
    document = json.loads(file.read_text())
    document.pop("crs", None)
    file.write_text(json.dumps(document))
    assert [row["footprints"] for row in report.by_area(directory, file)] == [6, 6]


def test_areas_without_columns_are_counted(directory: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    polygons = [shapely.Polygon(), WEST_HALF]
    geopandas.GeoDataFrame(geometry=polygons, crs="EPSG:28992").to_parquet(file)
    rows = report.by_area(directory, file)
    assert [(r["area"], r["footprints"]) for r in rows] == [(1, 0), (2, 6), ("(outside)", 6)]


def test_own_columns_that_have_our_names_stay(directory: Path, tmp_path: Path) -> None:
    file = areas(tmp_path / "a.gpkg", [WEST_HALF], judged=[99], households=[np.nan])
    row = report.by_area(directory, file)[0]
    assert (row["judged_"], row["judged"]) == (99, 6)
    assert "households_share" not in row


def test_households_must_be_numbers(directory: Path, tmp_path: Path) -> None:
    file = areas(tmp_path / "a.gpkg", [WEST_HALF], huishoudens=["veel"])
    assert "households_share" not in report.by_area(directory, file)[0]


def test_faults_of_the_areas(directory: Path, tmp_path: Path) -> None:
    metres = areas(tmp_path / "m.geojson", [WEST_HALF], n=[1])
    document = json.loads(metres.read_text())
    document.pop("crs", None)
    metres.write_text(json.dumps(document))
    points = areas(tmp_path / "p.gpkg", [shapely.Point(121000, 487000)], n=[1])
    text = tmp_path / "t.gpkg"
    text.write_text("no areas")
    for file in (metres, points, text, tmp_path / "missing.gpkg"):
        with pytest.raises(InputError, match=file.name):
            report.by_area(directory, file)


def test_formats_of_rows(directory: Path, tmp_path: Path) -> None:
    file = areas(tmp_path / "a.gpkg", [WEST_HALF], naam=["Wést, 1"], huishoudens=[10])
    rows = report.by_area(directory, file)
    assert json.loads(report.format_rows(rows, "json", METHOD)) == rows
    lines = list(csv.DictReader(io.StringIO(report.format_rows(rows, "csv", METHOD))))
    assert [line["naam"] for line in lines] == ["Wést, 1", "(outside)"]
    assert [float(line["solar_kwh"]) for line in lines] == [row["solar_kwh"] for row in rows]
    assert lines[1]["huishoudens"] == ""
    header, west, outside, *_ = report.format_rows(rows, "table", METHOD, "nl").splitlines()
    place = header.index("naam")
    assert west[place:].startswith("Wést, 1") and outside[place:].startswith("(outside)")
    assert "6.120" in west and "32,6 %" in west
    assert "15-870 kWh" in report.format_rows(rows, "table", METHOD)
    with pytest.raises(InputError, match="table, json, csv"):
        report.format_rows(rows, "xml", METHOD)


def test_formats_of_totals(directory: Path) -> None:
    told = report.read(directory)
    assert report.format_totals(told, "table", "nl") == report.to_text(told, "nl")
    assert json.loads(report.format_totals(told, "json")) == told
    (line,) = csv.DictReader(io.StringIO(report.format_totals(told, "csv")))
    assert float(line["total_kwh"]) == pytest.approx(11430)
    assert (line["class_solar"], line["rejected"], line["neighbours"]) == ("3", "3", "7")
    with pytest.raises(InputError, match="table, json, csv"):
        report.format_totals(told, "xml")


def test_a_folder_without_a_finished_run(tmp_path: Path) -> None:
    for read in (report.read, report.read_buildings):
        with pytest.raises(InputError, match="no finished run"):
            read(tmp_path)


def test_an_unfinished_run_is_continued_by_its_command(tmp_path: Path) -> None:
    (tmp_path / "work.partial").mkdir()
    (tmp_path / "work.partial" / "request.json").write_text("{}")
    for ask in (report.read, report.buildings_file):
        with pytest.raises(InputError) as fault:
            ask(tmp_path)
        said = "its run is not finished; the same `daklaag run` command continues it"
        assert str(fault.value) == f"{tmp_path}: {said}"
