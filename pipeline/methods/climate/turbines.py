"""Turbines: what a maker says of them, and what they made of the wind in the field."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.methods.climate.rows import Row, keyed_rows
from pipeline.methods.parameters import did_you_mean
from pipeline.terms import Field, File

BINS, BIN = 60, 0.5  # of speeds; width of one [m/s]
MIDDLES = (np.arange(BINS) + 0.5) * BIN  # [m/s]
DENSITY = 1.225  # of air [kg/m3]
NUMBERS = ("swept_m2", "rated_w", "cp_field")
CURVE = tuple(f"w{number:02d}" for number in range(BINS))
COLUMNS = (*NUMBERS, "source", *CURVE)

Reals = NDArray[np.float64]


class Turbine(NamedTuple):
    """A small wind turbine.

    swept: area [m2]; rated: power [W]; field_share: of the power of the wind through that area,
    what the whole system gave in the field; curve: the maker's power at the middle of each bin of
    speeds [W], (BINS,); source: of these figures.
    """

    name: str
    swept: float
    rated: float
    field_share: float
    curve: Reals
    source: str

    @property
    def field_curve(self) -> Reals:
        """Power as in the field at the middle of each bin of speeds [W], (BINS,)."""
        of_wind = 0.5 * DENSITY * self.swept * MIDDLES**3
        power: Reals = np.minimum(self.rated, self.field_share * of_wind)
        return power


@dataclass(frozen=True)
class Turbines:
    """The turbines of a file, by name; two of one digest, SHA-256 of the file, are equal."""

    digest: str
    path: Path = field(compare=False)
    by_name: Mapping[str, Turbine] = field(compare=False)

    def named(self, name: str) -> Turbine:
        """A turbine by its name. Raises InputError for an unknown one, with the nearest name."""
        if name in self.by_name:
            return self.by_name[name]
        raise InputError(
            Field("parameter", "turbine"),
            "{name!r} is not in {file}{hint}",
            "it has {known}",
            name=name,
            file=File(self.path),
            hint=did_you_mean(name, self.by_name),
            known=[*self.by_name],
        )


@cache
def shipped_turbines() -> Turbines:
    """The turbines that the program brings along; README.md beside them says from where."""
    return read_turbines(Path(__file__).with_name("turbines.csv"))


def read_turbines(path: Path) -> Turbines:
    """The turbines of a CSV with a row each. Raises InputError for a column that is missing, a
    second row of a name, no row at all, and what is not a number, is negative or too high."""
    by_name = {name: _turbine(name, row) for (name,), row in keyed_rows(path, ("name",), COLUMNS)}
    if not by_name:
        raise InputError(File(path), "has no turbine", "give a row a turbine")
    return Turbines(hashlib.sha256(path.read_bytes()).hexdigest(), path, by_name)


def _turbine(name: str, row: Row) -> Turbine:
    swept, rated, share = (row.number(column) for column in NUMBERS)
    curve = np.array([row.number(column) for column in CURVE])
    return Turbine(name, swept, rated, share, curve, row.words["source"])
