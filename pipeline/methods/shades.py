"""How maps colour the parts of buildings: by a value of a field, its range, or in steps."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.methods.phrases import Bilingual


class Tint(NamedTuple):
    """How much paler a part is than its shade: by a `share` of the way to the colour `pale` where
    its `field` is at or below `low`, by nothing from `high` on, and linearly between."""

    field: str
    low: float
    high: float
    share: float
    pale: str = "#f4f2ec"


@dataclass(frozen=True)
class Shade(Bilingual[str]):
    """The colour of the parts whose `field` holds `value`, or where that is None lies from `low` to
    below `high`.

    Where low is above high, the values from low on and those below high: as of the directions
    around north. en, nl: its title in a legend; colour: #rrggbb; tint: by which a part is paler.
    """

    name: str
    en: str
    nl: str
    colour: str
    field: str
    value: str | None = None
    low: float = -math.inf
    high: float = math.inf
    tint: Tint | None = None

    def holds(self, parts: pa.Table) -> NDArray[np.bool_]:
        """A mask of the parts, a row each, that have it, unless a shade before it holds too."""
        values = parts[self.field]
        if self.value is not None:
            return np.asarray(pc.fill_null(pc.equal(values, self.value), False))
        numbers = numbers_of(values)
        above, below = numbers >= self.low, numbers < self.high
        return above | below if self.low > self.high else above & below


class Palette(NamedTuple):
    """Colours of a layer, as #rrggbb, interpolated linearly: the first at and below `low`, the last
    at and above `high` [unit of the layer]."""

    colours: tuple[str, ...]
    low: float
    high: float


class Quantity(NamedTuple):
    """A number of a row: that of its field `of`, over that of `by` and over the method's parameter
    `per` where these are named; lacking: in per cent what that is less than 1, instead."""

    of: str
    by: str = ""
    per: str = ""
    lacking: bool = False

    @property
    def fields(self) -> set[str]:
        """The names of the fields."""
        return {self.of, self.by} - {""}


class Steps(NamedTuple):
    """Colours of the ranges of a number, as #rrggbb: the first below the first of the `edges`, the
    others each from an edge on [unit of the number]."""

    colours: tuple[str, ...]
    edges: tuple[float, ...]


class Spread(NamedTuple):
    """The interval of a number of a row: from its field `low` to `high`, of the field `of`."""

    of: str
    low: str
    high: str


@dataclass(frozen=True)
class Scale(Bilingual[str]):
    """Colours of parts, and of their buildings, in steps by a number; none where a row has no such
    number.

    en, nl: its title; unit: of the number and the steps; of_part, of_building: the number;
    spread_of_part, spread_of_building: an interval, None where it tells no more than the number;
    wide: the share of what it is one of from which on it makes a colour paler. Raises ValueError
    unless there is a colour more than edges.
    """

    name: str
    en: str
    nl: str
    unit: str
    steps: Steps
    of_part: Quantity
    of_building: Quantity
    spread_of_part: Spread | None = None
    spread_of_building: Spread | None = None
    wide: float = math.inf

    def __post_init__(self) -> None:
        if len(self.steps.colours) != len(self.steps.edges) + 1:
            raise ValueError(f"scale {self.name}: its colours are not one more than its edges")

    @property
    def fields(self) -> set[str]:
        """The names of the fields of parts."""
        return self.of_part.fields | {*(self.spread_of_part or ())}

    @property
    def columns(self) -> set[str]:
        """The names of the columns of buildings."""
        return self.of_building.fields | {*(self.spread_of_building or ())}


class Verdict(NamedTuple):
    """Which parts, and buildings, have the colour of the class `suits`: those for which a field of
    booleans holds; others that are judged have that of `otherwise`."""

    of_part: str
    of_building: str
    suits: str
    otherwise: str


def numbers_of(values: pa.ChunkedArray) -> NDArray[np.float64]:
    """The values of a column as doubles, NaN where there is none."""
    return np.asarray(pc.fill_null(values.cast(pa.float64()), math.nan))
