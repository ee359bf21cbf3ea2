"""Other names of places and regions, which people use and registers do not: Den Haag is
's-Gravenhage."""

import csv
from functools import cache
from pathlib import Path

from pipeline.areas.regions import folded

TABLE = Path(__file__).with_name("other_names.csv")


@cache
def other_names() -> dict[str, tuple[str, ...]]:
    """The other names by the folded official name."""
    names: dict[str, tuple[str, ...]] = {}
    with TABLE.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            key = folded(row["name"])
            names[key] = (*names.get(key, ()), row["other"])
    return names


@cache
def official_names() -> dict[str, str]:
    """The folded official name by each folded other name."""
    return {folded(other): name for name, others in other_names().items() for other in others}
