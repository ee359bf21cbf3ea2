"""The index of addresses: a file of SQLite, made once of some files and kept in the cache."""

import os
import secrets
import sqlite3
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pipeline.addresses.read import AddressBatch, read_addresses
from pipeline.areas.other_names import other_names
from pipeline.areas.regions import folded
from pipeline.errors import InputError
from pipeline.storage.cache import cache_dir, fingerprints, is_intact, key_of, record_checksums
from pipeline.terms import File, Location

SCHEMA = Path(__file__).with_name("schema.sql")
MADE = 2  # raised when a file of the index means something else
LEFT_S = 3600.0  # after so long, what is half written was left by a kill
DM = 10.0  # decimetres a metre
LETTERS = 26
PAIRS = LETTERS * LETTERS  # of the letters of a postcode
EXTENT = "min(x), min(y), max(x), max(y)"
FINISH = f"""
CREATE INDEX by_street ON address (street, number);
UPDATE street SET (west, south, east, north) =
  (SELECT {EXTENT} FROM address WHERE address.street = street.id);
UPDATE place SET (west, south, east, north) =
  (SELECT min(west), min(south), max(east), max(north) FROM street WHERE street.place = place.id);
CREATE INDEX by_postcode ON address (postcode, number);
CREATE INDEX by_building ON address (building);
CREATE INDEX further_of ON further (address);
CREATE INDEX further_by ON further (building);
CREATE INDEX street_named ON street (folded);
CREATE INDEX place_named ON place (folded);
INSERT INTO name (folded) SELECT folded FROM street UNION SELECT folded FROM place;
INSERT INTO letters (rowid, folded) SELECT id, folded FROM name;
INSERT INTO letters (letters) VALUES ('optimize');
INSERT INTO words (words) VALUES ('optimize');
"""


class AddressCounts(NamedTuple):
    """Numbers of addresses: indexed; incomplete, without a street, number or place; and those
    indexed that have neither a building nor a point, so that they lead nowhere."""

    addresses: int
    incomplete: int
    without_building: int


@dataclass(frozen=True)
class AddressIndex:
    """An index of addresses on disk, for any number of threads."""

    file: Path

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """The rows that a query gives."""
        address = f"{self.file.absolute().as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(address, uri=True)) as connection:
            rows: list[Any] = connection.execute(sql, values).fetchall()
        return rows

    @cached_property
    def counts(self) -> AddressCounts:
        """How many addresses it has, and how many were left out."""
        return AddressCounts(*self.rows("SELECT * FROM counts")[0])


def open_index(files: Sequence[str | Path]) -> AddressIndex:
    """The index of files of addresses, made where the cache has none: about a minute for those of
    the nation. Raises InputError for a file that cannot be read, or lacks a column, and for a cache
    that cannot be written."""
    for file in files:
        if not Path(file).is_file():
            raise InputError(File(file), "no such file of addresses", "check the path")
    key = key_of(MADE, fingerprints(files), *(len(each) for each in other_names().values()))
    path = cache_dir() / "addresses" / f"{key}.sqlite"
    if not is_intact(path):
        _make(path, files)
    return AddressIndex(path)


