"""Addresses of files, and what a text finds among them."""

import csv
import os
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from pipeline.addresses.index import AddressIndex, open_index, postcode_number, postcode_text
from pipeline.addresses.search import addresses_of, search
from pipeline.errors import InputError

COLUMNS = ("openbare_ruimte_naam", "huisnummer", "huisletter", "toevoeging", "postcode",
           "woonplaats_naam", "pand_identificatie", "x", "y")  # fmt: skip
ONE, TWO, THREE = "0503100000000001", "0503100000000002", "0518100000000003"
ROWS = [
    ("Oude Delft", "12", "", "", "2611AB", "Delft", ONE, "84500,5", "447500"),
    ("Oude Delft", "12", "A", "", "2611 ab", "Delft", f"{ONE},{TWO}", "84510", "447510"),
    ("Oude Delft", "12", "A", "3", "2611AB", "Delft", TWO, "84511", "447511"),
    ("Oude Delft", "120", "", "", "2611CC", "Delft", TWO, "84600", "447800"),
    ("Plein 1944", "7", "", "", "6511JA", "Nijmegen", "", "187000", "428000"),
    ("Dorpsstraat", "1", "", "", "2611ZZ", "Delft", TWO, "84000", "447000"),
    ("Dorpsstraat", "1", "", "", "2511AA", "'s-Gravenhage", THREE, "81000", "455000"),
    ("1e Tuinstraat", "2", "", "", "2511AB", "'s-Gravenhage", "", "81500", "455500"),
    ("Delftweg", "3", "", "", "2611ZZ", "Rijswijk", THREE, "83000", "448000"),
    ("Ångströmlaan", "5", "", "", "", "Delft", "", "", ""),
    ("", "5", "", "", "2611AB", "Delft", ONE, "", ""),
    ("Oude Delft", "", "", "", "2611AB", "Delft", ONE, "", ""),
]


def written(file: Path, rows: list[tuple[str, ...]], names: tuple[str, ...] = COLUMNS,
            mark: str = ";") -> Path:  # fmt: skip
    with file.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, delimiter=mark).writerows([names, *rows])
    return file


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> AddressIndex:
    return open_index([written(tmp_path_factory.mktemp("addresses") / "addresses.csv", ROWS)])


def named(index: AddressIndex, text: str, **more: object) -> list[tuple[str, str, str]]:
    return [
        (each.match, each.name, each.place)
        for each in search(index, text, 10, **more)  # type: ignore[arg-type]
    ]


FOUND = {
    "Oude Delft 12": [("exact", "Oude Delft 12", "Delft"), ("start", "Oude Delft 12A", "Delft"),
                      ("start", "Oude Delft 12A-3", "Delft")],
    "oude delft 12a": [("exact", "Oude Delft 12A", "Delft"),
                       ("start", "Oude Delft 12A-3", "Delft")],
    "Oude Delft 12 A 3": [("exact", "Oude Delft 12A-3", "Delft")],
    "Oude Delft 120, Delft": [("exact", "Oude Delft 120", "Delft")],
    "Oude Delft 120 2611 CC Delft": [("exact", "Oude Delft 120", "Delft")],
    "oude del 120": [("start", "Oude Delft 120", "Delft")],
    "2611 AB 12": [("exact", "Oude Delft 12", "Delft"), ("start", "Oude Delft 12A", "Delft"),
                   ("start", "Oude Delft 12A-3", "Delft")],
    "2611cc": [("exact", "2611 CC", "Delft"), ("start", "Oude Delft 120", "Delft")],
    "2611 CC Delft": [("exact", "2611 CC", "Delft"), ("start", "Oude Delft 120", "Delft")],
    "delftweg 2611 zz": [("start", "Delftweg 3", "Rijswijk")],
    "Den Haag 2511AA": [("exact", "2511 AA", "'s-Gravenhage"),
                        ("start", "Dorpsstraat 1", "'s-Gravenhage")],
    "2611": [("exact", "2611", "Delft"), ("exact", "2611", "Rijswijk")],
    "2611 a": [("start", "2611 AB", "Delft")],
    "2611 z": [("start", "2611 ZZ", "Delft"), ("start", "2611 ZZ", "Rijswijk")],
    "2611 c": [("start", "2611 CC", "Delft")],
    "Plein 1944 7": [("exact", "Plein 1944 7", "Nijmegen")],
    "Plein 1944": [("exact", "Plein 1944", "Nijmegen")],
    "1e tuinstr": [("start", "1e Tuinstraat", "'s-Gravenhage")],
    "1e Tuinstraat 2": [("exact", "1e Tuinstraat 2", "'s-Gravenhage")],
    "Dorpsstraat Den Haag": [("exact", "Dorpsstraat", "'s-Gravenhage")],
    "Dorpsstraat 1 den haag": [("exact", "Dorpsstraat 1", "'s-Gravenhage")],
    "Dorpsstraat, 's-Gravenhage": [("exact", "Dorpsstraat", "'s-Gravenhage")],
    "angstromlaan": [("exact", "Ångströmlaan", "Delft")],
    "Den Haag": [("exact", "'s-Gravenhage", "")],
    "den ha": [("start", "'s-Gravenhage", "")],
    "Delft": [("exact", "Delft", ""), ("start", "Oude Delft", "Delft")],
    "Oude Dleft 12": [("similar", "Oude Delft 12", "Delft"), ("similar", "Oude Delft 12A", "Delft"),
                      ("similar", "Oude Delft 12A-3", "Delft")],
    "Dropsstraat 1 Delft": [("similar", "Dorpsstraat 1", "Delft")],
    "Nijmgen": [("similar", "Nijmegen", "")],
    "qqqq 3": [], '"': [], "12": [], "'": [], "*": [], "": [],
}  # fmt: skip


