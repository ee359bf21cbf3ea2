"""A generated nation: AHN's sheets at their true places, and ten million footprints on them."""

from bench.nation.land import FOOTPRINTS, SEED
from bench.nation.write import (
    FOUR,
    Nation,
    generate,
    province,
    typical,
    typical_four,
    typical_province,
)

__all__ = [
    "FOOTPRINTS",
    "FOUR",
    "SEED",
    "Nation",
    "generate",
    "province",
    "typical",
    "typical_four",
    "typical_province",
]
