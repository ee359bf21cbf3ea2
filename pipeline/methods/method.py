"""The declaration of a method: parameters, columns, classes, reasons, flags and raster layers.

Table, report, exports, tiles, filters, map, page and service look these up.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.grid.windows import LatticeCell
from pipeline.methods.context import Context
from pipeline.methods.passes import Pass
from pipeline.methods.phrases import Bilingual, Phrases, Words
from pipeline.methods.reach import Influence, Reach, owners
from pipeline.methods.shades import Palette, Scale, Shade, Steps, Verdict

WHOLE, NUMBER, TEXT, BOOLEAN = pa.int64(), pa.float64(), pa.string(), pa.bool_()
SINGLE = pa.float32()


@dataclass(frozen=True)
class Total(Bilingual[Words | None]):
    """How a column adds up over an area.

    A column of booleans is counted where it is true, one of numbers is summed, or with `weight`
    averaged, weighted by that column. name: of the figure, as rows by area have it; section: of
    report.json, whose last word is left off the name there (in area_ha, x_ha is x); unit: of
    the figure; per: of the column's unit in that; where: a column of booleans, only rows that count
    for it; item: of a column of lists of numbers, the position of the item that is summed; en, nl:
    its words, by default the column's; parts: of a field of structs, of which numbers are summed
    and texts counted, the structs that count, by default all; error: of a sum, the standard error
    of each row's part as a share of it, independent of other rows', from the columns that add up
    and those of `reads` (the report has that of the sum under `errors`); listed: whether rows by
    area and pages list it, beside report.json, which has every total; alike within a section.
    """

    name: str
    section: str = "counts"
    unit: str = ""
    per: float = 1.0
    weight: str = ""
    where: str = ""
    item: int | None = None
    en: Words | None = None
    nl: Words | None = None
    parts: Callable[[pa.StructArray], NDArray[np.bool_]] | None = None
    error: Callable[[pa.Table], NDArray[np.float64]] | None = None
    reads: tuple[str, ...] = ()
    listed: bool = True

    @property
    def key(self) -> str:
        """Name of the figure within its section of the report."""
        return self.name.removesuffix(f"_{self.section.rpartition('_')[2]}")


@dataclass(frozen=True)
class Field(Bilingual[Words]):
    """One field of the structs of a nested column, or a column.

    type: of Arrow; unit: as text, "" without one; en, nl: its words; values: all that its text (or
    a text of its list) can be, empty where any text is possible; items: of a list of numbers what
    each item is, empty where there is one a moment of the run; in_tiles: whether vector tiles have
    it, by default unless it is nested; totals: how it adds up over an area.
    """

    name: str
    type: pa.DataType
    unit: str
    en: Words
    nl: Words
    values: tuple[str, ...] = ()
    items: tuple["Label", ...] = ()
    in_tiles: bool | None = None
    totals: tuple[Total, ...] = ()

    @property
    def nested(self) -> bool:
        """Whether its values are structs, or lists of them."""
        kind = self.type.value_type if pa.types.is_list(self.type) else self.type
        return bool(pa.types.is_struct(kind))

    @property
    def tiled(self) -> bool:
        """Whether vector tiles have it."""
        return not self.nested if self.in_tiles is None else self.in_tiles


def lists_of(fields: Sequence[Field]) -> pa.DataType:
    """The Arrow type of lists of structs with these fields."""
    return pa.list_(pa.struct([(field.name, field.type) for field in fields]))


@dataclass(frozen=True)
class Column(Field):
    """One column of the table.

    use: of booleans, the use (solar or wind) that a roof
    suits: what a restriction sets aside from it does not count; compared: whether two runs are
    compared by it; filterable: whether one may filter by it, which one never may by a nested one;
    fields: of its structs; geometry: which of these is a WKB polygon in RD and makes its structs
    features of their own, "" for none: then the first field, never null, tells those of a row
    apart; shades: how maps colour such features, of which one holds for each; scales, verdict: by
    which else, and their rows as well; symbols: steps by which they colour the symbols of turbines.
    """

    use: str = ""
    compared: bool = False
    filterable: bool = True
    fields: tuple[Field, ...] = ()
    geometry: str = ""
    shades: tuple[Shade, ...] = ()
    scales: tuple[Scale, ...] = ()
    verdict: Verdict | None = None
    symbols: Steps | None = None

    def __post_init__(self) -> None:
        """Raises ValueError for fields that its type does not have."""
        if self.fields and self.type != lists_of(self.fields):
            raise ValueError(f"column {self.name}: its type is not that of its fields")
        if self.geometry and self.geometry not in names(self.fields):
            raise ValueError(f"column {self.name}: {self.geometry} is none of its fields")
        used = {shade.field for shade in self.shades}
        used.update(*(scale.fields for scale in self.scales))
        used |= {self.verdict.of_part} if self.verdict else set()
        if odd := used - {*names(self.fields)}:
            raise ValueError(f"column {self.name}: coloured by unknown fields {odd}")

    @property
    def spread(self) -> bool:
        """Whether its values are lists of which flat formats have a column an item."""
        listed = bool(pa.types.is_list(self.type)) and not self.nested
        return listed and self.type.value_type != TEXT


@dataclass(frozen=True)
class Label(Bilingual[str]):
    """A reason, a flag or a class that a row may have. en, nl: its meaning, or title of a class."""

    name: str
    en: str
    nl: str


@dataclass(frozen=True)
class Highlight(Bilingual[str]):
    """How the map outlines roofs with a flag, whatever their class. en, nl: in its legend; colour:
    #rrggbb; line_width; dashes: on and off [points]."""

    en: str
    nl: str
    colour: str
    line_width: float
    dashes: tuple[float, float]


