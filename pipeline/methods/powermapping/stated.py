"""What the method states of the suns beside its parameters, and where it cannot be used."""

from collections.abc import Sequence
from typing import Any

from pipeline.errors import InputError
from pipeline.grid.sun import suns_degrees
from pipeline.grid.windows import LatticeCell
from pipeline.methods.parameters import as_text
from pipeline.methods.powermapping.rules import Powermapping


def suns_stated(p: Powermapping, squares: Sequence[LatticeCell]) -> dict[str, Any]:
    """Where each sun stands in each square of the lattice [degrees]."""
    suns = [
        {
            "lattice": list(square),
            "time": as_text(time),
            "elevation_deg": elevation,
            "azimuth_deg": azimuth,
        }
        for square in squares
        for time, (elevation, azimuth) in zip(
            p.times, suns_degrees(square, p.date, p.times, p.elevation), strict=True
        )
    ]
    return {"suns": suns}


def check(p: Powermapping, squares: Sequence[LatticeCell], removed: Sequence[str]) -> None:
    """Raises InputError where a sun is below the horizon, or a building stands in the measured
    surface that is to be taken away."""
    for square in squares:
        degrees = suns_degrees(square, p.date, p.times, p.elevation)
        for time, (elevation, _) in zip(p.times, degrees, strict=True):
            if elevation <= 0:
                raise InputError(
                    "parameter times: on {date} at {time:%H:%M} CET the sun stands {elevation:.2f}"
                    " degrees below the horizon near RD {x:.0f},{y:.0f}; choose another date or"
                    " time",
                    date=p.date,
                    time=time,
                    elevation=-elevation,
                    x=square.centre[0],
                    y=square.centre[1],
                )
    if removed and p.surface == "dsm":
        raise InputError(
            "--remove-building {name}: stands in the measured surface; give surface=extruded, or a"
            " DSM without it",
            name=removed[0],
        )
