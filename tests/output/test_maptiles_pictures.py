"""Picture tiles against the cells of a store, by pyproj."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from pipeline.errors import InputError
from pipeline.grid.crs import lonlat
from pipeline.grid.windows import Layout, Shard, Window
from pipeline.methods.powermapping.declaration import POWERMAPPING
from pipeline.methods.powermapping.rules import Powermapping
from pipeline.output.map.palette import DARKEST, GROUND, SHADOW
from pipeline.output.site.archives import tile_layers
from pipeline.output.tiles.pictures import Pictures
from pipeline.output.tiles.png import EMPTY_PNG
from pipeline.output.tiles.roofs import RoofTiles
from pipeline.output.tiles.scheme import SIDE, MapTile, mercator_transformer
from pipeline.results.store import create, layers_of, open_store, write_shard
from pipeline.storage.geoparquet import GeoParquet
from tests.support import roofs
from tests.support.finished import METHOD

LAYERS = ("hillshade", "shadow", "sun_hillshade")
CELL = 0.5
WEST, NORTH = 121_000, 487_500
EXTENT = Window(round(-NORTH / CELL), round(WEST / CELL), 700, 1100)
DAY, TIMES = dt.date(2025, 12, 21), (dt.time(10), dt.time(12), dt.time(14))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three layers of noise on three levels, in shards; the north without data."""
    place = tmp_path_factory.mktemp("pictures") / "rasters.zarr"
    layout, p = Layout.of(EXTENT, CELL), Powermapping(date=DAY, times=TIMES)
    layers = layers_of(POWERMAPPING, LAYERS, p)
    create(place, layout, layers, {})
    rng = np.random.default_rng(4)
    for shard in layout.shards():
        _write(place, layout, layers, shard, rng)
    return place


def _write(place: Path, layout: Layout, layers: Any, shard: Shard, rng: Any) -> None:
    part = layout.window(shard).intersect(layout.extent)
    shape = (part.height, part.width)
    void = np.broadcast_to(
        np.arange(part.height)[:, None] + part.top < layout.extent.top + 60, shape
    )
    values = {
        "hillshade": np.where(void, 0, rng.integers(1, 256, shape)),
        "shadow": np.where(void, 255, rng.integers(0, 8, shape)),
        "sun_hillshade": np.where(void, 0, rng.integers(0, 256, (3, *shape))),
    }
    write_shard(place, layout, layers, shard, {k: v.astype(np.uint8) for k, v in values.items()})


@pytest.fixture(scope="module")
def opened(store: Path) -> Pictures:
    return Pictures(store, METHOD)


def tile_at(x: float, y: float, z: int) -> MapTile:
    """The tile with a place in it, counted from the south-west of the ground [m]."""
    west, south = WEST + x, NORTH - 350 + y
    return MapTile.at(*lonlat((west, south, west + 0.1, south + 0.1))[:2], z)


def indices(data: bytes | None) -> np.ndarray:
    """The values of the cells in a tile."""
    assert data
    return np.asarray(Image.open(BytesIO(data)))


def rgba(data: bytes | None) -> np.ndarray:
    """The colours, 0 to 1."""
    assert data
    return np.asarray(Image.open(BytesIO(data)).convert("RGBA")) / 255


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("z", range(12, 21))
def test_a_pixel_is_the_cell_under_its_centre(
    opened: Pictures, store: Path, layer: str, z: int
) -> None:
    tile = tile_at(200, 200, z)
    sun = z % 3 if layer == "sun_hillshade" else None
    found = indices(opened.tile(layer, tile, sun))
    root = open_store(store)
    levels = [(CELL * 2.0**i, root[f"{i}/{layer}"]) for i in range(len(list(root.group_keys())))]
    assert len(levels) == 2
    cell, array = min(levels, key=lambda level: abs(np.log(level[0] / tile.pixel_m)))
    cells = np.asarray(array[...] if sun is None else array[sun])
    row, column = np.random.default_rng(z).integers(0, SIDE, (2, 400))
    west, _, _, north = tile.mercator
    size = tile.side / SIDE
    x, y = mercator_transformer(True).transform(
        west + (column + 0.5) * size, north - (row + 0.5) * size
    )
    i, j = np.floor((NORTH - y) / cell).astype(int), np.floor((x - WEST) / cell).astype(int)
    inside = (i >= 0) & (j >= 0) & (i < cells.shape[0]) & (j < cells.shape[1])
    nothing = 255 if layer == "shadow" else 0
    expected = np.full(400, nothing)
    expected[inside] = cells[i[inside], j[inside]]
    assert found[row, column].tolist() == expected.tolist()
    assert (expected != nothing).any() or z < 13


def test_hillshade_and_shadow_together_look_as_on_the_map(opened: Pictures) -> None:
    tile = tile_at(250, 150, 18)
    light, dark = (rgba(opened.tile(layer, tile)) for layer in ("hillshade", "shadow"))
    grey, mask = (indices(opened.tile(layer, tile)) for layer in ("hillshade", "shadow"))
    over = light[..., :3] * (1 - dark[..., 3:]) + dark[..., :3] * dark[..., 3:]
    drawn = np.array(to_rgb(GROUND)) * np.minimum(0.55 + grey[..., None] / 510, 1)
    share = DARKEST / 3 * np.bitwise_count(mask)[..., None]
    drawn += (np.array(to_rgb(SHADOW)) - drawn) * share
    assert np.abs(over - drawn).max() < 1.5 / 255
    assert (light[..., 3] == 1).all()


