"""The relief store: how high and low the surface of a sheet goes, kept between runs.

A sheet is read once, for all that reading a whole one tells: coarse cells from 8 x 8 on up to tiles
of TILE x TILE, what is wrong with it, and its content's hash. They are kept in a folder, by the
file's place, size and time: `<key>.zarr`, and the card `<key>.json` as soon as that is whole.
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

FORMAT = 2
ROWS, COLUMNS = 512, 16_384  # cells read at once, or a block of the file
LOWEST_M, HIGHEST_M = -50.0, 500.0  # Zuidplaspolder -7 m, Vaalserberg 323 m, masts up to 375 m
SUSPICIOUS_SHARE = 0.05
TRIED = 8  # sheets of which a strip tells how fast they are read
SAMPLE = 50_000  # cells looked at for a common value: one that fills 5 % cannot hide
LEFT_S = 3600.0  # after so long, what is half written was left by a kill
NOBODY = np.int32(np.iinfo(np.int32).max)


class Survey(NamedTuple):
    """What reading a whole sheet tells. lowest, highest [m]: NaN if nothing has data; cells, and
    how many of them without data; filled, share: the commonest value [m] and its part of the
    cells."""

    lowest: float
    highest: float
    cells: int
    without_data: int
    filled: float
    share: float


KINDS: dict[str, type] = Survey.__annotations__


@dataclass(frozen=True)
class SheetManifest:
    """What is known of a sheet without opening it. file: name, size and SHA-256, as
    `files.identity` gives them; store: the folder of its coarse cells; sums: of the files there."""

    survey: Survey
    file: dict[str, str | int]
    store: Path
    sums: dict[str, str]

    @property
    def files(self) -> CheckedFiles:
        """Those of the store."""
        return cached_files(self.store, self.sums, self.store.with_suffix(".json"))


# Writing.


def survey_sheet(sheet: Sheet, folder: Path, stop: Callable[[], bool]) -> SheetManifest:
    """Read a sheet once and keep what it tells; of one that is kept already, that.

    Raises InputError for heights that are not of the Netherlands, or a file that cannot be read.
    """
    key = _key(sheet)
    found = _sheet_manifest(sheet, folder, key)
    if found is not None:
        return found
    with ThreadPoolExecutor(1) as pool:  # meanwhile, and ahead of what decodes
        hashed = pool.submit(identity, sheet.path, sheet.files)
        with gdal(), OpenSheet(sheet) as source:
            coarse, survey = _read(source, stop)
        _check_range(sheet, survey)
        file = hashed.result()
    try:
        sums = _publish(folder, key, coarse)
        sheet_manifest = {"survey": survey._asdict(), "file": file, "sums": sums}
        write_manifest(folder / f"{key}.json", sheet_manifest)
    except OSError as error:
        raise InputError(
            "{folder}: the relief of {name} cannot be kept there ({error}); make room, or name"
            " another folder in --relief or DAKLAAG_CACHE",
            folder=folder,
            name=sheet.name,
            error=error.strerror or error,
        ) from None
    return SheetManifest(survey, file, folder / f"{key}.zarr", sums)


def _key(sheet: Sheet) -> str:
    """The name under which a sheet is kept: by its files and by how their numbers are read."""
    try:
        stamps = [fingerprint(path) for path in dict.fromkeys((sheet.path, *sheet.files))]
    except OSError:
        raise InputError(
            "{name}: is gone, or a file behind it; fetch it again", name=sheet.name
        ) from None
    return key_of(FORMAT, sheet.path, stamps, sheet.nodata, sheet.scale, sheet.offset)


def _read(source: OpenSheet, stop: Callable[[], bool]) -> tuple[Coarse, Survey]:
    """The coarse cells of a sheet, in strips that the file's blocks make up."""
    whole = source.sheet.window
    coarse = blank(whole.top, whole.left, whole.height, whole.width)
    height, width = (_multiple(n, b) for n, b in zip((ROWS, COLUMNS), source.block, strict=True))
    room = np.empty(min(height, whole.height) * min(width, whole.width), np.float32)
    every = math.ceil(math.sqrt(whole.size / SAMPLE))
    lowest, highest, sample = np.inf, -np.inf, []
    for part in _strips(whole, height, width):
        if stop():
            raise Stopped
        heights, nodata = source.untouched(part, room)
        found = add(coarse, heights, part.top, part.left, nodata)
        if math.inf in (-found.lowest, found.highest):
            raise source.infinite(part, heights)
        lowest, highest = min(lowest, found.lowest), max(highest, found.highest)
        row, column = -(part.top - whole.top) % every, -(part.left - whole.left) % every
        few = heights[row::every, column::every]
        sample.append(np.where(few == nodata, np.float32(np.nan), few).ravel())
    missing = whole.size - int(coarse.known.sum())
    if missing == whole.size:
        return coarse, Survey(np.nan, np.nan, whole.size, missing, np.nan, 0.0)
    return coarse, Survey(lowest, highest, whole.size, missing, *_commonest(np.concatenate(sample)))


