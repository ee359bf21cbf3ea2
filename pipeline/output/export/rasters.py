"""The raster layers of a run as cloud-optimised GeoTIFF and as pictures, and its map."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil
from matplotlib.image import imsave
from rasterio.windows import Window

from pipeline.errors import InputError
from pipeline.messages import Text
from pipeline.methods.method import Layer, Palette, names
from pipeline.output.export.order import ExportRequest, provenance
from pipeline.output.map import cartography
from pipeline.output.map.palette import bit_colours, has_data, indexed, palette_colours
from pipeline.results.store import open_store
from pipeline.storage.ledger import RASTERS
from pipeline.storage.places import below
from pipeline.terms import Field

FLAGS = ("flag_masks", "flag_meanings")
LARGEST_PICTURE = 4096  # cells a side
TILES = {"tiled": True, "blockxsize": 512, "blockysize": 512, "bigtiff": "IF_SAFER"}


def write_tif(order: ExportRequest) -> Text:
    """A cloud-optimised GeoTIFF, by way of a plain one, since a COG is not written in windows."""
    layer, array = _array(order, _layer(order) or _usual(order))
    description = _said(layer, order.moments)
    averaged = layer.coarser == "mean" and array.ndim == 2
    with TemporaryDirectory(dir=order.to.parent) as scratch:
        plain = Path(scratch) / order.to.name
        _write_plain_tif(order, layer, array, plain)
        rasterio.shutil.copy(
            plain,
            order.to,
            driver="COG",
            compress="DEFLATE",
            predictor="YES",
            overview_resampling="AVERAGE" if averaged else "NEAREST",
            bigtiff="IF_SAFER",
        )
    return description


def write_png(order: ExportRequest) -> Text:
    """A layer as a picture with a world file beside it: its finest level that is not too large;
    or the map."""
    name = _layer(order)
    if name is None:
        return _write_map(order)
    layer, array = _array(order, name)
    found = cartography.picture(below(order.directory, RASTERS), name, LARGEST_PICTURE)
    cells = found.cells if found else array
    description = _said(layer, order.moments)
    metadata = cartography.METADATA | {"Description": str(description)}
    imsave(order.to, _picture(layer, np.asarray(cells)), format="png", metadata=metadata)
    if found and cells.ndim == 2:  # of pictures side by side only one could lie in its place
        _write_world_file(order.to.with_suffix(".pgw"), found)
    return description


def _write_map(order: ExportRequest) -> Text:
    scene = cartography.scene(order.run.table.file, order.report, below(order.directory, RASTERS))
    cartography.draw(scene, order.to, order.lang)
    return Text("the map of the roofs")


def _layer(order: ExportRequest) -> str | None:
    """The layer that is asked for, else the one that the file is named after, if it is one's."""
    named = order.to.stem.lower()
    return order.layer or (named if named in names(order.method.layers) else None)


def _usual(order: ExportRequest) -> str:
    """The layer of a file that names none: the last of those that a run makes by default."""
    return [layer.name for layer in order.method.layers if layer.default][-1]


def _array(order: ExportRequest, name: str) -> tuple[Layer, Any]:
    """A layer and its finest level; `InputError` naming those that there are."""
    group = (open_store(below(order.directory, RASTERS)) or {}).get("0", {})
    there = {layer.name: layer for layer in order.method.layers if layer.name in group}
    if name not in there:
        usual = [layer.name for layer in order.method.layers if layer.default]
        none = Text(
            "none; run again with {layers} {overwrite}",
            layers=Field("layers", ",".join(usual)),
            overwrite=Field("overwrite"),
        )
        instead = list(there) or none
        raise InputError(
            Text("layer {layer!r}", layer=name),
            "not among the raster layers of this run ({instead})",
            instead=instead,
        )
    return there[name], group[name]


def _said(layer: Layer, times: list[str]) -> Text:
    """What a file of a layer holds."""
    bits = [Text("bit {sun} at {time}", sun=sun, time=time) for sun, time in enumerate(times)]
    values = {"bits": bits, "times": times}
    template = layer.says or layer.long_name
    used = {name: value for name, value in values.items() if f"{{{name}}}" in template}
    return Text("layer {layer}: {what}", layer=layer.name, what=Text(template, **used))


