"""The relief store: height bounds and statistics of each sheet, kept between runs.

A sheet is read whole once: coarse cells from 8 x 8 to tiles of TILE x TILE, nodata statistics, and
the hash of its content. They are kept in a folder by the file's path, size and time: the pyramid
`<key>.zarr`, and the manifest `<key>.json` once that is complete.
"""

import contextlib
import math
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.coarse import COARSE, Coarse, add, blank, coarsen, coarser, merge
from kernels.zonal import NO_HEIGHT
from pipeline.errors import InputError, Stopped
from pipeline.grid.tile_masks import HeightBounds
from pipeline.grid.windows import TILE, Window
from pipeline.heights.levels import (
    LEVELS,
    STATISTICS,
    is_whole,
    read_level,
    read_tiles,
    write_levels,
)
from pipeline.heights.rasters import Mosaic, gdal
from pipeline.heights.sheets import OpenSheet, Sheet
from pipeline.heights.tiles import tile_cache
from pipeline.messages import Text
from pipeline.storage.cache import (
    cached_files,
    fingerprint,
    key_of,
    log,
    read_manifest,
    write_manifest,
)
from pipeline.storage.checksums import CheckedFiles
from pipeline.storage.files import identity
from pipeline.terms import Field, File, Location

FORMAT = 2
ROWS, COLUMNS = 512, 16_384  # cells read at once, or a block of the file
LOWEST_M, HIGHEST_M = -50.0, 500.0  # Zuidplaspolder -7 m, Vaalserberg 323 m, masts up to 375 m
SUSPICIOUS_SHARE = 0.05
TRIED = 8  # sheets of which a strip is read to measure the rate
SAMPLE = 50_000  # cells looked at for a common value: one that fills 5 % cannot hide
LEFT_S = 3600.0  # after so long, what is half written was left by a kill
UNBOUNDED = np.int32(np.iinfo(np.int32).max)


class Survey(NamedTuple):
    """Statistics of a whole sheet. lowest, highest [m]: NaN without data; cells, without_data:
    number of cells; filled, share: the commonest value [m] and its share of the cells."""

    lowest: float
    highest: float
    cells: int
    without_data: int
    filled: float
    share: float


KINDS: dict[str, type] = Survey.__annotations__


@dataclass(frozen=True)
class SheetManifest:
    """Manifest of a sheet in the relief store. file: name, size and SHA-256 of `files.identity`;
    store: folder of its pyramid; sums: checksums of the files there."""

    survey: Survey
    file: dict[str, str | int]
    store: Path
    sums: dict[str, str]

    @property
    def files(self) -> CheckedFiles:
        """The checked files of the pyramid."""
        return cached_files(self.store, self.sums, self.store.with_suffix(".json"))


# Writing.


def survey_sheet(sheet: Sheet, folder: Path, stop: Callable[[], bool]) -> SheetManifest:
    """The manifest of a sheet, which is read whole if the relief store does not have it yet.

    Raises InputError for heights that are not of the Netherlands, or a file that cannot be read.
    """
    key = _key(sheet)
    kept = _sheet_manifest(sheet, folder, key)
    if kept is not None:
        return kept
    with ThreadPoolExecutor(1) as pool:  # meanwhile, and ahead of what decodes
        hashed = pool.submit(identity, sheet.path, sheet.files)
        with gdal(), OpenSheet(sheet) as source:
            coarse, survey = _read(source, stop)
        _check_range(sheet, survey)
        file = hashed.result()
    try:
        sums = _publish(folder, key, coarse)
        values = {"survey": survey._asdict(), "file": file, "sums": sums}
        write_manifest(folder / f"{key}.json", values)
    except OSError as error:
        raise InputError(
            Location(folder),
            "the relief of {name} cannot be kept there ({error})",
            "make room, or name another folder in {relief} or DAKLAAG_CACHE",
            name=File(sheet.path),
            error=error.strerror or error,
            relief=Field("relief"),
        ) from None
    return SheetManifest(survey, file, folder / f"{key}.zarr", sums)


def _key(sheet: Sheet) -> str:
    """Key of a sheet in the store: its files' fingerprints, nodata, scale and offset."""
    try:
        stamps = [fingerprint(path) for path in dict.fromkeys((sheet.path, *sheet.files))]
    except OSError:
        raise InputError(
            File(sheet.path), "is gone, or a file behind it", "fetch it again"
        ) from None
    return key_of(FORMAT, sheet.path, stamps, sheet.nodata, sheet.scale, sheet.offset)


