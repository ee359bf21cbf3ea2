"""The generated nation as files: sheets as AHN has them, and one layer of footprints."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import rasterio
from rasterio.windows import Window as FileWindow

from bench.nation.land import FOOTPRINTS, SEED, Land, land
from bench.nation.surface import Surface
from bench.nation.table import write_table
from pipeline.errors import InputError
from pipeline.grid.windows import Window
from pipeline.heights.ahn_index import AhnSheet, sheets
from pipeline.quarter.write import filled, sheet_profile
from pipeline.terms import File
from pipeline.vectors.files import read_vector

Bounds = tuple[float, float, float, float]
TILE, PIECE = 256, 1280  # cells a side of a GeoTIFF's tile, and of what is rendered at once
FOUR = {"city": 30_000, "country": 4600}  # footprints of each of four sheets side by side, about
PROVINCE = (220_000.0, 462_500.0, 250_000.0, 493_750.0)  # of SHEETS sheets, all land
SHEETS = 30


@dataclass(frozen=True)
class Nation:
    """Files of the nation or of a part of it: folders of sheets, a layer of footprints.

    bounds: of the sheets [RD m]; names: of the sheets; footprints: how many there are.
    """

    dsm: Path
    dtm: Path
    buildings: Path
    bounds: Bounds
    resolution: float
    names: tuple[str, ...]
    footprints: int

    @property
    def cells(self) -> int:
        """Number of cells of the sheets of one kind."""
        xmin, ymin, xmax, ymax = next(p.bounds for p in sheets())
        return round(len(self.names) * (xmax - xmin) * (ymax - ymin) / self.resolution**2)


def generate(
    folder: Path,
    *,
    resolution: float = 5.0,
    names: Collection[str] | None = None,
    footprints: int = FOOTPRINTS,
    seed: int = SEED,
    workers: int = 2,
    within: Bounds | None = None,
    geopackage: bool = False,
    pitched: bool = False,
) -> Nation:
    """The nation, or the sheets of these names; what is in the folder already stays.

    resolution: 0.5 or 5 m, or what else divides 10 m; footprints: of the whole nation, about;
    within: heights only on what meets this rectangle, and footprints; geopackage: footprints in
    that format; pitched: gables and hips on terraces and houses, whose ridges are as high as
    otherwise their flat roofs. The files depend on these alone, not on the workers (threads).
    Raises InputError for a name that is none of a sheet with land, and for a folder with another
    nation.
    """
    places = _places(names)
    _check_card(folder, {"resolution": resolution, "footprints": footprints, "seed": seed,
                         "within": within} | ({"pitched": True} if pitched else {}))  # fmt: skip
    what = land(seed, footprints)
    dsm, dtm = (folder / kind for kind in ("dsm", "dtm"))
    for made in (dsm, dtm):
        made.mkdir(exist_ok=True)
    with ThreadPoolExecutor(workers) as pool:
        write = partial(_write_pair, what, resolution, within, pitched, (dsm, dtm))
        for _ in pool.map(write, places):
            pass
        count = write_table(folder / "pand.parquet", what, places, within, pool.map)
    buildings = folder / ("pand.gpkg" if geopackage else "pand.parquet")
    if geopackage and not buildings.exists():
        _whole(buildings, lambda path: _convert(folder / "pand.parquet", path))
    corners = np.array([place.bounds for place in places])
    low, high = corners[:, :2].min(axis=0).tolist(), corners[:, 2:].max(axis=0).tolist()
    names = tuple(place.name for place in places)
    return Nation(dsm, dtm, buildings, (*low, *high), resolution, names, count)


def province(folder: Path, **options: Any) -> Nation:
    """A part of the nation of the size of a province: 30 sheets."""
    xmin, ymin, xmax, ymax = PROVINCE
    names = [
        p.name
        for p in sheets()
        if p.land and xmin <= p.bounds[0] < xmax and ymin <= p.bounds[1] < ymax
    ]
    return generate(folder, names=names, **options)


def typical() -> AhnSheet:
    """A sheet with as many footprints as the nation's mean."""
    expected = _expected()
    return min(expected, key=lambda place: abs(expected[place] - FOOTPRINTS / len(expected)))


