"""Ids of buildings that a spreadsheet changed on the way."""

from collections.abc import Collection, Sequence

from pipeline.footprints.prepared import Prepared

DIGITS = 16  # of an id of the BAG; a spreadsheet takes it for a number, without zeros before it
SHOWN = 5  # rows that a message names


def with_zeros(prepared: Prepared, ids: Collection[str]) -> dict[str, str]:
    """Ids that no footprint has, mapped to the id with leading zeros that one has."""
    padded = {name: name.zfill(DIGITS) for name in ids if name.isdecimal()}
    lacking = {name: meant for name, meant in padded.items() if name != meant}
    there = _there(prepared, {*lacking, *lacking.values()})
    return {name: meant for name, meant in lacking.items() if name not in there and meant in there}


def without_zeros(prepared: Prepared, ids: Collection[str]) -> dict[str, str]:
    """Ids that no footprint has, mapped to the id without leading zeros that one has."""
    shorter = {name: name.lstrip("0") for name in ids if len(name) == DIGITS and name.isdecimal()}
    shorter = {name: meant for name, meant in shorter.items() if name != meant}
    there = _there(prepared, {*shorter, *shorter.values()})
    return {name: meant for name, meant in shorter.items() if name not in there and meant in there}


def _there(prepared: Prepared, ids: Collection[str]) -> set[str]:
    return set().union(*prepared.table.holding(ids).values())


def numbered_rows(numbers: Sequence[int]) -> str:
    """Numbers of rows for a message: the first few, and how many more."""
    more = f" (+{len(numbers) - SHOWN})" if len(numbers) > SHOWN else ""
    return ", ".join(map(str, numbers[:SHOWN])) + more
