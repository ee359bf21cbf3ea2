"""Roses of the wind at stations: how often it comes from each sector, and how hard it blows."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.methods.climate.rows import rows_of
from pipeline.terms import File

SECTORS = 12
MIDDLES = tuple(str(30 * sector) for sector in range(SECTORS))  # bearings [degrees]
COLUMNS = ("frequency", "mean_ms", "exposure", "cube_m3s3")
OFF = 0.01  # from 1, that the frequencies of a station may add up to


class Roses(NamedTuple):
    """The wind at stations, 10 m above the ground.

    frequency, mean: by sector of 30 degrees, clockwise, the first centred on north: share of the
    hours, and mean speed over open ground [m/s], (stations, SECTORS); cube: mean of the cubes of
    the speeds of all hours over open ground [m3/s3], (stations,).
    """

    frequency: NDArray[np.float64]
    mean: NDArray[np.float64]
    cube: NDArray[np.float64]


def read_roses(path: Path, stations: Sequence[str]) -> Roses:
    """The roses of stations, each with a row a sector, 0 (north), 30 ... 330: its speeds as
    measured, and their exposure, a factor that makes them those over open ground.

    Raises InputError for a row that is missing or not expected, and for numbers that make no rose.
    """
    expected = [(station, sector) for station in stations for sector in MIDDLES]
    rows = rows_of(path, ("station", "sector"), COLUMNS, dict.fromkeys(expected))
    flat = np.array([[rows[key][name] for name in COLUMNS] for key in expected])
    frequency, measured, exposure, cube = np.moveaxis(flat.reshape(-1, SECTORS, 4), 2, 0)
    for station, total, cubes in zip(stations, frequency.sum(1), cube, strict=True):
        _check(path, station, float(total), bool((cubes == cubes[0]).all()))
    mean = measured * exposure
    before, after = ((frequency * speed**3).sum(1) for speed in (measured, mean))
    scale = np.divide(after, before, out=np.ones(len(cube)), where=before > 0.0)
    return Roses(frequency, mean, cube[:, 0] * scale)


def _check(path: Path, station: str, total: float, one_cube: bool) -> None:
    if not abs(total - 1.0) <= OFF:
        raise InputError(
            File(path),
            "the frequencies of station {station} add up to {total:.3f}",
            "give shares of its hours, which add up to 1",
            station=station,
            total=total,
        )
    if not one_cube:
        raise InputError(
            File(path),
            "cube_m3s3 of station {station} differs between its sectors",
            "give each of them the mean over all hours",
            station=station,
        )
