"""Finished runs that are open for tiles: a few at a time, each opened once."""

import logging
import threading
from functools import lru_cache
from pathlib import Path

from pipeline.errors import InputError
from pipeline.grid.crs import lonlat
from pipeline.output.tiles import overview
from pipeline.output.tiles.overview import ROOFS, Overview
from pipeline.output.tiles.pictures import Pictures
from pipeline.output.tiles.roofs import RoofTiles, vector_layers
from pipeline.output.tiles.scheme import MapTile
from pipeline.results.features import Features
from pipeline.results.finished import mark_of, open_finished
from pipeline.results.store import open_store
from pipeline.storage.ledger import RASTERS
from pipeline.storage.slices import Rectangle
from pipeline.terms import Field, File
from service.core.catalogue import Collection
from service.core.exports import folder_of

KEPT = 4  # runs that stay open
CHUNKS, GROUPS = 32 << 20, 96 << 20  # bytes of each that stay decoded
AT_ONCE = 500_000  # roofs that are counted while a tile waits, in 0.3 s; others in the background
log = logging.getLogger("daklaag.service")


class Counting(Exception):
    """The roofs of a large run are still being counted."""


class Opened:
    """A finished run, for tiles. Its parts are opened when they are first asked for, once though
    many ask at the same time."""

    def __init__(self, collection: Collection, state: Path) -> None:
        self._place, self._folder = collection.place, folder_of(state, collection.place)
        self.features = Features.of(self._place)
        self._method = collection.method
        self.vectors = vector_layers(self._method, len(self.features))
        self._lock, self._counting = threading.Lock(), threading.Lock()
        self._pictures: Pictures | None = None
        self._roofs: RoofTiles | None = None
        self._overview: Overview | None = None
        self._counter: threading.Thread | None = None
        if open_store(self._place / RASTERS) is not None:
            self._pictures = Pictures(self._place / RASTERS, self._method, CHUNKS)

    @property
    def layers(self) -> list[str]:
        """The layers that there are tiles of."""
        return [*(self._pictures.layers if self._pictures else ()), ROOFS, *self.vectors]

    def suns(self, layer: str) -> int:
        """Number of sun positions that a layer tells apart."""
        return 0 if self._of_roofs(layer) else self.pictures.suns(layer)

    def zooms(self, layer: str) -> tuple[int, int]:
        """The lowest and the highest zoom of a layer."""
        if layer == ROOFS:
            return overview.FIRST, overview.LAST
        if layer in self.vectors:
            return self.vectors[layer][:2]
        return self.pictures.zooms(layer)

    def bounds(self, layer: str) -> Rectangle | None:
        """The rectangle of a layer [RD m]; None where it is empty."""
        return self.features.bounds if self._of_roofs(layer) else self.pictures.bounds

    def tile(self, layer: str, tile: MapTile, sun: int | None) -> bytes | None:
        """A tile; none or empty where there is nothing. Raises Counting where the roofs are not
        counted yet."""
        if layer in self.vectors:
            return self._outlines().tile(tile, layer)
        if layer == ROOFS:
            return self._counts().tile(tile)
        if sun is None and not self.pictures.is_whole(layer):
            sun = 0  # as it has no picture of all suns
        return self.pictures.tile(layer, tile, sun)

    def count(self) -> None:
        """Count the roofs, if that was not done before: 6 s for those of the nation."""
        with self._counting:
            if self._overview is None:
                file = open_finished(self._place).table.file
                self._overview = Overview.of(file, self._method, self._folder)

    def open_outlines(self) -> None:
        """Draw a tile of each vector layer in the middle, which opens table and projections."""
        if self.features.bounds is None:
            return
        west, south, east, north = lonlat(self.features.bounds)
        for name, layer in self.vectors.items():
            self.tile(name, MapTile.at((west + east) / 2, (south + north) / 2, layer.last), None)

    @property
    def pictures(self) -> Pictures:
        """Map tiles of the rasters. Raises InputError for a run without rasters."""
        if self._pictures is None:
            raise InputError(
                File(self._place),
                "no rasters here",
                "run it anew with {layers}",
                layers=Field("layers"),
            )
        return self._pictures

    def _of_roofs(self, layer: str) -> bool:
        """Whether a layer shows the table, else rasters."""
        return layer == ROOFS or layer in self.vectors

    def _outlines(self) -> RoofTiles:
        with self._lock:
            if self._roofs is None:
                self._roofs = RoofTiles(open_finished(self._place).table, self._method, GROUPS)
            return self._roofs

    def _counts(self) -> Overview:
        if self._overview is None:
            if len(self.features) <= AT_ONCE:
                self.count()
            else:
                self.count_aside()
        if self._overview is None:
            raise Counting
        return self._overview

    def count_aside(self) -> None:
        """Begin to count in the background, if nobody does."""
        with self._lock:
            if self._overview is None and (self._counter is None or not self._counter.is_alive()):
                self._counter = threading.Thread(target=self._try_to_count, daemon=True)
                self._counter.start()

    def _try_to_count(self) -> None:
        try:
            self.count()
        except (InputError, OSError) as error:
            log.error("the roofs of a run cannot be counted", exc_info=error)


def opened(collection: Collection, state: Path) -> Opened:
    """A finished run, opened; another one if it was updated since."""
    return _opened(collection, state, mark_of(collection.place))


@lru_cache(maxsize=KEPT)
def _opened(collection: Collection, state: Path, mark: tuple[int, int]) -> Opened:
    return Opened(collection, state)