@dataclass(frozen=True)
class Flag(Label):
    """A flag. by_class: whether the report counts its roofs by the lines of the legend; highlight:
    how the map outlines them, None where it does not."""

    by_class: bool = False
    highlight: Highlight | None = None


@dataclass(frozen=True)
class Class(Label):
    """A class of roofs. en, nl: its title; colour, edge: of the fill and of the outline, as
    #rrggbb; line_width: of the outline [points]; suits: the column of booleans that makes a roof
    one of the class, of several true ones that of the last class; "" where it suits nothing."""

    colour: str = "#000000"
    edge: str = "#000000"
    line_width: float = 0.4
    suits: str = ""


@dataclass(frozen=True)
class Layer(Bilingual[str]):
    """A raster layer.

    type: of numpy; fill: no data; unit: as text; long_name: of the CF conventions; en, nl: its
    title; drawn: how pictures show it: "grey" as the brightness of the ground, 1 (black) to 255
    (white), "bits" as a shade, darker for each bit that is set, None not at all; coarser: how a
    cell of a coarser level follows from the four below it; attributes, times: of its array, and its
    leading dimension [CET], both by the method's parameters; default: whether a run makes it unless
    others are requested; says, band: descriptions in files and of their bands, templates with
    {bits}, {times} or of a band {time}, by default long_name and the name.
    """

    name: str
    type: str
    fill: float
    unit: str
    long_name: str
    en: str
    nl: str
    drawn: Literal["grey", "bits"] | Palette | None = None
    coarser: Literal["mean", "first"] = "mean"
    attributes: Callable[[Any], Mapping[str, Any]] = lambda p: {}
    times: Callable[[Any], tuple[dt.datetime, ...]] = lambda p: ()
    default: bool = False
    says: str = ""
    band: str = ""


@dataclass(frozen=True)
class Derived:
    """Figures that a method derives from the totals of its columns, over any area.

    sections: of the sections of a report that are sums, the parameters as the report has them, and
    the number of households or None, the sections that it adds or replaces; presets: further
    sections of a whole run's report, from those; row: further figures of a row by area, from those;
    columns: what all these figures are called in such rows.
    """

    sections: Callable[[dict[str, Any], Mapping[str, Any], float | None], dict[str, Any]] = (
        lambda sections, parameters, households: {}
    )
    presets: Callable[[Mapping[str, Any]], dict[str, Any]] = lambda sections: {}
    row: Callable[[Mapping[str, Any]], dict[str, Any]] = lambda sections: {}
    columns: tuple[Column, ...] = ()