def _make(path: Path, files: Sequence[str | Path]) -> None:
    partial = path.with_name(f"partial-{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_index(partial, read_addresses(files))
        os.replace(partial, path)
        record_checksums(path)
    except (OSError, sqlite3.OperationalError) as error:
        raise InputError(
            Location(path.parent),
            "cannot be written ({error})",
            "make room, or name another folder in DAKLAAG_CACHE",
            error=getattr(error, "strerror", None) or error,
        ) from None
    finally:
        with suppress(OSError):
            partial.unlink()
    for left in path.parent.glob("partial-*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > LEFT_S:
                left.unlink()


def write_index(file: Path, batches: Iterable[AddressBatch]) -> None:
    """Write an index of addresses."""
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")
        connection.execute("PRAGMA cache_size = -200000")  # kB
        connection.executescript(SCHEMA.read_text("utf-8"))
        streets, counts = _Streets(), Counter[str]()
        for batch in batches:
            _insert(connection, batch, streets, counts)
        connection.executemany("INSERT INTO place (id, name, folded) VALUES (?, ?, ?)",
                               streets.places())  # fmt: skip
        connection.executemany("INSERT INTO street (id, place, name, folded) VALUES (?, ?, ?, ?)",
                               streets.rows())  # fmt: skip
        connection.executemany("INSERT INTO words (rowid, street, place) VALUES (?, ?, ?)",
                               streets.words())  # fmt: skip
        connection.executescript(FINISH)
        numbers = [counts[name] for name in AddressCounts._fields]
        connection.execute("INSERT INTO counts VALUES (?, ?, ?)", numbers)
        connection.commit()


class _Streets:
    """Streets by place and name, numbered as they come."""

    def __init__(self) -> None:
        self._ids: dict[tuple[str, str], int] = {}
        self._places: dict[str, int] = {}

    def number(self, place: str, street: str) -> int:
        """The number of a street."""
        self._places.setdefault(place, len(self._places) + 1)
        return self._ids.setdefault((place, street), len(self._ids) + 1)

    def places(self) -> Iterator[tuple[int, str, str]]:
        """Number, name and folded name of each place."""
        return ((number, name, folded(name)) for name, number in self._places.items())

    def rows(self) -> Iterator[tuple[int, int, str, str]]:
        """Number, that of its place, name and folded name of each street."""
        return (
            (number, self._places[place], name, folded(name))
            for (place, name), number in self._ids.items()
        )

    def words(self) -> Iterator[tuple[int, str, str]]:
        """Number, name, and the names of the place of each street."""
        others = {place: " ".join((place, *other_names().get(folded(place), ())))
                  for place in self._places}  # fmt: skip
        return ((number, name, others[place]) for (place, name), number in self._ids.items())


def _insert(
    connection: sqlite3.Connection, batch: AddressBatch, streets: _Streets, counts: Counter[str]
) -> None:
    first = counts["addresses"] + 1
    rows: list[tuple[Any, ...]] = []
    further: list[tuple[int, int]] = []
    known = np.isfinite(batch.points[:, 0])
    points = np.where(known[:, None], np.rint(batch.points * DM), 0).astype(np.int64).tolist()
    columns = zip(batch.street, batch.number.tolist(), batch.suffix, batch.postcode, batch.place,
                  batch.buildings, points, known.tolist(), strict=True)  # fmt: skip
    for street, number, suffix, postcode, place, buildings, (x, y), located in columns:
        if not (street and number and place):
            counts["incomplete"] += 1
            continue
        at = first + len(rows)
        here = (x, y) if located else (None, None)
        building = buildings[0] if buildings else None
        rows.append((at, streets.number(place, street), number, suffix or None,
                     postcode_number(postcode), *here, building))  # fmt: skip
        further += [(at, other) for other in buildings[1:]]
        counts["without_building"] += not (buildings or located)
    counts["addresses"] += len(rows)
    connection.executemany("INSERT INTO address VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    connection.executemany("INSERT INTO further VALUES (?, ?)", further)


def postcode_number(text: str) -> int | None:
    """A postcode such as 2611AB as a whole number, by which its index is a third as large; None
    for what is none."""
    digits, letters = text[:4], text[4:].upper()
    if not (len(text) == 6 and digits.isdecimal() and letters.isascii() and letters.isalpha()):
        return None
    first, second = (ord(letter) - ord("A") for letter in letters)
    return int(digits) * PAIRS + first * LETTERS + second


def postcode_text(number: int) -> str:
    """The postcode of a number, as it is written: 2611 AB."""
    digits, pair = divmod(number, PAIRS)
    return f"{digits:04d} {chr(ord('A') + pair // LETTERS)}{chr(ord('A') + pair % LETTERS)}"
