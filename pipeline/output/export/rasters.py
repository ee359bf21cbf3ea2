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
from pipeline.methods.method import Layer, names
from pipeline.methods.shades import Palette
from pipeline.output.export.request import ExportRequest
from pipeline.output.map import cartography, council
from pipeline.output.map.palette import bit_colours, has_data, indexed, palette_colours
from pipeline.results.georeference import transform_of
from pipeline.results.store import open_store
from pipeline.terms import Field

FLAGS = ("flag_masks", "flag_meanings")
LARGEST_PICTURE = 4096  # cells a side
TILES = {"tiled": True, "blockxsize": 512, "blockysize": 512, "bigtiff": "IF_SAFER"}


def write_tif(request: ExportRequest) -> Text:
    """A cloud-optimised GeoTIFF, by way of a plain one, since a COG is not written in windows."""
    layer, array = _array(request, _layer_name(request) or _default_layers(request)[-1])
    description = _description(layer, request.moments)
    averaged = layer.coarser == "mean" and array.ndim == 2
    with TemporaryDirectory(dir=request.to.parent) as scratch:
        plain = Path(scratch) / request.to.name
        _write_plain_tif(request, layer, array, plain, str(description))
        rasterio.shutil.copy(
            plain,
            request.to,
            driver="COG",
            compress="DEFLATE",
            predictor="YES",
            overview_resampling="AVERAGE" if averaged else "NEAREST",
            bigtiff="IF_SAFER",
        )
    return description


def write_png(request: ExportRequest) -> Text:
    """A layer as a picture with a world file beside it: its finest level that is not too large;
    or the map."""
    name = _layer_name(request)
    if name is None:
        return _write_map(request)
    layer, array = _array(request, name)
    image = cartography.layer_image(request.rasters, name, LARGEST_PICTURE)
    cells = image.cells if image else array
    description = _description(layer, request.moments)
    metadata = cartography.METADATA | {"Description": str(description)}
    imsave(request.to, _picture(layer, np.asarray(cells)), format="png", metadata=metadata)
    if image and cells.ndim == 2:  # pictures side by side have no one place
        _write_world_file(request.to.with_suffix(".pgw"), image)
    return description


def _write_map(request: ExportRequest) -> Text:
    cartography.draw(_scene(request), request.to, request.lang)
    return Text("the map of the roofs")


def write_pdf(request: ExportRequest) -> Text:
    """The map with the totals of its roofs, on one page."""
    if request.layer:
        raise InputError(
            Text("layer {layer!r}", layer=request.layer),
            "a .pdf is the map with its totals",
            "a raster layer goes into a .tif or .png",
        )
    council.draw(_scene(request), request.to, request.lang)
    return Text("the map of the roofs with their totals, on one page")


def _scene(request: ExportRequest) -> cartography.MapScene:
    """The scene of the map, with the names of the base map, if one is given."""
    scene = cartography.scene(request.run.table.file, request.run.report, request.rasters)
    return scene._replace(basemap=request.basemap)


def is_map(request: ExportRequest) -> bool:
    """Whether a request is for the map, not for a layer or a table."""
    suffix = request.to.suffix.lower()
    return suffix == ".pdf" or (suffix == ".png" and _layer_name(request) is None)


def _layer_name(request: ExportRequest) -> str | None:
    """The requested layer, else the one that the file is named after; None if it names none."""
    named = request.to.stem.lower()
    return request.layer or (named if named in names(request.run.method.layers) else None)


def _default_layers(request: ExportRequest) -> list[str]:
    """The layers that a run makes by default, all of a method without such; a file that names none
    gets the last."""
    layers = request.run.method.layers
    return [*names([layer for layer in layers if layer.default] or layers)]


def _array(request: ExportRequest, name: str) -> tuple[Layer, Any]:
    """A layer and its finest level. Raises InputError for one that the run does not have."""
    group = (open_store(request.rasters) or {}).get("0", {})
    there = {layer.name: layer for layer in request.run.method.layers if layer.name in group}
    if name in request.run.tables:
        raise InputError(
            Text("layer {layer!r}", layer=name),
            "is a table",
            "a table goes into a .gpkg, .geojson, .fgb, .parquet or .csv",
        )
    if name not in there:
        instead = list(there) or Text(
            "none; run again with {layers} {overwrite}",
            layers=Field("layers", ",".join(_default_layers(request))),
            overwrite=Field("overwrite"),
        )
        raise InputError(
            Text("layer {layer!r}", layer=name),
            "not among the raster layers of this run ({instead})",
            instead=instead,
        )
    return there[name], group[name]


