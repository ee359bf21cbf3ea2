"""Validation of downloaded files."""

import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import pyogrio
import rasterio
import shapely

from pipeline.fetch.web import FetchError
from pipeline.heights.indexes import IndexedSheet, Product
from pipeline.heights.mosaics import ENDINGS
from pipeline.heights.sheets import Sheet, open_sheet
from pipeline.storage.files import find, identity


def open_raster(product: Product, file: Path) -> Sheet:
    """The header of the one raster in a file. Raises FetchError or InputError if it cannot be
    used."""
    paths = find([str(file)], ENDINGS, product.kind)
    if len(paths) != 1:
        raise FetchError("{n} rasters in it instead of one", n=len(paths))
    return open_sheet(paths[0], product.kind, None)


def check_sheet(product: Product, indexed: IndexedSheet, file: Path) -> None:
    """Raises FetchError or InputError if a file is not the raster that the index describes."""
    size = file.stat().st_size
    if indexed.size is not None and size != indexed.size:
        raise FetchError("{size} bytes, and the index says {said}", size=size, said=indexed.size)
    if indexed.sha256 is not None and identity(str(file))["sha256"] != indexed.sha256:
        raise FetchError("its SHA-256 is not the one in the index")
    if file.suffix.lower() == ".zip":
        _check_zip(file)
    sheet = open_raster(product, file)
    if sheet.resolution != product.resolution:
        raise FetchError(
            "cells of {size:g} m instead of {wanted:g}",
            size=sheet.resolution,
            wanted=product.resolution,
        )
    bounds = sheet.window.bounds(sheet.resolution)
    room = shapely.box(*indexed.bounds).buffer(2 * sheet.resolution, join_style="mitre")
    if not room.covers(shapely.box(*bounds)):
        raise FetchError(
            "it lies at {place:,}, not at its sheet", place=[f"{edge:g}" for edge in bounds]
        )
    _check_ends(sheet)


def _check_ends(sheet: Sheet) -> None:
    """Read the first and the last cell, which a truncated file does not have."""
    try:
        with rasterio.open(sheet.path) as source:
            for row, column in ((0, 0), (source.height - 1, source.width - 1)):
                source.read(1, window=((row, row + 1), (column, column + 1)))
    except rasterio.errors.RasterioError:
        raise FetchError("its cells cannot be read: it is damaged or cut off") from None


def _check_zip(file: Path) -> None:
    try:
        with zipfile.ZipFile(file) as archive:
            bad = archive.testzip()
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError):
        raise FetchError("not a zip that can be opened") from None
    if bad is not None:
        raise FetchError("{bad} in the zip is damaged", bad=bad)


def check_vector(file: Path) -> None:
    """Raises FetchError for a file that is no vector file."""
    _layers(file)


def check_bag(wanted: Iterable[str], file: Path) -> None:
    """Raises FetchError for a file without layers of BAG that are wanted."""
    there = _layers(file)
    for layer in wanted:
        if layer not in there:
            raise FetchError("has no layer `{layer}`", layer=layer)


def _layers(file: Path) -> list[str]:
    try:
        return [str(name) for name, _ in pyogrio.list_layers(file)]
    except pyogrio.errors.DataSourceError:
        raise FetchError("cannot be opened as a vector file") from None
