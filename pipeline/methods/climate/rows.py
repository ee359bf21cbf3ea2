"""Tables in CSV, read row by row: each fault is one line with the file, the row and the remedy."""

import csv
import math
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from pipeline.errors import InputError
from pipeline.messages import Text
from pipeline.terms import File

Key = tuple[str, ...]
Rows = Mapping[Key, Mapping[str, float]]  # numbers by column, by the row's key
SIGNED = {"band"}  # the horizon band can take away; nothing else is below 0


class Row(NamedTuple):
    """A row of a file, at a line, with its words by column."""

    path: Path
    line: int
    words: Mapping[str, str]

    def number(self, column: str) -> float:
        """A number of the row, finite, and at least 0 but in SIGNED. Raises InputError."""
        word = self.words[column]
        try:
            number = float(word)
        except ValueError:
            number = math.nan
        if not math.isfinite(number) or (number < 0.0 and column not in SIGNED):
            remedy = "give a number that is not negative" if number < 0.0 else "give a number"
            raise self.fault("{column} is {word!r}", remedy, column=column, word=word)
        return number

    def fault(self, problem: str, remedy: str, **values: object) -> InputError:
        """An error at this row."""
        place = Text("row {row}", row=self.line)
        return InputError(File(self.path), problem, remedy, place=place, **values)


def rows_of(
    path: Path, keys: Key, columns: Collection[str], expected: Collection[Key] | None = None
) -> Rows:
    """The numbers of a CSV by the keys of its rows: exactly the expected ones, if those are given.
    Raises InputError for a column or a row that is missing or not expected."""
    rows: dict[Key, dict[str, float]] = {}
    for key, row in keyed_rows(path, keys, columns):
        if expected is not None and key not in expected:
            raise row.fault("{key} does not belong here", "remove the row", key=_named(keys, key))
        rows[key] = {name: row.number(name) for name in columns}
    for key in expected or ():
        if key not in rows:
            raise InputError(File(path), "no row of {key}", "add it", key=_named(keys, key))
    return rows


def keyed_rows(path: Path, keys: Key, columns: Collection[str]) -> Iterator[tuple[Key, Row]]:
    """The rows of a CSV, each with its key. Raises InputError for a column that is missing, and for
    a second row of a key."""
    reader = csv.DictReader(_text(path).splitlines())
    there = reader.fieldnames or []
    for name in (*keys, *columns):
        if name not in there:
            raise InputError(
                File(path), "no column {name!r} (it has {there})", "add it", name=name, there=there
            )
    known: set[Key] = set()
    for words in reader:
        row = Row(path, reader.line_num, {name: words[name] or "" for name in (*keys, *columns)})
        key = tuple(row.words[name].strip() for name in keys)
        if key in known:
            raise row.fault("a second row of {key}", "remove the row", key=_named(keys, key))
        known.add(key)
        yield key, row


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise InputError(File(path), "is missing", "see that it is there") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            File(path),
            "cannot be read ({said})",
            "give it as UTF-8, with commas",
            said=type(error).__name__,
        ) from None


def _named(keys: Key, key: Key) -> str:
    """A row by its keys, in the words of the columns: `month 3, hour 12`."""
    return ", ".join(f"{name} {value}" for name, value in zip(keys, key, strict=True))
