"""The two real places, as the commands of the README take them."""

from collections.abc import Callable
from pathlib import Path

from tests.runs import Files

DELFT_NODATA = 0.0  # the file declares none; its holes are exactly 0
DataFile = Callable[[str], Path]


def delft(data_file: DataFile) -> Files:
    """The campus at 5 m, the resolution of the study; to be read with nodata 0."""
    return Files(
        (data_file("delft-5m/tud-dsm-5m.tif"),),
        (data_file("delft-5m/tud-dtm-5m.tif"),),
        data_file("delft-5m/bag_panden_tudcampus.geojson"),
    )


def amsterdam(data_file: DataFile, version: int) -> Files:
    """The canal belt at 1 m, from AHN2 or AHN3."""
    dsm, dtm = (
        data_file(f"amsterdam/gridded/amsterdam_ahn{version}_{kind}_1m_DERIVED.tif")
        for kind in ("dsm", "dtm")
    )
    return Files((dsm,), (dtm,), data_file("amsterdam/bag_pandactueelbestaand.gpkg"))