@pytest.mark.parametrize("sun", range(3))
def test_one_sun_shows_its_own_shadows(opened: Pictures, sun: int) -> None:
    data = opened.tile("shadow", tile_at(250, 150, 18), sun)
    shaded = indices(data) >> sun & 1
    assert 0 < shaded.mean() < 1
    assert np.array_equal(rgba(data)[..., 3], np.where(shaded, round(255 * DARKEST) / 255, 0))


def test_cells_without_data_are_transparent(opened: Pictures) -> None:
    edge = tile_at(100, 345, 17)
    for layer in ("hillshade", "shadow"):
        data = opened.tile(layer, edge)
        empty = indices(data) == (255 if layer == "shadow" else 0)
        assert 0 < empty.mean() < 1
        assert not rgba(data)[empty, 3].any()
        assert opened.tile(layer, tile_at(100, 345, 20)) is None  # all of it in the void
        assert opened.tile(layer, MapTile.at(0.0, 0.0, 14)) is None
        assert opened.tile(layer, MapTile.at(5.4, 52.2, 14)) is None


def test_an_empty_picture_is_one() -> None:
    assert rgba(EMPTY_PNG).shape == (SIDE, SIDE, 4) and not rgba(EMPTY_PNG)[..., 3].any()
    assert len(EMPTY_PNG) < 1500


def test_any_order_and_threads_give_the_same(store: Path) -> None:
    asked = [(layer, tile_at(x, 200, z), 0 if layer == "sun_hillshade" else None)
             for layer in LAYERS for x in (50, 300, 500) for z in (15, 17, 19)]  # fmt: skip
    fresh = [Pictures(store, METHOD).tile(*each) for each in asked]
    tight = Pictures(store, METHOD, most=40_000)  # no more than a chunk or two
    order = np.random.default_rng(0).permutation(len(asked)).tolist()
    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(lambda i: tight.tile(*asked[i]), order)
        assert list(answers) == [fresh[i] for i in order]
    assert all(fresh) and tight._chunks.nbytes <= 40_000


def test_zooms_fit_cells_and_chunks(opened: Pictures, store: Path) -> None:
    assert opened.zooms("shadow") == (5, 18)  # cells of 0.5 m
    assert indices(opened.tile("shadow", tile_at(250, 150, 7))).min() < 255
    few = Pictures(store, METHOD, chunks=9)
    first, last = few.zooms("shadow")
    assert 5 < first < last == 18
    assert few.tile("shadow", tile_at(250, 150, first)) is not None
    assert few.tile("shadow", tile_at(250, 150, first - 1)) is None


def test_layers_and_suns_that_are_not_there_are_refused(opened: Pictures, tmp_path: Path) -> None:
    tile = tile_at(200, 200, 16)
    assert [opened.suns(layer) for layer in LAYERS] == [0, 3, 3]
    for layer, sun, said in (
        ("surface", None, "surface"), ("shadow", 3, "sun 3"), ("shadow", -1, "sun -1"),
        ("hillshade", 0, "sun 0"), ("sun_hillshade", None, "name one"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=said):
            opened.tile(layer, tile, sun)
    with pytest.raises(InputError, match="no rasters"):
        Pictures(tmp_path / "rasters.zarr", METHOD)


def test_the_tile_layers_of_a_run(opened: Pictures, tmp_path: Path) -> None:
    table = roofs.table(20).slice(0, 19)
    layers = tile_layers(
        RoofTiles(GeoParquet(roofs.write(table, tmp_path / "b.parquet")), METHOD), opened
    )
    assert list(layers) == [*LAYERS, "roofs", "buildings"]
    assert layers["shadow"].suns == 3 and layers["shadow"].last == 18
    assert layers["buildings"].bounds == layers["hillshade"].bounds  # as far as the rasters
    west, south, east, north = layers["shadow"].bounds
    x, y = mercator_transformer(True).transform(*mercator_of(west, south))
    assert abs(x - WEST) < 20 and abs(y - (NORTH - 350)) < 20
    assert west < east and south < north


def mercator_of(lon: float, lat: float) -> tuple[float, float]:
    """In Web Mercator."""
    radius = 6_378_137.0
    return (np.radians(lon) * radius, np.arctanh(np.sin(np.radians(lat))) * radius)


def test_a_store_without_layers_has_nothing(tmp_path: Path) -> None:
    place = tmp_path / "rasters.zarr"
    create(place, Layout.of(EXTENT, CELL), [], {})
    nothing = Pictures(place, METHOD)
    assert nothing.layers == [] and nothing.bounds is None
    with pytest.raises(InputError, match="none"):
        nothing.tile("shadow", tile_at(0, 0, 16))
