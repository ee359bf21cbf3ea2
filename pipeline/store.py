"""The zarr store: a pyramid of raster layers in shards, with what readers need to place it."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyproj
import zarr
import zarr.codecs
import zarr.storage
from numpy.typing import NDArray

from pipeline.grid import CHUNK, Layout, Shard, Window
from pipeline.storage import Place, storage_of

WKT = pyproj.CRS("EPSG:28992").to_wkt("WKT2_2019")
ROOT = "zarr.json"  # of the root group
CONVENTIONS = {
    "proj": "f17cb550-5864-4468-aeb7-f3180cfb622f",
    "spatial": "689b58e2-cf7b-45e0-9fff-9cfc0883d6b4",
    "multiscales": "d35379db-88df-4056-af3a-620245f8e347",
}


@dataclass(frozen=True)
class Layer:
    """A raster layer: its type, what stands for no data, and how a coarser level is made."""

    name: str
    dtype: str
    fill: float
    long_name: str
    mean: bool
    attributes: dict[str, Any]
    suns: tuple[str, ...] = ()  # times of the leading dimension, if it has one

    @property
    def lead(self) -> tuple[int, ...]:
        return (len(self.suns),) if self.suns else ()


def layers_of(names: tuple[str, ...], times: tuple[str, ...]) -> list[Layer]:
    """The layers by name; times: of the suns, in CET."""
    masks = [1 << i for i in range(len(times))]
    shaded = [f"shaded_at_{time.replace(':', '')}_CET" for time in times]
    every = {
        "hillshade": Layer(
            "hillshade", "uint8", 0, "hillshade of the DSM, sun in the north-west at 45 degrees",
            True, {"units": "1"},
        ),
        "shadow": Layer(
            "shadow", "uint8", 255, "cast shadow on the method's surface, a bit a sun", False,
            {"flag_masks": masks, "flag_meanings": " ".join(shaded), "units": "1"},
        ),
        "sun_hillshade": Layer(
            "sun_hillshade", "uint8", 0, "hillshade of the method's surface at each sun, 0 in"
            " shadow or without data", True, {"units": "1"}, times,
        ),
        "surface": Layer(
            "surface", "float32", np.nan, "height of the method's surface above NAP", True,
            {"units": "m", "standard_name": "surface_altitude"},
        ),
    }  # fmt: skip
    return [every[name] for name in names]


def level_window(window: Window, level: int) -> Window:
    """The same ground in the cells of a coarser level."""
    top, left = window.top >> level, window.left >> level
    bottom = -(-window.bottom >> level) if level else window.bottom
    right = -(-window.right >> level) if level else window.right
    return Window.between(top, left, bottom, right)


def create(place: Place, layout: Layout, layers: list[Layer], attributes: dict[str, Any]) -> None:
    """Lay out an empty store; an existing one of the same layout is left as it is."""
    storage, laid_out = storage_of(place), dict[str, Any]()
    if storage.exists(ROOT):
        return
    memory = zarr.storage.MemoryStore(laid_out)
    root = zarr.create_group(memory, zarr_format=3, attributes=attributes | _multiscales(layout))
    for level in range(layout.levels):
        group = root.create_group(str(level))
        window = level_window(layout.extent, level)
        resolution = layout.resolution * (1 << level)
        _coordinates(group, window, resolution)
        for layer in layers:
            _create_array(group, layer, layout, level, window, resolution)
    for name in sorted(
        laid_out, key=lambda name: (name == ROOT, name)
    ):  # it says that all is there
        storage.write(name, laid_out[name].to_bytes())


def _create_array(
    group: zarr.Group, layer: Layer, layout: Layout, level: int, window: Window, resolution: float
) -> None:
    shard = layout.shard >> level
    chunk = min(CHUNK, shard)
    lead = layer.lead
    group.create_array(
        layer.name,
        shape=(*lead, window.height, window.width),
        dtype=layer.dtype,
        chunks=(*(1 for _ in lead), chunk, chunk),
        shards=(*lead, shard, shard),
        compressors=zarr.codecs.BloscCodec(cname="zstd", clevel=1, shuffle="bitshuffle"),
        fill_value=layer.fill,
        dimension_names=[*("sun" for _ in lead), "y", "x"],
        attributes={
            "long_name": layer.long_name,
            "grid_mapping": "spatial_ref",
            **layer.attributes,
            **_placed(window, resolution),
        },
    )


def _coordinates(group: zarr.Group, window: Window, resolution: float) -> None:
    xmin, _, _, ymax = window.bounds(resolution)
    centres = {
        "x": xmin + (np.arange(window.width) + 0.5) * resolution,
        "y": ymax - (np.arange(window.height) + 0.5) * resolution,
    }
    for name, values in centres.items():
        group.create_array(
            name,
            data=values,
            chunks=(max(len(values), 1),),
            dimension_names=[name],
            attributes={"standard_name": f"projection_{name}_coordinate", "units": "m"},
        )
    crs = pyproj.CRS("EPSG:28992")
    transform = f"{xmin} {resolution} 0.0 {ymax} 0.0 {-resolution}"
    cf = {k: list(v) if isinstance(v, tuple) else v for k, v in crs.to_cf().items()}
    group.create_array(
        "spatial_ref",
        data=np.array(0, np.int64),
        attributes=cf | {"crs_wkt": WKT, "spatial_ref": WKT, "GeoTransform": transform},
    )


def _placed(window: Window, resolution: float) -> dict[str, Any]:
    """Where an array lies, in the conventions `proj` and `spatial`."""
    xmin, ymin, xmax, ymax = window.bounds(resolution)
    named = [
        {"name": name + colon, "uuid": CONVENTIONS[name]}
        for name in ("proj", "spatial")
        for colon in ("", ":")
    ]
    return {
        "zarr_conventions": named,
        "_CRS": {"url": "http://www.opengis.net/def/crs/EPSG/0/28992", "wkt": WKT},
        "proj:code": "EPSG:28992",
        "proj:wkt2": WKT,
        "spatial:dimensions": ["y", "x"],
        "spatial:transform": [resolution, 0.0, xmin, 0.0, -resolution, ymax],
        "spatial:shape": [window.height, window.width],
        "spatial:bbox": [xmin, ymin, xmax, ymax],
    }


def _multiscales(layout: Layout) -> dict[str, Any]:
    levels = []
    for level in range(layout.levels):
        window, resolution = level_window(layout.extent, level), layout.resolution * (1 << level)
        placed = _placed(window, resolution)
        entry: dict[str, Any] = {
            "asset": str(level),
            "spatial:shape": placed["spatial:shape"],
            "spatial:transform": placed["spatial:transform"],
        }
        if level:
            entry["derived_from"] = str(level - 1)
            entry["transform"] = {"scale": [2.0, 2.0], "translation": [0.0, 0.0]}
        levels.append(entry)
    convention = {"name": "multiscales", "uuid": CONVENTIONS["multiscales"]}
    shared = _placed(layout.extent, layout.resolution)
    shared.pop("spatial:shape"), shared.pop("spatial:transform")
    shared["zarr_conventions"] = [*shared["zarr_conventions"], convention]
    return shared | {"multiscales": {"layout": levels}}


def open_store(place: Place, mode: Literal["r", "r+"] = "r") -> Any:
    """The root group of a store; None if there is none."""
    storage = storage_of(place)
    return zarr.open_group(storage.chunks(), mode=mode) if storage.exists(ROOT) else None


def write_shard(
    place: Place, layout: Layout, layers: list[Layer], shard: Shard, values: dict[str, NDArray[Any]]
) -> None:
    """Write one whole shard of every layer on every level.

    values: of each layer, the part of the shard that lies in the extent.
    """
    root = open_store(place, "r+")
    ground = layout.window(shard).intersect(layout.extent)
    for layer in layers:
        array = values[layer.name]
        for level in range(layout.levels):
            if level:
                array = coarser(array, layer)
            whole = level_window(layout.extent, level)
            part = whole.slices(level_window(ground, level))
            root[f"{level}/{layer.name}"][(..., *part)] = array


def coarser(array: NDArray[Any], layer: Layer) -> NDArray[Any]:
    """Half the resolution: the mean of what has data, or for masks the north-western cell."""
    if not layer.mean:
        return array[..., ::2, ::2]
    if array.ndim > 2:  # one after another, since doubles take eight times the room
        return np.stack([coarser(each, layer) for each in array])
    total = np.zeros(array[::2, ::2].shape)
    number = np.zeros(total.shape, np.uint8)
    for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
        part = array[i::2, j::2]
        data = ~np.isnan(part) if np.isnan(layer.fill) else part != layer.fill
        np.add(total, part, out=total, where=data)
        number += data
    mean = total / np.maximum(number, 1)
    if array.dtype == np.uint8:
        mean = np.rint(mean)
    return np.where(number > 0, mean, layer.fill).astype(array.dtype)
