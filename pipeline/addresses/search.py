"""Search of addresses, streets, postcodes and places in an index: as typed, else similar."""

import difflib
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from pipeline.addresses.index import DM, PAIRS, AddressIndex, postcode_text
from pipeline.addresses.query import Reading, readings
from pipeline.areas.other_names import official_names
from pipeline.areas.regions import folded
from pipeline.storage.slices import Rectangle

EXACT, START, SIMILAR = "exact", "start", "similar"  # kinds of match, the best first
ORDER = {EXACT: 0, START: 1, SIMILAR: 2}
MOST_STREETS = 2_000  # that begin as typed, among which the nearest are chosen
MOST_NAMES = 4_000  # with a rare trigram of a misspelt name
CANDIDATES, LISTED = 60, 8  # names of which the ratio is computed, and that are offered
MIN_RATIO = 0.65
TRIGRAM, RAREST = 3, 5
MOST_OF_BUILDING = 100
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


class _Street(NamedTuple):
    id: int
    name: str
    place: str
    place_key: str
    key: str
    bounds: Rectangle | None


def search(
    index: AddressIndex, text: str, limit: int, near: Point | None = None
) -> list[AddressMatch]:
    """What a text may mean, best first: as it stands there, else as it begins, nearest to a point
    [RD m] first; without any of these, what is similar."""
    ways = readings(text)
    matches = [match for way in ways for match in _literal(index, way, near, limit)]
    if not matches:
        matches = next(filter(None, (_similar(index, way, near, limit) for way in ways)), [])
    unique = dict.fromkeys(sorted(matches, key=lambda match: ORDER[match.match]))
    return list(unique)[:limit]


def addresses_of(index: AddressIndex, building: str) -> list[AddressMatch]:
    """The addresses of a building, by street and number."""
    if not building.isdecimal():
        return []
    where = "WHERE a.building = ?1 OR a.id IN (SELECT address FROM further WHERE building = ?1)"
    order = f"ORDER BY s.name, a.number, a.suffix LIMIT {MOST_OF_BUILDING}"
    rows = index.rows(f"{ADDRESS} {where} {order}", [int(building)])
    return [_address(index, row, EXACT) for row in rows]


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
        return _numbered(index, way, streets, near)[:limit]
    if way.postcodes:
        return []
    exact.sort(key=lambda street: _distance(street.bounds, near))
    return [
        *_towns(index, way.words, limit),
        *(_of_street(street, EXACT) for street in exact[:limit]),
        *(_of_street(street, START) for street in started[:limit]),
    ]


# Streets


def _exact_streets(index: AddressIndex, way: Reading) -> list[_Street]:
    """Streets of the name that is typed, in the place behind it if one is typed."""
    streets = []
    for end in range(len(way.words), 0, -1):
        behind = folded("".join((*way.words[end:], *way.after)))
        place = folded(official_names().get(behind, behind))
        rows = index.rows(f"{STREETS} WHERE s.folded = ?", [folded("".join(way.words[:end]))])
        named = [_street(row) for row in rows]
        streets += [street for street in named if not place or street.place_key == place]
    return streets


def _started_streets(index: AddressIndex, way: Reading, near: Point | None) -> list[_Street]:
    """Streets with words that begin as those typed, one at least in the name of the street; the
    likeliest first."""
    words = [f'"{each}"*' for each in re.findall(r"\w+", " ".join((*way.words, *way.after)))]
    if not words:
        return []
    asked = f"{' AND '.join(words)} AND {{street}} : ({' OR '.join(words)})"
    ids = f"SELECT rowid FROM words WHERE words MATCH ? LIMIT {MOST_STREETS}"
    rows = index.rows(f"{STREETS} WHERE s.id IN ({ids})", [asked])
    key = folded("".join(way.words))

    def rank(street: _Street) -> tuple[bool, float, str]:
        return not street.key.startswith(key), _distance(street.bounds, near), street.key

    return sorted(map(_street, rows), key=rank)


def _street(row: Sequence[Any]) -> _Street:
    id_, name, place, place_key, key, *edges = row
    return _Street(id_, name, place, place_key, key, _metres(edges))


def _of_street(street: _Street, match: str) -> AddressMatch:
    return AddressMatch("street", street.name, street.place, "", match, street.bounds)


def _distance(bounds: Rectangle | None, near: Point | None) -> float:
    """From a point to the middle of a rectangle [m]; the same for all where either is unknown."""
    if bounds is None or near is None:
        return 0.0
    west, south, east, north = bounds
    return math.hypot((west + east) / 2 - near[0], (south + north) / 2 - near[1])


# Addresses


def _numbered(
    index: AddressIndex, way: Reading, streets: dict[int, str], near: Point | None
) -> list[AddressMatch]:
    """The addresses of a number in streets, each with the kind of its match."""
    marks = ",".join("?" * len(streets))
    rows = index.rows(f"{ADDRESS} WHERE a.street IN ({marks}) AND a.number = ?",
                      [*streets, way.number])  # fmt: skip
    matches = [
        _address(index, row, EXACT if folded(row[2] or "") == way.suffix else START)
        for row in rows
        if _fits(row, way) and streets[row[7]] == EXACT
    ]
    matches += [
        _address(index, row, START) for row in rows if _fits(row, way) and streets[row[7]] == START
    ]
    return sorted(matches, key=lambda each: (ORDER[each.match], _distance(each.bounds, near)))


def _fits(row: Sequence[Any], way: Reading) -> bool:
    """Whether an address has a suffix that begins as typed, and the postcode."""
    low, high = way.postcodes or (0, math.inf)
    coded = way.postcodes is None or (row[3] is not None and low <= row[3] <= high)
    return coded and folded(row[2] or "").startswith(way.suffix)


