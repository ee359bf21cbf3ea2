"""The tables of a run as layers of other formats: its buildings, and their parts."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import pyarrow as pa

from pipeline.errors import InputError
from pipeline.messages import Text
from pipeline.methods.method import Column
from pipeline.output.export.qgis import Rule, rules_of, shade_rules
from pipeline.output.export.request import ExportRequest
from pipeline.results.columns import flat_names, flatten, item_of
from pipeline.results.filter_parts import GEOMETRY
from pipeline.storage.geoparquet import GeoParquet


class TableLayer(NamedTuple):
    """One of the tables of a run, by its name."""

    request: ExportRequest
    name: str

    @property
    def table(self) -> GeoParquet:
        """The table itself."""
        return self.request.run.tables[self.name]

    @property
    def columns(self) -> Mapping[str, Column]:
        """Its columns by name, as they are declared."""
        return self.request.run.columns(self.name)

    @property
    def part(self) -> Column | None:
        """The nested column that it is made of; None for the buildings."""
        return self.request.run.part(self.name)

    @property
    def size(self) -> Text:
        """How many rows it has."""
        rows = len(self.table)
        return (
            Text("{rows:,} rows", rows=rows) if self.part else Text("{rows:,} buildings", rows=rows)
        )

    @property
    def description(self) -> Text:
        """A line on it, which need not name the buildings twice."""
        whole = Text("layer {layer}: {what}", layer=self.name, what=self.size)
        return whole if self.part else self.size

    @property
    def meaning(self) -> str:
        """A line on it in the language that is requested, for who opens it."""
        lang, method = self.request.lang, self.request.run.method
        if self.part is None:
            return method.words(lang).subtitle
        return ": ".join(self.part.words(lang))

    @property
    def rules(self) -> list[Rule]:
        """The lines of its style."""
        if self.part is None:
            return rules_of(self.request.run.method, self.request.lang)
        return shade_rules(self.part, self.request.lang)

    def rows(self) -> Iterator[pa.Table]:
        """Its rows as flat tables of one schema, a row group at a time; at least one table."""
        names, moments = (
            flat_names(self.table.schema.names, self.columns),
            len(self.request.moments),
        )
        for group in range(self.table.groups):
            yield flatten(self.table.read([group], names), moments)
        if not self.table.groups:
            yield flatten(self.table.schema.empty_table().select(names), moments)

    def without_outlines(self) -> Iterator[pa.Table]:
        """Its rows for formats without geometry."""
        return (rows.drop_columns([GEOMETRY]) for rows in self.rows())

    def titles(self) -> dict[str, tuple[str, str]]:
        """Title and description of each column of text, number or flag."""
        names = next(self.without_outlines()).column_names
        return {name: self._title(name) for name in names}

    def _title(self, name: str) -> tuple[str, str]:
        item, moments = item_of(self.columns, name), self.request.moments
        column = item[0] if item else self.columns[name]
        title, meaning = column.words(self.request.lang)
        at = f", {moments[item[1] - 1]} CET" if item and item[1] <= len(moments) else ""
        return f"{title}{at}", f"{meaning} [{column.unit}]" if column.unit else meaning


def requested(request: ExportRequest) -> list[TableLayer]:
    """The layers that a request names, of which the first is the one of formats that hold one: by
    default all. Raises InputError where none is of that name."""
    there = list(request.run.tables)
    if request.layer not in (None, *there):
        raise InputError(
            Text("layer {layer!r}", layer=request.layer),
            "of this run a {suffix} holds {there}",
            "a raster layer goes into a .tif or .png",
            suffix=request.to.suffix,
            there=there,
        )
    return [TableLayer(request, name) for name in there if request.layer in (None, name)]
