"""The zarr store as those read it who know zarr, xarray and GDAL, and not this program."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import xarray
import zarr
from rasterio.env import GDALVersion

from pipeline.grid.windows import CHUNK, Layout, Window
from pipeline.methods.powermapping.declaration import POWERMAPPING
from pipeline.methods.powermapping.rules import Powermapping
from pipeline.results import store
from pipeline.storage.places import Folder

LAYERS = ("hillshade", "shadow", "sun_hillshade", "surface")
DAY, TIMES = dt.date(2025, 12, 21), (dt.time(10), dt.time(12), dt.time(14, 30))
P = Powermapping(date=DAY, times=TIMES)
SMALL, LARGE = (700, 1100), (520, 3100)  # rows, columns; shards of one chunk, and of four
NODATA = {"hillshade": 0, "shadow": 255, "sun_hillshade": 0, "surface": np.nan}


def written(place: Path, size: tuple[int, int]) -> Layout:
    """A store of noise in which the first row has no data."""
    layout = Layout.of(Window(-975_000, 242_000, *size), 0.5)
    layers = store.layers_of(POWERMAPPING, LAYERS, P)
    store.create(place, layout, layers, {"method": {"name": "powermapping"}})
    rng = np.random.default_rng(3)
    for shard in layout.shards():
        ground = layout.window(shard).intersect(layout.extent)
        values = {}
        for layer in layers:
            cells = rng.integers(1, 8, (*layer.lead, ground.height, ground.width))
            values[layer.name] = cells.astype(layer.dtype)
            values[layer.name][..., : int(ground.top == layout.extent.top), :] = layer.fill
        store.write_shard(place, layout, layers, shard, values)
    return layout


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("small") / "rasters.zarr"
    assert written(place, SMALL).shard < CHUNK
    return place


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("large") / "rasters.zarr"
    assert written(place, LARGE).shard == 2 * CHUNK
    return place


def test_files_are_those_that_zarr_writes_when_it_compares_all_cells(
    large: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here no chunk is without data."""
    monkeypatch.setattr(store, "all_have_data", lambda *_: False)
    written(tmp_path, LARGE)
    files = [path for path in large.rglob("*") if path.is_file()]
    assert files
    for path in files:
        assert (tmp_path / path.relative_to(large)).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("fill", [0, np.nan])
def test_chunks_with_data_are_told_from_empty_ones(fill: float) -> None:
    """A chunk whose only data lie between the cells that are looked at counts as empty: then zarr
    looks at all."""
    array = np.full((2, 130, 70), fill, np.float32)
    array[:, ::64, ::64] = 7
    assert store.all_have_data(array, fill, 64)
    array[1, 128:, 64:] = fill
    array[1, 129, 69] = 7
    assert not store.all_have_data(array, fill, 64)
    assert store.all_have_data(array[:1], fill, 64)


def nodes(place: Path) -> dict[str, Any]:
    """The metadata of all groups and arrays, by their paths."""
    files = place.rglob("zarr.json")
    return {str(f.parent.relative_to(place)): json.loads(f.read_bytes()) for f in files}


def opened(place: Path, level: str = "0") -> xarray.Dataset:
    return xarray.open_dataset(place, engine="zarr", group=level)


def test_one_chunk_is_no_shard(small: Path, large: Path) -> None:
    for place, sharded in ((small, set()), (large, {"0"})):
        found = {
            path.partition("/")[0]
            for path, node in nodes(place).items()
            for codec in node.get("codecs", [])
            if codec["name"] == "sharding_indexed"
        }
        assert found == sharded


@pytest.mark.parametrize("level", ["0", "1"])
def test_a_level_is_opened_in_one_reading_and_without_a_warning(small: Path, level: str) -> None:
    with opened(small, level) as found:
        assert set(found) == set(LAYERS)
        assert set(found.coords) == {"x", "y", "sun", "spatial_ref"}
        for name in LAYERS:
            cells = zarr.open_array(small / level / name, mode="r")[...]
            assert found[name].dtype == cells.dtype
            np.testing.assert_array_equal(found[name], cells)


def test_the_sun_of_each_picture_has_its_moment(small: Path) -> None:
    with opened(small) as found:
        moments = found["sun"].values.astype("datetime64[m]").tolist()
        assert moments == [dt.datetime.combine(DAY, time) for time in TIMES]
        picture = found["sun_hillshade"].sel(sun="2025-12-21T12:00")
        np.testing.assert_array_equal(picture, found["sun_hillshade"][1])


