"""Areas by name: the country, a province, a municipality, a neighbourhood, a postcode."""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.messages import Text
from pipeline.storage.cache import cache_dir
from pipeline.storage.files import identity
from pipeline.terms import Field, File
from pipeline.vectors.files import column, read_vector
from pipeline.vectors.layers import layers_in, read_attributes
from pipeline.vectors.overlay import make_valid, union

COUNTRY = "NL"
CODES = ("statcode", "cbscode", "pc4code", "pc4")
NAMES = ("statnaam", "naam")
KINDS = {"PV": "province", "GM": "municipality", "WK": "district", "BU": "neighbourhood"}
POSTCODE = "postcode"
LAYER = re.compile(r"(?:^|_)(?:provincie|gemeente|wijk|buurt)(?:_\d{4})?_gegeneraliseerd$")
ENDINGS = (".gpkg", ".geojson", ".json", ".shp")
LONGEST_NAME = 100
SHOWN = 5


@dataclass(frozen=True)
class Area:
    """An area in RD metres. source: its bounds, file or region, for the provenance."""

    geometry: shapely.Geometry
    source: Any

    def contains(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which (n, 2) points lie in it, its border included; NaN lies nowhere."""
        known = ~np.isnan(points).any(axis=1)
        inside = np.zeros(len(points), np.bool_)
        shapely.prepare(self.geometry)
        inside[known] = shapely.intersects_xy(self.geometry, points[known])
        return inside


class Region(NamedTuple):
    """A region in a file of boundaries, such as PV29, Zeeland."""

    code: str
    name: str
    file: Path
    layer: str

    @property
    def label(self) -> Text:
        """Code, kind and name, for a message."""
        kind = KINDS.get(self.code[:2])
        if kind is None:
            return Text("{code}", code=self.code)
        return Text("{code} ({kind} {name})", code=self.code, kind=Text(kind), name=self.name)


def kind_of(code: str) -> str:
    """Kind of a region by its code."""
    return "country" if code == COUNTRY else KINDS.get(code[:2], POSTCODE)


def boundary_files(given: Iterable[str | Path] = ()) -> list[Path]:
    """The given files of boundaries, else those in the cache, the newest year first.

    Raises InputError for a given one that does not exist.
    """
    files = [Path(file) for file in given]
    for file in files:
        if not file.is_file():
            raise InputError(Field("boundaries", file), "no such file", "check the path")
    cached = [] if files else (cache_dir() / "boundaries").glob("*")
    newest = sorted((file for file in cached if file.suffix.lower() in ENDINGS), reverse=True)
    return files or newest


def find_region(text: str, files: Sequence[Path], or_file: bool = False) -> Area:
    """The region of a code or a name, case and accents ignored; `NL` is all provinces.

    Provinces and municipalities go before their parts. Of files with the same code the first
    counts. or_file: whether the text may be a file too, for the error message.
    Raises InputError for a name that is unknown or ambiguous.
    """
    regions = [region for file in files for region in regions_of(file)]
    if text.strip().upper() == COUNTRY:
        return _country(regions, files)
    matches = _matching(text, regions)
    if not matches:
        raise _unknown(text, regions, files, or_file)
    if len(matches) > 1:
        means = [region.label for region in matches]
        if len(means) > SHOWN:
            more = Text("{names} and {n} more", names=means[:SHOWN], n=len(means) - SHOWN)
            means = [more]
        raise InputError(Field("area", Text(text)), "means {means}", "give the code", means=means)
    (region,) = matches
    return _area([region], region.code, region.name)


def regions_of(file: Path) -> list[Region]:
    """All regions in a file of boundaries; in one with many layers, those of CBS's generalised
    layers. Raises InputError where it cannot be read or has no column of codes."""
    try:
        layers = layers_in(str(file), spatial=True)
        chosen = [name for name in layers if LAYER.search(name)] or layers[:1]
        tables = [(name, read_attributes(str(file), name)) for name in chosen]
    except InputError:
        raise
    except Exception:  # each driver has its own kinds
        raise InputError(
            File(file), "cannot be read as boundaries", "give GeoPackage or GeoJSON of CBS"
        ) from None
    return [region for name, table in tables for region in _listed(table, file, name)]


def _listed(table: Any, file: Path, layer: str) -> Iterable[Region]:
    codes = codes_of(table, file)
    name = column(table, *NAMES)
    names = table[name].astype(str) if name else codes
    pairs = dict.fromkeys(zip(codes, names, strict=True))
    return [Region(code, label, file, layer) for code, label in pairs]


def codes_of(table: Any, file: Path) -> list[str]:
    """The code of each row of a layer. Raises InputError where it has no column of codes."""
    code = column(table, *CODES)
    if code is None:
        raise InputError(
            File(file),
            "no column {codes: or }",
            "give boundaries as CBS publishes them",
            codes=CODES,
        )
    return [str(value) for value in table[code]]


def _matching(text: str, regions: Sequence[Region]) -> list[Region]:
    """Regions whose code, else whose name matches a text; one for each code."""
    key = folded(text)
    for fits in (
        lambda r: folded(r.code) == key,
        lambda r: r.code[:2] in ("PV", "GM") and key in _names(r),
        lambda r: key in _names(r),
    ):
        matches = {region.code: region for region in reversed(regions) if key and fits(region)}
        if matches:
            return [matches[code] for code in sorted(matches)]
    return []


def _names(region: Region) -> set[str]:
    """Bergen (NH.) is also called Bergen."""
    return {folded(region.name), folded(re.sub(r"\(.*\)", "", region.name))}


def folded(text: str) -> str:
    """Letters and digits only, without case and accents."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return "".join(letter for letter in plain if letter.isalnum())


def _unknown(
    text: str, regions: Sequence[Region], files: Sequence[Path], or_file: bool
) -> InputError:
    names: list[str] = []
    if len(text) <= LONGEST_NAME:
        by_name = {folded(text): r for r in reversed(regions) for text in (r.code, r.name)}
        similar = difflib.get_close_matches(folded(text), by_name, n=SHOWN, cutoff=0.7)
        names = list(dict.fromkeys(by_name[name].label for name in similar))
    remedy = "give a code (GM0363), a name or a file" if or_file else "give a code or a name"
    return InputError(
        Field("area", Text(text)),
        "no such file, and no region of {within}" if or_file else "no region of {within}",
        Text("did you mean {suggestions}?", suggestions=names) if names else Text(remedy),
        within=[*map(File, files)],
    )


def _country(regions: Sequence[Region], files: Sequence[Path]) -> Area:
    provinces = [region for region in regions if region.code.startswith("PV")]
    if not provinces:
        raise InputError(
            Field("area", COUNTRY),
            "no provinces in {within}",
            "give a file that has them",
            within=[*map(File, files)],
        )
    first = [r for r in provinces if (r.file, r.layer) == (provinces[0].file, provinces[0].layer)]
    return _area(first, COUNTRY, "Nederland")


def _area(regions: Sequence[Region], code: str, name: str) -> Area:
    """The union of regions of one layer."""
    file, layer = regions[0].file, regions[0].layer
    frame = read_vector(file, layer)
    rows = np.isin(codes_of(frame, file), [region.code for region in regions])
    whole = union(make_valid(frame.geometry.to_numpy()[rows], File(file)), File(file))
    if not whole.area:
        raise InputError(
            Field("area", code), "without an area in {file}", "give another file", file=File(file)
        )
    return Area(whole, {"region": code, "name": name, "file": identity(str(file))})
