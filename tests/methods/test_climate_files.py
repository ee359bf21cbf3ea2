"""The shipped climate is what KNMI's hours make, and each fault of another one is one line."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pvlib.solarposition import spa_python

from pipeline.errors import InputError
from pipeline.methods.climate import make as program
from pipeline.methods.climate import read_climate, shipped_climate
from pipeline.methods.climate.files import FILES, MONTHS, STATIONS, SUN, WIND
from pipeline.methods.climate.make import make
from pipeline.methods.climate.perez import SHARES, sky_parts
from tests.support.damage import replace_once
from tests.support.knmi import PLACES, hours_of, plane_of_array

SHIPPED = Path(program.__file__).parent
# Published sums of planes at Schiphol [kWh/m2 a year], by azimuth and tilt [degrees].
AZIMUTHS = {"N": 0.0, "E": 90.0, "SE": 135.0, "S": 180.0, "SW": 225.0, "W": 270.0}
PUBLISHED = {
    "S0": 1085, "S10": 1176, "S15": 1212, "S35": 1286, "SE35": 1198, "SW35": 1215,
    "E35": 994, "W35": 1018, "N35": 682, "E10": 1074, "W10": 1083,
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped climate, to be spoiled."""
    for name in FILES:
        shutil.copy(SHIPPED / name, tmp_path / name)
    return tmp_path


def test_the_shipped_files_are_what_the_program_makes(data: Path, tmp_path: Path) -> None:
    make(data / "knmi", tmp_path)
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (SHIPPED / name).read_bytes(), name


def test_planes_to_the_west_and_east_get_their_own_share(data: Path) -> None:
    """With the sun at the hour's stamp, or local time for UTC, they differ by hundreds."""
    for station, west, east in ((240, 1017, 992), (260, 968, 984)):
        sums = plane_of_array(hours_of(data, station), PLACES[station], [(35, 270), (35, 90)])
        assert sums == pytest.approx([west, east], abs=1.0)


def test_sums_of_planes_at_schiphol(data: Path) -> None:
    planes = [
        (float(name.lstrip("NESW")), AZIMUTHS[name.rstrip("0123456789")]) for name in PUBLISHED
    ]
    sums = plane_of_array(hours_of(data, 240), PLACES[240], planes)
    assert sums == pytest.approx([*PUBLISHED.values()], rel=0.01)


def test_global_radiation_is_the_sum_of_its_parts(data: Path) -> None:
    """On a level plane, where the sun stands above 5 degrees: the band adds nothing there."""
    hours = hours_of(data, 240).iloc[:8760]
    sun = spa_python(pd.DatetimeIndex(hours.index), 52.318, 4.79, altitude=0, delta_t=67.0)
    up = (sun["zenith"] < 85.0).to_numpy()
    parts, cosine = sky_parts(hours, 4.79, 52.318)[up], np.cos(np.radians(sun["zenith"]))[up]
    level = (parts["beam"] + parts["circumsolar"]) * cosine + parts["isotropic"]
    assert up.sum() > 3800
    np.testing.assert_allclose(level, hours["ghi"][up], rtol=1e-12, atol=1e-9)


def test_months_are_those_of_the_published_table() -> None:
    climate = shipped_climate()
    schiphol = climate.months[climate.stations.index("240")]
    assert schiphol.tolist() == [
        20.5, 39.7, 83.6, 128.3, 164.1, 161.7, 163.4, 136.7, 92.9, 52.8, 25.1, 15.7,
    ]  # fmt: skip
    assert len(climate.stations) == 30
    assert climate.months.sum(1).mean() == pytest.approx(1082, abs=0.5)
    assert climate.shares.shape == (12, 24, len(SHARES))


