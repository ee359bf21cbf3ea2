"""A generated nation: AHN's sheets at their true places, and ten million footprints on them."""

from bench.nation.land import FOOTPRINTS, SEED
from bench.nation.write import (
    REACH_M,
    Nation,
    generate,
    neighbours,
    province,
    typical,
    typical_province,
)

__all__ = [
    "FOOTPRINTS",
    "REACH_M",
    "SEED",
    "Nation",
    "generate",
    "neighbours",
    "province",
    "typical",
    "typical_province",
]
