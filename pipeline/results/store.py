"""The zarr store: a pyramid of raster layers in shards, georeferenced."""

import base64
import datetime as dt
import itertools
import json
import struct
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import zarr
import zarr.codecs
import zarr.storage
from numcodecs import blosc
from numpy.typing import NDArray
from zarr.core.buffer import default_buffer_prototype

from kernels.pyramid import halved
from pipeline.grid.windows import CHUNK, Layout, Shard, Window
from pipeline.methods.method import Layer, Method
from pipeline.results.georeference import (
    level_window,
    placement,
    root_attributes,
    write_coordinates,
    write_suns,
)
from pipeline.storage.checked_store import CheckedStore
from pipeline.storage.checksums import Checksums
from pipeline.storage.integrity import checked_files_with
from pipeline.storage.places import Place, Storage, storage_of

ROOT = "zarr.json"  # of the root group
WRITERS = 8  # files of an empty store that are written at once: each waits for the disk
SOME = 32  # every so many rows and columns
blosc.use_threads = False  # they would put the parts of a chunk in another order each time


@dataclass(frozen=True)
class RasterLayer:
    """A raster layer of a run: its declaration, and by the method's parameters its attributes and
    the sun positions of its leading dimension, if it has one [CET]."""

    declared: Layer
    attributes: Mapping[str, Any]
    suns: tuple[dt.datetime, ...]

    @property
    def name(self) -> str:
        return self.declared.name

    @property
    def fill(self) -> float:
        """The value of cells without data."""
        return self.declared.fill

    @property
    def dtype(self) -> str:
        return self.declared.type

    @property
    def lead(self) -> tuple[int, ...]:
        return (len(self.suns),) if self.suns else ()

    @property
    def nodata(self) -> dict[str, Any]:
        """The attribute in which readers look for the value without data.

        `_FillValue` would make xarray read whole numbers as floats, which have no bits. Of floats
        it changes nothing, and stands as xarray writes it into zarr v3: base64 of a double.
        """
        if np.isnan(self.fill):
            return {"_FillValue": base64.b64encode(struct.pack("<d", self.fill)).decode()}
        return {"nodata": int(self.fill)}


def layers_of(method: Method, names: Sequence[str], p: Any) -> list[RasterLayer]:
    """The layers of a method by name, in that order. p: its parameters."""
    declared = {layer.name: layer for layer in method.layers}
    every = [declared[name] for name in names]
    return [RasterLayer(d, {**d.attributes(p), "units": d.unit}, d.times(p)) for d in every]


def create(
    place: Place, layout: Layout, layers: list[RasterLayer], attributes: dict[str, Any]
) -> None:
    """Lay out an empty store; of an existing one of the same layout, write what is missing or
    differs."""
    storage, content = storage_of(place), laid_out(layout, layers, attributes)
    there = storage.exists(ROOT)

    def write(name: str) -> None:
        if not there or _content(storage, name) != content[name]:
            storage.write(name, content[name])

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, sorted(content.keys() - {ROOT})))
    write(ROOT)  # last: it says that all is there


def _content(storage: Storage, name: str) -> bytes | None:
    try:
        return storage.read(name)
    except FileNotFoundError:
        return None


def laid_out(
    layout: Layout, layers: list[RasterLayer], attributes: dict[str, Any]
) -> dict[str, bytes]:
    """The files of an empty store, by their names in it."""
    buffers = dict[str, Any]()
    memory = zarr.storage.MemoryStore(buffers)
    root = zarr.create_group(
        memory, zarr_format=3, attributes={**root_attributes(layout), **attributes}
    )
    for level in range(layout.levels):
        # xarray takes these as coordinates, so that all find the CRS without being asked to.
        group = root.create_group(str(level), attributes={"coordinates": "spatial_ref"})
        write_coordinates(group, *_grid(layout, level))
        if suns := next((layer.suns for layer in layers if layer.suns), ()):
            write_suns(group, suns)
        for layer in layers:
            _create_array(group, layer, layout, level)
    content = {name: buffer.to_bytes() for name, buffer in buffers.items()}
    return content | _consolidated(content)


def _consolidated(content: dict[str, bytes]) -> dict[str, bytes]:
    """The metadata of each group with those of all below it: over HTTP nothing can be listed."""
    nodes = {
        name.removesuffix(ROOT): json.loads(data)
        for name, data in sorted(content.items())
        if name.endswith(ROOT)
    }
    groups = {}
    for path, node in nodes.items():
        if node["node_type"] == "group":
            below = {
                name[len(path) : -1]: other
                for name, other in nodes.items()
                if name.startswith(path) and name != path
            }
            inline = {"kind": "inline", "must_understand": False, "metadata": below}
            whole = node | {"consolidated_metadata": inline}
            groups[path + ROOT] = json.dumps(whole, indent=2).encode()
    return groups


def _grid(layout: Layout, level: int) -> tuple[Window, float]:
    """The window of a level, in its cells, and their side [m]."""
    return level_window(layout.extent, level), layout.resolution * (1 << level)


