"""Sentences for people: made in English, and said in Dutch by a table of their templates."""

import datetime
import tomllib
from collections.abc import Mapping
from functools import cache
from numbers import Integral, Real
from pathlib import Path
from string import Formatter
from typing import Any

TABLE = Path(__file__).with_name("messages.toml")
SEPARATORS = str.maketrans(",.", ".,")  # of thousands and decimals, from English to Dutch
FOR_PEOPLE = (",", "f")  # numbers of these formats are read; others are typed again, with a point


class Text(str):
    """An English sentence that keeps what it was made of: its template, which says where its
    values stand ("{name}: no such file"), and the values, which may be Texts in turn.

    The items of a list stand with its format between them: "{names:; }", else with a comma.
    """

    template: str
    values: dict[str, Any]

    def __new__(cls, template: str, /, **values: Any) -> "Text":
        """A Text that is given as the template stays as it is."""
        if isinstance(template, Text) and not values:
            return template
        values = {name: _simple(value) for name, value in values.items()}
        made = super().__new__(cls, _filled(template, values, "en") if values else template)
        made.template, made.values = template, values
        return made

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:
        """What makes it anew in another process."""
        return (self.template,), self.values


def _simple(value: Any) -> Any:
    """What another process can be sent: of an error its sentence, of a path its text."""
    if isinstance(value, BaseException):
        value = value.args[0] if value.args and isinstance(value.args[0], Text) else str(value)
    kept = isinstance(value, str | Real | list | tuple | datetime.date | datetime.time | None)
    return value if kept else str(value)


def translated(text: str, lang: str) -> str:
    """A text in a language: `en`, or another of the table. What is no Text, or is not in the table,
    stays English."""
    if lang == "en" or not isinstance(text, Text):
        return str(text)
    template = sentences(lang).get(text.template, text.template)
    return _filled(template, text.values, lang) if text.values else template


@cache
def sentences(lang: str) -> dict[str, str]:
    """The templates of a language by the English ones."""
    found: dict[str, str] = tomllib.loads(TABLE.read_text("utf-8"))[lang]
    return found


def spoken(seconds: float) -> Text:
    """A time in the unit that it bears: 95 s, 12 min, 3 h 20 min."""
    if seconds < 100:
        return Text("{seconds:.0f} s", seconds=seconds)
    minutes = round(seconds / 60)
    if minutes < 100:
        return Text("{minutes} min", minutes=minutes)
    return Text("{hours} h {minutes} min", hours=minutes // 60, minutes=minutes % 60)


def to_json(text: str) -> dict[str, Any]:
    """A Text as values that JSON can hold, of which `of_json` makes it again."""
    if not isinstance(text, Text):
        return {"template": text, "values": {}}
    return {"template": text.template, "values": {k: _plain(v) for k, v in text.values.items()}}


def of_json(told: Mapping[str, Any]) -> Text:
    """The Text of `to_json`."""
    return Text(told["template"], **{name: _made(value) for name, value in told["values"].items()})


def _plain(value: Any) -> Any:
    if isinstance(value, Text):
        return to_json(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Real):  # numpy's too
        return int(value) if isinstance(value, Integral) else float(value)
    return value if value is None else str(value)


def _made(value: Any) -> Any:
    if isinstance(value, list):
        return [_made(item) for item in value]
    return of_json(value) if isinstance(value, dict) else value


class _Filler(Formatter):
    """Fills a template in a language."""

    def __init__(self, lang: str) -> None:
        self._lang = lang

    def format_field(self, value: Any, spec: str) -> str:
        """A value as text: Texts translated, lists joined, numbers as the language writes them."""
        if isinstance(value, list | tuple):
            return (spec or ", ").join(self.format_field(item, "") for item in value)
        if isinstance(value, str):
            return format(translated(value, self._lang), spec)
        made: str = super().format_field(value, spec)
        read = self._lang == "nl" and isinstance(value, Real)
        return made.translate(SEPARATORS) if read and spec.endswith(FOR_PEOPLE) else made


def _filled(template: str, values: Mapping[str, Any], lang: str) -> str:
    return _Filler(lang).vformat(template, (), values)
