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
from pipeline.output.export.order import Order, provenance
from pipeline.output.map import cartography
from pipeline.output.map.palette import bit_colours
from pipeline.results import report
from pipeline.results.printed import sun_times
from pipeline.results.store import open_store
from pipeline.storage.ledger import RASTERS
from pipeline.storage.places import below

NODATA = {"hillshade": 0, "shadow": 255, "sun_hillshade": 0, "surface": float("nan")}
DEFAULT_RASTER = "shadow"
SMOOTH = ("hillshade", "surface")  # layers whose values may be averaged
FLAGS = ("flag_masks", "flag_meanings")
LARGEST_PICTURE = 4096  # cells a side
TILES = {"tiled": True, "blockxsize": 512, "blockysize": 512, "bigtiff": "IF_SAFER"}


def write_tif(order: Order) -> Text:
    """A cloud-optimised GeoTIFF, by way of a plain one, since a COG is not written in windows."""
    name = _layer(order) or DEFAULT_RASTER
    array = _array(order, name)
    said = _said(name, sun_times(report.read(order.directory)))
    with TemporaryDirectory(dir=order.to.parent) as scratch:
        plain = Path(scratch) / order.to.name
        _write_plain_tif(order, array, str(said), plain)
        rasterio.shutil.copy(
            plain,
            order.to,
            driver="COG",
            compress="DEFLATE",
            predictor="YES",
            overview_resampling="AVERAGE" if name in SMOOTH else "NEAREST",
            bigtiff="IF_SAFER",
        )
    return said


def write_png(order: Order) -> Text:
    """A layer as a picture with a world file beside it: its finest level that is not too large;
    or the map."""
    name = _layer(order)
    if name is None:
        return _write_map(order)
    found = cartography.picture(below(order.directory, RASTERS), name, LARGEST_PICTURE)
    cells = found.cells if found else _array(order, name)
    grey, seen = _grey(name, np.hstack(list(cells)) if cells.ndim == 3 else cells)
    picture = np.dstack([grey, grey, grey, np.where(seen, 255, 0)]).astype(np.uint8)
    said = _said(name, sun_times(report.read(order.directory)))
    metadata = cartography.METADATA | {"Description": str(said)}
    imsave(order.to, picture, format="png", metadata=metadata)
    if found and cells.ndim == 2:  # of several suns side by side only one could lie in its place
        _write_world_file(order.to.with_suffix(".pgw"), found)
    return said


def _write_map(order: Order) -> Text:
    told, buildings = report.read(order.directory), report.buildings_file(order.directory)
    scene = cartography.scene(buildings, told, below(order.directory, RASTERS))
    cartography.draw(scene, order.to, order.lang)
    return Text("the map of the roofs")


def _layer(order: Order) -> str | None:
    """The layer that is asked for, else the one that the file is named after, if it is one's."""
    named = order.to.stem.lower()
    return order.layer or (named if named in NODATA else None)


def _array(order: Order, name: str) -> Any:
    """A layer at its finest level; `InputError` naming those that there are."""
    group = (open_store(below(order.directory, RASTERS)) or {}).get("0", {})
    there = [layer for layer in NODATA if layer in group]
    if name not in there:
        none = Text("none; run again with --layers hillshade,shadow --overwrite")
        instead = list(there) or none
        raise InputError(
            "layer {name!r}: not among the raster layers of this run ({instead})",
            name=name,
            instead=instead,
        )
    return group[name]


def _said(name: str, times: list[str]) -> Text:
    """What a file of a layer holds."""
    bits = [Text("bit {sun} at {time}", sun=sun, time=time) for sun, time in enumerate(times)]
    what = {
        "hillshade": Text("hillshade of the DSM, sun in the north-west at 45 degrees"),
        "shadow": Text("cast shadow, shaded: {bits}; 255 no data", bits=bits),
        "sun_hillshade": Text("hillshade of the method's surface at {times}", times=times),
        "surface": Text("height of the method's surface above NAP in metres"),
    }
    return Text("layer {layer}: {what}", layer=name, what=what[name])


def _write_plain_tif(order: Order, array: Any, said: str, to: Path) -> None:
    reference = open_store(below(order.directory, RASTERS))["0/spatial_ref"].attrs
    name = array.name.rsplit("/", 1)[-1]
    times = sun_times(report.read(order.directory))
    *bands, height, width = array.shape
    with rasterio.open(
        to,
        "w",
        driver="GTiff",
        count=math.prod(bands),
        height=height,
        width=width,
        dtype=array.dtype,
        nodata=NODATA[name],
        crs=rasterio.CRS.from_wkt(str(reference["spatial_ref"])),
        transform=rasterio.Affine.from_gdal(*map(float, str(reference["GeoTransform"]).split())),
        **TILES,
    ) as target:
        if name == "shadow":  # before the cells, or GDAL writes the head of the file twice
            target.write_colormap(1, dict(enumerate(bit_colours(len(times)).tolist())))
        for window in _windows(array):
            cells = array[..., *window.toslices()]
            target.write(cells.reshape(-1, *cells.shape[-2:]), window=window)
        target.descriptions = _descriptions(name, times)
        target.update_tags(**provenance(order), TIFFTAG_IMAGEDESCRIPTION=said)
        target.update_tags(1, **_tags(array.attrs))


def _windows(array: Any) -> Iterator[Window]:
    """Windows that each read whole shards, so that none is decoded twice."""
    height, width = array.shape[-2:]
    down, across = (array.shards or array.chunks)[-2:]
    for row in range(0, height, down):
        for column in range(0, width, across):
            yield Window(column, row, min(across, width - column), min(down, height - row))


def _descriptions(name: str, times: list[str]) -> list[str]:
    if name == "sun_hillshade":
        return [f"hillshade at {time}, 0 in shadow or without data" for time in times]
    if name == "shadow":
        bits = ", ".join(f"bit {sun} at {time}" for sun, time in enumerate(times))
        return [f"shaded: {bits}; 255 no data"]
    return [name]


def _tags(attributes: Mapping[str, Any]) -> dict[str, str]:
    """What a store says of a layer's values, as text."""
    told = {key: attributes[key] for key in ("long_name", "units", *FLAGS) if key in attributes}
    return {k: " ".join(map(str, v)) if isinstance(v, list) else str(v) for k, v in told.items()}


def _write_world_file(file: Path, picture: cartography.Picture) -> None:
    """Where a picture lies, as GIS reads it: the size of its cells, and the middle of the first."""
    west, south, east, north = picture.bounds
    rows, columns = picture.cells.shape
    dx, dy = (east - west) / columns, (south - north) / rows
    numbers = (dx, 0.0, 0.0, dy, west + dx / 2, north + dy / 2)
    file.write_text("".join(f"{number!r}\n" for number in numbers), encoding="ascii")


def _grey(name: str, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Grey of 0 to 255, and where there is something to see."""
    if name == "shadow":
        most = max(int(np.bitwise_count(cells[cells != 255]).max(initial=0)), 1)
        return 255 - 200 / most * np.bitwise_count(cells), cells != 255
    if name == "surface":
        seen = np.isfinite(cells)
        low, high = np.percentile(cells[seen], (2, 98)) if seen.any() else (0, 1)
        return np.nan_to_num(((cells - low) / max(high - low, 0.01)).clip(0, 1)) * 255, seen
    return cells, cells > 0 if name == "hillshade" else np.ones(cells.shape, bool)
