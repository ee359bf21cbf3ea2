"""Exports of a finished run in common formats."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pyogrio
import rasterio
from rasterio._err import CPLE_BaseError

from pipeline.errors import InputError, OutputError
from pipeline.messages import Text
from pipeline.output.export import geopackage, rasters, tables
from pipeline.output.export.layers import requested
from pipeline.output.export.request import MARK, ExportRequest
from pipeline.results import texts
from pipeline.results.finished import open_finished
from pipeline.storage import written
from pipeline.storage.ledger import FINAL
from pipeline.storage.places import Place
from pipeline.terms import Field, File, Location

GPKG = ".gpkg"
WRITERS: dict[str, Callable[[ExportRequest], Text]] = {
    ".tif": rasters.write_tif,
    GPKG: tables.write_gpkg,
    ".geojson": tables.write_geojson,
    ".fgb": tables.write_fgb,
    ".parquet": tables.write_parquet,
    ".csv": tables.write_csv,
    ".xlsx": tables.write_xlsx,
    ".png": rasters.write_png,
    ".pdf": rasters.write_pdf,
}
# Errors of the libraries in writing a file; they have no errno.
WRITE_ERRORS: tuple[type[Exception], ...] = (
    pyogrio.errors.DataSourceError,
    pyogrio.errors.DataLayerError,
    rasterio.errors.RasterioError,
    CPLE_BaseError,
    sqlite3.Error,
)


def export(
    directory: Place,
    to: Path,
    layer: str | None = None,
    lang: str = "en",
    overwrite: bool = False,
    basemap: str | None = None,
) -> Text:
    """Write a finished run as the file `to`, as `write` does, over nothing of others.

    What the program wrote is replaced; in a GeoPackage only its layers are, and others stay.
    overwrite: replace a file, or a layer of a GeoPackage, that the program did not write. Raises
    InputError where one stands and it is not given, and what `write` raises; the file is then as
    it was.
    """
    if to.name in FINAL and to.absolute().parent.resolve() == Path(directory).resolve():
        raise InputError(Location(to), "is the run's own", "give another name")
    if to.suffix.lower() == GPKG and geopackage.is_one(to):
        return _add(directory, to, layer, lang, overwrite)
    with written.replacing(to, overwrite) as partial:
        return write(directory, partial, layer, lang, basemap)


def write(
    directory: Place,
    to: Path,
    layer: str | None = None,
    lang: str = "en",
    basemap: str | None = None,
) -> Text:
    """Write a finished run as a new file, in the format of its ending. Returns a line on it.

    .tif is a COG of a raster layer: `layer`, else the one that the file is named after, else the
    shadows. .png is a picture of such a layer, with a world file beside it, or the map. .pdf is
    the map with the totals of its roofs, on one page. .geojson
    (lon/lat), .fgb, .parquet, .csv and .xlsx are a table of the run: `layer`, by default that of
    the buildings; .gpkg is that, or by default all of them. basemap: a file of PMTiles, whose names
    are written on the map. Raises InputError for an ending or a layer that there is not, a folder
    that holds no finished run, or a base map that cannot be read or is not for the map; OutputError
    where there is no room: what is at `to` then is not whole.
    """
    texts.words(lang)
    writer = WRITERS.get(to.suffix.lower())
    if writer is None:
        raise InputError(
            File(to), "unknown ending", "possible are {endings}", endings=list(WRITERS)
        )
    with _faults(to):
        request = ExportRequest(open_finished(directory), to, layer, lang, basemap)
        if basemap and not rasters.is_map(request):
            raise InputError(Field("basemap"), "names are for the map", "give a .png or .pdf of it")
        return writer(request)


def _add(directory: Place, to: Path, layer: str | None, lang: str, overwrite: bool) -> Text:
    """Put the tables of a run into a GeoPackage that exists."""
    texts.words(lang)
    layers = requested(ExportRequest(open_finished(directory), to, layer, lang))
    names = [each.name for each in layers]
    with (
        _faults(to),
        TemporaryDirectory(prefix=".daklaag-", dir=to.absolute().parent) as folder,
    ):
        for name in () if overwrite else names:
            geopackage.check(to, name, MARK)
        source = Path(folder) / to.name
        write(directory, source, layer, lang)
        replaced, others = geopackage.put(source, to, names)
    changes = [
        Text(
            "layer {layer} {done}, {rows}",
            layer=each.name,
            done=Text("replaced" if each.name in replaced else "added"),
            rows=each.size,
        )
        for each in layers
    ]
    kept = Text("{layers} kept", layers=others) if others else Text("no other layers")
    return Text("{changes:; }; {kept}", changes=changes, kept=kept)


@contextmanager
def _faults(to: Path) -> Iterator[None]:
    """Faults of the libraries in writing a file, as OutputError."""
    try:
        yield
    except WRITE_ERRORS as error:
        raise OutputError(
            File(to),
            "cannot be written ({error})",
            "is the disk full, or the file in use?",
            error=error,
        ) from None  # fmt: skip
