"""One elevation raster: its validated header, and the decoding of its values to metres."""

import contextlib
from collections.abc import Hashable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial, reduce
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.windows import Window as FileWindow

from kernels.decode import Meaning, metres
from pipeline.errors import InputError
from pipeline.grid.windows import Window
from pipeline.heights.blocks import Undecodable, blocks_of
from pipeline.heights.headers import describe, reason
from pipeline.heights.tiles import LARGEST, TILES, Tile, tile_shape, tiles_touching
from pipeline.messages import Text
from pipeline.storage.cache import cache_dir, fingerprint, key_of, read_manifest, write_manifest
from pipeline.storage.files import on_disk
from pipeline.storage.lru import LRUCache
from pipeline.storage.vsis3 import gdal_options, is_vsis3
from pipeline.terms import File

FORMAT = 3
NOTHING = Window(0, 0, 0, 0)
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

    def meaning(self, kind: np.dtype[Any]) -> Meaning:
        """How values stored as some type become metres."""
        nodata = np.nan if self.nodata is None else _as_stored(self.nodata, kind)
        # With an offset of 0, a stored -0 would become 0.
        offset = self.offset if (self.scale, self.offset) != (1.0, 0.0) else -0.0
        return Meaning(float(self.scale), float(offset), float(nodata))


class OpenSheet:
    """A sheet that is open for reading; for one thread. Leaving the context closes it.

    tile: rows and columns of what is decoded at once; decoded: cells decoded so far.
    Raises InputError for a file that cannot be opened, decoded, or that holds an infinite value.
    """

    def __init__(self, sheet: Sheet, kept: LRUCache[Tile] = TILES) -> None:
        """kept: holds the tiles decoded last, of all sheets."""
        self.sheet, self.decoded = sheet, 0
        self._kept, self._content = kept, _content(sheet)
        with ExitStack() as stack:
            try:
                self._file = stack.enter_context(rasterio.open(sheet.path))
            except rasterio.errors.RasterioError as error:
                raise _unreadable(sheet, Text("it"), error) from None
            self.tile = tile_shape(self._file)
            self._meaning = sheet.meaning(np.dtype(self._file.dtypes[0]))
            self._blocks = blocks_of(self._file, sheet.path, self.tile, stack)
            self._stack = stack.pop_all()

    def __enter__(self) -> "OpenSheet":
        return self

    def __exit__(self, *fault: object) -> None:
        self._stack.close()

    def metres(self, window: Window) -> NDArray[np.float32]:
        """(rows, columns) float32 metres of a part of the sheet, NaN without data."""
        out = np.empty((window.height, window.width), np.float32)
        self.read(window, out)
        return out

    def read(self, window: Window, out: NDArray[np.float32]) -> None:
        """Write the heights of a part of the sheet into `out`: (rows, columns) float32 metres, NaN
        without data."""
        whole = self.sheet.window
        part = Window(window.top - whole.top, window.left - whole.left, *window[2:])
        finite = True
        for row in tiles_touching(part, self.tile, Window(0, 0, whole.height, whole.width)):
            for place, tile in self._decoded(row):
                both = part.intersect(place)
                out[part.slices(both)] = tile.heights[place.slices(both)]
                finite &= tile.finite
        if not finite and (infinite := np.argwhere(np.isinf(out))).size:
            raise self._infinite(part, *infinite[0])

    def _decoded(self, places: list[Window]) -> Iterator[tuple[Window, Tile]]:
        """Tiles of the file, whose bytes are asked for at once."""
        new = [place for place in places if not self._kept.holds((self._content, place))]
        data = self._blocks.fetch(new) if self._blocks and new else {}
        stored = {} if self._blocks else self._stored_row(new)
        for place in places:
            decode = partial(self._decode, place, data.get(place), stored.get(place))
            yield place, self._kept.get((self._content, place), decode)

    def _decode(self, place: Window, data: list[bytes] | None, stored: NDArray[Any] | None) -> Tile:
        """data: its compressed blocks, if we can decode them; stored: its values, if GDAL did."""
        heights = np.empty((place.height, place.width), np.float32)
        self.decoded += place.size
        if self._blocks and data:
            with contextlib.suppress(Undecodable):  # GDAL then says why
                return Tile(heights, self._blocks.decode(data, self._meaning, heights))
        values = self._stored(place) if stored is None else stored
        return Tile(heights, metres(values, self._meaning, heights))

    def _stored_row(self, places: list[Window]) -> dict[Window, NDArray[Any]]:
        """The values of neighbouring tiles by one call of GDAL, each of which costs 0.2 ms; empty
        where that would read others too, or hold too many."""
        row = reduce(Window.union, places, NOTHING)
        if not 0 < row.size <= LARGEST or row.size != sum(place.size for place in places):
            return {}
        values = self._stored(row)
        return {place: values[row.slices(place)] for place in places}

    def _stored(self, place: Window) -> NDArray[Any]:
        """The values of a part of the file, by GDAL."""
        part = FileWindow(place.left, place.top, place.width, place.height)
        try:
            values: NDArray[Any] = self._file.read(1, window=part)
        except rasterio.errors.RasterioError as error:
            rows = Text("rows {first} to {last}", first=place.top, last=place.bottom)
            raise _unreadable(self.sheet, rows, error) from None
        # Half floats, which GDAL 3.11 and later return as such, are no type of Numba's.
        return values.astype(np.float32) if values.dtype == np.float16 else values

    def _infinite(self, part: Window, row: int, column: int) -> InputError:
        return InputError(
            File(self.sheet.path),
            "infinite value at row {row}, column {column}",
            "give that value as nodata or repair the file",
            row=part.top + row,
            column=part.left + column,
        )


def _content(sheet: Sheet) -> Hashable:
    """What two sheets have in common only if they hold the same heights; for objects, whose
    identity costs a request, each opened sheet has its own."""
    files = dict.fromkeys((sheet.path, *sheet.files))
    try:
        stamps = () if any(map(is_vsis3, files)) else tuple(str(fingerprint(p)) for p in files)
    except OSError:  # opening it will tell
        stamps = ()
    how = sheet.window, str(sheet.nodata), sheet.scale, sheet.offset
    return (sheet.path, stamps, how) if stamps else object()


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
            return Sheet(path, File(path).name, **describe(source, nodata))
    except rasterio.errors.RasterioError as error:
        raise InputError(
            File(path),
            "not a raster that can be read as {kind} ({reason})",
            "give a GeoTIFF of AHN heights, or fetch it again",
            kind=kind,
            reason=reason(error),
        ) from None
