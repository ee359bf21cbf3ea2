"""One elevation raster: its validated header, and the decoding of its values to metres."""

import contextlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.windows import Window as FileWindow

from kernels.check import mask_nodata
from pipeline.errors import InputError
from pipeline.grid.windows import Window
from pipeline.heights.headers import describe, reason
from pipeline.messages import Text
from pipeline.storage.cache import cache_dir, fingerprint, key_of, read_manifest, write_manifest
from pipeline.storage.files import named, on_disk
from pipeline.storage.vsis3 import gdal_options, is_vsis3
from pipeline.terms import File

FORMAT = 3
SIDECARS = (".aux.xml", ".msk", ".ovr")  # of GDAL, that may come to a file later
FLOAT32_MAX = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Sheet:
    """Header of one raster: its window, and how its values become metres above NAP."""

    path: str
    name: str
    window: Window
    resolution: float
    files: tuple[str, ...]
    crs: str
    nodata: float | None
    declared: bool
    scale: float
    offset: float
    version: str | None

    def to_metres(self, raw: NDArray[Any]) -> NDArray[np.float32]:
        """Values of the file as float32 metres, NaN for no data."""
        with np.errstate(over="ignore"):  # of a nodata value beyond float32
            if self.scale == 1.0 and self.offset == 0.0:
                height = raw.astype(np.float32)
            else:
                height = (raw * np.float64(self.scale) + self.offset).astype(np.float32)
        if self.nodata is not None:
            height[raw == _as_stored(self.nodata, raw.dtype)] = np.nan
        return height


class OpenSheet:
    """A sheet that is open for reading; for one thread. Leaving the context closes it.

    Raises InputError for a file that cannot be opened, decoded, or that holds an infinite value.
    """

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        try:
            self._file = rasterio.open(sheet.path)
        except rasterio.errors.RasterioError as error:
            raise _unreadable(sheet, Text("it"), error) from None
        dtype = np.dtype(self._file.dtypes[0])
        plain = dtype == np.float32 and (sheet.scale, sheet.offset) == (1.0, 0.0)
        self.block: tuple[int, int] = self._file.block_shapes[0]
        self._dtype = dtype
        self._plain = plain

    def __enter__(self) -> "OpenSheet":
        return self

    def __exit__(self, *fault: object) -> None:
        self._file.close()

    def untouched(
        self, window: Window, room: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], float]:
        """Part of the sheet in metres and its nodata value; nodata cells may be that value or NaN,
        and infinite ones are not refused. room: float32 scratch of at least as many cells, used
        where the file's values are metres already."""
        if not self._plain:
            return self.sheet.to_metres(self._raw(window)), np.nan
        shape = window.height, window.width
        height = self._raw(window, room.reshape(-1)[: window.size].reshape(shape))
        return height, self._nodata

    def metres(self, window: Window) -> NDArray[np.float32]:
        """(rows, columns) float32 metres of a part of the sheet, NaN without data."""
        height = self._raw(window)
        if not self._plain:
            height = self.sheet.to_metres(height)
        if not mask_nodata(height, self._nodata if self._plain else None):
            raise self.infinite(window, height)
        return height

    def infinite(self, window: Window, height: NDArray[np.float32]) -> InputError:
        """The fault for the first infinite value in a part of the sheet."""
        i, j = np.argwhere(np.isinf(height) & (height != self._nodata))[0]
        row, column = window.top - self.sheet.window.top + i, window.left - self.sheet.window.left
        return InputError(
            File(self.sheet.path),
            "infinite value at row {row}, column {column}",
            "give that value as nodata or repair the file",
            row=row,
            column=column + j,
        )

    @property
    def _nodata(self) -> float:
        nodata = self.sheet.nodata
        return np.nan if nodata is None else _as_stored(nodata, self._dtype)

    def _raw(self, window: Window, out: NDArray[Any] | None = None) -> NDArray[Any]:
        row, column = window.top - self.sheet.window.top, window.left - self.sheet.window.left
        part = FileWindow(column, row, window.width, window.height)
        try:
            values: NDArray[Any] = self._file.read(1, window=part, out=out)
        except rasterio.errors.RasterioError as error:
            rows = Text("rows {first} to {last}", first=row, last=row + window.height)
            raise _unreadable(self.sheet, rows, error) from None
        return values


def _unreadable(sheet: Sheet, what: Text, error: Exception) -> InputError:
    return InputError(
        File(sheet.path),
        "{what} cannot be read ({reason})",
        "is the file damaged or cut off? Fetch it again",
        what=what,
        reason=reason(error),
    )


def _as_stored(nodata: float, dtype: np.dtype[Any]) -> float:
    """A nodata value as stored: clipped to float32, as GDAL does."""
    if dtype != np.float32 or not np.isfinite(nodata):
        return nodata
    return float(np.clip(nodata, -FLOAT32_MAX, FLOAT32_MAX))


def open_sheet(path: str, kind: str, nodata: float | None) -> Sheet:
    """The validated header of a file, from the cache while the file is unchanged.

    Raises InputError for a file that cannot be used.
    """
    try:
        kept = cache_dir() / "sheets" / f"{key_of(FORMAT, path, nodata, fingerprint(path))}.json"
    except OSError:
        return _read_header(path, kind, nodata)
    sheet = _cached_header(kept)
    if sheet is None:
        sheet = _read_header(path, kind, nodata)
        with contextlib.suppress(OSError):  # of a cache that cannot be written
            prints = _fingerprints(sheet)
            write_manifest(kept, {"sheet": asdict(sheet), "stamps": prints})
    return sheet


def _fingerprints(sheet: Sheet) -> list[dict[str, Any] | None]:
    """Fingerprints of the files that a header depends on, sidecars included."""
    if is_vsis3(sheet.path):  # beside which GDAL looks for nothing
        return [fingerprint(p) for p in sheet.files]
    beside = [sheet.path + ending for ending in SIDECARS]
    return [fingerprint(p) if on_disk(p).exists() else None for p in (*sheet.files, *beside)]


def _cached_header(kept: Path) -> Sheet | None:
    values = read_manifest(kept)
    if values is None:
        return None
    try:
        fields = values["sheet"]
        fields |= {"window": Window(*fields["window"]), "files": tuple(fields["files"])}
        sheet = Sheet(**fields)
        return sheet if _fingerprints(sheet) == values["stamps"] else None
    except (OSError, TypeError, StopIteration):  # a file behind it is gone, or of another program
        return None


def _read_header(path: str, kind: str, nodata: float | None) -> Sheet:
    try:
        with rasterio.Env(**gdal_options()), rasterio.open(path) as source:
            return Sheet(path, named(path), **describe(source, nodata))
    except rasterio.errors.RasterioError as error:
        raise InputError(
            File(path),
            "not a raster that can be read as {kind} ({reason})",
            "give a GeoTIFF of AHN heights, or fetch it again",
            kind=kind,
            reason=reason(error),
        ) from None
