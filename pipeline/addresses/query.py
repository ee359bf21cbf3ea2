"""What a person types for an address, in the ways in which it can be meant."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from pipeline.addresses.index import PAIRS, postcode_number
from pipeline.areas.regions import folded

LONGEST = 100  # letters
POSTCODE = re.compile(r"(?<![\w-])(\d{4})\s?([A-Za-z]{2})(?![\w-])")
PART = re.compile(r"(?<![\w-])(\d{4})\s?([A-Za-z]?)$")  # of a postcode that is being typed
NUMBER = re.compile(r"(\d{1,5})(.*)")
SUFFIX = re.compile(r"[A-Za-z]{1,2}|bis|hs|huis|\w*\d\w*", re.IGNORECASE)


class Reading(NamedTuple):
    """A way to read a text. words: of street and place; number: 0 for none; suffix: folded;
    postcodes: the first and the last number, or None; after: words behind the number, of a
    place."""

    words: tuple[str, ...]
    number: int = 0
    suffix: str = ""
    postcodes: tuple[int, int] | None = None
    after: tuple[str, ...] = ()


def readings(text: str) -> list[Reading]:
    """The ways to read a text, those with a number first, its last number being the likeliest:
    `Plein 1944 12` is number 12, `Plein 1944` may be a street."""
    rest, postcodes = _without_postcode(text[:LONGEST])
    words = tuple(word for word in re.findall(r"[^\s,;]+", rest) if folded(word))
    return [*_numbered(words, postcodes), Reading(words, postcodes=postcodes)]


def _without_postcode(text: str) -> tuple[str, tuple[int, int] | None]:
    """A text without its postcode, and the range of that; also of one that is being typed, if it
    is all there is."""
    match = POSTCODE.search(text)
    if match:
        number = postcode_number(match[1] + match[2])
        assert number is not None
        return text[: match.start()] + " , " + text[match.end() :], (number, number)
    match = PART.fullmatch(text.strip())
    if match:
        first = postcode_number(match[1] + (match[2] or "A") + "A")
        assert first is not None
        return "", (first, first + (25 if match[2] else PAIRS - 1))
    return text, None


def _numbered(words: tuple[str, ...], postcodes: tuple[int, int] | None) -> Iterator[Reading]:
    for at in reversed(range(len(words))):
        match = NUMBER.fullmatch(words[at])
        if match and (at or postcodes) and not (at == 0 and len(words) > 3):
            suffix, behind = [match[2]], at + 1
            while behind < len(words) and SUFFIX.fullmatch(words[behind]):
                suffix.append(words[behind])
                behind += 1
            yield Reading(
                words[:at], int(match[1]), folded("".join(suffix)), postcodes, words[behind:]
            )