@pytest.mark.parametrize("text", FOUND)
def test_a_text_finds(index: AddressIndex, text: str) -> None:
    some = named(index, text)
    if text == "Delft":  # also streets in a place of that name
        assert some[0] == FOUND[text][0] and FOUND[text][1] in some
        assert all(match == "start" for match, *_ in some[1:])
    else:
        assert some == FOUND[text]


def test_the_nearest_of_many_is_first(index: AddressIndex) -> None:
    for near, place in (((84_000.0, 447_000.0), "Delft"), ((81_000.0, 455_000.0), "'s-Gravenhage")):
        for text in ("Dorpsstraat", "Dorpsstraat 1", "dorps"):
            assert named(index, text, near=near)[0][2] == place
    assert len(named(index, "Dorpsstraat 1")) == 2


def test_an_address_leads_to_its_buildings(index: AddressIndex) -> None:
    plain, both, *_ = search(index, "Oude Delft 12", 5)
    assert plain.buildings == (ONE,) and both.buildings == (ONE, TWO)
    assert plain.postcode == both.postcode == "2611 AB"
    assert plain.bounds == (84500.5, 447500.0, 84500.5, 447500.0)
    (without,) = search(index, "Plein 1944 7", 5)
    assert without.buildings == () and without.bounds is not None
    assert [each.name for each in addresses_of(index, ONE)] == ["Oude Delft 12", "Oude Delft 12A"]
    assert len(addresses_of(index, TWO)) == 4
    assert addresses_of(index, "1") == addresses_of(index, "x") == []


def test_four_digits_have_the_ground_of_each_place(index: AddressIndex) -> None:
    delft, rijswijk = (each.bounds for each in search(index, "2611", 10))
    assert delft == (84_000.0, 447_000.0, 84_600.0, 447_800.0)
    assert rijswijk == (83_000.0, 448_000.0, 83_000.0, 448_000.0)


def test_what_leads_nowhere_is_counted(index: AddressIndex) -> None:
    assert index.counts == (10, 2, 1)


def test_an_index_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = written(tmp_path / "a.csv", ROWS, mark=",")
    first = open_index([file])
    monkeypatch.setattr("pipeline.addresses.index.write_index", None)
    assert open_index([file]).file == first.file
    monkeypatch.undo()
    written(file, ROWS[:1], mark=",")
    assert open_index([file]).counts.addresses == 1


def test_what_a_kill_left_is_removed_and_a_full_disk_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAKLAAG_CACHE", str(tmp_path / "cache"))
    old, new = (tmp_path / "cache" / "addresses" / f"partial-{name}" for name in ("old", "new"))
    old.parent.mkdir(parents=True)
    for file in (old, new):
        file.write_bytes(b"half")
    os.utime(old, (1, 1))
    file = written(tmp_path / "a.csv", ROWS)
    open_index([file])
    assert (old.exists(), new.exists()) == (False, True)
    monkeypatch.setenv("DAKLAAG_CACHE", str(file))
    with pytest.raises(InputError, match=r"addresses: cannot be written \(Not a directory\); make"):
        open_index([file])


@pytest.mark.parametrize("ending", ["gpkg", "geojson"])
def test_addresses_of_bag(tmp_path: Path, ending: str) -> None:
    """The layer beside that of the buildings; a page has it alone, in degrees, without ids."""
    names = COLUMNS[:6] if ending == "geojson" else COLUMNS[:7]
    rows = [(*row[:1], int(row[1]), *row[2 : len(names)]) for row in ROWS[:4]]
    points = [shapely.Point(float(row[7].replace(",", ".")), float(row[8])) for row in ROWS[:4]]
    frame = gpd.GeoDataFrame(rows, columns=list(names), geometry=points, crs=28992)
    file = tmp_path / f"bag.{ending}"
    if ending == "gpkg":
        squares = gpd.GeoDataFrame(
            {"identificatie": [ONE]}, geometry=[shapely.box(0, 0, 1, 1)], crs=28992
        )
        squares.to_file(file, layer="pand")
        frame.to_file(file, layer="verblijfsobject")
    else:
        frame.to_crs(4326).to_file(file)
    (one, *_) = search(open_index([file]), "2611 AB 12", 5)
    assert (one.name, one.buildings) == ("Oude Delft 12", () if ending == "geojson" else (ONE,))
    assert one.bounds is not None and abs(one.bounds[0] - 84_500.5) < 0.5