def _create_array(group: zarr.Group, layer: RasterLayer, layout: Layout, level: int) -> None:
    window, resolution = _grid(layout, level)
    shard = layout.shard >> level
    chunk, lead = min(CHUNK, shard), layer.lead
    group.create_array(
        layer.name,
        shape=(*lead, window.height, window.width),
        dtype=layer.dtype,
        chunks=(*(1 for _ in lead), chunk, chunk),
        # A chunk is no shard: GDAL before 3.13 reads no shards.
        shards=(*lead, shard, shard) if chunk < shard else None,
        compressors=zarr.codecs.BloscCodec(cname="zstd", clevel=1, shuffle="bitshuffle"),
        fill_value=layer.fill,
        dimension_names=[*("sun" for _ in lead), "y", "x"],
        attributes={
            "long_name": layer.declared.long_name,
            "grid_mapping": "spatial_ref",
            **layer.nodata,
            **layer.attributes,
            **placement(window, resolution),
        },
    )


def open_store(place: Place) -> Any:
    """The root group of a store; None if there is none. What is read of the store of a finished run
    is checked: raises DamagedError."""
    storage = storage_of(place)
    files, name = checked_files_with(place)
    if f"{name}/{ROOT}" in files.sums:
        files.read(f"{name}/{ROOT}")
        return zarr.open_group(CheckedStore(storage.chunks(), files, name), mode="r")
    return zarr.open_group(storage.chunks(), mode="r") if storage.exists(ROOT) else None


def write_shard(
    place: Place,
    layout: Layout,
    layers: list[RasterLayer],
    shard: Shard,
    values: dict[str, NDArray[Any]],
) -> dict[str, dict[str, Checksums]]:
    """Write one whole shard of some layers on every level, onto the disk; returns for each layer
    the checksums of its files by their names in the store. Without data there is no file.

    values: of each layer, the part of the shard that lies in the extent.
    """
    storage = storage_of(place)
    content = _encoded(storage.read(ROOT), layout, layers, shard, values)
    for name, data in content.items():
        storage.write(name, data) if data else storage.remove(name)  # of a run that is updated
    return by_layer(
        [layer.name for layer in layers],
        {name: Checksums.of(data) for name, data in content.items() if data},
    )


def by_layer(
    layers: Sequence[str], sums: Mapping[str, Checksums]
) -> dict[str, dict[str, Checksums]]:
    """Checksums of files of a store by layer, of some layers."""
    found: dict[str, dict[str, Checksums]] = {layer: {} for layer in layers}
    for name, file in sums.items():
        found[name.split("/")[1]][name] = file  # below that of the level
    return found


def _encoded(
    root: bytes,
    layout: Layout,
    layers: Sequence[RasterLayer],
    shard: Shard,
    values: Mapping[str, NDArray[Any]],
) -> dict[str, bytes]:
    """The files of a shard by their names in the store; empty for those without data."""
    files: dict[str, Any] = {ROOT: default_buffer_prototype().buffer.from_bytes(root)}
    group = zarr.open_group(zarr.storage.MemoryStore(files), mode="r+")
    names = list[str]()
    ground = layout.window(shard).intersect(layout.extent)
    for layer in layers:
        array = values[layer.name]
        for level in range(layout.levels):
            if level:
                array = coarser(array, layer)
            whole = level_window(layout.extent, level)
            part = whole.slices(level_window(ground, level))
            target: Any = group[f"{level}/{layer.name}"]
            if all_have_data(array, layer.fill, target.chunks[-1]):
                target = target.with_config({"write_empty_chunks": True})  # none is
            target[(..., *part)] = array
            names += _files(target, shard)
    return {name: files[name].to_bytes() if name in files else b"" for name in names}


def all_have_data(array: NDArray[Any], fill: float, chunk: int) -> bool:
    """Whether some cells of each chunk of (..., rows, columns) show that it has data. zarr compares
    all of them, which takes longer than packing them."""
    rows, columns = array.shape[-2:]
    for i, j in itertools.product(range(0, rows, chunk), range(0, columns, chunk)):
        some = array[..., i : i + chunk : SOME, j : j + chunk : SOME]
        known = ~np.isnan(some) if np.isnan(fill) else some != fill
        if not known.any(axis=(-2, -1)).all():
            return False
    return True


def _files(array: Any, shard: Shard) -> list[str]:
    """The names of an array's files that hold a shard."""
    lead = zip(array.shape[:-2], (array.shards or array.chunks)[:-2], strict=True)
    places = itertools.product(*(range(-(-size // chunk)) for size, chunk in lead))
    return ["/".join(map(str, (array.path, "c", *place, *shard))) for place in places]


def coarser(array: NDArray[Any], layer: RasterLayer) -> NDArray[Any]:
    """Half the resolution: the mean of what has data, or for masks the north-western cell."""
    if layer.declared.coarser == "first":
        return array[..., ::2, ::2]
    return halved(array, layer.fill)
