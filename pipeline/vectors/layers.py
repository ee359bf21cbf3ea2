"""Layers of vector files: which there are, which is read, and their rows without geometries."""

import pandas as pd
import pyogrio

from pipeline.errors import InputError
from pipeline.terms import Field, File

SQLITE = b"SQLite format 3"  # how such a file begins


def layers_in(path: str, *, spatial: bool = False) -> list[str]:
    """The names of the layers, or of those that have geometries. Raises what GDAL raises."""
    layers = pyogrio.list_layers(path)
    return [str(name) for name, kind in layers if kind is not None or not spatial]


def read_attributes(path: str, layer: str) -> pd.DataFrame:
    """The rows of a layer without their geometries. Raises what GDAL raises, and InputError for a
    view of itself."""
    check_view(path, layer)
    return pyogrio.read_dataframe(path, layer=layer, read_geometry=False)


def layer_of(path: str, layer: str | None) -> str | None:
    """The layer to read: the one named, the only one with geometries, or `pand`."""
    layers, spatial = layers_in(path), layers_in(path, spatial=True)
    if layer is not None and layer not in layers:
        raise InputError(
            File(path), "no layer {layer!r}", "choose one of {layers}", layer=layer, layers=layers
        )
    if layer is None and len(spatial) > 1:
        if "pand" not in spatial:
            raise InputError(
                File(path),
                "has the layers {layers}",
                "choose one with {option}, or give a file with one",
                layers=spatial,
                option=Field("layer"),
            )
        layer = "pand"
    chosen = layer or (spatial[0] if spatial else None)
    check_view(path, chosen)
    return chosen


def check_view(path: str, layer: str | None) -> None:
    """Raises InputError for a layer of a GeoPackage that is a view of itself: its rows never end.
    Of other formats it asks nothing."""
    if layer is None or not _is_sqlite(path):
        return
    quoted = layer.replace('"', '""')
    try:
        steps = pyogrio.read_dataframe(path, sql=f'EXPLAIN QUERY PLAN SELECT * FROM "{quoted}"')
        endless = "RECURSIVE STEP" in set(steps["detail"])
    except pyogrio.errors.DataLayerError as error:
        endless = "circularly defined" in str(error)
    if endless:
        raise InputError(
            File(path),
            "the layer {layer} is a view that refers to itself",
            "give a table of footprints or areas",
            layer=layer,
        )


def _is_sqlite(path: str) -> bool:
    """Whether GDAL opens a file by SQLite; of a file in a zip by its name."""
    if path.startswith("/vsi"):
        return path.lower().endswith((".gpkg", ".sqlite", ".db"))
    with open(path, "rb") as stream:
        return stream.read(len(SQLITE)) == SQLITE