def _address(index: AddressIndex, row: Sequence[Any], match: str) -> AddressMatch:
    id_, number, suffix, postcode, x, y, building, _, street, place = row
    more = index.rows("SELECT building FROM further WHERE address = ?", [id_])
    buildings = [building, *(other for (other,) in more)] if building is not None else []
    return AddressMatch(
        "address",
        f"{street} {number}{suffix or ''}",
        place,
        "" if postcode is None else postcode_text(postcode),
        match,
        _metres((x, y, x, y)),
        tuple(f"{each:016d}" for each in buildings),
    )


def _by_postcode(index: AddressIndex, way: Reading, limit: int) -> Iterator[AddressMatch]:
    """A postcode, or what begins as it is typed, and its addresses."""
    assert way.postcodes is not None or not way.words
    if way.postcodes is None:
        return
    low, high = way.postcodes
    number = "AND a.number = ?" if way.number else ""
    values = [low, high, *([way.number] if way.number else [])]
    where = f"WHERE a.postcode BETWEEN ? AND ? {number} ORDER BY a.postcode, a.number LIMIT"
    rows = [row for row in index.rows(f"{ADDRESS} {where} {limit * 4}", values) if _fits(row, way)]
    if not way.number and rows:
        yield from _postcodes(index, low, high, rows[0][9])
    for row in rows if low == high else ():
        named = way.number and folded(row[2] or "") == way.suffix
        yield _address(index, row, EXACT if named else START)


def _postcodes(index: AddressIndex, low: int, high: int, place: str) -> Iterator[AddressMatch]:
    extent = "min(x), min(y), max(x), max(y)"
    if high - low == PAIRS - 1:
        (edges,) = index.rows(
            f"SELECT {extent} FROM address WHERE postcode BETWEEN ? AND ?", [low, high]
        )
        yield AddressMatch("postcode", f"{low // PAIRS:04d}", place, "", EXACT, _metres(edges))
        return
    rows = index.rows(
        f"SELECT postcode, {extent} FROM address WHERE postcode BETWEEN ? AND ? GROUP BY postcode",
        [low, high],
    )
    for postcode, *edges in rows:
        match = EXACT if low == high else START
        yield AddressMatch("postcode", postcode_text(postcode), place, "", match, _metres(edges))


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
        AddressMatch("town", name, "", "", EXACT if at in named else START, _metres(edges))
        for name, at, *edges in rows
    ]


def _metres(edges: Sequence[int | None]) -> Rectangle | None:
    if any(edge is None for edge in edges):
        return None
    west, south, east, north = (edge / DM for edge in edges if edge is not None)
    return west, south, east, north


# What is similar


def _similar(
    index: AddressIndex, way: Reading, near: Point | None, limit: int
) -> list[AddressMatch]:
    """Streets and places with a name similar to the words, with the number if one is typed."""
    ways = [(way.words, way.after)]
    if len(way.words) > 1 and not way.after:
        ways.append((way.words[:-1], way.words[-1:]))
    matches: list[AddressMatch] = []
    for words, behind in ways:
        streets = _similar_streets(index, words, behind)
        if way.number:
            ids = dict.fromkeys((street.id for street in streets), START)
            matches += _numbered(index, way, ids, near) if ids else []
        elif not behind:
            matches += _similar_towns(index, words)
        matches += [] if way.number and matches else [_of_street(s, START) for s in streets[:limit]]
    return [match._replace(match=SIMILAR) for match in matches[:limit]]


def _similar_streets(
    index: AddressIndex, words: Sequence[str], behind: Sequence[str]
) -> list[_Street]:
    names = _similar_names(index, folded("".join(words)))
    key = folded("".join(behind))
    place = folded(official_names().get(key, key))
    marks = ",".join("?" * len(names))
    rows = index.rows(f"{STREETS} WHERE s.folded IN ({marks})", names)
    streets = [street for street in map(_street, rows) if not place or street.place_key == place]
    return sorted(streets, key=lambda street: names.index(street.key))


def _similar_towns(index: AddressIndex, words: Sequence[str]) -> Iterable[AddressMatch]:
    for name in _similar_names(index, folded("".join(words))):
        for town, *edges in index.rows(
            "SELECT name, west, south, east, north FROM place WHERE folded = ?", [name]
        ):
            yield AddressMatch("town", town, "", "", SIMILAR, _metres(edges))


def _similar_names(index: AddressIndex, key: str) -> list[str]:
    """Folded names of streets and places, the most similar first: candidates by rare trigrams, by
    those that they share, ranked by difflib's ratio."""
    trigrams = sorted({key[i : i + TRIGRAM] for i in range(len(key) - TRIGRAM + 1)})
    counted = {
        trigram: rows[0][0]
        for trigram in trigrams
        if (rows := index.rows("SELECT doc FROM letter_counts WHERE term = ?", [trigram]))
    }
    rarest = sorted(counted, key=lambda trigram: counted[trigram])[:RAREST]
    if not rarest:
        return []
    asked = " OR ".join(f'"{trigram}"' for trigram in rarest)
    ids = f"SELECT rowid FROM letters WHERE letters MATCH ? LIMIT {MOST_NAMES}"
    names = [
        name for (name,) in index.rows(f"SELECT folded FROM name WHERE id IN ({ids})", [asked])
    ]
    shared = Counter({name: sum(each in name for each in trigrams) for name in names})
    ratios = {
        name: difflib.SequenceMatcher(None, key, name).ratio()
        for name, _ in shared.most_common(CANDIDATES)
    }
    likely = [name for name in ratios if ratios[name] >= MIN_RATIO]
    return sorted(likely, key=lambda name: (-ratios[name], name))[:LISTED]