def test_a_climate_is_known_by_its_files(folder: Path) -> None:
    assert read_climate(folder) == shipped_climate()
    replace_once(folder / MONTHS, "20.5", "20.6")
    assert read_climate(folder) != shipped_climate()


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        (SUN, "month,hour", "maand,hour", "sun.csv: no column 'month' (it has maand,"),
        (MONTHS, ",m12", ",m11", "months.csv: two columns 'm11'; rename one"),
        (MONTHS, ",m12", ",december", "months.csv: no column 'm12' (it has station,"),
        (STATIONS, ",sun,wind", ",sun,storm", "stations.csv: no column 'wind'"),
        (SUN, "\n3,12,", "\n3,11,", "sun.csv: row 61: a second row of month 3, hour 11; remove"),
        (SUN, "\n3,12,", "\n13,12,", "row 61: month 13, hour 12 does not belong here"),
        (MONTHS, "\n240,", "\n241,", "months.csv: row 3: station 241 does not belong here"),
        (MONTHS, "20.5", "", "months.csv: row 3: m01 is ''; give a number"),
        (MONTHS, "20.5", "nan", "months.csv: row 3: m01 is 'nan'; give a number"),
        (MONTHS, "20.5", "-20.5", "row 3: m01 is '-20.5'; give a number that is not negative"),
        (SUN, "\n6,12,", "\n6,12,-", "row 133: beam is '-0.064785'; give a number that is not"),
        (WIND, "\n240,90,", "\n240,90,-", "row 41: frequency is '-0."),
        (WIND, "\n240,90,0.0", "\n240,90,0.9", "wind.csv: the frequencies of station 240 add"),
        (WIND, "\n240,90,", "\n240,91,", "row 41: station 240, sector 91 does not belong"),
        (WIND, "\n240,90,", "\n240,60,", "row 41: a second row of station 240, sector 60"),
        (STATIONS, "52.318", "north", "stations.csv: row 5: lat is 'north'; give a number"),
        (STATIONS, "52.318,1,1", "52.318,0.5,1", "stations.csv: station 240: sun is 0.5; give 1"),
        (STATIONS, "52.318,1,1", "52.318,1,2", "stations.csv: station 240: wind is 2; give 1 wh"),
        (STATIONS, "52.318", "95", "stations.csv: row 5: lat is '95'; it is at most 90: see its"),
        (MONTHS, "20.5", "20,5", "months.csv: row 3: has more values than there are columns; give"),
        (MONTHS, "20.5", "2050", "months.csv: row 3: m01 is '2050'; it is at most 400: see its"),
        (MONTHS, "\n240,", "\n,", "row 3: station is ''; give a name, or remove the row"),
        (MONTHS, "20.5", '"20.5', "row 3: cannot be read (unexpected end of data); close"),
        (SUN, "\n1,1,", '\n1,"' + "0" * 200_000, "row 2: cannot be read (field larger than"),
        (SUN, "0.064785,0.022702,0.030500", "0.064785,0.022702,0.9",
         "month 6: its isotropic shares add up to more than 1"),
    ],
)  # fmt: skip
def test_faults_of_a_file_are_one_line(
    folder: Path, name: str, old: str, new: str, message: str
) -> None:
    replace_once(folder / name, old, new)
    with pytest.raises(InputError) as error:
        read_climate(folder)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_semicolons_between_columns_are_told_from_a_missing_column(folder: Path) -> None:
    text = (folder / WIND).read_text("utf-8").replace(",", ";").replace(".", ",")
    (folder / WIND).write_text(text, "utf-8")
    with pytest.raises(InputError, match=r"^wind.csv: no column 'station' .* semicolons.*; save"):
        read_climate(folder)


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_an_empty_file_has_no_column(folder: Path, text: str) -> None:
    (folder / WIND).write_text(text, "utf-8")
    with pytest.raises(InputError, match=r"^wind.csv: no column 'station' \(it has none\); add it"):
        read_climate(folder)


@pytest.mark.parametrize("name", ["nowhere", WIND])
def test_what_is_no_folder_is_named(folder: Path, name: str) -> None:
    with pytest.raises(InputError, match=f"^{name}: is not a folder; a climate has stations.csv"):
        read_climate(folder / name)


@pytest.mark.parametrize("name", FILES)
def test_what_is_no_file_cannot_be_read(folder: Path, name: str) -> None:
    (folder / name).unlink()
    (folder / name).mkdir()
    with pytest.raises(
        InputError, match=rf"^{name}: cannot be read \(IsADirectoryError\); see that"
    ):
        read_climate(folder)


def test_a_spreadsheet_may_mark_utf8_and_end_lines_its_own_way(folder: Path) -> None:
    for name in FILES:
        text = (folder / name).read_bytes().replace(b"\n", b"\r\n")
        (folder / name).write_bytes(b"\xef\xbb\xbf" + text)
    climate, shipped = read_climate(folder), shipped_climate()
    assert np.array_equal(climate.shares, shipped.shares)
    assert np.array_equal(climate.roses.cube, shipped.roses.cube)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(InputError, match=f"^{name}: is missing; a climate has stations.csv, sun"):
        read_climate(folder)


def test_a_missing_row_is_named(folder: Path) -> None:
    for name, start, key in (
        (MONTHS, "240,", "station 240"),
        (SUN, "7,5,", "month 7, hour 5"),
        (WIND, "240,90,", "station 240, sector 90"),
    ):
        text = (SHIPPED / name).read_text("utf-8").splitlines()
        kept = [line for line in text if not line.startswith(start)]
        (folder / name).write_text("\n".join(kept), "utf-8")
        with pytest.raises(InputError, match=f"^{name}: no row of {key}; add it"):
            read_climate(folder)
        shutil.copy(SHIPPED / name, folder / name)


def test_only_the_band_may_be_negative() -> None:
    """That other shares may not is a fault above."""
    assert (shipped_climate().shares[..., 3] < 0).any()


@pytest.mark.parametrize(("use", "row"), [("sun", "0,1"), ("wind", "1,0")])
def test_no_station_for_a_use_is_a_fault(folder: Path, use: str, row: str) -> None:
    (folder / STATIONS).write_text(f"station,lon,lat,sun,wind\n240,4.79,52.3,{row}\n", "utf-8")
    with pytest.raises(InputError, match=f"no station has {use} 1; give at least one"):
        read_climate(folder)