def _write_plain_tif(order: ExportRequest, layer: Layer, array: Any, to: Path) -> None:
    reference = open_store(below(order.directory, RASTERS))["0/spatial_ref"].attrs
    times, said = order.moments, str(_said(layer, order.moments))
    *bands, height, width = array.shape
    with rasterio.open(
        to,
        "w",
        driver="GTiff",
        count=math.prod(bands),
        height=height,
        width=width,
        dtype=array.dtype,
        nodata=layer.fill,
        crs=rasterio.CRS.from_wkt(str(reference["spatial_ref"])),
        transform=rasterio.Affine.from_gdal(*map(float, str(reference["GeoTransform"]).split())),
        **TILES,
    ) as target:
        if layer.drawn == "bits":
            # Before the cells, or GDAL writes the head of the file twice.
            target.write_colormap(1, dict(enumerate(bit_colours(len(times)).tolist())))
        for window in _windows(array):
            cells = array[..., *window.toslices()]
            target.write(cells.reshape(-1, *cells.shape[-2:]), window=window)
        target.descriptions = _descriptions(layer, times, math.prod(bands))
        target.update_tags(**provenance(order), TIFFTAG_IMAGEDESCRIPTION=said)
        target.update_tags(1, **_tags(array.attrs))


def _windows(array: Any) -> Iterator[Window]:
    """Windows that each read whole shards, so that none is decoded twice."""
    height, width = array.shape[-2:]
    down, across = (array.shards or array.chunks)[-2:]
    for row in range(0, height, down):
        for column in range(0, width, across):
            yield Window(column, row, min(across, width - column), min(down, height - row))


def _descriptions(layer: Layer, times: list[str], bands: int) -> list[str]:
    """What each band holds."""
    bits = ", ".join(f"bit {sun} at {time}" for sun, time in enumerate(times))
    each = times if bands > 1 else [""]
    return [(layer.band or layer.name).format(time=time, bits=bits) for time in each]


def _tags(attributes: Mapping[str, Any]) -> dict[str, str]:
    """What a store says of a layer's values, as text."""
    fields = {key: attributes[key] for key in ("long_name", "units", *FLAGS) if key in attributes}
    return {k: " ".join(map(str, v)) if isinstance(v, list) else str(v) for k, v in fields.items()}


def _write_world_file(file: Path, picture: cartography.Picture) -> None:
    """Where a picture lies, as GIS reads it: the size of its cells, and the middle of the first."""
    west, south, east, north = picture.bounds
    rows, columns = picture.cells.shape
    dx, dy = (east - west) / columns, (south - north) / rows
    numbers = (dx, 0.0, 0.0, dy, west + dx / 2, north + dy / 2)
    file.write_text("".join(f"{number!r}\n" for number in numbers), encoding="ascii")


def _picture(layer: Layer, cells: np.ndarray) -> np.ndarray:
    """(rows, columns, 4) RGBA of 0 to 255, seen through where there are no data; pictures of
    several sun positions stand side by side, and are seen wholly."""
    if cells.ndim == 3:
        cells = np.hstack(list(cells))
        seen = np.ones(cells.shape, bool)
    else:
        seen = has_data(layer, cells)
    if isinstance(layer.drawn, Palette):
        colour = 255 * palette_colours(layer.drawn)[indexed(layer, cells)]
    else:
        colour = np.repeat(_grey(layer, cells, seen)[..., None], 3, axis=-1)
    return np.dstack([colour, np.where(seen, 255, 0)]).astype(np.uint8)


def _grey(layer: Layer, cells: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Grey of 0 to 255: darker for each bit; floats from their lowest to their highest 2 %."""
    if layer.drawn == "bits":
        most = max(int(np.bitwise_count(cells[seen]).max(initial=0)), 1)
        return 255 - 200 / most * np.bitwise_count(cells)
    if cells.dtype.kind == "f":
        low, high = np.percentile(cells[seen], (2, 98)) if seen.any() else (0, 1)
        return np.nan_to_num(((cells - low) / max(high - low, 0.01)).clip(0, 1)) * 255
    return cells
