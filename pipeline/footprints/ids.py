"""Ids of buildings that a spreadsheet changed on the way."""

from collections.abc import Collection, Mapping, Sequence

from pipeline.footprints.prepared import Prepared

DIGITS = 16  # of an id of the BAG; a spreadsheet reads it as a number, without leading zeros
SHOWN = 5  # rows that a message names


def with_zeros(prepared: Prepared, ids: Collection[str]) -> dict[str, str]:
    """Ids that no footprint has, mapped to the id with leading zeros that one has."""
    return _present(prepared, {id_: id_.zfill(DIGITS) for id_ in ids if id_.isdecimal()})


def without_zeros(prepared: Prepared, ids: Collection[str]) -> dict[str, str]:
    """Ids that no footprint has, mapped to the id without leading zeros that one has."""
    whole = (id_ for id_ in ids if len(id_) == DIGITS and id_.isdecimal())
    return _present(prepared, {id_: id_.lstrip("0") for id_ in whole})


def _present(prepared: Prepared, others: Mapping[str, str]) -> dict[str, str]:
    """The pairs of ids of which a footprint has the second, and none the first."""
    pairs = {id_: other for id_, other in others.items() if id_ != other}
    present = set().union(*prepared.table.holding({*pairs, *pairs.values()}).values())
    return {id_: other for id_, other in pairs.items() if other in present and id_ not in present}


def numbered_rows(numbers: Sequence[int]) -> str:
    """Numbers of rows for a message: the first few, and how many more."""
    more = f" (+{len(numbers) - SHOWN})" if len(numbers) > SHOWN else ""
    return ", ".join(map(str, numbers[:SHOWN])) + more