def _read(source: OpenSheet, stop: Callable[[], bool]) -> tuple[Coarse, Survey]:
    """Coarse cells and statistics of a sheet, read in strips of whole blocks of the file."""
    whole = source.sheet.window
    coarse = blank(whole.top, whole.left, whole.height, whole.width)
    height, width = (_multiple(n, t) for n, t in zip((ROWS, COLUMNS), source.tile, strict=True))
    room = np.empty(min(height, whole.height) * min(width, whole.width), np.float32)
    every = math.ceil(math.sqrt(whole.size / SAMPLE))
    lowest, highest, sample = np.inf, -np.inf, []
    for part in _strips(whole, height, width):
        if stop():
            raise Stopped
        heights = room[: part.size].reshape(part.height, part.width)
        source.read(part, heights)
        extremes = add(coarse, heights, part.top, part.left)
        lowest, highest = min(lowest, extremes.lowest), max(highest, extremes.highest)
        row, column = -(part.top - whole.top) % every, -(part.left - whole.left) % every
        sample.append(heights[row::every, column::every].flatten())
    missing = whole.size - int(coarse.known.sum())
    if missing == whole.size:
        return coarse, Survey(np.nan, np.nan, whole.size, missing, np.nan, 0.0)
    return coarse, Survey(lowest, highest, whole.size, missing, *_commonest(np.concatenate(sample)))


