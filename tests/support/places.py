"""The real places, as the commands of the README take them: inputs, and the options of a run."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tests.support.runs import Files

DataFile = Callable[[str], Path]
Place = tuple[Files, dict[str, Any]]


def delft(data_file: DataFile) -> Place:
    """The campus at 5 m, the resolution of the study; no nodata is declared, its holes are 0."""
    files = Files(
        (data_file("delft-5m/tud-dsm-5m.tif"),),
        (data_file("delft-5m/tud-dtm-5m.tif"),),
        data_file("delft-5m/bag_panden_tudcampus.geojson"),
    )
    return files, {"nodata": 0.0}


def amsterdam(data_file: DataFile, version: int) -> Place:
    """The canal belt at 1 m, from AHN2 or AHN3."""
    dsm, dtm = (
        data_file(f"amsterdam/gridded/amsterdam_ahn{version}_{kind}_1m_DERIVED.tif")
        for kind in ("dsm", "dtm")
    )
    return Files((dsm,), (dtm,), data_file("amsterdam/bag_pandactueelbestaand.gpkg")), {}


PLACES: dict[str, Callable[[DataFile], Place]] = {
    "delft": delft,
    "amsterdam2": partial(amsterdam, version=2),
    "amsterdam3": partial(amsterdam, version=3),
}