def typical_four(kind: str) -> list[AhnSheet]:
    """Two by two sheets that have as many footprints as FOUR says, the most usual of them first."""
    expected, wanted = _expected(), FOUR[kind]
    xmin, ymin, xmax, ymax = next(iter(expected)).bounds

    def off(place: AhnSheet) -> float:
        return abs(expected[place] - wanted)

    fours = _rectangles(expected, 2 * (xmax - xmin), 2 * (ymax - ymin), 4)
    return sorted(min(fours, key=lambda four: max(map(off, four))), key=off)


def typical_province() -> list[AhnSheet]:
    """Sheets side by side, as many as a province has, with as many footprints as usual in the
    nation."""
    expected = _expected()
    usual = SHEETS * FOOTPRINTS / len(expected)
    east, north = PROVINCE[2] - PROVINCE[0], PROVINCE[3] - PROVINCE[1]
    provinces = _rectangles(expected, east, north, SHEETS)
    return min(provinces, key=lambda inside: abs(sum(expected[p] for p in inside) - usual))


def _expected() -> dict[AhnSheet, float]:
    """The sheets with land, and how many footprints to expect on them."""
    return {place: land().expected(place) for place in _places(None)}


def _rectangles(
    places: Iterable[AhnSheet], east: float, north: float, count: int
) -> Iterator[list[AhnSheet]]:
    """The rectangles of this size [m] that so many sheets fill."""
    placed = {place.bounds[:2]: place for place in places}
    for x, y in placed:
        inside = [p for at, p in placed.items() if x <= at[0] < x + east and y <= at[1] < y + north]
        if len(inside) == count:
            yield inside


def _places(names: Collection[str] | None) -> list[AhnSheet]:
    known = {place.name: place for place in sheets() if place.land}
    if odd := [name for name in names or () if name not in known]:
        raise InputError(odd[0], "is no sheet with land", "give names as 25GN1")
    return [known[name] for name in sorted(known if names is None else names)]


def _check_card(folder: Path, values: dict[str, Any]) -> None:
    card, text = folder / "nation.json", json.dumps(values)
    if card.exists() and card.read_text() != text:
        raise InputError(
            File(folder),
            "holds another generated nation, {other}",
            "give an empty folder",
            other=card.read_text(),
        )
    folder.mkdir(parents=True, exist_ok=True)
    card.write_text(text)


def _write_pair(
    what: Land,
    resolution: float,
    within: Bounds | None,
    pitched: bool,
    folders: tuple[Path, Path],
    place: AhnSheet,
) -> None:
    letters = ("R5_", "M5_") if resolution == 5 else ("R_", "M_")
    paths = [f / f"{letter}{place.name}.tif" for f, letter in zip(folders, letters, strict=True)]
    if all(path.exists() for path in paths):
        return
    window = Window.around(place.bounds, resolution)
    wanted = window if within is None else Window.around(within, resolution)
    pieces = [piece for piece in window.pieces(PIECE) if piece.intersect(wanted).size]
    parts = [path.with_suffix(".partial") for path in paths]
    with (
        rasterio.open(parts[0], "w", **_profile(window, resolution)) as dsm,
        rasterio.open(parts[1], "w", **_profile(window, resolution)) as dtm,
    ):
        for row in _rows(pieces):
            surface = Surface(what, row[0].union(row[-1]), resolution, pitched)
            for piece in row:
                at = FileWindow(
                    piece.left - window.left, piece.top - window.top, piece.width, piece.height
                )
                for file, height in zip((dsm, dtm), surface.heights(piece), strict=True):
                    file.write(filled(height), 1, window=at)
    for part, path in zip(parts, paths, strict=True):
        part.replace(path)


def _rows(pieces: Iterable[Window]) -> list[list[Window]]:
    rows: dict[int, list[Window]] = {}
    for piece in pieces:
        rows.setdefault(piece.top, []).append(piece)
    return list(rows.values())


def _profile(window: Window, resolution: float) -> dict[str, Any]:
    xmin, _, _, ymax = window.bounds(resolution)
    profile = sheet_profile(window.width, window.height, resolution, xmin, ymax, TILE)
    return profile | {"sparse_ok": True}


def _convert(parquet: Path, geopackage: Path) -> None:
    table = read_vector(parquet)
    pyogrio.write_dataframe(table, geopackage, layer="pand", driver="GPKG")


def _whole(path: Path, write: Callable[[Path], None]) -> None:
    part = path.with_name(f"partial-{path.name}")
    part.unlink(missing_ok=True)
    write(part)
    part.replace(path)
