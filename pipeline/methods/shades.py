"""How maps colour the parts of buildings: by a value of a field, or by its range."""

import math
from dataclasses import dataclass

from pipeline.methods.phrases import Bilingual


@dataclass(frozen=True)
class Shade(Bilingual[str]):
    """The colour of the parts whose `field` holds `value`, or where that is None lies from `low` to
    below `high`.

    Where low is above high, the values from low on and those below high: as of the directions
    around north. en, nl: its title in a legend; colour: #rrggbb.
    """

    name: str
    en: str
    nl: str
    colour: str
    field: str
    value: str | None = None
    low: float = -math.inf
    high: float = math.inf