def _multiple(cells: int, tile: int) -> int:
    """`cells` rounded down to whole tiles."""
    return max(cells // tile, 1) * tile


def _strips(window: Window, height: int, width: int) -> Iterator[Window]:
    for top in range(window.top, window.bottom, height):
        for left in range(window.left, window.right, width):
            yield Window(top, left, height, width).intersect(window)


def _commonest(sample: NDArray[np.float32]) -> tuple[float, float]:
    """The commonest value of a sample, and its share."""
    values, counts = np.unique(sample[~np.isnan(sample)], return_counts=True)
    if not len(values):
        return np.nan, 0.0
    most = int(np.argmax(counts))
    return float(values[most]), float(counts[most] / len(sample))


def _publish(folder: Path, key: str, coarse: Coarse) -> dict[str, str]:
    """Write a pyramid and rename it to its place, unless another process did meanwhile. Returns its
    checksums."""
    target = folder / f"{key}.zarr"
    partial = folder / f"{key}.zarr.{os.getpid()}.{os.urandom(4).hex()}.partial"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        sums = write_levels(partial, coarse)
        if not is_whole(target, sums):
            shutil.rmtree(target, ignore_errors=True)
            with contextlib.suppress(OSError):
                partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    for left in folder.glob(f"{key}.zarr.*.partial"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > LEFT_S:
                shutil.rmtree(left)
    return {name: str(of) for name, of in sums.items()}


# Reading.


def sheet_manifest(sheet: Sheet, folder: Path) -> SheetManifest | None:
    """The manifest of a sheet as its file is now; None if there is none, or its pyramid is
    damaged."""
    return _sheet_manifest(sheet, folder, _key(sheet))


def _sheet_manifest(sheet: Sheet, folder: Path, key: str) -> SheetManifest | None:
    values = read_manifest(folder / f"{key}.json")
    if values is None:
        return None
    store = folder / f"{key}.zarr"
    survey = Survey(**{name: kind(values["survey"][name]) for name, kind in KINDS.items()})
    manifest = SheetManifest(survey, values["file"], store, values["sums"])
    if is_whole(store, manifest.files.sums):
        return manifest
    if store.exists():  # else a cleaner of caches took it
        log.warning(Text("{store} is damaged; {sheet} is read anew", store=store, sheet=sheet.name))
    return None


def reading_rate(sheets: Sequence[Sheet], workers: int) -> float:
    """Cells a second that some threads read, measured on a strip of a few sheets."""
    few = sheets[:: max(len(sheets) // TRIED, 1)][:TRIED]
    strips = [Window(s.window.top, s.window.left, ROWS, COLUMNS).intersect(s.window) for s in few]

    def read(sheet: Sheet, strip: Window) -> None:
        with gdal(), OpenSheet(sheet, tile_cache(0)) as source:  # what is kept costs nothing
            source.metres(strip)

    began = time.monotonic()
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(read, few, strips))
    return sum(strip.size for strip in strips) / (time.monotonic() - began)


def _required_manifest(sheet: Sheet, folder: Path) -> SheetManifest:
    manifest = sheet_manifest(sheet, folder)
    if manifest is None:
        raise InputError(File(sheet.path), "was changed during the run", "run again")
    return manifest


def height_bounds(sheets: Sequence[Sheet], folder: Path, window: Window) -> HeightBounds:
    """Height bounds of the tiles that a window of cells touches, from all sheets.

    Raises InputError for a sheet that was not surveyed, or has changed since.
    """
    frame = window.coarse(TILE)
    lowest = np.full((frame.height, frame.width), UNBOUNDED)
    highest = np.full((frame.height, frame.width), np.int32(NO_HEIGHT))
    for sheet in sheets:
        tiles = sheet.window.coarse(TILE)
        both = frame.intersect(tiles)
        if both.size:
            low, high = read_tiles(_required_manifest(sheet, folder).files, tiles)[
                :, *tiles.slices(both)
            ]
            here = frame.slices(both)
            known = np.where(high == NO_HEIGHT, UNBOUNDED, low)
            np.minimum(lowest[here], known, out=lowest[here])
            np.maximum(highest[here], high, out=highest[here])
    lowest[highest == NO_HEIGHT] = NO_HEIGHT
    return HeightBounds(frame, lowest, highest)


def coarse(sheets: Sequence[Sheet], folder: Path, window: Window, level: int) -> Coarse:
    """Coarse cells of 8 << level cells a side that a window of cells touches, from all sheets:
    equal to those that `kernels.coarse` makes of the heights, to the bit.

    Raises InputError for a sheet that was not surveyed, or has changed since.
    """
    side = COARSE << level
    frame = window.coarse(side)
    kept = min(level, LEVELS - 1)
    scale = 1 << (level - kept)
    finer = Window(*(n * scale for n in frame))
    cells = Window(*(n * side for n in frame))
    parts = [blank(cells.top, cells.left, cells.height, cells.width, COARSE << kept)]
    for sheet in sheets:
        both = finer.intersect(sheet.window.coarse(COARSE << kept))
        if both.size:
            parts.append(_stored(sheet, folder, kept, both))
    merged = merge(parts)
    for _ in range(level - kept):
        merged = coarser(merged)
    _recount_overlaps(merged, Mosaic("", tuple(sheets)), cells, level)
    return merged


def _stored(sheet: Sheet, folder: Path, level: int, part: Window) -> Coarse:
    frame = sheet.window.coarse(COARSE << level)
    return read_level(_required_manifest(sheet, folder).files, level, frame, part)


def _recount_overlaps(coarse: Coarse, mosaic: Mosaic, cells: Window, level: int) -> None:
    """Replace coarse cells where sheets overlap, and count cells twice, by those of their
    heights."""
    side = COARSE << level
    frame = cells.coarse(side)
    for overlap in mosaic.overlaps:
        part = overlap.coarse(side).intersect(frame)
        if part.size:
            ground = Window(*(n * side for n in part))
            with mosaic.reader() as reader:
                own = coarsen(reader.read(ground), ground.top, ground.left)
            for _ in range(level):
                own = coarser(own)
            for name in STATISTICS:
                getattr(coarse, name)[frame.slices(part)] = getattr(own, name)


# What surveys say.


def _check_range(sheet: Sheet, found: Survey) -> None:
    if found.lowest < LOWEST_M or found.highest > HIGHEST_M:
        raise InputError(
            File(sheet.path),
            "heights from {lowest:g} to {highest:g} m are not of the Netherlands",
            "are they centimetres, or an undeclared nodata value ({nodata})?",
            lowest=found.lowest,
            highest=found.highest,
            nodata=Field("nodata", Text("VALUE")),
        )


def warnings(mosaic: Mosaic, surveys: list[Survey]) -> list[str]:
    """Warnings about the sheets, for the report."""
    texts: list[str] = []
    for sheet, survey in zip(mosaic.sheets, surveys, strict=True):
        if survey.share > SUSPICIOUS_SHARE:
            raw = (survey.filled - sheet.offset) / sheet.scale
            remedy = (
                Text("declare it in the file (gdal_edit.py -a_nodata {raw:g})", raw=raw)
                if sheet.declared
                else Text("run with {nodata}", nodata=Field("nodata", f"{raw:g}"))
            )
            texts.append(
                Text(
                    "{name}: {share:.0%} of the cells are exactly {height:g} m; if that stands for"
                    " no data, {remedy}",
                    name=sheet.name,
                    share=survey.share,
                    height=survey.filled,
                    remedy=remedy,
                )
            )
    return texts


def check_any_data(mosaic: Mosaic, surveys: list[Survey]) -> None:
    """Raises InputError if no cell of a mosaic has data."""
    if all(survey.without_data == survey.cells for survey in surveys):
        names = [sheet.name for sheet in mosaic.sheets[:3]]
        raise InputError(
            mosaic.kind,
            "no cell has data ({names})",
            "check their nodata value",
            names=names,
        )