def test_no_sun_without_a_layer_of_suns(tmp_path: Path) -> None:
    layout, layers = (
        Layout.of(Window(0, 0, 9, 9), 1.0),
        store.layers_of(POWERMAPPING, ["shadow"], P),
    )
    store.create(tmp_path / "store", layout, layers, {})
    assert set(opened(tmp_path / "store").coords) == {"x", "y", "spatial_ref"}


@pytest.mark.parametrize("layer", LAYERS)
def test_no_data_is_where_rioxarray_looks(small: Path, layer: str) -> None:
    """In `_FillValue` if xarray decoded it, else in the attribute `nodata`."""
    with opened(small) as found:
        array = found[layer]
        told = array.encoding.get("_FillValue", array.attrs.get("nodata"))
        np.testing.assert_array_equal(told, NODATA[layer])
        np.testing.assert_array_equal(array[..., 0, :], told)


def test_attributes_are_those_that_netcdf_takes(small: Path) -> None:
    """Numbers, texts and lists of these, but at the root, which is no data set."""
    for path, node in nodes(small).items():
        for name, value in node["attributes"].items():
            parts = value if isinstance(value, list) else [value]
            assert path == "." or all(isinstance(p, str | int | float) for p in parts), name


def test_the_crs_is_found_by_the_grid_mapping(small: Path) -> None:
    with opened(small) as found:
        for name in LAYERS:
            assert found[name].attrs["grid_mapping"] == "spatial_ref"
            assert "28992" in found[name].spatial_ref.attrs["crs_wkt"]
            assert found[name].attrs["proj:code"] == "EPSG:28992"


def test_the_root_says_where_the_data_are(small: Path, large: Path) -> None:
    with xarray.open_dataset(large, engine="zarr") as found:
        said = found.attrs["comment"]
        assert not found.data_vars and len(found.attrs["multiscales"]["layout"]) == 3
    assert "0 (cells of 0.5 m), 1 (cells of 1 m), 2 (cells of 2 m); open group 0" in said
    assert nodes(small)["."]["attributes"]["method"] == {"name": "powermapping"}


def test_a_group_holds_the_metadata_of_all_below_it(large: Path) -> None:
    every = nodes(large)
    for group in (".", "0", "1", "2"):
        told = every[group].pop("consolidated_metadata")
        assert (told["kind"], told["must_understand"]) == ("inline", False)
        start = "" if group == "." else f"{group}/"
        bare = {
            path.removeprefix(start): {
                k: v for k, v in node.items() if k != "consolidated_metadata"
            }
            for path, node in every.items()
            if path.startswith(start) and path not in (".", group)
        }
        assert told["metadata"] == bare and len(bare) >= 7


def test_a_kill_while_the_store_is_laid_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The root comes last, and a store without it is laid out anew."""
    layout, layers = Layout.of(Window(0, 0, 90, 90), 1.0), store.layers_of(POWERMAPPING, LAYERS, P)
    names, write = list[str](), Folder.write

    def short(self: Folder, name: str, data: bytes) -> None:
        names.append(name)
        if name == store.ROOT and len(names) < 40:
            raise KeyboardInterrupt
        write(self, name, data)

    monkeypatch.setattr(Folder, "write", short)
    with pytest.raises(KeyboardInterrupt):
        store.create(tmp_path / "store", layout, layers, {})
    assert store.open_store(tmp_path / "store") is None
    monkeypatch.undo()
    store.create(tmp_path / "store", layout, layers, {})
    assert names[-1] == store.ROOT and set(opened(tmp_path / "store")) == set(LAYERS)


@pytest.mark.skipif(not GDALVersion.runtime().at_least("3.12"), reason="reads no zarr v3 of others")
@pytest.mark.parametrize("layer", LAYERS)
def test_gdal_opens_it_with_its_crs_and_its_nodata(small: Path, layer: str) -> None:
    for level, side in (("0", 0.5), ("1", 1.0)):
        with rasterio.open(f'ZARR:"{small}":/{level}/{layer}') as found:
            assert found.crs.to_epsg() == 28992
            np.testing.assert_equal(found.nodata, NODATA[layer])
            assert tuple(found.transform)[:6] == (side, 0, 121_000, 0, -side, 487_500)
            cells = zarr.open_array(small / level / layer, mode="r")[...]
            np.testing.assert_array_equal(found.read().reshape(cells.shape), cells)
