"""Map tiles of a finished quarter, each by one thread: warm, and from a store just opened."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.runs import whole_run
from pipeline.grid.crs import lonlat
from pipeline.methods import method_of
from pipeline.output.tiles.overview import Overview
from pipeline.output.tiles.pictures import Pictures
from pipeline.output.tiles.roofs import RoofTiles
from pipeline.output.tiles.scheme import MapTile
from pipeline.quarter import generate
from pipeline.results import report
from pipeline.storage.geoparquet import GeoParquet
from pipeline.storage.ledger import BUILDINGS, RASTERS

Show = Callable[[MapTile], Any]
CASES = (
    *(("buildings", z) for z in (14, 15, 16)),
    *(("roofs", z) for z in (8, 13)),
    *((layer, z) for layer in ("hillshade", "shadow") for z in (13, 15, 18)),
)


class Place:
    """A quarter that was judged, and a point in its middle [degrees]."""

    def __init__(self, folder: Path, metres: float) -> None:
        quarter = generate(folder / "in", size=(metres, metres))
        whole_run(quarter, folder, layers=("hillshade", "shadow"))()
        self.run = folder / "0"
        west, south, east, north = lonlat(quarter.bounds)
        self.middle = (west + east) / 2, (south + north) / 2

    def opened(self, layer: str) -> Show:
        """The function that makes tiles of a layer."""
        table, method = self.run / BUILDINGS, method_of(report.read(self.run))
        if layer == "buildings":
            return RoofTiles(GeoParquet(table), method).tile
        if layer == "roofs":
            return Overview.of(table, method, self.run.parent / "counts").tile
        pictures = Pictures(self.run / RASTERS, method)
        return lambda tile: pictures.tile(layer, tile)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, side: int) -> Place:
    """A judged quarter of `side` cells of 0.5 m along a side."""
    return Place(tmp_path_factory.mktemp("maptiles"), side / 2)


@pytest.mark.parametrize("first", [False, True], ids=["warm", "first"])
@pytest.mark.parametrize(("layer", "z"), CASES)
def bench_tile(paired: Callable[..., None], place: Place, layer: str, z: int, first: bool) -> None:
    """A tile in the middle; the first one after opening pays for what is decoded."""
    tile, show = MapTile.at(*place.middle, z), place.opened(layer)
    assert show(tile)

    def call() -> None:
        (place.opened(layer) if first else show)(tile)

    paired(f"tile, {layer}, zoom {z}{', first' * first}", "tiles", call, None, rounds=21)
