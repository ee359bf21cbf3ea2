"""A method's parameters, each declared once: a dataclass field with type, unit, range and reason.

The command line's `--set`, `daklaag methods`, the table in the docs, the JSON Schema of the service
and the checks are made from these fields.
"""

import dataclasses
import datetime as dt
import difflib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pipeline.errors import InputError
from pipeline.messages import Text
from pipeline.terms import Command, Field

P = TypeVar("P")
NEAR = 0.6  # difflib's ratio: `panel` and `panel_share` have 0.63, `climate` and `mast_m` 0.46
RANGES = {
    "date": Text("YYYY-MM-DD"),
    "text": Text("a text"),
    "texts": Text("texts, separated by commas"),
}


@dataclass(frozen=True)
class Parameter:
    """One parameter: kind is number, integer, choice, text, texts, date or times; multiple_of: of
    an integer; presets: of a choice, by its values, the others that it sets unless they are
    given themselves."""

    name: str
    kind: str
    default: Any
    reason: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    multiple_of: int = 1
    choices: tuple[str, ...] = ()
    optional: bool = False
    presets: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)

    @property
    def range(self) -> Text:
        """The values it takes, in words."""
        if self.choices:
            return Text("{choices}", choices=self.choices)
        if self.kind == "times":
            return Text("1 to {most:g} times HH:MM", most=self.maximum)
        if self.minimum is not None:
            within = Text("{least:g} to {most:g}", least=self.minimum, most=self.maximum)
            if self.multiple_of == 1:
                return within
            return Text("{within}, a multiple of {step}", within=within, step=self.multiple_of)
        return RANGES[self.kind]

    def parse(self, text: Any) -> Any:
        """The value that a text (or a value of JSON) stands for.

        Raises InputError for one that is of another kind or out of range.
        """
        if text is None or (self.optional and str(text).lower() in ("", "none")):
            if self.optional:
                return None
            raise self._refusal(text)
        try:
            value = _PARSERS[self.kind](text)
        except (ValueError, TypeError, OverflowError):  # 1e999 in JSON is infinite
            raise self._refusal(text) from None
        if not self._holds(value):
            raise self._refusal(text)
        return value

    def _holds(self, value: Any) -> bool:
        if self.kind == "choice":
            return value in self.choices
        if self.kind == "text":
            return bool(value)
        if self.kind in ("times", "texts"):
            most = self.maximum or math.inf
            return 0 < len(value) <= most and len(set(value)) == len(value) and "" not in value
        if self.minimum is not None and self.maximum is not None:
            within = self.minimum <= value <= self.maximum  # never so for NaN
            return within and (self.multiple_of == 1 or value % self.multiple_of == 0)
        return True

    def _refusal(self, text: Any) -> InputError:
        unit = f" {self.unit}" if self.unit else ""
        return InputError(
            Field("parameter", self.name),
            "{text!r} is not accepted",
            "it takes {range}{unit} (default {default})",
            text=text,
            range=self.range,
            unit=unit,
            default=as_text(self.default),
        )


def _split(text: Any) -> tuple[str, ...]:
    parts = text.split(",") if isinstance(text, str) else text
    if not isinstance(parts, list | tuple):  # an object of JSON, whose names are no values
        raise ValueError(text)
    return tuple(str(part).strip() for part in parts)


def _integer(text: Any) -> int:
    if isinstance(text, bool) or int(text) != float(text):
        raise ValueError(text)
    return int(text)


def _number(text: Any) -> float:
    if isinstance(text, bool):
        raise ValueError(text)
    return float(text)


def _text(text: Any) -> str:
    if not isinstance(text, str):
        raise ValueError(text)
    return text.strip()


def _times(text: Any) -> tuple[dt.time, ...]:
    times = tuple(dt.time.fromisoformat(part) for part in _split(text))
    if any(time.tzinfo for time in times):
        raise ValueError(text)
    return times


_PARSERS: dict[str, Callable[[Any], Any]] = {
    "number": _number,
    "integer": _integer,
    "choice": str,
    "text": _text,
    "texts": _split,
    "date": lambda text: dt.date.fromisoformat(str(text)),
    "times": _times,
}


