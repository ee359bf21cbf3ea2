"""Streets and addresses of the index: how they are asked for, and what each is for a reader."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pipeline.addresses.index import DM, AddressIndex, postcode_text
from pipeline.addresses.query import Reading
from pipeline.areas.regions import folded
from pipeline.storage.slices import Rectangle

EXACT, START, SIMILAR = "exact", "start", "similar"  # kinds of match, the best first
ORDER = {EXACT: 0, START: 1, SIMILAR: 2}
STREET = "s.id, s.name, p.name, p.folded, s.folded, s.west, s.south, s.east, s.north"
STREETS = f"SELECT {STREET} FROM street s JOIN place p ON p.id = s.place"
ADDRESS = """SELECT a.id, a.number, a.suffix, a.postcode, a.x, a.y, a.building, s.id, s.name, p.name
FROM address a JOIN street s ON s.id = a.street JOIN place p ON p.id = s.place"""
Point = tuple[float, float]


class AddressMatch(NamedTuple):
    """What a text may mean. kind: address, street, postcode or town; name: "Oude Delft 12A";
    match: EXACT, START or SIMILAR; bounds: RD [m], of an address its point twice, None where
    unknown; buildings: their ids of 16 digits."""

    kind: str
    name: str
    place: str
    postcode: str
    match: str
    bounds: Rectangle | None
    buildings: tuple[str, ...] = ()


class Street(NamedTuple):
    """A street of a place. key, place_key: their names, folded; bounds: RD [m]."""

    id: int
    name: str
    place: str
    place_key: str
    key: str
    bounds: Rectangle | None


class Address(NamedTuple):
    """A row of ADDRESS. suffix, postcode (as a number), x, y [dm] and building: None without."""

    id: int
    number: int
    suffix: str | None
    postcode: int | None
    x: int | None
    y: int | None
    building: int | None
    street: int
    street_name: str
    place: str


def streets_where(index: AddressIndex, where: str, values: Sequence[Any]) -> list[Street]:
    """The streets for which a condition holds."""
    rows = index.rows(f"{STREETS} WHERE {where}", values)
    return [
        Street(id_, name, place, place_key, key, bounds_of(edges))
        for id_, name, place, place_key, key, *edges in rows
    ]


def addresses_where(index: AddressIndex, where: str, values: Sequence[Any]) -> list[Address]:
    """The addresses for which a condition holds; it may have an order and a limit."""
    return [Address(*row) for row in index.rows(f"{ADDRESS} WHERE {where}", values)]


def numbered(
    index: AddressIndex, way: Reading, streets: Mapping[int, str], near: Point | None, limit: int
) -> list[AddressMatch]:
    """The addresses of a number in streets, each with the kind of its match: at most `limit`, the
    best first. streets: the kinds of theirs, EXACT or START, by their numbers."""
    marks = ",".join("?" * len(streets))
    where = f"a.street IN ({marks}) AND a.number = ?"
    rows = [row for row in addresses_where(index, where, [*streets, way.number]) if fits(row, way)]

    def kind(row: Address) -> str:
        whole = streets[row.street] == EXACT and folded(row.suffix or "") == way.suffix
        return EXACT if whole else START

    def rank(row: Address) -> tuple[int, float, int]:
        return ORDER[kind(row)], distance(_point_of(row), near), ORDER[streets[row.street]]

    return [match_of(index, row, kind(row)) for row in sorted(rows, key=rank)[:limit]]


def fits(row: Address, way: Reading) -> bool:
    """Whether an address has a suffix that begins as typed, and the postcode."""
    low, high = way.postcodes or (0, math.inf)
    coded = way.postcodes is None or (row.postcode is not None and low <= row.postcode <= high)
    return coded and folded(row.suffix or "").startswith(way.suffix)


def match_of(index: AddressIndex, row: Address, match: str) -> AddressMatch:
    """An address with its buildings."""
    more = index.rows("SELECT building FROM further WHERE address = ?", [row.id])
    others = [other for (other,) in more]
    return AddressMatch(
        "address",
        f"{row.street_name} {row.number}{row.suffix or ''}",
        row.place,
        "" if row.postcode is None else postcode_text(row.postcode),
        match,
        _point_of(row),
        () if row.building is None else tuple(f"{each:016d}" for each in (row.building, *others)),
    )


def _point_of(row: Address) -> Rectangle | None:
    """The point of an address, as a rectangle."""
    return bounds_of((row.x, row.y, row.x, row.y))


def street_match(street: Street, match: str) -> AddressMatch:
    """A street as what is meant."""
    return AddressMatch("street", street.name, street.place, "", match, street.bounds)


def distance(bounds: Rectangle | None, near: Point | None) -> float:
    """From a point to the middle of a rectangle [m]; the same for all where either is unknown."""
    if bounds is None or near is None:
        return 0.0
    west, south, east, north = bounds
    return math.hypot((west + east) / 2 - near[0], (south + north) / 2 - near[1])


def bounds_of(edges: Sequence[int | None]) -> Rectangle | None:
    """Edges of the index [dm] as a rectangle in RD [m]; None where they are not known."""
    if any(edge is None for edge in edges):
        return None
    west, south, east, north = (edge / DM for edge in edges if edge is not None)
    return west, south, east, north
