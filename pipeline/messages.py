"""Sentences for people: made in English, and said in Dutch by a table of their templates."""

import datetime
import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from numbers import Integral, Real
from pathlib import Path
from string import Formatter
from typing import Any

from pipeline.terms import Field, Location, Reason, Term

TABLE = Path(__file__).with_name("messages.toml")
SEPARATORS = str.maketrans(",.", ".,")  # of thousands and decimals, from English to Dutch
Words = Callable[[Term], "str"]  # how an interface words a term
FOR_PEOPLE = (",", "f")  # numbers of these formats are read; others are typed again, with a point


class Text(str):
    """An English sentence that keeps what it was made of: its template, which says where its
    values stand ("{name}: no such file"), and the values, which may be Terms, or Texts in turn.

    The items of a list stand with its format between them: "{names:; }", else with a comma.
    """

    template: str
    values: dict[str, Any]

    def __new__(cls, template: str, /, **values: Any) -> "Text":
        """A Text that is given as the template stays as it is."""
        if isinstance(template, Text):
            return template
        values = {name: _simple(value) for name, value in values.items()}
        made = super().__new__(cls, _filled(template, values, "en", str) if values else template)
        made.template, made.values = template, values
        return made

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:
        """What makes it anew in another process."""
        return (self.template,), self.values


def _simple(value: Any) -> Any:
    """What another process can be sent. Of an error its sentence, if it has one; what a library
    says, and a path, are terms, so that they stay out of what clients are told."""
    if isinstance(value, BaseException):
        return getattr(value, "text", None) or Reason(str(value))
    if isinstance(value, Path):
        return Location(value)
    if isinstance(value, list | tuple):
        return [_simple(item) for item in value]
    kept = str | Real | datetime.date | datetime.time | Term | None
    return value if isinstance(value, kept) else str(value)


def translated(text: str | Term, lang: str, words: Words = str) -> str:
    """A text in a language: `en`, or another of the table. What is no Text, or is not in the table,
    stays English. words: of the terms in it."""
    if isinstance(text, Term):
        return translated(words(text), lang, words)
    if not isinstance(text, Text):
        return str(text)
    template = text.template if lang == "en" else sentences(lang).get(text.template, text.template)
    return _filled(template, text.values, lang, words) if text.values else template


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


def of_json(values: Mapping[str, Any]) -> Text:
    """The Text of `to_json`."""
    return Text(
        values["template"], **{name: _made(value) for name, value in values["values"].items()}
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Text):
        return to_json(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Field):
        return {"field": value.name, "value": _plain(value.value)}
    if isinstance(value, Real):  # numpy's too
        return int(value) if isinstance(value, Integral) else float(value)
    return value if value is None else str(value)


def _made(value: Any) -> Any:
    if isinstance(value, list):
        return [_made(item) for item in value]
    if isinstance(value, dict):
        of_field = "field" in value
        return Field(value["field"], _made(value["value"])) if of_field else of_json(value)
    return value


class _Filler(Formatter):
    """Fills a template in a language, with an interface's words for terms."""

    def __init__(self, lang: str, words: Words) -> None:
        self._lang, self._words = lang, words

    def format_field(self, value: Any, spec: str) -> str:
        """A value as text: Texts translated, lists joined, numbers as the language writes them."""
        if isinstance(value, list | tuple):
            return (spec or ", ").join(self.format_field(item, "") for item in value)
        if isinstance(value, str | Term):
            return format(translated(value, self._lang, self._words), spec)
        made: str = super().format_field(value, spec)
        read = self._lang == "nl" and isinstance(value, Real)
        return made.translate(SEPARATORS) if read and spec.endswith(FOR_PEOPLE) else made


def _filled(template: str, values: Mapping[str, Any], lang: str, words: Words) -> str:
    return _Filler(lang, words).vformat(template, (), values)