def parameter(kind: str, default: Any, reason: str, **more: Any) -> Any:
    """A field of a parameters class; more: the fields of Parameter."""
    return dataclasses.field(default=default, metadata={"kind": kind, "reason": reason, **more})


def parameters_of(cls: type) -> list[Parameter]:
    """The parameters that a class declares, in order."""
    return [
        Parameter(name=field.name, default=field.default, **field.metadata)
        for field in dataclasses.fields(cls)
    ]


def parse(cls: type[P], settings: Mapping[str, Any]) -> P:
    """The parameters of a method, with settings from texts or values of JSON. A setting goes before
    that of a preset, and this before the default.

    Raises InputError for an unknown name (with the nearest) or a value that is not accepted.
    """
    known = {p.name: p for p in parameters_of(cls)}
    for name in settings:
        if name not in known:
            raise InputError(
                Field("parameter", repr(name)),
                "{source} is unknown{hint} ({methods} lists them)",
                hint=did_you_mean(name, known),
                methods=Command("methods"),
            )
    given = {name: known[name].parse(text) for name, text in settings.items()}
    preset: dict[str, Any] = {}
    for each in known.values():
        preset |= each.presets.get(given.get(each.name, each.default), {})
    return cls(**preset | given)


def did_you_mean(name: str, known: Iterable[str]) -> Text | str:
    """The nearest of known names, as a part of a sentence; empty where none is near."""
    similar = difflib.get_close_matches(name, [*known], 1, NEAR)
    return Text("; did you mean {near}?", near=similar[0]) if similar else ""


def schema(cls: type) -> dict[str, Any]:
    """The parameters of a method as a JSON Schema, in the words of OpenAPI 3.0."""
    return {
        "type": "object",
        "properties": {p.name: _schema(p) for p in parameters_of(cls)},
        "additionalProperties": False,
    }


def _schema(p: Parameter) -> dict[str, Any]:
    unit = f" [{p.unit}]" if p.unit else ""
    fields = {
        "title": f"{p.name}{unit}",
        "description": p.reason,
        **_SCHEMAS[p.kind](p),
        "default": _plain(p.default),
    }
    return fields | ({"nullable": True} if p.optional else {})


def _within(p: Parameter) -> dict[str, Any]:
    ends = {"minimum": p.minimum, "maximum": p.maximum}
    return {name: value for name, value in ends.items() if value is not None}


def _multiple(p: Parameter) -> dict[str, Any]:
    return {} if p.multiple_of == 1 else {"multipleOf": p.multiple_of}


def _list(p: Parameter, items: dict[str, Any]) -> dict[str, Any]:
    most = {} if p.maximum is None else {"maxItems": int(p.maximum)}
    return {"type": "array", "items": items, "minItems": 1, "uniqueItems": True, **most}


_SCHEMAS: dict[str, Callable[[Parameter], dict[str, Any]]] = {
    "number": lambda p: {"type": "number", **_within(p)},
    "integer": lambda p: {"type": "integer", **_within(p), **_multiple(p)},
    "choice": lambda p: {"type": "string", "enum": list(p.choices)},
    "text": lambda p: {"type": "string", "minLength": 1},
    "texts": lambda p: _list(p, {"type": "string", "minLength": 1}),
    "date": lambda p: {"type": "string", "format": "date"},
    "times": lambda p: _list(p, {"type": "string", "pattern": r"^\d{2}:\d{2}(:\d{2})?$"}),
}


def as_text(value: Any) -> str:
    """A value as `--set` takes it."""
    if isinstance(value, tuple):
        return ",".join(as_text(item) for item in value)
    if isinstance(value, dt.time):
        return value.isoformat("minutes" if not value.second else "auto")
    if isinstance(value, float):
        return f"{value:.12g}"
    return "none" if value is None else str(value)


def as_json(values: Any) -> dict[str, Any]:
    """All parameters of a method, as they stand in the report."""
    return {field.name: _plain(getattr(values, field.name)) for field in dataclasses.fields(values)}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return as_text(value) if isinstance(value, dt.date | dt.time) else value
