"""How maps colour the parts of buildings: by a value of a field, its range, or a palette."""

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


@dataclass(frozen=True)
class Scale(Bilingual[str]):
    """Colours of parts, and of their buildings, along a palette by a number; none where a row has
    no such number.

    en, nl: its title; unit: of the number and the palette; of_building, of_part: the number; of a
    number of buildings alone the latter is None, and maps show no parts by it.
    """

    name: str
    en: str
    nl: str
    unit: str
    palette: Palette
    of_building: Quantity
    of_part: Quantity | None = None


def numbers_of(values: pa.ChunkedArray) -> NDArray[np.float64]:
    """The values of a column as doubles, NaN where there is none."""
    return np.asarray(pc.fill_null(values.cast(pa.float64()), math.nan))