Figures = Callable[[Mapping[str, Any], str], Mapping[str, Any]]  # of a report, in a language


@dataclass(frozen=True, eq=False)  # one is itself alone, and so can be a key
class Method(Bilingual[Phrases]):
    """A method: its parameters, outputs, computation and words.

    parameters: derived from BuildingParameters and CentreParameter, with fields made by
    `parameter`; columns: all of its table, in order;
    classes, reasons, flags, layers: in the order in which they are listed; passes: in the order in
    which they are made, of which the last judges; reach: how far anything matters; states: what the
    provenance states beside the parameters, by them and the squares of the lattice; check: raises
    InputError for parameters that do not hold in some squares, or a building that cannot be taken
    away; uses_climate, uses_turbines: whether it computes with those, of which the parameter
    `turbine` names one; en, nl: its phrases; figures: what those name
    that is not in report.json; derived: what follows from its totals; moments: the clock times that
    its lists and layers tell apart, of a report.
    """

    name: str
    parameters: type[Any]
    columns: tuple[Column, ...]
    classes: tuple[Class, ...]
    reasons: tuple[Label, ...]
    flags: tuple[Flag, ...]
    layers: tuple[Layer, ...]
    passes: tuple[Pass, ...]
    reach: Reach
    states: Callable[[Any, Sequence[LatticeCell]], dict[str, Any]] = lambda p, squares: {}
    check: Callable[[Any, Sequence[LatticeCell], Sequence[str]], None] = lambda *_: None
    check_cells: Callable[[float], None] = lambda resolution: None
    uses_climate: bool = False
    uses_turbines: bool = False
    en: Phrases = field(default_factory=Phrases)
    nl: Phrases = field(default_factory=Phrases)
    figures: Figures = lambda report, lang: {}
    derived: Derived = field(default_factory=Derived)
    moments: Callable[[Mapping[str, Any]], Sequence[str]] = lambda report: ()

    def __post_init__(self) -> None:
        """Raises ValueError for a declaration that contradicts itself."""
        every = names(self.columns)
        known = {*every, ""}
        if len(set(every)) < len(every):
            raise ValueError(f"method {self.name}: two columns have one name")
        if unknown := {each.suits for each in self.classes} - known:
            raise ValueError(f"method {self.name}: classes suit unknown columns {unknown}")
        self._check_colours(known)
        if not self.passes or self.passes[-1].neighbours:
            raise ValueError(f"method {self.name}: the last pass judges the area's buildings alone")

    def _check_colours(self, known: set[str]) -> None:
        scales = [scale for column in self.parts for scale in column.scales]
        verdicts = [column.verdict for column in self.parts if column.verdict]
        used = {verdict.of_building for verdict in verdicts}.union(*(one.columns for one in scales))
        if unknown := used - known:
            raise ValueError(f"method {self.name}: coloured by unknown columns {unknown}")
        classes = {name for verdict in verdicts for name in (verdict.suits, verdict.otherwise)}
        if unknown := classes - {*names(self.classes)}:
            raise ValueError(f"method {self.name}: coloured as unknown classes {unknown}")

    def influence(self, context: Context) -> Influence:
        """What can matter to what in a run, before any roof is measured."""
        influence, own = self.reach.influence(context), context.scope.own
        tiles = influence.tiles_for(context, context.scope.tiles, context.requested)
        neighbours = any(step.neighbours for step in self.passes)
        measured = owners(context, tiles, context.nearby()) if neighbours else own
        return replace(influence, tiles=tiles, measured=measured)

    @cached_property
    def schema(self) -> pa.Schema:
        """Arrow schema of the method's table."""
        return pa.schema([(column.name, column.type) for column in self.columns])

    @cached_property
    def by_name(self) -> Mapping[str, Column]:
        """The method's columns by name."""
        return {column.name: column for column in self.columns}

    @cached_property
    def parts(self) -> tuple[Column, ...]:
        """The columns whose structs are features of their own: those with a geometry."""
        return tuple(column for column in self.columns if column.geometry)


def names(terms: Iterable[Label | Layer | Field]) -> tuple[str, ...]:
    """The names of terms, layers, columns or fields, in order."""
    return tuple(term.name for term in terms)
