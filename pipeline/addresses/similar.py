"""Streets and places with names similar to a misspelt one: by trigrams, then by difflib's ratio."""

import difflib
from collections import Counter
from collections.abc import Iterable, Sequence

from pipeline.addresses.index import AddressIndex
from pipeline.addresses.matches import (
    SIMILAR,
    START,
    AddressMatch,
    Point,
    Street,
    bounds_of,
    numbered,
    street_match,
    streets_where,
)
from pipeline.addresses.query import Reading
from pipeline.areas.other_names import official_names
from pipeline.areas.regions import folded

MOST_NAMES = 4_000  # with a rare trigram of a misspelt name
CANDIDATES, LISTED = 60, 8  # names of which the ratio is computed, and that are offered
MIN_RATIO = 0.65
TRIGRAM, RAREST = 3, 5


def similar_matches(
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
            matches += numbered(index, way, ids, near, limit) if ids else []
        elif not behind:
            matches += _similar_towns(index, words)
        if not (way.number and matches):
            matches += [street_match(street, START) for street in streets[:limit]]
    return [match._replace(match=SIMILAR) for match in matches[:limit]]


def _similar_streets(
    index: AddressIndex, words: Sequence[str], behind: Sequence[str]
) -> list[Street]:
    names = _similar_names(index, folded("".join(words)))
    key = folded("".join(behind))
    place = folded(official_names().get(key, key))
    marks = ",".join("?" * len(names))
    named = streets_where(index, f"s.folded IN ({marks})", names)
    streets = [street for street in named if not place or street.place_key == place]
    return sorted(streets, key=lambda street: names.index(street.key))


def _similar_towns(index: AddressIndex, words: Sequence[str]) -> Iterable[AddressMatch]:
    for name in _similar_names(index, folded("".join(words))):
        for town, *edges in index.rows(
            "SELECT name, west, south, east, north FROM place WHERE folded = ?", [name]
        ):
            yield AddressMatch("town", town, "", "", SIMILAR, bounds_of(edges))


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
