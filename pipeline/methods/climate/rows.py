"""Tables in CSV, read row by row: each fault is one line with the file, the row and the remedy."""

import csv
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pipeline.errors import InputError
from pipeline.messages import Text
from pipeline.terms import File

Key = tuple[str, ...]
Rows = Mapping[Key, Mapping[str, float]]  # numbers by column, by the row's key
SIGNED = {"band"}  # the horizon band can take away; nothing else is below 0
# The highest figure by column, else MOST_OF_ALL: what is higher is likely in another unit.
# Of months kWh/m2: above the air it is 344 in June at 52 degrees north.
MOST = {
    "lon": 180.0,
    "lat": 90.0,
    "mean_ms": 100.0,
    "exposure": 100.0,
    "cp_field": 1.0,
    **{f"m{month:02d}": 400.0 for month in range(1, 13)},
}
MOST_OF_ALL = 1e6


class Row(NamedTuple):
    """A row of a file, at a line, with its words by column."""

    path: Path
    line: int
    words: Mapping[str, str]

    def number(self, column: str) -> float:
        """A number of the row, finite, at least 0 but in SIGNED, and at most MOST. Raises
        InputError."""
        most = MOST.get(column, MOST_OF_ALL)
        try:
            number = float(self.words[column])
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise self._unfit(column, "give a number")
        if number < 0.0 and column not in SIGNED:
            raise self._unfit(column, "give a number that is not negative")
        if abs(number) > most:
            raise self._unfit(column, "it is at most {most:g}: see its unit", most=most)
        return number

    def _unfit(self, column: str, remedy: str, **values: object) -> InputError:
        word = self.words[column]
        return self.fault("{column} is {word!r}", remedy, column=column, word=word, **values)

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
    """The rows of a CSV, each with its key. Raises InputError for a column that is missing, a row
    that is longer than the columns, a key that is empty, and a second row of a key."""
    known: set[Key] = set()
    for row in _rows(path, (*keys, *columns)):
        key = tuple(row.words[name].strip() for name in keys)
        for name, word in zip(keys, key, strict=True):
            if not word or not word.isprintable():
                raise row.fault(
                    "{column} is {word!r}", "give a name, or remove the row", column=name, word=word
                )
        if key in known:
            raise row.fault("a second row of {key}", "remove the row", key=_named(keys, key))
        known.add(key)
        yield key, row


def _rows(path: Path, names: Key) -> Iterator[Row]:
    """The rows of a CSV with the words of these columns; empty where a row is too short."""
    reader = csv.DictReader(_text(path).splitlines(), strict=True)
    try:
        _check_columns(path, reader.fieldnames or [], names)
        for words in reader:
            row = Row(path, reader.line_num, {name: words[name] or "" for name in names})
            if None in words:
                raise row.fault(
                    "has more values than there are columns",
                    "give numbers with a point, not with a comma",
                )
            yield row
    except csv.Error as error:
        line = Text("row {row}", row=reader.line_num + 1)  # it counts whole rows
        raise InputError(
            File(path), "cannot be read ({said})", "close its quotes", place=line, said=error
        ) from None


def _check_columns(path: Path, there: Sequence[str], names: Key) -> None:
    problem, remedy = "no column {name!r} (it has {there})", "add it"
    if any(";" in column for column in there):
        problem += ": its columns are separated by semicolons, as a Dutch spreadsheet writes CSV"
        remedy = "save it with commas, and numbers with a point"
    for name in names:
        if name not in there:
            raise InputError(File(path), problem, remedy, name=name, there=there or Text("none"))
        if there.count(name) > 1:
            raise InputError(File(path), "two columns {name!r}", "rename one", name=name)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise InputError(File(path), "is missing", "see that it is there") from None
    except OSError as error:
        remedy = "see that it is a file, and that you may read it"
        raise InputError(
            File(path), "cannot be read ({said})", remedy, said=type(error).__name__
        ) from None
    except UnicodeDecodeError:
        raise InputError(
            File(path),
            "cannot be read ({said})",
            "give it as UTF-8, with commas",
            said=UnicodeDecodeError.__name__,
        ) from None


def _named(keys: Key, key: Key) -> str:
    """A row by its keys, in the words of the columns: `month 3, hour 12`."""
    return ", ".join(f"{name} {value}" for name, value in zip(keys, key, strict=True))
