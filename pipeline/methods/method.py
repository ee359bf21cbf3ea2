"""What a method declares: parameters, columns, classes, reasons, flags and raster layers.

All else looks these up: table, report, exports, tiles, filters, map, page and service.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

import pyarrow as pa

from pipeline.grid.windows import LatticeCell
from pipeline.methods.passes import Pass
from pipeline.methods.reach import Reach

WHOLE, NUMBER, TEXT, BOOLEAN = pa.int64(), pa.float64(), pa.string(), pa.bool_()
EDGES = ("xmin", "ymin", "xmax", "ymax")
FLAT = (WHOLE, NUMBER, TEXT, BOOLEAN)


class Words(NamedTuple):
    """A thing in one language: a title of a few words, and one line on what it means."""

    title: str
    meaning: str


class Sum(NamedTuple):
    """A column adds up over an area as the sum of its values."""


class Count(NamedTuple):
    """A column of booleans adds up over an area as the number of rows in which it is true."""


class Mean(NamedTuple):
    """A column adds up over an area as its mean, weighted by another column."""

    weight: str


@dataclass(frozen=True)
class Column:
    """One column of the table.

    type: of Arrow; unit: as text, "" without one; en, nl: its words; values: all that its text (or
    a text of its list) can be, empty where any text is possible; total: how it adds up over an
    area, None where it does not; in_tiles: whether vector tiles have it; filterable: whether one
    may filter by it.
    """

    name: str
    type: pa.DataType
    unit: str
    en: Words
    nl: Words
    values: tuple[str, ...] = ()
    total: Sum | Count | Mean | None = None
    in_tiles: bool = True
    filterable: bool = True

    def words(self, lang: str) -> Words:
        """Title and meaning in `nl`, else in English."""
        return self.nl if lang == "nl" else self.en

    @property
    def nested(self) -> bool:
        """Whether its values are structs, or lists of them."""
        kind = self.type.value_type if pa.types.is_list(self.type) else self.type
        return bool(pa.types.is_struct(kind))


@dataclass(frozen=True)
class Term:
    """A word that a row may bear, a reason or a flag, and what it says in English and Dutch."""

    name: str
    en: str
    nl: str

    def words(self, lang: str) -> str:
        """What it says in `nl`, else in English."""
        return self.nl if lang == "nl" else self.en


@dataclass(frozen=True)
class Class(Term):
    """A class of roofs. en, nl: its title; colour, edge: of the fill and of the outline, as
    #rrggbb; line_width: of the outline [points]; suits: whether its roofs suit anything."""

    colour: str = "#000000"
    edge: str = "#000000"
    line_width: float = 0.4
    suits: bool = True


class Grey(NamedTuple):
    """A layer is drawn as the brightness of the ground: 1 (black) to 255 (white)."""


class Bits(NamedTuple):
    """A layer is drawn as a shade, darker for each bit that is set."""


class Palette(NamedTuple):
    """A layer is drawn in colours, as #rrggbb, between which one interpolates linearly: the first
    at `low`, the last at `high` [unit of the layer], and at what is beyond them."""

    colours: tuple[str, ...]
    low: float
    high: float


@dataclass(frozen=True)
class Layer:
    """A raster layer.

    type: of numpy; fill: stands for no data; unit: as text; long_name: of the CF conventions; en,
    nl: its title; drawn: how pictures show it, None where there are none; coarser: how a cell of a
    coarser level follows from the four below it; attributes, times: what its array says besides,
    and its leading dimension [CET], both by the parameters of the method.
    """

    name: str
    type: str
    fill: float
    unit: str
    long_name: str
    en: str
    nl: str
    drawn: Grey | Bits | Palette | None = None
    coarser: Literal["mean", "first"] = "mean"
    attributes: Callable[[Any], Mapping[str, Any]] = lambda p: {}
    times: Callable[[Any], tuple[dt.datetime, ...]] = lambda p: ()
    default: bool = False  # whether a run makes it unless it is asked for others

    def words(self, lang: str) -> str:
        """Its title in `nl`, else in English."""
        return self.nl if lang == "nl" else self.en


@dataclass(frozen=True)
class Method:
    """A method and all that is its own.

    parameters: a dataclass of fields made by `parameter`; columns: all of its table, in order;
    classes, reasons, flags, layers: in the order in which they are listed; passes: in the order in
    which they are made, of which the last judges; reach: how far anything matters; states: what the
    provenance states beside the parameters, by them and the squares of the lattice; check: raises
    InputError for parameters that do not hold in some squares, or a building that cannot be taken
    away.
    """

    name: str
    parameters: type[Any]
    columns: tuple[Column, ...]
    classes: tuple[Class, ...]
    reasons: tuple[Term, ...]
    flags: tuple[Term, ...]
    layers: tuple[Layer, ...]
    passes: tuple[Pass, ...]
    reach: Reach
    states: Callable[[Any, Sequence[LatticeCell]], dict[str, Any]] = lambda p, squares: {}
    check: Callable[[Any, Sequence[LatticeCell], Sequence[str]], None] = lambda *_: None

    @cached_property
    def schema(self) -> pa.Schema:
        """Of its table."""
        return pa.schema([(column.name, column.type) for column in self.columns])

    @cached_property
    def by_name(self) -> Mapping[str, Column]:
        """Its columns by name."""
        return {column.name: column for column in self.columns}


def names(terms: tuple[Term, ...] | tuple[Layer, ...]) -> tuple[str, ...]:
    """The names of reasons, flags, classes or layers, in order."""
    return tuple(term.name for term in terms)