def test_what_gdal_and_arrow_give(tmp_path: Path) -> None:
    """Points that are empty or null lead nowhere; without BAG's layer there is to be one."""
    columns = dict(zip(COLUMNS[:6], ROWS[0][:6], strict=True)) | {"huisnummer": 12}
    points = [shapely.Point(84_500, 447_500), shapely.Point(), None]
    frame = gpd.GeoDataFrame([columns] * 3, geometry=points, crs=28992)
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_file(tmp_path / "a.gpkg", layer="one")
    for file in ("a.parquet", "a.gpkg"):
        assert open_index([tmp_path / file]).counts == (3, 0, 2)
    frame.to_file(tmp_path / "a.gpkg", layer="two")
    with pytest.raises(InputError, match=r"has the layers one, two; give a file with the layer"):
        open_index([tmp_path / "a.gpkg"])


def test_degrees_in_a_csv(tmp_path: Path) -> None:
    names = ("straat", "huisnummer", "postcode", "woonplaats", "lon", "lat")
    rows = [("Oude Delft", "12", "2611AB", "Delft", "4.35570", "52.01150")]
    (one,) = search(open_index([written(tmp_path / "a.csv", rows, names)]), "oude delft 12", 5)
    assert one.bounds is not None and abs(one.bounds[0] - 84_400) < 300


WRONG = {
    "street": (("straat2", "huisnummer", "postcode", "woonplaats", "x", "y"),
               "a.csv: addresses without openbare_ruimte_naam; give the columns of BAG"),
    "both": (("straat", "number", "zip", "town", "x", "y"),
             "a.csv: addresses without postcode and woonplaats_naam"),
    "double": (("straat", "straat", "huisnummer", "postcode", "woonplaats", "x", "y"),
               "a.csv: two columns 'straat'; rename one"),
    "nowhere": (("straat", "huisnummer", "postcode", "woonplaats"),
                "a.csv: addresses without pand_identificatie"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_missing_column_is_said(tmp_path: Path, case: str) -> None:
    names, said = WRONG[case]
    file = written(tmp_path / "a.csv", [("x",) * len(names)], names)
    with pytest.raises(InputError) as fault:
        open_index([file])
    assert str(fault.value).startswith(said) and "\n" not in str(fault.value)


def test_what_is_no_table_is_said(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("straat;huisnummer;postcode;woonplaats;x;y\na;b\n", "utf-8")
    with pytest.raises(InputError, match=r"^a.csv: cannot be read as a CSV of addresses \("):
        open_index([file])
    with pytest.raises(InputError, match="no such file of addresses"):
        open_index([tmp_path / "none.csv"])


HEAD, ROW = "straat;huisnummer;postcode;woonplaats;x;y\n", "Plein;7;2611AB;Delft;84500;447500\n"
COUNTED = {  # addresses, left out, leading nowhere
    "a mark of UTF-8": ("\ufeff" + HEAD + ROW, (1, 0, 0)),
    "spaces": (HEAD.replace(";", " ; ") + ROW.replace(";", " ; "), (1, 0, 0)),
    "lines of old": ((HEAD + ROW).replace("\n", "\r"), (1, 0, 0)),
    "no row": (HEAD, (0, 0, 0)),
    "no row, nor the end of a line": (HEAD.strip(), (0, 0, 0)),
    "twice the same": (HEAD + ROW * 2, (2, 0, 0)),
    "a line in a name": (HEAD + ROW.replace("Plein", '"Plein\nNoord"'), (1, 0, 0)),
    "far away": (HEAD + ROW.replace("84500", "1e30") + ROW.replace("447500", "52,1"), (2, 0, 2)),
    "no number": (HEAD + "".join(ROW.replace("7", odd, 1) for odd in ("1e9", "-3", "1.5", "x")),
                  (0, 4, 0)),
}  # fmt: skip


@pytest.mark.parametrize("case", COUNTED)
def test_odd_rows_are_read_or_counted(tmp_path: Path, case: str) -> None:
    content, counts = COUNTED[case]
    file = tmp_path / "a.csv"
    file.write_bytes(content.encode())
    index = open_index([file])
    assert index.counts == counts
    for each in search(index, "2611 AB", 5):
        assert each.name in ("2611 AB", "Plein 7", "Plein Noord 7")
        assert each.bounds == (None if counts[2] else (84_500.0, 447_500.0) * 2)


@pytest.mark.parametrize("text", ["0000AA", "2611AB", "9999ZZ"])
def test_a_postcode_is_a_number(text: str) -> None:
    number = postcode_number(text)
    assert number is not None and postcode_text(number).replace(" ", "") == text
    assert all(postcode_number(wrong) is None for wrong in ("", "2611", "2611A1", "26x1AB"))