def _multiple(cells: int, block: int) -> int:
    """About so many cells, in whole blocks."""
    return max(cells // block, 1) * block if block <= 4 * cells else cells


def _strips(window: Window, height: int, width: int) -> Iterator[Window]:
    for top in range(window.top, window.bottom, height):
        for left in range(window.left, window.right, width):
            yield Window(top, left, height, width).intersect(window)


def _commonest(sample: NDArray[np.float32]) -> tuple[float, float]:
    """The commonest value of a sample, and its part of it."""
    values, counts = np.unique(sample[~np.isnan(sample)], return_counts=True)
    if not len(values):
        return np.nan, 0.0
    most = int(np.argmax(counts))
    return float(values[most]), float(counts[most] / len(sample))


def _publish(folder: Path, key: str, coarse: Coarse) -> dict[str, str]:
    """Write the coarse cells beside their place and rename them, unless another did meanwhile, who
    may be reading from there; their sums."""
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
    """What is kept of a sheet as its file is now; None if that is not whole, or nothing."""
    return _sheet_manifest(sheet, folder, _key(sheet))


def _sheet_manifest(sheet: Sheet, folder: Path, key: str) -> SheetManifest | None:
    said = read_manifest(folder / f"{key}.json")
    if said is None:
        return None
    store = folder / f"{key}.zarr"
    survey = Survey(**{name: kind(said["survey"][name]) for name, kind in KINDS.items()})
    found = SheetManifest(survey, said["file"], store, said["sums"])
    if is_whole(store, found.files.sums):
        return found
    if store.exists():  # else a cleaner of caches took it
        log.warning(Text("{store} is damaged; {sheet} is read anew", store=store, sheet=sheet.name))
    return None


def reading_rate(sheets: Sequence[Sheet], workers: int) -> float:
    """How many cells a second some threads read, tried with a strip of a few sheets."""
    few = sheets[:: max(len(sheets) // TRIED, 1)][:TRIED]
    strips = [Window(s.window.top, s.window.left, ROWS, COLUMNS).intersect(s.window) for s in few]

    def read(sheet: Sheet, strip: Window) -> None:
        with gdal(), OpenSheet(sheet) as source:
            source.metres(strip)

    began = time.monotonic()
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(read, few, strips))
    return sum(strip.size for strip in strips) / (time.monotonic() - began)


def _required_manifest(sheet: Sheet, folder: Path) -> SheetManifest:
    found = sheet_manifest(sheet, folder)
    if found is None:
        raise InputError("{name}: was changed during the run; run again", name=sheet.name)
    return found


def height_bounds(sheets: Sequence[Sheet], folder: Path, window: Window) -> HeightBounds:
    """The tiles that a window of cells touches, from all sheets that know a part of them.

    Raises InputError for a sheet that was not surveyed, or has changed since.
    """
    frame = window.coarse(TILE)
    lowest = np.full((frame.height, frame.width), NOBODY)
    highest = np.full((frame.height, frame.width), np.int32(NO_HEIGHT))
    for sheet in sheets:
        tiles = sheet.window.coarse(TILE)
        both = frame.intersect(tiles)
        if both.size:
            low, high = read_tiles(_required_manifest(sheet, folder).files, tiles)[
                :, *tiles.slices(both)
            ]
            here = frame.slices(both)
            known = np.where(high == NO_HEIGHT, NOBODY, low)
            np.minimum(lowest[here], known, out=lowest[here])
            np.maximum(highest[here], high, out=highest[here])
    lowest[highest == NO_HEIGHT] = NO_HEIGHT
    return HeightBounds(frame, lowest, highest)


def coarse(sheets: Sequence[Sheet], folder: Path, window: Window, level: int) -> Coarse:
    """The coarse cells of 8 << level cells a side that a window of cells touches, from all sheets
    that know a part of them; as `kernels.coarse` makes them of the heights, to the bit.

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
    found = merge(parts)
    for _ in range(level - kept):
        found = coarser(found)
    _recount_overlaps(found, Mosaic("", tuple(sheets)), cells, level)
    return found


def _stored(sheet: Sheet, folder: Path, level: int, part: Window) -> Coarse:
    frame = sheet.window.coarse(COARSE << level)
    return read_level(_required_manifest(sheet, folder).files, level, frame, part)


def _recount_overlaps(found: Coarse, mosaic: Mosaic, cells: Window, level: int) -> None:
    """Where sheets overlap, both count the same cells: there the heights are read."""
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
                getattr(found, name)[frame.slices(part)] = getattr(own, name)


# What surveys say.


def _check_range(sheet: Sheet, found: Survey) -> None:
    if found.lowest < LOWEST_M or found.highest > HIGHEST_M:
        raise InputError(
            "{name}: heights from {lowest:g} to {highest:g} m are not of the Netherlands; are they"
            " centimetres, or an undeclared nodata value (--nodata VALUE)?",
            name=sheet.name,
            lowest=found.lowest,
            highest=found.highest,
        )


def warnings(mosaic: Mosaic, surveys: list[Survey]) -> list[str]:
    """What the reader of a report should know of the sheets."""
    said: list[str] = []
    for sheet, found in zip(mosaic.sheets, surveys, strict=True):
        if found.share > SUSPICIOUS_SHARE:
            raw = (found.filled - sheet.offset) / sheet.scale
            remedy = (
                Text("declare it in the file (gdal_edit.py -a_nodata {raw:g})", raw=raw)
                if sheet.declared
                else Text("run with --nodata {raw:g}", raw=raw)
            )
            said.append(
                Text(
                    "{name}: {share:.0%} of the cells are exactly {height:g} m; if that stands for"
                    " no data, {remedy}",
                    name=sheet.name,
                    share=found.share,
                    height=found.filled,
                    remedy=remedy,
                )
            )
    return said


def check_any_data(mosaic: Mosaic, surveys: list[Survey]) -> None:
    """Raises InputError if no cell of a mosaic has data."""
    if all(found.without_data == found.cells for found in surveys):
        names = [sheet.name for sheet in mosaic.sheets[:3]]
        raise InputError(
            "{kind}: no cell has data ({names}); check their nodata value",
            kind=mosaic.kind,
            names=names,
        )
