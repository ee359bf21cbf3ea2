"""Search of addresses, streets, postcodes and places in an index: as typed, else similar."""

import re
from collections.abc import Iterator, Sequence

from pipeline.addresses.index import PAIRS, AddressIndex, postcode_text
from pipeline.addresses.matches import (
    EXACT,
    ORDER,
    START,
    AddressMatch,
    Point,
    Street,
    addresses_where,
    bounds_of,
    distance,
    fits,
    match_of,
    numbered,
    street_match,
    streets_where,
)
from pipeline.addresses.query import Reading, readings
from pipeline.addresses.similar import similar_matches
from pipeline.areas.other_names import official_names
from pipeline.areas.regions import folded

MOST_STREETS = 2_000  # that begin as typed, among which the nearest are chosen
MOST_OF_BUILDING = 100


def search(
    index: AddressIndex, text: str, limit: int, near: Point | None = None
) -> list[AddressMatch]:
    """What a text may mean, best first: as it stands there, else as it begins, nearest to a point
    [RD m] first; without any of these, what is similar."""
    ways = readings(text)
    matches = [match for way in ways for match in _literal(index, way, near, limit)]
    if not matches:
        matches = next(filter(None, (similar_matches(index, way, near, limit) for way in ways)), [])
    unique = dict.fromkeys(sorted(matches, key=lambda match: ORDER[match.match]))
    return list(unique)[:limit]


def addresses_of(index: AddressIndex, building: str) -> list[AddressMatch]:
    """The addresses of a building, by street and number."""
    if not building.isdecimal():
        return []
    where = "a.building = ?1 OR a.id IN (SELECT address FROM further WHERE building = ?1)"
    order = f"ORDER BY s.name, a.number, a.suffix LIMIT {MOST_OF_BUILDING}"
    rows = addresses_where(index, f"{where} {order}", [int(building)])
    return [match_of(index, row, EXACT) for row in rows]


def _literal(
    index: AddressIndex, way: Reading, near: Point | None, limit: int
) -> list[AddressMatch]:
    """What is meant without a mistake."""
    if not way.words:
        return list(_by_postcode(index, way, limit))
    exact = _exact_streets(index, way)
    ids = {street.id for street in exact}
    started = [street for street in _started_streets(index, way, near) if street.id not in ids]
    if way.number:
        streets = {street.id: EXACT for street in exact} | {street.id: START for street in started}
        return numbered(index, way, streets, near, limit)
    if way.postcodes:
        return [each for each in _by_postcode(index, way, limit) if _is_named(each, way.words)]
    exact.sort(key=lambda street: distance(street.bounds, near))
    return [
        *_towns(index, way.words, limit),
        *(street_match(street, EXACT) for street in exact[:limit]),
        *(street_match(street, START) for street in started[:limit]),
    ]


def _exact_streets(index: AddressIndex, way: Reading) -> list[Street]:
    """Streets of the name that is typed, in the place behind it if one is typed."""
    streets = []
    for end in range(len(way.words), 0, -1):
        behind = folded("".join((*way.words[end:], *way.after)))
        place = folded(official_names().get(behind, behind))
        named = streets_where(index, "s.folded = ?", [folded("".join(way.words[:end]))])
        streets += [street for street in named if not place or street.place_key == place]
    return streets


def _started_streets(index: AddressIndex, way: Reading, near: Point | None) -> list[Street]:
    """Streets with words that begin as those typed, one at least in the name of the street; the
    likeliest first."""
    words = [f'"{each}"*' for each in re.findall(r"\w+", " ".join((*way.words, *way.after)))]
    if not words:
        return []
    asked = f"{' AND '.join(words)} AND {{street}} : ({' OR '.join(words)})"
    ids = f"SELECT rowid FROM words WHERE words MATCH ? LIMIT {MOST_STREETS}"
    begun = streets_where(index, f"s.id IN ({ids})", [asked])
    key = folded("".join(way.words))

    def rank(street: Street) -> tuple[bool, float, str]:
        return not street.key.startswith(key), distance(street.bounds, near), street.key

    return sorted(begun, key=rank)


def _by_postcode(index: AddressIndex, way: Reading, limit: int) -> Iterator[AddressMatch]:
    """A postcode, or what begins as it is typed, and its addresses."""
    if way.postcodes is None:
        return
    low, high = way.postcodes
    number = "AND a.number = ?" if way.number else ""
    values = [low, high, *([way.number] if way.number else [])]
    where = f"a.postcode BETWEEN ? AND ? {number} ORDER BY a.postcode, a.number LIMIT"
    rows = [row for row in addresses_where(index, f"{where} {limit * 4}", values) if fits(row, way)]
    if not way.number and rows:
        yield from _postcodes(index, low, high)
    for row in rows if low == high else ():
        named = way.number and folded(row.suffix or "") == way.suffix
        yield match_of(index, row, EXACT if named else START)


def _is_named(match: AddressMatch, words: Sequence[str]) -> bool:
    """Whether each word, of which none is a number, begins one of a match or of its place, or all
    are another name of that."""
    parts = [*map(folded, re.findall(r"\w+", f"{match.name} {match.place}"))]
    begun = all(any(part.startswith(folded(word)) for part in parts) for word in words)
    place = official_names().get(folded("".join(words)), "")
    numbered = any(word[0].isdecimal() for word in words)
    return (begun and not numbered) or folded(place) == folded(match.place)


def _postcodes(index: AddressIndex, low: int, high: int) -> Iterator[AddressMatch]:
    """Postcodes of a range, or the four digits that all of it has; in each of their places, the one
    with the most addresses first."""
    of_digits = high - low == PAIRS - 1
    by = f"a.postcode / {PAIRS}" if of_digits else "a.postcode"
    rows = index.rows(
        f"SELECT {by}, p.name, min(a.x), min(a.y), max(a.x), max(a.y)"
        " FROM address a JOIN street s ON s.id = a.street JOIN place p ON p.id = s.place"
        " WHERE a.postcode BETWEEN ? AND ? GROUP BY 1, p.id ORDER BY 1, count(*) DESC, p.folded",
        [low, high],
    )
    match = EXACT if of_digits or low == high else START
    for code, place, *edges in rows:
        name = f"{code:04d}" if of_digits else postcode_text(code)
        yield AddressMatch("postcode", name, place, "", match, bounds_of(edges))


def _towns(index: AddressIndex, words: Sequence[str], limit: int) -> list[AddressMatch]:
    """Places of which the name, or another name of theirs, is or begins as typed."""
    key = folded("".join(words))
    others = {folded(name) for other, name in official_names().items() if other.startswith(key)}
    marks = ",".join("?" * len(others))
    rows = index.rows(
        "SELECT name, folded, west, south, east, north FROM place"
        f" WHERE (folded >= ? AND folded < ?) OR folded IN ({marks}) ORDER BY folded LIMIT ?",
        [key, key + "\U0010ffff", *others, limit],
    )
    named = (key, folded(official_names().get(key, "")))
    return [
        AddressMatch("town", name, "", "", EXACT if at in named else START, bounds_of(edges))
        for name, at, *edges in rows
    ]