def _description(layer: Layer, times: list[str]) -> Text:
    """A line on a file of a layer."""
    bits = [Text("bit {sun} at {time}", sun=sun, time=time) for sun, time in enumerate(times)]
    values = {"bits": bits, "times": times}
    template = layer.says or layer.long_name
    used = {name: value for name, value in values.items() if f"{{{name}}}" in template}
    return Text("layer {layer}: {what}", layer=layer.name, what=Text(template, **used))


def _write_plain_tif(
    request: ExportRequest, layer: Layer, array: Any, to: Path, description: str
) -> None:
    finest = open_store(request.rasters)["0"]
    times = request.moments
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
        crs=rasterio.CRS.from_wkt(str(finest["spatial_ref"].attrs["spatial_ref"])),
        transform=transform_of(finest),
        **TILES,
    ) as target:
        if layer.drawn == "bits":
            # Before the cells, or GDAL writes the head of the file twice.
            target.write_colormap(1, dict(enumerate(bit_colours(len(times)).tolist())))
        for window in _windows(array):
            cells = array[..., *window.toslices()]
            target.write(cells.reshape(-1, *cells.shape[-2:]), window=window)
        target.descriptions = _band_descriptions(layer, times, math.prod(bands))
        target.update_tags(**request.provenance, TIFFTAG_IMAGEDESCRIPTION=description)
        target.update_tags(1, **_tags(array.attrs))


def _windows(array: Any) -> Iterator[Window]:
    """Windows that each read whole shards, so that none is decoded twice."""
    height, width = array.shape[-2:]
    down, across = (array.shards or array.chunks)[-2:]
    for row in range(0, height, down):
        for column in range(0, width, across):
            yield Window(column, row, min(across, width - column), min(down, height - row))


def _band_descriptions(layer: Layer, times: list[str], bands: int) -> list[str]:
    """A description of each band."""
    bits = ", ".join(f"bit {sun} at {time}" for sun, time in enumerate(times))
    each = times if bands > 1 else [""]
    return [(layer.band or layer.name).format(time=time, bits=bits) for time in each]


def _tags(attributes: Mapping[str, Any]) -> dict[str, str]:
    """The attributes of a layer's values, as text."""
    fields = {key: attributes[key] for key in ("long_name", "units", *FLAGS) if key in attributes}
    return {k: " ".join(map(str, v)) if isinstance(v, list) else str(v) for k, v in fields.items()}


def _write_world_file(file: Path, image: cartography.LayerImage) -> None:
    """Write the world file of an image: the size of its cells and the centre of the first."""
    west, south, east, north = image.bounds
    rows, columns = image.cells.shape
    dx, dy = (east - west) / columns, (south - north) / rows
    numbers = (dx, 0.0, 0.0, dy, west + dx / 2, north + dy / 2)
    file.write_text("".join(f"{number!r}\n" for number in numbers), encoding="ascii")


def _picture(layer: Layer, cells: np.ndarray) -> np.ndarray:
    """(rows, columns, 4) RGBA of 0 to 255, transparent without data; pictures of several sun
    positions stand side by side, opaque."""
    if cells.ndim == 3:
        cells = np.hstack(list(cells))
        valid = np.ones(cells.shape, bool)
    else:
        valid = has_data(layer, cells)
    if isinstance(layer.drawn, Palette):
        colour = 255 * palette_colours(layer.drawn)[indexed(layer, cells)]
    else:
        colour = np.repeat(_grey(layer, cells, valid)[..., None], 3, axis=-1)
    return np.dstack([colour, np.where(valid, 255, 0)]).astype(np.uint8)


def _grey(layer: Layer, cells: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Grey of 0 to 255: darker for each bit; floats from their lowest to their highest 2 %; numbers
    that only tell cells apart so that those beside each other differ."""
    if layer.drawn == "bits":
        most = max(int(np.bitwise_count(cells[valid]).max(initial=0)), 1)
        return 255 - 200 / most * np.bitwise_count(cells)
    if cells.dtype.kind == "f":
        low, high = np.percentile(cells[valid], (2, 98)) if valid.any() else (0, 1)
        return np.nan_to_num(((cells - low) / max(high - low, 0.01)).clip(0, 1)) * 255
    if layer.drawn is None:
        return 40 + cells.astype(np.int64) * 77 % 200
    return cells
