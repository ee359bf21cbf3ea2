"""Which columns and layers of a file of footprints are read, however they are written."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.support.outlines import HOUSES, read, refusal, table, write


@pytest.mark.parametrize(
    ("columns", "option", "expected"),
    [
        ({"id": "a", "IDENTIFICATIE": "b", "gml_id": "c"}, None, "b"),
        ({"gml_id": "c", "Id": "a"}, None, "a"),
        ({"naam": "x", "GML_ID": "c"}, None, "c"),
        ({"identificatie": "b", "Naam": "x"}, "naam", "x"),
        ({"identificatie": "NL.IMBAG.Pand.0503100000000001"}, None, "0503100000000001"),
        ({"identificatie": "x.NL.IMBAG.Pand.1"}, None, "x.NL.IMBAG.Pand.1"),
        ({"id": 503100000000001}, None, "503100000000001"),
        ({"id": 7.0}, None, "7"),
        ({"id": 7.5}, None, "7.5"),
        ({"id": np.inf}, None, "inf"),
        ({"id": None}, None, ""),
        ({"id": np.nan}, None, ""),
        ({"id": pd.NaT}, None, ""),
        ({"id": "  b "}, None, "  b "),
    ],
)
def test_the_id(tmp_path: Path, columns: dict[str, Any], option: str | None, expected: str) -> None:
    rows = table([HOUSES[0]], **{name: [value] for name, value in columns.items()})
    path = write(tmp_path / "pand.parquet", rows)
    assert read(path, id_column=option).id.tolist() == [expected]


def test_whole_ids_beside_null(tmp_path: Path) -> None:
    path = write(tmp_path / "pand.gpkg", table(HOUSES, id=[1, None, 1]))
    found = read(path)
    assert found.id.tolist() == ["1", "", "1"]
    assert found.repeated.tolist() == [True, False, True]


def test_empty_ids_are_not_repeated(tmp_path: Path) -> None:
    found = read(write(tmp_path / "pand.parquet", table(HOUSES, id=[None, "", "a"])))
    assert not found.repeated.any()


def test_names_that_a_shapefile_cuts_off(tmp_path: Path) -> None:
    rows = table(HOUSES, identifica=["1", "2", "3"], oorspronke=[1900, 1005, 2001])
    found = read(write(tmp_path / "pand.shp", rows))
    assert found.id.tolist() == ["1", "2", "3"]
    assert np.array_equal(found.built, [1900, np.nan, 2001], equal_nan=True)


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("bouwjaar", [1900, 1005, 2024], [1900, np.nan, 2024]),
        ("BouwJaar", [1900.0, np.nan, 1985.5], [1900, np.nan, 1985]),
        ("oorspronkelijkBouwjaar", ["1900", "onbekend", None], [1900, np.nan, np.nan]),
        ("bouwjaar", [np.inf, 1e300, -5], [np.nan, np.nan, -5]),
        ("bouwjaar", pd.to_datetime(["1985-01-01"] * 3), [np.nan] * 3),
        ("jaar", [1900, 1901, 1902], [np.nan] * 3),
    ],
)
def test_the_year_of_building(
    tmp_path: Path, name: str, values: Any, expected: list[float]
) -> None:
    path = write(tmp_path / "pand.parquet", table(HOUSES, id=["a", "b", "c"], **{name: values}))
    assert np.array_equal(read(path).built, expected, equal_nan=True)


@pytest.mark.parametrize("name", ["status", "STATUS", "pandStatus"])
def test_the_status(tmp_path: Path, name: str) -> None:
    values = ["Pand in gebruik", None, ""]
    path = write(tmp_path / "pand.gpkg", table(HOUSES, id=["a", "b", "c"], **{name: values}))
    found = read(path)
    assert found.status.tolist() == ["Pand in gebruik", None, None]
    assert found.has_status.all()


def test_parts_of_one_building(tmp_path: Path) -> None:
    path = write(tmp_path / "pand.gpkg", table(HOUSES, id=["a", "a", "b"], Blok=[7, None, 7]))
    a, b, c = read(path, group_column="blok").group
    assert a == c != b
    assert len(set(read(path).group)) == 3
    assert "add it, or name one with group" in refusal(path, group_column="huis")


def layers(path: Path, *names: str) -> Path:
    for i, name in enumerate(names):
        table(HOUSES[: i + 1]).to_file(path, layer=name)
    return path


def test_the_layer(tmp_path: Path) -> None:
    assert len(read(layers(tmp_path / "bag.gpkg", "verblijfsobject", "pand"))) == 2
    other = layers(tmp_path / "other.gpkg", "een", "twee")
    assert len(read(other, layer="een")) == 1
    assert "een, twee; choose one with layer" in refusal(other)
    assert refusal(other, layer="drie") == "other.gpkg: no layer 'drie'; choose one of een, twee"


def test_no_column_with_an_id(tmp_path: Path) -> None:
    path = write(tmp_path / "pand.gpkg", table(HOUSES, naam=["a", "b", "c"], hoogte=[1, 2, 3]))
    said = refusal(path)
    assert said.startswith("pand.gpkg: no column identificatie, id or gml_id")
    assert "naam, hoogte" in said
    assert said.endswith("the building's id with id")
    assert "no column 'nummer'" in refusal(path, id_column="nummer")
